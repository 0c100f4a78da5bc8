"""A service that is not root and checks other users' codes: PostgreSQL with `pam` in pg_hba.conf, over psql.

PostgreSQL asks once, so password and code come in one reply (`split`). The helper answers it because the policy names it as
a trusted caller; otherwise it could ask only about itself.
"""

import json
import pathlib
import pwd

import pytest

import doors
import sshd
import traced
from helper import Denied, Helper, check
from locking import FAILURES
from policy_file import policy  # noqa: F401  (a fixture)
from postgresql import SERVICE, USER, Server
from together import together

pytestmark = pytest.mark.promised_by("ours")

POLICY = pathlib.Path("/etc/security/pam_otp.conf")


@pytest.fixture(scope="module")
def database(machine_clock, journal):
    with Server() as running:
        yield running


@pytest.fixture(autouse=True)
def postgresql_asks_for_both(under_test):
    auth_lines = [under_test.line("split"), "requisite pam_unix.so use_first_pass nodelay", under_test.line()]
    lines = [*(f"auth {line}" for line in auth_lines), "account required pam_unix.so"]
    pathlib.Path("/etc/pam.d", SERVICE).write_text("\n".join(lines) + "\n")


@pytest.fixture
def trusting():
    """`trusting(NAME, ...)` names the trusted callers; without names there are none."""

    def write(*names):
        # JSON and TOML write a list of strings the same way.
        POLICY.write_text(f"[helper]\ntrusted_callers = {json.dumps(names)}\n")

    yield write
    POLICY.unlink(missing_ok=True)


@pytest.fixture
def trusted(trusting):
    trusting("no-such-service", USER)


@pytest.fixture
def alice(alice, database):
    """Alice, who also has a role in the database."""
    database.may_log_in(alice)
    return alice


def both(account, code):
    return account.password + code


def test_server_is_not_root_and_not_in_the_helpers_group(database):
    lines = pathlib.Path("/proc", str(database.pid), "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    assert set(status["Uid"].split()) == {str(pwd.getpwnam(USER).pw_uid)}
    assert int(status["CapEff"], 16) == 0


def test_password_and_code_in_one_reply_admit(database, alice, trusted, journal):
    assert database.log_in(alice, both(alice, alice.codes.now()))
    (event,) = journal.events(alice.name)
    assert (event["event"], event["claimed_service"]) == ("otp.accept", SERVICE)


def test_code_used_here_is_used_up_at_every_other_door(database, alice, trusted, ssh):
    code = alice.codes.now()
    assert database.log_in(alice, both(alice, code))
    assert not database.log_in(alice, both(alice, code))
    assert ssh.attempt(alice, alice.password, code).says("already used")


def test_recovery_code_admits_once(database, alice, trusted):
    assert database.log_in(alice, both(alice, alice.recovery_codes[0]))
    assert not database.log_in(alice, both(alice, alice.recovery_codes[0]))


def test_wrong_code_wrong_password_and_no_code_are_refused(database, alice, trusted, journal):
    assert not database.log_in(alice, both(alice, alice.codes.wrong()))
    assert journal.names(alice.name) == ["otp.reject"]
    assert not database.log_in(alice, "not" + both(alice, alice.codes.now()))
    assert not database.log_in(alice, alice.password)
    assert not database.log_in(alice, alice.codes.now())
    assert "otp.lock" not in journal.names(alice.name)
    assert database.log_in(alice, both(alice, alice.codes.now()))


def test_five_wrong_codes_lock_the_account_at_every_door(database, alice, trusted, journal, ssh, clock):
    wrong = both(alice, alice.codes.wrong())
    assert not any(together([lambda: database.log_in(alice, wrong)] * FAILURES))
    assert sorted(journal.names(alice.name)) == ["otp.lock", *["otp.reject"] * (FAILURES - 1)]
    assert not database.log_in(alice, both(alice, alice.codes.now()))
    assert journal.names(alice.name)[-1] == "otp.locked"
    assert ssh.attempt(alice, alice.password, alice.codes.now()).says("locked until")
    clock.advance(15 * 60 + 1)
    assert database.log_in(alice, both(alice, alice.codes.now()))


def test_one_code_admits_one_of_many_connections(database, alice, trusted):
    reply = both(alice, alice.codes.now())
    assert together([lambda: database.log_in(alice, reply)] * 16).count(True) == 1


@pytest.mark.parametrize("network, get_in", [(f"{sshd.HOST}/32", 16), ("198.51.100.0/24", 1)])
def test_one_code_admits_all_connections_from_a_trusted_network(database, alice, policy, journal, network, get_in):  # noqa: F811
    policy(f'[helper]\ntrusted_callers = ["{USER}"]\n[trust]\nnetworks = ["{network}"]\n')
    reply = both(alice, alice.codes.now())
    assert together([lambda: database.log_in(alice, reply)] * 16).count(True) == get_in
    assert journal.names(alice.name).count("otp.trusted") == get_in - get_in % 16
    assert not database.log_in(alice, "not" + reply)


def test_unenrolled_user_is_refused(database, bobby, trusted, journal):
    database.may_log_in(bobby)
    assert not database.log_in(bobby, bobby.password + "123456")
    assert journal.names(bobby.name) == ["otp.notenrolled"]


@pytest.mark.parametrize("names", [[], ["www-data"], ["no-such-service"]])
def test_untrusted_service_is_refused_and_logged(database, alice, trusting, journal, under_test, names):
    trusting(*names)
    before, denied = traced.Kept(alice, under_test.state_directory), Denied(journal)
    assert not database.log_in(alice, both(alice, alice.codes.now()))
    (line,) = denied.lines()
    assert line["caller_uid"] == str(pwd.getpwnam(USER).pw_uid)
    assert (line["verb"], line["user"]) == ("check", alice.name)
    assert journal.names(alice.name) == ["otp.unavailable"]
    assert traced.Kept(alice, under_test.state_directory) == before


def test_without_a_policy_nobody_is_trusted(database, alice, journal):
    denied = Denied(journal)
    assert not database.log_in(alice, both(alice, alice.codes.now()))
    assert len(denied.lines()) == 1


def test_trusted_service_gives_its_users_no_trust(database, alice, trusted, enrol, journal, under_test):
    """Alice may log in to the service; she does not become it."""
    carol, denied = enrol("carol"), Denied(journal)
    assert database.log_in(alice, both(alice, alice.codes.now()))
    with Helper(under_test.helper, alice) as helper:
        assert helper.ask(check(carol, carol.codes.now())) == ["denied"]
    assert len(denied.lines()) == 1


def test_nothing_that_was_typed_is_in_the_servers_log(database, alice, trusted):
    database.log_in(alice, both(alice, alice.codes.wrong()))
    database.log_in(alice, both(alice, alice.codes.now()))
    logged = database.log.read_text()
    assert [reply for reply in doors.TYPED if reply in logged or reply[-6:] in logged] == []
