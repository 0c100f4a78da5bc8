"""The clock that every PAM program sees. It stands still until a test moves it.

libfaketime comes in through the private /etc/ld.so.preload, which the loader honours for setuid programs too, and
reads /etc/faketimerc. The harness itself was loaded before that file existed and lives in real time.
"""

import datetime
import glob
import pathlib
import time

PRELOAD = pathlib.Path("/etc/ld.so.preload")
NOW = pathlib.Path("/etc/faketimerc")

# For everything the harness starts: look at the clock each time, and leave timeouts and file times alone.
ENVIRONMENT = {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
# For the clients, which are no part of what is tested: real time.
REAL_TIME = {"FAKETIME": "+0"}

# 2027-01-15 08:00:10 UTC, ten seconds into a step of thirty (and of sixty).
START = 1_800_000_010


class Clock:
    def __init__(self):
        (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or ["(libfaketime.so.1 is not installed)"]
        self.set(START)
        PRELOAD.write_text(library + "\n")

    def set(self, now):
        """Makes it `now`, in unix seconds. A write to a file beside and a rename: no program sees half a time."""
        self.now = now
        beside = NOW.with_name("faketimerc.new")
        beside.write_text(self.utc() + "\n")
        beside.rename(NOW)

    def advance(self, seconds):
        self.set(self.now + seconds)

    def utc(self, offset=0):
        moment = datetime.datetime.fromtimestamp(self.now + offset, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%d %H:%M:%S")


def wait_until(condition, what, seconds=60):
    """Polls in real time; for things that a started process does when it gets to it."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still no {what}")
        time.sleep(0.02)
