#!/usr/bin/env bash
# The page of mth5-summary in a browser: at the width of a phone, on a desk, in the dark and on paper it fits, asks nothing of any network, and
# the console of the browser has nothing to say.
#   tests/system/page.sh BUILD [DIRECTORY]      DIRECTORY: where the pictures of it go, to be looked at
set -Eeuo pipefail
bin=$(realpath "$1")/bin
work=$(mktemp -d)
pictures=${2:-$work}
trap 'rm -rf "$work"' EXIT
trap 'echo "page: line $LINENO failed: $BASH_COMMAND" >&2' ERR
fail() { trap - ERR; echo "page: $*" >&2; exit 1; }

# Three stations: one that is well, one with a gap, one with an empty battery; a day each.
mkdir "$work/data" "$work/one"
for station in WELL GAP BATTERY; do
  "$bin/mth5-sim" lemi424 --to "file:$work/$station.all" --speed max --start 2026-05-01T00:00:00Z --duration 24h --seed 3 2>/dev/null
  case $station in
    WELL) cp "$work/WELL.all" "$work/WELL.TXT" ;;
    GAP) awk 'NR < 30000 || NR > 33000' "$work/GAP.all" >"$work/GAP.TXT" ;;
    BATTERY) awk '{$16 = "11.20"; print}' "$work/BATTERY.all" >"$work/BATTERY.TXT" ;;
  esac
  printf 'survey: {id: TEST}\nstation: {id: %s}\noutput: {directory: %s}\nsources:\n  - {name: lemi, file: {path: %s, speed: max}, instrument: lemi424}\n' \
    "$station" "$work/data" "$work/$station.TXT" >"$work/mth5d.yaml"
  "$bin/mth5d" --config "$work/mth5d.yaml" --until-eof 2>"$work/log" || fail "$(cat "$work/log")"
done
cp "$work"/data/GAP_*.h5 "$work/one"
report=("$bin/mth5-summary" --day 2026-05-01 --now 2026-05-02T00:00:10Z --format html)
"${report[@]}" --output "$work/one.html" "$work/one"
"${report[@]}" --output "$work/three.html" "$work/data"
first=$(grep -o 'href="#s1">[A-Z]*' "$work/three.html")
[[ $first == 'href="#s1">BATTERY' ]] || fail "not BATTERY but $first needs a visit first"

browser=$(command -v chromium || command -v chromium-browser) || fail "chromium is missing: scripts/setup.sh --system installs it"
# open NAME OPTION...: what the browser prints; it fails if the console said something, or an address of a network was asked for.
open() {
  local name=$1
  shift
  "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --user-data-dir="$work/profile" --enable-logging=stderr \
    --log-net-log="$work/net.json" --host-resolver-rules='MAP * ~NOTFOUND' --disable-background-networking --disable-component-update "$@" \
    >"$work/$name.out" 2>"$work/$name.err" || fail "$name: $(cat "$work/$name.err")"
  ! grep -E 'CONSOLE' "$work/$name.err" || fail "$name: the console of the browser is not empty"
}
# What was asked for, but what the browser wants for itself (no name is resolved, so nothing leaves the machine).
asked() {
  grep -oE '"url":"[a-z-]+:[^"]{0,60}' "$work/net.json" | sed 's/"url":"//' |
    grep -vE '^(file|data|chrome|about|chrome-extension|devtools|blob):|^https?://[a-z0-9.]*(google|googleapis|gvt1)\.com/' || true
}

for page in one three; do
  for size in phone:360,9000 desk:1280,4000 wide:1920,3000; do
    open "$page-${size%:*}" --window-size="${size#*:}" --screenshot="$pictures/$page-${size%:*}.png" "file://$work/$page.html"
    [[ -z $(asked) ]] || fail "$page: $(asked)"
    # How wide it is, and by how much the table of channels is cut off, by a script that the page itself does not allow.
    sed -e '/Content-Security-Policy/d' -e 's|</body>|<script>document.title = "width " + document.documentElement.scrollWidth + " of " + innerWidth + " cut " + Math.max(...[...document.querySelectorAll(".scroll:has(.channels)")].map(one => one.scrollWidth - one.clientWidth))</script>&|' \
      "$work/$page.html" >"$work/measured.html"
    open measured --window-size="${size#*:}" --dump-dom "file://$work/measured.html"
    read -r _ width _ inner _ cut < <(grep -oE 'width [0-9]+ of [0-9]+ cut [0-9]+' "$work/measured.out" | tail -n 1)
    ((width <= inner)) || fail "$page: ${size%:*}: $width px wide, and the window has $inner"
    [[ $size == phone:* ]] || ((cut == 0)) || fail "$page: ${size%:*}: $cut px of the table of channels are cut off"
  done
  open "$page-dark" --window-size=1280,4000 --blink-settings=preferredColorScheme=0 --screenshot="$pictures/$page-dark.png" "file://$work/$page.html"
  open "$page-paper" --no-pdf-header-footer --print-to-pdf="$pictures/$page.pdf" "file://$work/$page.html"
  [[ $(head -c 5 "$pictures/$page.pdf") == %PDF- ]] || fail "$page: no paper"
  grep -aqE '/MediaBox *\[ *0 0 (594|595)[.0-9]* (841|842)' "$pictures/$page.pdf" || fail "$page: the paper is not A4"
done
# It is dark in the dark.
cmp -s "$pictures/one-dark.png" "$pictures/one-desk.png" && fail "the page is the same in the dark"
(($(stat -c %s "$work/one.html") < 2000000 && $(stat -c %s "$work/three.html") < 2000000)) || fail "the pages are too large"
echo "page: good"
