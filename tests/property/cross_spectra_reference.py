"""Welch's spectra by scipy: cross_spectra_reference.py FILE CHANNELS RATE SEGMENT. FILE: float64 frames, interleaved, from the first sample of a
segment on; NaN = missing. Prints JSON: density by channel, cross between the first and each, one list [re, im] per line; segments."""
import json
import sys

import numpy
import scipy.signal

channels, rate, segment = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
x = numpy.fromfile(sys.argv[1]).reshape(-1, channels).T

# What touches a missing sample is left out: the mean over stretches without, weighted by their number of segments.
starts = [i for i in range(0, x.shape[1] - segment + 1, segment // 2) if numpy.all(numpy.isfinite(x[:, i : i + segment]))]


def mean(a, b):
    return numpy.mean(
        [scipy.signal.csd(x[a, i : i + segment], x[b, i : i + segment], rate, "hann", segment)[1] for i in starts], axis=0
    )


result = {
    "segments": len(starts),
    "density": [mean(c, c).real.tolist() for c in range(channels)],
    "cross": [[[v.real, v.imag] for v in mean(0, c)] for c in range(channels)],
}
if numpy.all(numpy.isfinite(x)):
    result["welch"] = [scipy.signal.welch(x[c], rate, "hann", segment)[1].tolist() for c in range(channels)]
    if len(starts) > 1:
        result["coherence"] = scipy.signal.coherence(x[0], x[-1], rate, "hann", segment)[1].tolist()
print(json.dumps(result))
