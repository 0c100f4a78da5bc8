"""64 programs of an ordinary user, one account, the same moment: over the helper, too, exactly one of them gets in."""

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, SUCCESS, Application, program, service  # noqa: F401
from together import together

LOGINS = 64
ROUNDS = 50

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


@pytest.fixture
def application(program, alice):
    """Alice's own, without any privileges."""
    with Application(program, alice) as running:
        yield running


def test_one_code_lets_exactly_one_of_64_in_in_each_of_50_rounds(application, alice, clock):
    for _ in range(ROUNDS):
        clock.advance(30)
        assert_exactly_one(application.crowd(LOGINS, alice, alice.codes.now()))


def test_each_recovery_code_lets_exactly_one_of_64_in(application, alice):
    for recovery_code in alice.recovery_codes:
        assert_exactly_one(application.crowd(LOGINS, alice, recovery_code))


def assert_exactly_one(codes):
    assert len(codes) == LOGINS
    assert codes.count(SUCCESS) == 1
    assert set(codes[1:]) <= {AUTH_ERR, AUTHINFO_UNAVAIL}


def test_of_64_wrong_codes_five_are_looked_at_and_the_account_locks(application, alice, under_test, journal):
    for _ in range(ROUNDS):
        before = len(journal.names(alice.name))
        codes = application.crowd(LOGINS, alice, alice.codes.wrong())
        assert set(codes) <= {AUTH_ERR, MAXTRIES, AUTHINFO_UNAVAIL}
        assert codes.count(AUTH_ERR) == 5
        names = journal.names(alice.name)[before:]
        assert len(names) == LOGINS
        assert (names.count("otp.reject"), names.count("otp.lock")) == (4, 1)
        assert set(names) <= {"otp.reject", "otp.lock", "otp.locked", "otp.unavailable"}
        assert application.login(alice, alice.codes.now()).code == MAXTRIES
        under_test.unlock(alice)


def test_one_code_lets_one_in_when_root_and_the_user_try_it_at_the_same_moment(program, application, alice, clock):
    """Half of them over the helper, half of them directly: it is one lock and one record."""
    for _ in range(ROUNDS):
        clock.advance(30)
        code = alice.codes.now()
        with Application(program) as direct:
            both = together([lambda: application.crowd(16, alice, code), lambda: direct.crowd(16, alice, code)])
        assert sum(codes.count(SUCCESS) for codes in both) == 1


def test_right_code_after_64_wrong_ones_lets_none_of_64_in_until_unlocked(application, alice, under_test):
    assert set(application.crowd(LOGINS, alice, alice.codes.wrong())) <= {AUTH_ERR, MAXTRIES, AUTHINFO_UNAVAIL}
    assert set(application.crowd(LOGINS, alice, alice.codes.now())) <= {MAXTRIES, AUTHINFO_UNAVAIL}
    under_test.unlock(alice)
    assert_exactly_one(application.crowd(LOGINS, alice, alice.codes.now()))
