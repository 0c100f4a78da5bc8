"""Codes from oathtool, an implementation that shares nothing with the ones under test."""

import base64
import os
import subprocess

PERIOD = 30


def new_secret():
    """160 random bits in base32."""
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
        """The code of so many steps from now."""
        return self.from_step(steps, 1)[0]

    def wrong(self):
        """Six digits that are no code of this secret within the half day and an hour that enrolment looks through."""
        near = self.from_step(-1600, 3201)
        return next(code for code in map("{:06}".format, range(482915, 10**6)) if code not in near)

    def all_differ(self):
        """Whether no code of two hours says which of two steps it is of."""
        codes = self.from_step(-30, 230)
        return len(set(codes)) == len(codes)

    def from_step(self, steps, count):
        """The codes of so many steps, from one that is so many steps from now."""
        # The secret goes in through stdin: argv can be read by everyone.
        moment = self._clock.utc(steps * PERIOD) + " UTC"
        done = subprocess.run(
            ["oathtool", f"--totp={self.algorithm}", "--base32", f"--now={moment}", f"--window={count - 1}", "-"],
            input=self._secret, text=True, capture_output=True, check=True,
        )
        return done.stdout.split()


class Token:
    """A token with a button: each press shows the code of the next counter."""

    def __init__(self, secret, counter=0):
        self._secret = secret
        self.counter = counter

    def now(self):
        """Presses the button."""
        self.counter += 1
        return self.at(self.counter - 1)

    def at(self, counter):
        """The code of a counter, without a press."""
        return self.from_counter(counter, 1)[0]

    def from_counter(self, counter, count):
        done = subprocess.run(
            ["oathtool", "--hotp", "--base32", f"--counter={counter}", f"--window={count - 1}", "-"],
            input=self._secret, text=True, capture_output=True, check=True,
        )
        return done.stdout.split()

    def wrong(self):
        """Six digits that are no code of this token anywhere near."""
        near = self.from_counter(max(self.counter - 30, 0), 1200)
        return next(code for code in map("{:06}".format, range(482915, 10**6)) if code not in near)
