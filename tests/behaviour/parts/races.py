"""Many programs use one account at the same moment, by whichever way they come to its record."""

from application import AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, SUCCESS

LOGINS = 64


def assert_exactly_one(codes):
    assert len(codes) == LOGINS
    assert codes.count(SUCCESS) == 1
    assert set(codes[1:]) <= {AUTH_ERR, AUTHINFO_UNAVAIL}


def assert_one_code_lets_exactly_one_in(application, account, clock, rounds):
    for _ in range(rounds):
        clock.advance(30)
        assert_exactly_one(application.crowd(LOGINS, account, account.codes.now()))


def assert_each_recovery_code_lets_exactly_one_in(application, account):
    for recovery_code in account.recovery_codes:
        assert_exactly_one(application.crowd(LOGINS, account, recovery_code))


def assert_five_wrong_codes_are_looked_at(application, account, under_test, journal, rounds):
    """Afterwards the account is locked."""
    for _ in range(rounds):
        before = len(journal.names(account.name))
        codes = application.crowd(LOGINS, account, account.codes.wrong())
        assert set(codes) <= {AUTH_ERR, MAXTRIES, AUTHINFO_UNAVAIL}
        assert codes.count(AUTH_ERR) == 5
        names = journal.names(account.name)[before:]
        assert len(names) == LOGINS
        assert (names.count("otp.reject"), names.count("otp.lock")) == (4, 1)
        assert set(names) <= {"otp.reject", "otp.lock", "otp.locked", "otp.unavailable"}
        assert application.login(account, account.codes.now()).code == MAXTRIES
        under_test.unlock(account)


def assert_right_code_lets_none_in_until_unlocked(application, account, under_test):
    assert set(application.crowd(LOGINS, account, account.codes.wrong())) <= {AUTH_ERR, MAXTRIES, AUTHINFO_UNAVAIL}
    assert set(application.crowd(LOGINS, account, account.codes.now())) <= {MAXTRIES, AUTHINFO_UNAVAIL}
    under_test.unlock(account)
    assert_exactly_one(application.crowd(LOGINS, account, account.codes.now()))
