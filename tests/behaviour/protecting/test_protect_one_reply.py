"""otp-admin protect for programs that ask only once, and for programs that are not root."""

import os
import subprocess

import pexpect
import pytest

import doors
import postgresql
from protecting import (  # noqa: F401 (fixtures)
    BOTH, KEEP, LINE, PAM, SHIPPED, SPLIT, Talk, environment, everything, guards, installed, run, shipped,
)
from screen import Locker, Screen
from self_service import policy  # noqa: F401 (a fixture)

pytestmark = pytest.mark.promised_by("ours")

# As Debian's packages ship them.
DOVECOT = "#%PAM-1.0\n\n@include common-auth\n@include common-account\n@include common-session\n\n"
COCKPIT = "#%PAM-1.0\nauth       required     pam_env.so\nauth       substack     common-auth\n@include common-account\n"
TRUSTED = '[helper]\ntrusted_callers = ["postgres"]\n'


@pytest.fixture(autouse=True)
def as_shipped(shipped):
    pass


def protect(account, service, reply, *words):
    talk = Talk(account, "protect", service, *words)
    talk.log_in_at_once(reply)
    talk.until(KEEP)
    talk.answer("keep")
    assert talk.end() == 0, talk.screen
    return talk


def lets_in(service, account, *replies):
    """Runs the service by pamtester as root; returns whether it admits, and what it asked."""
    child = pexpect.spawn("/usr/bin/pamtester", [service, account.name, "authenticate"], encoding="utf-8", timeout=60,
                          env=environment(None))
    child.delaybeforesend = None
    asked, replies = [], list(replies)
    while True:
        found = child.expect([r"Password & verification code: |Password: |Verification code: ", pexpect.EOF])
        if found == 1:
            child.wait()
            child.close()
            return child.exitstatus == 0, asked
        asked.append(child.after)
        doors.TYPED.append(replies[0])
        child.sendline(replies.pop(0))


def test_three_lines_replace_the_one(alice, clock):
    (PAM / "dovecot").write_text(DOVECOT)
    talk = protect(alice, "dovecot", alice.password + alice.codes.now())
    assert "The program asks once" in talk.screen
    instead = "# otp-admin protect: the next 3 lines, in place of: @include common-auth\n" + "\n".join(SPLIT) + "\n"
    assert (PAM / "dovecot").read_text() == DOVECOT.replace("@include common-auth\n", instead)
    clock.advance(30)
    assert lets_in("dovecot", alice, alice.password + alice.codes.now()) == (True, ["Password & verification code: "])
    clock.advance(30)
    assert not lets_in("dovecot", alice, alice.password + alice.codes.wrong())[0]
    assert not lets_in("dovecot", alice, alice.password)[0]
    assert not lets_in("dovecot", alice, "wrong" + alice.codes.now())[0]
    assert run(alice, "unprotect", "dovecot").returncode == 0
    assert (PAM / "dovecot").read_text() == DOVECOT
    assert lets_in("dovecot", alice, alice.password) == (True, ["Password: "])
    assert not lets_in("dovecot", alice, "wrong")[0]


def test_one_reply_without_a_code_does_not_admit(alice):
    (PAM / "dovecot").write_text(DOVECOT)
    before = everything()
    talk = Talk(alice, "protect", "dovecot")
    for reply in (alice.password, alice.password + alice.codes.wrong(), "wrong" + alice.codes.now()):
        talk.log_in_at_once(reply)
    assert talk.end() == 1 and "was refused; nothing was changed" in talk.screen, talk.screen
    assert everything() == before and not guards()


def test_program_without_a_file_gets_one_and_loses_it_again(alice, clock):
    before = everything()
    dry = run(alice, "protect", "openvpn", "--dry-run")
    assert dry.returncode == 0 and "--- /dev/null\n+++ /etc/pam.d/openvpn\n" in dry.stdout, dry
    assert 'has to use the PAM service "openvpn"' in dry.stdout
    protect(alice, "openvpn", alice.password + alice.codes.now())
    assert (PAM / "openvpn").read_text().splitlines()[1:4] == SPLIT
    clock.advance(30)
    assert lets_in("openvpn", alice, alice.password + alice.codes.now())[0]
    assert run(alice, "unprotect", "openvpn").returncode == 0
    assert everything() == before


def test_common_file_with_another_module_is_left_to_the_administrator(alice):
    (PAM / "dovecot").write_text(DOVECOT)
    (PAM / "common-auth").write_text("auth sufficient pam_sss.so\n" + SHIPPED["common-auth"])
    before = everything()
    done = run(alice, "protect", "dovecot")
    assert done.returncode == 1 and "/etc/pam.d/common-auth: " in done.stderr and "pam_sss.so" in done.stderr, done
    assert everything() == before


def test_cockpits_substack_becomes_an_include(alice, clock):
    """In a substack a wrong password would still lead to the line below, where others could use up the codes of an account."""
    (PAM / "cockpit").write_text(COCKPIT)
    talk = Talk(alice, "protect", "cockpit")
    talk.log_in()
    talk.until(KEEP)
    talk.answer("keep")
    assert talk.end() == 0, talk.screen
    assert not lets_in("cockpit", alice, "wrong")[1][1:], "a wrong password leads to no question for a code"
    clock.advance(30)
    assert lets_in("cockpit", alice, alice.password, alice.codes.now())[0]
    assert run(alice, "unprotect", "cockpit").returncode == 0
    assert (PAM / "cockpit").read_text() == COCKPIT


def test_screen_locker_runs_as_its_user(alice, clock):
    """The trial runs as the user too, over the helper; then i3lock itself."""
    protect(alice, "i3lock", alice.password + alice.codes.now())
    clock.advance(30)
    with Screen(alice) as screen, Locker(screen, alice) as locker:
        locker.wait_for("Watching window")
        assert locker.unlocks(alice.password + alice.codes.now())
    assert run(alice, "unprotect", "i3lock").returncode == 0
    assert (PAM / "i3lock").read_text() == SHIPPED["i3lock"]


def test_service_account_must_be_trusted_and_the_policy_stays_unchanged(alice, policy):
    postgresql.make_user()
    subprocess.run(["gpasswd", "--delete", "postgres", "shadow"], check=True, capture_output=True)
    policy("")
    before, text = everything(), open("/etc/security/pam_otp.conf").read()
    dry = run(alice, "protect", "postgresql", "--dry-run")
    assert dry.returncode == 0 and 'Add "postgres" to trusted_callers' in dry.stdout, dry
    assert "usermod --append --groups shadow postgres" in dry.stdout
    done = run(alice, "protect", "postgresql")
    assert done.returncode == 1 and 'add trusted_callers = ["postgres"]' in done.stderr, done
    policy(TRUSTED)
    done = run(alice, "protect", "postgresql")
    assert done.returncode == 1 and "usermod --append --groups shadow postgres" in done.stderr, done
    assert everything() == before and text == ""


def test_missing_service_account_is_refused(alice):
    (PAM / "radiusd").write_text(DOVECOT)
    before = everything()
    done = Talk(alice, "protect", "freeradius")
    assert done.end() == 1 and "none of them exists: freerad, radiusd" in " ".join(done.screen.split()), done.screen
    assert everything() == before


def test_database_server_asks_for_both(alice, policy, clock):
    policy(TRUSTED)
    postgresql.make_user()
    protect(alice, "postgresql", alice.password + alice.codes.now())
    with postgresql.Server() as server:
        server.may_log_in(alice)
        clock.advance(30)
        assert server.log_in(alice, alice.password + alice.codes.now())
        clock.advance(30)
        assert not server.log_in(alice, alice.password)
        assert not server.log_in(alice, alice.password + alice.codes.wrong())
    assert run(alice, "unprotect", "postgresql").returncode == 0
    assert not os.path.exists(PAM / "postgresql")
