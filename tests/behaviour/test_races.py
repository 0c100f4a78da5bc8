"""64 processes, one account, the same moment: what exactly one may do, exactly one does.

Processes of our own instead of ssh clients: so many come through libpam to the module at once, and so often, only
where nothing else takes its time. Some may find the lock taken for too long on a slow machine, and are then refused;
nothing here depends on none being.
"""

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, SUCCESS, application, program, service  # noqa: F401

LOGINS = 64
ROUNDS_WITH_ONE_CODE = 200
ROUNDS_WITH_WRONG_CODES = 10
ROUNDS_WITH_THE_PEER = 50

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


def test_one_code_lets_exactly_one_of_64_in_in_each_of_200_rounds(application, alice, clock):
    for _ in range(ROUNDS_WITH_ONE_CODE):
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
    for _ in range(ROUNDS_WITH_WRONG_CODES):
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


def test_right_code_after_64_wrong_ones_lets_none_of_64_in_until_unlocked(application, alice, under_test):
    assert set(application.crowd(LOGINS, alice, alice.codes.wrong())) <= {AUTH_ERR, MAXTRIES, AUTHINFO_UNAVAIL}
    assert set(application.crowd(LOGINS, alice, alice.codes.now())) <= {MAXTRIES, AUTHINFO_UNAVAIL}
    under_test.unlock(alice)
    assert_exactly_one(application.crowd(LOGINS, alice, alice.codes.now()))


@pytest.mark.promised_by("google-authenticator")
def test_google_authenticator_lets_several_of_64_in_with_one_code(application, alice, clock, record_property, capsys):
    """A fact about the peer, with its protection against reuse on: it reads, and renames a file later."""
    admitted = []
    while len(admitted) < ROUNDS_WITH_THE_PEER and not any(number > 1 for number in admitted):
        clock.advance(30)
        admitted.append(application.crowd(LOGINS, alice, alice.codes.now()).count(SUCCESS))
    record_property("admitted", admitted)
    with capsys.disabled():
        print(f"\ngoogle-authenticator: one code, {LOGINS} logins at once; admitted in each round: {admitted}")
    assert max(admitted) > 1
