"""python_closed.py FILE REFERENCE [--samples]: reads a closed file of ours by every read path of Python mth5, by h5py and by the package's
validator, and compares every sample with REFERENCE, Python's own conversion of the same recordings (tests/data/mth5/lemi424_python.h5).
With --samples by h5py only, all samples and what places them in time. Prints one JSON object; exits 1 with a text where anything differs."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import h5py
import numpy as np

path, reference = sys.argv[1:3]
samples_only = sys.argv[3:] == ["--samples"]
survey, station = "TEST", "MT001"
CHANNELS = ["bx", "by", "bz", "e1", "e2", "e3", "e4", "temperature_e", "temperature_h"]


def need(condition, text):
    if not condition:
        sys.exit(f"python_closed: {text}")


# h5py, dataset against dataset: bit for bit
with h5py.File(path, "r") as ours, h5py.File(reference, "r") as theirs:
    runs = {}
    for run in ("sr1_0001", "sr1_0002"):
        group = ours[f"Experiment/Surveys/{survey}/Stations/{station}/{run}"]
        expected = theirs[f"Experiment/Surveys/LEMI/Stations/L424/{run}"]
        need(sorted(group) == sorted(expected) == sorted(CHANNELS), f"{run}: channels {sorted(group)}")
        for name in CHANNELS:
            a, b = group[name], expected[name]
            need(a.dtype == b.dtype and a.shape == b.shape, f"{run}/{name}: {a.dtype} {a.shape}, Python has {b.dtype} {b.shape}")
            need(np.array_equal(a[...], b[...]), f"{run}/{name}: samples differ from Python's")
            for key in ("time_period.start", "time_period.end", "sample_rate", "units", "type", "component"):
                # Python takes E for mV/km, which a LEMI-424 sends where its line lengths are set only; a recording does not say.
                expected_value = "microVolt" if key == "units" and name.startswith("e") else b.attrs[key]
                need(a.attrs[key] == expected_value, f"{run}/{name}: {key} is {a.attrs[key]!r}, not {expected_value!r}")
        for key in ("time_period.start", "time_period.end", "sample_rate", "id"):
            need(group.attrs[key] == expected.attrs[key], f"{run}: {key} is {group.attrs[key]!r}, Python has {expected.attrs[key]!r}")
        runs[run] = int(group["bx"].shape[0])

if samples_only:
    print(json.dumps({"runs": runs, "channels": len(CHANNELS)}))
    sys.exit()

from mth5.mth5 import MTH5
from mth5.utils.mth5_validator import MTH5Validator
from loguru import logger

logger.remove()


def findings(file, survey, station):
    """What the validator warns of, or worse; names of survey and station left out."""
    result = MTH5Validator(file, verbose=False, check_data=False).validate()
    texts = [str(m) for m in result.messages if m.level.name != "INFO"]
    return result.is_valid, {t.replace(f"/{survey}/", "/SURVEY/").replace(f"/{station}/", "/STATION/") for t in texts}


# Python's own file is warned of as well: for its stations' Features and Fourier_Coefficients, which aurora needs.
valid, ours = findings(path, survey, station)
_, theirs = findings(reference, "LEMI", "L424")
need(valid and ours <= theirs, f"validator: {sorted(ours - theirs)} is not found in Python's own file")

m = MTH5()
m.open_mth5(path, "r")
need(m.validate_file(), "validate_file() says no")
table = m.channel_summary.to_dataframe()
need(len(table) == 2 * len(CHANNELS) and set(table.n_samples) == {120} and table.has_data.all(), f"channel_summary:\n{table}")
need(set(table.component) == set(CHANNELS), f"channel_summary components: {set(table.component)}")
summary = m.run_summary
need(list(summary.run) == ["sr1_0001", "sr1_0002"] and list(summary.n_samples) == [120, 120], f"run_summary:\n{summary}")
need(str(summary.end.iloc[-1]) == "2020-10-02 00:01:59+00:00", f"run_summary end: {summary.end.iloc[-1]}")
for name in ("tf_summary", "fc_summary"):
    getattr(m, name).to_dataframe()
need(len(m.surveys_group.channel_summary) == len(table), "surveys_group.channel_summary")

station_group = m.get_station(station, survey)
need(station_group.metadata.id == station, "station id")
need(abs(station_group.metadata.location.latitude - 34.080646) < 1e-5, f"latitude {station_group.metadata.location.latitude}")
need(abs(station_group.metadata.location.longitude + 107.214075) < 1e-5, f"longitude {station_group.metadata.location.longitude}")
need(list(station_group.run_summary.id) == ["sr1_0001", "sr1_0002"], f"station.run_summary:\n{station_group.run_summary}")
run = m.get_run(station, "sr1_0001", survey)
need(run.metadata.sample_rate == 1 and run.has_data(), "run metadata")
need(run.metadata.data_logger.power_source.voltage.start == 12.98, f"battery {run.metadata.data_logger.power_source.voltage.start}")
need(len(run.channel_summary) == len(CHANNELS), "run.channel_summary")
channel = m.get_channel(station, "sr1_0001", "bx", survey)
need(channel.metadata.units == "nanoTesla", f"units {channel.metadata.units}")
series = channel.to_channel_ts()
need(series.n_samples == 120 and series.sample_rate == 1, f"to_channel_ts: {series}")
need(str(series.time_index[-1]).startswith("2020-10-01T00:01:59"), f"time axis ends {series.time_index[-1]}")
need(channel.to_xarray().shape == (120,) and channel.to_dataframe().shape[0] == 120 and len(channel.to_numpy()) == 120, "to_xarray and others")
piece = channel.time_slice("2020-10-01T00:00:10", n_samples=5)
need(piece.n_samples == 5 and piece.ts[0] == channel.hdf5_dataset[10], f"time_slice: {piece}")
together = run.to_runts()
need(together.dataset.time.size == 120 and set(together.channels) == set(CHANNELS), f"to_runts: {together}")
need(np.array_equal(together.dataset["e4"].values, m.get_channel(station, "sr1_0001", "e4", survey).hdf5_dataset[...]), "to_runts samples")
for column in ("hdf5_reference", "run_hdf5_reference", "station_hdf5_reference"):
    m.from_reference(table[column].iloc[0])
experiment = m.to_experiment()
need([r.id for r in experiment.surveys[0].stations[0].runs] == ["sr1_0001", "sr1_0002"], "to_experiment")
m.close_mth5()
print(json.dumps({"runs": runs, "channels": len(CHANNELS)}))
