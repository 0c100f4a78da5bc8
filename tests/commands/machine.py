"""The command lines, each with the records, the policy and the clock of one test."""

import datetime
import glob
import json
import os
import pathlib
import subprocess

import pexpect

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("PAM_OTP_TARGET") or ROOT / "target/release").resolve()

# 2027-01-15 08:00:10 UTC, ten seconds into a step.
START = 1_800_000_010


class Machine:
    def __init__(self, directory):
        self.directory = directory
        self.records = directory / "records"
        self.records.mkdir(mode=0o700)
        self.conf = directory / "pam_otp.conf"
        self.policy("")
        self.now = START
        self.locale = {"LC_ALL": "C.UTF-8"}
        self.terminal = "xterm-256color"

    def policy(self, text):
        self.conf.write_text(text)
        self.conf.chmod(0o644)

    def environment(self, **more):
        """The environment of a command: its clock stands still, while timeouts stay real."""
        (faketime,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or ["(libfaketime.so.1 is not installed)"]
        return {
            "PATH": os.environ["PATH"], "TERM": self.terminal, "TZ": "UTC", **self.locale,
            "LD_PRELOAD": faketime, "FAKETIME": utc(self.now), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
            **more,
        }

    def words(self, program, *arguments):
        places = ["--conf", self.conf, "--state-dir", self.records]
        return [str(word) for word in (TARGET / program, *places, *arguments)]

    def run(self, program, *arguments, status=0, **options):
        """Runs a command without a terminal; checks its exit status and the form of its messages."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "start_new_session": True, **options}
        environment = self.environment(**options.pop("environment", {}))
        done = subprocess.run(
            self.words(program, *arguments), stderr=subprocess.PIPE, text=True, env=environment, timeout=60, **options
        )
        assert done.returncode == status, f"{program} {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        if status and done.stderr:
            lines = done.stderr.splitlines()
            assert len(lines) == 2 and lines[0].startswith(f"{program}: ") and lines[1].startswith(("hint: ", "해결 방법: ")), lines
        return done

    def admin(self, *arguments, **options):
        return self.run("otp-admin", *arguments, **options)

    def provision(self, user, *arguments):
        return json.loads(self.admin("provision", user, "--json", *arguments).stdout)

    def status(self, user):
        return json.loads(self.run("otp-enroll", "--user", user, "status", "--json").stdout)

    def spawn(self, *arguments, size=(60, 200), environment=None):
        """Starts otp-enroll at a terminal of its own."""
        words = self.words("otp-enroll", *arguments)
        child = pexpect.spawn(
            words[0], words[1:], env=self.environment(**(environment or {})), encoding="utf-8", timeout=20, dimensions=size
        )
        child.delaybeforesend = None
        return child

    def try_code(self, user, code):
        """Runs `otp-enroll test`; returns the exit status and the terminal's content."""
        child = self.spawn("--user", user, "test")
        child.expect("code: ")
        child.sendline(code)
        child.expect(pexpect.EOF)
        child.wait()
        child.close()
        return child.exitstatus, child.before

    def code(self, secret, offset=0, *options):
        """The code of `secret` that many seconds from now, by oathtool; the secret goes in on stdin."""
        done = subprocess.run(
            ["oathtool", *(options or ["--totp"]), "--base32", f"--now={utc(self.now + offset)} UTC", "-"],
            input=secret, text=True, capture_output=True, check=True,
        )
        return done.stdout.strip()

    def wrong_code(self, secret):
        """Six digits that are no code of this secret within a day."""
        near = {
            line
            for offset in (-86400, 0)
            for line in subprocess.run(
                ["oathtool", "--totp", "--base32", f"--now={utc(self.now + offset)} UTC", "--window=2880", "-"],
                input=secret, text=True, capture_output=True, check=True,
            ).stdout.split()
        }
        return next(code for code in map("{:06}".format, range(10**6)) if code not in near)

    def files(self):
        """Every file in the test's directory with its content, so that any trace would show."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes() if path.is_file() else None
            for path in sorted(self.directory.rglob("*"))
        }


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
