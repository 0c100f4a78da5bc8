"""A line of ours among the password lines, where it does not belong: passwords can still be changed, and the log names the
line."""

import pathlib

import pexpect
import pytest

import doors
from accounts import random_password

pytestmark = pytest.mark.promised_by("ours")

PASSWD = pathlib.Path("/etc/pam.d/passwd")
UNIX = "required pam_unix.so"


@pytest.fixture
def password_lines():
    before = PASSWD.read_text()
    yield lambda *lines: PASSWD.write_text("".join(f"password {line}\n" for line in lines))
    PASSWD.write_text(before)


def change(account):
    """Runs passwd at a terminal as the account; returns whether passwd reports that the password has changed."""
    command = account.running("/usr/bin/passwd")
    new = random_password()
    doors.TYPED.append(new)
    with pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=doors.TIMEOUT_SECONDS) as child:
        while child.expect([r"(?i)(current|new|retype)[^:]*password: ", pexpect.EOF]) == 0:
            child.sendline(account.password if child.match[1].lower() == "current" else new)
        child.wait()
        child.close()
        if child.exitstatus == 0:
            account.password = new
        return child.exitstatus == 0


def told(journal, account):
    return [event for event in journal.events(account.name) if event["tag"] == "passwd:chauthtok"]


@pytest.mark.parametrize("control", ["required", "requisite", "sufficient", "[success=ok default=die]"])
@pytest.mark.parametrize("below", [False, True], ids=["above", "below"])
def test_passwd_works_despite_our_line_and_the_log_names_it(clock, alice, ssh, journal, under_test, password_lines, control, below):
    ours = under_test.line(control=control)
    password_lines(*([UNIX, ours] if below else [ours, UNIX]))
    before = alice.password
    changed = change(alice)
    # A failure that the administrator's control makes fatal stays fatal.
    assert changed == ("die" not in control)
    (event,) = told(journal, alice)
    assert event["event"] == "otp.policy" and "password line" in event["reason"] and "take it out" in event["reason"]
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted and (changed or alice.password == before)


def test_password_line_without_another_module_changes_nothing(clock, alice, ssh, journal, under_test, password_lines):
    password_lines(under_test.line())
    assert not change(alice)
    assert len(told(journal, alice)) == 1
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_password_changes_without_our_line(clock, alice, ssh, journal, password_lines):
    """Without this, the refusals above would prove nothing."""
    password_lines(UNIX)
    before = alice.password
    assert change(alice) and alice.password != before
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    assert told(journal, alice) == []


def test_session_line_does_nothing(clock, alice, ssh, under_test):
    service = pathlib.Path("/etc/pam.d/sshd")
    service.write_text(service.read_text() + f"session {under_test.line()}\n")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
