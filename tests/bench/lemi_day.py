"""A day of LEMI-424 text to a closed, synced MTH5 file: mth5d as a whole process, beside Python.

Interleaved, --runs times each:
  mth5d       file: at max speed, --until-eof; from exec to exit, the file closed and synced
  python      python_convert_day.py: imports, parse, convert, close (not synced)
  parser      MTH5_SHARED/bench/python_lemi_day.py --one fast: the time of LEMI424.read() alone, imports not counted
and once at the end: do both files hold the same samples?
PYTHON is the Python with mth5 (default build/venv/bin/python), MTH5_SHARED the reference folder (default ../shared).
"""
import datetime
import json
import statistics
import subprocess
import sys

import bench_tools as tools

COMPARE = """
import sys, h5py, numpy
def samples(path):
    found = {}
    with h5py.File(path) as f:
        f.visititems(lambda name, x: found.update({name.split('/')[-1]: x[...]})
                     if isinstance(x, h5py.Dataset) and '/Stations/' in '/' + name and x.ndim == 1 and x.dtype.kind == 'f' else None)
    return found
ours, python = samples(sys.argv[1]), samples(sys.argv[2])
assert len(ours) == 9 and ours.keys() == python.keys(), (sorted(ours), sorted(python))
assert all(len(ours[c]) == int(sys.argv[3]) and numpy.array_equal(ours[c], python[c]) for c in ours)
"""

def make_day(path, lines):
    """The recorded lines over and over, with times that go on."""
    bodies = [line[19:] for line in tools.RECORDED.read_text().splitlines()]
    start = datetime.datetime(2020, 10, 1)
    with open(path, "w", newline="\n") as f:
        for i in range(lines):
            f.write(f"{start + datetime.timedelta(seconds=i):%Y %m %d %H %M %S}{bodies[i % len(bodies)]}\n")


def main():
    p = tools.options(__doc__)
    p.add_argument("--runs", type=int, default=7)
    p.add_argument("--lines", type=int, default=86400)
    o = p.parse_args()
    o.dir.mkdir(parents=True, exist_ok=True)
    folder = o.dir.resolve()
    mth5d, python, parser = tools.program(o.build / "bin/mth5d"), tools.python(), tools.reference("python_lemi_day.py")
    env = tools.environment(folder)
    day, ours, theirs = folder / "lemi_day.TXT", folder / "L424_20201001T000000Z.h5", folder / "python_day.h5"
    make_day(day, o.lines)
    config = folder / "lemi_day.yaml"
    config.write_text(tools.config(folder, f"file: {{path: {day}, speed: max}}"))
    commands = {
        "mth5d": [mth5d, "--config", str(config), "--until-eof", "--status-file", str(folder / "status.json")],
        "python": [python, str(tools.REPO / "tests/bench/python_convert_day.py"), str(day), str(theirs)],
        "parser": [python, parser, "--text", str(day), "--lines", str(o.lines), "--one", "fast"],
    }
    walls, cpus, peaks = ({name: [] for name in commands} for _ in range(3))
    for i in range(o.runs + 1):
        for name, command in commands.items():
            for old in (ours, theirs) if name == "mth5d" else ():
                old.unlink(missing_ok=True)
            wall, cpu, peak, out = tools.measured(command, env)
            if i == 0:  # warms the caches
                continue
            if name == "parser":
                result = json.loads(out)
                wall, cpu, peak = result["read_s"], result["cpu_s"], result["rss_mib"]
            walls[name].append(wall)
            cpus[name].append(cpu)
            peaks[name].append(peak)
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    subprocess.run([python, "-c", COMPARE, str(ours), str(theirs), str(o.lines)], check=True)

    print(f"{o.lines} lines, {day.stat().st_size / 1e6:.1f} MB; {o.runs} interleaved runs, median (min..max)")
    base = statistics.median(walls["mth5d"])
    ratios = {name: [w / m for w, m in zip(walls[name], walls["mth5d"])] for name in commands}
    about = {"mth5d": "mth5d, whole process, file closed and synced", "python": "Python mth5, whole process, file closed",
             "parser": "Python's parser alone (LEMI424.read)"}
    rows = [("", "wall s", "CPU s", "peak MiB", "times the wall of mth5d", "file MB")]
    size = {"mth5d": f"{ours.stat().st_size / 1e6:.1f}", "python": f"{theirs.stat().st_size / 1e6:.1f}", "parser": "-"}
    for name in commands:
        rows.append((about[name], tools.median_and_span(walls[name]), f"{statistics.median(cpus[name]):.3f}",
                     f"{statistics.median(peaks[name]):.0f}", f"{statistics.median(ratios[name]):.1f}", size[name]))
    tools.table(rows)
    print(f"same samples in both files: yes; mth5d: {o.lines / base / 1e3:.0f} thousand lines a second, "
          f"{day.stat().st_size / base / 1e6:.0f} MB/s of text")


if __name__ == "__main__":
    main()
