"""Reads codes as a phone does, with zbarimg: from a drawing in a terminal, or from a picture file."""

import re
import subprocess

CELL = 8
WHITE, BLACK = 255, 0
COLOURS = {
    "30": ("ink", BLACK), "97": ("ink", WHITE), "40": ("paper", BLACK), "47": ("paper", WHITE), "107": ("paper", WHITE),
    "38;5;16": ("ink", BLACK), "38;5;231": ("ink", WHITE), "48;5;16": ("paper", BLACK), "48;5;231": ("paper", WHITE),
}
UPPER_AND_LOWER = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False), "@": (True, True), "[": (True, True)}


def picture(path):
    """The texts of all QR codes in a picture file."""
    done = subprocess.run(["zbarimg", "--nodbus", "-q", "--raw", path], capture_output=True, text=True)
    return done.stdout.splitlines()


def drawing(lines, directory, *, background):
    """The texts of all QR codes among these lines, on a terminal with a "dark" or a "light" background."""
    paper = {"dark": BLACK, "light": WHITE}[background]
    rows = []
    for line in lines:
        rows += paint(line, ink=WHITE - paper, paper=paper)
    # The rest of the screen around the drawing.
    width = max(map(len, rows)) + 8
    rows = [[paper] * width] * 4 + [[paper] * 4 + row + [paper] * (width - 4 - len(row)) for row in rows] + [[paper] * width] * 4
    path = directory / f"screen-{background}.pgm"
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (width * CELL, len(rows) * CELL))
        for row in rows:
            file.write(b"".join(bytes([shade]) * CELL for shade in row) * CELL)
    return picture(path)


def paint(line, ink, paper):
    """The two rows of pixels of one line; a cell is twice as high as it is wide."""
    plain, now = {"ink": ink, "paper": paper}, {"ink": ink, "paper": paper}
    upper, lower = [], []
    for code, character in re.findall(r"\x1b\[([\d;]*)m|(.)", line):
        if character:
            halves = UPPER_AND_LOWER.get(character, (True, False))
            for row, inked in zip((upper, lower), halves):
                row.append(now["ink"] if inked else now["paper"])
            continue
        for number in re.findall(r"[34]8;5;\d+|\d+", code):
            if number == "0":
                now = dict(plain)
            else:
                ground, shade = COLOURS[number]
                now[ground] = shade
    return upper, lower


def drawn_lines(screen):
    """The lines of the drawing, which come right before the question."""
    lines = screen.replace("\r", "").split("\n")
    return [line for line in lines if re.fullmatch(r"(\x1b\[[\d;]*m|[█▀▄ @[])+", line)]


def until_question(child, question="device shows now: "):
    """Everything on the screen before the question for the code."""
    child.expect_exact(question)
    return child.before


