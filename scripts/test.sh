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
  build tsan
  say "tests (tsan): everything that runs threads"
  # Without what runs no thread of ours, or hardly more than Python.
  ctest --preset tsan -j 2 -L 'unit|integration|fault' -E 'NthCall|fault/Kill|fault/Readers|EqualsPython|MetadataNames|MetadataRoundTrip|examples_test|headers_test|layers_test|docs_test|install_test'
fi
say "all tests passed"
