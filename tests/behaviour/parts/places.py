"""Logins from any place, and a policy that trusts some places.

The application here sets the address as a daemon does that accepts connections, and runs both phases. The real ssh comes
from one or another address of the loopback network.
"""

import json
import os
import pathlib
import stat

import pytest

import doors
import policy_file
import sshd
from application import AUTH_ERR, SERVICE, SUCCESS
from locking import FAILURES

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
ANOTHER_SERVICE = "another"
PASSWORD, CODE = "Password: ", "Verification code: "
SERVICES = (*doors.SERVICES, SERVICE, ANOTHER_SERVICE)


class Logins:
    """Logins of an application whose service asks for the password first, and then has ours and the account lines."""

    def __init__(self, application):
        self._application = application

    def login(self, account, *replies, rhost=HERE, service=SERVICE):
        """Runs one whole login. The account phase must admit everybody whom the auth phase has admitted, and tell nothing."""
        self._application.start(account, service, rhost)
        answer = self._application.authenticate(*replies)
        if answer.code == SUCCESS:
            account_phase = self._application.acct_mgmt()
            assert (account_phase.code, account_phase.asked, account_phase.told) == (SUCCESS, [], []), account_phase
        self._application.end()
        return answer

    def asks(self, account, **where):
        """Whether a code is asked for after the password. No failure is counted, and no code used up."""
        answer = self.login(account, account.password, **where)
        ends = {(SUCCESS, (PASSWORD,)): False, (AUTH_ERR, (PASSWORD, CODE)): True}
        return ends[answer.code, tuple(answer.asked)]

    def proves(self, account, **where):
        """Logs in with the password and the current code, both of which must be asked for."""
        answer = self.login(account, account.password, account.codes.now(), **where)
        assert (answer.code, answer.asked) == (SUCCESS, [PASSWORD, CODE]), answer


def lock(account, application):
    """Locks the account by five wrong codes from elsewhere."""
    for _ in range(FAILURES):
        assert application.login(account, account.password, account.codes.wrong(), rhost=ELSEWHERE).code == AUTH_ERR


class SshFrom(doors.Ssh):
    """The ssh client at another address of this machine."""

    def __init__(self, server, address):
        super().__init__(server, sshd.HOST)
        self._options += ["-o", f"BindAddress={address}"]


class PamtesterFrom(doors.Pamtester):
    """A program that names the user's address: one of root's or, over the helper, one of the account's own."""

    def __init__(self, rhost, root):
        self._rhost = rhost
        self._root = root

    def visit(self, account, prompts=()):
        script = f'/usr/bin/pamtester -I "rhost=$2" {self.service} "$1" authenticate acct_mgmt && {doors.COMMAND}'
        command = ["/bin/sh", "-c", script, "sh", account.name, self._rhost]
        return doors.Visit(self, account, command if self._root else account.running(*command), prompts)

    def becomes(self, account):
        return "root" if self._root else account.name


def code_alone(line):
    """Auth lines that ask only for the code, and that admit everybody if none is asked for.

    pam_unix, which may not ask here, stands for a module that identifies the user: without such a line ours trusts no
    place.
    """
    return ["optional pam_unix.so use_first_pass nodelay", line, "required pam_permit.so"]


def trust_section(networks=(), remember="0"):
    return f'[trust]\nnetworks = {json.dumps(list(networks))}\nremember = "{remember}"\n'


@pytest.fixture
def policy():
    """`policy(TEXT)` is the policy of the machine; after the test there is none."""
    yield policy_file.write
    policy_file.PATH.unlink(missing_ok=True)


@pytest.fixture
def trust(policy):
    """`trust(NETWORK, ...)` sets a policy that trusts these networks."""
    return lambda *networks: policy(trust_section(networks))


@pytest.fixture
def remember(policy):
    """`remember("8h")` sets a policy that remembers a good code for that long."""
    return lambda how_long: policy(trust_section(remember=how_long))


@pytest.fixture
def stack(password_then_code, under_test):
    """`stack(AUTH_LINE, ..., account=LINE)` writes every service, with our account line above pam_permit.

    At first, and without arguments, our auth line comes after the password.
    """

    def write(*auth_lines, account=None):
        auth = auth_lines or ["required pam_unix.so nodelay", under_test.line()]
        lines = [*(f"auth {line}" for line in auth), f"account {account or under_test.line()}",
                 "account required pam_permit.so", "session required pam_permit.so"]
        for service in SERVICES:
            pathlib.Path("/etc/pam.d", service).write_text("\n".join(lines) + "\n")

    write()
    return write


@pytest.fixture
def logins(application, stack, clock):
    """Logins of a program of root's."""
    return Logins(application)


@pytest.fixture
def at_home(alice, logins, remember):
    """Alice, who has just proved herself HERE, and is remembered for eight hours."""
    remember("8h")
    logins.proves(alice)
    return alice


def trust_file(account, under_test):
    """The file of the places at which an account is remembered."""
    return under_test.state_directory / account.name / "trust"


def is_ours_alone(path):
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and (found.st_uid, stat.S_IMODE(found.st_mode), found.st_nlink) == (0, 0o600, 1)
