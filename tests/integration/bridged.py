"""bridged.py FILE: what Python mth5 makes of a copy whose runs a, b and c (bridge_test.cpp) are one."""
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np
from loguru import logger
from mth5.mth5 import MTH5

logger.remove()
with MTH5() as m:
    m.open_mth5(sys.argv[1], "r")
    station = m.get_station("S1", survey="TEST")
    assert station.metadata.run_list == ["a", "d", "e"], station.metadata.run_list
    assert station.groups_list and not {"b", "c"} & set(station.groups_list), station.groups_list
    rows = m.channel_summary.to_dataframe()
    assert sorted(zip(rows.run, rows.component, rows.n_samples)) == [
        (run, component, n) for run, n in (("a", 320), ("d", 100), ("e", 100)) for component in ("ex", "ey")
    ], rows
    for row in rows.itertuples():
        channel = m.from_reference(row.hdf5_reference)
        assert channel.metadata.component == row.component and channel.n_samples == row.n_samples, row
        assert str(channel.end)[:19] == row.end.isoformat()[:19], (channel.end, row.end)
    run = station.get_run("a").to_runts()
    assert run.dataset.sizes["time"] == 320, run
    assert str(run.end).startswith("2026-05-01T00:00:31.9"), run.end
    for name in ("ex", "ey"):
        assert np.isfinite(run.dataset[name].to_numpy()).all(), name
