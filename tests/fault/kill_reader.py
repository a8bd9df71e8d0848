"""kill_reader.py h5py|mth5: a streaming reader for kill_test.cpp, which tells it on stdin what to do, a line each, and hears on stdout:

  open PATH   opens a live file, retrying while it cannot be opened; says "opened", then looks for new samples again and again
  stop        looks once more, closes; says one JSON object: {"looks", "samples", "wrong", "first_wrong", "errors", "last_error"}

It watches the channels of run r0 of station S1 (TestWriter in tests/support) and keeps them open until it is told to stop, whatever
becomes of the writer. Every sample is compared; `samples` is how many of each channel were seen. Errors are counted: a look that fails
is repeated."""
import json
import select
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import h5py
import numpy as np

if sys.argv[1] == "mth5":
    from loguru import logger
    from mth5.mth5 import MTH5

    logger.remove()

COMPONENTS = ("ex", "ey", "hx")


def expected(channel, first, end):
    return (np.arange(first, end, dtype=np.int64) * 31 + channel * 7) % 1000003 + 1


class H5py:
    def __init__(self, path):
        self.file = h5py.File(path, "r", libver="latest", swmr=True)
        self.channels = [self.file[f"Experiment/Surveys/TEST/Stations/S1/r0/{name}"] for name in COMPONENTS]

    def promised(self):
        return 0

    def close(self):
        self.file.close()


class Mth5:
    def __init__(self, path):
        self.m = MTH5()
        self.m.open_mth5(path, "r", single_writer_multiple_reader=True)
        self.channels = [self.m.get_channel("S1", "r0", name, "TEST").hdf5_dataset for name in COMPONENTS]

    def promised(self):
        table = self.m.channel_summary.to_dataframe()
        return int(min(table[table.run == "r0"].n_samples))

    def close(self):
        self.m.close_mth5()


def look(reader, seen, result):
    promised = reader.promised()
    for c, channel in enumerate(reader.channels):
        channel.refresh()
        length = channel.shape[0]
        if length < promised:
            result["wrong"] += 1
            result["first_wrong"] = result["first_wrong"] or f"channel_summary promises {promised} samples, {COMPONENTS[c]} has {length}"
        samples = channel[seen[c]:length]
        wrong = np.flatnonzero(samples != expected(c, seen[c], length))
        if len(wrong):
            at = int(wrong[0])
            result["wrong"] += len(wrong)
            result["first_wrong"] = result["first_wrong"] or f"{COMPONENTS[c]}[{seen[c] + at}] is {samples[at]}, length {length}"
        seen[c] = max(seen[c], length)
    result["looks"] += 1
    result["samples"] = min(seen)


def attempt(reader, seen, result):
    try:
        look(reader, seen, result)
        return True
    except (OSError, RuntimeError, KeyError) as e:
        result["errors"] += 1
        result["last_error"] = str(e)
        return False


def open_file(path):
    until = time.monotonic() + 30
    while True:
        try:
            return H5py(path) if sys.argv[1] == "h5py" else Mth5(path)
        except Exception as e:  # whatever the package makes of an open that was refused
            if time.monotonic() > until:
                sys.exit(f"kill_reader: {path}: {e}")


def say(text):
    print(text, flush=True)


say("ready")
for line in sys.stdin:
    reader = open_file(line.split()[1])
    seen = [0] * len(COMPONENTS)
    result = {"looks": 0, "samples": 0, "wrong": 0, "first_wrong": "", "errors": 0, "last_error": ""}
    attempt(reader, seen, result)
    say("opened")
    while not select.select([sys.stdin], [], [], 0)[0]:
        attempt(reader, seen, result)
    sys.stdin.readline()
    last = attempt(reader, seen, result)
    result["last"] = last
    reader.close()
    say(json.dumps(result))
