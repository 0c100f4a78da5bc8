"""How often a login of a program that is not root starts the helper: once if a code admits, whatever is asked before and
after.

otp-helper/src/records/tests.rs covers logins whose helper has ended meanwhile.
"""

import pathlib
import tempfile

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, SERVICE, SUCCESS, Application, program  # noqa: F401
from helper import message
from locking import FAILURES
from policy_file import policy  # noqa: F401  (a fixture)

pytestmark = pytest.mark.promised_by("ours")

PERM_DENIED = 6
# With this policy the module first asks whether the user has an authenticator.
NOBODY_MUST = "[enforce]\ngroups = []\n"


@pytest.fixture
def starts(under_test):
    """`starts(SCRIPT...)`: these scripts replace the first helpers, and real ones follow; `starts.count()` counts them all."""

    class Starts:
        def __call__(self, *scripts):
            directory = pathlib.Path(tempfile.mkdtemp(prefix="starts."))
            directory.chmod(0o777)
            self._log = directory / "log"
            for number, script in enumerate(scripts, 1):
                path = directory / str(number)
                path.write_text(f"#!/bin/sh\n{script}\n")
                path.chmod(0o755)
            counter = directory / "counter"
            counter.write_text(
                f"#!/bin/sh\necho >> {self._log}\nnext={directory}/$(wc -l < {self._log})\n"
                f'[ -x "$next" ] && exec "$next"\nexec {under_test.helper}\n'
            )
            counter.chmod(0o755)
            line = under_test.line(f"helper={counter}")
            pathlib.Path("/etc/pam.d", SERVICE).write_text(f"auth {line}\nauth required pam_permit.so\naccount {line}\n")

        def count(self):
            return len(self._log.read_text().splitlines()) if self._log.exists() else 0

    found = Starts()
    found()
    return found


@pytest.fixture
def whole_login(program):
    """`whole_login(ACCOUNT, REPLY...)` makes all PAM calls of a program on one handle; returns the codes."""

    def log_in(account, *replies, meanwhile=lambda: None):
        with Application(program, account) as application:
            application.start(account)
            codes = [application.authenticate(*replies).code]
            meanwhile()
            if codes == [SUCCESS]:
                codes += [application.acct_mgmt().code, application.setcred().code]
            application.end()
        return codes

    return log_in


@pytest.mark.parametrize("rules", ["", NOBODY_MUST])
@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_login_with_a_code_starts_one_helper(whole_login, starts, alice, policy, rules, kind):
    policy(rules)
    assert whole_login(alice, alice.codes.now() if kind == "code" else alice.recovery_codes[0]) == [SUCCESS] * 3
    assert starts.count() == 1


@pytest.mark.parametrize("rules", ["", NOBODY_MUST])
def test_login_with_a_wrong_code_starts_one_helper(whole_login, starts, alice, policy, rules):
    policy(rules)
    assert whole_login(alice, alice.codes.wrong()) == [AUTH_ERR]
    assert starts.count() == 1


def test_login_without_a_code_starts_one_helper_in_each_phase(whole_login, starts, bobby, policy):
    """A user admitted without a code may have enrolled meanwhile, so the account line asks again: one helper for both
    questions."""
    policy(NOBODY_MUST)
    assert whole_login(bobby) == [SUCCESS] * 3
    assert starts.count() == 2


def test_old_code_says_nothing_about_the_account_now(whole_login, starts, alice, clock, program):
    """The account has been locked since, by logins on another handle."""

    def lock():
        clock.advance(61)
        with Application(program) as application:
            assert set(application.crowd(FAILURES, alice, alice.codes.wrong(), "root-" + SERVICE)) <= {AUTH_ERR}

    pathlib.Path("/etc/pam.d", "root-" + SERVICE).write_text(pathlib.Path("/etc/pam.d", SERVICE).read_text())
    assert whole_login(alice, alice.codes.now(), meanwhile=lock) == [SUCCESS, PERM_DENIED, SUCCESS]
    assert starts.count() == 2


def test_attempt_without_an_answer_is_not_repeated(whole_login, starts, alice, policy, tmp_path):
    """The attempt may have been counted, or the code used up."""
    policy(NOBODY_MUST)
    starts(says(tmp_path, message("enrolled")) + "\ndd bs=8192 count=1 status=none of=/dev/null")
    assert whole_login(alice, alice.codes.now()) == [AUTHINFO_UNAVAIL]
    assert starts.count() == 1
    assert whole_login(alice, alice.codes.now())[0] == SUCCESS, "the code is still good"


def says(directory, answer):
    """A script that takes one question, and answers it."""
    directory.parent.chmod(0o755)
    directory.chmod(0o755)
    path = directory / "answer"
    path.write_bytes(answer)
    return f"dd bs=8192 count=1 status=none of=/dev/null; cat {path}"
