"""Many logins of one account at the same moment."""

import pytest

from together import together

LOGINS = 16


@pytest.mark.promised_by("ours", "oath")
def test_one_code_typed_at_many_logins_at_once_admits_exactly_one(ssh, alice):
    code = alice.codes.now()
    outcomes = together([lambda: ssh.attempt(alice, alice.password, code)] * LOGINS)
    assert sum(outcome.admitted for outcome in outcomes) == 1


@pytest.mark.promised_by("ours")
def test_recovery_code_typed_at_many_logins_at_once_admits_exactly_one(ssh, alice):
    outcomes = together([lambda: ssh.attempt(alice, alice.password, alice.recovery_codes[0])] * LOGINS)
    assert sum(outcome.admitted for outcome in outcomes) == 1


@pytest.mark.promised_by("ours")
def test_five_of_many_wrong_codes_at_once_are_looked_at_and_lock_the_account(ssh, alice, journal):
    outcomes = together([lambda: ssh.attempt(alice, alice.password, alice.codes.wrong())] * LOGINS)
    assert all(outcome.refused for outcome in outcomes)
    names = journal.names(alice.name)
    assert sorted(names) == ["otp.lock", *["otp.locked"] * (LOGINS - 5), *["otp.reject"] * 4]


@pytest.mark.promised_by("ours", "google-authenticator")
def test_logins_of_many_accounts_at_once_do_not_disturb_each_other(ssh, enrol):
    """pam_oath is not among the promised: it keeps all users in one file, and now and then refuses one of these logins."""
    everyone = [enrol("carol") for _ in range(8)]
    outcomes = together([lambda who=who: ssh.attempt(who, who.password, who.codes.now()) for who in everyone])
    assert all(outcome.admitted for outcome in outcomes)
