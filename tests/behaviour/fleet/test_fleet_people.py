"""Users of a fleet manage their own authenticators, and set them up inside a login; remembered places and graces that have begun
are also kept by the verifier."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import pytest

import codes
import helper
import self_service
from application import AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS, Application, application, program  # noqa: F401  (fixtures)
from clock import wait_until
from fleet import (  # noqa: F401  (fixtures among them)
    FIRST, PROGRAM, SECOND, admin, dora, first, fleet, kept_here, machine, seen, member, records, unavailable,
)
from login_enrolment import REQUIRE, Enrolment
from self_service import KEPT, NEW_CODE, SAVE, Talk
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

NOBODY_MUST = "[enforce]\ngroups = []\n"
SEVERAL = "[enroll]\nmax_authenticators = 4\n"


def verbs(verifier):
    return [request[3].decode() for request in verifier.requests]


def everywhere(fleet, *sections):
    """Writes the same policy on the machine and at the verifier."""
    fleet.policy(*sections)
    conf = pathlib.Path("/run/pam_otp-tests/verifier.conf")
    conf.write_text("".join(sections))


# -------------------------------------------------------------------------------------------------------- otp-enroll


def test_first_authenticator_takes_no_proof_and_is_kept_by_the_verifier(fleet, bobby, first, clock, ssh):
    device, recovery_codes = self_service.enrol(bobby, clock)
    assert len(recovery_codes) == 10 and kept_here(bobby) == []
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, device.now()).admitted


def test_every_change_takes_password_and_code_at_this_machine_and_is_logged_here(fleet, dora, first, clock, journal):
    everywhere(fleet, SEVERAL, NOBODY_MUST)
    for dialogue in ("add", "recovery-codes", "replace"):
        clock.advance(30)
        words, questions = self_service.DIALOGUES[dialogue]
        talk = Talk(dora, *words)
        for question in questions:
            if question == NEW_CODE:
                device = talk.new_device(clock)
            elif question == self_service.CODE:
                talk.until(question)
                talk.answer(dora.codes.now())
            else:
                talk.until(question)
                talk.answer({self_service.PASSWORD: dora.password, SAVE: "", KEPT: "kept"}[question])
        assert talk.end() == 0, talk.screen
        if dialogue == "replace":
            dora.codes = device
    told = [(event["event"], event["verb"]) for event in self_service.log_of_helper(journal, dora) if event.get("caller_uid") != "0"]
    verbs_told = [verb for event, verb in told if event == "otp.change"]
    assert verbs_told == ["add", "recovery-codes", "replace"] and len(told) == 6, told
    clock.advance(30)
    assert self_service.change(dora, dora.codes.now(), "remove") == 0
    assert self_service.status(dora)["enrolled"] is False
    assert kept_here(dora) == []


def test_wrong_code_changes_nothing_and_no_verifier_is_asked_for_a_change(fleet, dora, seen):
    everywhere(fleet, NOBODY_MUST)
    assert self_service.change(dora, dora.codes.wrong(), "remove") == 1
    assert "remove" not in verbs(seen)
    assert self_service.status(dora)["enrolled"] is True


def test_impossible_changes_are_refused_before_anything_is_asked(fleet, dora, first):
    everywhere(fleet, SEVERAL, NOBODY_MUST)
    self_service.refused_at_once(dora, "remove", "tablet", because=f'no authenticator of {dora.name} is called "tablet"')
    self_service.refused_at_once(dora, "add", "phone", because="phone")


def test_test_makes_an_attempt_that_counts(fleet, dora, first):
    talk = Talk(dora, "test")
    talk.until("Verification code: ")
    talk.answer(dora.codes.wrong())
    assert talk.end() == 1
    assert self_service.status(dora)["failures"] == 1


def test_root_of_a_machine_cannot_change_a_record_of_the_fleet_and_is_told_who_can(fleet, dora, seen):
    for words in ((), ("add", "tablet"), ("remove",), ("recovery-codes",)):
        talk = Talk(self_service.Root(), "--user", dora.name, *words)
        assert talk.end() == 1, talk.screen
        assert "the verifiers of the fleet keep the record" in talk.said and f"otp-admin provision {dora.name}" in talk.said
    talk = Talk(self_service.Root(), "--user", dora.name, "status")
    assert talk.end() == 0 and "phone" in talk.screen, talk.screen
    assert verbs(seen) == ["status"]


def test_without_a_verifier_nothing_changes_and_the_reason_is_told(fleet, dora):
    talk = Talk(dora, "recovery-codes")
    assert talk.end() == 2, talk.screen
    assert "no verifier could be reached" in talk.said and "hint: " in talk.said
    talk = Talk(dora, "recovery-codes", "--lang", "ko")
    assert talk.end() == 2, talk.screen
    assert "연결할 수 있는 검증 서버가 없습니다(" in talk.said and "연결이 거부되었습니다" in talk.said, talk.screen


@pytest.mark.parametrize("leave", [self_service.ctrl_c, self_service.sigterm, self_service.sigkill])
@pytest.mark.parametrize("where", [NEW_CODE, SAVE, KEPT])
def test_leaving_at_any_point_saves_nothing_and_leaves_no_process(fleet, bobby, first, clock, leave, where):
    talk = Talk(bobby)
    talk.play((NEW_CODE, SAVE, KEPT), clock, stop_at=where)
    assert leave(talk) != 0
    self_service.wait_until_nothing_runs(bobby)
    assert self_service.status(bobby)["enrolled"] is False


def test_verifier_that_ends_during_a_change_changes_nothing(fleet, bobby, clock):
    def once(verifier, connection):
        *_, request = [verifier.request(connection)]
        if request[3] == b"enrol":
            connection.sendall(helper.message("begun", ""))
            return
        verifier.answer(connection, request[3:])

    with fleet.verifier(act=once):
        talk = Talk(bobby)
        assert talk.end() == 2, talk.screen
        assert "has closed the connection" in talk.said


# ------------------------------------------------------------------------------------------------ inside the login


@pytest.fixture
def account_line(under_test):
    """Gives sshd and su an account line of this module as well."""
    for service in ("sshd", "su"):
        path = pathlib.Path("/etc/pam.d", service)
        path.write_text(
            f"auth required pam_unix.so nodelay\nauth {under_test.line()}\naccount {under_test.line()}\n"
            "account required pam_unix.so\nsession required pam_permit.so\n"
        )


@pytest.mark.parametrize("name", ["sshd", "su"])
def test_login_sets_up_an_authenticator_and_the_next_one_asks_for_its_code(
    every_door, fleet, bobby, first, clock, account_line, journal, name
):
    everywhere(fleet, REQUIRE)
    with Enrolment(every_door[name], bobby, clock) as login:
        login.finish()
    assert kept_here(bobby) == [] and len(bobby.recovery_codes) == 10
    assert [event["event"] for event in journal.events(bobby.name) if event["event"].startswith("otp.chang")] == ["otp.changing", "otp.change"]
    clock.advance(30)
    outcome = every_door[name].attempt(bobby, bobby.password, bobby.codes.now())
    assert outcome.admitted and outcome.prompts[-1] == "Verification code: ", outcome


def test_login_cut_in_the_dialogue_saves_nothing(ssh, fleet, bobby, first, clock, account_line):
    everywhere(fleet, REQUIRE)
    for question in ("new_code", "are_kept"):
        with Enrolment(ssh, bobby, clock) as login:
            login.up_to(getattr(login.words, question))
            login.cut()
        wait_until(lambda: not list_of("otp-fleet"), "end of otp-fleet")
        assert self_service.status(bobby)["enrolled"] is False


def test_login_without_a_verifier_sets_up_nothing_and_is_refused(ssh, fleet, bobby, account_line, journal):
    fleet.policy(REQUIRE)
    outcome = ssh.attempt(bobby, bobby.password)
    assert outcome.refused and outcome.says("The code could not be checked."), outcome


def list_of(name):
    """The running processes of that name, without zombies that nobody here reaps."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            number, rest = process.read_text().split(" (", 1)
            command, rest = rest.rsplit(") ", 1)
            if command == name and rest[0] != "Z":
                found.append(int(number))
    return found


# --------------------------------------------------------------------------------------------- trust, grace, drift


def test_place_is_trusted_by_what_the_verifier_keeps(application, fleet, dora, first, under_test, journal):
    everywhere(fleet, '[trust]\nremember = "8h"\n')
    pathlib.Path("/etc/pam.d/application").write_text(
        f"auth required pam_unix.so nodelay\nauth {under_test.line()}\naccount required pam_permit.so\n"
    )
    answer = application.login(dora, dora.password, dora.codes.now(), rhost="192.0.2.1")
    assert answer.code == SUCCESS
    answer = application.login(dora, dora.password, rhost="192.0.2.1")
    assert (answer.code, len(answer.asked)) == (SUCCESS, 1), answer
    assert records(journal, dora) == ["otp.accept", "otp.trusted"]
    answer = application.login(dora, dora.password, dora.codes.now(), rhost="192.0.2.2")
    assert (answer.code, len(answer.asked)) == (AUTH_ERR, 2), answer
    assert kept_here(dora) == []


def test_code_is_asked_for_where_no_verifier_says_that_the_place_is_trusted(application, fleet, dora, under_test, journal):
    everywhere(fleet, '[trust]\nremember = "8h"\n')
    pathlib.Path("/etc/pam.d/application").write_text(
        f"auth required pam_unix.so nodelay\nauth {under_test.line()}\naccount required pam_permit.so\n"
    )
    with fleet.verifier():
        assert application.login(dora, dora.password, dora.codes.now(), rhost="192.0.2.1").code == SUCCESS
    answer = application.login(dora, dora.password, "123456", rhost="192.0.2.1")
    assert (answer.code, len(answer.asked)) == (AUTHINFO_UNAVAIL, 2), answer


def test_verifier_without_an_answer_about_trust_is_not_asked_first_for_the_code(application, fleet, dora, under_test):
    """The login goes on after an unanswered question about trust; the code goes to a verifier that answers."""
    everywhere(fleet, '[trust]\nremember = "8h"\n')
    fleet.policy('[trust]\nremember = "8h"\n', verifiers=[FIRST, SECOND])
    pathlib.Path("/etc/pam.d/application").write_text(
        f"auth required pam_unix.so nodelay\nauth {under_test.line()}\naccount required pam_permit.so\n"
    )
    with fleet.verifier(act=lambda verifier, connection: verifier.request(connection)) as ends, fleet.verifier(SECOND) as answers:
        answer = application.login(dora, dora.password, dora.codes.now(), rhost="192.0.2.1")
    assert answer.code == SUCCESS, answer
    assert (verbs(ends), verbs(answers)) == (["trusted-since"], ["check-at"])


def test_grace_begins_with_the_first_login_and_ends_for_all_machines(application, fleet, bobby, seen, under_test, clock):
    everywhere(fleet, '[enforce]\ngrace = "7d"\n')
    pathlib.Path("/etc/pam.d/application").write_text(
        f"auth required pam_unix.so nodelay\nauth {under_test.line()}\naccount {under_test.line()}\n"
    )

    def lets_in():
        application.start(bobby)
        answer = application.authenticate(bobby.password)
        let_in = answer.code == SUCCESS and application.acct_mgmt().code == SUCCESS
        application.end()
        return let_in

    assert lets_in()
    assert "begin-grace" in verbs(seen) and kept_here(bobby) == []
    clock.advance(7 * 86400 - 1)
    assert lets_in()
    clock.advance(1)
    assert not lets_in()


def test_phone_whose_clock_is_off_is_learnt_for_all_machines(application, fleet, dora, first, under_test, clock):
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line()}\naccount required pam_permit.so\n")
    for code in (dora.codes.at_step(-3), dora.codes.at_step(-2)):
        last = application.login(dora, code)
    assert last.code == SUCCESS
    clock.advance(90)
    assert application.login(dora, dora.codes.at_step(-3)).code == SUCCESS


# ---------------------------------------------------------------------------------------------------- what users can try


def test_users_can_neither_read_the_key_nor_have_otp_fleet_read_it(fleet, dora, seen):
    key = subprocess.run(dora.running("/bin/cat", "/etc/pam_otp-fleet/machine.key"), capture_output=True)
    assert key.returncode != 0 and key.stdout == b""
    with helper.Helper(PROGRAM, dora) as running:
        words = running.ask(helper.message("is-enrolled", dora.name))
    assert words[0] == "unavailable" and "machine.key: cannot be opened" in words[1], words
    # A user's own policy may name a key of the user's, but that does not make a machine of the fleet.
    assert seen.accepted == 0


def test_users_cannot_reach_the_otp_fleet_of_their_helper(fleet, dora, first):
    """otp-fleet holds the machine's key, and the helper waits with it between two questions."""
    with helper.Helper(Ours.helper, dora) as running:
        running.send(helper.message("is-enrolled", dora.name))
        assert helper.fields_of(running.answer()) == ["enrolled"]
        (child,) = list_of("otp-fleet")
        script = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, {child}, 0, 0), libc.ptrace(0x4206, {child}, 0, 0))
for name in ("mem", "environ", "maps", "fd", "root", "cwd", "exe"):
    path = "/proc/{child}/" + name
    try:
        os.listdir(path) if name == "fd" else os.readlink(path) if name in ("root", "cwd", "exe") else open(path, "rb").read(1)
        print("open", name)
    except OSError:
        pass
"""
        tried = subprocess.run(dora.running("/usr/bin/python3", "-c", script), capture_output=True, text=True)
        assert tried.stdout == "-1 -1\n", tried
        status = pathlib.Path(f"/proc/{child}/status").read_text()
        assert re.search(rf"^Gid:\t\d+\t{fleet.group}\t", status, re.MULTILINE), status
        assert pathlib.Path(f"/proc/{child}/environ").read_bytes() == b""
    wait_until(lambda: not list_of("otp-fleet"), "end of otp-fleet")


def test_otp_fleet_ends_when_its_helper_is_killed(fleet, dora, first):
    with helper.Helper(Ours.helper, dora) as running:
        running.send(helper.message("is-enrolled", dora.name))
        running.answer()
        assert list_of("otp-fleet")
        os.kill(running.pid, signal.SIGKILL)
        wait_until(lambda: not list_of("otp-fleet"), "end of otp-fleet")


def test_otp_fleet_takes_no_path_where_its_parent_gave_it_the_group(fleet, dora, seen, journal):
    command = ["/usr/bin/setpriv", "--reuid", dora.name, "--egid", "pam_otp", "--clear-groups", PROGRAM, "/etc/security/pam_otp.conf"]
    done = subprocess.run(command, input=helper.message("is-enrolled", dora.name), capture_output=True, env={})
    assert done.returncode == 1 and done.stdout == b"" and seen.accepted == 0
    assert any("takes no path" in line for line in journal.lines())


def test_otp_fleet_inherits_nothing_of_the_program_around_it(application, fleet, dora, under_test):
    """No environment, only three descriptors, undumpable, no core."""
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line('nullok')}\naccount required pam_permit.so\n")
    import doors
    found = {}

    def look(verifier, connection):
        verifier.request(connection)
        (child,) = list_of("otp-fleet")
        found["descriptors"] = sorted(os.readlink(entry).split(":")[0] for entry in pathlib.Path(f"/proc/{child}/fd").iterdir())
        found["environment"] = pathlib.Path(f"/proc/{child}/environ").read_bytes()
        found["core"] = re.search(r"Max core file size +(\d+)", pathlib.Path(f"/proc/{child}/limits").read_text())[1]
        found["cwd"] = os.readlink(f"/proc/{child}/cwd")
        connection.sendall(helper.message("unavailable", "it was only looked at", "조회만 했습니다"))

    with fleet.verifier(SECOND, act=look):
        fleet.policy(verifiers=[SECOND])
        application.login(dora, dora.codes.now())
    assert found["environment"] == b"" and found["core"] == "0" and found["cwd"] == "/"
    # Standard input and output, standard error, the connection, and the descriptor that waits for several others
    # (epoll).
    assert found["descriptors"] == ["/dev/null", "socket", "socket", "socket"], found
