#!/usr/bin/env bash
# The tests of the packages (debian/tests) by Debian's own program for them, in a Debian that has nothing but what these packages ask for.
#   tests/system/autopkgtest.sh PACKAGES        PACKAGES: the folder of scripts/package.sh
# Needs root and the network. The file system is fetched once and kept as build/system/bare.tar.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
source scripts/packages.sh
packages=$(realpath "$1")
trap 'echo "autopkgtest: line $LINENO failed: $BASH_COMMAND" >&2' ERR
fail() {
  trap - ERR
  echo "autopkgtest: $*" >&2
  exit 1
}
[[ $EUID -eq 0 ]] || fail "changes its root: run it as root"
command -v autopkgtest >/dev/null || fail "autopkgtest is missing; scripts/setup.sh --system installs it"

mkdir -p build/system
work=$(realpath build/system)
tar=$work/bare.tar root=$work/bare tree=$work/tree log=$work/autopkgtest.log
if [[ ! -s $tar ]]; then
  echo "fetching a bare Debian"
  debian_sources
  mmdebstrap --quiet --mode=root --variant=buildd --include=apt-utils --format=tar bookworm - "${sources[@]}" >"$tar.part"
  mv "$tar.part" "$tar"
fi
clean_up() {
  local mounted
  for mounted in dev/pts proc; do if mountpoint -q "$root/$mounted"; then umount "$root/$mounted"; fi; done
  rm -rf --one-file-system "$root" "$tree"
}
clean_up
trap clean_up EXIT
mkdir "$root" "$tree"
tar -C "$root" -xf "$tar"
mkdir -p "$root/dev/pts"
mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
chroot "$root" apt-get -q update >"$log" 2>&1 || { cat "$log"; fail "apt-get update"; } # the lists are not kept in the file system
git archive HEAD | tar -x -C "$tree" # autopkgtest copies all that is there, build/ too
autopkgtest --no-built-binaries "$packages"/{libmth5-0,libmth5-dev,mth5-daq}_*.deb "$tree/" -- chroot "$root" >>"$log" 2>&1 ||
  { grep -A 20 ' - results - ' "$log" || tail -n 40 "$log"; fail "the tests of the packages fail; all that was said is in $log"; }
sed -n '/ summary$/,$ s/^\([a-z]*  *PASS\)$/\1/p' "$log"
