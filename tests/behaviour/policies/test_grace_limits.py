"""A user prevents the recording of a grace by limits on su: nobody is admitted without a trace.

There is no account line, so our module cannot refuse anybody once PAM has succeeded.
"""

import os
import subprocess

import pexpect
import pytest

import doors
from doors import ADMITTED
from grace import WEEK, a_week_of_grace, ends_at, first_login  # noqa: F401
from policy_file import policy  # noqa: F401  (a fixture)

pytestmark = pytest.mark.promised_by("ours")

LIMITS = [
    "--sigpending=0", "--sigpending=1", "--fsize=0", "--fsize=1", "--fsize=20", *(f"--nofile={number}" for number in range(4, 13)),
    "--nproc=0", "--locks=0", "--memlock=0", "--msgqueue=0", "--core=0", "--rttime=0", "--stack=65536",
]


def knock(door, account, *limits):
    """Runs su under these limits; returns whether it admitted the user."""
    command = door.caller.running("/usr/bin/prlimit", *limits, "/usr/bin/su", account.name, "-c", doors.COMMAND)
    doors.TYPED.append(account.password)
    with pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS) as child:
        while (found := child.expect(["Password: ", "Verification code: ", ADMITTED, pexpect.EOF])) < 2:
            child.sendline([account.password, "123456"][found])
        return found == 2


@pytest.mark.parametrize("limit", LIMITS)
def test_admitted_user_has_begun_the_grace(every_door, bobby, clock, limit):
    su = every_door["su"]
    for _ in range(2):
        if knock(su, bobby, limit):
            assert first_login(bobby).exists()
    # The grace is an ordinary one.
    begun = first_login(bobby).exists()
    clock.advance(60)
    assert knock(su, bobby)
    start = clock.now - 60 if begun else clock.now
    clock.set(start + WEEK - 1)
    assert knock(su, bobby)
    clock.set(start + WEEK)
    assert not knock(su, bobby)


@pytest.mark.parametrize("limit", ["--sigpending=0", "--fsize=0"])
def test_limit_that_prevents_the_recording_refuses(every_door, bobby, clock, limit):
    """As pam_otp-setup(7) says."""
    assert not knock(every_door["su"], bobby, limit)
    assert not first_login(bobby).exists()


def test_refusal_is_logged_with_its_reason(every_door, bobby, clock, journal):
    assert not knock(every_door["su"], bobby, "--sigpending=0")
    event = journal.events(bobby.name)[-1]
    assert event["event"] == "otp.unavailable" and bobby.name in event["reason"]


def test_recorded_grace_needs_nothing_written(every_door, bobby, clock):
    su = every_door["su"]
    assert knock(su, bobby)
    for limit in ("--sigpending=0", "--fsize=0"):
        assert knock(su, bobby, limit)


def test_wrong_password_leaves_nothing_that_counts_and_reset_removes_it(every_door, bobby, clock, under_test, protect):
    protect("required pam_unix.so nodelay", under_test.line())
    directory = first_login(bobby).parent
    assert every_door["su"].attempt(bobby, "not" + bobby.password).refused
    assert os.listdir(directory) == [".first-login.new"]
    under_test.reset(bobby)
    assert not directory.exists()
    assert every_door["su"].attempt(bobby, "not" + bobby.password).refused
    clock.advance(WEEK)
    assert knock(every_door["su"], bobby)
    assert ends_at(every_door["su"], bobby, clock, clock.now + WEEK)


def test_user_cannot_use_up_the_pending_signal_between_two_locks(every_door, bobby, clock):
    """The kernel counts pending signals per user over all processes, so the limit can be reached in the middle of a login."""
    su = every_door["su"]
    uid = subprocess.run(["id", "-u", su.caller.name], capture_output=True, text=True, check=True).stdout.strip()
    command = su.caller.running("/usr/bin/prlimit", "--sigpending=1", "/usr/bin/su", bobby.name, "-c", doors.COMMAND)
    doors.TYPED.append(bobby.password)
    # This process of the same user has one signal pending, which uses up the limit for su too.
    holder = su.caller.running("/usr/bin/python3", "-c", HOLDER)
    with pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS) as child:
        child.expect("Password: ")
        with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "held\n", uid
            child.sendline(bobby.password)
            let_in = child.expect([ADMITTED, pexpect.EOF]) == 0
            process.stdin.close()
            process.wait(timeout=60)
    assert not let_in or first_login(bobby).exists()


HOLDER = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
os.kill(os.getpid(), signal.SIGRTMIN)
print("held", flush=True)
sys.stdin.read()
"""
