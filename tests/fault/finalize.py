#!/usr/bin/env python3
"""Finalizing that is killed at every step: at each call that changes something on the disk, or every so many-th of the many writes, the process that makes
the call dies. Afterwards the recording is as it was, to the byte; under the archive's name there is nothing, or the whole of it; and the next run makes it.

    build/venv/bin/python tests/fault/finalize.py [--build build/release] [--bridge] [--writes 60]

--bridge: the same of the copy whose runs are joined. --writes: at how many of the writes. Prints a line a kind of call; exit 1 at the first that leaves anything else.
"""
import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CALLS = ("open", "allocate", "truncate", "sync", "rename", "write")  # of tests/support/fail_nth.h


def fail(text):
    print(f"finalize.py: {text}", file=sys.stderr)
    sys.exit(1)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--build", type=pathlib.Path, default=root / "build/release")
    parser.add_argument("--bridge", action="store_true")
    parser.add_argument("--writes", type=int, default=60)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mth5-finalize-"))
    program = options.build / "bin/mth5-recover"
    library = folder / "libfail_nth.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, root / "tests/support/fail_nth.c", "-ldl"], check=True)
    config = folder / "mth5d.yaml"
    config.write_text(
        f"survey: {{id: KILL}}\nstation: {{id: MT01}}\noutput: {{directory: {folder / 'made'}, reserve: 2MiB}}\n"
        f"sources:\n  - {{name: lemi, file: {{path: {folder / 'day.txt'}, speed: max}}, instrument: lemi424}}\n"
    )
    (folder / "made").mkdir()
    subprocess.run([options.build / "bin/mth5-sim", "lemi424", "--quiet", "--to", f"file:{folder / 'day.txt'}", "--speed", "max"]
                   + ["--start", "2026-05-01T00:00:00Z", "--duration", "2h", "--fault", "drop=0.003"], check=True)
    subprocess.run([options.build / "bin/mth5d", "--quiet", "--config", config, "--until-eof", "--status-file", folder / "status.json"], check=True)
    recording = next((folder / "made").glob("*.h5"))
    truth = digest(recording)
    name = recording.stem + ".bridged.h5" if options.bridge else recording.name
    command = [program, "--finalize", "gzip-4"] + (["--bridge", "30s"] if options.bridge else [])

    def run(station, **environment):
        return subprocess.run(command + [station / recording.name], capture_output=True, text=True, env={**os.environ, **environment})

    def verified(station):
        return subprocess.run([options.build / "bin/mth5-summary", "--verify", station], capture_output=True, text=True)

    def begin(call, nth):
        """@returns the station, how the run ended, and the line about who was killed, if somebody was"""
        station, log = folder / "station", folder / "killed.log"
        shutil.rmtree(station, ignore_errors=True)
        station.mkdir()
        shutil.copy(recording, station / recording.name)
        log.unlink(missing_ok=True)
        done = run(station, LD_PRELOAD=str(library), FAIL_NTH=str(nth), FAIL_NTH_DIR=str(station), FAIL_NTH_CALL=call, FAIL_NTH_HOW="KILL", FAIL_NTH_LOG=str(log))
        return station, done, log.read_text().strip() if log.exists() else None

    killed = 0
    for call in CALLS:
        step, nth, of_call = 1, 1, 0
        if call == "write":
            while begin(call, 2 * step * options.writes)[2] is not None:
                step *= 2
        while True:
            station, done, line = begin(call, nth)
            if line is None:
                if done.returncode != 0:
                    fail(f"{call} {nth}: nothing was killed, and it ended with {done.returncode}: {done.stderr}")
                break
            of_call += 1
            where = f"killed at {call} {nth} ({line})"
            if digest(station / recording.name) != truth:
                fail(f"{where}: the recording is not as it was")
            archive = station / "archive" / name
            there = archive.exists()
            before = digest(archive) if there else None
            if done.returncode == 0:
                fail(f"{where}: it ended as if all had been done: {done.stdout}")
            again = run(station)
            if again.returncode != 0:
                fail(f"{where}: the next run ended with {again.returncode}: {again.stderr}")
            if there and digest(archive) != before:
                fail(f"{where}: the archive was made, and is another now")
            found = verified(station)
            if found.returncode != 0:
                fail(f"{where}: what the next run made is not whole: {found.stdout}{found.stderr}")
            left = sorted(p.name for p in (station / "archive").iterdir())
            if left != sorted(["SHA256SUMS", name, name + ".json"]):
                fail(f"{where}: left behind: {left}")
            if digest(station / recording.name) != truth:
                fail(f"{where}: the next run changed the recording")
            nth += step
        killed += of_call
        print(f"{call}: killed at {of_call} places" + (f", each {step}th" if step > 1 else ""), flush=True)
    if killed == 0:
        fail("nothing was ever killed")
    print(f"killed {killed} times: the recording as it was, no half archive, and the next run made it")
    shutil.rmtree(folder)


main()
