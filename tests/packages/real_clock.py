"""The real time, for `codes`: nothing holds the clock still where the packages are installed."""

import datetime
import time


class RealClock:
    """The clock that `codes` asks for the time."""

    def utc(self, offset=0):
        now = datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc)
        return now.strftime("%Y-%m-%d %H:%M:%S")
