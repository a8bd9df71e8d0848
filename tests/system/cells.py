"""A captured screen of a terminal (tmux capture-pane -pe) as a picture: each cell at its place, braille and blocks as the points that they
stand for.    cells.py COLUMNS ROWS <capture >picture.svg"""

import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 8, 17  # of a cell
GROUND, TEXT = "#10141a", "#d8dee6"
COLOURS = {1: "#ff6b6b", 2: "#5fd38a", 3: "#f2c14e", 4: "#7aa7ff", 5: "#d58bf0", 6: "#5cc8d6", 7: TEXT}


class Ink:
    def __init__(self):
        self.colour, self.bold, self.dim, self.turned = TEXT, False, False, False

    def take(self, numbers):
        for n in numbers or [0]:
            if n == 0:
                self.__init__()
            elif n in (1, 2, 7):
                setattr(self, {1: "bold", 2: "dim", 7: "turned"}[n], True)
            elif n == 22:
                self.bold = self.dim = False
            elif n == 27:
                self.turned = False
            elif 30 <= n <= 37 or n == 39:
                self.colour = COLOURS.get(n - 30, TEXT)

    def key(self):
        return self.colour, self.bold, self.dim, self.turned


def cells(capture):
    """By row: (column, character, ink)."""
    ink = Ink()
    for line in capture.split("\n"):
        row, column = [], 0
        for escape_code, character in re.findall(r"(\x1b\[[0-9;]*m|\x1b[()][0B]|[\x0e\x0f])|(.)", line):
            if escape_code.endswith("m"):
                ink.take([int(n) for n in escape_code[2:-1].split(";") if n])
            elif character:
                row.append((column, character, ink.key()))
                column += 1
        yield row


def points(character):
    """Rectangles of a cell in shares of it, of a character that is a picture; None: it is text."""
    code = ord(character)
    if 0x2800 <= code <= 0x28FF:
        places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
        return [(x / 2, y / 4, 1 / 2, 1 / 4) for bit, (x, y) in enumerate(places) if code >> bit & 1]
    return {"█": [(0, 0, 1, 1)], "▀": [(0, 0, 1, 0.5)], "▄": [(0, 0.5, 1, 0.5)]}.get(character)


SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}


def picture(capture, columns, rows):
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * WIDTH} {rows * HEIGHT}" '
        f'width="{columns * WIDTH}" height="{rows * HEIGHT}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13">',
        f'<rect width="100%" height="100%" fill="{GROUND}"/>',
    ]
    for y, row in enumerate(list(cells(capture))[:rows]):
        texts = []  # [column, text, ink], of neighbours of one ink
        paths = {}
        for column, character, ink in row:
            colour, bold, dim, turned = ink
            x = column * WIDTH
            if turned:
                out.append(f'<rect x="{x}" y="{y * HEIGHT}" width="{WIDTH}" height="{HEIGHT}" fill="{colour}"/>')
            rectangles = points(character) if character not in SHADES else [(0, 0, 1, 1)]
            if rectangles:
                path = "".join(
                    f"M{x + a * WIDTH:g} {(y + b) * HEIGHT:g}h{w * WIDTH:g}v{h * HEIGHT:g}h{-w * WIDTH:g}z" for a, b, w, h in rectangles
                )
                key = (colour, 0.5 if dim else SHADES.get(character, 1))
                paths[key] = paths.get(key, "") + path
            elif character != " ":
                if texts and texts[-1][2] == ink and texts[-1][0] + len(texts[-1][1]) == column:
                    texts[-1][1] += character
                else:
                    texts.append([column, character, ink])
        for (colour, opacity), path in paths.items():
            out.append(f'<path fill="{colour}" fill-opacity="{opacity}" d="{path}"/>')
        for column, text, (colour, bold, dim, turned) in texts:
            out.append(
                f'<text x="{column * WIDTH}" y="{y * HEIGHT + 13}" textLength="{len(text) * WIDTH}" lengthAdjust="spacingAndGlyphs" '
                f'fill="{GROUND if turned else colour}"{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}'
                f'{" opacity=" + chr(34) + "0.6" + chr(34) if dim else ""}>{escape(text)}</text>'
            )
    return "\n".join(out + ["</svg>", ""])


if __name__ == "__main__":
    sys.stdout.write(picture(sys.stdin.read(), int(sys.argv[1]), int(sys.argv[2])))
