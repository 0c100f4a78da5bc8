"""64 processes, one account, the same moment: where only one may succeed, exactly one does.

Processes of our own replace ssh clients: only where nothing else takes time do so many reach the module through libpam at
once, and so often. On a slow machine some may wait too long for the lock and are then refused; no test depends on that.
"""

import pathlib
from concurrent.futures import ThreadPoolExecutor

import pytest

import traced
from application import SUCCESS, application, program, service  # noqa: F401
from clock import wait_until
from codes import Token
from races import (
    assert_each_recovery_code_lets_exactly_one_in,
    assert_five_wrong_codes_are_looked_at,
    assert_one_code_lets_exactly_one_in,
    assert_right_code_lets_none_in_until_unlocked,
)

ROUNDS_WITH_ONE_CODE = 200
ROUNDS_WITH_A_TOKEN = 20
ROUNDS_WITH_WRONG_CODES = 10
ROUNDS_WITH_THE_PEER = 10
HELD_MICROSECONDS = 5_000_000

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


def test_one_code_admits_exactly_one_of_64_in_each_of_200_rounds(application, alice, clock):
    assert_one_code_lets_exactly_one_in(application, alice, clock, ROUNDS_WITH_ONE_CODE)


def test_one_code_of_a_token_admits_exactly_one_of_64(application, alice, under_test, clock):
    alice.codes = Token(under_test.enrol(alice, "--force", "--hotp"))
    assert_one_code_lets_exactly_one_in(application, alice, clock, ROUNDS_WITH_A_TOKEN)


def test_each_recovery_code_admits_exactly_one_of_64(application, alice):
    assert_each_recovery_code_lets_exactly_one_in(application, alice)


def test_five_of_64_wrong_codes_are_looked_at_and_the_account_locks(application, alice, under_test, journal):
    assert_five_wrong_codes_are_looked_at(application, alice, under_test, journal, ROUNDS_WITH_WRONG_CODES)


def test_right_code_after_64_wrong_ones_admits_none_of_64_until_unlocked(application, alice, under_test):
    assert_right_code_lets_none_in_until_unlocked(application, alice, under_test)


@pytest.mark.promised_by("google-authenticator")
def test_google_authenticator_admits_two_with_one_code(application, program, alice, clock):
    """A fact about the peer, with its protection against reuse on: it reads the file, and renames a new one over it later.

    The first login is held before it renames. If the second takes longer than that, another code is tried.
    """

    def let_in():
        clock.advance(30)
        code = alice.codes.now()
        with ThreadPoolExecutor(max_workers=1) as pool:
            first = pool.submit(traced.login, program, alice, code, inject=f"rename:delay_enter={HELD_MICROSECONDS}")
            written = pathlib.Path(alice.home).glob
            wait_until(lambda: first.done() or list(written(".google_authenticator~*")), "file that is to be renamed")
            return [application.login(alice, code).code, first.result().code]

    assert [SUCCESS, SUCCESS] in (let_in() for _ in range(ROUNDS_WITH_THE_PEER))
