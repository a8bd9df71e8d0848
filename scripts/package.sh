#!/usr/bin/env bash
# Debian packages of what is committed, into build/packages, and what lintian has to say of them.
#   scripts/package.sh [--again]      --again: build them twice, in two folders, and compare: to the byte the same
#   scripts/package.sh --arm64        for the processor of field boxes, cross-built in a Debian of their own, which is fetched once and kept as
#                                     build/system/cross; needs root
# Needs what scripts/setup.sh --package installs; --arm64 what --system installs.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source scripts/packages.sh
again=no arm64=no
for option in "$@"; do
  case $option in
    --again) again=yes ;;
    --arm64) arm64=yes ;;
    *) fail "unknown option $option (--again, --arm64)" ;;
  esac
done
for program in dpkg-buildpackage dh lintian; do command -v $program >/dev/null || fail "$program is missing; scripts/setup.sh --package installs it"; done
version=$(dpkg-parsechangelog -S Version)
grep -q "^project(mth5-daq VERSION $version " CMakeLists.txt || fail "debian/changelog has $version, and CMakeLists.txt another version"

# cross_packages: for arm64, by Debian's own way: compilers of this processor, libraries of the other, and nothing of the machine's own
cross_packages() {
  [[ $EUID -eq 0 ]] || fail "--arm64 builds in a file system of its own: run it as root"
  command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing; scripts/setup.sh --system installs it"
  local cross=build/system/cross wanted=(crossbuild-essential-arm64) sources name
  mapfile -t depends < <(sed -n '/^Build-Depends:/,/^[A-Z]/p' debian/control | sed -E 's/^Build-Depends://; /^[A-Z]/d; s/\(.*//; s/,//g; s/ //g' | grep .)
  for name in "${depends[@]}"; do
    case $name in
      debhelper-compat) wanted+=(debhelper) ;;
      dh-* | cmake | ninja-build | nlohmann-json3-dev) wanted+=("$name") ;; # tools, and headers of no processor
      pkg-config) wanted+=(pkgconf:arm64) ;;                                  # which asks for the other processor's
      *) wanted+=("$name:arm64") ;;
    esac
  done
  wanted=$(IFS=,; echo "${wanted[*]}")
  if [[ $(cat "$cross/.complete" 2>/dev/null) != "$wanted" ]]; then
    say "fetching a Debian that builds for arm64"
    rm -rf "$cross"
    debian_sources
    mkdir -p build/system
    mmdebstrap --quiet --mode=root --variant=buildd --architectures="$(dpkg --print-architecture),arm64" --include="$wanted" bookworm "$cross" "${sources[@]}"
    echo "$wanted" >"$cross/.complete"
  fi
  say "packages of version $version for arm64"
  rm -rf "$cross/build"
  mkdir -p "$cross/build/mth5-daq" build/packages/arm64
  git archive HEAD | tar -x -C "$cross/build/mth5-daq"
  logged build/packages/arm64/build.log chroot "$cross" sh -c 'cd /build/mth5-daq && dpkg-buildpackage -aarm64 --build=any --no-sign -Pcross,nocheck'
  rm -f build/packages/arm64/*.deb
  mv "$cross"/build/*.deb build/packages/arm64/
  rm -rf "$cross/build"
  local program
  program=$(mktemp -d)
  dpkg-deb -x build/packages/arm64/mth5-daq_*_arm64.deb "$program"
  file -b "$program/usr/bin/mth5d" | grep -q 'ARM aarch64' || fail "mth5d of the package is none for arm64"
  rm -r "$program"
}

# packages FOLDER: made from a copy of the commit, so that nothing else gets in
packages() {
  rm -rf "$1"
  mkdir -p "$1/mth5-daq"
  git archive HEAD | tar -x -C "$1/mth5-daq"
  (cd "$1/mth5-daq" && logged "../build.log" dpkg-buildpackage --build=binary --no-sign)
}
if [[ $arm64 == yes ]]; then
  cross_packages
  say "lintian"
  lintian --allow-root --fail-on error,warning --tag-display-limit 0 build/packages/arm64/*.deb
  ls -l build/packages/arm64/*.deb
  exit
fi
say "packages of version $version"
packages build/packages/work
rm -f build/packages/*.deb
mv build/packages/work/*.deb build/packages/
if [[ $again == yes ]]; then
  say "the same once more, elsewhere"
  packages build/packages/another-folder/work
  for package in build/packages/*.deb; do
    cmp "$package" "build/packages/another-folder/work/$(basename "$package")" || fail "$(basename "$package") is not the same when it is built again"
  done
  rm -rf build/packages/another-folder
  say "the same to the byte"
fi
rm -rf build/packages/work/mth5-daq
say "lintian"
lintian --allow-root --fail-on error,warning --tag-display-limit 0 build/packages/*.deb
ls -l build/packages/*.deb
