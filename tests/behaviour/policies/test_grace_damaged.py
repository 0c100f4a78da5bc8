"""A grace whose beginning cannot be trusted, because a clock was set or a file is damaged: nobody gains time by it.

sshd is one of the doors here; its account line, run by a program of our own, stands for the rest, since what it stores is
the same.
"""

import os
import pathlib

import pytest

import accounts
import clock as clocks
from account_doors import account_doors, account_line, in_without_a_code, key  # noqa: F401  (fixtures)
from application import program  # noqa: F401
from deadlines import DAY, told_in_account
from grace import WEEK, a_week_of_grace, ends_at, first_login  # noqa: F401
from policy_file import policy, stack  # noqa: F401
from small_disk import SmallDisk
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")


def test_clock_that_runs_back_restarts_the_grace(account_line, bobby, clock, journal):
    """Otherwise a clock that was a year ahead once would give a year of grace."""
    clock.advance(365 * DAY)
    assert in_without_a_code(account_line, bobby)
    clock.set(clocks.START)
    assert in_without_a_code(account_line, bobby)
    assert told_in_account(journal, bobby)[-1]["until"] == "2027-01-22 08:00:10 UTC"
    assert ends_at(account_line, bobby, clock, clocks.START + WEEK)


def test_clock_that_runs_back_restarts_the_grace_without_an_account_line(every_door, bobby, clock):
    ssh = every_door["sshd"]
    clock.advance(365 * DAY)
    assert in_without_a_code(ssh, bobby)
    clock.set(clocks.START)
    assert in_without_a_code(ssh, bobby)
    assert ends_at(ssh, bobby, clock, clocks.START + WEEK)


def test_refused_login_with_a_clock_that_ran_ahead_changes_nothing(account_line, bobby, clock):
    """A clock that is a year ahead for an hour ends the grace only for that hour."""
    assert in_without_a_code(account_line, bobby)
    clock.advance(365 * DAY)
    assert not in_without_a_code(account_line, bobby)
    assert ends_at(account_line, bobby, clock, clocks.START + WEEK)


def put(path, content):
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o600)


def a_link(path):
    """Damages the file so that it names the current time."""
    elsewhere = pathlib.Path("/run/first-login")
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(elsewhere)


# Further kinds of damage, in both phases, are in pam_otp/src/account/tests/demand.rs. Only root can give a file away.
DAMAGES = {
    "cut": lambda path: put(path, path.read_bytes()[:20]),
    "other number": lambda path: put(path, path.read_bytes().replace(b"1", b"2")),
    "somebody else's": lambda path: os.chown(path, 12345, 12345),
    "link": a_link,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_file_gains_nobody_time_and_is_logged(account_line, bobby, clock, journal, damage):
    assert in_without_a_code(account_line, bobby)
    clock.advance(DAY)
    damage(first_login(bobby))
    for _ in range(2):
        assert not in_without_a_code(account_line, bobby)
        assert journal.names(bobby.name)[-1] == "otp.unavailable"
        clock.advance(WEEK)


def test_damaged_file_admits_nobody_where_a_password_is_asked_for(every_door, bobby, clock, journal):
    assert in_without_a_code(every_door["sshd"], bobby)
    put(first_login(bobby), b"")
    assert not in_without_a_code(every_door["sshd"], bobby)
    assert journal.names(bobby.name)[-1] == "otp.unavailable"


@pytest.fixture
def read_only():
    """Makes the disk with the records read-only for the length of a test."""
    with SmallDisk("tmpfs", Ours.state_directory) as disk:
        disk.make_read_only()
        yield disk


def test_grace_that_cannot_be_recorded_is_not_given(key, bobby, clock, journal, read_only):
    """Such a grace would have no end."""
    assert not in_without_a_code(key, bobby)
    assert journal.names(bobby.name)[-1] == "otp.unavailable"


def test_recorded_grace_goes_on_when_the_disk_is_read_only(account_line, bobby, clock):
    with SmallDisk("tmpfs", Ours.state_directory) as disk:
        assert in_without_a_code(account_line, bobby)
        disk.make_read_only()
        assert ends_at(account_line, bobby, clock, clocks.START + WEEK)


def test_coming_deadline_needs_no_record(account_line, bobby, policy, read_only):
    policy('[enforce]\nfrom = "2027-02-01"')
    assert in_without_a_code(account_line, bobby)


def test_account_that_reuses_a_name_has_a_grace_of_its_own(account_line, bobby, clock):
    assert in_without_a_code(account_line, bobby)
    clock.advance(WEEK)
    assert not in_without_a_code(account_line, bobby)
    accounts.give_another_number(bobby)
    begun = clock.now
    assert in_without_a_code(account_line, bobby)
    assert ends_at(account_line, bobby, clock, begun + WEEK)
