#!/usr/bin/env bash
# libmth5's append + flush beside a raw write, plain C HDF5, h5py and the guide's Python: MTH5_SHARED/bench/compare.sh with our
# writer_bench entered as "ours".  writers.sh [options of compare.sh and of the writers]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
compare=${MTH5_SHARED:-$root/../shared}/bench/compare.sh
writer=${BUILD:-$root/build/release}/bench/writer_bench
python=${PYTHON:-$root/build/venv/bin/python}
fail() {
  printf 'writers.sh: error: %s\n' "$*" >&2
  exit 1
}
[[ -x $compare ]] || fail "$compare: is missing; set MTH5_SHARED to the folder that holds bench/compare.sh"
[[ -x $writer ]] || fail "$writer: is missing; build it: cmake --preset release && cmake --build --preset release"
[[ -x $python ]] || fail "$python: is missing; run scripts/setup.sh --test, or set PYTHON to a Python with mth5 and h5py"
mkdir -p "$root/build/bench"
exec "$compare" --python "$python" --dir "$root/build/bench" --also ours "$writer" "$@"
