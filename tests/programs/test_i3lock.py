"""i3lock, on a display in memory."""

# light
# bookworm: i3lock xvfb xdotool
# trixie: i3lock xvfb xdotool

import contextlib
import os
import re
import subprocess

import kept
import locker
import probe as probes
import pytest
import table
from screen import ENVIRONMENT, Screen, as_person

# Texts of --debug: i3lock waits for a password, and it begins to check one.
WAITS, CHECKS = "auth_state = 0)", "auth_state = 1)"


class I3lock:
    """i3lock in the foreground. With --debug it says when it has the keyboard, and what is typed, so its output is read here."""

    def __init__(self, screen):
        self._screen = screen
        self._process = subprocess.Popen(
            as_person("/usr/bin/i3lock", "--nofork", "--debug"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=ENVIRONMENT, cwd="/",
        )
        os.set_blocking(self._process.stdout.fileno(), False)
        self._said = b""

    def said(self):
        self._said += self._process.stdout.read() or b""
        return self._said.decode(errors="replace")

    def type(self, text):
        """Types, with Shift as often as needed: a key that comes while i3lock draws is read only when another one comes."""
        probes.wait_until(lambda: re.findall(r"auth_state = \d\)", self.said())[-1:] == [WAITS], "i3lock waiting")
        checks = self.said().count(CHECKS)
        self._screen.type(text)

        def begun():
            if self.said().count(CHECKS) > checks or not self.locked():
                return True
            self._screen.key("Shift_L")
            return False

        probes.wait_until(begun, "check by i3lock")

    def locked(self):
        return self._process.poll() is None

    def end(self):
        self._process.terminate()
        self._process.wait(timeout=60)
        with kept.output_of("i3lock") as output:
            output.write(self.said().encode())
        self._process.stdout.close()


@pytest.mark.program("i3lock")
def test_i3lock(row, probe):
    with Screen() as screen:
        @contextlib.contextmanager
        def lock():
            running = I3lock(screen)
            try:
                yield running
            finally:
                running.end()

        table.compare(row, locker.measure(lock, ["i3lock"], probe, row))
