"""Logins that nobody finished: an empty reply, or a connection that is gone. They are not counted, and hinder nobody."""

import pytest

from together import together

EVERYONE = pytest.mark.promised_by("ours", "google-authenticator", "oath")
pytestmark = pytest.mark.promised_by("ours")


@EVERYONE
def test_empty_reply_is_refused(door, alice):
    assert door.attempt(alice, alice.password, "").refused


def test_empty_reply_is_not_counted(ssh, alice):
    assert all(outcome.refused for outcome in together([lambda: ssh.attempt(alice, alice.password, "")] * 6))
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_blanks_are_a_reply_and_are_counted(ssh, alice):
    """sshd replaces each character that a refused user types, blanks too, so blanks must count like other characters."""
    assert all(outcome.refused for outcome in together([lambda: ssh.attempt(alice, alice.password, "   ")] * 5))
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused


@EVERYONE
def test_login_works_after_a_connection_was_cut_at_the_code_prompt(door, alice):
    cut_at_the_code_prompt(door, alice)
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_cut_connections_are_not_counted(door, alice):
    for _ in range(6):
        cut_at_the_code_prompt(door, alice)
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def cut_at_the_code_prompt(door, account):
    with door.visit(account) as visit:
        visit.prompt()
        visit.reply(account.password)
        assert visit.prompt() is not None
        visit.cut()


def test_login_waiting_at_its_prompt_keeps_nobody_else_out(door, alice):
    """No lock is held while a person types, and the code counts when it is typed."""
    with door.visit(alice) as slow:
        slow.prompt()
        slow.reply(alice.password)
        slow.prompt()
        code = alice.codes.now()
        assert door.attempt(alice, alice.password, code).admitted
        slow.reply(code)
        assert slow.outcome().says("already used")


def test_very_long_reply_is_refused(ssh, alice):
    assert ssh.attempt(alice, alice.password, "1" * 500).refused
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


@pytest.mark.parametrize("reply", ["\N{FULLWIDTH DIGIT ONE}" * 6, "12345\N{HANGUL SYLLABLE GA}", "12345\x01", "-", "1e5+06"])
def test_strange_reply_is_refused_and_the_next_login_works(ssh, alice, reply):
    assert ssh.attempt(alice, alice.password, reply).refused
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
