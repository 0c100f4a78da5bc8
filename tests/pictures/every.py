"""The table of tests/pictures/every: each drawing on each terminal with each font and size, read by each decoder.

    python every.py PYTHON-WITH-DECODERS [TERMINAL...]
"""

import collections
import itertools
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "commands")]

import console  # noqa: E402  (the paths above have to come first)
import drawings  # noqa: E402
from display import Display, cropped, write  # noqa: E402
from machine import Machine  # noqa: E402
from terminals import DARK, FONTS, LIGHT, SIZES, TERMINALS, Terminal  # noqa: E402

DECODERS, SIGHTS = ["zbarimg", "OpenCV", "zxing-cpp"], ["screen", "camera"]
CONSOLE_FONTS = ["Lat15-VGA16", "Lat15-Fixed16", "Lat15-Terminus16", "Lat15-Terminus24x12", "Lat15-TerminusBold32x16"]
# Those without colours are looked at on a light background as well, inverted.
COLOURED = ["half blocks", "painted"]
PLAIN = ["no colours", "no colours, ascii"]


class Table:
    """Prints a line for each picture, and in the end how many of them each decoder has read."""

    def __init__(self, python, directory):
        self._decoders = subprocess.Popen([python, HERE / "decoders.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._picture = directory / "picture.pgm"
        self._reads, self._pictures = collections.Counter(), collections.Counter()
        print(f"{'terminal':15} {'font':23} {'size':>4} {'drawing':27}", *(f"{name:>10}" for name in DECODERS), "  (screen, camera)")

    def add(self, pixels, expected, terminal, font, size, drawing):
        write(pixels, self._picture)
        self._decoders.stdin.write(f"{self._picture} {expected}\n")
        self._decoders.stdin.flush()
        read = self._decoders.stdout.readline().split()
        marks = ["  ".join("+" if f"{name}/{sight}" in read else "-" for sight in SIGHTS) for name in DECODERS]
        print(f"{terminal:15} {font:23} {size:>4} {drawing:27}", *(f"{mark:>10}" for mark in marks), flush=True)
        self._pictures[drawing] += 1
        self._reads.update((drawing, one) for one in read)

    def end(self):
        print(f"\n{'read of all':44} {'':>4}", *(f"{name:>10}" for name in DECODERS), "  (screen, camera)")
        for drawing, count in self._pictures.items():
            reads = ["/".join(str(self._reads[drawing, f"{name}/{sight}"]) for sight in SIGHTS) for name in DECODERS]
            print(f"{drawing:27} {count:>4} pictures {'':8}", *(f"{one:>10}" for one in reads))
        self._decoders.stdin.close()
        self._decoders.wait()


def on_terminals(table, screen, directory, drawn, names):
    for number, (name, font, size) in enumerate(itertools.product(names, FONTS, SIZES)):
        for colours, ground in ((DARK, "dark"), (LIGHT, "light")):
            home = directory / f"{number}{ground}"
            home.mkdir()
            texts = {drawing: drawn[drawing][0] for drawing in COLOURED} if colours == DARK else {}
            texts |= {f"{drawing}, {ground}": drawn[drawing][colours == LIGHT] for drawing in PLAIN}
            with Terminal(screen, home, name, font, size, colours) as terminal:
                for drawing, text in texts.items():
                    terminal.show(text)
                    # It has read it, and draws it: on a busy machine a little later.
                    time.sleep(0.5)
                    table.add(cropped(screen.at_rest()), drawn[drawing.removesuffix(f", {ground}")][2], name, font, size, drawing)


def on_the_console(table, machine):
    for drawing, (style, size, _) in drawings.EVERY.items():
        if drawing in COLOURED:
            text, _, uri = drawings.drawn(machine, style, size, "linux")
            for name in CONSOLE_FONTS:
                font = console.Font(f"/usr/share/consolefonts/{name}.psf.gz")
                table.add(cropped(console.shown(text, font)), uri, "Linux console", name, font.height, drawing)


def main(python, *names):
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        machine = Machine(directory)
        drawn = {drawing: drawings.drawn(machine, *how) for drawing, how in drawings.EVERY.items()}
        table = Table(python, directory)
        if not names or "console" in names:
            on_the_console(table, machine)
        (directory / "display").mkdir()
        with Display(directory / "display") as screen:
            on_terminals(table, screen, directory, drawn, [name for name in names or TERMINALS if name != "console"])
        table.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
