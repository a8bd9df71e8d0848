#!/usr/bin/env bash
# The tests of kill_test.cpp for a night: more kills, and a reader that is stopped for a minute.
#   tests/fault/kill_nightly.sh [--kills 1000] [--seed S] [--stopped SECONDS] [--build build/release]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kills=1000 seed=$((RANDOM * 32768 + RANDOM)) stopped=60 build=$root/build/release
fail() {
  printf 'kill_nightly.sh: error: %s\n' "$*" >&2
  exit 1
}
while (($#)); do
  case $1 in
    --kills) kills=$2 ;;
    --seed) seed=$2 ;;
    --stopped) stopped=$2 ;;
    --build) build=$2 ;;
    *) fail "unknown option $1 (--kills, --seed, --stopped, --build)" ;;
  esac
  shift 2
done
[[ -x $build/tests/fault_kill_test ]] || fail "$build/tests/fault_kill_test: is missing; build it, or name another --build"
export MTH5_KILLS=$kills MTH5_SEED=$seed MTH5_STOP_SECONDS=$stopped
export MTH5_TEST_PYTHON=${MTH5_TEST_PYTHON:-$root/build/venv/bin/python}
echo "kill_nightly.sh: $kills kills from seed $seed on"
exec "$build/tests/fault_kill_test"
