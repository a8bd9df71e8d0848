#!/usr/bin/env bash
# The reports of mth5-summary, read by programs that are not ours: promtool (Prometheus), nagiosplugin, html5lib, Python's csv.
#   tests/system/parsers.sh BUILD
set -Eeuo pipefail
bin=$(realpath "$1")/bin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "parsers: $*" >&2; exit 1; }
promtool=$(command -v promtool || echo "$here/build/promtool/usr/bin/promtool")
[[ -x $promtool ]] || fail "promtool is missing: scripts/setup.sh --system fetches it"

# An hour that has all there is to say: ledger, clock, state of health, a gap.
"$bin/mth5-sim" lemi424 --to "file:$work/all.TXT" --speed max --start 2026-05-01T00:00:00Z --duration 1h --seed 3 2>/dev/null
awk 'NR < 1000 || NR > 1300' "$work/all.TXT" >"$work/day.TXT"
mkdir "$work/data"
printf 'survey: {id: TEST}\nstation: {id: MT01}\noutput: {directory: %s}\nsources:\n  - {name: lemi, file: {path: %s, speed: max}, instrument: lemi424}\n' \
  "$work/data" "$work/day.TXT" >"$work/mth5d.yaml"
"$bin/mth5d" --config "$work/mth5d.yaml" --until-eof 2>"$work/log" || fail "$(cat "$work/log")"
report() { "$bin/mth5-summary" --now 2026-05-01T01:00:10Z --since 1h --format "$1" "$work/data" >"$work/$1"; }
for format in prometheus csv html nagios; do
  wanted=0 status=0
  [[ $format != nagios ]] || wanted=2
  report $format || status=$?
  ((status == wanted)) || fail "$format: exit status $status"
done

"$promtool" check metrics <"$work/prometheus" || fail "promtool: what it says stands above"
/usr/bin/python3 - "$work" <<'EOF' || fail "Python: what it says stands above"
import csv, re, sys
import html5lib, nagiosplugin

work = sys.argv[1]
with open(f"{work}/html", "rb") as page:
    html5lib.HTMLParser(strict=True).parse(page)
with open(f"{work}/csv", newline="", encoding="utf-8") as table:
    rows = list(csv.DictReader(table, strict=True))
assert len(rows) == 9 and all(None not in row and float(row["completeness"]) < 100 for row in rows), rows[:1]
first = open(f"{work}/nagios", encoding="utf-8").readline()
text, figures = first.split("|")
assert text.startswith("MTH5 CRITICAL - ") and len(text) <= 81, text
known = {}
for item in figures.split():
    label, rest = re.fullmatch(r"([^=']+)=(.*)", item).groups()
    value, *ranges = rest.split(";")
    number, unit = re.fullmatch(r"(-?[0-9.]+|U)(s|%|c)?", value).groups()
    known[label] = float(number), [nagiosplugin.Range(one) for one in ranges]
    assert nagiosplugin.Performance(label, float(number), unit or "", *ranges), item
value, (warning, critical) = known["completeness"]
assert value not in critical and value not in warning, first  # beyond both: that is what the text says
assert known["battery_V"][0] in known["battery_V"][1][1], first
print(f"{len(known)} figures, {len(rows)} channels")
EOF
echo "parsers: good"
