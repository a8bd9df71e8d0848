"""Flush to visible: latency_bench (mth5::File and mth5::Reader) beside MTH5_SHARED/bench/python_latency.py (h5py), interleaved."""
import json
import statistics

import bench_tools as tools


def main():
    p = tools.options(__doc__)
    p.add_argument("--runs", type=int, default=3)
    o = p.parse_args()
    o.dir.mkdir(parents=True, exist_ok=True)
    out = str(o.dir.resolve() / "latency.h5")
    commands = {"libmth5": [tools.program(o.build / "bench/latency_bench"), out],
                "h5py": [tools.python(), tools.reference("python_latency.py"), "--out", out]}
    results = {name: [] for name in commands}
    for _ in range(o.runs):
        for name, command in commands.items():
            results[name].append(json.loads(tools.measured(command, None)[3].splitlines()[-1]))
    (o.dir / "latency.h5").unlink(missing_ok=True)
    print(f"5 channels int32, batch 1000, a flush every 20 ms, {results['libmth5'][0]['batches']} flushes a run; "
          f"{o.runs} interleaved runs, medians")
    median = lambda name, key: statistics.median(r[key] for r in results[name])
    keys = [f"us_after_flush_{q}" for q in ("p50", "p99", "max")] + ["us_poll_p50", "us_poll_p99", "us_write_flush_p50", "errors"]
    tools.table([("us", "after flush p50", "p99", "max", "one poll p50", "p99", "append + flush p50", "read errors")] +
                [(name, *(f"{median(name, key):.0f}" for key in keys)) for name in commands])


if __name__ == "__main__":
    main()
