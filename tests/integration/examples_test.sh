#!/usr/bin/env bash
# The examples of the library, built against an installed libmth5 and by add_subdirectory, run against each other and read by
# Python mth5.  examples_test.sh SOURCE BUILD
set -euo pipefail
source=$1 build=$2
python=${MTH5_TEST_PYTHON:-$source/build/venv/bin/python}
[[ -x $python ]] || { echo "examples: $python: is missing; scripts/setup.sh --test makes it"; exit 1; }
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$dir"' EXIT
fail() {
  echo "examples: $*"
  tail -n 20 "$dir"/*.log "$dir"/*.txt 2>/dev/null || true
  exit 1
}
# The flags of a sanitizer build go with the library, which is static.
sanitize=$(sed -n 's/^MTH5_SANITIZE:STRING=//p' "$build/CMakeCache.txt")
flags=${sanitize:+-fsanitize=$sanitize}
cmake --install "$build" --prefix "$dir/prefix" >"$dir/install.log" || fail "install"
cmake -S "$source/libmth5/examples" -B "$dir/found" -G Ninja -DCMAKE_PREFIX_PATH="$dir/prefix" -DCMAKE_CXX_FLAGS="$flags" >"$dir/found.log" 2>&1 &&
  cmake --build "$dir/found" >>"$dir/found.log" 2>&1 || fail "find_package(mth5)"
cmake -S "$source/libmth5/examples" -B "$dir/added" -G Ninja -DMTH5_SOURCE="$source" -DCMAKE_BUILD_TYPE=Debug >"$dir/added.log" 2>&1 &&
  cmake --build "$dir/added" --target monitor >>"$dir/added.log" 2>&1 || fail "add_subdirectory"

cd "$dir"
added/monitor live.h5 20 >monitor.txt 2>&1 &
monitor=$!
found/collector live.h5 40 50 >collector.txt 2>&1 &
collector=$!
until [[ -e live.h5 ]]; do kill -0 $collector 2>/dev/null || fail "the collector ended"; done
found/analyser live.h5 20 >analyser.txt 2>&1 &
analyser=$!
wait $collector || fail "collector"
wait $monitor || fail "monitor"
wait $analyser || fail "analyser"
[[ $(grep -c '^Chunk ' collector.txt) == 40 ]] || fail "the collector added other than 40 chunks"
for component in ex ey hx hy hz; do
  grep -q "^MT001/run_001a $component: 40000 total samples" monitor.txt || fail "the monitor did not see all of $component"
  [[ $(grep -c "^MT001/run_001a $component: " monitor.txt) -ge 3 ]] || fail "the monitor did not see $component grow"
  [[ $(grep -c "^$component .*(156 windows)" analyser.txt) == 6 ]] || fail "the analyser did not see all of $component"
done
grep -q '^file closed' monitor.txt || fail "the monitor did not see the end"
"$python" - <<'P' || fail "Python mth5"
from loguru import logger
logger.remove()
from mth5.mth5 import MTH5
m = MTH5()
m.open_mth5("live.h5", "r")
table = m.channel_summary.to_dataframe()
assert list(table.n_samples) == [40000] * 5 and set(table.component) == {"ex", "ey", "hx", "hy", "hz"}, table
hx = m.get_channel("MT001", "run_001a", "hx", "live_survey").to_channel_ts()
assert hx.n_samples == 40000 and 9 < hx.ts.std() < 11, hx
m.close_mth5()
P
echo "examples: good"
