"""Users without an authenticator set one up in the login itself: key, code, recovery codes, and the login succeeds."""

import json
import os
import re
import stat
import subprocess

import pytest

from login_enrolment import (  # noqa: F401  (fixtures among them)
    AHEAD, ENGLISH, KOREAN, OFFER, PASSWORD, REQUIRE, Enrolment, both_lines, enrol, kept_on_disk, lines, talking_door,
)
from self_service import policy, status  # noqa: F401  (a fixture)
from under_test import BINARIES, Ours

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("both_lines")]


@pytest.fixture(params=[REQUIRE, OFFER], ids=["require", "offer"])
def at_login(policy, request):  # noqa: F811
    policy(request.param)


@pytest.fixture
def required(policy):  # noqa: F811
    policy(REQUIRE)


@pytest.fixture
def anna(ssh, bobby, clock, required):
    """A user who has just set up her authenticator in a login; the code that proved it belongs to the step before."""
    login = enrol(ssh, bobby, clock)
    clock.advance(30)
    bobby.login = login
    return bobby


# --------------------------------------------------------------------------------------------------------- the dialogue


def test_new_user_sets_up_an_authenticator_and_is_admitted(talking_door, bobby, clock, at_login):
    login = enrol(talking_door, bobby, clock)
    assert login.prompts == [PASSWORD, ENGLISH.begin, ENGLISH.new_code, ENGLISH.are_kept]
    assert len(set(login.recovery_codes)) == 10


@pytest.mark.parametrize("text", [OFFER + AHEAD, REQUIRE + AHEAD], ids=["offer", "require"])
def test_enter_also_begins_the_dialogue_before_the_deadline(ssh, bobby, clock, policy, text):  # noqa: F811
    policy(text)
    enrol(ssh, bobby, clock)
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, bobby.codes.now()).admitted


def test_dialogue_says_its_purpose_before_anything_is_shown(talking_door, bobby, clock, policy):  # noqa: F811
    policy('issuer = "Example & Co"\n', REQUIRE)
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.begin) as login:
        assert "second factor" in login.told and "Example & Co" in login.told and bobby.name in login.told
        assert "otpauth" not in login.screen


def test_key_in_groups_uri_and_settings_belong_to_one_authenticator(talking_door, bobby, clock, policy):  # noqa: F811
    policy('issuer = "Example & Co"\n', REQUIRE)
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.new_code) as login:
        assert f"/Example%20%26%20Co:{bobby.name}?secret={login.secret}&" in login.uri
        groups = re.search(r"(?m)^Key to type \(leave out spaces\): ((\w{4} ){7}\w{4})\r$", login.told)[1]
        assert groups.replace(" ", "") == login.secret
        assert re.search(r"(?m)^Key to copy: (\w+)\r$", login.told)[1] == login.secret
        assert "time-based, 6 digits, 30 s, SHA-1" in login.told


def test_manuals_log_search_names_the_enrolled_users_and_shows_no_key(ssh, bobby, clock, policy, tmp_path):  # noqa: F811
    """On a log that contains what was shown to users, as Cockpit's does."""
    policy(REQUIRE)
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
        kept = "".join(f"Jan 15 08:00:10 web1 cockpit-session[7]: {line}\n" for line in login.told.splitlines())
        secret = login.secret
    (tmp_path / "syslog").write_text(kept)
    assert secret in kept
    manual = (BINARIES / "pam_otp.8").read_text().replace("\\-", "-")
    _, section = manual.split(".SH SECRETS IN THE JOURNAL\n")
    journal_line, file_line = section.split(".nf\n")[1].split("\n.fi")[0].split("\n")
    of_journal = journal_line.partition(" | ")[2]
    for command in (file_line.replace("/var/log", str(tmp_path)), f"cat {tmp_path}/syslog | {of_journal}"):
        found = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout
        assert re.fullmatch(rf"otpauth://totp/\S+:{bobby.name}\n", found), found


def test_policys_settings_for_codes_are_asked_for(ssh, bobby, clock, policy):  # noqa: F811
    policy(REQUIRE, '[code]\ndigits = 8\nperiod = 60\n[recovery]\ncodes = 3\n')
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.begin) as login:
        login._visit._prompts = re.compile("8-digit code that the device shows now: ")
        login.type("")
        assert login.uri.endswith("&digits=8&period=60")


COLON = 'issuer = "Dept: Ops"\n'


def test_issuer_with_a_colon_from_an_earlier_version_is_left_out_and_refuses_nobody(
    talking_door, bobby, clock, policy, journal  # noqa: F811
):
    policy(COLON, REQUIRE)
    login = enrol(talking_door, bobby, clock)
    assert f"/Dept%20Ops:{bobby.name}?" in login.uri and login.uri.endswith("&issuer=Dept%20Ops")
    warned = [event for event in journal.events(bobby.name) if event["event"] == "otp.policy"]
    assert len(warned) == 1 and warned[0]["reason"].startswith("issuer: must not have a colon")
    clock.advance(30)
    assert talking_door.attempt(bobby, bobby.password, bobby.codes.now()).admitted


def test_enrolled_users_log_in_under_an_issuer_with_a_colon(door, alice, policy):  # noqa: F811
    policy(COLON, REQUIRE)
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted


def test_code_is_all_that_is_asked_where_policy_issues_no_recovery_codes(ssh, bobby, clock, policy):  # noqa: F811
    policy(REQUIRE, "[recovery]\ncodes = 0\n")
    login = enrol(ssh, bobby, clock)
    assert login.prompts == [PASSWORD, ENGLISH.begin, ENGLISH.new_code] and "ecovery" not in login.screen


def test_recovery_codes_name_their_account_host_and_date(talking_door, bobby, clock, required):
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.are_kept) as login:
        host = os.uname().nodename.split(".")[0]
        assert f"{bobby.name} at {host}, 2027-01-15 08:00 UTC" in login.told


def test_code_of_the_new_authenticator_is_shown_as_it_is_typed(ssh, bobby, clock, required):
    """The code opens nothing, and users can see their typing mistakes."""
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
        code = login.device.now()
        login.type(code)
        assert code in login.told and bobby.password not in login.screen


def test_user_is_told_that_the_authenticator_is_enrolled(talking_door, bobby, clock, required):
    outcome = enrol(talking_door, bobby, clock).result
    assert 'authenticator "phone" is enrolled, with 10 recovery codes' in outcome.messages


@pytest.mark.parametrize("how", ["policy", "line"])
def test_policy_or_line_choose_korean(talking_door, bobby, clock, policy, lines, how):  # noqa: F811
    policy('language = "ko"\n' if how == "policy" else "", REQUIRE)
    lines(arguments="lang=ko" if how == "line" else "")
    login = enrol(talking_door, bobby, clock, KOREAN)
    assert login.prompts == [PASSWORD, KOREAN.begin, KOREAN.new_code, KOREAN.are_kept]
    assert "발급했습니다" in login.result.messages and not re.search("[Pp]ress|ecovery", login.screen)


# ------------------------------------------------------------------------------------------------------------ afterwards


def test_next_login_takes_password_and_code_at_every_door(door, anna):
    outcome = door.attempt(anna, anna.password, anna.codes.now())
    assert outcome.admitted and outcome.prompts[1:] == [ENGLISH.code]


def test_wrong_code_is_refused_afterwards(ssh, anna):
    assert ssh.attempt(anna, anna.password, anna.codes.wrong()).refused


def test_recovery_codes_from_the_screen_admit_once_each(ssh, anna):
    outcome = ssh.attempt(anna, anna.password, anna.recovery_codes[9])
    assert outcome.admitted and outcome.says("9 left")
    assert ssh.attempt(anna, anna.password, anna.recovery_codes[9]).refused
    assert ssh.attempt(anna, anna.password, anna.recovery_codes[0]).admitted


def test_code_that_proved_the_device_opens_no_login(talking_door, bobby, clock, required):
    enrol(talking_door, bobby, clock)
    outcome = talking_door.attempt(bobby, bobby.password, bobby.codes.now())
    assert outcome.refused and outcome.says("already used")


def test_record_is_owned_by_root_with_the_documented_modes(anna):
    def about(path):
        found = path.stat()
        return oct(stat.S_IMODE(found.st_mode)), found.st_uid, found.st_gid

    directory = Ours.state_directory / anna.name
    group = Ours.state_directory.stat().st_gid
    assert about(directory) == ("0o2770", 0, group)
    assert {path.name: about(path) for path in directory.iterdir()} == {
        "credential.toml": ("0o640", 0, group), "state": ("0o660", 0, group)}


def test_record_equals_one_made_by_an_administrator(anna, alice):
    """Same directory, same files, same owner and modes as any other enrolment gives."""
    def kind(account):
        return {path.removeprefix(account.name): about[:3] for path, about in kept_on_disk().items()
                if path.split("/")[0] == account.name}

    assert kind(anna) == kind(alice)


def test_user_sets_up_another_authenticator_at_the_next_login_after_a_reset(talking_door, anna, clock, under_test):
    before = anna.codes
    under_test.reset(anna)
    enrol(talking_door, anna, clock)
    clock.advance(30)
    assert talking_door.attempt(anna, anna.password, before.now()).refused
    assert talking_door.attempt(anna, anna.password, anna.codes.now()).admitted


def test_user_and_administrator_see_the_new_authenticator(anna, clock, under_test):
    begun = clock.now - 30
    assert status(anna)["authenticators"] == [{"name": "phone", "created": begun, "last_used": begun}]
    assert status(anna)["recovery_codes_left"] == 10
    assert "phone, enrolled 2027-01-15 08:00 UTC" in under_test.admin("show", anna.name)
    assert anna.name in [row["user"] for row in json.loads(under_test.admin("list", "--json"))]


def test_log_says_who_enrolled_what_and_where(talking_door, bobby, clock, required, journal):
    enrol(talking_door, bobby, clock)
    deferred, changing, change = journal.events(bobby.name)
    assert (deferred["event"], deferred["result"]) == ("otp.notenrolled", "deferred")
    assert deferred["tag"] == f"{talking_door.service}:auth"
    assert (changing["event"], changing["verb"]) == ("otp.changing", "enrol")
    assert (change["event"], change["verb"], change["authenticator"]) == ("otp.change", "enrol", "phone")
    assert change["tag"] == f"{talking_door.service}:account" and change["service"] == talking_door.service


def test_debug_logs_no_secret(ssh, bobby, clock, required, lines, journal):  # noqa: F811
    """After every scenario the log is searched for what was shown and typed; here the module logs as much as it can."""
    lines(arguments="debug")
    enrol(ssh, bobby, clock)
    assert "otp.change" in journal.names(bobby.name)
