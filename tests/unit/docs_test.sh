#!/usr/bin/env bash
# What is written about the programs is true of them: options in man pages and --help, commands and files in the READMEs, the example of
# the library, the sample configuration, the service. Called with the source tree and the build tree.
set -u
source_dir=$1
bin=$2/bin
cd "$source_dir" || exit 1
broken=0
complain() {
  echo "docs: $*"
  broken=1
}
# The long options that a text on stdin names, one a line.
long_options() { grep -oE -- '(^|[^A-Za-z0-9-])--[a-z][a-z-]*' | grep -oE -- '--[a-z-]+' | sort -u; }
# section NAME: that section of a rendered page on stdin.
section() { awk -v name="$1" '/^[A-Z]/ {inside = ($0 == name)} inside'; }

command -v man >/dev/null || { complain "man is missing: scripts/setup.sh --test installs it"; exit 1; }
pages=0
for page in apps/*/*.[18]; do
  program=$(basename "${page%.*}")
  pages=$((pages + 1))
  [ -x "$bin/$program" ] || { complain "$page: there is no program $bin/$program"; continue; }
  warnings=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 "$page" 2>&1 >/dev/null)
  [ -z "$warnings" ] || complain "$page: $warnings"
  rendered=$(MANROFFSEQ='' MAN_KEEP_FORMATTING='' MANWIDTH=1000 man -P cat -E ascii -l "$page" 2>/dev/null | col -b)
  [ -n "$rendered" ] || complain "$page: renders to nothing"
  documented=$(section OPTIONS <<<"$rendered" | long_options)
  # An option's own line in --help: "  --set KEY=VALUE   …" or "  -c [ --config ] FILE   …".
  known=$("$bin/$program" --help | grep -E '^ +-' | sed -E 's/^ +(-. \[ )?(--[a-z-]+).*/\2/' | sort -u)
  [ -n "$known" ] || complain "$program --help: shows no option"
  for option in $known; do grep -qx -- "$option" <<<"$documented" || complain "$page: says nothing of $option"; done
  for option in $documented; do grep -qx -- "$option" <<<"$known" || complain "$page: $option is not an option of $program"; done
  for word in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
    grep -qx "$word" <<<"$rendered" || complain "$page: has no section $word"
  done
done
# Pages of file formats.
for page in apps/*/*.5; do
  pages=$((pages + 1))
  warnings=$(MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 "$page" 2>&1 >/dev/null)
  [ -z "$warnings" ] || complain "$page: $warnings"
done
"$bin/mth5d" --print-manual | diff - apps/mth5d/mth5d.yaml.5 || complain "apps/mth5d/mth5d.yaml.5: is not what mth5d --print-manual prints"
for folder in $(dirname apps/*/main.cpp); do
  ls "$folder"/*.[18] >/dev/null 2>&1 || complain "$folder: a program without a man page"
done
[ $pages -gt 0 ] || complain "no man page found below apps"

# commands FILE: its lines, continued ones joined, comments behind a command and chains of commands apart; without prose of the service.
commands() {
  sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' "$1" | { if [[ $1 == *.service.in ]]; then grep -v '^#'; else cat; fi; } |
    sed -E 's/[`#;|&]/\n/g'
}
# Options of our programs in all that users are told to type.
for text in README.md libmth5/README.md scripts/demo.sh config/mth5d.yaml systemd/*.service.in; do
  [ -f "$text" ] || { complain "$text: is missing"; continue; }
  for program in mth5d mth5-sim mth5-monitor mth5-summary mth5-recover; do
    known=$("$bin/$program" --help | long_options)
    used=$(commands "$text" | grep -oE "(^|[ /\"])$program\"? .*" | long_options)
    for option in $used; do grep -qx -- "$option" <<<"$known" || complain "$text: $program has no option $option"; done
  done
done

# The two commands come first in README.md, and every file that it or the library's README points to is there.
head -n 12 README.md | grep -q '^\./scripts/demo\.sh' || complain "README.md: does not begin with ./scripts/demo.sh"
head -n 12 README.md | grep -q '^\./scripts/test\.sh' || complain "README.md: does not begin with ./scripts/test.sh"
for script in $(grep -ohE '(\./)?scripts/[a-z]+\.sh' README.md CHANGELOG.md | sort -u); do
  [ -x "$script" ] || complain "README.md: $script is not there, or not executable"
done
for text in README.md libmth5/README.md; do
  for link in $(sed '/^```/,/^```$/d' "$text" | grep -oE '\]\([^)#]+' | sed 's/^](//' | grep -v '^https\?:'); do
    [ -e "$(dirname "$text")/$link" ] || complain "$text: links to $link, which is not there"
  done
done

# Pages that the code cites, and their sections: "mth5-format 2.1", "swmr-facts, section 3", "doc/journal.md, rule 4".
cited=0
while IFS=: read -r file line text; do
  for page in $(grep -oE '[A-Za-z0-9_/]*doc/[a-z0-9-]+\.md' <<<"$text"); do
    cited=$((cited + 1))
    [ -e "$page" ] || [ -e "libmth5/$page" ] || [ -e "$(dirname "$file")/$page" ] || complain "$file:$line: cites $page, which is not there"
  done
  for citation in $(grep -oE '(mth5-format|swmr-facts),?( sections?)? [0-9.]+[0-9]|(mth5-format|swmr-facts),?( sections?)? [0-9]' <<<"$text" |
    sed -E 's/,?( sections?)? /#/'); do
    cited=$((cited + 1))
    page=libmth5/doc/${citation%#*}.md section=${citation#*#}
    grep -qE "^#+ ${section//./\\.}\\.? " "$page" || complain "$file:$line: cites section $section of $page, which is not there"
  done
done < <(grep -rnE 'doc/[a-z0-9-]+\.md|mth5-format|swmr-facts' --include='*.cpp' --include='*.hpp' --include='*.md' libmth5 apps tests ./*.md)
[ $cited -gt 20 ] || complain "only $cited citations of pages found: the search is broken"
gone=$(grep -rnE '(protocols|interfaces|design|instruments|operations|field)\.md' --include='*.cpp' --include='*.hpp' libmth5 apps tests)
[ -z "$gone" ] || complain "cited, and not in this repository: $gone"

# Configurations: the sample, and those in README.md (YAML blocks with sources).
scratch=$(mktemp -d) && trap 'rm -rf "$scratch"' EXIT
check=(--check-config --set "output.directory=$scratch") # theirs need not be there where the tests run
"$bin/mth5d" --config config/mth5d.yaml "${check[@]}" >/dev/null || complain "config/mth5d.yaml: --check-config refuses it"
awk -v out="$scratch/" '/^```yaml$/ {n++; inside = 1; next} /^```$/ {inside = 0} inside {print > (out n ".yaml")}' README.md
checked=0
for config in $(grep -l '^sources:' "$scratch"/*.yaml); do
  "$bin/mth5d" --config "$config" "${check[@]}" >/dev/null || complain "README.md: a configuration in it is refused"
  checked=$((checked + 1))
done
[ $checked -gt 0 ] || complain "README.md: shows no configuration"

# The library's example is the one that is compiled and run.
test=tests/unit/library_readme_test.cpp
diff <(sed -n '/^```cpp$/,/^```$/p' libmth5/README.md | sed '1d;$d') \
  <(sed -n '/^\/\/ begin of/,/^\/\/ end of/p' $test | sed '1d;$d') || complain "libmth5/README.md: its example differs from $test"

[ $broken -eq 0 ] && echo "docs: good ($pages man pages, $checked configurations)"
exit $broken
