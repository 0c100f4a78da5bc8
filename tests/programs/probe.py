"""The probe module (probe.c): gives it its orders, and reads what it saw of a program."""

import json
import pathlib
import time

DIRECTORY = pathlib.Path("/run/probe")
MODULE = "pam_probe.so"

# The module's messages and questions.
INFORMATION = ["Probe information one", "█▀▄ █  ▀▄", "Probe   information three"]
ERROR = "Probe error"
LAST_WORDS = "Probe last words"
PASSWORD, CODE, NAME = "Probe password: ", "Probe code: ", "Probe name: "

# Everything that a module can do, with a gate at which the test can see what has been shown so far.
EVERYTHING = "info error empty gate hidden hidden echoed"
RESULTS = {"auth_err": "AUTH_ERR", "maxtries": "MAXTRIES", "unavail": "AUTHINFO_UNAVAIL", "ignore": "IGNORE"}

SILENT, DISALLOW_NULL = 0x8000, 0x1
SETCRED = {0x2: "establish", 0x4: "delete", 0x8: "reinitialize", 0x10: "refresh"}
CONV_ERR = 19
PATIENCE_SECONDS = 120


class Probe:
    """`probe.plan(WORDS)` begins a measurement with an empty log; `probe.calls` and `probe.steps` read it."""

    def __init__(self):
        DIRECTORY.chmod(0o755)
        self._log = DIRECTORY / "log"
        self.plan("=SUCCESS")

    def plan(self, words):
        (DIRECTORY / "plan").write_text(words + "\n")
        (DIRECTORY / "open").unlink(missing_ok=True)
        self._log.write_text("")
        self._log.chmod(0o666)

    def protect(self, *services):
        """Makes the module the only one in these services, whatever Debian has there."""
        for service in services:
            lines = [f"{kind} required {MODULE}" for kind in ("auth", "account", "password", "session")]
            pathlib.Path("/etc/pam.d", service).write_text("\n".join(lines) + "\n")

    def open_gate(self):
        (DIRECTORY / "open").touch()

    @property
    def lines(self):
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def steps(self):
        return [line for line in self.lines if "step" in line]

    def calls(self, name=None):
        return [line for line in self.lines if "call" in line and name in (None, line["call"])]

    def replies(self, step):
        """Returns the answer to each question of that kind; "refused" where the conversation failed."""
        return ["refused" if line["code"] != 0 else line["reply"] for line in self.steps if line["step"] == step]

    def reached(self, step):
        return any(line["step"] == step for line in self.steps)

    def wait_for(self, step):
        wait_until(lambda: self.reached(step), f"the step {step} of the module")

    def wait_for_call(self, name, times=1):
        wait_until(lambda: len(self.calls(name)) >= times, f"call {times} of {name}")


def wait_until(holds, what, seconds=PATIENCE_SECONDS):
    """Waits for something that must come, as long as a slow machine may need."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"no {what}"
        time.sleep(0.02)
    return found


def comes(holds, expected):
    """Returns whether the condition becomes true. It waits long if the table expects that, and a second if not."""
    end = time.monotonic() + (PATIENCE_SECONDS if expected else 1)
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False
