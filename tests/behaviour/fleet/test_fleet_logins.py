"""Users whose records are with the verifiers of a fleet log in by every door as on one machine: each code works once, and all
failures count together."""

import json
import pathlib
import subprocess

import pytest

import accounts
import codes
from application import AUTH_ERR, SUCCESS, Application, application, program  # noqa: F401  (fixtures among them)
from fleet import (  # noqa: F401  (fixtures among them)
    FIRST, MACHINE, SECOND, admin, dora, first, fleet, kept_here, machine, seen, member, records, unavailable,
)
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

CODE = "Verification code: "
FAILURES = 5


def verbs(verifier):
    return [request[3].decode() for request in verifier.requests]


def test_right_code_opens_every_door_and_nothing_is_kept_here(door, dora, seen, journal):
    outcome = door.attempt(dora, dora.password, dora.codes.now())
    assert outcome.admitted, outcome
    assert kept_here(dora) == []
    assert records(journal, dora) == ["otp.accept"]
    (check,) = [request for request in seen.requests if request[3] == b"check"]
    assert check[0] == b"fleet1" and check[4] == dora.name.encode()
    ((_, machine_name),) = seen.peers[0]["subjectAltName"]
    assert machine_name == MACHINE


def test_code_is_accepted_once_over_all_doors(every_door, dora, first):
    code = dora.codes.now()
    assert every_door["sshd"].attempt(dora, dora.password, code).admitted
    for name in ("su", "sudo", "pamtester"):
        outcome = every_door[name].attempt(dora, dora.password, code)
        assert outcome.refused and outcome.says("This code was already used."), outcome


def test_five_wrong_codes_over_the_doors_lock_and_a_recovery_code_opens(every_door, dora, first, journal, clock):
    for name in ("sshd", "su", "sudo", "pamtester", "sshd"):
        assert every_door[name].attempt(dora, dora.password, dora.codes.wrong()).refused
    for door in every_door.values():
        clock.advance(30)
        outcome = door.attempt(dora, dora.password, dora.codes.now())
        assert outcome.refused and outcome.says("locked"), outcome
    assert every_door["su"].attempt(dora, dora.password, dora.recovery_codes[0]).admitted
    assert records(journal, dora) == ["otp.reject"] * 4 + ["otp.lock"] + ["otp.locked"] * 4 + ["otp.recovery"]


def test_users_without_a_record_get_the_same_question_and_are_refused(door, fleet, bobby, first):
    outcome = door.attempt(bobby, bobby.password, "123456")
    assert outcome.refused and outcome.prompts[-1] == CODE, outcome


def test_unknown_names_are_asked_and_refused_like_users_and_take_the_same_path(every_door, fleet, seen, journal, clock):
    """Neither a distant verifier nor a dead one must reveal who has an account."""
    nobody = accounts.stranger("nobody")
    outcome = every_door["sshd"].attempt(nobody, "a password", "123456")
    assert outcome.refused and outcome.prompts[-1] == CODE, outcome
    assert verbs(seen) == ["check"] and seen.requests[0][1] == b"" and seen.requests[0][4] == b""
    assert records(journal, nobody) == ["otp.notenrolled"]


def test_questions_before_the_prompt_are_asked_about_unknown_names_too(ssh, fleet, dora, seen, clock):
    """Otherwise the prompt would come sooner for them, and reveal who has an account."""
    fleet.policy('[trust]\nremember = "8h"\n[enforce]\nexempt_users = ["somebody-else"]\n')
    nobody = accounts.stranger("nobody")
    asked = []
    for user, password in ((dora, dora.password), (nobody, "a password")):
        seen.requests.clear()
        outcome = ssh.attempt(user, password, "123456")
        assert outcome.refused and outcome.prompts[-1] == CODE, outcome
        asked.append(verbs(seen))
    known, unknown = asked
    assert known == ["trusted-since", "is-enrolled", "check-at"], known
    assert unknown[:2] == known[:2] and unknown[2:] in (["check"], ["check-at"]), unknown
    assert {request[4] for request in seen.requests} == {b""}


def test_logins_of_unknown_names_are_unavailable_too_while_no_verifier_answers(ssh, fleet, journal):
    nobody = accounts.stranger("nobody")
    outcome = ssh.attempt(nobody, "a password", "123456")
    assert outcome.refused and outcome.says("The code could not be checked."), outcome
    assert records(journal, nobody) == ["otp.unavailable"]


def test_excused_users_without_a_record_are_asked_nothing(every_door, fleet, bobby, first, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    for door in every_door.values():
        outcome = door.attempt(bobby, bobby.password)
        assert outcome.admitted, outcome


def test_record_on_the_machine_does_not_count_while_the_fleet_has_the_user(door, alice, fleet, first):
    """`alice` was enrolled on the machine before it joined the fleet; her phone there opens nothing."""
    outcome = door.attempt(alice, alice.password, alice.codes.now())
    assert outcome.refused, outcome


def test_local_users_log_in_with_local_records_and_ask_no_verifier(door, alice, fleet):
    """No verifier runs."""
    fleet.policy("", verifiers=[FIRST], ca="/nowhere", certificate="/nowhere", key="/nowhere")
    policy = pathlib.Path("/etc/security/pam_otp.conf")
    policy.write_text(policy.read_text() + f'local_users = ["{alice.name}"]\n')
    outcome = door.attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted, outcome


def test_root_stays_on_the_machine_whatever_the_list_says(fleet, application, clock, protect, under_test):
    policy = pathlib.Path("/etc/security/pam_otp.conf")
    policy.write_text(policy.read_text() + "local_users = []\n")
    root = accounts.Account("root", "x")
    provisioned = json.loads(Ours().admin("provision", "root", "--json", "--force"))
    root.codes = codes.Codes(provisioned["secret"], clock)
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line()}\naccount required pam_permit.so\n")
    assert application.login(root, root.codes.now()).code == SUCCESS
    Ours().admin("reset", "root")


def test_each_login_takes_one_connection_made_before_the_code_is_typed(ssh, dora, seen):
    with ssh.visit(dora) as visit:
        visit.prompt()
        visit.reply(dora.password)
        assert visit.prompt() == CODE
        # The code is asked for once otp-fleet has started; otp-fleet then connects by itself.
        import clock as clocks
        clocks.wait_until(lambda: seen.peers, "connection while the person types")
        assert verbs(seen) == []
        visit.reply(dora.codes.now())
        assert visit.outcome().admitted
    assert (seen.accepted, verbs(seen)) == (1, ["check"])


def test_program_is_unchanged_after_logins_with_the_module(application, dora, first, protect, under_test):
    import processes
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line()}\naccount {under_test.line()}\n")
    application.setcred()
    at_rest = processes.what_a_program_is(application.pid)
    for reply in (dora.codes.now(), dora.codes.now(), dora.codes.wrong(), dora.recovery_codes[0], ""):
        application.login(dora, reply)
        assert processes.what_a_program_is(application.pid) == at_rest


def test_lock_at_the_verifier_holds_in_the_account_phase_too(application, dora, first, under_test):
    pathlib.Path("/etc/pam.d/application").write_text(f"auth required pam_permit.so\naccount {under_test.line()}\n")
    application.start(dora)
    assert application.acct_mgmt().code == SUCCESS
    application.end()
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line()}\naccount {under_test.line()}\n")
    for _ in range(FAILURES):
        assert application.login(dora, dora.codes.wrong()).code == AUTH_ERR
    pathlib.Path("/etc/pam.d/application").write_text(f"auth required pam_permit.so\naccount {under_test.line()}\n")
    application.start(dora)
    answer = application.acct_mgmt()
    assert answer.code != SUCCESS and "locked" in " ".join(answer.told), answer


def test_helper_checks_its_table_before_it_asks_any_verifier(fleet, dora, carol_of_the_fleet, seen, journal):
    """A user's program asks about another user: the helper itself denies that, and no verifier is asked."""
    import helper
    with helper.Helper(Ours.helper, carol_of_the_fleet) as running:
        assert running.ask(helper.check(dora, dora.codes.now())) == ["denied"]
    assert seen.accepted == 0


@pytest.fixture
def carol_of_the_fleet(member):
    return member("carol")
