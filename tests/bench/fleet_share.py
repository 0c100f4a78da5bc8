"""Gives each of these processes no more than a share of a processor, as if it were a small machine of its own. It stops a process
whenever it is ahead of its share, and lets it go on later. When this program ends, all processes go on.

    fleet_share.py SHARE PID...

The kernel counts the time of a process in nanoseconds for this program; /proc counts in hundredths of a second.
"""

import os
import signal
import sys
import time

TICK = 0.002
# A process may save up no more than this many seconds of its unused share.
SAVED = 0.02


def clock_of(pid):
    """Returns the clock of a whole process's processor time, as clock_getcpuclockid(3) computes it."""
    return ~pid << 3 | 2


class Held:
    """One process."""

    def __init__(self, pid, share):
        self._pid, self._share = pid, share
        self._stopped = False
        self._since, self._used, self._left = time.monotonic(), self._now(), 0.0

    def _now(self):
        return time.clock_gettime(clock_of(self._pid))

    def tick(self):
        now, used = time.monotonic(), self._now()
        self._left += (now - self._since) * self._share - (used - self._used)
        self._left = min(self._left, SAVED * self._share)
        self._since, self._used = now, used
        if self._stopped != (self._left < 0):
            self._stopped = not self._stopped
            os.kill(self._pid, signal.SIGSTOP if self._stopped else signal.SIGCONT)

    def release(self):
        os.kill(self._pid, signal.SIGCONT)


def main():
    share, *pids = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    held = [Held(int(pid), float(share)) for pid in pids]
    print("ready", flush=True)
    try:
        while True:
            for one in held:
                one.tick()
            time.sleep(TICK)
    finally:
        for one in held:
            one.release()


if __name__ == "__main__":
    main()
