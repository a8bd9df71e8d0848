"""What obspy makes of its own miniSEED files, for miniseed_recordings_test: prints a list of {file, bytes, error or traces}, each
trace {id, start_ns, rate, n, text}, in the order of the file. The samples of all traces of one id stand behind one another as float64
in OUT/NUMBER.ID.
    miniseed_expected.py OUT
"""
import json
import pathlib
import sys
import warnings

import numpy
import obspy

warnings.simplefilter("ignore")
out = pathlib.Path(sys.argv[1])
top = pathlib.Path(obspy.__file__).parent
files = sorted(p for p in (top / "io/mseed/tests/data").rglob("*") if p.is_file())
files += sorted((top / "io/reftek/tests/data").glob("*.msd")) + sorted((top / "clients/seedlink/tests/data").glob("*.slink"))
found = []
for number, path in enumerate(files):
    one = {"file": str(path), "number": number, "bytes": path.stat().st_size, "traces": []}
    try:
        for trace in obspy.read(str(path), format="MSEED"):
            stats = trace.stats
            text = trace.data.dtype.kind == "S"
            one["traces"].append({"id": trace.id, "start_ns": stats.starttime.ns, "rate": stats.sampling_rate, "n": len(trace),
                                  "text": text})
            if not text:
                with (out / f"{number}.{trace.id}").open("ab") as samples:
                    samples.write(trace.data.astype(numpy.float64).tobytes())
    except Exception as error:  # what obspy refuses
        one["error"] = f"{type(error).__name__}: {error}"
    found.append(one)
print(json.dumps(found))
