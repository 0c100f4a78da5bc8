"""Draws a terminal's text as a picture: SVG. Half blocks become a path, so that no font can tear them.

    enrolment.py SCREEN PICTURE
"""

import pathlib
import re
import sys
import tempfile
import unicodedata
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "commands"))

import scan  # noqa: E402  (the path above has to come first)

COLUMNS, CELL, LINE, MARGIN = 80, 8, 16, 16
INK, PAPER = "#e6edf3", "#0d1117"


def draw(screen):
    """Returns the picture of all lines, one below the other."""
    drawn = set(scan.drawn_lines(screen))
    lines = []
    for line in screen.replace("\r", "").rstrip("\n").split("\n"):
        lines += [line] if line in drawn else wrapped(plain(line))
    parts, path = [], ""
    for number, line in enumerate(lines):
        top = MARGIN + number * LINE
        if line in drawn:
            path += lit(line, top)
        elif line.strip():
            # Fonts seldom make a Korean syllable as wide as two columns, and stretched text is hard to read.
            length = f' textLength="{len(line) * CELL}"' if wide(line) == len(line) else ""
            parts.append(f'<text x="{MARGIN}" y="{top + 12}"{length}>{escape(line)}</text>')
    width, height = 2 * MARGIN + COLUMNS * CELL, 2 * MARGIN + len(lines) * LINE
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width} {height}" '
        f'font-family="monospace" font-size="13">',
        f"<style>text{{fill:{INK};white-space:pre}}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
        f'<path fill="#fff" shape-rendering="crispEdges" d="{path}"/>',
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def lit(line, top):
    """Returns the light pixels of a drawn line, as rectangles of a path."""
    found = ""
    for half, row in enumerate(scan.paint(line, ink=scan.WHITE, paper=scan.BLACK)):
        shades = "".join("x" if shade == scan.WHITE else " " for shade in row)
        for run in re.finditer("x+", shades):
            left, width = MARGIN + run.start() * CELL, len(run[0]) * CELL
            found += f"M{left} {top + half * LINE // 2}h{width}v{LINE // 2}h-{width}z"
    return found


def plain(line):
    return re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", line)


def wide(text):
    """Returns how many columns a text takes: a Korean syllable takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def wrapped(line):
    """Returns the rows that a line takes on the terminal."""
    rows = [""]
    for one in line:
        rows += [""] if wide(rows[-1] + one) > COLUMNS else []
        rows[-1] += one
    return rows


def text(picture):
    """Returns the lines of a picture, with lines that the terminal has wrapped in one piece."""
    found, whole = [], True
    for row in re.findall(r"<text [^>]*>(.*?)</text>", picture):
        row = row.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        found += [row] if whole else [found.pop() + row]
        whole = wide(row) < COLUMNS
    return found


def main(screen, picture):
    shown = pathlib.Path(screen).read_text()
    uri = re.search(r"otpauth://\S+", shown)[0]
    with tempfile.TemporaryDirectory() as directory:
        assert scan.drawing(scan.drawn_lines(shown), pathlib.Path(directory), background="dark") == [uri]
    pathlib.Path(picture).write_text(draw(shown))


if __name__ == "__main__":
    main(*sys.argv[1:])
