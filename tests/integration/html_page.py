"""Reads a page of mth5-summary --format html with another parser, and holds it against --format json of the same files.

html_page.py PAGE JSON: prints how much was compared; ends with an error if the page is not what a page must be.
"""

import base64
import io
import json
import re
import sys
from html.parser import HTMLParser

from PIL import Image

VOID = {"meta", "link", "br", "hr", "img", "input"}
ALONE = {"script", "iframe", "object", "embed", "form", "base", "audio", "video", "source", "use", "foreignobject"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links = [], [], []
        self.sections, self.tables, self.pictures, self.csp = [], [], 0, None
        self.row = self.cell = self.table = None
        self.heading, self.text, self.style = None, [], ""
        self.data = {}

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_starttag(self, tag, attributes):
        assert tag not in ALONE, f"<{tag}> has no place on a page that stands alone"
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        assert not any(name.startswith("on") or name == "style" for name in names), (tag, names)
        attribute = dict(attributes)
        if "id" in attribute:
            self.ids.append(attribute["id"])
        for name in ("href", "src", "xlink:href"):
            if name in attribute:
                self.address(tag, attribute[name])
        if attribute.get("http-equiv") == "Content-Security-Policy":
            self.csp = attribute["content"]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.sections.append({"id": attribute.get("id"), "name": "", "tables": {}})
        if tag in ("h2", "title"):
            self.heading = []
        if tag == "table":
            self.table = {"class": attribute["class"], "head": [], "rows": [], "caption": False}
        if tag == "caption":
            self.table["caption"] = True
        if tag == "tr":
            self.row = []
        if tag in ("td", "th"):
            assert tag == "td" or attribute["scope"] in ("row", "col")
            self.cell = {"text": "", "values": [], "head": attribute.get("scope") == "col"}
        if tag == "data":
            value = float(attribute["value"])
            if self.cell is not None:
                self.cell["values"].append(value)

    def address(self, tag, where):
        if where.startswith("#"):
            self.links.append(where[1:])
            return
        assert where.startswith("data:"), f"<{tag}> wants something from elsewhere: {where}"
        if not where.startswith("data:image/png;base64,"):
            assert (tag, where) == ("link", "data:,"), where
            return
        with Image.open(io.BytesIO(base64.b64decode(where.split(",", 1)[1], validate=True))) as picture:
            picture.load()
            assert picture.mode == "P" and picture.width <= 257 and picture.height <= 200, picture
            assert picture.info["transparency"] in (0, b"\0"), picture.info
        self.pictures += 1

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> where {self.open[-3:]} is open, at {self.getpos()}"
        self.open.pop()
        if tag == "h2":
            self.sections[-1]["name"] = "".join(self.heading)
        if tag in ("h2", "title"):
            self.heading = None
        if tag in ("td", "th"):
            self.row.append(self.cell)
            self.cell = None
        if tag == "tr":
            if all(cell["head"] for cell in self.row):
                self.table["head"] = [cell["text"] for cell in self.row]
            else:
                assert len(self.row) == len(self.table["head"]), self.row
                self.table["rows"].append(dict(zip(self.table["head"], self.row)))
        if tag == "table":
            assert self.table["caption"]
            self.sections[-1]["tables"][self.table["class"]] = self.table["rows"]

    def handle_data(self, text):
        if self.open and self.open[-1] == "style":
            self.style += text
            return
        self.text.append(text)
        if self.heading is not None:
            self.heading.append(text)
        if self.cell is not None:
            self.cell["text"] += text


def read(path):
    page = Page()
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    assert text.startswith("<!DOCTYPE html>\n"), text[:40]
    page.feed(text)
    page.close()
    assert not page.open, page.open
    assert len(page.ids) == len(set(page.ids)) and set(page.links) <= set(page.ids), (page.ids, page.links)
    assert re.fullmatch(r"default-src 'none'; style-src 'unsafe-inline'; img-src data:", page.csp), page.csp
    assert "url(" not in page.style and "@import" not in page.style
    for character in "".join(page.text):
        assert character == "\n" or not (ord(character) < 32 or 127 <= ord(character) < 160 or 0x202A <= ord(character) <= 0x202E
                                         or 0x2066 <= ord(character) <= 0x2069), hex(ord(character))
    return page


compared = 0


def same(cell, value, what):
    global compared
    shown = cell["values"][0] if cell["values"] else None
    assert shown == value, f"{what}: the page has {shown}, JSON has {value}"
    compared += 1


CHANNEL = {
    "rate": "sample_rate", "samples": "n_samples", "expected": "expected", "missing": "missing", "complete": "completeness",
    "min": "min", "max": "max", "mean": "mean", "std": "std", "clipped": "clipped", "median": "dc", "drift/h": "drift_per_h",
    "spikes": "spikes", "jumps": "jumps", "mains dB": "mains_db",
}
LEDGER = {
    "bytes in": "bytes_in", "decoded": "bytes_decoded", "pending": "bytes_pending", "samples decoded": "samples_decoded",
    "stored": "samples_stored", "buffered": "samples_buffered",
}
CLOCK = {"ppm": "ppm", "residual us": "residual_us", "axis error s": "axis_error_s"}


def compare(page, report):
    sections = [one for one in page.sections if one["id"]]
    assert len(sections) == len(report["stations"])
    left = [(station["survey"], station["id"]) for station in report["stations"]]
    for section in sections:
        # Names that are not printable are written out on the page: then there is one station.
        mine = next((one for one in left if f"Station {one[1]}: " in section["name"]), left[0])
        left.remove(mine)
        channels = [one for one in report["channels"] if (one["survey"], one["station"]) == mine]
        rows = section["tables"].get("channels", [])
        assert len(rows) == len(channels), mine
        for row, channel in zip(rows, channels):
            for column, name in CHANNEL.items():
                if name in channel:
                    same(row[column], channel[name], (mine, row["channel"]["text"], column))
                else:
                    assert row[column]["text"] == "-", (mine, column)
        streams, gaps = set(), 0
        for channel in channels:
            key = (channel["sample_rate"], json.dumps([g for g in channel["gaps"] if g["component"] is None]))
            gaps += sum(1 for gap in channel["gaps"] if gap["component"] is not None or key not in streams)
            streams.add(key)
        assert len(section["tables"].get("gaps", [])) == min(gaps, 100), (mine, gaps)
        ledger = [(source, file) for file in report["files"] if not file["copy_of"] for source in file["ledger"]
                  if any(stream["station"] == mine[1] for stream in source["streams"])]
        rows = section["tables"].get("ledger", [])
        assert len(rows) == len(ledger), mine
        for row, (source, _) in zip(rows, ledger):
            for column, name in LEDGER.items():
                same(row[column], source[name], (mine, "ledger", column))
            for column, name in (("skipped", "bytes_skipped"), ("dropped", "samples_dropped")):
                assert row[column]["values"] == [n for _, n in sorted(source[name].items()) if n], (mine, column)
            assert row["balanced"]["text"] == ("yes" if source["balanced"] else "no")
        clocks = [clock for _, file in ledger for clock in file["clock"]
                  if any(stream["name"] == clock["stream"] for source in file["ledger"] for stream in source["streams"]
                         if stream["station"] == mine[1])]
        for row, clock in zip(section["tables"].get("clocks", []), clocks):
            for column, name in CLOCK.items():
                same(row[column], clock[name], (mine, "clock", column))
            assert row["locked"]["text"] == ("yes" if clock["locked"] else "no")
    text = "".join(page.text)
    state = report["verdict"]["state"].upper()
    assert f"\n{state}" in text, state
    for finding in report["verdict"]["findings"]:
        assert finding["sentence"] in text and finding["advice"] in text, finding


page = read(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    report = json.load(file)
compare(page, report)
print(json.dumps({"compared": compared, "pictures": page.pictures, "stations": len([s for s in page.sections if s["id"]]),
                  "order": [s["name"] for s in page.sections if s["id"]], "text": "".join(page.text)}))
