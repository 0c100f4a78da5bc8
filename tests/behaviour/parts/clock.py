"""The clock that every PAM program sees. It stands still until a test moves it.

clock.c is loaded by the private /etc/ld.so.preload, which the loader honours for setuid and setgid programs too. The
harness itself was loaded before that file existed, and lives in real time.

tests/commands uses libfaketime, which will not do here. Its settings are in the environment, and the helper is started with
an empty one. It keeps a semaphore for each process, which a program that becomes another user cannot open. And it reads a
file whenever a program looks at the clock, which a user's limits can prevent.
"""

import datetime
import os
import pathlib
import struct
import subprocess
import time

SOURCE = pathlib.Path(__file__).with_name("clock.c")
LIBRARY = "/run/pam_otp-tests/clock.so"
NOW = pathlib.Path("/run/pam_otp-tests/now")
PRELOAD = pathlib.Path("/etc/ld.so.preload")

# For clients, which are not under test.
REAL_TIME = {"REAL_TIME": "1"}

# 2027-01-15 08:00:10 UTC, ten seconds into a step of thirty (and of sixty).
START = 1_800_000_010


class Clock:
    def __init__(self):
        self._file = os.open(NOW, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.set(START)
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, "-o", LIBRARY, SOURCE], check=True)
        PRELOAD.write_text(f"{LIBRARY}\n")

    def set(self, now):
        """Sets the clock to `now`, in unix seconds. The time is one number written at once, so that no program sees half of
        it."""
        self.now = now
        os.pwrite(self._file, struct.pack("=q", now), 0)

    def advance(self, seconds):
        self.set(self.now + seconds)

    def utc(self, offset=0):
        moment = datetime.datetime.fromtimestamp(self.now + offset, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%d %H:%M:%S")


def wait_until(condition, what, seconds=300):
    """Polls in real time until something happens that a started process does in its own time. `seconds` is far longer than any of
    these things takes, on a busy machine too."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s there is still no {what}")
        time.sleep(0.02)
