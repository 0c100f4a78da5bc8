"""Codes from oathtool, which shares no code with the implementations under test."""

import base64
import os
import subprocess

PERIOD = 30


def new_secret():
    """A random key of 160 bits in base32."""
    return base64.b32encode(os.urandom(20)).decode()


class Codes:
    """The codes of one secret, by the clock that the PAM programs see."""

    def __init__(self, secret, clock):
        self._secret = secret
        self._clock = clock
        self.algorithm = "SHA1"

    def now(self):
        return self.at_step(0)

    def at_step(self, steps):
        """The code that many steps from now."""
        return self.from_step(steps, 1)[0]

    def wrong(self):
        """Six digits that are no code of this secret within the half day and an hour that enrolment searches."""
        near = self.from_step(-1600, 3201)
        return next(code for code in map("{:06}".format, range(482915, 10**6)) if code not in near)

    def all_differ(self):
        """Whether all codes within two hours differ, so that each belongs to one step only."""
        codes = self.from_step(-30, 230)
        return len(set(codes)) == len(codes)

    def from_step(self, steps, count):
        """The codes of that many steps, from the step `first` from now on."""
        # The secret goes in on stdin: anybody can read argv.
        moment = self._clock.utc(steps * PERIOD) + " UTC"
        done = subprocess.run(
            ["oathtool", f"--totp={self.algorithm}", "--base32", f"--now={moment}", f"--window={count - 1}", "-"],
            input=self._secret, text=True, capture_output=True, check=True,
        )
        return done.stdout.split()


class Token:
    """A token with a button: each press shows the code of the next counter value."""

    def __init__(self, secret, counter=0):
        self._secret = secret
        self.counter = counter

    def now(self):
        """Presses the button."""
        self.counter += 1
        return self.at(self.counter - 1)

    def at(self, counter):
        """The code of a counter value, without a press."""
        return self.from_counter(counter, 1)[0]

    def from_counter(self, counter, count):
        done = subprocess.run(
            ["oathtool", "--hotp", "--base32", f"--counter={counter}", f"--window={count - 1}", "-"],
            input=self._secret, text=True, capture_output=True, check=True,
        )
        return done.stdout.split()

    def wrong(self):
        """Six digits that are no code of this token near its counter."""
        near = self.from_counter(max(self.counter - 30, 0), 1200)
        return next(code for code in map("{:06}".format, range(482915, 10**6)) if code not in near)
