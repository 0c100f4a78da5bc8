"""The clock that every PAM program sees. It stands still until a test moves it.

clock.c comes in through the private /etc/ld.so.preload, which the loader honours for setuid and setgid programs too.
The harness itself was loaded before that file existed and lives in real time.

Not libfaketime, which tests/commands uses: what it is to do stands in the environment, and the helper is started with
an empty one; it keeps a semaphore for each process, which a program that becomes another user cannot open; and it reads
a file at every look at the clock, which a limit set by a user keeps it from.
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

# For the clients, which are no part of what is tested.
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
        """Makes it `now`, in unix seconds. One number that is written in one go: no program sees half a time."""
        self.now = now
        os.pwrite(self._file, struct.pack("=q", now), 0)

    def advance(self, seconds):
        self.set(self.now + seconds)

    def utc(self, offset=0):
        moment = datetime.datetime.fromtimestamp(self.now + offset, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%d %H:%M:%S")


def wait_until(condition, what, seconds=300):
    """Polls in real time; for things that a started process does when it gets to it. `seconds` is far longer than any of them takes,
    also on a machine that has much else to do."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still no {what}")
        time.sleep(0.02)
