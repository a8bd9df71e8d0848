"""What Python mth5 and aurora's tools make of a file whose station MT001 (survey S) has no position.
  unknown_position.py read FILE RUN SAMPLES    every way of reading works, and nothing says 0 but Python's own default
  unknown_position.py rewrite FILE FORMAT      opens it for writing and closes it; prints how many rows of the station channel_summary
                                               has then. FORMAT: newest (Python's default) or v110, of HDF5"""
import sys
import warnings

warnings.filterwarnings("ignore")
import h5py
import numpy as np
from loguru import logger
from mth5.mth5 import MTH5
from mth5.processing.kernel_dataset import KernelDataset
from mth5.processing.run_summary import RunSummary

logger.remove()
CHANNELS = ["ex", "ey", "hx", "hy"]


def need(condition, text):
    if not condition:
        sys.exit(f"unknown_position: {text}")


def read(path, run_id, samples):
    m = MTH5()
    m.open_mth5(path, "r")
    survey = None if m.file_version == "0.1.0" else "S"
    table = m.channel_summary.to_dataframe()
    need(sorted(table.component) == CHANNELS and set(table.n_samples) == {samples}, f"channel_summary:\n{table}")
    for column in ("latitude", "longitude", "elevation"):
        need(np.isnan(table[column].astype(float)).all(), f"channel_summary has {column} {list(table[column])}")
    need(list(m.run_summary.run) == [run_id], f"run_summary:\n{m.run_summary}")
    station = m.get_station("MT001", survey)
    need(station.metadata.id == "MT001" and np.isnan(station.metadata.location.elevation), f"station: {station.metadata.location}")
    run = m.get_run("MT001", run_id, survey)
    series = m.get_channel("MT001", run_id, "hx", survey).to_channel_ts()
    need(series.n_samples == samples and series.ts[5] == 5 + 2000, f"to_channel_ts: {series}")
    together = run.to_runts()
    need(together.dataset.time.size == samples and sorted(together.channels) == CHANNELS, f"to_runts: {together}")
    experiment = m.to_experiment()
    need([r.id for r in experiment.surveys[0].stations[0].runs] == [run_id], "to_experiment")
    m.close_mth5()
    runs = RunSummary()
    runs.from_mth5s([path])
    dataset = KernelDataset()
    dataset.from_run_summary(runs, "MT001")
    need(list(dataset.df.run) == [run_id] and int(dataset.df.n_samples.sum()) == samples, f"KernelDataset:\n{dataset.df}")


def rewrite(path, hdf5_format):
    m = MTH5()
    m.open_mth5(path, "a", **({} if hdf5_format == "newest" else {"libver": ("earliest", "v110")}))
    m.close_mth5()
    with h5py.File(path, "r") as f:
        table = f["Survey" if "Survey" in f else "Experiment"]["channel_summary"][...]
        print(int((table["station"] == b"MT001").sum()))  # where none is left Python writes a row of zeros


{"read": lambda path, run, n: read(path, run, int(n)), "rewrite": rewrite}[sys.argv[1]](*sys.argv[2:])
