"""Users start the helper in any way they can: with limits, signals and descriptors of their choice, or a full pipe.

They get no free guess, do no harm to the state, keep nobody else out, and themselves for no longer than the lock may be
held.
"""

import os
import resource
import signal
import subprocess

import pytest

import traced
from application import SUCCESS, Application, program, service  # noqa: F401
from clock import wait_until
from helper import VERDICTS, check, fields_of
from locking import MINUTE
from starts import STARTS

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


def lets_in(program, account):
    """Logs in over the helper, as the account itself."""
    with Application(program, account) as application:
        return application.login(account, account.codes.now()).code == SUCCESS


@pytest.mark.parametrize("how", STARTS)
def test_no_way_to_start_the_helper_gains_a_guess_harms_the_state_or_keeps_others_out(
    alice, carol, start, under_test, program, clock, how
):
    """Wrong and right codes in turn, twice, so that both halves of the state are written.

    A wrong code is counted, or the caller learns nothing about it: the answer is then the same as that to a right code.
    """
    unjudged = {}
    for kind, code in [("wrong", alice.codes.wrong), ("right", alice.codes.now)] * 2:
        before = traced.Kept(alice, under_test.state_directory)
        came_back = outcome(start, alice, code(), **STARTS[how])
        after = traced.Kept(alice, under_test.state_directory)
        left = after.since(before)
        if left != {"wrong": "failure", "right": "used"}[kind]:
            assert left in ("nothing", "failure") and not set(came_back[0]) & VERDICTS, came_back
            unjudged.setdefault(kind, set()).add(came_back)
        clock.advance(MINUTE)
        assert lets_in(program, carol)
        assert lets_in(program, alice)
        assert traced.files_of(alice, under_test.state_directory) == ["credential.toml", "state"]
        clock.advance(MINUTE)
    if len(unjudged) == 2:
        assert unjudged["wrong"] == unjudged["right"]


def outcome(start, account, code, **how):
    """Returns the words of the answer and how the helper ended, or None if it could not even be started."""
    try:
        with start(account, **how) as helper:
            helper.send(check(account, code))
            words = fields_of(helper.answer())
            return tuple(words), helper.end()
    except (OSError, subprocess.SubprocessError):
        return (), None


def test_limits_affect_only_their_own_caller(alice, carol, start, under_test):
    """One helper runs under the worst limits, another at the same moment without any."""
    with start(alice, limits={resource.RLIMIT_FSIZE: 0}) as hindered, start(carol) as free:
        hindered.send(check(alice, alice.codes.wrong()))
        free.send(check(carol, carol.codes.now()))
        assert fields_of(free.answer())[0] == "accepted"


def test_answer_that_nobody_reads_keeps_nobody_out(alice, carol, start, under_test, program):
    """The pipe is full and the caller does not read: the attempt is counted, and the next one need not wait."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    try:
        with start(alice, stdout=writing) as helper:
            helper.send(check(alice, alice.codes.wrong()))
            wait_until(lambda: traced.Kept(alice, under_test.state_directory).failures == 1, "attempt that is counted")
            assert lets_in(program, alice)
            assert lets_in(program, carol)
            assert helper.process.poll() is None
            # The helper does not wait for ever.
            assert helper.process.wait(timeout=60) == -signal.SIGKILL
    finally:
        os.close(reading)
        os.close(writing)


def test_helper_that_gets_no_request_ends_by_itself(alice, start, program):
    with start(alice) as helper:
        assert lets_in(program, alice)
        assert helper.process.wait(timeout=60) == -signal.SIGKILL
