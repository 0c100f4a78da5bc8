"""otp-admin protect on distributions that authenticate by system-auth, such as Fedora and RHEL.

Their stacks run on this machine's programs. The line goes above system-auth, in which a good password ends the list.
"""

import pytest

from protecting import KEEP, LINE, MARK, PAM, SHIPPED, Talk, everything, installed, run, shipped  # noqa: F401 (fixtures)

pytestmark = pytest.mark.promised_by("ours")

SYSTEM = """auth        required      pam_env.so
auth        sufficient    pam_unix.so nullok nodelay
auth        required      pam_deny.so
account     required      pam_unix.so
session     required      pam_unix.so
"""
SERVICES = {
    "other": "#%PAM-1.0\nauth required pam_deny.so\naccount required pam_deny.so\n",
    "sudo": "#%PAM-1.0\nauth       include      system-auth\naccount    include      system-auth\nsession    include      system-auth\n",
    "sudo-i": "#%PAM-1.0\nauth       include      sudo\naccount    include      sudo\nsession    include      sudo\n",
    "su": "#%PAM-1.0\nauth\t\tsufficient\tpam_rootok.so\nauth\t\tsubstack\tsystem-auth\nauth\t\tinclude\t\tpostlogin\n"
          "account\t\tinclude\t\tsystem-auth\nsession\t\tinclude\t\tsystem-auth\n",
    "dovecot": "#%PAM-1.0\nauth       required     pam_nologin.so\nauth       include      password-auth\n"
               "account    include      password-auth\n",
}


@pytest.fixture(autouse=True)
def fedora(shipped):
    for name in SHIPPED:
        if name.startswith("common-"):
            (PAM / name).unlink()
    for name in ("system-auth", "password-auth"):
        (PAM / name).write_text(SYSTEM)
    (PAM / "postlogin").write_text("session optional pam_permit.so\n")
    for name, text in SERVICES.items():
        (PAM / name).write_text(text)


def protect_code_first(account, service):
    talk = Talk(account, "protect", service)
    talk.until("Verification code: ")
    talk.answer(account.codes.now())
    talk.until("Password: ")
    talk.answer(account.password)
    talk.until(KEEP)
    talk.answer("keep")
    assert talk.end() == 0, talk.screen


@pytest.mark.parametrize("service", ["sudo", "su"])
def test_code_is_asked_for_first_and_both_are_needed(alice, bobby, every_door, clock, service):
    before = everything()
    protect_code_first(alice, service)
    text = SERVICES[service]
    (intake,) = [line for line in text.splitlines() if "system-auth" in line and line.startswith("auth")]
    assert (PAM / service).read_text() == text.replace(f"{intake}\n", f"{MARK}\n{LINE}\n{intake}\n")
    assert (PAM / "sudo-i").read_text() == SERVICES["sudo-i"], "sudo-i takes its lines from sudo"
    clock.advance(30)
    outcome = every_door[service].attempt(alice, alice.codes.now(), alice.password)
    assert outcome.admitted and outcome.prompts[0] == "Verification code: "
    clock.advance(30)
    assert every_door[service].attempt(alice, alice.codes.wrong(), alice.password).refused
    clock.advance(30)
    assert every_door[service].attempt(alice, alice.codes.now(), "wrong").refused
    assert run(alice, "unprotect", service).returncode == 0
    assert everything() == before


def test_program_that_asks_once_gets_its_three_lines(alice):
    before = everything()
    talk = Talk(alice, "protect", "dovecot")
    talk.log_in_at_once(alice.password + alice.codes.now())
    talk.until(KEEP)
    talk.answer("keep")
    assert talk.end() == 0, talk.screen
    assert "in place of: auth       include      password-auth\n" in (PAM / "dovecot").read_text()
    assert run(alice, "unprotect", "dovecot").returncode == 0
    assert everything() == before
