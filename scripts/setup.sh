#!/usr/bin/env bash
# Installs what is needed to build and run (and with --test to test) on Debian 12. Needs root or sudo only if something is missing.
#   scripts/setup.sh [--test] [--format] [--dev] [--vm] [--system] [--package] [--peers]
#     --vm: for tests/fault/power_cut.sh, a kernel in build/vm too      --system: for scripts/test.sh --system      --package: for scripts/package.sh
#     --peers: programs of others for tests/peers, in build/peers; also packages of Python and Rust, with their versions pinned (of Rust those we name)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

source "$root/scripts/packages.sh"

build_packages=(g++ cmake ninja-build pkg-config git ca-certificates "${library_packages[@]}")
test_packages=(hdf5-tools e2fsprogs python3-venv python3-dev python3-jsonschema man-db procps strace)
dev_packages=(clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 gcovr tmux)
system_packages=(autopkgtest mmdebstrap systemd-container g++-aarch64-linux-gnu qemu-user-static hdf5-tools file tmux chromium python3-html5lib python3-nagiosplugin apache2-bin openssl)
package_packages=(debhelper lintian dpkg-dev)
peer_packages=(rustc-web cargo-web python3-venv)
vm_packages=(qemu-system-x86 busybox-static e2fsprogs python3-minimal)

packages=("${build_packages[@]}")
with_python=no with_kernel=no with_promtool=no with_peers=no
for option in "$@"; do
  case $option in
    --test) packages+=("${test_packages[@]}") with_python=yes ;;
    --format) packages+=(clang-format-14) ;;
    --system) packages+=("${system_packages[@]}") with_promtool=yes ;;
    --dev) packages+=("${dev_packages[@]}") ;;
    --package) packages+=("${package_packages[@]}") ;;
    --peers) packages+=("${peer_packages[@]}") with_peers=yes ;;
    --vm) packages+=("${vm_packages[@]}") with_kernel=yes ;;
    *) fail "unknown option $option (--test, --format, --dev, --vm, --system, --package, --peers)" ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  say "installing ${missing[*]}"
  as_root=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || fail "packages are missing (${missing[*]}); run as root, or install sudo"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p build

if [[ $with_python == yes ]]; then
  # Debian's own Python, whatever else is first on the PATH; versions pinned, so that tests mean the same tomorrow.
  wanted=$(sha256sum tests/requirements.txt | cut -d' ' -f1)
  if [[ $(cat build/venv/.requirements 2>/dev/null) != "$wanted" ]]; then
    say "Python environment with mth5 ($(grep -i '^mth5==' tests/requirements.txt))"
    rm -rf build/venv
    /usr/bin/python3 -m venv build/venv
    build/venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
    echo "$wanted" >build/venv/.requirements
  fi
fi

if [[ $with_peers == yes ]]; then
  wanted=$(sha256sum tests/peers/requirements.txt | cut -d' ' -f1)
  if [[ $(cat build/peers/venv/.requirements 2>/dev/null) != "$wanted" ]]; then
    say "Python environment with clients of SeedLink"
    rm -rf build/peers/venv
    /usr/bin/python3 -m venv build/peers/venv
    build/peers/venv/bin/pip install --quiet --disable-pip-version-check -r tests/peers/requirements.txt
    echo "$wanted" >build/peers/venv/.requirements
  fi
  say "server of the crate seedlink-rs-server"
  logged build/peers/cargo.log cargo build --release --manifest-path tests/peers/server/Cargo.toml --target-dir build/peers/target
fi

if [[ $with_promtool == yes ]] && ! command -v promtool >/dev/null && [[ ! -x build/promtool/usr/bin/promtool ]]; then
  # Taken apart, not installed: the server that comes with it is not wanted.
  say "promtool"
  mkdir -p build/promtool
  (cd build/promtool && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb)
fi

if [[ $with_kernel == yes ]] && ! compgen -G 'build/vm/boot/vmlinuz-*' >/dev/null; then
  # Taken apart, not installed: it is for the virtual machine alone.
  kernel=$(apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
  [[ -n $kernel ]] || fail "apt knows no package linux-image-cloud-amd64; run apt-get update"
  say "kernel for the virtual machine ($kernel)"
  mkdir -p build/vm
  (cd build/vm && apt-get download -qq "$kernel" && dpkg-deb -x "$kernel"_*.deb . && rm "$kernel"_*.deb)
fi
