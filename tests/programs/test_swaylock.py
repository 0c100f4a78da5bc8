"""swaylock, in a compositor that draws into memory."""

# bookworm: swaylock sway wtype
# trixie: swaylock sway wtype

import contextlib
import os
import pathlib
import signal
import subprocess

import kept
import locker
import probe as probes
import pytest
import table
from daemon import Daemon
from screen import as_person

RUNTIME = pathlib.Path("/run/runtime")
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/home/person", "LC_ALL": "C.UTF-8", "XDG_RUNTIME_DIR": str(RUNTIME),
    "WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1", "WAYLAND_DISPLAY": "wayland-1",
}


class Swaylock:
    def __init__(self, probe):
        self._probe = probe
        self._keyboards = []
        # A seat gets its keyboard with the first one, and what is typed until the locker has noticed is lost.
        self._keyboard("-k", "Shift_L")
        with kept.output_of("swaylock") as output:
            # It goes on in the background, and the command ends, once the display is locked.
            subprocess.run(
                as_person("/usr/bin/swaylock", "--debug", "--daemonize"), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=ENVIRONMENT, cwd="/", check=True,
            )

    def type(self, text):
        """Until it is checked: what comes while it shows a refusal, or before it looks at the keyboard, is lost. Escape begins
        anew."""
        calls = lambda: len(self._probe.calls("authenticate"))  # noqa: E731
        before = calls()

        def checked():
            self._keyboard(*["-k", "Escape"] * 3, "-", text=text + "\n")
            return probes.comes(lambda: calls() > before, expected=False)

        probes.wait_until(checked, "check by swaylock")

    def _keyboard(self, *arguments, text=""):
        """One that stays until the end: swaylock 1.8 ends, and leaves the display locked, when a keyboard goes away."""
        keyboard = subprocess.Popen(
            as_person("/usr/bin/wtype", *arguments, "-s", "6000000"), stdin=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )
        self._keyboards.append(keyboard)
        keyboard.stdin.write(text)
        keyboard.stdin.close()

    def locked(self):
        return bool(processes())

    def end(self):
        for process in processes():
            os.kill(process, signal.SIGKILL)
        probes.wait_until(lambda: not processes(), "end of swaylock")
        for keyboard in self._keyboards:
            keyboard.terminate()
            keyboard.wait(timeout=60)


def processes():
    """Those of swaylock: there are no others than the test's in here."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, name, state = path.read_text().replace("(", ")").split(")")
            if name == "swaylock" and state.split()[0] != "Z":
                found.append(int(path.parent.name))
    return found


@pytest.mark.program("swaylock")
def test_swaylock(row, probe):
    RUNTIME.mkdir(mode=0o700)
    table.run("chown", "person", RUNTIME)
    config = pathlib.Path("/etc/sway-of-the-test")
    config.write_text("")

    @contextlib.contextmanager
    def lock():
        # A compositor of its own: one whose locker has gone keeps its display locked.
        for left in RUNTIME.glob("wayland-*"):
            left.unlink()
        with Daemon("sway", "/usr/bin/sway", "--config", config, account="person", **ENVIRONMENT):
            probes.wait_until((RUNTIME / "wayland-1").exists, "the compositor")
            running = Swaylock(probe)
            try:
                yield running
            finally:
                running.end()

    table.compare(row, locker.measure(lock, ["swaylock"], probe, row))
