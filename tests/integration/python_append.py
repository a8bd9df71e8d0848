"""Files of Python mth5 for mth5-recover --set-swmr and mth5::File to go on with, and what Python says of them afterwards.
  python_append.py make FILE VERSION     an old file: HDF5's earliest format, compressed, filters, references in summaries
  python_append.py same OLD COPY         every group, attribute and dataset is equal
  python_append.py packed FILE LEVEL     channels are shuffled and compressed so, and Python mth5 reads the file
  python_append.py grown COPY N          N samples more in sr8_0001, and Python reads all of it, the validator too"""
import sys
import warnings

warnings.filterwarnings("ignore")
import h5py
import numpy as np
from loguru import logger
from mth5.mth5 import MTH5
from mth5.utils.mth5_validator import MTH5Validator

logger.remove()
CHANNELS = {"ex": "electric", "hy": "magnetic", "temperature": "auxiliary"}
SAMPLES = 3000


def values(name):
    return (np.arange(SAMPLES) * 7 % 1001 - 500 + len(name)).astype(np.int32)


def station_of(m):
    if m.file_version == "0.1.0":
        return m.get_station("MT001")
    return m.get_station("MT001", survey="S1")


def make(path, version):
    m = MTH5(file_version=version)
    m.open_mth5(path, "w", libver="earliest")
    if version == "0.1.0":
        m.survey_group.metadata.id = "S1"
        m.survey_group.write_metadata()
        station = m.add_station("MT001")
    else:
        m.add_survey("S1")
        station = m.add_station("MT001", survey="S1")
    station.metadata.location.latitude, station.metadata.location.longitude = 40.0, -115.0
    station.write_metadata()
    run = station.add_run("sr8_0001")
    run.metadata.sample_rate = 8.0
    run.metadata.time_period.start = "2020-01-01T00:00:00"
    for name, kind in CHANNELS.items():
        channel = run.add_channel(name, kind, values(name))
        channel.metadata.sample_rate = 8.0
        channel.metadata.time_period.start = "2020-01-01T00:00:00"
        channel.metadata.time_period.end = "2020-01-01T00:06:14.875"
        channel.write_metadata()
    run.metadata.time_period.end = "2020-01-01T00:06:14.875"
    run.write_metadata()
    m.channel_summary.summarize()
    m.close_mth5()


def same(old, copy):
    with h5py.File(old, "r") as a, h5py.File(copy, "r") as b:
        names = []
        a.visit(names.append)
        theirs = []
        b.visit(theirs.append)
        assert names == theirs, set(names) ^ set(theirs)
        for name in ["/"] + names:
            x, y = a[name], b[name]
            assert type(x) is type(y), name
            assert dict(x.attrs).keys() == dict(y.attrs).keys(), name
            for key in x.attrs:
                p, q = x.attrs[key], y.attrs[key]
                equal = a[p].name == b[q].name if isinstance(p, h5py.Reference) else np.array_equal(p, q, equal_nan=np.asarray(p).dtype.kind == "f")
                assert equal, (name, key)
            if not isinstance(x, h5py.Dataset):
                continue
            assert x.shape == y.shape and x.dtype == y.dtype, name
            for field in x.dtype.names or [None]:
                p, q = (x[...], y[...]) if field is None else (x[...][field], y[...][field])
                if p.dtype == h5py.ref_dtype:
                    for r, s in zip(p.ravel(), q.ravel()):
                        assert bool(r) == bool(s) and (not r or a[r].name == b[s].name), (name, field)
                else:
                    assert np.array_equal(p, q, equal_nan=p.dtype.kind == "f"), (name, field)


def packed(path, level):
    with h5py.File(path, "r") as f:
        channels = []
        f.visititems(lambda name, x: channels.append(x) if isinstance(x, h5py.Dataset) and name.count("/") == 6 else None)
        assert len(channels) == 3, channels
        for x in channels:
            assert x.shuffle and x.compression == "gzip" and x.compression_opts == level and 10_000 <= x.chunks[0] <= 65_536, x.name
    m = MTH5()
    m.open_mth5(path, "r")
    for row in m.channel_summary.to_dataframe().itertuples():
        channel = m.from_reference(row.hdf5_reference).to_channel_ts()
        assert channel.component == row.component and channel.n_samples == row.n_samples > 0, row
    m.close_mth5()


def grown(path, n):
    report = MTH5Validator(path, verbose=False, check_data=False).validate()
    # What Python itself leaves out of a file is not held against the copy.
    assert report.is_valid and report.error_count == 0, [str(m) for m in report.messages]
    m = MTH5()
    m.open_mth5(path, "r")
    table = m.channel_summary.to_dataframe()
    assert list(table.n_samples) == [SAMPLES + n] * 3, table
    assert list(m.run_summary.n_samples) == [SAMPLES + n], m.run_summary
    for row in table.itertuples():
        channel = m.from_reference(row.hdf5_reference).to_channel_ts()
        assert channel.component == row.component and channel.n_samples == SAMPLES + n, row
        assert np.array_equal(channel.ts, np.concatenate([values(row.component), np.arange(1, n + 1)])), row.component
        assert str(channel.end) == "2020-01-01T00:06:16.125000+00:00", channel.end
    run = station_of(m).get_run("sr8_0001")
    assert run.to_runts().dataset.sizes["time"] == SAMPLES + n
    assert str(run.metadata.time_period.end) == "2020-01-01T00:06:16.125000+00:00", run.metadata.time_period.end
    m.close_mth5()


{"make": make, "same": same, "packed": lambda path, n: packed(path, int(n)), "grown": lambda path, n: grown(path, int(n))}[sys.argv[1]](*sys.argv[2:])
