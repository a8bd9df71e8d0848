"""power_cut_disk.py IMAGE SOCKET KEEP SEED: a disk with a volatile cache, for one virtual machine, by NBD.

What is written stays in memory until the machine flushes; then it goes to IMAGE. SIGUSR1 cuts the power: at once, or so many requests later,
as SEED says, so that cuts come amid a sync too; the machine, whoever connected, is killed. Of what was not flushed KEEP survives: none, all (the
last of each sector), or some: each sector for itself in one of the versions it had, the old one too. Sectors have 4 KiB: torn below that, the
superblock of ext4 fails its checksum, and the file system is gone. Prints how many sectors were not flushed, and how many of them survived."""
import os
import random
import signal
import socket
import struct
import sys

SECTOR = 4096
READ, WRITE, DISCONNECT, FLUSH = range(4)
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1, 4, 8
FLAGS = HAS_FLAGS | SEND_FLUSH | SEND_FUA
EXPORT_NAME, ABORT, GO = 1, 2, 7
ACK, INFO, UNSUPPORTED = 1, 3, (1 << 31) + 1


LATEST = 40  # requests from the signal to the cut: a sync takes 5 to 15


class Gone(Exception):
    """The machine has no power any more."""


class Disk:
    def __init__(self, path, seed):
        self.fd = os.open(path, os.O_RDWR)
        self.size = os.fstat(self.fd).st_size
        self.cache = {}  # number of sector: its versions since the last flush, oldest first
        self.decide = random.Random(seed)
        self.left = None  # requests until the power is cut

    def read(self, offset, length):
        first = offset // SECTOR * SECTOR  # qemu itself also reads less than a sector
        data = bytearray(os.pread(self.fd, -(-(offset + length - first) // SECTOR) * SECTOR, first))
        for at in range(0, len(data), SECTOR):
            versions = self.cache.get((first + at) // SECTOR)
            if versions:
                data[at : at + SECTOR] = versions[-1]
        return data[offset - first : offset - first + length]

    def write(self, offset, data, stable):
        for at in range(0, len(data), SECTOR):
            sector = (offset + at) // SECTOR
            if stable:
                self.cache.pop(sector, None)
                os.pwrite(self.fd, data[at : at + SECTOR], offset + at)
            else:
                self.cache.setdefault(sector, []).append(data[at : at + SECTOR])

    def flush(self):
        for sector, versions in self.cache.items():
            os.pwrite(self.fd, versions[-1], sector * SECTOR)
        self.cache.clear()

    def lose_power(self, keep):
        kept = 0
        for sector, versions in sorted(self.cache.items()):
            version = {"none": 0, "all": len(versions), "some": self.decide.randint(0, len(versions))}[keep]
            if version > 0:
                os.pwrite(self.fd, versions[version - 1], sector * SECTOR)
                kept += 1
        return kept


def receive(peer, length):
    data = b""
    while len(data) < length:
        try:
            part = peer.recv(length - len(data))
        except ConnectionError as error:
            raise Gone from error
        if not part:
            raise Gone
        data += part
    return data


def shake_hands(peer, disk):
    """NBD's fixed newstyle negotiation."""
    peer.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
    no_zeroes = struct.unpack(">I", receive(peer, 4))[0] & 2
    while True:
        magic, option, length = struct.unpack(">8sII", receive(peer, 16))
        if magic != b"IHAVEOPT":
            raise ValueError("not a client of NBD")
        receive(peer, length)

        def reply(kind, data=b""):
            peer.sendall(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data)

        if option == EXPORT_NAME:
            peer.sendall(struct.pack(">QH", disk.size, FLAGS) + (b"" if no_zeroes else bytes(124)))
            return
        if option == GO:
            reply(INFO, struct.pack(">HQH", 0, disk.size, FLAGS))
            reply(ACK)
            return
        reply(ACK if option == ABORT else UNSUPPORTED)


def serve(peer, disk, cut):
    """One request after the other, so that a flush covers all that was answered before."""
    shake_hands(peer, disk)
    while True:
        if disk.left is not None:
            disk.left -= 1
            if disk.left < 0:
                cut()
        magic, flags, command, handle, offset, length = struct.unpack(">IHHQQI", receive(peer, 28))
        if magic != 0x25609513 or command > FLUSH or command == WRITE and (offset % SECTOR or length % SECTOR):
            raise ValueError(f"request {command} of {length} bytes at {offset} is not understood")
        if command == DISCONNECT:
            raise Gone
        answer = b""
        if command == READ:
            answer = disk.read(offset, length)
        elif command == WRITE:
            disk.write(offset, receive(peer, length), stable=flags & 1)
        else:
            disk.flush()
        try:
            peer.sendall(struct.pack(">IIQ", 0x67446698, 0, handle) + answer)
        except ConnectionError as error:
            raise Gone from error


image, address, keep, seed = sys.argv[1:]
disk = Disk(image, seed)
listener = socket.socket(socket.AF_UNIX)
listener.bind(address)
listener.listen()
listener.settimeout(60)  # of the machine that never comes
peer, _ = listener.accept()
peer.settimeout(None)
machine = struct.unpack("iII", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]


def cut():
    os.kill(machine, signal.SIGKILL)
    raise Gone


def announce(*_):
    disk.left = max(0, disk.decide.randint(-LATEST // 4, LATEST))
    if disk.left == 0:
        cut()


try:
    signal.signal(signal.SIGUSR1, announce)
    serve(peer, disk, cut)
except Gone:
    print(f"{len(disk.cache)} {disk.lose_power(keep)}")
