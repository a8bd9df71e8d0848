#!/usr/bin/env bash
# What a day of recording writes to a card: bytes and requests that reach the block device of an ext4 of its own, journal and all, with the
# defaults of mth5d; a LEMI-424, and five channels at 256 Hz, in real time.
#   card.sh [--minutes 15]
# Needs root (it mounts), BUILD (default build/release), 3 GB free in DIR (default build/bench).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(realpath "${BUILD:-$root/build/release}")
dir=${DIR:-$root/build/bench}
minutes=15
fail() {
  printf 'card.sh: error: %s\n' "$*" >&2
  exit 1
}
while (($#)); do
  case $1 in
    --minutes) minutes=$2; shift 2 ;;
    *) fail "unknown option: $1" ;;
  esac
done
[[ $EUID -eq 0 ]] || fail "mounts file systems: run it as root"
[[ -x $build/bin/mth5d ]] || fail "$build/bin/mth5d: is missing; build it: cmake --preset release && cmake --build --preset release"
mkdir -p "$dir"
work=$(mktemp -d -p "$(realpath "$dir")")
pids=()
clean_up() {
  ((${#pids[@]} == 0)) || { kill "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null || true
  local one
  for one in "$work"/*/; do if mountpoint -q "$one"; then umount "$one"; fi; done
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

declare -A instruments=([one]=lemi424 [many]=mth5-frame) was
for name in one many; do
  truncate -s 1500M "$work/$name.img"
  mkfs.ext4 -q "$work/$name.img"
  mkdir "$work/$name"
  mount -o loop,noatime "$work/$name.img" "$work/$name"
  cat >"$work/$name.yaml" <<Y
survey: {id: CARD}
station: {id: ${name^^}}
output: {directory: $work/$name}
sources:
  - {name: box, serial: {device: $work/line-$name}, instrument: ${instruments[$name]}}
Y
  "$build/bin/mth5-sim" "${instruments[$name]}" --quiet --to "pty:$work/line-$name" --speed 1 --duration "$((minutes + 10))min" &
  pids+=($!)
  "$build/bin/mth5d" --config "$work/$name.yaml" --status-file "$work/$name.json" 2>"$work/$name.log" &
  pids+=($!)
done
# figures NAME: bytes and requests written to its block device so far
figures() {
  sync -f "$work/$1"
  awk '{print $7 * 512, $5}' "/sys/block/$(basename "$(findmnt -no SOURCE "$work/$1")")/stat"
}
sleep 60 # a file that begins is no day
for name in one many; do was[$name]=$(figures "$name"); done
sleep $((minutes * 60))
for name in one many; do
  compgen -G "$work/$name/*.h5" >/dev/null || { cat "$work/$name.log"; fail "${instruments[$name]}: nothing was recorded"; }
  read -r bytes requests <<<"$(figures "$name")"
  read -r bytes_was requests_was <<<"${was[$name]}"
  awk -v name="${instruments[$name]}" -v bytes=$((bytes - bytes_was)) -v n=$((requests - requests_was)) -v days="$minutes" \
    'BEGIN {days /= 1440; printf "%s: %.2f GB and %.0f requests a day\n", name, bytes / days / 1e9, n / days}'
done
