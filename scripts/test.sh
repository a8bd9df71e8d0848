#!/usr/bin/env bash
# Sets everything up and runs all tests: with ASan and UBSan (preset dev), and those of threads again with TSan.
#   scripts/test.sh [--quick]      --quick: preset dev only
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
quick=no
for option in "$@"; do
  case $option in
    --quick) quick=yes ;;
    *) fail "unknown option $option (--quick)" ;;
  esac
done

scripts/setup.sh --test
build dev
say "tests (dev: ASan, UBSan)"
ctest --preset dev -j 2
if [[ $quick == no ]]; then
  # Only programs with threads of ours, and the tests that run them; what else there is gains nothing from TSan but time.
  threads=(unit_ring unit_recorder unit_stream_source integration_daemon integration_sim integration_service)
  for test in tests/fault/*_test.cpp; do
    name=$(basename "$test" _test.cpp)
    [[ $name == nth_call || $name == kill ]] || threads+=("fault_$name")
  done
  build tsan mth5d mth5-sim mth5-monitor mth5-summary mth5-recover "${threads[@]/%/_test}"
  say "tests (tsan): everything that runs threads"
  # Without what hardly does more than Python, and scripts.
  ctest --preset tsan -j 2 -L 'unit|integration|fault' -E 'EqualsPython|_test$'
fi
say "all tests passed"
