"""The real modules from which people move to ours: their files, their lines in /etc/pam.d, and the result of an import."""

import base64
import json
import os
import subprocess

import under_test
from codes import Codes

PASSWORD = "required pam_unix.so nodelay"
GOOGLE = "required pam_google_authenticator.so"
OATH = "required pam_oath.so usersfile=/etc/users.oath"


class OldKey:
    """A key as a peer stores it; its codes come from oathtool."""

    def __init__(self, clock, period=30, digits=6):
        self.bytes = os.urandom(20)
        self._clock = clock
        self.period = period
        self.digits = digits

    @property
    def base32(self):
        return base64.b32encode(self.bytes).decode()

    @property
    def hex(self):
        return self.bytes.hex()

    def step(self, steps=0):
        return self._clock.now // self.period + steps

    def at_step(self, steps):
        moment = self._clock.utc(steps * self.period) + " UTC"
        return self._oathtool("--totp", f"--now={moment}", f"--time-step-size={self.period}s")

    def now(self):
        return self.at_step(0)

    def counter(self, counter):
        return self._oathtool("--hotp", f"--counter={counter}")

    def _oathtool(self, *options):
        done = subprocess.run(
            ["oathtool", *options, f"--digits={self.digits}", "--base32", "-"],
            input=self.base32, text=True, capture_output=True, check=True,
        )
        return done.stdout.strip()


class Moving:
    """One account that logs in by the old module, is imported, and then logs in by ours."""

    def __init__(self, door, account, clock, protect, ours):
        self.door = door
        self.account = account
        self.clock = clock
        self.ours = ours
        self._protect = protect

    def by(self, line):
        self._protect(PASSWORD, line)

    def by_ours(self):
        self.by(self.ours.line())

    def admits(self, code):
        return self.door.attempt(self.account, self.account.password, code).admitted

    def answers(self, code):
        return self.door.attempt(self.account, self.account.password, code)

    def write_google(self, key, *lines):
        text = "\n".join([key.base32, *lines]) + "\n"
        self.account.write_private_file(self.google_file, text, mode=0o600)

    @property
    def google_file(self):
        return f"{self.account.home}/.google_authenticator"

    def write_oath(self, *lines):
        text = "".join(line.replace("USER", self.account.name) + "\n" for line in lines)
        with open("/etc/users.oath", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)

    def import_(self, *arguments, status=0):
        """Runs an import; returns its report."""
        done = subprocess.run(
            [under_test.BINARIES / "otp-admin", "import", *arguments, "--json"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == status, f"{arguments}: exit {done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def import_google(self, *arguments, **options):
        return self.import_("google-authenticator", self.google_file, *arguments, **options)

    def import_oath(self, *arguments, **options):
        return self.import_("oath", "/etc/users.oath", *arguments, **options)
