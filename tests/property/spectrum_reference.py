"""Welch's spectrum by scipy: spectrum_reference.py FILE RATE SEGMENT FIRST END [FIRST END …]. FILE: float64 samples; the spectrum is the mean
over the stretches FIRST to END, each with the weight of its number of segments. Prints JSON: density, a number per line; segments."""
import json
import sys

import numpy
import scipy.signal

rate, segment = float(sys.argv[2]), int(sys.argv[3])
x = numpy.fromfile(sys.argv[1])
edges = [int(text) for text in sys.argv[4:]]
density, segments = 0, 0
for first, end in zip(edges[::2], edges[1::2]):
    n = (end - first - segment) // (segment // 2) + 1
    density = density + n * scipy.signal.welch(x[first:end], rate, "hann", segment)[1]
    segments += n
print(json.dumps({"density": (density / segments).tolist(), "segments": segments}))
