"""Users who manage their own authenticators without root: they enrol, look, try a code, replace, remove, and renew recovery
codes."""

import base64
import grp
import os
import pathlib
import pwd
import re
import stat
import subprocess

import pytest

import accounts
import clock as clocks
from locking import FAILURES, fail, locked, opens
from self_service import (  # noqa: F401  (fixtures among them)
    CHANGES, CODE, DIALOGUES, KEPT, NEW_CODE, NOBODY_MUST, PASSWORD, SAVE, SEVERAL, WAYS_TO_LEAVE, Root, Talk, complete,
    enrol, helper_of, killed_at, log_of_helper, names, other, policy, record, refused_at_once, run, service, status,
    wait_until_nothing_runs,
)
from together import together
from traced import Kept

pytestmark = pytest.mark.promised_by("ours")

# NEW_CODE, SAVE and KEPT in Korean.
KOREAN = ("인증 앱에 표시된 6자리 인증 코드: ", "저장 안 함: Enter): ", '"보관"을 입력해 주세요: ')


# -------------------------------------------------------------------------------------------------------------- enrolling


def test_user_enrols_without_root_and_is_then_admitted_at_every_door(bobby, clock, door):
    device, recovery_codes = enrol(bobby, clock)
    assert len(recovery_codes) == 10
    clock.advance(30)
    assert door.attempt(bobby, bobby.password, device.now()).admitted
    assert door.attempt(bobby, bobby.password, recovery_codes[0]).admitted


def test_code_that_proved_the_device_opens_no_login(bobby, clock, ssh):
    device, _ = enrol(bobby, clock)
    assert ssh.attempt(bobby, bobby.password, device.now()).refused


def test_first_enrolment_asks_for_no_password(bobby, clock, journal):
    talk = Talk(bobby)
    talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0 and PASSWORD not in talk.screen and CODE not in talk.screen
    before, line = log_of_helper(journal, bobby)
    assert (before["event"], line["event"]) == ("otp.changing", "otp.change")
    assert (line["verb"], line["authenticator"]) == ("enrol", "phone")
    assert line["caller_uid"] == str(pwd.getpwnam(bobby.name).pw_uid)


@pytest.mark.parametrize("name", ["my phone", "회사 전화"])
def test_user_chooses_the_name_of_the_authenticator(bobby, clock, name):
    enrol(bobby, clock, "--name", name)
    assert names(bobby) == [name]


@pytest.mark.parametrize("who", ["alice", "bobby"])
def test_record_belongs_to_the_helpers_group_and_is_out_of_the_users_reach(who, clock, request, under_test):
    """Records that the helper made, or that root made and the helper changed."""
    account = request.getfixturevalue(who)
    complete(account, clock, "replace" if who == "alice" else "enrol")
    directory = under_test.state_directory / account.name
    group = grp.getgrnam("pam_otp").gr_gid
    everything = [directory, *directory.iterdir()]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in everything}
    assert modes == {account.name: 0o2770, "credential.toml": 0o640, "state": 0o660}
    assert {path.stat().st_gid for path in everything} == {group}
    for attempt in (
        ["ls", directory], ["cat", directory / "credential.toml"], ["chmod", "777", directory],
        ["rm", directory / "state"], ["touch", directory / "new"], ["mv", directory, account.home],
    ):
        done = subprocess.run(account.running(*map(str, attempt)), capture_output=True, text=True)
        assert done.returncode != 0 and "Permission denied" in done.stderr, attempt


def test_roots_tools_work_on_a_record_that_its_owner_made(bobby, clock, ssh, under_test):
    bobby.codes, _ = enrol(bobby, clock)
    assert "phone" in under_test.admin("show", bobby.name)
    assert bobby.name in under_test.admin("list")
    clock.advance(30)
    fail(ssh, bobby)
    assert locked(ssh, bobby)
    under_test.unlock(bobby)
    assert opens(ssh, bobby)
    under_test.reset(bobby)
    assert record(bobby) == {} and status(bobby)["enrolled"] is False
    enrol(bobby, clock)


def test_root_and_owner_replace_what_the_other_made(bobby, clock, ssh):
    bobby.codes, _ = enrol(bobby, clock)
    talk = Talk(Root(), "--user", bobby.name)
    by_root = talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0, talk.screen
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, bobby.codes.now()).refused
    bobby.codes = by_root
    complete(bobby, clock, "replace")
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, by_root.now()).refused


# ---------------------------------------------------------------------------------------------------------------- looking


def test_status_shows_authenticator_times_recovery_codes_and_failures(alice, clock, ssh):
    clock.advance(60)
    assert opens(ssh, alice)
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    fail(ssh, alice, 2)
    text = run(alice, "status").stdout
    assert "phone, enrolled 2027-01-15 08:00 UTC, last used 2027-01-15 08:01 UTC" in text
    assert "9 of 10 left" in text and "2 in a row; 3 more would lock" in text
    assert status(alice) == {
        "user": alice.name, "enrolled": True,
        "authenticators": [{"name": "phone", "created": clocks.START, "last_used": clocks.START + 60}],
        "recovery_codes_left": 9, "failures": 2, "locked": False, "locked_until": None, "disabled": False,
    }


def test_status_says_that_a_user_has_no_authenticator(bobby):
    done = run(bobby, "status")
    assert done.returncode == 0 and done.stdout == f"{bobby.name} has no authenticator\n"
    assert list(status(bobby)) == [
        "user", "enrolled", "authenticators", "recovery_codes_left", "failures", "locked", "locked_until", "disabled"]


def test_status_says_until_when_an_account_is_locked(alice, clock, ssh):
    fail(ssh, alice)
    found = status(alice)
    assert (found["locked"], found["locked_until"], found["failures"]) == (True, clock.now + 15 * 60, 5)
    assert "locked until 2027-01-15 08:16 UTC" in run(alice, "status").stdout


def test_looking_changes_nothing(alice):
    before = record(alice)
    assert run(alice, "status").returncode == 0
    assert record(alice) == before


@pytest.mark.parametrize("command", [
    ("status",), ("status", "--json"), ("test",), (), ("add", "x"), ("remove",), ("recovery-codes",),
], ids=" ".join)
@pytest.mark.parametrize("whose", ["alice", "root", "nosuch", "../alice"])
def test_users_can_do_and_learn_nothing_about_another_user(alice, bobby, journal, command, whose):
    whose = whose.replace("alice", alice.name)
    before = record(alice)
    done = run(bobby, *command, "--user", whose)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (f"otp-enroll: only root may do this for {whose}\n"
                           "hint: leave out '--user' for your own account, or ask your administrator\n")
    assert record(alice) == before


@pytest.mark.parametrize("option", ["--conf", "--state-dir"])
@pytest.mark.parametrize("command", [("status",), ("test",), (), ("remove",)], ids=" ".join)
def test_users_cannot_choose_another_policy_or_directory(alice, command, option):
    done = run(alice, *command, option, alice.home)
    assert done.returncode == 1 and done.stdout == ""
    assert "only root may choose" in done.stderr and "hint: leave out" in done.stderr


def test_users_may_give_their_own_name(alice, clock):
    assert run(alice, "status", "--user", alice.name).stdout == run(alice, "status").stdout
    talk = Talk(alice, "--user", alice.name)
    talk.play(DIALOGUES["replace"][1], clock)
    assert talk.end() == 0


# ----------------------------------------------------------------------------------------------------------------- trying


def attempt(account, reply):
    """Tries a code with `otp-enroll test`; returns the exit status and what was said."""
    talk = Talk(account, "test")
    talk.until(CODE)
    talk.answer(reply)
    return talk.end(), talk.said


def test_tried_code_is_right_once(alice):
    ended, said = attempt(alice, alice.codes.now())
    assert ended == 0 and 'A login would have succeeded: the code of "phone" is right.' in said
    ended, said = attempt(alice, alice.codes.now())
    assert ended == 1 and "A login would have been refused." in said and "already used" in said


def test_tried_wrong_codes_count_and_lock(alice, ssh):
    for left in (4, 3, 2):
        ended, said = attempt(alice, alice.codes.wrong())
        assert ended == 1 and f"{left} more wrong codes lock the account" in said
    assert "One more wrong code locks the account." in attempt(alice, alice.codes.wrong())[1]
    ended, said = attempt(alice, alice.codes.wrong())
    assert ended == 1 and "locked until" in said
    assert locked(ssh, alice)


def test_tried_recovery_code_is_used_up(alice, ssh):
    ended, said = attempt(alice, alice.recovery_codes[0])
    assert ended == 0 and "with a recovery code, which is now used" in said
    assert attempt(alice, alice.recovery_codes[0])[0] == 1
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).refused
    assert status(alice)["recovery_codes_left"] == 9


def test_lock_is_opened_by_a_tried_recovery_code_and_not_by_a_tried_code(alice, clock, ssh):
    fail(ssh, alice)
    ended, said = attempt(alice, alice.codes.now())
    assert ended == 1 and "locked until" in said
    assert attempt(alice, alice.recovery_codes[0])[0] == 0
    complete(alice, clock, "recovery-codes")


def test_test_without_an_authenticator_is_refused(bobby):
    refused_at_once(bobby, "test", because="has no authenticator")


# ------------------------------------------------------------------------------------------------------ proof of identity


def test_replacing_takes_password_and_code_and_only_the_newest_works(alice, clock, ssh):
    talk = Talk(alice)
    talk.prove_who(alice.codes.now())
    device = talk.new_device(clock)
    recovery_codes = talk.keep_codes()
    assert talk.end() == 0, talk.screen
    clock.advance(30)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).refused
    assert ssh.attempt(alice, alice.password, device.now()).admitted
    assert ssh.attempt(alice, alice.password, recovery_codes[0]).admitted


@pytest.mark.parametrize("dialogue", CHANGES)
def test_every_change_takes_password_and_code_and_is_logged(alice, clock, policy, journal, dialogue):
    policy(SEVERAL, NOBODY_MUST)
    complete(alice, clock, dialogue)
    before, line = log_of_helper(journal, alice)
    assert (before["event"], line["event"]) == ("otp.changing", "otp.change")
    assert before["verb"] == line["verb"] == dialogue
    name = {"replace": "phone", "add": "tablet", "remove": "phone"}.get(dialogue)
    assert line.get("authenticator") == name
    (event,) = journal.events(alice.name)
    assert (event["event"], event["tag"], event["claimed_service"]) == ("otp.accept", "otp-helper", "otp-enroll")
    assert before["id"] == line["id"] != event["id"]


@pytest.mark.parametrize("dialogue", CHANGES)
def test_recovery_code_is_accepted_instead_of_a_code(alice, clock, policy, dialogue):
    policy(SEVERAL, NOBODY_MUST)
    words, questions = DIALOGUES[dialogue]
    talk = Talk(alice, *words)
    talk.prove_who(alice.recovery_codes[0])
    talk.play(questions[2:], clock)
    assert talk.end() == 0, talk.screen


UNPROVEN = {
    "wrong password": lambda account: ("not-the-password", None),
    "wrong code": lambda account: (account.password, account.codes.wrong()),
    "used code": lambda account: (account.password, account.codes.now()),
    "used recovery code": lambda account: (account.password, account.recovery_codes[0]),
    "no code": lambda account: (account.password, ""),
}


@pytest.mark.parametrize("how", UNPROVEN)
def test_nothing_changes_without_proof_of_identity(alice, ssh, policy, journal, under_test, how):
    """Tries each change once, all at the same time, since refusals are slow."""
    policy(SEVERAL, NOBODY_MUST)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    before = record(alice)["credential.toml"]
    password, code = UNPROVEN[how](alice)

    def refused(words):
        talk = Talk(alice, *words)
        talk.until(PASSWORD)
        talk.answer(password)
        if code is not None:
            talk.until(CODE)
            talk.answer(code)
        return talk.end(), talk.said

    for ended, said in together([lambda words=words: refused(words) for words in CHANGES.values()]):
        assert ended == 1, said
        assert "you were not recognised as the owner of the account; nothing was changed" in said and "hint: start again" in said
        assert "otpauth" not in said and not re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-", said)
    assert record(alice)["credential.toml"] == before
    assert Kept(alice, under_test.state_directory).failures == (len(CHANGES) if how == "wrong code" else 0)
    lines = log_of_helper(journal, alice)
    assert [(line["event"], line["reason"]) for line in lines] == [("otp.denied", "did not prove who they are")] * len(CHANGES)


@pytest.mark.parametrize("dialogue", CHANGES)
def test_refused_change_is_logged_under_the_verb_of_a_successful_one(alice, service, policy, journal, dialogue):
    policy(SEVERAL, NOBODY_MUST)
    service("auth required pam_deny.so", "account required pam_permit.so")
    assert Talk(alice, *CHANGES[dialogue]).end() == 1
    (line,) = log_of_helper(journal, alice)
    assert (line["event"], line["verb"]) == ("otp.denied", dialogue)


def test_wrong_codes_at_a_change_count_with_those_at_logins(alice, ssh, journal):
    def at_a_change():
        talk = Talk(alice, "recovery-codes")
        talk.prove_who(alice.codes.wrong())
        return talk.end() == 1

    def at_a_login():
        return ssh.attempt(alice, alice.password, alice.codes.wrong()).refused

    assert all(together([at_a_change, at_a_login, at_a_change, at_a_login]))
    assert not status(alice)["locked"]
    assert at_a_change()
    assert status(alice)["locked"] and locked(ssh, alice)
    assert {event["tag"] for event in journal.events(alice.name)} == {"otp-helper", "sshd:auth"}


def test_lock_is_reported_where_the_last_wrong_code_was_typed(alice, ssh):
    fail(ssh, alice, FAILURES - 1)
    talk = Talk(alice, "recovery-codes")
    talk.prove_who(alice.codes.wrong())
    assert talk.end() == 1 and "locked until" in talk.said


def test_proof_of_identity_resets_the_failure_count(alice, clock, ssh):
    """A right code at a change counts as success like any other."""
    fail(ssh, alice, FAILURES - 1)
    complete(alice, clock, "recovery-codes")
    assert status(alice)["failures"] == 0


def test_code_that_proved_identity_opens_no_login(alice, clock, ssh):
    complete(alice, clock, "recovery-codes")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused


@pytest.mark.parametrize("dialogue", CHANGES)
def test_locked_account_cannot_be_changed_and_nothing_is_asked(alice, clock, ssh, policy, under_test, dialogue):
    policy(SEVERAL, NOBODY_MUST)
    fail(ssh, alice)
    before = record(alice)
    talk = refused_at_once(alice, *CHANGES[dialogue], because="is locked")
    assert "otp-enroll status" in talk.said and "otp-admin" not in talk.said
    assert record(alice) == before
    under_test.unlock(alice)
    complete(alice, clock, dialogue)


def test_disabled_account_cannot_be_changed_and_nothing_is_asked(alice, ssh, policy):
    policy("[lockout]\nfailures = 2\ndisable_after = 2\n", SEVERAL, NOBODY_MUST)
    fail(ssh, alice, 2)
    assert status(alice)["disabled"]
    before = record(alice)
    for words in CHANGES.values():
        refused_at_once(alice, *words, because=alice.name)
    assert record(alice) == before


def test_user_of_a_disabled_account_is_told_so_and_who_can_help(alice, ssh, policy):
    """A recovery code does not enable the account, so the message does not suggest one."""
    policy("[lockout]\nfailures = 2\ndisable_after = 2\n")
    fail(ssh, alice, 2)
    said = refused_at_once(alice, because="administrator").said
    assert "disabled" in said and "recovery code" not in said


def test_locked_user_is_told_of_recovery_codes_only_where_one_opens_the_lock(alice, ssh, policy):
    policy("[recovery]\nopens_lock = false\n")
    fail(ssh, alice)
    said = refused_at_once(alice, because="is locked").said
    assert "administrator" in said and "recovery code" not in said


def test_lock_that_begins_during_the_dialogue_holds(alice, clock, ssh):
    talk = Talk(alice)
    talk.play(DIALOGUES["replace"][1], clock, stop_at=KEPT)
    before = record(alice)["credential.toml"]
    fail(ssh, alice)
    talk.answer("kept")
    assert talk.end() == 1 and "is locked" in talk.said
    assert record(alice)["credential.toml"] == before and status(alice)["locked"]


@pytest.mark.parametrize("dialogue", ["replace", "recovery-codes"])
def test_fifth_answer_that_is_not_the_word_ends_the_dialogue_with_nothing_changed(alice, clock, dialogue):
    before = record(alice)["credential.toml"]
    talk = Talk(alice, *DIALOGUES[dialogue][0])
    talk.play(DIALOGUES[dialogue][1], clock, stop_at=KEPT)
    for answer in ("", "yes", "keptt", "copy"):
        talk.answer(answer)
        talk.until(KEPT)
    talk.answer("y")
    assert talk.end() == 1 and '"kept" was not typed; nothing was changed' in talk.said
    assert record(alice)["credential.toml"] == before


def test_change_by_root_during_the_dialogue_holds(alice, clock, ssh, under_test):
    talk = Talk(alice)
    talk.play(DIALOGUES["replace"][1], clock, stop_at=KEPT)
    under_test.admin("provision", alice.name, "--force")
    before = record(alice)
    talk.answer("kept")
    assert talk.end() == 1 and "changed in the meantime" in talk.said
    assert record(alice) == before


@pytest.mark.parametrize("dialogue", ["enrol", "replace"])
def test_first_of_two_simultaneous_dialogues_to_end_counts(alice, bobby, clock, ssh, dialogue):
    account = bobby if dialogue == "enrol" else alice
    late = Talk(account)
    late.play(DIALOGUES[dialogue][1], clock, stop_at=KEPT)
    clock.advance(30)
    early = Talk(account)
    if dialogue == "replace":
        early.prove_who(account.codes.now())
    device = early.new_device(clock)
    early.keep_codes()
    assert early.end() == 0
    before = record(account)
    late.answer("kept")
    assert late.end() == 1 and "changed in the meantime" in late.said
    assert record(account) == before
    clock.advance(30)
    assert opens_with(ssh, account, device)


@pytest.mark.parametrize("saved", [False, True], ids=["", "--save"])
def test_death_of_the_helper_before_its_answer_is_not_reported_as_nothing_changed(bobby, clock, saved):
    """The helper is killed when the record is on disk but its last word is not sent: only the log entry comes in between."""
    talk = Talk(bobby, *(["--save", "codes"] if saved else []))
    talk.play([question for question in (NEW_CODE, SAVE, KEPT) if not (saved and question == SAVE)], clock, stop_at=KEPT)
    with killed_at(helper_of(bobby), "sendto", 2):
        talk.answer("kept")
        talk.end()
    assert status(bobby)["enrolled"], "otherwise this test proves nothing"
    assert talk.status == 2 and "nothing was changed" not in talk.said
    assert pathlib.Path(bobby.home, "codes").exists() == saved


# --------------------------------------------------------------------------------------------------------------- removing


def test_last_authenticator_stays_where_policy_demands_one(alice):
    before = record(alice)
    refused_at_once(alice, "remove", because="is the last authenticator")
    refused_at_once(alice, "remove", "phone", because="is the last authenticator")
    assert record(alice) == before


@pytest.mark.parametrize("general, section", [
    ('exempt_groups = ["USER"]', "[service.su]\nexempt_groups = []"),
    ("", '[service.su]\nexempt_groups = ["USER"]'),
    ("", '[service.otp-enroll]\nexempt_groups = ["USER"]'),
], ids=["su-demands", "su-alone-excuses", "otp-enroll-alone-excuses"])
def test_last_authenticator_stays_where_any_service_demands_one(alice, policy, general, section):
    policy(f"[enforce]\n{general}\n{section}\n".replace("USER", alice.name))
    before = record(alice)
    refused_at_once(alice, "remove", because="is the last authenticator")
    assert record(alice) == before


def test_last_authenticator_can_be_removed_where_every_service_excuses(alice, clock, policy):
    every = f'exempt_groups = ["{alice.name}"]\n'
    policy(f"[enforce]\n{every}[service.su]\n{every}")
    complete(alice, clock, "remove")
    assert record(alice) == {}


def test_unknown_name_cannot_be_removed(alice, policy):
    policy(NOBODY_MUST)
    refused_at_once(alice, "remove", "tablet", because=f'no authenticator of {alice.name} is called "tablet"')


@pytest.mark.parametrize("words", [("remove",), ("recovery-codes",)], ids=" ".join)
def test_changes_without_an_authenticator_are_refused(bobby, words):
    refused_at_once(bobby, *words, because="has no authenticator")


def test_last_authenticator_and_recovery_codes_can_be_removed_where_nobody_must_have_one(alice, clock, ssh, policy):
    policy(NOBODY_MUST)
    talk = Talk(alice, "remove")
    talk.prove_who(alice.codes.now())
    assert talk.end() == 0 and "is removed, and the recovery codes with it" in talk.said
    assert record(alice) == {} and status(alice)["enrolled"] is False and status(alice)["recovery_codes_left"] == 0
    # Nobody asks for a code any more, and the user can enrol a first authenticator as before.
    talk = Talk(alice)
    device = talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0
    clock.advance(30)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).refused
    assert ssh.attempt(alice, alice.password, device.now()).admitted


def test_user_who_removed_the_last_authenticator_logs_in_without_a_code(alice, clock, ssh, policy):
    policy(NOBODY_MUST)
    complete(alice, clock, "remove")
    with ssh.visit(alice) as visit:
        for _ in range(2):
            if visit.prompt() is None:
                break
            visit.reply(alice.password)
        assert visit.ended().admitted


# --------------------------------------------------------------------------------------------------------- recovery codes


def test_new_recovery_codes_replace_the_old_and_work_once(alice, clock, ssh):
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    assert status(alice)["recovery_codes_left"] == 9
    talk = Talk(alice, "recovery-codes")
    talk.prove_who(alice.codes.now())
    new = talk.keep_codes()
    assert talk.end() == 0 and len(new) == len(set(new)) == 10 and not set(new) & set(alice.recovery_codes)
    assert status(alice)["recovery_codes_left"] == 10
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[1]).refused
    assert ssh.attempt(alice, alice.password, new[0]).admitted
    assert ssh.attempt(alice, alice.password, new[0]).refused
    assert status(alice)["recovery_codes_left"] == 9
    clock.advance(30)
    assert opens(ssh, alice)


def test_old_recovery_codes_work_until_the_new_ones_are_kept(alice, clock, ssh):
    talk = Talk(alice, "recovery-codes")
    talk.play(DIALOGUES["recovery-codes"][1], clock, stop_at=KEPT)
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[0]).admitted
    talk.answer("kept")
    assert talk.end() == 0
    assert ssh.attempt(alice, alice.password, alice.recovery_codes[1]).refused


def test_recovery_codes_are_refused_where_policy_issues_none(alice, policy):
    policy("[recovery]\ncodes = 0\n")
    refused_at_once(alice, "recovery-codes", because="recovery codes are not issued here")


# -------------------------------------------------------------------------------------------------- files and the clipboard


def assert_private_file_of(account, path):
    there = path.lstat()
    assert stat.S_IMODE(there.st_mode) == 0o600 and stat.S_ISREG(there.st_mode)
    assert (there.st_uid, there.st_gid) == pwd.getpwnam(account.name)[2:4]


@pytest.mark.parametrize("typed", [False, True], ids=["--save", "at the question"])
def test_saved_recovery_codes_can_be_read_by_the_user_alone(bobby, clock, typed):
    path = pathlib.Path(bobby.home, "codes")
    talk = Talk(bobby, *([] if typed else ["--save", str(path)]))
    talk.new_device(clock)
    shown = talk.until(SAVE if typed else KEPT)
    if typed:
        talk.answer(str(path))
        talk.until(KEPT)
    talk.answer("kept")
    assert talk.end() == 0
    assert_private_file_of(bobby, path)
    assert re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", path.read_text()) == re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", shown)


@pytest.mark.parametrize("option, name", [("--save", "codes"), ("--qr-file", "code.png")])
def test_existing_files_are_not_overwritten(bobby, option, name):
    path = pathlib.Path(bobby.home, name)
    bobby.write_private_file(str(path), "mine")
    talk = Talk(bobby, option, str(path))
    assert talk.end() == 1
    assert "is never overwritten" in talk.said and "hint: " in talk.said and "otpauth" not in talk.said
    assert path.read_text() == "mine" and record(bobby) == {}


def test_another_path_is_asked_for_when_one_is_taken(bobby, clock):
    path = pathlib.Path(bobby.home, "codes")
    bobby.write_private_file(str(path), "mine")
    talk = Talk(bobby)
    talk.new_device(clock)
    talk.until(SAVE)
    talk.answer(str(path))
    assert "is never overwritten" in " ".join(talk.until(SAVE).split())
    talk.answer("")
    talk.until(KEPT)
    talk.answer("kept")
    assert talk.end() == 0 and path.read_text() == "mine"


def test_user_cannot_save_where_only_the_helpers_group_may_write(bobby, clock, under_test):
    talk = Talk(bobby, "--save", str(under_test.state_directory / "codes"))
    assert talk.end() == 2
    assert list(under_test.state_directory.glob("codes")) == [] and record(bobby) == {}


@pytest.mark.parametrize("word", ["copy", "복사"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_clipboard_gets_the_codes_only_on_request(bobby, clock, word, language):
    new_code, save, kept = (NEW_CODE, SAVE, KEPT) if language == "en" else KOREAN
    talk = Talk(bobby, "--lang", language)
    shown = talk.until(new_code)
    device = talk.device(shown, clock)
    talk.answer(device.now())
    shown = talk.until(save)
    assert "\x1b]52" not in talk.screen
    talk.answer(word)
    (sent,) = re.findall(r"\x1b\]52;c;([^\x07]*)\x07", talk.until(save))
    text = base64.b64decode(sent, validate=True).decode()
    codes = re.findall(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", shown)
    assert len(codes) == 10 and all(code in text for code in codes)
    talk.answer("")
    talk.until(kept)
    talk.answer("kept")
    assert talk.end() == 0 and talk.screen.count("\x1b]52") == 1


def test_qr_code_can_be_drawn_in_plain_characters(bobby, clock):
    talk = Talk(bobby, "--qr", "ascii", environment={"TERM": "dumb"})
    talk.new_device(clock)
    assert talk.screen.isascii() and "@@@@@@" in talk.screen
    talk.keep_codes()
    assert talk.end() == 0


@pytest.mark.parametrize("name", ["code.png", "code.svg"])
def test_qr_code_in_a_file_can_be_read_by_the_user_alone(bobby, clock, name):
    path = pathlib.Path(bobby.home, name)
    talk = Talk(bobby, "--qr-file", str(path), "--qr", "none")
    talk.new_device(clock)
    talk.keep_codes()
    assert talk.end() == 0 and f"Delete {path} now" in talk.said
    assert_private_file_of(bobby, path)
    if name.endswith("png"):
        read = subprocess.run(["zbarimg", "--nodbus", "-q", "--raw", path], capture_output=True, text=True).stdout.strip()
        assert read.startswith("otpauth://") and read in talk.screen


@pytest.mark.parametrize("words, option", [
    (("add", "tablet", "--name", "x"), "--name"), (("--name", "x", "add", "tablet"), "--name"), (("status", "--save", "x"), "--save"),
    (("recovery-codes", "--qr", "none"), "--qr"), (("remove", "--qr-file", "x.png"), "--qr-file"), (("add",), "NAME"),
    (("add", 'a"b'), "NAME"), (("--qr-file", "x.gif"), "--qr-file"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_options_without_a_meaning_are_a_usage_error(alice, words, option):
    before = record(alice)
    done = run(alice, *words)
    assert done.returncode == 2 and option in done.stderr and done.stdout == ""
    assert record(alice) == before and sorted(os.listdir(alice.home)) == sorted(os.listdir("/etc/skel"))


# ---------------------------------------------------------------------------------------------------------------- leaving


@pytest.mark.parametrize("way", WAYS_TO_LEAVE, ids=lambda way: way.__name__)
@pytest.mark.parametrize("dialogue, question", [
    (name, question) for name, (_, questions) in DIALOGUES.items() for question in questions
])
def test_leaving_at_any_question_changes_nothing(alice, bobby, clock, policy, under_test, dialogue, question, way):
    policy(SEVERAL, NOBODY_MUST)
    account = bobby if dialogue == "enrol" else alice
    words, questions = DIALOGUES[dialogue]
    before = record(account)
    talk = Talk(account, *words)
    talk.play(questions, clock, stop_at=question)
    assert way(talk) == 1
    wait_until_nothing_runs(account)
    left = record(account)
    if question in (PASSWORD, CODE) or account is bobby:
        assert left == before
    else:
        # The code that proved who the user is has been used; nothing else has changed.
        assert left["credential.toml"] == before["credential.toml"]
        kept = Kept(account, under_test.state_directory)
        assert (kept.failures, kept.locked, kept.recovery_codes_used) == (0, False, 0)
        clock.advance(30)
    complete(account, clock, dialogue)


@pytest.mark.parametrize("way", WAYS_TO_LEAVE[:3], ids=lambda way: way.__name__)
def test_leaving_removes_the_files(bobby, clock, way):
    talk = Talk(bobby, "--save", "codes", "--qr-file", "code.png")
    talk.new_device(clock)
    talk.until(KEPT)
    assert {"codes", "code.png"} <= set(os.listdir(bobby.home))
    assert way(talk) == 1
    assert sorted(os.listdir(bobby.home)) == sorted(os.listdir("/etc/skel"))


def test_dialogue_says_its_purpose_and_then_asks_for_proof(alice):
    talk = Talk(alice)
    about, proof = talk.until(PASSWORD).split("First, please prove who you are.")
    assert "A new authenticator for" in about and "There is one already (phone)" in about and "otpauth" not in about + proof
    talk.child.sendintr()
    assert talk.end() == 1


def test_leaving_says_that_nothing_was_changed(alice, clock):
    talk = Talk(alice)
    talk.play(DIALOGUES["replace"][1], clock, stop_at=NEW_CODE)
    talk.child.sendintr()
    assert talk.end() == 1 and "otp-enroll: stopped; nothing was changed" in talk.said


# ------------------------------------------------------------------------------------------------- the clock of the device


@pytest.mark.parametrize("steps, said", [
    (-6, "right 3 minutes ago: the clock of the device is slow"),
    (3, "right in 1 minute 30 seconds: the clock of the device is fast"),
    (-120, "right 1 hour ago: the clock of the device is slow"),
])
def test_user_whose_phone_clock_is_off_is_told_how_far(bobby, clock, steps, said):
    talk = Talk(bobby)
    device = talk.device(talk.until(NEW_CODE), clock)
    talk.answer(device.at_step(steps))
    answered = " ".join(talk.until(NEW_CODE).split())
    assert said in answered and "2 tries are left" in answered
    talk.answer(device.now())
    talk.keep_codes()
    assert talk.end() == 0


def test_three_wrong_codes_of_the_new_authenticator_end_the_dialogue(bobby, clock, journal):
    talk = Talk(bobby)
    device = talk.device(talk.until(NEW_CODE), clock)
    for left in ("2 tries are left", "One try is left"):
        talk.answer(device.wrong())
        assert left in talk.until(NEW_CODE)
    talk.answer(device.wrong())
    assert talk.end() == 1
    assert "no code of the new authenticator was right; nothing was changed" in talk.said and "hint: check" in talk.said
    assert record(bobby) == {} and log_of_helper(journal, bobby) == []


def test_wrong_codes_of_the_new_authenticator_do_not_count_against_the_old(alice, clock, under_test):
    talk = Talk(alice)
    talk.play(DIALOGUES["replace"][1], clock, stop_at=NEW_CODE)
    for _ in range(2):
        talk.answer("000000")
        talk.until(NEW_CODE)
    talk.answer("000000")
    assert talk.end() == 1
    assert Kept(alice, under_test.state_directory).failures == 0


# -------------------------------------------------------------------------------------------------------- the PAM service


def test_without_the_service_nothing_changes_and_other_does_not_replace_it(alice, service, other, policy):
    policy(SEVERAL, NOBODY_MUST)
    service()
    before = record(alice)
    for words in CHANGES.values():
        talk = Talk(alice, *words)
        assert talk.end() != 0
        assert "there is no PAM service otp-enroll" in talk.said and "hint: ask your administrator" in talk.said
        assert "otpauth" not in talk.screen
    assert record(alice) == before


def test_without_the_service_a_new_user_still_enrols(bobby, clock, service):
    service()
    enrol(bobby, clock)


@pytest.mark.parametrize("lines", [
    ("auth required pam_deny.so", "account required pam_permit.so"),
    ("auth required pam_permit.so", "account required pam_deny.so"),
    ("auth required pam_nosuch.so", "account required pam_permit.so"),
    ("auth required pam_permit.so",),
    ("account required pam_permit.so",),
], ids=["denies", "denies the account", "names no module", "has no account", "has no auth"])
def test_service_that_refuses_keeps_everything_unchanged(alice, service, other, journal, lines):
    """PAM takes what a service lacks from `other`; `other` denies here, as in distributions."""
    pathlib.Path("/etc/pam.d/other").write_text("auth required pam_deny.so\naccount required pam_deny.so\n")
    service(*lines)
    before = record(alice)
    talk = Talk(alice, "recovery-codes")
    assert talk.end() == 1 and "you were not recognised" in talk.said
    assert record(alice) == before
    assert [line["event"] for line in log_of_helper(journal, alice)] == ["otp.denied"]


def test_expired_account_can_change_nothing(alice):
    subprocess.run(["chage", "-E", "0", alice.name], check=True)
    before = record(alice)["credential.toml"]
    talk = Talk(alice, "recovery-codes")
    talk.prove_who(alice.codes.now())
    assert talk.end() == 1 and "you were not recognised" in talk.said
    assert record(alice)["credential.toml"] == before


def test_service_that_asks_for_nothing_admits(alice, clock, service):
    service("auth required pam_permit.so", "account required pam_permit.so")
    talk = Talk(alice, "recovery-codes")
    assert len(talk.keep_codes()) == 10
    assert talk.end() == 0 and PASSWORD not in talk.screen


def test_questions_of_any_module_reach_the_user(alice, service, under_test):
    """This stack asks only for the code."""
    service(f"auth required {under_test.module}", "account required pam_permit.so")
    talk = Talk(alice, "recovery-codes")
    talk.until(CODE)
    assert PASSWORD not in talk.screen
    talk.answer(alice.codes.now())
    assert len(talk.keep_codes()) == 10 and talk.end() == 0


# ----------------------------------------------------------------------------------------------------------------- Korean


@pytest.mark.parametrize("words, environment", [(("--lang", "ko"), {}), ((), {"LC_ALL": "ko_KR.UTF-8"})], ids=["--lang", "LC_ALL"])
@pytest.mark.parametrize("word", ["kept", "보관"])
def test_whole_dialogue_is_in_korean(alice, clock, ssh, words, environment, word):
    new_code, save, kept = KOREAN
    talk = Talk(alice, *words, environment=environment)
    talk.until(PASSWORD)
    talk.answer(alice.password)
    # The PAM stack speaks the language of the policy: it does not know the user's.
    talk.until(CODE)
    talk.answer(alice.codes.now())
    device = talk.device(talk.until(new_code), clock)
    talk.answer(device.now())
    talk.until(save)
    talk.answer("")
    talk.until(kept)
    talk.answer(word)
    assert talk.end() == 0
    assert f'{alice.name}: "phone" 인증 수단을 등록하고 복구 코드 10개를 발급했습니다' in talk.said
    clock.advance(30)
    assert opens_with(ssh, alice, device)


def opens_with(door, account, device):
    return door.attempt(account, account.password, device.now()).admitted


@pytest.mark.parametrize("command", [("remove",), ("status", "--user", "root")], ids=" ".join)
def test_refusals_are_in_korean_too(alice, command):
    done = run(alice, *command, "--lang", "ko")
    assert done.returncode == 1 and re.search("[가-힣]", done.stderr)


# ----------------------------------------------------------------------------------------------------- another user's name


@pytest.mark.parametrize("words", [("status",), ("test",), (), ("add", "tablet"), ("remove",), ("recovery-codes",)], ids=" ".join)
def test_record_of_an_earlier_user_of_the_name_is_not_inherited(alice, words):
    before = record(alice)
    accounts.give_another_number(alice)
    talk = Talk(alice, *words)
    assert talk.end() == 2
    assert "made for user id" in talk.said and "hint: ask your administrator" in talk.said
    assert "otpauth" not in talk.screen and "phone" not in talk.screen
    assert record(alice) == before
