"""half_space.py make FILE: the text of a LEMI-424 that stands on a homogeneous half space of 100 ohm m, 40,000 lines at 1 Hz.
  half_space.py layers R1 H R2 FILE: the same against R1 ohm m, H m thick, over R2 ohm m, within 15 % and 4 degrees from 12 to 200 s.
  half_space.py process FILE...: unmodified aurora estimates the impedance from each file (MTH5, of station MT001), which must be
that of the half space at the periods with many windows: from 9 to 60 s apparent resistivity within 10 % and phase within 1.5
degrees of 45, from 60 to 200 s within 15 % and 3 degrees, the mean of all within 4 % and 1 degree; the diagonal at most 10 %
of the rest. One JSON object per file; exits 1 with a text where anything differs.

The fields are known in the frequency domain, with exp(+i omega t): E = Z B, Z = sqrt(rho / (0.2 T)) exp(i pi/4) in mV/km per nT
for period T in s (the usual form of sqrt(i omega mu0 rho)); Ex = Z By, Ey = -Z Bx. B is random, falling with frequency as the
natural field does, and independent in x and y."""
import datetime
import json
import sys

import numpy as np

SAMPLES = 40_000
RESISTIVITY = 100.0
START = datetime.datetime(2026, 5, 1)


def fields():
    rng = np.random.default_rng(20260501)
    n = 1 << 16  # longer than what is kept, so that the ends do not meet
    frequency = np.fft.rfftfreq(n, 1.0)
    amplitude = np.zeros_like(frequency)
    amplitude[1:] = frequency[1:] ** -0.7
    bx, by, bz = (amplitude * (rng.normal(size=frequency.size) + 1j * rng.normal(size=frequency.size)) for _ in range(3))
    z = np.sqrt(RESISTIVITY * frequency / 0.2) * np.exp(0.25j * np.pi)
    spectra = {"bx": bx, "by": by, "bz": 0.1 * bz, "e1": z * by, "e2": -z * bx}
    series = {name: np.fft.irfft(spectrum, n)[:SAMPLES] for name, spectrum in spectra.items()}
    scale = 20.0 / np.std(series["bx"])  # nT
    return {name: values * scale for name, values in series.items()}


def make(path):
    f = fields()
    with open(path, "w", encoding="ascii") as out:
        for i in range(SAMPLES):
            t = START + datetime.timedelta(seconds=i)
            b = " ".join(f"{f[name][i]:.3f}" for name in ("bx", "by", "bz"))
            e = " ".join(f"{f[name][i]:.3f}" for name in ("e1", "e2", "e1", "e2"))  # no channel of zeros: Python drops its run
            out.write(f"{t:%Y %m %d %H %M %S} {b} 30.00 20.00 {e} 12.50 100.0 4030.00000 N 11506.00000 W 10 2 0\n")


def layered(period, upper, thickness, lower):
    """Impedance in mV/km per nT."""
    iw_mu = 2j * np.pi / period * 4e-7 * np.pi
    own, below = np.sqrt(iw_mu * upper), np.sqrt(iw_mu * lower)
    t = np.tanh(np.sqrt(iw_mu / upper) * thickness)
    return own * (below + own * t) / (own + below * t) / (4e-7 * np.pi) * 1e-3


def estimate(path, shortest):
    """(data set, periods, impedance elements) by aurora."""
    import warnings

    warnings.filterwarnings("ignore")
    from aurora.config.config_creator import ConfigCreator
    from aurora.pipelines.process_mth5 import process_mth5
    from mth5.processing.kernel_dataset import KernelDataset
    from mth5.processing.run_summary import RunSummary
    from loguru import logger

    logger.remove()  # after mth5 has set its own
    runs = RunSummary()
    runs.from_mth5s([path])
    dataset = KernelDataset()
    dataset.from_run_summary(runs, "MT001")
    dataset.drop_runs_shorter_than(5000)
    config = ConfigCreator().create_from_kernel_dataset(dataset, output_channels=["ex", "ey", "hz"])
    # The collection, not the TF object: aurora makes that only where ex and ey are the only electric channels.
    levels = process_mth5(config, dataset, return_collection=True).tf_dict.values()
    period = np.concatenate([np.asarray(level.periods) for level in levels])
    keep = (period >= shortest) & (period <= 200)
    if keep.sum() < 8:
        sys.exit(f"half_space: {path}: only {keep.sum()} periods")
    z = {
        (e, h): np.concatenate([level.tf.sel(output_channel=e, input_channel=h).values for level in levels])[keep]
        for e in ("ex", "ey")
        for h in ("hx", "hy")
    }
    return dataset, period[keep], z


def layers(upper, thickness, lower, path):
    _, period, z = estimate(path, 12)
    model = layered(period, float(upper), float(thickness), float(lower))
    for name, element in (("xy", z["ex", "hy"]), ("yx", -z["ey", "hx"])):
        rho = np.abs(element / model) ** 2 - 1
        phase = np.degrees(np.angle(element / model))
        if np.any(np.abs(rho) > 0.15) or np.any(np.abs(phase) > 4):
            sys.exit(f"half_space: {path}: {name}: {list(zip(period, rho, phase))}")
    apparent = 0.2 * period * np.abs(model) ** 2
    print(json.dumps({"periods": len(period), "low": float(apparent.min()), "high": float(apparent.max())}))


def process(path):
    dataset, period, z = estimate(path, 9)
    near = period < 60
    rows = []
    for name, element in (("xy", z["ex", "hy"]), ("yx", -z["ey", "hx"])):
        rho = 0.2 * period * np.abs(element) ** 2
        phase = np.degrees(np.angle(element))
        if np.any(np.abs(rho / RESISTIVITY - 1) > np.where(near, 0.10, 0.15)) or np.any(np.abs(phase - 45) > np.where(near, 1.5, 3)):
            sys.exit(f"half_space: {path}: {name}: {list(zip(period, rho, phase))}")
        if abs(np.mean(rho) / RESISTIVITY - 1) > 0.04 or abs(np.mean(phase) - 45) > 1:
            sys.exit(f"half_space: {path}: {name}: mean of {np.mean(rho)} ohm m and {np.mean(phase)} degrees")
        rows.append((float(np.mean(rho)), float(np.mean(phase))))
    off = max(np.max(np.abs(z["ex", "hx"] / z["ex", "hy"])), np.max(np.abs(z["ey", "hy"] / z["ey", "hx"])))
    if off > 0.10:
        sys.exit(f"half_space: {path}: diagonal of the impedance {off} of the rest")
    print(json.dumps({"runs": len(dataset.df), "samples": int(dataset.df.n_samples.sum()), "periods": len(period), "xy": rows[0], "yx": rows[1]}))


if sys.argv[1] == "make":
    make(sys.argv[2])
elif sys.argv[1] == "layers":
    layers(*sys.argv[2:])
else:
    for file in sys.argv[2:]:
        process(file)
