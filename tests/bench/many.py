"""What mth5d costs with many instruments at once: --sources of 5 channels of int32, each with a station, a port and a line of its own
(mth5-frame from mth5-sim over TCP), --rate Hz, --seconds long, into one file.

With --seedlink they are records of miniSEED of one station, which a SeedLink server (mth5-sim) sends to each source over a connection of its own.

CPU from the scheduler's clock, by thread; memory from /proc, for one source and for all, so that what a stream costs can be told from
what the program costs. In the same run a program that only receives: it copies the sockets to a file without decoding.
"""
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import bench_tools as tools
from live import snapshot, status, wait_for


def free_ports(n):
    held = [socket.socket() for _ in range(n)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def simulators(o, ports, profile):
    if o.seedlink:
        return [subprocess.Popen([tools.program(o.build / "bin/mth5-sim"), str(profile), "--to", f"seedlink:127.0.0.1:{ports[0]}", "--speed", "1", "-q"],
                                 stderr=subprocess.DEVNULL)]
    return [subprocess.Popen([tools.program(o.build / "bin/mth5-sim"), str(profile), "--to", f"tcp-listen:127.0.0.1:{port}", "--speed", "1",
                              "--seed", str(port), "-q"], stderr=subprocess.DEVNULL) for port in ports]


def by_thread(pid):
    """Seconds of CPU, by the name of the thread."""
    seconds = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        seconds[name] = seconds.get(name, 0) + int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def end(processes):
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def record(o, n, scratch, folder, profile):
    ports = free_ports(n)
    inputs = [f"seedlink: {{host: 127.0.0.1, port: {ports[0]}, streams: [XX_SIM]}}" if o.seedlink else f"tcp: {{host: 127.0.0.1, port: {port}}}"
              for port in ports]
    sources = "\n".join(f"""\
  - name: s{i}
    {source}
    instrument: {profile.stem}
    station: {{id: B{i:03}}}""" for i, source in enumerate(inputs))
    config, status_file = scratch / "many.yaml", scratch / "status.json"
    config.write_text(f"""\
survey: {{id: BENCH}}
station: {{id: B000}}
ring: {o.ring}
output: {{directory: {folder}, file_name: "MANY_{{start:%Y%m%dT%H%M%SZ}}.h5"}}
sources:
{sources}
""")
    sims = simulators(o, ports, profile)
    daemon = None
    try:
        daemon = subprocess.Popen([tools.program(o.build / "bin/mth5d"), "--config", str(config), "--status-file", str(status_file)],
                                  stderr=subprocess.PIPE, text=True)
        counted = lambda: [c["n_samples"] for c in (status(status_file) or {}).get("channels", [])]
        wait_for(lambda: daemon.poll() is not None or (len(counted()) == 5 * n and min(counted()) > 0), "samples of all sources")
        if daemon.poll() is not None:
            tools.fail(f"mth5d ended: {daemon.stderr.read()}")
        time.sleep(2)
        before, threads, samples = snapshot(daemon.pid), by_thread(daemon.pid), sum(counted())
        time.sleep(o.seconds)
        after, threads_after, samples = snapshot(daemon.pid), by_thread(daemon.pid), sum(counted()) - samples
        if not status(status_file)["ledger"]["balanced"]:
            tools.fail("the ledger is not balanced")
        daemon.send_signal(signal.SIGTERM)
        if daemon.wait(timeout=60):
            tools.fail(f"mth5d: exit code {daemon.returncode}: {daemon.stderr.read()}")
    finally:
        end(sims + ([daemon] if daemon else []))
    window = after["time"] - before["time"]
    expected = window * o.rate * 5 * n
    if abs(samples - expected) > 0.1 * expected + 10 * o.rate * n:
        tools.fail(f"{samples} samples in {window:.1f} s, expected {expected:.0f}: the simulators could not keep up")
    return {"window": window, "samples": samples, "rss": after["rss_mib"], "hwm": after["hwm_mib"],
            "cpu": {name: threads_after[name] - threads.get(name, 0) for name in threads_after},
            "wchar": after["wchar"] - before["wchar"]}


# A process of its own, so that its CPU is its own.
COPY = """
import selectors, socket, sys
out, select = open(sys.argv[1], "wb", buffering=0), selectors.DefaultSelector()
for port in sys.argv[2:]:
    s = socket.create_connection(("127.0.0.1", int(port)))
    select.register(s, selectors.EVENT_READ)
while True:
    for key, _ in select.select():
        out.write(key.fileobj.recv(65536))
"""


def copy(o, n, folder, profile):
    ports = free_ports(n)
    sims = simulators(o, ports, profile)
    time.sleep(1)
    process = subprocess.Popen([sys.executable, "-c", COPY, str(folder / "copy.bin"), *map(str, ports)])
    try:
        time.sleep(3)
        before = snapshot(process.pid)
        time.sleep(o.seconds)
        after = snapshot(process.pid)
    finally:
        end([*sims, process])
    (folder / "copy.bin").unlink()
    return (after["schedstat_s"] - before["schedstat_s"]) / (after["time"] - before["time"])


def main():
    p = tools.options(__doc__)
    p.add_argument("--sources", type=int, default=20, help="(default %(default)s)")
    p.add_argument("--rate", type=float, default=256, help="Hz (default %(default)s)")
    p.add_argument("--ring", default="120s", help="(default %(default)s, that of mth5d)")
    p.add_argument("--seedlink", action="store_true", help="records of miniSEED from a SeedLink server, in the place of frames over TCP")
    p.add_argument("--seconds", type=float, default=60, help="window (default %(default)s)")
    o = p.parse_args()
    o.dir.mkdir(parents=True, exist_ok=True)
    folder = o.dir.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        profile = pathlib.Path(scratch) / "instruments" / "board.yaml"
        profile.parent.mkdir()
        text = (tools.REPO / f"config/instruments/{'miniseed-mt' if o.seedlink else 'mth5-frame'}.yaml").read_text()
        profile.write_text(re.sub("(?m)^sample_rate: [0-9]+", f"sample_rate: {o.rate:g}", text))
        several = record(o, o.sources, pathlib.Path(scratch), folder, profile)
        one = record(o, 1, pathlib.Path(scratch), folder, profile) if o.sources > 1 else several
        plain = None if o.seedlink else copy(o, o.sources, folder, profile)
    for old in folder.glob("MANY_*.h5"):
        old.unlink()

    def share(of):
        return {name: 100 * seconds / of["window"] for name, seconds in of["cpu"].items()}

    total = sum(share(several).values())
    print(f"mth5d, {o.sources} x 5 channels of {'miniSEED over SeedLink' if o.seedlink else 'int32'} at {o.rate:g} Hz, ring {o.ring}, {several['window']:.0f} s; balanced")
    rows = [("", f"{o.sources} sources", "1 source"),
            ("CPU, % of a core", f"{total:.2f}", f"{sum(share(one).values()):.2f}")]
    rows += [(f"... thread {name}", f"{value:.2f}", f"{share(one).get(name, 0):.2f}") for name, value in sorted(share(several).items())]
    if plain is not None:
        rows.append(("a program that copies the sockets to a file (Python)", f"{100 * plain:.2f}", ""))
    rows += [("RSS now / peak, MiB", f"{several['rss']:.1f} / {several['hwm']:.1f}", f"{one['rss']:.1f} / {one['hwm']:.1f}"),
             ("bytes given to write calls per byte of samples", f"{several['wchar'] / several['samples'] / 4:.2f}", f"{one['wchar'] / one['samples'] / 4:.2f}")]
    if o.sources > 1:
        rows.append(("peak memory of one stream more, MiB", f"{(several['hwm'] - one['hwm']) / (o.sources - 1):.2f}", ""))
        rows.append(("such sources that one core carries", f"{100 / total * o.sources:.0f}", ""))
    tools.table(rows)


if __name__ == "__main__":
    main()
