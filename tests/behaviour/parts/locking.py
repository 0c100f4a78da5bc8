"""Failing on purpose, and checking whether an account is locked."""

import contextlib
import fcntl
import os

from together import together

FAILURES = 5
MINUTE = 60


def fail(door, account, times=FAILURES):
    """Types that many wrong codes at once: refusals are slow on purpose, and failures count for the account, not for a
    login."""
    outcomes = together([lambda: door.attempt(account, account.password, account.codes.wrong())] * times)
    assert all(outcome.refused for outcome in outcomes)


def locked(door, account):
    """Whether the right code is refused, with the reason and the end of the lock."""
    outcome = door.attempt(account, account.password, account.codes.now())
    if outcome.refused:
        assert outcome.says("locked until") and outcome.says("UTC"), outcome
    return outcome.refused


def opens(door, account):
    return door.attempt(account, account.password, account.codes.now()).admitted


@contextlib.contextmanager
def held_up(account, under_test):
    """Holds the lock of the account for the length of the block."""
    directory = os.open(under_test.state_directory / account.name, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(directory)
