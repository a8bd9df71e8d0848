"""Python's side of metadata_roundtrip_test.cpp: every attribute of every object through files.

read FILE    FILE holds [path, ...] of MTH5 files; prints what Python finds in each: {"survey": {name: value}, ..., "filters": {...}}
write FILE   FILE holds [{"path", "version", "survey": {name: value}, ..., "filters": {kind: {...}}}, ...]; makes these files
"""

import json
import sys
from enum import Enum

import numpy as np
from loguru import logger
from mt_metadata.timeseries import Auxiliary, Electric, Magnetic, Run, Station, Survey
from mt_metadata.timeseries.filters import (
    CoefficientFilter,
    FIRFilter,
    FrequencyResponseTableFilter,
    PoleZeroFilter,
    TimeDelayFilter,
)
from mth5.mth5 import MTH5

logger.remove()  # after the imports: mth5 adds its own handlers
CHANNELS = {"electric": Electric, "magnetic": Magnetic, "auxiliary": Auxiliary}
FILTERS = {
    "coefficient": CoefficientFilter,
    "zpk": PoleZeroFilter,
    "fap": FrequencyResponseTableFilter,
    "fir": FIRFilter,
    "time_delay": TimeDelayFilter,
}


def plain(value):
    """As JSON has it; complex numbers as pairs."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (complex, np.complexfloating)):
        return [value.real, value.imag]
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def attributes(metadata):
    found = {name: plain(metadata.get_attr_from_name(name)) for name in metadata.get_attribute_list()}
    if hasattr(metadata, "filters") and isinstance(metadata.filters, list):
        found["filters"] = [[f.name, f.applied, f.stage, plain(f.comments.value)] for f in metadata.filters]
    return found


def read(path):
    with MTH5() as m:
        m.open_mth5(path, "r")
        new = m.file_version == "0.2.0"
        survey = m.get_survey("S1") if new else m.survey_group
        station = survey.stations_group.get_station("MT1")
        run = station.get_run("a")
        found = {"survey": survey.metadata, "station": station.metadata, "run": run.metadata}
        for name in run.groups_list:
            channel = run.get_channel(name)
            found[channel.metadata.type] = channel.metadata
        found = {kind: attributes(metadata) for kind, metadata in found.items()}
        group = survey.filters_group
        filters = [group.to_filter_object(name) for name in group.filter_dict]
        found["filters"] = {f.type.replace(" ", "_"): attributes(f) for f in filters}
        return found


def filled(metadata, values):
    for name, value in values.items():
        if name in ("poles", "zeros"):
            value = [complex(*z) for z in value]
        metadata.update_attribute(name, value)
    return metadata


def write(wanted):
    with MTH5(file_version=wanted["version"]) as m:
        # the default of the HDF5 below h5py may be newer than ours can open
        m.open_mth5(wanted["path"], "w", libver=("v110", "v110"))
        survey = filled(Survey(), wanted["survey"])
        if wanted["version"] == "0.2.0":
            group, of = m.add_survey("S1", survey), {"survey": "S1"}
        else:
            group, of = m.survey_group, {}
            group.metadata.update(survey)
            group.write_metadata()
        for kind, values in wanted["filters"].items():
            group.filters_group.add_filter(filled(FILTERS[kind](), values))
        m.add_station("MT1", station_metadata=filled(Station(), wanted["station"]), **of)
        m.add_run("MT1", "a", run_metadata=filled(Run(), wanted["run"]), **of)
        for kind, cls in CHANNELS.items():
            metadata = filled(cls(), wanted[kind])
            m.add_channel("MT1", "a", metadata.component, kind, np.arange(8.0), channel_metadata=metadata, **of)
        # a run's lists of channels are what Python finds in it, so they are right only now
        m.get_run("MT1", "a", **of).write_metadata()


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        question = json.load(file)
    if sys.argv[1] == "read":
        json.dump([read(path) for path in question], sys.stdout)
    else:
        for wanted in question:
            write(wanted)


main()
