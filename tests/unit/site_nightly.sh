#!/usr/bin/env bash
# That a good site stays GOOD, for a night: a simulated week at 1 Hz and a day at 64 Hz, each of many sites.
#   tests/unit/site_nightly.sh [--sites 20] [--build build/release]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
sites=20 build=$root/build/release
fail() {
  printf 'site_nightly.sh: error: %s\n' "$*" >&2
  exit 1
}
while (($#)); do
  case $1 in
    --sites) sites=$2 ;;
    --build) build=$2 ;;
    *) fail "unknown option $1 (--sites, --build)" ;;
  esac
  shift 2
done
# Of several test files in one program (MTH5_UNITY) as well.
program=$(ctest --test-dir "$build" -N -V -R '^unit/Verdict\.OfAGoodSite' 2>&1 | sed -n 's/.*Test command: \([^ ]*\) .*/\1/p' | sort -u) || true
[[ -x $program ]] || fail "$build: has no test Verdict.OfAGoodSite…; build it, or name another --build"
export MTH5_SITES=$sites
echo "site_nightly.sh: $sites sites"
exec "$program" --gtest_filter='*OfAGoodSite*'
