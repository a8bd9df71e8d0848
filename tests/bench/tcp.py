"""From a socket to a closed, synced file: mth5d with mth5-frame (5 channels of int32) and with lines of a LEMI-424, each beside a program
that copies the same socket to a file, synced at its end, without looking at what comes. Both in one run, --repeat times, by turns.

A sender of its own gives a recording made before as fast as it is taken. CPU: of the whole processes, and by thread of mth5d.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import bench_tools as tools
from many import by_thread

# Processes of their own, so that their CPU is their own. The sender tells its port first.
SENDER = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
peer, _ = server.accept()
with open(sys.argv[1], "rb") as recording:
    peer.sendfile(recording)
peer.shutdown(socket.SHUT_WR)
while peer.recv(4096):
    pass
"""
COPY = """
import os, socket, sys
s, block = socket.create_connection(("127.0.0.1", int(sys.argv[1]))), memoryview(bytearray(1 << 20))
out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
while n := s.recv_into(block):
    done = 0
    while done < n:
        done += os.write(out, block[done:n])
os.fdatasync(out)
"""


def run(recording, receiver):
    """receiver: port -> command. Returns (wall s, CPU s of the receiver, CPU s of the sender, its threads)."""
    sender = subprocess.Popen([sys.executable, "-c", SENDER, str(recording)], stdout=subprocess.PIPE, text=True)
    port = int(sender.stdout.readline())
    start = time.perf_counter()
    process = subprocess.Popen(receiver(port), stderr=subprocess.PIPE, text=True)
    threads = {}
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        try:
            for name, seconds in by_thread(process.pid).items():  # each up to its end
                threads[name] = max(seconds, threads.get(name, 0))
        except OSError:  # it ends just now
            pass
        time.sleep(0.01)
    wall = time.perf_counter() - start
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    _, _, sent = os.wait4(sender.pid, 0)
    sender.returncode = 0
    if process.returncode:
        tools.fail(f"{receiver(port)[0]}: exit code {process.returncode}\n{err}")
    return wall, usage.ru_utime + usage.ru_stime, sent.ru_utime + sent.ru_stime, threads


def daemon(o, folder, instrument, scratch):
    config, status = scratch / "tcp.yaml", scratch / "status.json"

    def command(port):
        config.write_text(f"""\
survey: {{id: BENCH}}
station: {{id: TCP}}
output: {{directory: {folder}, file_name: "TCP_{{start:%Y%m%dT%H%M%SZ}}.h5"}}
sources:
  - name: board
    tcp: {{host: 127.0.0.1, port: {port}}}
    instrument: {instrument}
    commands: {{start: []}}
""")
        return [tools.program(o.build / "bin/mth5d"), "--config", str(config), "--status-file", str(status), "--until-eof", "-q"]

    def check(samples):
        ledger = json.loads(status.read_text())["ledger"]
        stored = ledger["streams"][0]["samples_stored"]
        if not ledger["balanced"] or stored != samples:
            tools.fail(f"{instrument}: {stored} of {samples} samples are stored; balanced: {ledger['balanced']}")

    return command, check


def main():
    p = tools.options(__doc__)
    p.add_argument("--megabytes", type=int, default=200, help="of each recording (default %(default)s)")
    p.add_argument("--repeat", type=int, default=5, help="(default %(default)s)")
    o = p.parse_args()
    o.dir.mkdir(parents=True, exist_ok=True)
    folder = o.dir.resolve()
    os.environ["MTH5D_INSTRUMENTS"] = str(tools.REPO / "config/instruments")
    rows = [("", "MB/s, median (min..max)", "CPU s a GB", "of a copy's speed", "sender", "threads of mth5d")]
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        for instrument, rate, bytes_a_second in (("mth5-frame", 256, 5280), ("lemi424", 1, 151)):
            recording = folder / "tcp_recording.bin"
            recording.unlink(missing_ok=True)
            seconds = o.megabytes * 1_000_000 // bytes_a_second // 8 * 8
            subprocess.run([tools.program(o.build / "bin/mth5-sim"), instrument, "--to", f"file:{recording}", "--duration", f"{seconds}s", "--speed",
                            "max", "--signal", "counter", "--start", "2026-05-01T00:00:00Z", "-q"], check=True)
            size = recording.stat().st_size
            command, check = daemon(o, folder, instrument, scratch)
            ours, copies = [], []
            for _ in range(o.repeat):
                ours.append(run(recording, command))
                check(seconds * rate)
                copies.append(run(recording, lambda port: [sys.executable, "-c", COPY, str(port), str(folder / "tcp_copy.bin")]))
                for old in [*folder.glob("TCP_*.h5"), folder / "tcp_copy.bin"]:
                    old.unlink()
            recording.unlink()
            speed = lambda runs: [size / 1e6 / wall for wall, *_ in runs]
            cpu = lambda runs, i: statistics.median(run[i] for run in runs) / size * 1e9
            ratio = statistics.median(speed(ours)) / statistics.median(speed(copies))
            threads = {n: statistics.median(run[3].get(n, 0) / run[0] for run in ours) for n in ours[0][3]}
            rows.append((f"mth5d, {instrument}", tools.median_and_span(speed(ours), "{:.0f}"), f"{cpu(ours, 1):.2f}", f"{ratio:.2f}",
                         f"{cpu(ours, 2):.2f}", ", ".join(f"{n} {100 * share:.0f} %" for n, share in sorted(threads.items()) if share > 0.005)))
            rows.append((f"copy of the same", tools.median_and_span(speed(copies), "{:.0f}"), f"{cpu(copies, 1):.2f}", "1", f"{cpu(copies, 2):.2f}", ""))
    tools.table(rows)


if __name__ == "__main__":
    main()
