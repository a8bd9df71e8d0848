"""What mth5-summary costs, against the goals of the issue it was built for, in one run:

  day       5 channels at 256 Hz, uncompressed, cached, as Python mth5 makes it: mth5-summary beside python_summary.py of the references
  archive   --days such days as a recorder leaves them, a file a day (archive_bench): counts and statistics, all measures, the page, from
            the page cache and from the disk; the same after mth5-recover --finalize gzip-4; beside reading the files and doing nothing
  cache     the same archive with --cache: the first time, again, and with a day more

Wall and CPU time and peak memory are those of whole processes, medians of --runs where there are several. Files are kept in --dir and used
again. PYTHON is the Python with mth5 (default build/venv/bin/python), MTH5_SHARED the reference folder (default ../shared).
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import bench_tools as tools

RATE = 256


def forget(paths):
    """Takes files out of the page cache, those of the system's users without privileges too."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def read_through(paths):
    """Seconds to read all of the files in blocks of a MiB, as cat does."""
    begin, block = time.perf_counter(), bytearray(1 << 20)
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(block):
                pass
    return time.perf_counter() - begin


def size_of(paths):
    return sum(os.path.getsize(path) for path in paths)


class Bench:
    def __init__(self, o):
        self.o, self.env = o, {k: v for k, v in tools.environment(o.dir).items() if k != "XDG_CACHE_HOME"}
        self.summary = tools.program(o.build / "bin/mth5-summary")
        self.rows = [("", "wall s", "CPU s", "peak MiB", "MB/s of samples")]

    def row(self, name, paths, *options, runs=None, cold=False, codes=(0,), samples_bytes=None):
        walls, cpus, peaks = [], [], []
        for _ in range(runs or self.o.runs):
            forget(paths) if cold else read_through(paths)
            begin = time.perf_counter()
            process = subprocess.Popen([self.summary, *options, *map(str, paths)], env=self.env, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
            err = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            walls.append(time.perf_counter() - begin)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in codes:
                tools.fail(f"{name}: exit code {process.returncode}\n{err}")
            cpus.append(usage.ru_utime + usage.ru_stime)
            peaks.append(usage.ru_maxrss / 1024)
        wall = statistics.median(walls)
        self.rows.append((name, tools.median_and_span(walls), f"{statistics.median(cpus):.2f}", f"{max(peaks):.0f}",
                          f"{(samples_bytes or size_of(paths)) / wall / 1e6:.0f}"))
        print(".", end="", file=sys.stderr, flush=True)
        return wall

    def reading(self, name, paths, cold):
        forget(paths) if cold else read_through(paths)
        seconds = read_through(paths)
        self.rows.append((name, f"{seconds:.3f}", "", "", f"{size_of(paths) / seconds / 1e6:.0f}"))

    def day(self):
        path = self.o.dir / "day256.h5"
        python = [tools.python(), tools.reference("python_summary.py"), "--file", str(path), "--plain"]
        kinds = {kind: [] for kind in ("raw", "ts")}
        ours = []
        for run in range(self.o.runs + 1):
            for kind in kinds:
                out = tools.measured([*python, "--kind", kind], self.env)[3]
                result = json.loads(out.splitlines()[-1])
                kinds[kind].append(result)
            if run == 0:
                self.same_figures(path, kinds["ts"].pop()["figures"])
                kinds["raw"].pop()
                continue
            ours.append(tools.measured([self.summary, str(path)], self.env)[0])
        wall = self.row("a day of Python mth5, counts, gaps and statistics (goal 0.5 s)", [path])
        for kind, about in (("raw", "min, max and mean"), ("ts", "the same and gaps")):
            seconds = [one["total_s"] for one in kinds[kind]]
            self.rows.append((f"Python mth5, {about}, imports not counted ({statistics.median(seconds) / statistics.median(ours):.0f} "
                              "times as long)", tools.median_and_span(seconds), f"{statistics.median(one['cpu_s'] for one in kinds[kind]):.2f}",
                              f"{max(one['rss_mib'] for one in kinds[kind]):.0f}", ""))
        self.row("a day of Python mth5, all measures (--check)", [path], "--check", codes=(0, 6, 7))
        self.row("a day of Python mth5, all measures and the page (goal 8 s)", [path], "--check", "--format", "html", codes=(0, 6, 7))
        return wall

    def same_figures(self, path, figures):
        report = json.loads(tools.measured([self.summary, "--format", "json", str(path)], self.env)[3])
        ours = {one["component"]: one for one in report["channels"]}
        for name, least, most, mean, _ in figures:
            one = ours[name]
            if (one["min"], one["max"]) != (least, most) or abs(one["mean"] - mean) > 1e-3:
                tools.fail(f"{name}: {one} is not what Python has: {least} to {most}, mean {mean}")

    def write_archive(self):
        folder, days = self.o.dir / f"archive{self.o.days}", self.o.days + 1
        files = sorted(folder.glob("MT07_*.h5"))
        if len(files) != days:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            tools.measured([tools.program(self.o.build / "bench/archive_bench"), str(folder), str(days), str(RATE)], self.env)
            files = sorted(folder.glob("MT07_*.h5"))
        return files

    def archive(self, files):
        days = {1: files[:1], self.o.days: files[:-1]}
        self.reading("a day, read and nothing else, cached", days[1], False)
        self.row("a day of a recorder, counts, gaps and statistics", days[1])
        self.row("… all measures and the page", days[1], "--check", "--format", "html", codes=(0, 6, 7))
        n, all_days = self.o.days, days[self.o.days]
        self.reading(f"{n} days, read and nothing else, from the disk", all_days, True)
        self.row(f"{n} days, counts, gaps and statistics, from the disk", all_days, runs=1, cold=True)
        self.row(f"{n} days, counts, gaps and statistics", all_days, runs=1)
        self.row(f"{n} days, all measures", all_days, "--check", runs=1, codes=(0, 6, 7))
        self.row(f"{n} days, all measures and the page", all_days, "--check", "--format", "html", runs=1, codes=(0, 6, 7))
        packed = [path.parent / "archive" / path.name for path in files[:self.o.packed]]
        for path, made in zip(files, packed):
            if not made.exists():
                tools.measured([tools.program(self.o.build / "bin/mth5-recover"), "--finalize", "gzip-4", str(path)], self.env)
        of_samples = size_of(files[:len(packed)])
        name = f"{len(packed)} days in gzip-4, {size_of(packed) / of_samples:.0%} of the size"
        self.row(f"{name}: counts, gaps and statistics", packed, runs=1, samples_bytes=of_samples)
        self.row(f"{name}: all measures", packed, "--check", runs=1, codes=(0, 6, 7), samples_bytes=of_samples)

    def cache(self, files):
        folder = self.o.dir / "cache"
        shutil.rmtree(folder, ignore_errors=True)
        check = ("--check", "--cache", str(folder))
        self.row(f"{self.o.days} days, all measures, --cache for the first time", files[:-1], *check, runs=1, codes=(0, 6, 7))
        kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        self.row(f"{self.o.days} days, all measures, --cache again ({kept / size_of(files[:-1]):.1%} of the size are kept)", files[:-1], *check,
                 codes=(0, 6, 7))
        self.row(f"{self.o.days + 1} days, of which one is new", files, *check, runs=1, codes=(0, 6, 7))


def main():
    p = tools.options(__doc__)
    p.add_argument("parts", nargs="*", default=["day", "archive", "cache"], choices=["day", "archive", "cache"])
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--days", type=int, default=30)
    p.add_argument("--packed", type=int, default=5, help="so many of the days also in gzip-4 (default: %(default)s)")
    o = p.parse_args()
    o.dir = o.dir.resolve()
    o.dir.mkdir(parents=True, exist_ok=True)
    bench = Bench(o)
    files = bench.write_archive() if set(o.parts) & {"archive", "cache"} else []
    if "day" in o.parts:
        bench.day()
    if "archive" in o.parts:
        bench.archive(files)
    if "cache" in o.parts:
        bench.cache(files)
    print(file=sys.stderr)
    print(f"5 channels of 4 bytes at {RATE} Hz; load before it {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    tools.table(bench.rows)


main()
