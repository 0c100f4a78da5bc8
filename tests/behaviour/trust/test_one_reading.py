"""A login reads the file with the keys once, whatever is remembered of the user's address."""

import pytest

import traced
from application import SUCCESS, application, program, service  # noqa: F401  (fixtures among them)
from places import ELSEWHERE, HERE, code_alone, policy, remember  # noqa: F401  (fixtures among them)

pytestmark = pytest.mark.promised_by("ours")


def readings(login, under_test, account):
    credential = f"{under_test.state_directory}/{account.name}/credential.toml"
    return sum(call.name == "openat" and call.path == credential for call in login.inside)


@pytest.fixture
def log_in(program, alice, service, under_test):  # noqa: F811
    """Makes a traced login from an address; returns how often it read the credential."""
    service(*code_alone(under_test.line()))

    def log_in(*replies, rhost=HERE):
        login = traced.login(program, alice, *replies, rhost=rhost)
        assert login.code == SUCCESS, login.output
        return readings(login, under_test, alice)

    return log_in


def test_login_with_a_code_reads_the_credential_once(log_in, alice):
    assert log_in(alice.codes.now()) == 1


def test_login_at_a_remembered_or_another_place_reads_the_credential_once(log_in, alice, remember, clock):  # noqa: F811
    remember("8h")
    # In turn: nothing is remembered yet; another place is; this place is; this place was, too long ago.
    assert log_in(alice.codes.now()) == 1
    clock.advance(30)
    assert log_in(alice.codes.now(), rhost=ELSEWHERE) == 1
    assert log_in() == 1, "without a code too, the record must be the account's own, and unlocked"
    clock.advance(9 * 3600)
    assert log_in(alice.codes.now()) == 1
