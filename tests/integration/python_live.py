"""python_live.py FILE: opens a file that is being written as Python mth5 users do (SWMR) and watches it grow through channel_summary and
through the datasets until n_samples has grown three times. Prints one JSON object with what was seen; exits 1 with a text if anything
does not fit, or after 60 s."""
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
from loguru import logger
from mth5.mth5 import MTH5

logger.remove()
path = sys.argv[1]
deadline = time.monotonic() + 60


def need(condition, text):
    if not condition:
        sys.exit(f"python_live: {text}")


m = MTH5()
m.open_mth5(path, "r", single_writer_multiple_reader=True)
need(m.is_swmr_mode() and not m.h5_is_write(), "is_swmr_mode / h5_is_write")
channel = m.get_channel("MT001", "sr1_0001", "e4", "TEST")
seen, lengths = [], []
while len(seen) < 4:
    need(time.monotonic() < deadline, f"channel_summary did not grow in time: {seen}")
    table = m.channel_summary.to_dataframe()
    counts = set(table[table.run == "sr1_0001"].n_samples)
    n = int(min(counts))
    if not seen or n > seen[-1]:
        channel.hdf5_dataset.refresh()
        length = channel.hdf5_dataset.shape[0]
        need(length >= n, f"channel_summary promises {n} samples, e4 has {length}")
        need(n == 0 or bool((channel.hdf5_dataset[:n] != 0).all()), "a sample below n_samples is not there")
        seen.append(n)
        lengths.append(length)
    time.sleep(0.02)
summary = m.run_summary
need(list(summary.run)[0] == "sr1_0001" and int(summary.n_samples.iloc[0]) >= seen[-1], f"run_summary:\n{summary}")
m.close_mth5()
print(json.dumps({"seen": seen, "lengths": lengths}))
