"""A LEMI-424 text file to an MTH5 file with Python mth5, as a user of it would do it: python_convert_day.py DAY.TXT OUT.h5"""
import sys

from mt_io.lemi.lemi424 import LEMI424
from mth5.mth5 import MTH5

recording = LEMI424(sys.argv[1])
recording.read()
run_ts = recording.to_run_ts(e_channels=["e1", "e2", "e3", "e4"])
with MTH5(file_version="0.2.0") as m:
    m.open_mth5(sys.argv[2], "w")
    station = m.add_survey("BENCH").stations_group.add_station("L424")
    run = station.add_run(run_ts.run_metadata.id)
    run.from_runts(run_ts)
    station.metadata.update(recording.station_metadata)
    station.write_metadata()
