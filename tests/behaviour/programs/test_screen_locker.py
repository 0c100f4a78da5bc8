"""A real screen locker: i3lock from Debian, under Xvfb, unlocked by what xdotool types on that screen.

i3lock is a program that runs PAM as the user and nothing else: without set-user-id and group, as the user's own process.
vlock is not: Debian installs vlock-main setuid root, so the module runs as root in it and needs no helper.

Like most screen lockers, i3lock has one field, and gives its content to every question; hence the `split` stack, with
password and code in one reply.
"""

import os
import pathlib
import re
import stat

import pytest

from locking import FAILURES
from screen import Locker, Screen

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture(autouse=True)
def i3lock_asks_for_both(under_test):
    auth_lines = [under_test.line("split"), "requisite pam_unix.so use_first_pass nodelay", under_test.line()]
    lines = [*(f"auth {line}" for line in auth_lines), "account required pam_unix.so"]
    pathlib.Path("/etc/pam.d/i3lock").write_text("\n".join(lines) + "\n")


@pytest.fixture
def screen(alice):
    with Screen(alice) as running:
        yield running


@pytest.fixture
def locker(screen, alice):
    """Alice's screen, locked."""
    with Locker(screen, alice) as running:
        running.wait_for("Watching window")
        yield running


def refuses(locker, journal, account, reply, event):
    """Types the text; returns whether that causes one more such event, and leaves the screen locked."""
    before = journal.names(account.name)
    locker.type(reply)
    return locker.locked() and journal.names(account.name) == [*before, event]


def test_locker_has_no_privileges(locker, alice):
    """Shows that the tests below need the helper."""
    assert not os.stat("/usr/bin/i3lock").st_mode & (stat.S_ISUID | stat.S_ISGID)
    status = pathlib.Path("/proc", str(locker.pid), "status").read_text()
    assert set(re.search(r"^Uid:(.*)$", status, re.MULTILINE)[1].split()) == {str(os.stat(alice.home).st_uid)}
    assert "CapEff:\t0000000000000000" in status


def test_password_and_code_unlock_the_screen(screen, locker, alice, journal):
    assert locker.unlocks(alice.password + alice.codes.now())
    (event,) = journal.events(alice.name)
    assert (event["event"], event["claimed_service"]) == ("otp.accept", "i3lock")


def test_recovery_code_unlocks_the_screen_once(screen, alice, journal):
    with Locker(screen, alice) as locker:
        locker.wait_for("Watching window")
        assert locker.unlocks(alice.password + alice.recovery_codes[0])
    with Locker(screen, alice) as locker:
        locker.wait_for("Watching window")
        assert refuses(locker, journal, alice, alice.password + alice.recovery_codes[0], "otp.replay")


def test_wrong_and_used_codes_leave_the_screen_locked_and_the_next_code_unlocks_it(
    screen, locker, alice, journal, clock, ssh
):
    assert refuses(locker, journal, alice, alice.password + alice.codes.wrong(), "otp.reject")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    assert refuses(locker, journal, alice, alice.password + alice.codes.now(), "otp.replay")
    clock.advance(30)
    assert locker.unlocks(alice.password + alice.codes.now())


def test_wrong_or_lone_password_leaves_the_screen_locked_and_costs_no_attempt(screen, locker, alice, journal):
    locker.type("not" + alice.password + alice.codes.now())
    assert locker.locked() and journal.names(alice.name) == []
    locker.type(alice.password)
    assert locker.locked() and len(journal.names(alice.name)) == 1, "a log entry about an empty reply"
    assert "otp.lock" not in journal.names(alice.name)
    assert locker.unlocks(alice.password + alice.codes.now())


def test_five_wrong_codes_lock_the_account_and_the_right_one_leaves_the_screen_locked(
    screen, locker, alice, journal, clock, ssh
):
    for _ in range(FAILURES - 1):
        assert refuses(locker, journal, alice, alice.password + alice.codes.wrong(), "otp.reject")
    assert refuses(locker, journal, alice, alice.password + alice.codes.wrong(), "otp.lock")
    assert refuses(locker, journal, alice, alice.password + alice.codes.now(), "otp.locked")
    # The lock is the account's, not the screen's: it holds everywhere, until its end.
    assert ssh.attempt(alice, alice.password, alice.codes.now()).says("locked until")
    clock.advance(15 * 60 + 1)
    assert locker.unlocks(alice.password + alice.codes.now())
