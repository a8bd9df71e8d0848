#!/usr/bin/env bash
# The programs for arm64, the processor of field boxes: built here with warnings as errors, and run by qemu. The unit tests pass, a day of
# a LEMI-424 gives the same samples as here, and a file of a recorder that was killed is recovered there and here.
#   tests/system/arm64.sh BUILD        BUILD: the programs of this machine
# Needs root, for the file system of the libraries; that is fetched once and kept as build/system/arm64.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
source scripts/packages.sh
build=$(realpath "$1")
trap 'echo "arm64: line $LINENO failed: $BASH_COMMAND" >&2' ERR
fail() {
  echo "arm64: $*" >&2
  exit 1
}
[[ $EUID -eq 0 ]] || fail "unpacks a file system: run it as root"
triplet=aarch64-linux-gnu
mkdir -p build/system
work=$(realpath build/system)
root=$work/arm64

# Unpacked only, nothing is run in it: what a script of a package would have set up is made by hand.
wanted=(libc6-dev libstdc++-12-dev linux-libc-dev "${library_packages[@]}")
if [[ $(cat "$root/.complete" 2>/dev/null) != "${wanted[*]}" ]]; then
  echo "fetching the libraries for arm64"
  rm -rf "$root"
  debian_sources
  mmdebstrap --quiet --mode=root --arch=arm64 --variant=extract --include="$(IFS=,; echo "${wanted[*]}")" bookworm "$root" "${sources[@]}"
  ln -sf hdf5-serial.pc "$root/usr/lib/$triplet/pkgconfig/hdf5.pc"
  while IFS= read -r link; do
    target=$(readlink "$link")
    ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$root$target")" "$link"
  done < <(find "$root/usr/lib" "$root/lib" -type l -lname '/*')
  rm -rf "$root/dev" # qemu would open its files
  echo "${wanted[*]}" >"$root/.complete"
fi

cat >"$work/arm64.cmake" <<C
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER $triplet-gcc)
set(CMAKE_CXX_COMPILER $triplet-g++)
set(CMAKE_LIBRARY_ARCHITECTURE $triplet)
set(CMAKE_SYSROOT $root)
set(CMAKE_FIND_ROOT_PATH $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L $root)
set(ENV{PKG_CONFIG_SYSROOT_DIR} $root)
set(ENV{PKG_CONFIG_LIBDIR} $root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig)
C
arm=build/arm64
# As README builds it on a field box: the preset release, which has warnings as errors.
cmake --preset release -B $arm -DCMAKE_TOOLCHAIN_FILE="$work/arm64.cmake" -DMTH5_BENCH=OFF >"$work/arm64.configure.log" 2>&1 ||
  { tail -n 30 "$work/arm64.configure.log"; fail "cannot be configured"; }
grep -qx 'MTH5_WERROR:[A-Z]*=ON' $arm/CMakeCache.txt || fail "warnings are no errors"
# make TARGET...: of warnings and errors, all that is said
make() { cmake --build $arm -j "$(nproc)" --target "$@" >"$work/arm64.build.log" 2>&1 || { tail -n 40 "$work/arm64.build.log"; fail "does not build: $*"; }; }
make programs
echo "arm64: the programs are built"
run() { qemu-aarch64-static -L "$root" "$arm/bin/$1" "${@:2}"; }
file "$arm/bin/mth5d" | grep -q 'ARM aarch64' || fail "these are no programs for arm64"

data=$(mktemp -d)
recorder=
trap '[[ -z $recorder ]] || kill -9 "$recorder" 2>/dev/null; rm -rf "$data"' EXIT
"$build/bin/mth5-sim" lemi424 --to "file:$data/day.txt" --duration 24h --speed max --start 2026-05-01T00:00:00Z --seed 7 2>/dev/null
# config NAME SPEED: a recorder of that day, into a folder of its name
config() {
  mkdir "$data/$1"
  cat >"$data/$1.yaml" <<Y
survey: {id: TEST}
station: {id: MT001}
output: {directory: $data/$1, reserve: 2MiB}
sync: {interval: 1s}
sources:
  - {name: lemi, file: {path: $data/day.txt, speed: $2}, instrument: lemi424}
Y
}
# channels FILE: their paths
channels() { h5ls -r "$1" | awk '$2 == "Dataset" && $1 ~ /\/sr1_[0-9]+\// {print $1}'; }
# same ONE OTHER: the samples of all channels, which are the same
same() {
  local n=0 channel
  [[ "$(channels "$1")" == "$(channels "$2")" ]] || fail "not the same channels: $1, $2"
  while IFS= read -r channel; do
    h5diff -q "$1" "$2" "$channel" "$channel" || fail "$channel differs: $1, $2"
    n=$((n + 1))
  done < <(channels "$1")
  ((n >= 9)) || fail "$1 has $n channels"
}

config here max
config arm max
"$build/bin/mth5d" --config "$data/here.yaml" --until-eof --status-file "$data/here.json" 2>"$data/here.log" || { cat "$data/here.log"; fail "this machine's own"; }
run mth5d --config "$data/arm.yaml" --until-eof --status-file "$data/arm.json" 2>"$data/arm.log" || { cat "$data/arm.log"; fail "mth5d"; }
same "$data"/here/*.h5 "$data"/arm/*.h5
run mth5-summary "$data/arm" | grep -q ': balanced$' || fail "the ledger of the day does not balance"
echo "arm64: a day has the samples that it has here"

config killed 20000
# Not by run: the process that is killed is the recorder itself, no shell around it.
qemu-aarch64-static -L "$root" "$arm/bin/mth5d" --config "$data/killed.yaml" --status-file "$data/killed.json" 2>"$data/killed.log" &
recorder=$!
deadline=$((SECONDS + 120))
until [[ $("$build/bin/mth5-summary" --format json "$data/killed" 2>/dev/null | sed -n 's/.*"n_samples": *\([0-9]*\).*/\1/p' | head -n 1) -gt 20000 ]]; do
  ((SECONDS < deadline)) || { cat "$data/killed.log"; fail "the recorder stores nothing"; }
  sleep 0.2
done
kill -9 $recorder
wait $recorder 2>/dev/null || true # that it was killed needs no line
recorder=
cp -r "$data/killed" "$data/killed-here"
run mth5-recover --check "$data"/killed/*.h5 || fail "a recovery there: exit $?"
"$build/bin/mth5-recover" --check "$data"/killed-here/*.h5 || fail "a recovery here of what was written there: exit $?"
same "$data"/killed/*.h5 "$data"/killed-here/*.h5
echo "arm64: a file of a recorder that was killed is recovered there and here"

# The unit tests of what depends on the processor, or of which everything else is made: the library with its journal, decoders, timelines, ring.
# The others are left out for time; some start programs or measure limits, which qemu has in its own way.
tests=(append file filter checksum journal journal_record reader time text_decoder frame_decoder clock timeline timeline_clock ring)
targets=("${tests[@]/%/_test}")
targets=("${targets[@]/#/unit_}")
make "${targets[@]}"
failed=()
n_tests=0
for target in "${targets[@]}"; do
  log=$work/arm64.$target.log
  qemu-aarch64-static -L "$root" "$arm/tests/$target" >"$log" 2>&1 </dev/null || failed+=("$target")
  n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) tests*\.$/\1/p' "$log")
  n_tests=$((n_tests + ${n:-0}))
done
for target in "${failed[@]}"; do grep -A8 -m 3 ': Failure$' "$work/arm64.$target.log" || tail -n 20 "$work/arm64.$target.log"; done
((${#failed[@]} == 0)) || fail "unit tests fail: ${failed[*]}"
((n_tests > 100)) || fail "only $n_tests unit tests ran"
echo "arm64: $n_tests unit tests of ${#targets[@]} programs pass"
