"""`grace`: from the first login without a second factor on, the password is enough for that long."""

import pathlib
import stat

import pytest

import application as application_part
import clock as clocks
import self_service
from account_doors import account_door, account_doors, in_without_a_code, key, knock, phase  # noqa: F401
from application import application, program  # noqa: F401  (fixtures)
from deadlines import DAY, told_in_account, utc
from grace import GRACE, WEEK, a_week_of_grace, ends_at, first_login  # noqa: F401
from policy_file import PASSWORD, policy, stack  # noqa: F401  (fixtures)
from together import together
from under_test import Ours

pytestmark = pytest.mark.promised_by("ours")

AS_ROOT = ["sshd", "sudo", "su"]


# ------------------------------------------------------------------------------------------------------- the beginning


@pytest.mark.parametrize("name", AS_ROOT)
def test_grace_lasts_a_week_to_the_second_from_the_first_login(account_doors, stack, bobby, clock, name):
    clock.advance(100 * DAY)
    begun = clock.now
    assert in_without_a_code(account_doors[name], bobby)
    assert ends_at(account_doors[name], bobby, clock, begun + WEEK)


def test_program_that_is_not_root_begins_no_grace_but_is_bound_by_it(account_doors, stack, bobby, clock):
    """Such a program cannot record the grace, and the helper takes nobody's word for a login. So a login by root's program
    begins it."""
    assert in_without_a_code(account_doors["pamtester"], bobby)
    assert not first_login(bobby).exists()
    clock.advance(2 * WEEK)
    begun = clock.now
    assert in_without_a_code(account_doors["sshd"], bobby)
    assert ends_at(account_doors["pamtester"], bobby, clock, begun + WEEK)


def test_grace_begins_with_a_key_where_only_an_account_line_runs(account_doors, stack, bobby, clock):
    begun = clock.now
    assert in_without_a_code(account_doors["key"], bobby)
    assert ends_at(account_doors["key"], bobby, clock, begun + WEEK)


@pytest.mark.parametrize("name", ["sudo NOPASSWD", "su of root"])
def test_local_login_with_only_an_account_line_begins_no_grace_but_is_bound_by_it(
    account_doors, stack, bobby, clock, name
):
    """Nobody was asked anything, so the login may be a job."""
    assert in_without_a_code(account_doors[name], bobby)
    assert not first_login(bobby).exists()
    clock.advance(2 * WEEK)
    begun = clock.now
    assert in_without_a_code(account_doors["sshd"], bobby)
    assert ends_at(account_doors[name], bobby, clock, begun + WEEK)


def as_a_job(application, account, calls, service="cron", rhost=None):
    """Makes the calls of cron (3.0), atd (3.2), runuser and the user's systemd (257), which ask nobody and want silence."""
    application.start(account, service, rhost)
    application.silence()
    answers = [getattr(application, call)() for call in calls]
    application.end()
    assert all((answer.asked, answer.told) == ([], []) for answer in answers)
    return [answer.code for answer in answers]


JOBS = {
    "cron": ["acct_mgmt", "setcred"], "atd": ["acct_mgmt", "setcred"], "systemd-user": ["acct_mgmt", "setcred"],
    "runuser": ["setcred"],
}


@pytest.fixture
def job_lines(under_test):
    """The services that run jobs, with the account line that common-account would bring in."""
    files = [pathlib.Path("/etc/pam.d", service) for service in JOBS]
    for file in files:
        file.write_text(f"auth {under_test.line()}\naccount {under_test.line()}\naccount required pam_permit.so\n")
    yield
    for file in files:
        file.unlink(missing_ok=True)


@pytest.mark.parametrize("service", list(JOBS))
def test_job_runs_and_begins_no_grace(application, account_doors, stack, job_lines, bobby, clock, service):
    for _ in range(2):
        assert set(as_a_job(application, bobby, JOBS[service], service)) == {application_part.SUCCESS}
        assert not first_login(bobby).parent.exists()
        clock.advance(2 * WEEK)
    begun = clock.now
    assert in_without_a_code(account_doors["sshd"], bobby)
    assert ends_at(account_doors["sshd"], bobby, clock, begun + WEEK)


def test_job_is_refused_after_the_grace_if_its_service_has_an_account_line(
    application, account_doors, stack, job_lines, bobby, clock
):
    """The account line refuses it. runuser runs no account line."""
    assert in_without_a_code(account_doors["sshd"], bobby)
    clock.advance(WEEK)
    for service, calls in JOBS.items():
        first, *_ = as_a_job(application, bobby, calls, service)
        assert (first == application_part.SUCCESS) == (service == "runuser"), service


def test_credentials_for_a_login_from_elsewhere_begin_the_grace(application, account_doors, stack, job_lines, bobby, clock):
    """sshd sets credentials in a process that knows nothing of the questions; but it names the address."""
    assert as_a_job(application, bobby, ["setcred"], "cron", rhost="192.0.2.1") == [application_part.SUCCESS]
    assert first_login(bobby).exists()


@pytest.mark.parametrize("name", ["sshd", "su"])
def test_grace_begins_without_an_account_line(every_door, bobby, clock, name):
    """pam_setcred is called once all modules have succeeded."""
    begun = clock.now
    assert in_without_a_code(every_door[name], bobby)
    assert ends_at(every_door[name], bobby, clock, begun + WEEK)


def test_sudo_does_not_begin_the_grace_of_root(every_door, bobby, clock):
    """By the time it calls pam_setcred, sudo has changed the user to root."""
    assert in_without_a_code(every_door["sudo"], bobby)
    assert not (Ours.state_directory / "root").exists()


def test_grace_is_the_same_at_all_doors(account_doors, stack, bobby, clock):
    assert in_without_a_code(account_doors["su"], bobby)
    clock.advance(WEEK)
    for name, door in account_doors.items():
        assert not in_without_a_code(door, bobby), name


def test_later_logins_do_not_postpone_the_end(key, bobby, clock):
    begun = clock.now
    for _ in range(7):
        assert in_without_a_code(key, bobby)
        clock.advance(DAY - 1)
    assert ends_at(key, bobby, clock, begun + WEEK)


@pytest.mark.parametrize("name", AS_ROOT)
def test_wrong_password_does_not_begin_the_grace(account_doors, stack, bobby, clock, name):
    door = account_doors[name]
    assert door.attempt(bobby, "not" + bobby.password).refused
    assert not first_login(bobby).exists()
    clock.advance(WEEK)
    assert in_without_a_code(door, bobby)
    assert ends_at(door, bobby, clock, clocks.START + 2 * WEEK)


@pytest.mark.parametrize("name", AS_ROOT)
def test_wrong_password_does_not_begin_the_grace_without_an_account_line(every_door, bobby, name):
    assert every_door[name].attempt(bobby, "not" + bobby.password).refused
    assert not first_login(bobby).exists()


def test_login_that_another_module_refuses_does_not_begin_the_grace(account_doors, stack, under_test, bobby, clock):
    """By then ours has succeeded; a later auth line refuses."""
    stack(auth=[PASSWORD, under_test.line(), "required pam_deny.so"])
    assert account_doors["sshd"].attempt(bobby, bobby.password).refused
    assert not first_login(bobby).exists()


def test_questions_do_not_begin_the_grace(account_doors, stack, bobby, clock):
    """The connection is cut before the password is typed."""
    with account_doors["sshd"].visit(bobby) as visit:
        visit.prompt()
    assert not first_login(bobby).exists()


@pytest.mark.parametrize("excuse", ["enrolled", "exempt", "not demanded", "nullok"])
def test_user_who_needs_no_grace_does_not_use_it_up(account_doors, stack, alice, bobby, policy, clock, excuse):
    """The whole grace is left when the user needs it, for example after an exemption has ended."""
    stack("nullok" if excuse == "nullok" else "")
    who = alice if excuse == "enrolled" else bobby
    policy({
        "exempt": f'{GRACE}exempt_users = ["{who.name}"]', "not demanded": f"{GRACE}groups = []",
    }.get(excuse, GRACE))
    assert knock(account_doors["sshd"], who, who.codes and who.codes.now()).admitted
    assert not first_login(who).exists()


def test_two_first_logins_at_once_begin_one_grace(account_doors, stack, bobby, clock):
    """Logins in two phases at three doors, so that several write the file at the same moment."""
    crowd = [account_doors[name] for name in ("sshd", "su", "key", "sshd", "su", "key")]
    outcomes = together([lambda door=door: knock(door, bobby) for door in crowd])
    assert all(outcome.admitted for outcome in outcomes)
    assert len(list(first_login(bobby).parent.iterdir())) <= 2  # besides the file, there is at most a lock
    assert ends_at(account_doors["key"], bobby, clock, clocks.START + WEEK)


# ------------------------------------------------------------------------------------------------- messages and records


@pytest.mark.parametrize("name", AS_ROOT)
def test_grace_is_told_and_logged_with_its_end(account_doors, stack, bobby, clock, journal, name):
    account_door = account_doors[name]
    assert in_without_a_code(account_door, bobby)
    clock.advance(2 * DAY)
    outcome = account_door.attempt(bobby, bobby.password)
    assert outcome.says("2027-01-22") and outcome.says("5 days left"), outcome
    first, second = told_in_account(journal, bobby)
    assert (first["until"], first["days_left"]) == ("2027-01-22 08:00:10 UTC", "7")
    assert (second["until"], second["days_left"]) == ("2027-01-22 08:00:10 UTC", "5")


@pytest.mark.parametrize("name", AS_ROOT)
def test_file_of_the_first_login_is_small_and_owned_by_root(account_doors, stack, clock, bobby, name):
    assert in_without_a_code(account_doors[name], bobby)
    file = first_login(bobby).lstat()
    assert stat.S_ISREG(file.st_mode) and stat.S_IMODE(file.st_mode) & 0o027 == 0
    assert (file.st_uid, file.st_nlink) == (0, 1) and file.st_size < 512
    directory = first_login(bobby).parent.stat()
    assert directory.st_uid == 0 and stat.S_IMODE(directory.st_mode) & 0o007 == 0


# ------------------------------------------------------------------------------------------ grace and other settings


def test_reset_gives_a_new_grace(key, bobby, clock, under_test):
    assert in_without_a_code(key, bobby)
    clock.advance(WEEK)
    assert not in_without_a_code(key, bobby)
    under_test.reset(bobby)
    begun = clock.now
    assert in_without_a_code(key, bobby)
    assert ends_at(key, bobby, clock, begun + WEEK)


def test_reset_of_an_enrolled_user_gives_a_grace(account_doors, stack, alice, clock, under_test):
    clock.advance(WEEK)
    under_test.reset(alice)
    begun = clock.now
    assert in_without_a_code(account_doors["sshd"], alice)
    assert ends_at(account_doors["sshd"], alice, clock, begun + WEEK)


@pytest.mark.parametrize("day, begins, ends", [
    ("2027-02-01", "2027-01-15 08:00:10", "2027-02-01 00:00:00"),
    ("2027-02-01", "2027-01-30 08:00:10", "2027-02-06 08:00:10"),
    ("2027-01-22T08:00:11Z", "2027-01-15 08:00:10", "2027-01-22 08:00:11"),
    ("2027-01-01", "2027-01-15 08:00:10", "2027-01-22 08:00:10"),
])
def test_later_of_deadline_and_grace_counts(key, bobby, clock, policy, journal, day, begins, ends):
    policy(f'{GRACE}from = "{day}"')
    clock.set(seconds(begins))
    assert in_without_a_code(key, bobby)
    assert told_in_account(journal, bobby)[0]["until"] == f"{ends} UTC"
    assert ends_at(key, bobby, clock, seconds(ends))


def seconds(text):
    date, time = text.split()
    return utc(*map(int, date.split("-")), *map(int, time.split(":")))


def test_grace_shortened_by_policy_ends_sooner(key, bobby, clock, policy):
    assert in_without_a_code(key, bobby)
    policy('[enforce]\ngrace = "1d"')
    assert ends_at(key, bobby, clock, clocks.START + DAY)


def test_default_is_no_grace(phase, bobby, policy):
    policy("")
    assert not in_without_a_code(phase, bobby)


def test_user_who_enrols_during_the_grace_is_asked_for_the_code_from_then_on(account_door, bobby, clock, journal):
    assert in_without_a_code(account_door, bobby)
    device, _ = self_service.enrol(bobby, clock)
    clock.advance(30)
    assert account_door.attempt(bobby, bobby.password, "123456").refused
    outcome = account_door.attempt(bobby, bobby.password, device.now())
    assert outcome.admitted and "left" not in outcome.messages


def test_user_who_enrolled_during_the_grace_cannot_go_back(account_doors, stack, bobby, clock):
    assert in_without_a_code(account_doors["key"], bobby)
    self_service.enrol(bobby, clock)
    self_service.refused_at_once(bobby, "remove", because="authenticator")
