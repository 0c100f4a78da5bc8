"""A lock ends by time, or an administrator lifts it; each lock in a row lasts twice as long as the one before."""

import re

import pytest

from locking import FAILURES, MINUTE, fail, locked, opens

pytestmark = pytest.mark.promised_by("ours")


def test_administrator_can_unlock(door, alice, under_test):
    fail(door, alice)
    assert locked(door, alice)
    under_test.unlock(alice)
    assert opens(door, alice)


def test_count_starts_again_after_unlock(ssh, alice, under_test):
    fail(ssh, alice)
    under_test.unlock(alice)
    fail(ssh, alice, FAILURES - 1)
    assert opens(ssh, alice)


def test_lock_ends_after_fifteen_minutes_and_not_before(ssh, alice, clock):
    fail(ssh, alice)
    clock.advance(15 * MINUTE - 1)
    assert locked(ssh, alice)
    clock.advance(2)
    assert opens(ssh, alice)


def test_lock_is_over_at_the_time_named_in_the_message(ssh, alice, clock):
    """A user who comes back at that time must be admitted, so the time is rounded up."""
    fail(ssh, alice)
    told = ssh.attempt(alice, alice.password, alice.codes.now()).messages
    hours, minutes, seconds = re.search(r"locked until (\d\d):(\d\d)(?::(\d\d))? UTC", told).groups("00")
    midnight = clock.now - clock.now % 86400
    clock.set(midnight + int(hours) * 3600 + int(minutes) * MINUTE + int(seconds))
    assert opens(ssh, alice)


def test_attempts_during_the_lock_do_not_prolong_it(ssh, alice, clock):
    fail(ssh, alice)
    clock.advance(14 * MINUTE)
    fail(ssh, alice)
    clock.advance(MINUTE + 1)
    assert opens(ssh, alice)


def test_second_lock_in_a_row_lasts_thirty_minutes(ssh, alice, clock):
    fail(ssh, alice)
    clock.advance(15 * MINUTE + 1)
    fail(ssh, alice)
    clock.advance(30 * MINUTE - 1)
    assert locked(ssh, alice)
    clock.advance(2)
    assert opens(ssh, alice)


def test_lock_after_a_successful_login_lasts_fifteen_minutes_again(ssh, alice, clock):
    fail(ssh, alice)
    clock.advance(15 * MINUTE + 1)
    assert opens(ssh, alice)
    fail(ssh, alice)
    clock.advance(15 * MINUTE + 1)
    assert opens(ssh, alice)


def test_clock_that_runs_back_does_not_shorten_the_lock(ssh, alice, clock):
    fail(ssh, alice)
    clock.advance(-24 * 3600)
    assert locked(ssh, alice)
