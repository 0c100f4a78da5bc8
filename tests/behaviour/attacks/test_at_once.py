"""Many logins of one account at the same moment."""

import pytest

from together import together

LOGINS = 16


@pytest.mark.promised_by("ours", "oath")
def test_one_code_typed_by_many_at_once_lets_exactly_one_in(ssh, alice):
    code = alice.codes.now()
    outcomes = together([lambda: ssh.attempt(alice, alice.password, code)] * LOGINS)
    assert sum(outcome.admitted for outcome in outcomes) == 1


@pytest.mark.promised_by("ours")
def test_recovery_code_typed_by_many_at_once_lets_exactly_one_in(ssh, alice):
    outcomes = together([lambda: ssh.attempt(alice, alice.password, alice.recovery_codes[0])] * LOGINS)
    assert sum(outcome.admitted for outcome in outcomes) == 1


@pytest.mark.promised_by("ours")
def test_wrong_codes_typed_by_many_at_once_are_looked_at_five_times_and_lock(ssh, alice, journal):
    outcomes = together([lambda: ssh.attempt(alice, alice.password, alice.codes.wrong())] * LOGINS)
    assert all(outcome.refused for outcome in outcomes)
    names = journal.names(alice.name)
    assert sorted(names) == ["otp.lock", *["otp.locked"] * (LOGINS - 5), *["otp.reject"] * 4]


@pytest.mark.promised_by("ours", "google-authenticator")
def test_many_accounts_at_once_do_not_get_in_each_others_way(ssh, enrol):
    """pam_oath, which keeps everybody in one file, refuses one of them now and then."""
    everyone = [enrol("carol") for _ in range(8)]
    outcomes = together([lambda who=who: ssh.attempt(who, who.password, who.codes.now()) for who in everyone])
    assert all(outcome.admitted for outcome in outcomes)
