#!/usr/bin/env bash
# What safety costs, beside a raw write and plain C HDF5, everything in one interleaved run; medians.
#   durable.sh [--repeats 5] [--batches 200] [--seconds 20] [--gigabytes G] [PART]...
# Parts: commits (durable and visible ones), syncs (counted by strace), bytes (to the medium, a sync every tenth flush), latency (beside
# a reader that never rests), recovery (of a file of G gigabytes, default 1; it is written, so as much has to be free). All by default.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BUILD:-$root/build/release}
shared=${MTH5_SHARED:-$root/../shared}/bench
dir=${DIR:-$root/build/bench}
python=${PYTHON:-$root/build/venv/bin/python}
repeats=5 batches=200 seconds=20 gigabytes=1 parts=()
fail() {
  printf 'durable.sh: error: %s\n' "$*" >&2
  exit 1
}
while (($#)); do
  case $1 in
    --repeats) repeats=$2; shift 2 ;;
    --batches) batches=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --gigabytes) gigabytes=$2; shift 2 ;;
    commits | syncs | bytes | latency | recovery) parts+=("$1"); shift ;;
    *) fail "unknown option or part: $1" ;;
  esac
done
((${#parts[@]})) || parts=(commits syncs bytes latency recovery)
[[ -x $build/bench/durable_bench ]] || fail "$build/bench/durable_bench: is missing; build it: cmake --preset release && cmake --build --preset release"
[[ -f $shared/compare.sh ]] || fail "$shared: has no compare.sh; set MTH5_SHARED to the folder that holds bench/compare.sh"
[[ -x $python ]] || python=python3
mkdir -p "$dir"

# The reference writers, as compare.sh builds them.
build_references() {
  local flags
  flags=$(pkg-config --cflags --libs hdf5)
  gcc -O2 -o "$dir/raw_writer" "$shared/raw_writer.c"
  # shellcheck disable=SC2086
  gcc -O2 -o "$dir/hdf5_writer" "$shared/hdf5_writer.c" $flags
}

table() { # table TITLE KEY FORMAT: lines "name<TAB>json" on stdin; medians with min..max, and ratios to raw and hdf5
  "$python" -c '
import json, statistics, sys
title, key, form = sys.argv[1:]
rows = {}
for line in sys.stdin:
    name, text = line.rstrip("\n").split("\t", 1)
    rows.setdefault(name, []).append(json.loads(text)[key])
median = {name: statistics.median(values) for name, values in rows.items()}
cells = [f"{name} {format(median[name], form)} ({format(min(v), form)}..{format(max(v), form)})" for name, v in rows.items()]
ours = median["libmth5"]
ratios = [f"x {name} {ours / median[name]:.2f}" for name in ("hdf5", "raw") if median.get(name)]
print(f"{title:28}", "   ".join(cells + ratios))
' "$@"
}

commits() {
  local sync shape c b
  for sync in --sync ""; do
    printf 'append + flush%s, us, median of the p50 of %s runs (min..max)\n' "${sync:+ + one sync}" "$repeats"
    for shape in 5x1000 5x24000 7x1 50x100; do
      c=${shape%x*} b=${shape#*x}
      for ((r = 0; r < repeats; ++r)); do
        for name in raw hdf5 libmth5; do
          program=$dir/${name}_writer
          [[ $name == libmth5 ]] && program=$build/bench/writer_bench
          # shellcheck disable=SC2086
          printf '%s\t%s\n' $name "$("$program" --channels "$c" --batch "$b" --batches "$batches" $sync --out "$dir/durable.out" | tail -1)"
        done
      done | table "  $shape" us_p50 .0f
    done
  done
}

# Calls of fdatasync and fsync of one run of N batches, less those of a run of one batch.
count_syncs() {
  local n
  n=$(strace -f -c -S calls -e trace=fdatasync,fsync "$build/bench/writer_bench" --batches "$@" --out "$dir/durable.out" 2>&1 >/dev/null |
    awk '$NF ~ /^f(data)?sync$/ { sum += $4 } END { print sum + 0 }')
  echo "$n"
}
syncs() {
  command -v strace >/dev/null || fail "strace is missing; apt install strace"
  local sync
  for sync in --sync ""; do
    printf 'syncs per commit, %s: %s\n' "$([[ -n $sync ]] && echo durable || echo visible)" \
      "$("$python" -c 'import sys; print((int(sys.argv[1]) - int(sys.argv[2])) / 100)' "$(count_syncs 101 $sync)" "$(count_syncs 1 $sync)")"
  done
}

bytes() {
  local shape c b n
  printf 'bytes to the medium per byte of samples, a flush each batch, a sync every tenth\n'
  for shape in 7x1x2000 5x256x1000 5x24000x100; do
    IFS=x read -r c b n <<<"$shape"
    for ((r = 0; r < repeats; ++r)); do
      for name in raw hdf5 libmth5; do
        printf '%s\t%s\n' $name "$("$build/bench/durable_bench" bytes --writer $name --channels "$c" --batch "$b" --commits "$n" --out "$dir/durable.out")"
      done
    done | table "  ${c}x$b" bytes_per_byte .2f
  done
}

latency() {
  printf '5x1000, 50 commits a second, every tenth durable, for %s s beside a reader that never rests\n' "$seconds"
  "$build/bench/durable_bench" latency --seconds "$seconds" --out "$dir/durable.out"
}

recovery() {
  printf 'a file of %s GB, killed while live, nothing of it in memory\n' "$gigabytes"
  local free
  free=$(df --output=avail -B 1000000 "$dir" | tail -1)
  ((free > ${gigabytes%.*} * 1200)) || fail "$dir: has $free MB free, a file of $gigabytes GB needs 1.2 times its size; --gigabytes takes less"
  "$build/bench/durable_bench" recovery --gigabytes "$gigabytes" --out "$dir/durable.out"
}

build_references
for part in "${parts[@]}"; do $part; done
rm -f "$dir/durable.out"
