#!/usr/bin/env bash
# mth5d as installed, under a real systemd: a minimal Debian boots in a container, a script in it tries what an operator does, and
# the machine is switched off. Needs root.
#   tests/system/systemd.sh BUILD
# The file system is fetched once, from where this machine has its packages, and kept as build/system/debian.tar.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
fail() {
  echo "systemd: $*" >&2
  exit 1
}
[[ $EUID -eq 0 ]] || fail "boots a container: run it as root"

work=build/system
mkdir -p "$work"
tar=$work/debian.tar
if [[ ! -s $tar ]]; then
  echo "fetching a minimal Debian with systemd"
  sources=()
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [[ -s $list ]] && grep -q debian "$list"; then sources+=("$list"); fi
  done
  mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus --format=tar bookworm - "${sources[@]}" >"$tar.part"
  mv "$tar.part" "$tar"
fi

root=$work/root
rm -rf "$root"
mkdir "$root"
trap 'rm -rf "$root"' EXIT
tar -C "$root" -xf "$tar"
DESTDIR=$(realpath "$root") cmake --install "$build" --prefix /usr/local >/dev/null
# Their libraries, as this machine has them: it is a Debian 12 too.
mkdir -p "$root/usr/local/lib"
for library in $(ldd "$build"/bin/mth5* | awk '$2 == "=>" {print $3}' | sort -u); do
  [[ -e $root/usr/lib/$(uname -m)-linux-gnu/$(basename "$library") ]] || cp -L "$library" "$root/usr/local/lib/"
done
chroot "$root" /sbin/ldconfig
cp tests/system/probe.sh "$root/probe.sh"
: >"$root/etc/machine-id"
chroot "$root" /usr/sbin/useradd --system --groups dialout mth5d
cat >"$root/etc/systemd/system/probe.service" <<'U'
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /probe.sh
StandardOutput=append:/probe.log
StandardError=inherit
ExecStopPost=/bin/systemctl poweroff --no-block
TimeoutStartSec=300
[Install]
WantedBy=basic.target
U
# mth5d writes to a folder of systemd's making, and reads a socket of the container itself: it has no network.
mkdir -p "$root/etc/mth5d"
for name in mth5d east west; do
  cat >"$root/etc/mth5d/$name.yaml" <<Y
survey: {id: TEST}
station: {id: ${name^^}}
output: {directory: /var/lib/mth5d, reserve: 1MiB}
sources:
  - {name: lemi, serial: {device: /run/line-$name}, reconnect: {first: 100ms, limit: 200ms}, instrument: lemi424}
Y
done
mkdir -p "$root/etc/systemd/system/basic.target.wants" "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../probe.service "$root/etc/systemd/system/basic.target.wants/probe.service"
ln -s /usr/local/lib/systemd/system/mth5d.service "$root/etc/systemd/system/multi-user.target.wants/mth5d.service"

timeout 400 systemd-nspawn --register=no --keep-unit --private-network -q -D "$root" -b >"$work/console.log" 2>&1 </dev/null ||
  { tail -n 30 "$work/console.log"; fail "the container did not end by itself"; }
cp "$root/probe.log" "$work/probe.log"
cat "$work/probe.log"
grep -qx "probe: good" "$work/probe.log" || fail "see above; the console is in $work/console.log"
