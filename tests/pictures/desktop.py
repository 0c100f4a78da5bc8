"""The desktop behind transparent windows: a picture on the root window, and picom, because Xvfb has no compositor."""

import os
import random
import subprocess
import time

import display

BEHIND = ["dark", "light", "busy"]
SHADES = {"dark": 0x20, "light": 0xE0}


class Desktop:
    """`with Desktop(screen, home, "busy", opacity):` until the end of the block; `opacity` is that of whole windows."""

    def __init__(self, screen, home, behind, opacity=1.0):
        self._picture = home / "behind.pgm"
        self._lines = shades(behind)
        display.write(self._lines, self._picture)
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), "DISPLAY": screen.name, "XDG_RUNTIME_DIR": str(home)}
        self._screen = screen
        self._compositor = ["picom", "--config", "/dev/null", "--backend", "xrender", "--inactive-opacity", str(opacity),
                            "--active-opacity", str(opacity)]

    def __enter__(self):
        subprocess.run(["feh", "--no-fehbg", "--bg-tile", self._picture], env=self._environment, check=True, timeout=300)
        self._process = subprocess.Popen(
            self._compositor, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 120
        while self._screen.at_rest() != self._lines:
            assert self._process.poll() is None, "picom ended at once"
            assert time.monotonic() < end, "picom does not show the desktop"
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=60)


def shades(behind):
    """Returns the pixels of such a picture, line by line; the busy one is the same each time."""
    lines = [bytearray([SHADES.get(behind, 0x80)]) * display.WIDTH for _ in range(display.HEIGHT)]
    dice = random.Random(12)
    for _ in range(4000 if behind == "busy" else 0):
        width, height, shade = dice.randint(2, 60), dice.randint(2, 60), dice.choice([0x00, 0x40, 0xC0, 0xFF])
        left, top = dice.randrange(display.WIDTH - width), dice.randrange(display.HEIGHT - height)
        for line in lines[top : top + height]:
            line[left : left + width] = bytes([shade]) * width
    return [bytes(line) for line in lines]
