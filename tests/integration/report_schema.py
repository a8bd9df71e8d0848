"""Validates reports of mth5-summary --format json by their schema.

report_schema.py SCHEMA REPORT...: ends with an error if one does not hold to it, has a property that is not in it, or a number
that JSON does not have. For Debian's own Python with python3-jsonschema.
"""

import json
import sys

import jsonschema


def strict(schema):
    """The same, but nothing may be there that it does not name: then it names all that there is."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in made and "required" in made:
        made.setdefault("additionalProperties", False)
    return made


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(strict(schema))
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        report = json.load(file, parse_constant=refuse)
    for error in validator.iter_errors(report):
        sys.exit(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    # It does look: nothing of a report may be taken away.
    for key in list(report):
        if key not in ("verdict", "previous"):
            less = {name: value for name, value in report.items() if name != key}
            assert not validator.is_valid(less), key
print(len(sys.argv) - 2)
