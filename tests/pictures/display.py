"""A display without a monitor, and its pixels: Xvfb, which keeps them in a file (-fbdir)."""

import itertools
import mmap
import os
import pathlib
import struct
import subprocess
import time

WIDTH, HEIGHT, DPI = 1300, 1250, 96


class Display:
    """`with Display(directory) as display:` an X server for as long as the block lasts."""

    def __init__(self, directory):
        self._directory = directory

    def __enter__(self):
        sockets = pathlib.Path("/tmp/.X11-unix")
        sockets.mkdir(exist_ok=True)
        sockets.chmod(0o1777)
        reading, writing = os.pipe()
        self._server = subprocess.Popen(
            ["/usr/bin/Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", f"{WIDTH}x{HEIGHT}x24",
             "-dpi", str(DPI), "-fbdir", self._directory, "-noreset", "-nocursor"],
            pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with open(reading) as number:
            self.name = f":{number.readline().strip()}"
        assert self.name != ":", "Xvfb ended at once"
        with open(self._directory / "Xvfb_screen0", "rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # The header is X11's XWDFile.h: 25 numbers of four bytes, then names and colours, then lines of four bytes a pixel.
        header = struct.unpack(">25I", self._file[:100])
        self._start, self._line = header[0] + 12 * header[19], header[12]
        return self

    def __exit__(self, *_):
        self._file.close()
        self._server.terminate()
        self._server.wait(timeout=60)

    def at_rest(self, seconds=0.25, patience=120):
        """Returns the picture once nothing has changed for a while: the green of all pixels, line by line, which is most of their
        brightness."""
        last, since, end = self._pixels(), time.monotonic(), time.monotonic() + patience
        while time.monotonic() - since < seconds:
            assert time.monotonic() < end, "the screen does not come to rest"
            time.sleep(0.05)
            now = self._pixels()
            if now != last:
                last, since = now, time.monotonic()
        return [last[at + 1 : at + 4 * WIDTH : 4] for at in range(0, len(last), self._line)]

    def _pixels(self):
        return self._file[self._start : self._start + self._line * HEIGHT]


def cropped(lines, margin=24):
    """Returns the part that is not background, with a margin. The background has the shade of the last pixel."""
    background = lines[-1][-1:]
    blank = background * len(lines[0])
    rows = [at for at, line in enumerate(lines) if line != blank]
    if not rows:
        return lines
    left = min(len(lines[at]) - len(lines[at].lstrip(background)) for at in rows)
    right = max(len(lines[at].rstrip(background)) for at in rows)
    width = right - left + 2 * margin
    empty = [background * width] * margin
    edge = background * margin
    return [*empty, *(edge + line[left:right] + edge for line in lines[rows[0] : rows[-1] + 1]), *empty]


def write(lines, path):
    """Writes the lines as a grey picture file (PGM)."""
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (len(lines[0]), len(lines)))
        file.writelines(lines)


def from_away(lines):
    """Returns what a camera out of focus sees from some distance: half as large, and smeared over five pixels in each direction."""
    half = [[(sum(upper[x : x + 2]) + sum(lower[x : x + 2])) // 4 for x in range(0, len(upper) - 1, 2)]
            for upper, lower in zip(lines[::2], lines[1::2])]
    for _ in range(2):
        across = map(smeared, half)
        half = zip(*map(smeared, zip(*across)))
    return [bytes(line) for line in half]


def smeared(shades, reach=2):
    """Returns each shade as the mean of those around it."""
    padded = [*[shades[0]] * (reach + 1), *shades, *[shades[-1]] * reach]
    sums = list(itertools.accumulate(padded))
    width = 2 * reach + 1
    return [(sums[at + width] - sums[at]) // width for at in range(len(shades))]
