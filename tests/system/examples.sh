#!/usr/bin/env bash
# The examples of the library, built against an installed libmth5 and by add_subdirectory, run against each other and read by
# Python mth5.  examples.sh SOURCE BUILD
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
found/analyser 20 live.h5 second.h5 day.h5 >analyser.txt 2>&1 &
analyser=$!
wait $collector || fail "collector"
# The recorder rolls over, and then there is a day in which runs come and go while it is looked at.
found/collector second.h5 20 50 >second.txt 2>&1 || fail "the second collector"
"$build/bin/mth5-sim" lemi424 --to file:day.TXT --start 2026-05-01T00:00:00Z --duration 2h --speed max --fault drop=0.001 --seed 3 >sim.log 2>&1 ||
  fail "simulator"
cat >day.yaml <<'Y'
survey: {id: live_survey}
station: {id: MT002}
output: {directory: ., file_name: "day_{start:%Y}.h5"}
sources: [{name: lemi, instrument: lemi424, file: {path: day.TXT, speed: 3600}}]
Y
ln -s day_2026.h5 day.h5
"$build/bin/mth5d" --config day.yaml --until-eof >day.log 2>&1 || fail "mth5d"
wait $monitor || fail "monitor"
wait $analyser || fail "analyser"
[[ $(grep -c '^Chunk ' collector.txt) == 40 ]] || fail "the collector added other than 40 chunks"
for component in ex ey hx hy hz; do
  grep -q "^MT001/run_001a $component: 40000 total samples" monitor.txt || fail "the monitor did not see all of $component"
  [[ $(grep -c "^MT001/run_001a $component: " monitor.txt) -ge 3 ]] || fail "the monitor did not see $component grow"
  # 311 windows of the first file and 155 of the second
  [[ $(grep -c "^MT001 $component .*(466 windows)" analyser.txt) == 6 ]] || fail "the analyser did not see all of $component"
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
"$python" - <<'P' || fail "the spectra are not those of scipy"
import collections, h5py, numpy, scipy.signal
series = collections.defaultdict(list)  # by station and component, one array per run
for name in ("live.h5", "second.h5", "day.h5"):
    with h5py.File(name, "r") as file:
        def add(path, item):
            if isinstance(item, h5py.Dataset) and "/Stations/" in path and item.ndim == 1 and item.dtype.kind in "fi":
                station, run, component = path.split("/")[-3:]
                series[f"{station} {component}"].append((item[:], float(item.attrs["sample_rate"])))
        file.visititems(add)
seen = 0
for line in open("analyser.txt"):
    words = line.split()
    name, hz, ours, windows = " ".join(words[:2]), float(words[2]), float(words[4]), int(words[5][1:])
    starts = [(x[i : i + 256], rate) for x, rate in series[name] for i in range(0, len(x) - 255, 128)]
    assert len(starts) == windows, (line, len(starts))
    frequencies, right = scipy.signal.welch(numpy.array([x for x, _ in starts], float), starts[0][1], "hann", 256, axis=1)
    line_number = int(numpy.argmin(abs(frequencies - hz)))
    assert abs(right[:, line_number].mean() / ours - 1) < 1e-6, (line, right[:, line_number].mean())
    seen += 1
assert seen == 6 * (5 + 9), seen
assert len(series["MT002 bx"]) > 3, "runs must come and go"
P
echo "examples: good"
