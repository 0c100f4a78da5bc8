"""A public key and then a code: with `AuthenticationMethods publickey,keyboard-interactive` PAM asks only for the code."""

import pathlib

import pytest

import sshd
from doors import Ssh

pytestmark = pytest.mark.promised_by("ours", "google-authenticator", "oath")


@pytest.fixture(scope="module")
def key_server(machine_clock, journal):
    with sshd.Sshd("AuthenticationMethods publickey,keyboard-interactive") as running:
        yield running


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    sshd.make_key(path)
    return path


@pytest.fixture
def with_key(key_server, every_door, key, alice, protect, under_test):
    """The door for somebody who holds alice's private key."""
    protect(under_test.line())
    public_key = pathlib.Path(f"{key}.pub").read_text()
    alice.write_private_file(f"{alice.home}/.ssh/authorized_keys", public_key)
    return Ssh(key_server, sshd.HOST, methods="publickey,keyboard-interactive", identity=key)


@pytest.fixture
def without_key(key_server, every_door):
    return Ssh(key_server, sshd.HOST, methods="publickey,keyboard-interactive")


def test_key_and_code_admit(with_key, alice, under_test):
    outcome = with_key.attempt(alice, alice.codes.now())
    assert outcome.admitted
    assert outcome.prompts == [under_test.code_prompt]


def test_key_and_wrong_code_are_refused(with_key, alice):
    assert with_key.attempt(alice, alice.codes.wrong()).refused


def test_key_and_used_code_are_refused(with_key, alice):
    assert with_key.attempt(alice, alice.codes.now()).admitted
    assert with_key.attempt(alice, alice.codes.now()).refused


def test_key_alone_is_refused(with_key, alice):
    assert with_key.attempt(alice, "").refused


def test_code_is_not_even_asked_for_without_the_key(with_key, without_key, alice):
    assert without_key.attempt(alice).refused


@pytest.mark.promised_by("ours")
def test_key_and_recovery_code_admit_once(with_key, alice):
    assert with_key.attempt(alice, alice.recovery_codes[0]).admitted
    assert with_key.attempt(alice, alice.recovery_codes[0]).refused
