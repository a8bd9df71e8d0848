"""physical_units.py sine FILE COMPONENT: unmodified mth5 takes the instrument response of a channel away, whose samples are 1000 times the
sine of 20 samples; prints as JSON how many times that sine is left (amplitude, degrees ahead), and in which units."""
import json
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
from loguru import logger  # noqa: E402
from mth5.mth5 import MTH5  # noqa: E402

logger.remove()
EXACT = {"detrend": False, "zero_mean": False, "zero_pad": False, "plot": False}


def channel_of(m, component):
    row = m.channel_summary.to_dataframe().query(f"component == '{component}'").iloc[0]
    return m.get_channel(row.station, row.run, component, row.survey).to_channel_ts()


def sine(path, component):
    m = MTH5()
    m.open_mth5(path, "r")
    done = channel_of(m, component).remove_instrument_response(**EXACT)
    n = np.arange(done.ts.size)
    fit = 2 * np.mean(done.ts * np.exp(-2j * np.pi * n / 20))  # a sin(w n + p) gives -i a exp(i p)
    left = fit * 1j / 1000
    units = done.channel_metadata.units
    m.close_mth5()
    print(json.dumps({"amplitude": float(abs(left)), "degrees": float(np.degrees(np.angle(left))), "units": units}))


if __name__ == "__main__":
    {"sine": sine}[sys.argv[1]](*sys.argv[2:])
