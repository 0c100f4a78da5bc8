"""A hook, the queue in front of it, and otp-notify between them."""

import json
import os
import pathlib
import pwd
import shutil
import subprocess

import pytest

from under_test import BINARIES

QUEUE = pathlib.Path("/var/lib/pam_otp/.queue")
INCOMING, MAKING, TAKEN, DROPPED = (QUEUE / name for name in ("incoming", "making", "taken", "dropped"))
NOTIFY = BINARIES / "otp-notify"
PROGRAM = pathlib.Path("/run/hook")
# The hook runs as this user, and writes here.
GOT = pathlib.Path("/run/hook-got")
USER = "otp-notify"
# All events but "change", which enrolling a user would cause.
ALL = ["lock", "unlock", "recovery", "reject", "accept", "policychanged", "hook"]

KEEPS = "cat >> /run/hook-got/events"


def section(events=ALL, run=PROGRAM):
    return f"[hooks]\nrun = {json.dumps(str(run))}\nevents = {json.dumps(list(events))}\n"


class Hook:
    """`hook.does(LINES)` sets the hook's program from now on, as a script for sh."""

    def __init__(self):
        shutil.rmtree(GOT, ignore_errors=True)
        GOT.mkdir()
        user = pwd.getpwnam(USER)
        os.chown(GOT, user.pw_uid, user.pw_gid)
        self.does(KEEPS)

    def does(self, lines):
        new = PROGRAM.with_suffix(".new")
        new.write_text(f"#!/bin/sh\n{lines}\n")
        new.chmod(0o755)
        # An older program may still be running.
        new.rename(PROGRAM)

    def events(self):
        """The events that the hook was given, in order."""
        path = GOT / "events"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def names(self, account=None):
        return [event["event"] for event in self.events() if account is None or event.get("account") == account.name]


def notify(*arguments, status=0, wrapped=(), **how):
    """Runs otp-notify once, by the clock of the PAM programs."""
    done = subprocess.run(
        [*wrapped, NOTIFY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
        env={"PATH": os.environ["PATH"]}, **how,
    )
    assert status is None or done.returncode == status, done
    return done


def waiting():
    """How many events wait: new ones, and those that otp-notify has taken."""
    return sum(len(list(place.iterdir())) for place in (INCOMING, TAKEN) if place.exists())


def forget():
    if QUEUE.is_symlink() or not QUEUE.is_dir():
        QUEUE.unlink(missing_ok=True)
    shutil.rmtree(QUEUE, ignore_errors=True)


@pytest.fixture
def hook(under_test, policy, clock, journal):
    """A hook that stores its events, and a policy that names it. The queue is empty, and otp-notify has seen the policy."""
    forget()
    if not any(user.pw_name == USER for user in pwd.getpwall()):
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", USER], check=True, capture_output=True)
    hook = Hook()
    policy(section())
    notify()
    assert hook.events() == []
    yield hook
    forget()
