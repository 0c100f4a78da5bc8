"""A screen of a user's own: Xvfb, with a keyboard that a program types on."""

import os
import pathlib
import subprocess

import clock
import doors
from clock import wait_until


class Screen:
    """`with Screen(account) as screen:` an X server that runs as the account, for as long as the block lasts."""

    def __init__(self, account):
        self._account = account
        sockets = pathlib.Path("/tmp/.X11-unix")
        sockets.mkdir(exist_ok=True)
        sockets.chmod(0o1777)

    def __enter__(self):
        reading, writing = os.pipe()
        command = self._account.running(
            "/usr/bin/Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "640x480x24", "-noreset",
            # Without auto-repeat: on a busy machine a key can look held.
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
        return self

    def __exit__(self, *_):
        self._server.terminate()
        self._server.wait(timeout=60)

    def type(self, text):
        """And Return. The text goes to the program that types on its standard input."""
        doors.TYPED.append(text)
        self._xdotool("type", "--delay", "1", "--file", "-", text=text)
        self._xdotool("key", "Return")

    def clear(self):
        """What is in the field goes."""
        self._xdotool("key", "Escape")

    def _xdotool(self, *arguments, text=""):
        subprocess.run(
            self._account.running("/usr/bin/xdotool", *arguments), input=text, text=True, check=True,
            timeout=doors.TIMEOUT_SECONDS, env={**self.environment, **clock.REAL_TIME},
        )


class Locker:
    """i3lock, on the screen of the account. `with Locker(screen, account) as locker:` ends it, locked or not."""

    def __init__(self, screen, account):
        self._screen = screen
        self._account = account

    def __enter__(self):
        # In the foreground; `--debug` has it say when it has the keyboard (and what is typed, so nobody keeps that).
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

    def type(self, text, done):
        """Types it until it is done. Before the keyboard is all i3lock's a key can be lost: then the password is wrong,
        which costs no attempt at the code, or nothing happens, and a person types again."""
        for _ in range(4):
            failures = self.failures()
            self._screen.clear()
            self._screen.type(text)
            try:
                wait_until(lambda: done() or self.failures() > failures, "answer of i3lock", seconds=20)
            except AssertionError:
                continue
            if done():
                # Its own refusal comes after the delay; what is typed next is not to be taken for refused by it.
                if self.locked():
                    wait_until(lambda: self.failures() > failures or not self.locked(), "refusal of i3lock")
                return
        raise AssertionError("typed four times, and i3lock did not take it")

    def unlocks(self, text):
        """Types it and waits for the end, which is what opens the screen."""
        self.type(text, lambda: not self.locked())
        return self._process.wait(timeout=doors.TIMEOUT_SECONDS) == 0

    def locked(self):
        return self._process.poll() is None
