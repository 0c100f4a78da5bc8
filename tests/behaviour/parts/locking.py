"""Failing on purpose, and looking whether an account is locked."""

import contextlib
import fcntl
import os

from together import together

FAILURES = 5
MINUTE = 60


def fail(door, account, times=FAILURES):
    """So many wrong codes, at once: refusals are slow on purpose, and the count is the account's, not a login's."""
    outcomes = together([lambda: door.attempt(account, account.password, account.codes.wrong())] * times)
    assert all(outcome.refused for outcome in outcomes)


def locked(door, account):
    """The right code is refused, with a word on why and until when."""
    outcome = door.attempt(account, account.password, account.codes.now())
    if outcome.refused:
        assert outcome.says("locked until") and outcome.says("UTC"), outcome
    return outcome.refused


def opens(door, account):
    return door.attempt(account, account.password, account.codes.now()).admitted


@contextlib.contextmanager
def held_up(account, under_test):
    """For the length of the block, the lock of the account is taken."""
    directory = os.open(under_test.state_directory / account.name, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(directory)
