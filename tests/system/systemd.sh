#!/usr/bin/env bash
# The packages under a real systemd: they are installed in a minimal Debian that boots in a container, a script in it tries what an operator
# does, and the machine is switched off. Needs root.
#   tests/system/systemd.sh PACKAGES        PACKAGES: the folder of scripts/package.sh
# The file system is fetched once, from where this machine has its packages, and kept as build/system/debian.tar.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
source scripts/packages.sh
packages=$(realpath "$1")
fail() {
  echo "systemd: $*" >&2
  exit 1
}
[[ $EUID -eq 0 ]] || fail "boots a container: run it as root"

work=build/system
mkdir -p "$work"
# With what the packages depend on: the container has no network.
tar=$work/debian.tar
mapfile -t wanted < <(dpkg-deb -f "$packages"/mth5-daq_*.deb Depends | tr ',' '\n'; dpkg-deb -f "$packages"/libmth5-0_*.deb Depends | tr ',' '\n')
wanted+=(chrony) # which is suggested
needed=$(printf '%s\n' "${wanted[@]}" | sed -E 's/\(.*//; s/\|.*//; s/ //g' | grep -v '^libmth5\|^$' | sort -u | paste -sd ,)
if [[ ! -s $tar || $(cat "$tar.needed" 2>/dev/null) != "$needed" ]]; then
  echo "fetching a minimal Debian with systemd"
  debian_sources
  mmdebstrap --quiet --variant=minbase --include="systemd,systemd-sysv,dbus,python3-h5py,$needed" --format=tar bookworm - "${sources[@]}" >"$tar.part"
  mv "$tar.part" "$tar"
  echo "$needed" >"$tar.needed"
fi

root=$work/root
rm -rf "$root"
mkdir "$root"
disk=$work/disk.img
trap 'umount "$root/var/lib/mth5d" 2>/dev/null || true; rm -rf "$root" "$disk"' EXIT
tar -C "$root" -xf "$tar"
mkdir "$root/packages"
cp "$packages"/{mth5-daq,libmth5-0}_*.deb "$root/packages/"
# The next version, for an upgrade: nothing but its number is another.
dpkg-deb -R "$packages"/mth5-daq_*.deb "$work/next"
version=$(dpkg-deb -f "$packages"/mth5-daq_*.deb Version)
sed -i "s/^Version: .*/Version: $version+next/" "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/next" "$root/packages/next.deb" >/dev/null
rm -r "$work/next"
chroot "$root" dpkg -i /packages/libmth5-0_"$version"_"$(dpkg --print-architecture)".deb /packages/mth5-daq_"$version"_"$(dpkg --print-architecture)".deb >"$work/install.log" 2>&1 ||
  { cat "$work/install.log"; fail "the packages cannot be installed"; }
grep -q 'say what to record in /etc/mth5d/mth5d.yaml' "$work/install.log" || { cat "$work/install.log"; fail "nothing says what comes next"; }
[[ ! -e $root/etc/systemd/system/multi-user.target.wants/mth5d.service ]] || fail "the service is enabled before anybody said what to record"
systemd-analyze security --offline=yes --threshold=20 --no-pager "$root"/lib/systemd/system/{mth5d,mth5d@,mth5-finalize@}.service >"$work/security.log" 2>&1 || { cat "$work/security.log"; fail "the units are exposed more than 2.0"; }
# --check-config, which the package suggests before anything runs, finds the folder that the service would make.
[[ $(chroot "$root" stat -c '%U:%G %a' /var/lib/mth5d) == "mth5d:mth5d 755" ]] || fail "/var/lib/mth5d is not there for --check-config: $(chroot "$root" stat -c '%U:%G %a' /var/lib/mth5d 2>&1)"
code=0
chroot "$root" /usr/bin/mth5d -c /etc/mth5d/mth5d.yaml >"$work/unset.log" 2>&1 || code=$?
grep -q 'sources: is empty' "$work/unset.log" && ((code == 3)) || { cat "$work/unset.log"; fail "with the configuration of the package mth5d ends with $code"; }
cp -r debian/tests "$root/tests"
cp tests/system/probe.sh "$root/probe.sh"
cc -shared -fPIC -O1 -Wall -Werror -o "$root/hang.so" tests/system/hang.c
# A disk of its own, which the probe can keep from answering.
rm -f "$disk"
truncate -s 256M "$disk"
mkfs.ext4 -q "$disk"
mkdir -p "$root/var/lib/mth5d"
mount -o loop "$disk" "$root/var/lib/mth5d"
: >"$root/etc/machine-id"
cat >"$root/etc/systemd/system/probe.service" <<'U'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /probe.sh
StandardOutput=append:/probe.log
StandardError=inherit
ExecStopPost=/bin/systemctl poweroff --no-block
TimeoutStartSec=480
[Install]
WantedBy=basic.target
U
# mth5d writes to a folder of systemd's making, and reads a socket of the container itself: it has no network.
mkdir -p "$root/etc/mth5d"
for name in mth5d east west; do
  cat >"$root/etc/mth5d/$name.yaml" <<Y
survey: {id: TEST}
station: {id: ${name^^}}
output: {directory: /var/lib/mth5d, reserve: 2MiB}
sources:
  - {name: lemi, serial: {device: /run/line-$name}, reconnect: {first: 100ms, limit: 200ms}, instrument: lemi424}
Y
done
mkdir -p "$root/etc/systemd/system/basic.target.wants" "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$root/etc/systemd/system/basic.target.wants/probe.service"
ln -s /lib/systemd/system/mth5d.service "$root/etc/systemd/system/multi-user.target.wants/mth5d.service"

timeout 600 systemd-nspawn --register=no --keep-unit --private-network -q -D "$root" -b >"$work/console.log" 2>&1 </dev/null ||
  { tail -n 30 "$work/console.log"; fail "the container did not end by itself"; }
cp "$root/probe.log" "$work/probe.log"
cat "$work/probe.log"
grep -qx "probe: good" "$work/probe.log" || fail "see above; the console is in $work/console.log"
