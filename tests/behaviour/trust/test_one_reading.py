"""How often a login reads the file with the keys: once, whatever is remembered of where the user came from."""

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
    """A traced login from somewhere, and how often it read the credential."""
    service(*code_alone(under_test.line()))

    def log_in(*replies, rhost=HERE):
        login = traced.login(program, alice, *replies, rhost=rhost)
        assert login.code == SUCCESS, login.output
        return readings(login, under_test, alice)

    return log_in


def test_a_login_with_a_code_reads_the_credential_once(log_in, alice):
    assert log_in(alice.codes.now()) == 1


def test_so_does_one_that_is_remembered_and_one_where_nothing_is_asked(log_in, alice, remember, clock):  # noqa: F811
    remember("8h")
    # Nothing is remembered yet; of another place; and of this one, for too long.
    assert log_in(alice.codes.now()) == 1
    clock.advance(30)
    assert log_in(alice.codes.now(), rhost=ELSEWHERE) == 1
    assert log_in() == 1, "where no code is asked for, the record still has to be the account's own, and open"
    clock.advance(9 * 3600)
    assert log_in(alice.codes.now()) == 1
