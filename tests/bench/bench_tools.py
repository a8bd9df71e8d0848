"""What the scripts of this folder share: where the programs and references are, measured processes, tables."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
RECORDED = REPO / "tests/data/lemi424/202010010000.TXT"
CHANNELS = 9  # of a LEMI-424, stored as 8-byte floats


def fail(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: error: {text}")


def options(doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=REPO / "build/release", help="holds bin/ and bench/ (default: %(default)s)")
    p.add_argument("--dir", type=pathlib.Path, default=REPO / "build/bench", help="files are written here (default: %(default)s)")
    return p


def program(path):
    if not os.access(path, os.X_OK):
        fail(f"{path}: is missing; build it: cmake --preset release && cmake --build --preset release")
    return str(path.resolve())


def python():
    path = pathlib.Path(os.environ.get("PYTHON", REPO / "build/venv/bin/python"))
    if not os.access(path, os.X_OK):
        fail(f"{path}: is missing; run scripts/setup.sh --test, or set PYTHON to a Python with mth5 and h5py")
    return str(path.absolute())


def reference(name):
    """A program of the reference folder, which is not part of this repository."""
    folder = pathlib.Path(os.environ.get("MTH5_SHARED", REPO.parent / "shared")) / "bench"
    if not (folder / name).exists():
        fail(f"{folder / name}: is missing; set MTH5_SHARED to the folder that holds bench/{name}")
    return str((folder / name).resolve())


def compile_reference(name, directory):
    """A C program of the reference folder, with HDF5."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hdf5"], check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", "-O2", "-o", str(directory / name), reference(name + ".c"), *flags], check=True)
    return str(directory / name)


def environment(directory):
    """For mth5d the instrument profiles of this repository. For Python: mt-io cannot be imported without ObsPy, which it needs
    for miniSEED only. Where it is not installed an empty module stands in, so that Python has less to import, never more."""
    env = dict(os.environ, MTH5D_INSTRUMENTS=str(REPO / "config/instruments"))
    if subprocess.run([python(), "-c", "import obspy"], capture_output=True).returncode:
        (directory / "stand_in/obspy").mkdir(parents=True, exist_ok=True)
        (directory / "stand_in/obspy/__init__.py").write_text("def read(*_, **__):\n    raise NotImplementedError('ObsPy is not installed')\n")
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(directory / "stand_in"), env.get("PYTHONPATH")]))
    return env


def measured(command, env):
    """Runs a whole process. Returns (wall s, CPU s, peak RSS MiB, its standard output)."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        fail(f"{' '.join(command)}: exit code {process.returncode}\n{err}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def median_and_span(values, form="{:.3f}"):
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}..{form.format(max(values))})"


def config(folder, source):
    """mth5d.yaml for one LEMI-424; source: "file: {...}" or "serial: {...}"."""
    return f"""\
survey: {{id: BENCH}}
station: {{id: L424}}
output: {{directory: {folder}, file_name: "{{station}}_{{start:%Y%m%dT%H%M%SZ}}.h5"}}
sources:
  - name: lemi
    {source}
    instrument: lemi424
"""


def table(rows):
    """Markdown, so that it can be pasted."""
    width = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for n, row in enumerate(rows):
        print("| " + " | ".join(str(cell).ljust(w) for cell, w in zip(row, width)) + " |")
        if n == 0:
            print("|" + "|".join("-" * (w + 2) for w in width) + "|")
