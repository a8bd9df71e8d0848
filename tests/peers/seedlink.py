#!/usr/bin/env python3
"""SeedLink with programs of others: our server with seedlink-client and obspy, our client with the server of seedlink-rs-server.

build/peers/venv/bin/python tests/peers/seedlink.py [--programs build/release/bin]

scripts/setup.sh --peers brings them. Ends with 1 at the first that is not so."""

import argparse
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import h5py
from obspy.clients.seedlink.slclient import SLClient
from seedlink_client import Protocol, SeedLink

ROOT = pathlib.Path(__file__).resolve().parents[2]
RATE, ROW = 10, 5 * 512  # Hz; bytes of a second: five channels, a record each
CHANNELS = ["hx", "hy", "hz", "ex", "ey"]  # sample i of channel c is 8 i + c


def expect(holds, what):
    if not holds:
        raise SystemExit(f"seedlink.py: not so: {what}")


def wait_for(what, holds, deadline=60):
    end = time.monotonic() + deadline
    while not holds():
        expect(time.monotonic() < end, what)
        time.sleep(0.05)


def sim(programs, to, *more):
    return [programs / "mth5-sim", "miniseed-mt", "--rate", str(RATE), "--signal", "counter", "--start",
            "2026-05-01T00:00:00Z", "--to", to, *more]


# --- our server


def served(programs, take, seconds=30):
    """What take(port) gives, of a server of that many seconds."""
    process = subprocess.Popen(sim(programs, "seedlink:127.0.0.1:0", "--speed", "20", "--duration", f"{seconds}s"),
                               stderr=subprocess.PIPE, text=True)
    try:
        return take(int(re.search(r"listening on 127.0.0.1:(\d+)", process.stderr.readline())[1]))
    finally:
        process.kill()
        process.wait()


def with_seedlink_client(version, selector, least):
    def take(port):
        samples, numbers = {}, []
        client = SeedLink("127.0.0.1", port, protocol=version)
        client.connect()
        client.add_stream("XX_SIM", selector)
        for packet in client.collect():
            record = packet.record()
            record.unpack_data()
            samples.setdefault(record.sourceid, []).extend(int(v) for v in record.datasamples)
            numbers.append(packet.seqnum)
            if len(numbers) == least:
                return samples, numbers
        raise SystemExit("seedlink.py: not so: the server of mth5-sim sends on")

    return take


def with_obspy(port):
    samples = {}

    class Client(SLClient):
        def packet_handler(self, count, packet):
            trace = packet.get_trace()
            samples.setdefault(trace.id, []).extend(int(v) for v in trace.data)
            return sum(map(len, samples.values())) >= 600  # enough

    client = Client()
    client.slconn.set_sl_address(f"127.0.0.1:{port}")
    client.slconn.timeout = 20  # None, as it comes, does not connect in obspy 1.5.1
    client.multiselect = "XX_SIM:B??"
    client.initialize()
    client.run()
    return samples


def our_server(programs):
    for version in Protocol.V3, Protocol.V4:
        samples, numbers = served(programs, with_seedlink_client(version, "B??", 60))
        expect(numbers == list(range(1, 61)), f"{version}: packets 1 to 60: {numbers}")
        for c, code in enumerate(["F_X", "F_Y", "F_Z", "Q_X", "Q_Y"]):
            wanted = [8 * i + c for i in range(120)]
            expect(samples[f"FDSN:XX_SIM__B_{code}"] == wanted, f"{version}: samples of {code}")
        samples, numbers = served(programs, with_seedlink_client(version, "?FX", 24))
        expect(list(samples) == ["FDSN:XX_SIM__B_F_X"], f"{version}: one channel by its selector: {list(samples)}")
        expect(numbers == list(range(1, 120, 5)), f"{version}: every fifth packet: {numbers}")
        print(f"our server, seedlink-client by {version}: good")
    samples = served(programs, with_obspy)
    for c, code in enumerate(["BFX", "BFY", "BFZ", "BQX", "BQY"]):
        expect(samples[f"XX.SIM..{code}"] == [8 * i + c for i in range(120)], f"obspy: samples of {code}")
    print("our server, obspy: good")


# --- our client


class Server:
    def __init__(self, port=0):
        self.process = subprocess.Popen([ROOT / "build/peers/target/release/seedlink-peer", str(port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def send(self, records):
        self.process.stdin.write(records)
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()


class Recorder:
    def __init__(self, programs, folder, port, version):
        self.status_file = folder / "status.json"
        self.status_file.unlink(missing_ok=True)
        (folder / "data").mkdir(exist_ok=True)
        (folder / "mth5d.yaml").write_text(f"""survey: {{id: TEST}}
station: {{id: MT001}}
output: {{directory: {folder}/data}}
flush: {{interval: 100ms}}
sync: {{interval: 200ms}}
sources:
  - name: server
    seedlink: {{host: 127.0.0.1, port: {port}, streams: [XX_SIM], protocol: {version}}}
    reconnect: {{first: 100ms, limit: 200ms}}
    instrument: miniseed-mt
    sample_rate: {RATE}
""")
        self.log = open(folder / "log", "a+")
        self.process = subprocess.Popen([programs / "mth5d", "--config", folder / "mth5d.yaml", "--status-file",
                                         self.status_file], stderr=self.log)

    def status(self):
        try:
            return json.loads(self.status_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def durable(self):
        return sum(c["durable"] for c in self.status().get("channels", []) if c["component"] == "hx")

    def received(self):
        """Rows since it was started."""
        return sum(source["samples"]["received"] for source in self.status().get("sources", []))

    def end(self, how):
        self.process.send_signal(how)
        code = self.process.wait(60)
        expect(how == signal.SIGKILL or code == 0, f"mth5d ends in order: {code}")


def rows_of(folder):
    """By channel, of all files and runs: [(row, value)]."""
    rows = {channel: [] for channel in CHANNELS}
    for path in sorted((folder / "data").glob("*.h5")):
        with h5py.File(path) as file:
            station = file["Experiment/Surveys/TEST/Stations/MT001"]
            for run in (r for r in station.values() if isinstance(r, h5py.Group) and "hx" in r):
                for channel in CHANNELS:
                    start = run[channel].attrs["time_period.start"]
                    hours, minutes, seconds = re.search(r"T(\d+):(\d+):([\d.]+)", str(start)).groups()
                    first = round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * RATE)
                    rows[channel] += [(first + i, int(v)) for i, v in enumerate(run[channel][:])]
    return rows


def our_client(programs):
    sent = subprocess.run(sim(programs, "-", "--speed", "max", "--duration", "90s"), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout
    expect(len(sent) == 90 * ROW, "a record a channel and second")
    for version in 3, 4:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            server = Server()

            def said(log=folder / "log"):
                return log.read_text()

            try:
                recorder = Recorder(programs, folder, server.port, version)
                wait_for("mth5d connects", lambda: "connected" in said())
                time.sleep(1)  # the streams have been asked for: nothing says so
                server.send(sent[: 30 * ROW])
                wait_for("the first 30 s are durable", lambda: recorder.durable() == 300)
                recorder.end(signal.SIGKILL)
                server.send(sent[30 * ROW : 60 * ROW])
                recorder = Recorder(programs, folder, server.port, version)
                wait_for("30 s more", lambda: recorder.received() == 300)
                port = server.port
                server.kill()
                server = Server(port)  # numbers begin with 1 again
                server.send(sent[20 * ROW :])
                wait_for("all", lambda: recorder.received() == 600)
                recorder.end(signal.SIGTERM)
            except SystemExit:
                print(said())
                raise
            finally:
                recorder.process.kill()
                server.kill()
            rows = rows_of(folder)
            for c, channel in enumerate(CHANNELS):
                expect(sorted(rows[channel]) == [(i, 8 * i + c) for i in range(900)], f"version {version}: {channel} row by row")
            print(f"our client, seedlink-rs-server by version {version}: good")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    programs = parser.parse_args().programs.resolve()
    our_server(programs)
    our_client(programs)


main()
