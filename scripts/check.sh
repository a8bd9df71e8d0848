#!/usr/bin/env bash
# What has to be good before a commit: scripts, format, layers, tests; each says what it does, all of them run.
#   scripts/check.sh [--tidy] [--no-tests]
#     --tidy       clang-tidy over the sources that differ from main (or over all, on main itself); takes minutes
#     --no-tests   without scripts/test.sh --quick
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tidy=no tests=yes
for option in "$@"; do
  case $option in
    --tidy) tidy=yes ;;
    --no-tests) tests=no ;;
    *) fail "unknown option $option (--tidy, --no-tests)" ;;
  esac
done
if [[ $tidy == yes ]]; then scripts/setup.sh --dev; else scripts/setup.sh --format; fi

failed=()
# check NAME COMMAND...: says what is checked, remembers what failed, goes on.
check() {
  say "$1"
  if "${@:2}"; then echo good; else failed+=("$1"); fi
}

# Tracked and new files, without what was deleted or is ignored.
sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [[ ! -f $file ]] || echo "$file"; done; }

scripts_parse() {
  local script good=0
  for script in $(sources '*.sh' .ci/run); do bash -n "$script" || good=1; done
  return $good
}
changed_sources() {
  local base=main changed
  git rev-parse --quiet --verify main >/dev/null || base=HEAD
  changed=$(git diff --name-only --diff-filter=d "$base" -- 'libmth5/*.cpp' 'apps/*.cpp')
  if [[ -n $changed ]]; then echo "$changed"; else sources 'libmth5/*.cpp' 'apps/*.cpp'; fi
}
run_tidy() {
  logged build/tidy.configure.log cmake -S . -B build/check -G Ninja -DCMAKE_BUILD_TYPE=Debug -DMTH5_BENCH=OFF -DMTH5_TESTS=OFF
  changed_sources | xargs -r -n 4 -P "$(nproc)" clang-tidy-14 -p build/check --quiet
}

check "format (clang-format 14; to repair: clang-format-14 -i FILE)" \
  xargs -r -a <(sources '*.cpp' '*.hpp') clang-format-14 --dry-run -Werror
check "scripts (bash -n)" scripts_parse
check "layers: which folder may include which" bash tests/unit/layers_test.sh "$root"
[[ $tidy == no ]] || check "clang-tidy 14" run_tidy
[[ $tests == no ]] || check "tests (scripts/test.sh --quick)" scripts/test.sh --quick

if ((${#failed[@]})); then
  say "failed:"
  printf '  %s\n' "${failed[@]}"
  trap - ERR
  exit 1
fi
say "all good"
