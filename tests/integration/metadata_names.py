"""What mt_metadata says of the metadata model, for metadata_names_test.cpp.

names            prints {kind: {"names": [...], "required": [...]}} as JSON
set FILE         FILE holds [[kind, name, value], ...]; prints a list of what each became, or {"refused": why}
from_dict FILE   FILE holds {kind: {name: value}}; prints {kind: "" or why it was refused}
"""

import json
import sys
import typing

from loguru import logger
from mt_metadata.timeseries import Auxiliary, Electric, Magnetic, Run, Station, Survey
from mt_metadata.timeseries.filters import (
    CoefficientFilter,
    FIRFilter,
    FrequencyResponseTableFilter,
    PoleZeroFilter,
    TimeDelayFilter,
)
from pydantic import BaseModel

KINDS = {c.__name__.lower(): c for c in (Survey, Station, Run, Electric, Magnetic, Auxiliary)}
KINDS |= {
    "coefficient": CoefficientFilter,
    "zpk": PoleZeroFilter,
    "fap": FrequencyResponseTableFilter,
    "fir": FIRFilter,
    "time_delay": TimeDelayFilter,
}


def model_in(annotation):
    """The metadata class of a field, if it is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [m for m in map(model_in, typing.get_args(annotation)) if m]
    return found[0] if len(found) == 1 and len(typing.get_args(annotation)) <= 2 else None


def required(cls, prefix=""):
    for name, field in cls.model_fields.items():
        inner = model_in(field.annotation)
        if inner and hasattr(inner, "to_dict") and typing.get_origin(field.annotation) is not list:
            yield from required(inner, f"{prefix}{name}.")
        elif (field.json_schema_extra or {}).get("required"):
            yield prefix + name


def one_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())


def set_one(kind, name, value):
    target = KINDS[kind]()
    try:
        target.update_attribute(name, value)
        result = target.get_attr_from_name(name)
        return getattr(result, "value", None) if hasattr(result, "as_string") else str(getattr(result, "value", result))
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
        return {"refused": one_line(error)}


def whole(kind, values):
    try:
        KINDS[kind]().from_dict({kind: values})
        return ""
    except Exception as error:  # noqa: BLE001
        return one_line(error)


def main():
    logger.remove()
    if sys.argv[1] == "names":
        answer = {k: {"names": c().get_attribute_list(), "required": list(required(c))} for k, c in KINDS.items()}
    else:
        with open(sys.argv[2], encoding="utf-8") as file:
            question = json.load(file)
        if sys.argv[1] == "set":
            answer = [set_one(*item) for item in question]
        else:
            answer = {kind: whole(kind, values) for kind, values in question.items()}
    json.dump(answer, sys.stdout)


main()
