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
        # A seat has no keyboard before the first one, and keys that come before the locker has noticed it are lost.
        self._keyboard("-k", "Shift_L")
        with kept.output_of("swaylock") as output:
            # The command ends once the display is locked, and the locker goes on in the background.
            subprocess.run(
                as_person("/usr/bin/swaylock", "--debug", "--daemonize"), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=ENVIRONMENT, cwd="/", check=True,
            )

    def type(self, text):
        """Types until the text is checked: keys are lost while swaylock shows a refusal, and before it reads the keyboard. Escape
        begins anew."""
        calls = lambda: len(self._probe.calls("authenticate"))  # noqa: E731
        before = calls()

        def checked():
            self._keyboard(*["-k", "Escape"] * 3, "-", text=text + "\n")
            return probes.comes(lambda: calls() > before, expected=False)

        probes.wait_until(checked, "check by swaylock")

    def _keyboard(self, *arguments, text=""):
        """Starts a keyboard that stays until the end: swaylock 1.8 ends, and leaves the display locked, when a keyboard goes away."""
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
    """Returns the processes of swaylock: there are only the test's in here."""
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
        # Each has a compositor of its own: one whose locker has gone keeps its display locked.
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
