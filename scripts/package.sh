#!/usr/bin/env bash
# Debian packages of what is committed, into build/packages, and what lintian has to say of them.
#   scripts/package.sh [--again]      --again: build them twice, in two folders, and compare: to the byte the same
# Needs what scripts/setup.sh --package installs.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
again=no
for option in "$@"; do
  case $option in
    --again) again=yes ;;
    *) fail "unknown option $option (--again)" ;;
  esac
done
for program in dpkg-buildpackage dh lintian; do command -v $program >/dev/null || fail "$program is missing; scripts/setup.sh --package installs it"; done
version=$(dpkg-parsechangelog -S Version)
grep -q "^project(mth5-daq VERSION $version " CMakeLists.txt || fail "debian/changelog has $version, and CMakeLists.txt another version"

# packages FOLDER: made from a copy of the commit, so that nothing else gets in
packages() {
  rm -rf "$1"
  mkdir -p "$1/mth5-daq"
  git archive HEAD | tar -x -C "$1/mth5-daq"
  (cd "$1/mth5-daq" && logged "../build.log" dpkg-buildpackage --build=binary --no-sign)
}
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
