"""xscreensaver, on a display in memory. A library that is loaded into it (drawn.c) records the text that it draws."""

# bookworm: xscreensaver xvfb xdotool
# trixie: xscreensaver xvfb xdotool

import contextlib
import pathlib
import subprocess

import pytest

import kept
import probe as probes
import table
from daemon import Daemon
from screen import ENVIRONMENT, Screen, as_person
from terminal import REPLIES

DRAWN = pathlib.Path("/tmp/drawn")
PRELOADED = pathlib.Path("/etc/ld.so.preload")
SETTINGS = "lock: True\nlockTimeout: 0:00:00\nmode: blank\nfade: False\nunfade: False\ndpmsEnabled: False\n"


class Xscreensaver:
    """A locked display."""

    def __init__(self, screen, daemon):
        self._screen, self._daemon = screen, daemon
        probes.wait_until(lambda: self._command("-time").returncode == 0, "xscreensaver")
        probes.wait_until(lambda: self._command("-lock").returncode == 0 and self.locked(), "a locked display")

    def _command(self, word):
        return subprocess.run(as_person("/usr/bin/xscreensaver-command", word), capture_output=True, text=True, env=ENVIRONMENT)

    def locked(self):
        return "locked" in self._command("-time").stdout

    def wake(self, probe, times=1):
        """Wakes it with a key, and it asks."""
        def asks():
            self._screen.key("Shift_L")
            return probes.comes(lambda: len(probe.calls("authenticate")) >= times, expected=False)

        probes.wait_until(asks, f"call {times} of the module")

    def wait_for(self, text):
        probes.wait_until(lambda: text in drawn(), f"{text!r} on the display")

    def answer(self, question, reply):
        self.wait_for(question.strip())
        self._screen.type(reply)

    def confirm(self, text):
        """Presses the button of a message, which stays until then."""
        self.wait_for(text)
        self._screen.key("Return")


def drawn():
    return DRAWN.read_text(errors="replace").splitlines()


@pytest.fixture
def screen():
    subprocess.run(["install", "-m", "755", "drawn.so", "/usr/local/lib/drawn.so"], check=True)
    PRELOADED.write_text("/usr/local/lib/drawn.so\n")
    pathlib.Path("/home/person/.xscreensaver").write_text(SETTINGS)
    with Screen() as screen:
        yield screen
    PRELOADED.unlink()


@contextlib.contextmanager
def locked(screen):
    DRAWN.write_text("")
    DRAWN.chmod(0o666)
    with Daemon("xscreensaver", "/usr/bin/xscreensaver", "--no-splash", "--verbose", account="person", **ENVIRONMENT) as daemon:
        yield Xscreensaver(screen, daemon)


@pytest.mark.program("xscreensaver")
def test_xscreensaver(row, probe, screen):
    probe.protect("xscreensaver")
    processes = []
    for _ in range(2):
        found = whole_login(row, probe, screen)
        processes.append(probe.calls("authenticate")[0]["pid"])
    found |= table.caller_of(probe, "person") | table.further_calls(probe) | table.answers(probe, REPLIES)
    assert REPLIES[0] not in drawn()
    found["services"], found["includes"] = ["xscreensaver"], table.included_by("xscreensaver")
    found["lives"] = "many logins" if processes[0] == processes[1] else "one login"
    found |= refusals(probe, screen)
    found["keeps"] = kept.keepers()
    table.compare(row, found)


def whole_login(row, probe, screen):
    probe.plan("info error empty hidden hidden echoed =SUCCESS")
    with locked(screen) as lock:
        lock.wake(probe)
        found = {}
        # Each message is on the display before the module hears that it is, and the next comes only then.
        for key, step, text in [("information", "info", probes.INFORMATION[0]), ("error", "error", probes.ERROR)]:
            lock.wait_for(text)
            assert not probe.reached(step)
            found[key] = "at once"
            lock.confirm(text)
            probe.wait_for(step)
        DRAWN.write_text("")
        lock.confirm("OK")
        probe.wait_for("empty")
        for question, reply in zip([probes.PASSWORD, probes.CODE], REPLIES):
            lock.answer(question, reply)
        lock.wait_for(probes.NAME.strip())
        screen.text(REPLIES[2])
        lock.confirm(REPLIES[2])
        probes.wait_until(lambda: not lock.locked(), "open display")
        table.wait_for_setcred(probe, row)
    return found


def refusals(probe, screen):
    found = {"again": [], "tries": 0, "last_words": "shown", "text": text_of(probe, screen)}
    for key, result in probes.RESULTS.items():
        probe.plan(f"hidden last ={result}")
        with locked(screen) as lock:
            lock.wake(probe)
            lock.answer(probes.PASSWORD, REPLIES[0])
            lock.confirm(probes.LAST_WORDS)
            found[key] = "Authentication failed!"
            lock.confirm(found[key])
            lock.wake(probe, times=2)
            found["again"].append(key)
            assert lock.locked()
    return found


def text_of(probe, screen):
    """Returns whether the lines of an information are drawn as they were sent."""
    probe.plan("info =AUTH_ERR")
    with locked(screen) as lock:
        lock.wake(probe)
        lock.wait_for(probes.INFORMATION[0])
        # The button below the text is drawn after it.
        lock.wait_for("OK")
        return "whole" if all(line in drawn() for line in probes.INFORMATION) else "spoilt"
