"""The content of a terminal of 80x24, light on dark or dark on light, and what a phone reads off it."""

import subprocess
import unicodedata

COLUMNS, LINES = 80, 24
DARK, LIGHT = b"\0", b"\xff"
# A cell is as high as two are wide.
CELL = 8
HALVES = {"█": (LIGHT, LIGHT), "▀": (LIGHT, DARK), "▄": (DARK, LIGHT), "@": (LIGHT, LIGHT), "[": (LIGHT, LIGHT), " ": (DARK, DARK)}
LETTER = (DARK, LIGHT)


def shown(text, columns=COLUMNS, lines=LINES):
    """The lines on the screen after that output; earlier ones have scrolled away."""
    assert all(character.isprintable() or character in "\r\n" for character in text), "no control sequences"
    screen = []
    for line in text.replace("\r", "").split("\n"):
        rows, room = [""], columns
        for character in line:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if width > room:
                rows.append("")
                room = columns
            rows[-1] += character
            room -= width
        screen += rows
    return screen[-lines:]


def is_drawn(line):
    """Whether a line belongs to a QR code, and has nothing else on it."""
    return len(line) > 20 and not set(line) - set(HALVES)


def drawn(lines):
    """The lines of the QR code."""
    return [line for line in lines if is_drawn(line)]


def scanned(lines, directory, *, background=DARK):
    """The texts of all QR codes on a terminal with these lines and that background, as a phone reads them."""
    ink = {DARK: LIGHT, LIGHT: DARK}[background]
    rows = [[]]
    for line in lines:
        upper, lower = zip(*(HALVES.get(character, LETTER) for character in line.ljust(COLUMNS)))
        rows += [[ink if shade == LIGHT else background for shade in half] for half in (upper, lower)]
    width = max(map(len, rows))
    path = directory / "screen.pgm"
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (width * CELL, len(rows) * CELL))
        for row in rows:
            pixels = b"".join(shade * CELL for shade in row).ljust(width * CELL, background)
            file.write(pixels * CELL)
    done = subprocess.run(["zbarimg", "--nodbus", "-q", "--raw", path], capture_output=True, text=True)
    return done.stdout.splitlines()
