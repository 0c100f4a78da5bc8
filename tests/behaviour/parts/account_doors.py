"""Doors at which the account phase has the last word, and doors that have no other phase.

sshd, sudo and su run an account line after the password and the code. With a public key, sudo without a password and root's
own su, it runs without any auth line of ours.
"""

import contextlib
import pathlib
import tempfile

import pytest

import application
import doors
import sshd

SUDOERS = pathlib.Path("/etc/sudoers")


class Sudo(doors.Sudo):
    refusal = r"sudo: (1 incorrect password attempt|PAM account management error: |account validation failure)"


class Pamtester(doors.Pamtester):
    """Both phases on one handle, in a program that is not root."""

    def visit(self, account, prompts=()):
        script = f'/usr/bin/pamtester {self.service} "$1" authenticate acct_mgmt && {doors.COMMAND}'
        return doors.Visit(self, account, account.running("/bin/sh", "-c", script, "sh", account.name), prompts)


class Key(doors.Ssh):
    """A public key alone, so sshd runs no auth line. The client has the private key."""

    refusal = r"Connection closed by|Permission denied \("

    def __init__(self, server, identity):
        super().__init__(server, sshd.HOST, methods="publickey", identity=identity)
        self._public_key = pathlib.Path(f"{identity}.pub").read_text()

    def visit(self, account, prompts=()):
        account.write_private_file(f"{account.home}/.ssh/authorized_keys", self._public_key)
        return super().visit(account, prompts)


class SudoWithoutPassword(Sudo):
    """sudoers says NOPASSWD for the account, so that sudo runs no auth line."""

    def visit(self, account, prompts=()):
        line = f"{account.name} ALL=(ALL:ALL) NOPASSWD: ALL\n"
        if line not in SUDOERS.read_text():
            with SUDOERS.open("a") as sudoers:
                sudoers.write(line)
        return super().visit(account, prompts)


class SuOfRoot(doors.Su):
    """Root becomes the account by pam_rootok, which ends the auth lines before ours."""

    refusal = doors.Su.refusal + "|su: (User account has expired|Authentication token expired)"

    def __init__(self):
        super().__init__(caller=None)

    def visit(self, account, prompts=()):
        service = pathlib.Path("/etc/pam.d/su")
        sufficient = "auth sufficient pam_rootok.so\n"
        if sufficient not in service.read_text():
            service.write_text(sufficient + service.read_text())
        return doors.Visit(self, account, ["/usr/bin/su", account.name, "-c", doors.COMMAND], prompts)


class AccountLine:
    """The account line of sshd alone, as a login by public key meets it, run by a PAM application of our own.

    The module, the policy, the groups and the clock are the same as behind `key`; only the login around them is missing.
    """

    refusals = (application.PERM_DENIED, application.AUTH_ERR, application.AUTHINFO_UNAVAIL)

    def __init__(self, program):
        self._program = program

    @contextlib.contextmanager
    def visit(self, account):
        """A process for each attempt, as sshd has one for each connection."""
        with application.Application(self._program) as running:
            running.start(account, "sshd", sshd.HOST)
            yield AccountLineVisit(self, account, running.acct_mgmt())
            running.end()


class AccountLineVisit:
    def __init__(self, door, account, answer):
        assert answer.code == application.SUCCESS or answer.code in door.refusals, answer
        messages = "\n".join(answer.told).replace(account.name, "USER")
        self._outcome = doors.Outcome(door, answer.code == application.SUCCESS, answer.asked, messages, messages)

    def prompt(self):
        """No question is expected here; `in_without_a_code` notices one."""

    def ended(self):
        return self._outcome


def knock(door, account, code="123456"):
    """Types the password and, if one is asked for, that code; returns the outcome."""
    with door.visit(account) as visit:
        while (asked := visit.prompt()) is not None:
            visit.reply(account.password if "assword" in asked else code)
        return visit.ended()


def in_without_a_code(door, account):
    """Whether the account is admitted by the password alone or without any question; nothing more may be asked then."""
    outcome = knock(door, account)
    assert outcome.refused or not any("code" in asked for asked in outcome.prompts), outcome
    return outcome.admitted


@pytest.fixture(scope="session")
def account_doors(every_door):
    """Every door, by its name."""
    identity = pathlib.Path(tempfile.mkdtemp(prefix="key."), "id_ed25519")
    sshd.make_key(identity)
    with sshd.Sshd("AuthenticationMethods publickey") as server:
        yield {
            **every_door, "sudo": Sudo(), "pamtester": Pamtester(), "key": Key(server, identity),
            "sudo NOPASSWD": SudoWithoutPassword(), "su of root": SuOfRoot(),
        }


@pytest.fixture
def key(account_doors, stack, clock):
    """A public key alone, with the account line in place."""
    return account_doors["key"]


@pytest.fixture
def account_line(program, stack, clock, journal):
    """The login of `key` without sshd around it, for questions that are not about sshd. The test file must also import `program` of
    application.py."""
    return AccountLine(program)


@pytest.fixture(params=["sshd", "key"])
def phase(account_doors, stack, clock, request):
    """First a login by password, which runs the auth line; then one by key, which runs only the account line."""
    return account_doors[request.param]


@pytest.fixture(params=["sshd", "sudo", "su", "pamtester"])
def account_door(account_doors, stack, clock, request):
    """Each door in turn that runs both phases: sshd, sudo and su as root, pamtester as the account."""
    return account_doors[request.param]


@pytest.fixture(params=["key", "sudo NOPASSWD", "su of root"])
def side_door(account_doors, stack, clock, request):
    """Each door in turn that runs only the account phase."""
    return account_doors[request.param]
