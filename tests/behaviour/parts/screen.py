"""An X screen for one user: Xvfb, with a keyboard on which a program types."""

import os
import pathlib
import re
import subprocess

import clock
import doors
from clock import wait_until

# i3lock prints these with `--debug`: that it waits for a password, and that it begins to check one.
WAITS, CHECKS = "auth_state = 0)", "auth_state = 1)"


class Screen:
    """`with Screen(account) as screen:` runs an X server as the account until the end of the block."""

    def __init__(self, account):
        self._account = account
        sockets = pathlib.Path("/tmp/.X11-unix")
        sockets.mkdir(exist_ok=True)
        sockets.chmod(0o1777)

    def __enter__(self):
        reading, writing = os.pipe()
        command = self._account.running(
            "/usr/bin/Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "640x480x24", "-noreset",
            # Without auto-repeat: on a busy machine a key can look as if it were held.
            "-r",
        )
        self._server = subprocess.Popen(
            command, pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], **clock.REAL_TIME}, cwd="/",
        )
        os.close(writing)
        with open(reading) as number:
            display = number.readline().strip()
        assert display, "Xvfb ended at once"
        self.environment = {
            "PATH": os.environ["PATH"], "DISPLAY": f":{display}", "HOME": self._account.home, "LC_ALL": "C.UTF-8",
        }
        # At the first key from xdotool the server takes over xdotool's keyboard layout. In the middle of a password i3lock
        # would follow, with the state that Shift has by then: it read "$" for "4" where the server was ahead of it.
        self.stir()
        return self

    def __exit__(self, *_):
        self._server.terminate()
        self._server.wait(timeout=60)

    def type(self, text):
        """Types the text and Return. xdotool reads the text on its standard input."""
        doors.TYPED.append(text)
        self._xdotool("type", "--delay", "1", "--file", "-", text=text)
        self._xdotool("key", "Return")

    def stir(self):
        """Presses a key that types nothing."""
        self._xdotool("key", "Shift_L")

    def _xdotool(self, *arguments, text=""):
        subprocess.run(
            self._account.running("/usr/bin/xdotool", *arguments), input=text, text=True, check=True,
            timeout=doors.TIMEOUT_SECONDS, env={**self.environment, **clock.REAL_TIME},
        )


class Locker:
    """i3lock, on the account's screen. `with Locker(screen, account) as locker:` ends it, locked or not."""

    def __init__(self, screen, account):
        self._screen = screen
        self._account = account

    def __enter__(self):
        # In the foreground. With `--debug` it reports when it has the keyboard (and what is typed, so its output is not
        # stored).
        self._process = subprocess.Popen(
            self._account.running("/usr/bin/i3lock", "--nofork", "--debug"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self._screen.environment, cwd="/",
        )
        self.pid = self._process.pid
        os.set_blocking(self._process.stdout.fileno(), False)
        self._said = b""
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def said(self):
        self._said += self._process.stdout.read() or b""
        return self._said.decode(errors="replace")

    def wait_for(self, words):
        wait_until(lambda: words in self.said(), f"{words!r} of i3lock")

    def failures(self):
        return self.said().count("Authentication failure")

    def enter(self, text):
        """Types the text and Return, and waits until i3lock begins to check it.

        i3lock looks for keys when something arrives from the server. A Return that arrives while it draws has then been
        read from the socket already, and waits there until another key comes: Shift, as often as needed. And while it shows
        a refusal, it accepts no Return. Nothing is typed twice, so that one entry is one attempt.
        """
        wait_until(lambda: re.findall(r"auth_state = \d\)", self.said())[-1:] == [WAITS], "i3lock waiting for a password")
        checks = self.said().count(CHECKS)
        self._screen.type(text)
        begun = lambda: self.said().count(CHECKS) > checks or not self.locked()  # noqa: E731
        for _ in range(doors.TIMEOUT_SECONDS):
            try:
                return wait_until(begun, "check by i3lock", seconds=1)
            except AssertionError:
                self._screen.stir()
        raise AssertionError("i3lock does not check what was typed")

    def type(self, text):
        """Enters the text, and waits for the answer: an open screen, or i3lock's own refusal, which comes after the delay."""
        failures = self.failures()
        self.enter(text)
        wait_until(lambda: self.failures() > failures or not self.locked(), "answer of i3lock")

    def unlocks(self, text):
        """Enters the text; returns whether i3lock then ends successfully, which opens the screen."""
        self.type(text)
        return not self.locked() and self._process.wait(timeout=doors.TIMEOUT_SECONDS) == 0

    def locked(self):
        return self._process.poll() is None
