"""Where the peers behave differently: facts about them, so that the difference is measured and not claimed.

A newer version that does better makes one of these tests fail; then the scenario is promised by that peer too.
"""

import pytest

from together import together

GOOGLE = pytest.mark.promised_by("google-authenticator")
OATH = pytest.mark.promised_by("oath")
PEERS = pytest.mark.promised_by("google-authenticator", "oath")


@PEERS
def test_peers_do_not_lock(ssh, alice):
    together([lambda: ssh.attempt(alice, alice.password, alice.codes.wrong())] * 10)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


@PEERS
def test_peers_do_not_say_what_was_wrong(ssh, alice):
    outcome = ssh.attempt(alice, alice.password, alice.codes.wrong())
    assert "wrong" not in outcome.messages and "used" not in outcome.messages


@GOOGLE
def test_google_authenticator_takes_an_older_code_after_a_newer_one(ssh, alice):
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(1)).admitted
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


@GOOGLE
def test_google_authenticator_admits_at_least_one_of_many_with_one_code(ssh, alice, record_property):
    """The module promises one. Its read and its rename are two moments; how many logins fit in between is luck."""
    code = alice.codes.now()
    outcomes = together([lambda: ssh.attempt(alice, alice.password, code)] * 16)
    admitted = sum(outcome.admitted for outcome in outcomes)
    record_property("admitted", admitted)
    assert admitted >= 1


@GOOGLE
def test_google_authenticator_spends_the_code_on_a_wrong_password(ssh, alice, protect, under_test):
    """Its one-reply form looks at the code first. `split` exists so that ours need not do so."""
    protect(*under_test.one_reply())
    assert ssh.attempt(alice, "not" + alice.password + alice.codes.now()).refused
    assert ssh.attempt(alice, alice.password + alice.codes.now()).refused


@OATH
def test_oath_spends_the_code_on_a_wrong_password(ssh, alice, protect, under_test):
    protect(*under_test.one_reply())
    assert ssh.attempt(alice, "not" + alice.password + alice.codes.now()).refused
    assert ssh.attempt(alice, alice.password + alice.codes.now()).refused


@OATH
def test_oath_takes_a_code_again_once_the_clock_has_run_back(ssh, alice, clock):
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    clock.advance(-3600)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
