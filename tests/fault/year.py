#!/usr/bin/env python3
"""A season that nobody looks after: a station records day after day, files roll over at midnight, are archived and retired by themselves; on some days
the line is bad, the recorder is killed, stopped, or told to begin a file. Each day is compared with what was sent, sample by sample.

    build/venv/bin/python tests/fault/year.py [--days 365] [--faulty 12] [--build build/release] [--folder FOLDER]

Prints a line a month, then what it counted. Exit 1 at the first day that is not as it was sent. FOLDER holds the archives afterwards
(1.1 MB a day); without one they are in a temporary folder and go with it.
"""
import argparse
import atexit
import csv
import datetime
import json
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

CHANNELS = ("bx", "by", "bz", "e1", "e2", "e3", "e4")  # of the file, and of the truth
LINE_FAULTS = ["drop=0.001", "garbage=0.001", "duplicate=0.001", "bitflip=1e-6", "truncate=0.0005", "shorten=0.0005"]
OTHER_FAULTS = ["kill", "stop", "hup"]
KEEP = 3  # files that retention leaves at least while the next days come: those that are not archived yet


def fail(text):
    print(f"year.py: {text}", file=sys.stderr)
    sys.exit(1)


class Station:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.data = folder / "data"
        self.data.mkdir()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.config = folder / "mth5d.yaml"
        self.config.write_text(
            "survey: {id: YEAR}\nstation: {id: MT01}\n"
            f"output: {{directory: {self.data}, reserve: 2MiB, roll: {{every: 1d}}, finalize: gzip-4, retention: 1h}}\n"
            "sync: {interval: 1s}\n"
            "sources:\n"
            f"  - {{name: lemi, tcp: {{listen: '127.0.0.1:{self.port}'}}, instrument: lemi424}}\n"
        )
        self.status_file = folder / "status.json"
        self.log = open(folder / "mth5d.log", "ab")
        self.starts = 0
        self.start()

    def start(self):
        self.starts += 1
        self.bytes_in = 0
        self.recorder = subprocess.Popen(
            [self.build / "bin/mth5d", "--config", self.config, "--status-file", self.status_file], stderr=self.log
        )
        atexit.register(self.recorder.kill)
        self.wait_for("started", lambda s: s["state"] not in ("starting", "stopped") and s["pid"] == self.recorder.pid)

    def wait_for(self, what, holds, seconds=300):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.recorder.poll() is not None:
                fail(f"the recorder ended with {self.recorder.returncode}; its log is {self.log.name}")
            try:
                status = json.loads(self.status_file.read_text())
                if holds(status):
                    return status
            except (OSError, ValueError, KeyError, IndexError):
                pass
            time.sleep(0.05)
        fail(f"not within {seconds} s: {what}")

    def end(self, how):
        self.recorder.send_signal(how)
        return self.recorder.wait(timeout=120)

    def send(self, day, seed, faults, hup):
        """@returns the rows of its truth"""
        truth = self.folder / "truth.csv"
        sim = subprocess.Popen(
            [self.build / "bin/mth5-sim", "lemi424", "--quiet", "--to", f"tcp:127.0.0.1:{self.port}", "--speed", "max"]
            + ["--start", day.strftime("%Y-%m-%dT%H:%M:%SZ"), "--duration", "1d", "--seed", str(seed), "--truth", truth, "--linger", "5min"]
            + (["--fault", faults] if faults else [])
        )
        if hup:
            self.recorder.send_signal(signal.SIGHUP)
        if sim.wait(timeout=600) != 0:
            fail(f"{day:%Y-%m-%d}: mth5-sim ended with {sim.returncode}")
        sent = sum(int(row["bytes"]) for row in self.rows(truth))
        self.bytes_in += sent
        self.wait_for(
            "all of a day safe",
            lambda s: s["sources"][0]["bytes"] >= self.bytes_in
            and s["streams"][0]["samples"]["buffered"] <= 2
            and s["streams"][0]["samples"]["visible"] == s["streams"][0]["samples"]["durable"],
        )
        return truth

    @staticmethod
    def rows(truth):
        with open(truth, newline="") as f:
            yield from csv.DictReader(f)


def stored(path):
    """@returns {channel: (seconds since 1970, values)} of all runs of a file"""
    parts = {}
    with h5py.File(path, "r") as f:
        for survey in f["Experiment/Surveys"].values():
            for station in survey["Stations"].values():
                for run in station.values():
                    if not isinstance(run, h5py.Group):
                        continue
                    for name, channel in run.items():
                        if not isinstance(channel, h5py.Dataset) or name not in CHANNELS:
                            continue
                        start = datetime.datetime.fromisoformat(channel.attrs["time_period.start"].replace("Z", "+00:00"))
                        times = round(start.timestamp()) + np.arange(channel.shape[0])
                        parts.setdefault(name, []).append((times, channel[:]))
    return {name: (np.concatenate([t for t, _ in p]), np.concatenate([v for _, v in p])) for name, p in parts.items()}


def compare(truth, files, day, may_lack_last):
    """@returns how many samples were as they were sent"""
    if not files:
        fail(f"{day:%Y-%m-%d}: no archive holds it")
    got = {}
    for path in files:
        for name, (times, values) in stored(path).items():
            before = got.get(name)
            got[name] = (np.concatenate([before[0], times]), np.concatenate([before[1], values])) if before else (times, values)
    begin = round(day.timestamp())
    rows = [row for row in Station.rows(truth) if row["index"]]  # others are answers to commands
    whole = [i for i, row in enumerate(rows) if row["what"] in ("sent", "duplicated")]
    touched = {i for i, row in enumerate(rows) if row["what"] not in ("sent", "duplicated", "dropped")}
    same = 0
    for name in CHANNELS:
        times, values = got[name]
        known = ~np.isnan(values)
        index = times[known] - begin
        if len(np.unique(index)) != len(index):
            fail(f"{day:%Y-%m-%d} {name}: a time is stored twice")
        at = dict(zip(index.tolist(), values[known].tolist()))
        for i in whole:
            if i not in at:
                if may_lack_last and i >= whole[-1] - 2:
                    continue
                fail(f"{day:%Y-%m-%d} {name}: sample {i} was sent whole and is not stored")
            if at[i] != float(rows[i][name]):
                fail(f"{day:%Y-%m-%d} {name}: sample {i} is {at[i]}, sent was {rows[i][name]}")
            same += 1
        invented = set(at) - set(whole) - touched
        if invented:
            fail(f"{day:%Y-%m-%d} {name}: stored and never sent at that time: {sorted(invented)[:5]}")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--faulty", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=pathlib.Path, default=root / "build/release")
    parser.add_argument("--folder", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.folder or pathlib.Path(tempfile.mkdtemp(prefix="mth5-year-"))
    folder.mkdir(exist_ok=True)
    began = time.monotonic()
    chance = random.Random(options.seed)
    faults = LINE_FAULTS + OTHER_FAULTS
    bad = {day: faults[i % len(faults)] for i, day in enumerate(sorted(chance.sample(range(1, options.days - 1), options.faulty)))}
    station = Station(options.build, folder)
    first = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
    archive = station.data / "archive"
    same, most, waiting = 0, 0, None

    def finalize():
        """As the timer does; samples of that year are old enough to go."""
        done = subprocess.run([options.build / "bin/mth5d", "--config", station.config, "--finalize"], capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"mth5d --finalize ended with {done.returncode}: {done.stderr}")

    def check(day, truth, fault):
        # Of a day that begins with the file of the evening before where that was begun anew, the samples are there, too.
        files = [p for p in archive.glob("*.h5") if p.name.startswith(f"MT01_{day:%Y%m%d}")]
        return compare(truth, files, day, fault == "kill")

    for n in range(options.days):
        day, fault = first + datetime.timedelta(days=n), bad.get(n)
        truth = station.send(day, options.seed + n, fault if fault in LINE_FAULTS else "", fault == "hup")
        kept = folder / f"truth_{n % 2}.csv"
        shutil.move(truth, kept)
        if fault in ("kill", "stop"):
            code = station.end(signal.SIGKILL if fault == "kill" else signal.SIGTERM)
            if fault == "stop" and code != 0:
                fail(f"{day:%Y-%m-%d}: TERM ended it with {code}")
            station.start()
        finalize()
        most = max(most, len(list(station.data.glob("*.h5"))))
        if most > KEEP:
            fail(f"{day:%Y-%m-%d}: {most} files wait to be archived or removed")
        if waiting:
            same += check(*waiting)
        waiting = (day, kept, fault)
        if (n + 1) % 30 == 0:
            size = sum(p.stat().st_size for p in archive.glob("*.h5"))
            print(f"{day:%Y-%m-%d}  {same} values as sent, archives {size / 1e6:.0f} MB, {time.monotonic() - began:.0f} s", flush=True)
    if station.end(signal.SIGTERM) != 0:
        fail("the recorder did not end in order")
    finalize()
    same += check(*waiting)
    verified = subprocess.run([options.build / "bin/mth5-summary", "--verify", station.data], capture_output=True, text=True)
    if verified.returncode != 0:
        fail(f"mth5-summary --verify ended with {verified.returncode}: {verified.stdout[-2000:]}{verified.stderr}")
    archives = list(archive.glob("*.h5"))
    print(
        f"{options.days} days, {len(bad)} of them with faults ({', '.join(sorted(set(bad.values())))}): {same} values as they were sent, none lost, "
        f"none twice, none invented; {len(archives)} archives of {sum(p.stat().st_size for p in archives) / 1e6:.0f} MB, all as their manifests say; "
        f"at most {most} files beside them; {station.starts} starts, {time.monotonic() - began:.0f} s"
    )
    if not options.folder:
        shutil.rmtree(folder)


main()
