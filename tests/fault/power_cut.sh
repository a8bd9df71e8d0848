#!/usr/bin/env bash
# A true power cut: a virtual machine records into a file of ours on ext4, says on its console what it was promised, and is gone in the
# midst of it. Its disk is then read: the file system by e2fsck, the file by mth5-recover --check and by the checker of ../crash.
#   tests/fault/power_cut.sh [--cuts N] [--seed S]        5 cuts and seed 1 unless told
#
# What it tests: all that lies between sync() and the medium in a real kernel: page cache, write-back, ext4 and its journal, delayed
# allocation, names, the flushes that the kernel sends and those it does not. qemu is killed with SIGKILL after a number of lines on the
# console and then of requests to the disk that follow from the seed, so what the guest holds in memory is lost. The disk
# (power_cut_disk.py) has a volatile cache, as disks have: of what the guest wrote but did not flush nothing survives, or all, or sectors
# at random, in turn. With a disk of qemu's own all would survive whatever its cache= says: killing qemu leaves the host's page cache alone.
# What it does not test: a medium that lies about flushes, tears its sectors (of 4 KiB here, what ext4 needs) or dies with its power.
# Cuts are few: the states of a file that a cut can leave are gone through by the thousand by ../crash, 512-byte sectors too.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
PATH=$PATH:/usr/sbin:/sbin

cuts=5 seed=1
while (($#)); do
  [[ $# -ge 2 && $2 =~ ^[0-9]{1,9}$ ]] || fail "usage: power_cut.sh [--cuts N] [--seed S]"
  case $1 in
    --cuts) cuts=$2 ;;
    --seed) seed=$2 ;;
    *) fail "unknown option $1 (--cuts N, --seed S)" ;;
  esac
  shift 2
done

missing=()
for program in qemu-system-x86_64 mkfs.ext4 debugfs python3 gzip; do
  command -v "$program" >/dev/null || missing+=("$program")
done
busybox=$(command -v busybox) && ! ldd "$busybox" &>/dev/null || missing+=("busybox (static)")
kernel=$(compgen -G 'build/vm/boot/vmlinuz-*' | sort -V | tail -n 1) || missing+=("a kernel in build/vm")
((${#missing[@]} == 0)) || fail "missing: $(printf '%s, ' "${missing[@]}")run scripts/setup.sh --vm"

build release power_cut_writer power_cut_check mth5-recover
bin=build/release/bin crash=build/release/crash

work=$(mktemp -d)
qemu='' disk=''
# shellcheck disable=SC2329  # by the trap
clean_up() {
  [[ -z $qemu ]] || kill -9 "$qemu" 2>/dev/null || true
  [[ -z $disk ]] || kill -9 "$disk" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The machine's only file system besides its disk: busybox, the modules for that disk, the writer with its libraries.
make_initramfs() {
  local to=$work/initramfs version=${kernel#*vmlinuz-} library
  mkdir -p "$to"/{bin,dev,proc,sys,data} "$to/lib/modules/$version"
  cp "$busybox" "$to/bin/busybox"
  cp $crash/power_cut_writer "$to/bin/writer"
  while read -r library; do
    install -D -m 755 "$library" "$to$library"
  done < <(ldd $crash/power_cut_writer | grep -o '/[^ ]*')
  (cd "build/vm/lib/modules/$version" && find kernel \( -name 'virtio*.ko' -o -name ext4.ko -o -name jbd2.ko -o -name mbcache.ko \
    -o -name 'crc*.ko' \) -exec cp --parents -t "$to/lib/modules/$version" {} +)
  cp build/vm/lib/modules/"$version"/modules.{builtin,order} "$to/lib/modules/$version/"
  "$busybox" depmod -b "$to" "$version"
  cat >"$to/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
for module in virtio_pci virtio_blk ext4; do modprobe $module; done
stty -F /dev/ttyS1 115200 raw -echo
mount -t ext4 /dev/vda /data && /bin/writer "$scenario" "$seed" /data/power.h5 1000000 >/dev/ttyS1
echo "the writer ended: $?"
poweroff -f
INIT
  chmod 755 "$to/init"
  (cd "$to" && find . | "$busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initramfs.gz"
}

# Runs the machine until the writer has said `limit` lines, and a little longer: what it said is then in console, what the disk did in lost.
run_machine() {
  local scenario=$1 limit=$2 keep=$3 cut_seed=$4 lines=0 line
  rm -f "$work"/{image,socket,console,boot,lost,serial}
  truncate -s 256M "$work/image"
  mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
  python3 tests/fault/power_cut_disk.py "$work/image" "$work/socket" "$keep" "$cut_seed" >"$work/lost" &
  disk=$!
  until [[ -S $work/socket ]]; do kill -0 "$disk" || fail "the disk did not start"; done
  mkfifo "$work/serial"
  # no_timer_check: on a busy host Linux takes the emulated timer for a broken one.
  qemu-system-x86_64 -accel tcg -cpu max -m 512 -nodefaults -no-reboot -display none -kernel "$kernel" -initrd "$work/initramfs.gz" \
    -append "console=ttyS0 quiet panic=-1 no_timer_check scenario=$scenario seed=$cut_seed" \
    -drive "if=none,id=disk,format=raw,cache=none,file.driver=nbd,file.server.type=unix,file.server.path=$work/socket" \
    -device virtio-blk-pci,drive=disk,write-cache=on,logical_block_size=4096,physical_block_size=4096 \
    -serial "file:$work/boot" -serial stdio >"$work/serial" 2>"$work/qemu" &
  qemu=$!
  while IFS= read -r -t 120 line; do
    printf '%s\n' "$line"
    ((++lines == limit)) && kill -USR1 "$disk" # which kills it; what it says until then is read to its end
  done <"$work/serial" >"$work/console"
  if ((lines < limit)); then
    tail -n 20 "$work/qemu" "$work/boot" >&2
    fail "cut of seed $cut_seed ($scenario): the machine said $lines of $limit lines, then nothing for 120 s or its end"
  fi
  wait "$qemu" 2>/dev/null || true
  qemu=''
  wait "$disk" || fail "the disk failed"
  disk=''
}

# Says what is wrong with the file on the disk, or nothing.
examine() {
  local file=$work/power.h5 cut_seed=$1 code=0
  rm -f "$file"*
  e2fsck -p "$work/image" >"$work/fsck" 2>&1 || code=$? # replays the journal of ext4; 1 = it put things right, as a mount does
  ((code <= 1)) || {
    echo "file system damaged: $(grep -m 1 . "$work/fsck")"
    return
  }
  debugfs -R "dump /power.h5 $file" "$work/image" >/dev/null 2>&1
  if [[ -e $file ]] && ! $bin/mth5-recover --check --json "$file" >"$work/recover" 2>&1; then
    echo "mth5-recover: $(tail -n 1 "$work/recover")"
    return
  fi
  $crash/power_cut_check "$file" "$work/console" "$cut_seed" >"$work/check" 2>&1 || tail -n 1 "$work/check"
}

say "the machine: $(basename "$kernel")"
make_initramfs
scenarios=(edits tenth partial10 roll chunk20 frames each many)
keeps=(some none all)
say "$cuts power cuts, seed $seed"
begin=$SECONDS failures=0
for ((cut = 0; cut < cuts; ++cut)); do
  cut_seed=$((seed + cut))
  hash=$(cksum <<<"$cut_seed" | cut -d' ' -f1)
  scenario=${scenarios[cut_seed % ${#scenarios[@]}]} keep=${keeps[hash / 200 % ${#keeps[@]}]} limit=$((1 + hash % 200))
  started=$SECONDS
  run_machine "$scenario" "$limit" "$keep" "$cut_seed"
  read -r unflushed survived <"$work/lost"
  acknowledged=$(grep -c '^durable' "$work/console" || true)
  verdict=$(examine "$cut_seed")
  printf 'seed %d: %-9s cut at line %3d, %3d durable commits acknowledged, %5d sectors not flushed, %5d of them kept (%s): %s (%d s)\n' \
    "$cut_seed" "$scenario" "$limit" "$acknowledged" "$unflushed" "$survived" "$keep" "${verdict:-good}" $((SECONDS - started))
  if [[ -n $verdict ]]; then
    failures=$((failures + 1))
    kept=build/vm/failed-$cut_seed
    mkdir -p "$kept"
    cp --sparse=always "$work"/{image,console} "$kept/"
    echo "    its disk and console are in $kept; again, but for the moment: tests/fault/power_cut.sh --cuts 1 --seed $cut_seed"
  fi
done
((failures == 0)) || fail "$failures of $cuts cuts failed, in $((SECONDS - begin)) s"
say "$cuts cuts, all good, in $((SECONDS - begin)) s"
