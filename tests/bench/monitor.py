"""What mth5-monitor costs on its full screen, 80 x 24, against the goals of the issue it was built for:

  live   5 channels of int32 at --rate Hz from mth5-sim over TCP, a window of one minute, in the view of traces and in each other
  week   7 days at 1 Hz of a LEMI-424 that goes on live, the whole week in the window
  large  a file of --gib GiB: time from start to the first picture, memory
  writer what mth5d costs while live, without a monitor and with --monitors of them

CPU of a look is the scheduler's clock of the process over --seconds, divided by the looks (one a second). In the same run, on the same
files, a look of h5py and numpy (refresh, read the window, least and greatest of each column of the screen, mean and std).
"""
import datetime
import fcntl
import os
import pathlib
import pty
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time

import bench_tools as tools
from live import snapshot, status, wait_for
from many import by_thread, free_ports

LOOK = """
import sys, time
import h5py, numpy as np
path, seconds, looks = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
with h5py.File(path, "r", libver="latest", swmr=True) as f:
    found = []
    f.visititems(lambda name, o: found.append(o) if isinstance(o, h5py.Dataset) and o.attrs.get("sample_rate", 0) > 0 else None)
    last = max(found, key=lambda d: d.shape[0]).parent
    channels = [d for d in last.values() if isinstance(d, h5py.Dataset)][:5]
    cost = []
    for _ in range(looks):
        begin = time.process_time()
        for d in channels:
            d.refresh()
            x = d[max(0, d.shape[0] - round(seconds * d.attrs["sample_rate"])):].astype(float)
            columns = np.array_split(x, 160)
            [(c.min(), c.max()) for c in columns if c.size], x.mean(), x.std()
        cost.append(time.process_time() - begin)
        time.sleep(0.2)
print(sorted(cost)[len(cost) // 2] * 1e3)
"""


class Screen:
    """mth5-monitor on a terminal of 80 x 24 of its own, whose output is read all the time."""

    def __init__(self, o, path, *options):
        self.fd, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.start = time.perf_counter()
        self.process = subprocess.Popen([tools.program(o.build / "bin/mth5-monitor"), *options, str(path)], stdin=other, stdout=other,
                                        stderr=other, env=dict(os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8"), start_new_session=True)
        os.close(other)
        self.output = b""
        self.first = None  # seconds until the row of views was drawn, which is the end of a picture
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            try:
                piece = os.read(self.fd, 1 << 16)
            except OSError:
                return
            self.output += piece
            if self.first is None and b"1 " in self.output and b"health" in self.output:
                self.first = time.perf_counter() - self.start

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def cost_of_a_look(self, seconds):
        """(ms of CPU, MiB resident)"""
        before = snapshot(self.process.pid)
        time.sleep(seconds)
        after = snapshot(self.process.pid)
        return (after["schedstat_s"] - before["schedstat_s"]) / seconds * 1e3, after["rss_mib"], after["hwm_mib"]

    def end(self):
        self.press("q")
        self.process.wait(timeout=20)
        os.close(self.fd)


def sim(o, profile, port, *options):
    return subprocess.Popen([tools.program(o.build / "bin/mth5-sim"), profile, "--to", f"tcp-listen:127.0.0.1:{port}", "-q", *options],
                            stderr=subprocess.DEVNULL)


def daemon(o, folder, station, instrument, port, rate):
    config, state = folder / f"{station}.yaml", folder / f"{station}.json"
    config.write_text(f"""\
survey: {{id: BENCH}}
station: {{id: {station}}}
output: {{directory: {folder}, file_name: "{{station}}_{{start:%Y%m%dT%H%M%SZ}}.h5"}}
sources:
  - name: board
    tcp: {{host: 127.0.0.1, port: {port}}}
    instrument: {instrument}
    commands: {{start: []}}
{f'    sample_rate: {rate}' if rate else ''}
""")
    process = subprocess.Popen([tools.program(o.build / "bin/mth5d"), "--config", str(config), "--status-file", str(state), "-q"],
                               env=tools.environment(folder))
    return process, state


def data_file(folder, station):
    return wait_for(lambda: next(iter(folder.glob(f"{station}_*.h5")), None), "data file")


def samples(state):
    s = status(state)
    return sum(stream.get("samples_stored", 0) for stream in s["ledger"]["streams"]) if s else 0


def reference(path, seconds):
    done = subprocess.run([tools.python(), "-c", LOOK, str(path), str(seconds), "10"], check=True, capture_output=True, text=True)
    return float(done.stdout)


def stop(*processes):
    for p in processes:
        p.send_signal(signal.SIGTERM)
    for p in processes:
        p.wait(timeout=60)


def live(o, folder, rows):
    [port] = free_ports(1)
    instrument = sim(o, "mth5-frame", port, "--rate", str(o.rate))
    recorder, _ = daemon(o, folder, "LIVE", "mth5-frame", port, o.rate)
    path = data_file(folder, "LIVE")
    time.sleep(65)  # the window is full
    alone = by_thread(recorder.pid)
    time.sleep(o.seconds)
    alone = {k: v - alone.get(k, 0) for k, v in by_thread(recorder.pid).items()}
    for key, name in zip("123456", ("traces", "spectra", "spectrogram", "quality", "timing", "health")):
        screen = Screen(o, path)
        wait_for(lambda: screen.first, "first picture")
        if key == "1":
            screen.press("-")
        screen.press(key)
        time.sleep(5)
        cpu, rss, peak = screen.cost_of_a_look(o.seconds)
        rows.append([f"5 x {o.rate} Hz live, {name}", f"{cpu:.1f} ms", f"{rss:.0f} (peak {peak:.0f}) MiB", f"{screen.first * 1e3:.0f} ms",
                     f"{reference(path, 60):.1f} ms" if key == "1" else ""])
        screen.end()
    screens = [Screen(o, path) for _ in range(o.monitors)]
    time.sleep(5)
    watched = by_thread(recorder.pid)
    time.sleep(o.seconds)
    watched = {k: v - watched.get(k, 0) for k, v in by_thread(recorder.pid).items()}
    for screen in screens:
        screen.end()
    print(f"mth5d over {o.seconds} s, CPU by thread: alone {show(alone)}; with {o.monitors} monitors {show(watched)}")
    stop(recorder, instrument)


def show(threads):
    return ", ".join(f"{name} {seconds * 1e3:.0f} ms" for name, seconds in sorted(threads.items()) if seconds > 0)


def week(o, folder, rows):
    [port], begin = free_ports(1), datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=7, minutes=1)
    recorder, state = daemon(o, folder, "WEEK", "lemi424", port, None)
    instrument = sim(o, "lemi424", port, "--start", begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "--duration", "7d", "--speed", "max")
    instrument.wait(timeout=600)
    instrument = sim(o, "lemi424", port, "--start", (begin + datetime.timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    path = data_file(folder, "WEEK")
    wait_for(lambda: samples(state) > 7 * 86400, "a week", 120)
    screen = Screen(o, path)
    wait_for(lambda: screen.first, "first picture")
    screen.press("-" * 20)
    time.sleep(20)
    cpu, rss, peak = screen.cost_of_a_look(o.seconds)
    rows.append(["9 x 1 Hz live, traces of 7 days", f"{cpu:.1f} ms", f"{rss:.0f} (peak {peak:.0f}) MiB", f"{screen.first * 1e3:.0f} ms",
                 f"{reference(path, 7 * 86400):.1f} ms (5 channels)"])
    screen.end()
    stop(recorder, instrument)


def large(o, folder, rows):
    path, batch = folder / "LARGE.h5", 1_000_000
    tools.measured([tools.program(o.build / "bench/writer_bench"), "--channels", "5", "--batch", str(batch), "--batches",
                    str(round(o.gib * 2**30 / (5 * 4 * batch))), "--out", str(path)], None)
    size = path.stat().st_size / 2**30
    for n in range(3):
        screen = Screen(o, path)
        wait_for(lambda: screen.first, "first picture")
        time.sleep(15)
        seen = snapshot(screen.process.pid)
        if n == 2:
            rows.append([f"{size:.1f} GiB, closed", "", f"{seen['rss_mib']:.0f} (peak {seen['hwm_mib']:.0f}) MiB", f"{screen.first * 1e3:.0f} ms", ""])
        screen.end()


def main():
    p = tools.options(__doc__)
    p.add_argument("parts", nargs="*", default=["live", "week", "large"], choices=["live", "week", "large"])
    p.add_argument("--seconds", type=int, default=30)
    p.add_argument("--rate", type=int, default=1000)
    p.add_argument("--gib", type=float, default=10)
    p.add_argument("--monitors", type=int, default=10)
    o = p.parse_args()
    o.dir.mkdir(parents=True, exist_ok=True)
    rows = [["", "CPU a look", "resident", "first picture", "look of h5py + numpy"]]
    with tempfile.TemporaryDirectory(dir=o.dir) as folder:
        for part in o.parts:
            {"live": live, "week": week, "large": large}[part](o, pathlib.Path(folder), rows)
    tools.table(rows)


main()
