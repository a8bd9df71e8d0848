"""Records .atss files that grow behind Apache's mod_dav, as from a box that serves them, and compares every sample.

    build/venv/bin/python tests/system/webdav.py BUILD

Over http, and over https with a certificate of its own that is pinned and a user and a password that Apache demands. Meanwhile a run ends and the next
begins, mth5d is killed and Apache restarted. Needs apache2-bin and openssl (scripts/setup.sh --system), which serve from a directory of their own.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import h5py
import numpy as np

RATE = 512
TYPES = ["Hx", "Hy", "Hz", "Ex", "Ey"]
START = np.datetime64("2026-05-01T00:00:00", "ns")
RUNS = {"run_001": (START, 40 * RATE + 7), "run_002": (START + np.timedelta64(60, "s"), 25 * RATE)}
MODULES = "/usr/lib/apache2/modules"
USER, PASSWORD = "adu", "ein Kennwort: mit äöü"


def fail(what):
    sys.exit(f"webdav: {what}")


def wait_until(holds, what, seconds=120):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            fail(f"{what} did not come in {seconds} s")
        time.sleep(0.05)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class Box:
    """A directory of runs, each channel a file that grows in pieces of any length, half numbers too."""

    def __init__(self, folder):
        self.folder = folder
        noise = np.random.default_rng(15)
        self.truth = {run: noise.normal(size=(n, len(TYPES))) for run, (_, n) in RUNS.items()}
        self.problem = None

    def begin(self, run):
        folder = self.folder / run
        folder.mkdir()
        for c, kind in enumerate(TYPES):
            header = {"datetime": str(RUNS[run][0]) + "Z", "latitude": 40.5, "longitude": -115.1, "elevation": 1200.0, "azimuth": 0.0, "tilt": 0.0,
                      "resistance": 1200.0 + c, "units": "mV/km" if kind[0] == "E" else "mV", "filter": "", "source": "",
                      "sensor_calibration": {"sensor": "MFS-06e", "serial": 100 + c, "chopper": 1, "f": [], "a": [], "p": []}}
            (folder / f"{self.stem(c)}.json").write_text(json.dumps(header), encoding="utf-8")
            (folder / f"{self.stem(c)}.atss").touch()

    def stem(self, c):
        return f"084_ADU-08e_C{c:02}_T{TYPES[c]}_{RATE}Hz"

    def grow(self, pause):
        """All runs to their ends, some rounds each; what a channel is ahead of the others changes from round to round."""
        try:
            pieces = np.random.default_rng(16)
            for run in RUNS:
                self.begin(run)
                texts = [self.truth[run][:, c].astype("<f8").tobytes() for c in range(len(TYPES))]
                done = [0] * len(TYPES)
                while any(d < len(t) for d, t in zip(done, texts)):
                    for c, text in enumerate(texts):
                        n = int(pieces.integers(1, 2 * 8 * RATE))
                        with open(self.folder / run / f"{self.stem(c)}.atss", "ab") as file:
                            file.write(text[done[c]:done[c] + n])
                        done[c] += n
                    time.sleep(pause)
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem


class Apache:
    def __init__(self, work, data):
        self.work, self.port, self.tls_port = work, free_port(), free_port()
        self.process = None
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=adu", "-keyout", work / "key.pem", "-out",
                        work / "cert.pem"], check=True, capture_output=True)
        shown = subprocess.run(["openssl", "x509", "-in", work / "cert.pem", "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True, text=True)
        self.pin = shown.stdout.split("=")[1].strip()
        sha = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
        (work / "users").write_text(f"{USER}:{{SHA}}{sha}\n", encoding="utf-8")
        names = ["mpm_event", "authz_core", "authn_core", "authn_file", "authz_user", "auth_basic", "dav", "dav_fs", "ssl"]
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names)
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        (work / "httpd.conf").write_text(f"""{modules}
{user}ServerName box
ServerRoot {work}
PidFile {work}/pid
Mutex file:{work}
ErrorLog {work}/error.log
LogFormat "%v %u %>s %m %k" kept
CustomLog {work}/access.log kept
DavLockDB {work}/locks/dav
MaxKeepAliveRequests 20
Listen 127.0.0.1:{self.port}
Listen 127.0.0.1:{self.tls_port}
<VirtualHost 127.0.0.1:{self.port}>
  ServerName open
  DocumentRoot {data}
</VirtualHost>
<VirtualHost 127.0.0.1:{self.tls_port}>
  ServerName closed
  DocumentRoot {data}
  SSLEngine on
  SSLCertificateFile {work}/cert.pem
  SSLCertificateKeyFile {work}/key.pem
  <Location />
    AuthType Basic
    AuthName adu
    AuthUserFile {work}/users
    Require valid-user
  </Location>
</VirtualHost>
<Directory {data}>
  Dav On
  Require all granted
</Directory>
""", encoding="utf-8")

    def start(self):
        self.process = subprocess.Popen(["apache2", "-DFOREGROUND", "-f", self.work / "httpd.conf"], stderr=subprocess.PIPE)
        for port in (self.port, self.tls_port):
            def is_there(port=port):
                if self.process.poll() is not None:
                    fail("apache2: " + self.process.stderr.read().decode() + (self.work / "error.log").read_text(encoding="utf-8"))
                with socket.socket() as one:
                    return one.connect_ex(("127.0.0.1", port)) == 0
            wait_until(is_there, "apache2")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


class Recorder:
    running = []

    def __init__(self, program, work, name, http):
        self.program, self.data, self.log = program, work / name, work / f"{name}.log"
        self.data.mkdir()
        self.config = work / f"{name}.yaml"
        self.status = work / f"{name}.json"
        self.config.write_text(f"survey: {{id: TEST}}\nstation: {{id: MT01}}\noutput: {{directory: '{self.data}'}}\n"
                               f"flush: {{samples: 1000, interval: 50ms}}\nsync: {{interval: 200ms}}\nsources:\n"
                               f"  - name: adu\n    http: {{{http}, poll: 100ms, runs: all}}\n    instrument: metronix-adu\n    sample_rate: {RATE}\n"
                               f"    reconnect: {{first: 100ms, limit: 500ms}}\n", encoding="utf-8")
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config, "--status-file", self.status], stderr=log)
        Recorder.running.append(self.process)

    def said(self):
        return self.log.read_text(encoding="utf-8")

    def decoded(self):
        try:
            return json.loads(self.status.read_text(encoding="utf-8"))["sources"][0]["frames"]
        except (OSError, ValueError, LookupError):
            return 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            fail(f"mth5d ended with {self.process.returncode}:\n{self.said()}")

    def rows(self):
        """{run start: [n, channels]} of all files, each run with its first sample's time."""
        found = []
        for path in sorted(self.data.glob("*.h5")):
            with h5py.File(path, "r") as file:
                station = file["Experiment/Surveys/TEST/Stations/MT01"]
                for name, run in station.items():
                    if not isinstance(run, h5py.Group) or "hx" not in run:
                        continue
                    channels = [run[kind.lower()][:] for kind in TYPES]
                    start = np.datetime64(re.sub(r"(\+00:00|Z)$", "", str(run["hx"].attrs["time_period.start"])), "ns")
                    found.append((start, np.column_stack([c[:min(map(len, channels))] for c in channels]), f"{path.name} {name}"))
        return found


def compare(recorder, truth):
    """Every sample of the truth is there once, as it was, at its time."""
    seen = {run: np.zeros(n, dtype=int) for run, (_, n) in RUNS.items()}
    for start, values, where in recorder.rows():
        if len(values) == 0:
            continue
        run = max(r for r, (begin, _) in RUNS.items() if begin <= start)
        first = round((start - RUNS[run][0]) / np.timedelta64(1, "ns") * RATE / 1e9)
        if first + len(values) > len(seen[run]):
            fail(f"{where}: {len(values)} samples from {start} on, more than {run} has")
        if not np.array_equal(values, truth[run][first:first + len(values)]):
            fail(f"{where}: other samples than those of {run} from {first} on")
        seen[run][first:first + len(values)] += 1
    for run, times in seen.items():
        if not (times == 1).all():
            fail(f"{recorder.data.name}: {run}: {int((times == 0).sum())} samples are missing, {int((times > 1).sum())} stand twice\n{recorder.said()}")


def main():
    if len(sys.argv) != 2:
        fail("how: webdav.py BUILD")
    program = pathlib.Path(sys.argv[1]).resolve() / "bin/mth5d"
    if not shutil.which("apache2"):
        fail("apache2 is missing: scripts/setup.sh --system installs it")
    work = pathlib.Path(tempfile.mkdtemp())
    processes = []
    try:
        work.chmod(0o755)
        data = work / "box"
        data.mkdir()
        (work / "locks").mkdir(mode=0o777)
        os.chmod(work / "locks", 0o777)
        secret = work / "adu.password"
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        secret.chmod(0o600)
        wrong = work / "wrong.password"
        wrong.write_text("another", encoding="utf-8")
        wrong.chmod(0o600)
        box, apache = Box(data), Apache(work, data)
        apache.start()
        processes.append(apache)
        growing = threading.Thread(target=box.grow, args=(0.15,), daemon=True)
        growing.start()
        closed = f"url: 'https://127.0.0.1:{apache.tls_port}/'"
        login = f"user: {USER}, password_file: '{secret}'"
        plain = Recorder(program, work, "plain", f"url: 'http://127.0.0.1:{apache.port}/'")
        pinned = Recorder(program, work, "pinned", f"{closed}, pin: '{apache.pin}', {login}")
        refused = {"untrusted": (Recorder(program, work, "untrusted", f"{closed}, {login}"), "its certificate is not trusted"),
                   "nobody": (Recorder(program, work, "nobody", f"{closed}, pin: '{apache.pin}'"),
                              "answers 401 to PROPFIND /: it wants a user and a password; give http.user and http.password_file"),
                   "mistaken": (Recorder(program, work, "mistaken", f"{closed}, pin: '{apache.pin}', user: {USER}, password_file: '{wrong}'"),
                                f"answers 401 to PROPFIND /: it does not take user '{USER}' with this password")}
        for name, (recorder, line) in refused.items():
            wait_until(lambda r=recorder, l=line: l in r.said(), f"{name}: '{line}'")
            if recorder.decoded() != 0:
                fail(f"{name}: something was recorded")
            recorder.stop()
        for recorder in (plain, pinned):  # killed in the middle of the first run
            wait_until(lambda r=recorder: r.decoded() >= 10, "the first blocks")
            recorder.kill()
            recorder.start()
        wait_until(lambda: (data / "run_001" / (box.stem(0) + ".atss")).stat().st_size > 20 * RATE * 8, "the middle of the first run")
        apache.stop()  # in the middle of whatever is asked
        time.sleep(0.5)
        apache.start()
        growing.join()
        if box.problem:
            fail(f"the box: {box.problem}")
        for recorder in (plain, pinned):
            wanted = f"run_002 of {RUNS['run_002'][0].astype('datetime64[s]')}Z is read"
            wait_until(lambda r=recorder: wanted in r.said(), f"{recorder.data.name}: '{wanted}'")
            last = [0, 0.0]

            def is_quiet(r=recorder, seen=last):
                n = r.decoded()
                if n != seen[0]:
                    seen[:] = [n, time.monotonic()]
                return n > 0 and time.monotonic() - seen[1] > 3
            wait_until(is_quiet, "the last block")
            recorder.stop()
            compare(recorder, box.truth)
        said = "".join(path.read_text(encoding="utf-8") for path in [*work.glob("*.log"), *work.glob("*.json")])
        if PASSWORD in said or base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() in said:
            fail("the password stands in a log or a status")
        lines = (work / "access.log").read_text(encoding="utf-8").split("\n")
        heard = {kind: sum(line.startswith(f"{kind} ") and " 206 GET" in line for line in lines) for kind in ("open", "closed")}
        if min(heard.values()) == 0 or not any(re.match(f"closed {USER} 207 PROPFIND", line) for line in lines):
            fail(f"Apache's log does not tell of parts and listings: {heard}")
        n = sum(n for _, n in RUNS.values())
        print(f"webdav: good: {n} samples of {len(TYPES)} channels, twice; {heard['open']} and {heard['closed']} parts by Apache")
    finally:
        for process in Recorder.running:
            process.kill()
        for one in processes:
            one.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
