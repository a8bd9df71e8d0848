"""Reads names of files from stdin until it ends: files of ours after a simulated power cut, recovered, gone on with and closed. Each is read
by h5py as a whole, every sample compared, and by Python mth5. A file that is good is removed. Prints a line per file: name, tab, "good" or
what is wrong."""
import os
import sys
import warnings

warnings.filterwarnings("ignore")
import h5py
import numpy as np
from loguru import logger
from mth5.mth5 import MTH5

logger.remove()
STEP = np.uint64(0x9E3779B97F4A7C15)


def mix(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def expected(path, n):
    """truth.hpp's sample(channel_key(path), 0 … n - 1)"""
    key = 0xCBF29CE484222325
    for byte in path.encode():
        key = ((key ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        value = mix(mix(np.array([key], np.uint64)) + STEP * np.arange(n, dtype=np.uint64)) & np.uint64(0x7FFFFF)
    value = value.astype(np.int64)
    return np.where(value < 0x400000, value - 0x400001, value)


def need(condition, text):
    if not condition:
        raise ValueError(text)


def check(name):
    lengths = {}
    with h5py.File(name, "r") as file:
        stations = file["Experiment/Surveys/T/Stations"]
        for station in stations:
            for run in (key for key, item in stations[station].items() if item.attrs.get("mth5_type") == "Run"):
                for component, dataset in stations[station][run].items():
                    path = f"{station}/{run}/{component}"
                    need(np.array_equal(dataset[...], expected(path, dataset.shape[0])), f"{path}: samples differ")
                    lengths[station, run, component] = dataset.shape[0]
                    need(dataset.shape[0] == lengths.setdefault((station, run), dataset.shape[0]), f"{path}: length differs")
        for table in ("commits", "gaps", "state"):
            file[f"Acquisition/{table}"][...]
    channels = {key: n for key, n in lengths.items() if len(key) == 3}
    m = MTH5()
    m.open_mth5(name, "r")
    try:
        summary = m.channel_summary.to_dataframe()
        rows = {(r.station, r.run, r.component): r.n_samples for r in summary.itertuples()}
        need(rows == channels, f"channel_summary: {len(rows)} rows, {len(channels)} channels; differ: {set(rows.items()) ^ set(channels.items())}")
        station, run, component = min(channels)
        data = m.get_channel(station, run, component, "T").to_numpy()
        need(len(data) == channels[station, run, component], f"get_channel: {len(data)} samples")
    finally:
        m.close_mth5()


for line in sys.stdin:
    name = line.rstrip("\n")
    try:
        check(name)
        os.remove(name)
        print(name, "good", sep="\t", flush=True)
    except Exception as error:  # the name and the reason are the result; the rest goes on
        print(name, f"{type(error).__name__}: {error}".replace("\n", " "), sep="\t", flush=True)
