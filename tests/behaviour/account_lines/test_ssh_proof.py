"""What sshd has proven when it reaches the account line: a key alone admits nobody after a failed password.

sshd checks passwords of the method "password" in its monitor, on the same PAM handle with which it later enters the account
phase, whichever method let the user in. Whatever the auth line left behind in a failed attempt is still there then.
"""

import pathlib

import pytest

import doors
import sshd
from account_doors import account_doors  # noqa: F401  (a fixture)
from login_enrolment import ENGLISH, REQUIRE
from policy_file import PASSWORD, policy, protect_with_account, stack  # noqa: F401

pytestmark = pytest.mark.promised_by("ours")

PROBE = pathlib.Path("/run/pam_otp-tests/probe")
SEEN = pathlib.Path("/run/pam_otp-tests/seen")


class Client(doors.Ssh):
    """A client that tries these methods in turn, and has the key that the account accepts."""

    refusal = r"Permission denied \(|Connection closed by"

    def __init__(self, server, identity, methods):
        super().__init__(server, sshd.HOST, methods=methods, identity=identity)
        self._public_key = pathlib.Path(f"{identity}.pub").read_text()

    def visit(self, account, prompts=()):
        account.write_private_file(f"{account.home}/.ssh/authorized_keys", self._public_key)
        return super().visit(account, [f"{account.name}@{sshd.HOST}'s password: ", *prompts])


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id_ed25519"
    sshd.make_key(path)
    return path


@pytest.fixture
def client(every_door, clock, identity):
    """`client(METHODS, LINE, ...)` returns a client, and starts a server that takes passwords by both methods."""
    running = []

    def start(methods, *lines):
        server = sshd.Sshd("PasswordAuthentication yes", *lines)
        running.append(server.__enter__())
        return Client(running[-1], identity, methods)

    yield start
    for server in running:
        server.__exit__(None, None, None)


def wrong_password_then_key(client, account):
    """Types a wrong password, then offers the key, in one connection."""
    return client("password,publickey").attempt(account, "not " + account.password)


# ------------------------------------------------------------------------------------------------------ what sshd says


@pytest.fixture
def probed(stack):  # noqa: F811
    """The methods that SSH_AUTH_INFO_0 holds at each line, without the keys themselves."""
    PROBE.write_text('#!/bin/sh\nprintf "%s: %s\\n" "$PAM_TYPE" "$(printf %s "$SSH_AUTH_INFO_0" | tr "\\n" "|")" >> ' f"{SEEN}\n")
    PROBE.chmod(0o755)
    SEEN.unlink(missing_ok=True)
    probe = f"optional pam_exec.so quiet {PROBE}"
    protect_with_account([probe, PASSWORD], [probe, "required pam_unix.so"])

    def seen():
        lines = SEEN.read_text().splitlines()
        methods = [(line.split(": ")[0], [one.split(" ")[0] for one in line.split(": ", 1)[1].split("|") if one]) for line in lines]
        return methods

    return seen


KBDINT = "keyboard-interactive"


@pytest.mark.parametrize("methods, lines, replies, expected", [
    ("password", [], ["right"], [("auth", []), ("account", [])]),
    (KBDINT, [], ["right"], [("auth", []), ("account", [])]),
    ("publickey", [], [], [("account", [])]),
    (f"publickey,{KBDINT}", [f"AuthenticationMethods publickey,{KBDINT}"], ["right"],
     [("auth", ["publickey"]), ("account", ["publickey"])]),
    (f"{KBDINT},publickey", [f"AuthenticationMethods {KBDINT},publickey"], ["right"], [("auth", []), ("account", [])]),
    ("password,publickey", ["AuthenticationMethods password,publickey"], ["right"],
     [("auth", []), ("account", ["password"])]),
    ("publickey,password", ["AuthenticationMethods publickey,password"], ["right"],
     [("auth", []), ("account", ["publickey"])]),
    ("password,publickey", [], ["wrong"], [("auth", []), ("account", [])]),
    (f"{KBDINT},publickey", [], ["wrong"], [("auth", []), ("account", [])]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_sshd_does_not_tell_the_account_phase_which_method_succeeded_last(
    client, bobby, probed, methods, lines, replies, expected
):
    """SSH_AUTH_INFO_0 holds only earlier methods, so a password looks the same as a key after a wrong password."""
    replies = [bobby.password if reply == "right" else "not " + bobby.password for reply in replies]
    assert client(methods, *lines).attempt(bobby, *replies).admitted
    assert probed() == expected


# ------------------------------------------------------------------------------------------- a key after a wrong password


def test_wrong_password_before_a_key_gains_nothing_by_nullok(client, bobby, stack, under_test, journal):  # noqa: F811
    stack(auth=[PASSWORD, under_test.line("nullok")])
    assert client("publickey").attempt(bobby).refused
    outcome = wrong_password_then_key(client, bobby)
    assert outcome.refused and "no authenticator" in outcome.messages, outcome
    warning = journal.events(bobby.name)[-1]
    assert warning["event"] == "otp.policy" and "nullok" in warning["reason"] and warning["tag"] == "sshd:account"


def test_nullok_on_both_lines_admits_by_password_and_by_key(client, bobby, stack):  # noqa: F811
    stack("nullok")
    assert client("publickey").attempt(bobby).admitted
    assert wrong_password_then_key(client, bobby).admitted
    assert client("password").attempt(bobby, bobby.password).admitted


def test_wrong_password_before_a_key_shows_no_key_to_enrol(client, bobby, stack, policy, under_test):  # noqa: F811
    """The auth line has run, which would let the dialogue begin; sshd's conversation for passwords cannot hold one."""
    policy(REQUIRE)
    outcome = wrong_password_then_key(client, bobby)
    assert outcome.refused and "otpauth" not in outcome.transcript and ENGLISH.begin not in outcome.transcript, outcome
    assert not (under_test.state_directory / bobby.name).exists()


def test_wrong_password_before_a_key_does_not_bypass_the_lock(client, alice, stack, every_door):  # noqa: F811
    for _ in range(5):
        assert every_door["sshd"].attempt(alice, alice.password, alice.codes.wrong()).refused
    assert wrong_password_then_key(client, alice).refused
