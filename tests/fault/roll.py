#!/usr/bin/env python3
"""A file a second, under load, with readers attached: five channels at 256 Hz, sixty times as fast as they are recorded, and a new file each minute of
their time. At the end all files together are what was sent: each sample once, in its place, at its time.

    build/venv/bin/python tests/fault/roll.py [--minutes 60] [--build build/release] [--folder FOLDER]

The readers: mth5-monitor, which follows the directory, and h5py in a process of its own, which follows the newest file under SWMR. Prints a line a
minute, then what it counted; exit 1 at the first thing that is not as it was sent. Takes 60 MB a minute in FOLDER (without one: in a temporary folder,
removed at the end).
"""
import argparse
import atexit
import datetime
import json
import multiprocessing
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

RATE, SPEED, CHANNELS = 256, 60, ("hx", "hy", "hz", "ex", "ey")
COUNTER = 1 << 23  # where mth5-sim's counter begins again: a converter has 24 bits
START = datetime.datetime(2026, 5, 1, tzinfo=datetime.timezone.utc)


def fail(text):
    print(f"roll.py: {text}", file=sys.stderr)
    sys.exit(1)


def runs_of(file):
    for survey in file["Experiment/Surveys"].values():
        for station in survey["Stations"].values():
            for run in station.values():
                if isinstance(run, h5py.Group) and "hx" in run:
                    yield run


def follow(data, looks, wrong, end):
    """Reads what is new in the newest file, under SWMR, as long as it is the newest: what a run says at its index, that it must say."""
    while not end.is_set():
        files = sorted(data.glob("*.h5"))
        if not files:
            time.sleep(0.05)
            continue
        try:
            with h5py.File(files[-1], "r", libver="latest", swmr=True) as file:
                run = next(runs_of(file), None)
                seen, first = 0, None
                while run is not None and not end.is_set() and sorted(data.glob("*.h5"))[-1] == files[-1]:
                    channel = run["ey"]
                    channel.refresh()
                    values = channel[seen:]
                    if len(values):
                        first = int(values[0]) if first is None else first
                        if not np.array_equal(values, (first + 8 * np.arange(seen, seen + len(values))) % COUNTER):
                            wrong.put(f"{files[-1].name}: a reader saw other samples than were sent, from {seen} on")
                            return
                        seen += len(values)
                        looks.value += 1
                    time.sleep(0.02)
        except (OSError, KeyError, RuntimeError):  # the file is being closed: the next one comes
            time.sleep(0.02)


def compare(data, sent):
    """@returns files, runs, bytes of them"""
    files = sorted(data.glob("*.h5"))
    at, runs, size = 0, 0, 0
    for path in files:
        size += path.stat().st_blocks * 512
        with h5py.File(path, "r") as file:
            parts = sorted((run["hx"].attrs["time_period.start"], run.name) for run in runs_of(file))
            for start, name in parts:
                runs += 1
                begins = datetime.datetime.fromisoformat(start.replace("Z", "+00:00"))
                expected = START + datetime.timedelta(seconds=at / RATE)
                if abs((begins - expected).total_seconds()) > 1e-6:
                    fail(f"{path.name} {name}: begins at {start}, not at {expected.isoformat()} with sample {at}")
                count = file[name]["hx"].shape[0]
                for c, channel in enumerate(CHANNELS):
                    values = file[name][channel][:]
                    if not np.array_equal(values, (8 * np.arange(at, at + count) + c) % COUNTER):
                        fail(f"{path.name} {name}/{channel}: not what was sent as samples {at} to {at + count - 1}")
                at += count
    if at != sent:
        fail(f"{at} samples are stored, {sent} were sent")
    return len(files), runs, size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--build", type=pathlib.Path, default=root / "build/release")
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.folder or pathlib.Path(tempfile.mkdtemp(prefix="mth5-roll-"))
    data = folder / "data"
    data.mkdir(parents=True)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config, status, log = folder / "mth5d.yaml", folder / "status.json", folder / "mth5d.log"
    config.write_text(
        "survey: {id: ROLL}\nstation: {id: MT01}\n"
        f"output: {{directory: {data}, reserve: 2MiB, roll: {{every: 1min}}}}\nsync: {{interval: 1s}}\n"
        f"sources:\n  - {{name: box, tcp: {{listen: '127.0.0.1:{port}'}}, instrument: mth5-frame}}\n"
    )
    began = time.monotonic()
    with open(log, "ab") as to:
        recorder = subprocess.Popen([options.build / "bin/mth5d", "--config", config, "--status-file", status], stderr=to)
    atexit.register(recorder.kill)
    while not status.exists():
        if recorder.poll() is not None:
            fail(f"the recorder ended with {recorder.returncode}; its log is {log}")
        time.sleep(0.05)
    minutes = options.minutes * SPEED
    sim = subprocess.Popen(
        [options.build / "bin/mth5-sim", "mth5-frame", "--quiet", "--signal", "counter", "--speed", str(SPEED), "--duration", f"{minutes}min"]
        + ["--start", START.strftime("%Y-%m-%dT%H:%M:%SZ"), "--to", f"tcp:127.0.0.1:{port}"]
    )
    atexit.register(sim.kill)
    looks, wrong, end = multiprocessing.Value("q", 0), multiprocessing.Queue(), multiprocessing.Event()
    reader = multiprocessing.Process(target=follow, args=(data, looks, wrong, end), daemon=True)
    reader.start()
    while not any(data.glob("*.h5")):
        time.sleep(0.05)
    seen = open(folder / "monitor.json", "wb")
    monitor = subprocess.Popen([options.build / "bin/mth5-monitor", "--follow", "--json", data], stdout=seen, stderr=subprocess.STDOUT)
    atexit.register(monitor.kill)
    told = 0
    while sim.poll() is None:
        time.sleep(1)
        if recorder.poll() is not None:
            fail(f"the recorder ended with {recorder.returncode}; its log is {log}")
        if not wrong.empty():
            fail(wrong.get())
        if not reader.is_alive():
            fail("h5py's reader ended")
        if monitor.poll() is not None:
            fail(f"mth5-monitor ended with {monitor.returncode}; what it said is in {seen.name}")
        if time.monotonic() - began >= 60 * (told + 1):
            told += 1
            print(f"{told} min: {len(list(data.glob('*.h5')))} files, {looks.value} looks of a reader", flush=True)
    if sim.returncode != 0:
        fail(f"mth5-sim ended with {sim.returncode}")
    sent = minutes * 60 * RATE
    deadline = time.monotonic() + 60
    while True:
        now = json.loads(status.read_text())
        stored = now["streams"][0]["samples"]
        if stored["durable"] >= sent:
            break
        if time.monotonic() > deadline:
            fail(f"not all of {sent} samples are safe within a minute: {stored}")
        time.sleep(0.2)
    end.set()
    recorder.send_signal(signal.SIGTERM)
    if recorder.wait(timeout=60) != 0:
        fail(f"TERM ended the recorder with {recorder.returncode}")
    monitor.send_signal(signal.SIGTERM)
    if monitor.wait(timeout=60) != 0:
        fail(f"mth5-monitor ended with {monitor.returncode}; what it said is in {seen.name}")
    reader.join(timeout=60)
    if not wrong.empty():
        fail(wrong.get())
    files, runs, size = compare(data, sent)
    lines = len(pathlib.Path(seen.name).read_text().splitlines())
    if files < minutes:
        fail(f"{files} files in {minutes} minutes of the samples' time")
    print(
        f"{sent} samples of {len(CHANNELS)} channels in {files} files and {runs} runs, {size / 1e6:.0f} MB: each once, in its place and at its time; "
        f"{looks.value} looks of h5py, {lines} lines of mth5-monitor, {time.monotonic() - began:.0f} s"
    )
    if not options.folder:
        shutil.rmtree(folder)


main()
