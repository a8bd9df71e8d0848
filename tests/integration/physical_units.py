"""physical_units.py sine FILE COMPONENT: unmodified mth5 takes the instrument response of a channel away, whose samples are 1000 times the
sine of 20 samples; prints as JSON how many times that sine is left (amplitude, degrees ahead), and in which units.
physical_units.py units FILE: prints units, comments, second sample, number of filters and dipole length of e1 of the first run, and the step from
that sample to the next in physical units if there is a way to them (mth5 gives a series another mean)."""
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


def units(path):
    m = MTH5()
    m.open_mth5(path, "r")
    raw = channel_of(m, "e1")
    said = {
        "units": raw.channel_metadata.units,
        "comments": str(raw.channel_metadata.comments.value),
        "second": float(raw.ts[1]),
        "filters": len(raw.channel_metadata.filters),
        "dipole_length": float(raw.channel_metadata.dipole_length or 0),
    }
    if said["filters"]:
        done = raw.remove_instrument_response(**EXACT)
        said["physical_step"] = float(done.ts[2] - done.ts[1])
        said["physical_units"] = done.channel_metadata.units
    m.close_mth5()
    print(json.dumps(said))


if __name__ == "__main__":
    {"sine": sine, "units": units}[sys.argv[1]](*sys.argv[2:])
