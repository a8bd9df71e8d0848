"""What mth5d costs while it records a LEMI-424 live: 1 line a second from mth5-sim over a pty, --seconds long.

CPU, memory and bytes written come from /proc over the window; the kinds of writes from strace in a shorter part after it
(--trace seconds, 0 leaves it out). In the same run MTH5_SHARED/bench/hdf5_writer.c, plain C HDF5, with one sample a batch.
Payload is 9 channels x 8 bytes a second; state of health, ledger, status file and log are on top of it.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import bench_tools as tools

CALLS = "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fdatasync,fsync,rename"


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    tools.fail(f"{what}: not within {seconds} s")


def status(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def snapshot(pid):
    proc = pathlib.Path(f"/proc/{pid}")
    fields = (proc / "stat").read_text().rsplit(")", 1)[1].split()
    io = dict(line.split(": ") for line in (proc / "io").read_text().splitlines())
    memory = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    return {"time": time.monotonic(), "cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            "schedstat_s": sum(int((task / "schedstat").read_text().split()[0]) for task in (proc / "task").iterdir()) / 1e9,
            "wchar": int(io["wchar"]), "write_bytes": int(io["write_bytes"]), "syscw": int(io["syscw"]),
            "rss_mib": int(memory["VmRSS"].split()[0]) / 1024, "hwm_mib": int(memory["VmHWM"].split()[0]) / 1024,
            "threads": int(memory["Threads"])}


def trace(pid, seconds, folder):
    """Calls and bytes per second, by what they went to."""
    if not shutil.which("strace"):
        tools.fail("strace is missing; install it or give --trace 0")
    log = folder / "strace.txt"
    strace = subprocess.Popen(["strace", "-f", "-y", "-qq", "-s", "0", "-e", f"trace={CALLS}", "-o", str(log), "-p", str(pid)])
    time.sleep(seconds)
    strace.send_signal(signal.SIGINT)
    strace.wait(timeout=20)
    calls, size = collections.Counter(), collections.Counter()
    pattern = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)(?:\(\d+<([^>]*)>|\().* = (\d+)$")
    for line in log.read_text().splitlines():
        match = pattern.match(line)
        if not match:
            continue
        call, target, result = match[1], match[2] or "", int(match[3])
        if call in ("fdatasync", "fsync", "rename"):
            kind = call
        else:
            kind = "data file" if target.endswith(".h5") else "status file" if "status.json" in target else "log, sockets, events"
        calls[kind] += 1
        size[kind] += result
    return {kind: (calls[kind] / seconds, size[kind] / seconds) for kind in sorted(calls)}


def record(o, folder, scratch, env):
    pty, config, status_file = scratch / "lemi", scratch / "live.yaml", scratch / "status.json"
    for old in folder.glob("L424_2*.h5"):
        old.unlink()
    config.write_text(tools.config(folder, f"serial: {{device: {pty}}}"))
    sim = subprocess.Popen([tools.program(o.build / "bin/mth5-sim"), "lemi424", "--to", f"pty:{pty}", "--speed", "1", "-q"])
    daemon = None
    try:
        wait_for(pty.exists, "pty of mth5-sim")
        daemon = subprocess.Popen([tools.program(o.build / "bin/mth5d"), "--config", str(config), "--status-file", str(status_file)],
                                  env=env, stderr=subprocess.PIPE, text=True)
        stored = lambda: ((status(status_file) or {}).get("channels") or [{}])[0].get("n_samples", 0)
        wait_for(lambda: stored() >= 3 or daemon.poll() is not None, "first samples")
        if daemon.poll() is not None:
            tools.fail(f"mth5d ended: {daemon.stderr.read()}")
        time.sleep(2)
        before, samples = snapshot(daemon.pid), stored()
        time.sleep(o.seconds)
        after, samples = snapshot(daemon.pid), stored() - samples
        kinds = trace(daemon.pid, o.trace, scratch) if o.trace else {}
        daemon.send_signal(signal.SIGTERM)
        if daemon.wait(timeout=20):
            tools.fail(f"mth5d: exit code {daemon.returncode}: {daemon.stderr.read()}")
    finally:
        for process in (daemon, sim):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
    window = after["time"] - before["time"]
    if abs(samples - window) > 3:
        tools.fail(f"{samples} samples in {window:.1f} s at 1 Hz: the window is no good")
    return {"window": window, "samples": samples, "rss": after["rss_mib"], "hwm": after["hwm_mib"], "threads": after["threads"],
            "kinds": kinds, **{key: after[key] - before[key] for key in ("cpu_s", "schedstat_s", "wchar", "write_bytes", "syscw")}}


def main():
    p = tools.options(__doc__)
    p.add_argument("--seconds", type=float, default=60, help="window (default %(default)s)")
    p.add_argument("--trace", type=float, default=20, help="seconds under strace after it (default %(default)s)")
    o = p.parse_args()
    o.dir.mkdir(parents=True, exist_ok=True)
    folder = o.dir.resolve()
    tools.reference("hdf5_writer.c")
    # As /run for the daemon: not on the disk.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
        live = record(o, folder, pathlib.Path(scratch), tools.environment(folder))
    plain = {}
    writer = tools.compile_reference("hdf5_writer", folder)
    for name, more in (("5 x int32", []), ("9 x float64", ["--channels", "9", "--dtype", "float64"])):
        out = tools.measured([writer, "--batch", "1", "--batches", str(max(10, round(o.seconds))), *more, "--out", str(folder / "plain.h5")], None)[3]
        plain[name] = json.loads(out.splitlines()[-1])
    (folder / "plain.h5").unlink()

    payload = live["window"] * tools.CHANNELS * 8
    print(f"mth5d at 1 Hz, {live['window']:.0f} s, {live['samples']} samples x {tools.CHANNELS} channels, {live['threads']} threads")
    tools.table([
        ("", "measured", "goal"),
        ("CPU, % of a core (scheduler's clock)", f"{100 * live['schedstat_s'] / live['window']:.3f}", "0.5"),
        ("CPU, % of a core (utime + stime, ticks)", f"{100 * live['cpu_s'] / live['window']:.3f}", "0.5"),
        ("RSS now / peak, MiB", f"{live['rss']:.1f} / {live['hwm']:.1f}", "32"),
        ("bytes given to write calls per payload byte, all files", f"{live['wchar'] / payload:.0f}", "-"),
        ("bytes dirtied towards the disk per payload byte", f"{live['write_bytes'] / payload:.0f}", "-"),
        ("write calls a second", f"{live['syscw'] / live['window']:.1f}", "-"),
    ])
    if live["kinds"]:
        print(f"\nby kind, under strace for {o.trace:.0f} s")
        tools.table([("", "calls a second", "bytes a second", "per payload byte")] +
                    [(kind, f"{n:.2f}", f"{size:.0f}", f"{size / (tools.CHANNELS * 8):.1f}") for kind, (n, size) in live["kinds"].items()])
    print("\nplain C HDF5 (hdf5_writer --batch 1), same number of batches")
    tools.table([("", "write calls' bytes per payload byte", "dirtied per payload byte", "write calls a batch", "RSS MiB")] +
                [(name, f"{r['wchar_per_payload']:.0f}", f"{r['device_per_payload']:.0f}", f"{r['writes_per_batch']:.1f}", f"{r['rss_mib']:.1f}")
                 for name, r in plain.items()])


if __name__ == "__main__":
    main()
