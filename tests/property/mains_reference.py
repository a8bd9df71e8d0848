"""The power line by scipy: mains_reference.py FILE RATE SEGMENT HZ. FILE: float64 samples. Prints JSON: level, in dB: the power within 1 Hz of HZ
above the floor, against that of the floor in the same 2 Hz; the floor is the median 2 to 5 Hz beside it."""
import json
import sys

import numpy
import scipy.integrate
import scipy.signal

rate, segment, hz = float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
f, density = scipy.signal.welch(numpy.fromfile(sys.argv[1]), rate, "hann", segment)
away = numpy.abs(f - hz)
floor = numpy.median(density[(away >= 2 - 1e-9) & (away <= 5 + 1e-9)])
within = away <= 1 + 1e-9
line = scipy.integrate.trapezoid(density[within], f[within]) - 2 * floor
print(json.dumps({"level": 10 * numpy.log10(line / (2 * floor))}))
