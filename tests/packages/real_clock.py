"""The time as it is, for `codes`: in what the packages are installed on, nothing holds it still."""

import datetime
import time


class RealClock:
    """What `codes` asks for the time."""

    def utc(self, offset=0):
        now = datetime.datetime.fromtimestamp(time.time() + offset, datetime.timezone.utc)
        return now.strftime("%Y-%m-%d %H:%M:%S")
