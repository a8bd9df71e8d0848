"""Measures of a channel, from their definitions: measures_reference.py FILE RATE START. FILE: float64 samples, NaN = missing; START: seconds
since 1970. Prints JSON."""
import json
import sys

import numpy
import scipy.stats

x = numpy.fromfile(sys.argv[1])
rate = float(sys.argv[2])
start = int(sys.argv[3])
good = x[numpy.isfinite(x)]


def deviation(values):
    return 1.4826 * numpy.median(numpy.abs(values - numpy.median(values)))


def least(values):
    values = numpy.abs(values[values != 0])
    return values.min() if values.size else 0.0


def rows(values):
    """(value, first, n) of equal samples one after the other."""
    found = []
    for i, value in enumerate(values):
        if numpy.isnan(value):
            found.append(None)
        elif found and found[-1] and found[-1][0] == value:
            found[-1][2] += 1
        else:
            found.append([value, i, 1])
    return found


def spikes(values):
    reach = max(5, int(numpy.floor(0.05 * rate + 0.5)))
    around = max(reach, 30)

    def clear(i):
        offsets = [reach - n * max(1, reach // 6) for n in range(4)]
        others = sorted([values[i - o] for o in offsets] + [values[i + o] for o in offsets])
        half = 0.5 * (others[-2] - others[1])
        return values[i] > others[-2] + half or values[i] < others[1] - half

    def alone(i):
        near = values[i - reach : i + reach + 1]
        steps = numpy.diff(values[i - around : i + around + 1])
        height = values[i] - numpy.median(near)
        limit = max(deviation(steps), least(steps))
        return (
            abs(height) > 6 * deviation(near)
            and abs(height) > 6 * least(steps)
            and abs(values[i] - values[i - 1]) > 8 * limit
        )

    count = 0
    for i in range(around + 1, len(values) - around):
        if not clear(i) or not numpy.all(numpy.isfinite(values[i - 1 - around : i + around + 1])):
            continue
        if alone(i) and not alone(i - 1):
            count += 1
    return count


def cells(length):
    numbers = numpy.floor((start + numpy.arange(len(x)) / rate + 1e-9) / length).astype(int)
    return {int(n): x[numbers == n] for n in numpy.unique(numbers)}


def whole_seconds():
    if rate <= 1:
        return x
    found = cells(1)
    means = []
    for n in range(min(found), max(found) + 1):
        values = found.get(n, numpy.array([]))
        values = values[numpy.isfinite(values)]
        means.append(values.mean() if len(values) >= int(rate) else numpy.nan)
    return numpy.array(means[1:-1])  # the first and the last may not be whole


def jumps(values):
    count = 0
    for i in range(31, len(values) - 31):
        window = values[i - 31 : i + 32]
        if not numpy.all(numpy.isfinite(window)):
            continue
        across = window[32] - window[30]
        if not (abs(across) >= abs(window[33] - window[31]) and abs(across) > abs(window[31] - window[29])):
            continue
        steps = numpy.concatenate([numpy.diff(window[:30]), numpy.diff(window[33:])])
        if least(steps) == 0:
            continue
        slope = numpy.median(steps)
        limit = 10 * max(deviation(steps), least(steps))
        level = numpy.median(window[33:43]) - numpy.median(window[20:30]) - 13 * slope
        sharp = across - 2 * slope
        if abs(sharp) > limit and abs(level) > limit and sharp * level >= 0 and abs(level) >= 0.5 * abs(sharp):
            count += 1
    return count


found = rows(x)
present = [row for row in found if row]
steps = [abs(b[0] - a[0]) for a, b in zip(found, found[1:]) if a and b]
clipped = 0
for extreme in {good.max(), good.min()} if good.size else ():
    sharpest = 0
    n = 0
    for i, row in enumerate(found):
        if not row or row[0] != extreme or row[2] < 3:
            continue
        n += row[2]
        for beside in (i - 1, i + 1):
            if 0 <= beside < len(found) and found[beside]:
                sharpest = max(sharpest, abs(found[beside][0] - extreme))
    clipped += n if steps and sharpest > 3 * min(steps) else 0

length = 1
numbers = numpy.floor(start + numpy.flatnonzero(numpy.isfinite(x)) / rate + 1e-9).astype(int)
while numbers.size and numbers[-1] // length - numbers[0] // length >= 1024:
    length *= 2
drift_length = length
while numbers.size and len(set(numbers // drift_length)) > 256:
    drift_length *= 2
means = [(n, numpy.nanmean(v)) for n, v in cells(drift_length).items() if numpy.any(numpy.isfinite(v))]
drift = None
if len(means) > 2:
    drift = scipy.stats.theilslopes([m for _, m in means], [n for n, _ in means])[0] * 3600 / drift_length

print(
    json.dumps(
        {
            "count": int(good.size),
            "mean": float(good.mean()) if good.size else None,
            "std": float(good.std()) if good.size else None,
            "min": float(good.min()) if good.size else None,
            "max": float(good.max()) if good.size else None,
            "median": float(numpy.median(good)) if good.size else None,
            "longest": max((row[2] for row in present), default=0),
            "next_longest": sorted((row[2] for row in present), reverse=True)[1] if len(present) > 1 else 0,
            "least_step": min((s for s in steps), default=None),
            "clipped": int(clipped),
            "spikes": spikes(x),
            "jumps": jumps(whole_seconds()),
            "cell_length": length,
            "drift": drift,
        }
    )
)
