"""Prints the table of tests/pictures/every: each drawing on each terminal with each font and size, read by each decoder.

    python every.py PYTHON-WITH-DECODERS [TERMINAL | console | spacing | transparency]...
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
from desktop import BEHIND, Desktop  # noqa: E402
from display import Display, cropped, write  # noqa: E402
from machine import Machine  # noqa: E402
from terminals import DARK, FONTS, LIGHT, SEEN_THROUGH, SIZES, SPACED, TERMINALS, Look, Terminal  # noqa: E402

DECODERS, SIGHTS = ["zbarimg", "OpenCV", "zxing-cpp"], ["screen", "camera", "away"]
CONSOLE_FONTS = ["Lat15-VGA16", "Lat15-Fixed16", "Lat15-Terminus16", "Lat15-Terminus24x12", "Lat15-TerminusBold32x16"]
# Drawings without colours are shown on a light background as well, inverted.
COLOURED = ["half blocks", "painted"]
PLAIN = ["no colours", "no colours, ascii"]
SPACINGS, OPACITIES = [1.2, 1.5], [0.8, 0.5]
WHOLE_WINDOW = ", whole"
WHOLE = f"xterm{WHOLE_WINDOW}"
# Parts of the table beside the terminals.
CONSOLE, SPACING, TRANSPARENCY = "console", "spacing", "transparency"
PARTS = [CONSOLE, SPACING, TRANSPARENCY]


class Table:
    """Prints a line for each picture, and at the end how many of them each decoder has read."""

    def __init__(self, python, directory):
        self._decoders = subprocess.Popen([python, HERE / "decoders.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._picture = directory / "picture.pgm"
        self._reads, self._pictures = collections.Counter(), collections.Counter()
        print(f"{'terminal':15} {'font':23} {'size':>4} {'drawing':38}", *(f"{name:>12}" for name in DECODERS), "  (screen, camera, away)")

    def add(self, pixels, expected, terminal, font, size, drawing):
        write(pixels, self._picture)
        self._decoders.stdin.write(f"{self._picture} {expected}\n")
        self._decoders.stdin.flush()
        read = self._decoders.stdout.readline().split()
        marks = ["  ".join("+" if f"{name}/{sight}" in read else "-" for sight in SIGHTS) for name in DECODERS]
        print(f"{terminal:15} {font:23} {size:>4} {drawing:38}", *(f"{mark:>12}" for mark in marks), flush=True)
        self._pictures[drawing] += 1
        self._reads.update((drawing, one) for one in read)

    def end(self):
        print(f"\n{'read of all':55} {'':>4}", *(f"{name:>12}" for name in DECODERS), "  (screen, camera, away)")
        for drawing, count in self._pictures.items():
            reads = ["/".join(str(self._reads[drawing, f"{name}/{sight}"]) for sight in SIGHTS) for name in DECODERS]
            print(f"{drawing:38} {count:>4} pictures {'':8}", *(f"{one:>12}" for one in reads))
        self._decoders.stdin.close()
        self._decoders.wait()


def texts(drawn, colours):
    """Yields the drawings for these colours: a name for the table, the drawing, and its content."""
    ground = "dark" if colours == DARK else "light"
    if colours == DARK:
        yield from ((drawing, drawn[drawing][0], drawn[drawing][2]) for drawing in COLOURED)
    yield from ((f"{drawing}, {ground}", drawn[drawing][colours == LIGHT], drawn[drawing][2]) for drawing in PLAIN)


def look_at(screen, terminal, text):
    terminal.show(text)
    # The terminal has read the text, but on a busy machine it draws a little later.
    time.sleep(0.5)
    return screen.at_rest()


def on_terminals(table, screen, directory, drawn, names):
    for number, (name, font, size) in enumerate(itertools.product(names, FONTS, SIZES)):
        for colours in (DARK, LIGHT):
            home = directory / f"{number}{colours[0]}"
            home.mkdir()
            with Terminal(screen, home, name, Look(font, size, *colours)) as terminal:
                for drawing, text, uri in texts(drawn, colours):
                    table.add(cropped(look_at(screen, terminal, text)), uri, name, font, size, drawing)


def with_lines_apart(table, screen, directory, drawn):
    for name, spacing, colours in itertools.product(SPACED, SPACINGS, (DARK, LIGHT)):
        home = directory / f"{name}{spacing}{colours[0]}"
        home.mkdir()
        look = Look(FONTS[0], 11, *colours, spacing=spacing)
        with Terminal(screen, home, name, look) as terminal:
            for drawing, text, uri in texts(drawn, colours):
                table.add(cropped(look_at(screen, terminal, text)), uri, name, look.font, look.size, f"{drawing}, lines {spacing}")


def seen_through(table, screen, directory, drawn):
    """Shows the drawings through the terminal's own transparency, and through that of a whole window, from the compositor."""
    for name, opacity, behind, colours in itertools.product([*SEEN_THROUGH, WHOLE], OPACITIES, BEHIND, (DARK, LIGHT)):
        home = directory / f"{name}{opacity}{behind}{colours[0]}"
        home.mkdir()
        look = Look(FONTS[0], 11, *colours, opacity=1.0 if name == WHOLE else opacity)
        with Desktop(screen, home, behind, opacity if name == WHOLE else 1.0):
            with Terminal(screen, home, name.removesuffix(WHOLE_WINDOW), look) as terminal:
                # An opaque window would make the row meaningless.
                ground = bytes.fromhex(look.background[1:3])
                assert set(b"".join(line[300:500] for line in look_at(screen, terminal, "")[300:500])) != set(ground), f"{name} is opaque"
                for drawing, text, uri in texts(drawn, colours):
                    # Nothing is cropped, because the surroundings are no plain background.
                    pixels = [line[:1000] for line in look_at(screen, terminal, text)[:1000]]
                    table.add(pixels, uri, name, f"behind: {behind}", f"{opacity:.0%}", f"{drawing}, {opacity:.0%}")


def on_the_console(table, machine):
    for drawing, (style, size, _) in drawings.EVERY.items():
        # Drawings without colours are those that a login would send there.
        text, _, uri = drawings.drawn(machine, style, size, "linux" if drawing in COLOURED else "dumb")
        shown = drawing if drawing in COLOURED else f"{drawing}, dark"
        for name in CONSOLE_FONTS:
            font = console.Font(f"/usr/share/consolefonts/{name}.psf.gz")
            table.add(cropped(console.shown(text, font)), uri, "Linux console", name, font.height, shown)


def main(python, *names):
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        machine = Machine(directory)
        drawn = {drawing: drawings.drawn(machine, *how) for drawing, how in drawings.EVERY.items()}
        table = Table(python, directory)
        wanted = names or [*TERMINALS, *PARTS]
        if CONSOLE in wanted:
            on_the_console(table, machine)
        (directory / "display").mkdir()
        with Display(directory / "display") as screen:
            on_terminals(table, screen, directory, drawn, [name for name in wanted if name not in PARTS])
            if SPACING in wanted:
                with_lines_apart(table, screen, directory, drawn)
            if TRANSPARENCY in wanted:
                seen_through(table, screen, directory, drawn)
        table.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
