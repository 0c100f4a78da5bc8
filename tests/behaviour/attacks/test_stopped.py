"""A user who stops su at the worst moment: while it holds the lock of the account that it logs in to."""

import os
import signal

import pexpect
import pytest

import doors

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def stopped_su(every_door, alice):
    """Another user's `su alice`, stopped just before its attempt is made durable."""
    somebody = every_door["su"].caller
    terminal = pexpect.spawn(
        "/usr/bin/strace",
        ["-f", "-u", somebody.name, "-o", "/dev/null", "-e", "trace=fdatasync",
         "-e", "inject=fdatasync:signal=SIGSTOP:when=1", "/usr/bin/su", alice.name, "-c", doors.COMMAND],
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        encoding="utf-8", timeout=doors.TIMEOUT_SECONDS,
    )
    terminal.delaybeforesend = None
    terminal.expect("Password: ")
    terminal.sendline(alice.password)
    terminal.expect("Verification code: ")
    terminal.sendline(alice.codes.now())
    yield terminal
    terminal.kill(signal.SIGKILL)
    terminal.close()


def test_stopped_su_of_another_user_does_not_keep_the_owner_out(stopped_su, ssh, alice):
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(1)).admitted


def test_stopped_su_is_continued_by_the_kernel(stopped_su, alice):
    """Only root can stop su there, as strace does here: see test_undisturbed."""
    stopped_su.expect(f"admitted:{alice.name}")
