"""python manifest_hashes.py FILE MANIFEST: the samples of each channel have the hash that the manifest tells, by h5py and hashlib."""
import hashlib
import json
import sys

import h5py

file, manifest = sys.argv[1:]
count = 0
with h5py.File(file, "r") as h5:
    for run in json.load(open(manifest))["runs"]:
        group = h5["Experiment/Surveys"][run["survey"]]["Stations"][run["station"]][run["run"]]
        for channel in run["channels"]:
            samples = group[channel["component"]][()]
            assert samples.dtype == channel["dtype"], (channel, samples.dtype)
            assert len(samples) == channel["samples"], (channel, len(samples))
            assert hashlib.sha256(samples.tobytes()).hexdigest() == channel["sha256"], channel
            count += 1
print(f"{count} channels")
