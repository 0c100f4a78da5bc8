"""otp-admin protect and unprotect leave alone what they do not understand, and say what to do by hand."""

import fcntl
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

import self_service
from locking import fail
from protecting import (  # noqa: F401 (fixtures)
    DROP_IN, KEPT, LINE, MARK, PAM, SHIPPED, Talk, everything, guards, installed, protect, run, shipped,
)
from self_service import policy  # noqa: F401 (a fixture)

pytestmark = pytest.mark.promised_by("ours")

COMMON = "@include common-auth\n"
KOREAN = "ko_KR.UTF-8"


@pytest.fixture(autouse=True)
def as_shipped(shipped):
    pass


def refused(account, *words, because, status=1):
    """Asserts that the command is refused with a reason and a hint in both languages, before anything is changed or asked."""
    before = everything()
    for language, label in (("C.UTF-8", "hint"), (KOREAN, "해결 방법")):
        done = run(account, *words, language=language)
        assert done.returncode == status, done
        assert f"\n{label}: " in done.stderr and done.stderr.count("\n") == 2, done.stderr
        assert (because in done.stderr) == (language != KOREAN) or because.startswith("/"), done.stderr
    assert everything() == before and not guards()
    return done


def write(service, text):
    (PAM / service).write_text(text)


def test_service_without_known_lines_is_refused(alice):
    refused(alice, "protect", "cron", because="no lines for a service 'cron'")
    refused(alice, "protect", "../sudo", because="no lines for a service")


def test_program_that_is_not_installed_is_refused(alice):
    refused(alice, "protect", "cockpit", because="/etc/pam.d/cockpit: no such file")


def test_file_without_a_place_for_the_line_is_refused(alice):
    write("sudo", "auth required pam_unix.so\n")
    refused(alice, "protect", "sudo", because="/etc/pam.d/sudo: not exactly one line")


def test_file_with_two_places_is_refused(alice):
    write("sudo", COMMON + COMMON)
    refused(alice, "protect", "sudo", because="/etc/pam.d/sudo: not exactly one line")


def test_service_that_takes_its_lines_from_another_is_refused(alice):
    write("sshd", "auth include login\naccount include login\n")
    refused(alice, "protect", "sshd", because="sshd takes its lines from login")


def test_unknown_kind_of_distribution_is_refused(alice):
    for name in ("common-auth", "common-account"):
        (PAM / name).unlink()
    refused(alice, "protect", "openvpn", because="/etc/pam.d has neither common-auth nor system-auth")


def test_machine_without_sshd_is_refused(alice):
    """Mounts a layer over /usr/sbin without sshd."""
    layer = pathlib.Path("/run/pam_otp-tests/no-sshd")
    for name in ("upper", "work"):
        (layer / name).mkdir(parents=True)
    os.mknod(layer / "upper/sshd", stat.S_IFCHR, 0)
    subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir=/usr/sbin,upperdir={layer}/upper,workdir={layer}/work", "no-sshd",
                    "/usr/sbin"], check=True)
    try:
        refused(alice, "protect", "sshd", because="there is no sshd on this machine")
    finally:
        subprocess.run(["umount", "/usr/sbin"], check=True)
        shutil.rmtree(layer)


def test_machine_without_namespaces_for_the_trial_is_refused(alice):
    """As in a container that may mount nothing."""
    before = everything()
    talk = Talk(alice, "protect", "sudo", wrapped=["/usr/bin/setpriv", "--bounding-set=-sys_admin"])
    assert talk.end() == 2 and "cannot be tried before they are in place" in talk.screen, talk.screen
    assert everything() == before and "Password" not in talk.screen


def test_change_without_a_guard_process_is_refused(alice):
    KEPT.mkdir(mode=0o700)
    with open(KEPT / "guard", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        before = everything()
        talk = Talk(alice, "protect", "sudo")
        talk.log_in()
        assert talk.end() == 2 and "the process that would undo the change could not be started" in talk.screen, talk.screen
    assert everything() == before and not (KEPT / "pending.json").exists()


def test_module_that_admits_without_a_code_is_refused(alice, installed):
    """Whatever the lines say, the trial must use up a code of the administrator's."""
    aside = installed.with_name("aside.so")
    installed.rename(aside)
    shutil.copy(installed.with_name("pam_permit.so"), installed)
    before = everything()
    try:
        talk = Talk(alice, "protect", "sudo")
        talk.until("Password: ")
        talk.answer(alice.password)
        assert talk.end() == 1 and "no code was checked; nothing was changed" in talk.screen, talk.screen
    finally:
        aside.rename(installed)
    assert everything() == before


def test_continued_line_is_refused(alice):
    write("sudo", "auth required \\\n pam_env.so\n" + COMMON)
    refused(alice, "protect", "sudo", because="/etc/pam.d/sudo, line 1: not a line that can be read")


def test_line_that_admits_before_the_code_is_refused(alice):
    write("sudo", "auth sufficient pam_succeed_if.so user ingroup wheel\n" + COMMON)
    refused(alice, "protect", "sudo", because="/etc/pam.d/sudo, line 1: lets people in before a code")


def test_common_file_that_admits_before_the_code_is_refused(alice):
    write("common-auth", "auth sufficient pam_unix.so\nauth requisite pam_deny.so\n")
    refused(alice, "protect", "sudo", because="/etc/pam.d/common-auth, line 1: lets people in before a code")


def test_common_file_after_which_the_code_alone_would_admit_is_refused(alice):
    """Only a walk through all lines finds that a wrong password has no effect here."""
    write("common-auth", "auth optional pam_unix.so\nauth required pam_permit.so\n")
    before = everything()
    talk = Talk(alice, "protect", "sudo")
    assert talk.end() == 1 and "with the lines of pam_otp, sudo would not be safe" in talk.screen, talk.screen
    assert "Password" not in talk.screen and everything() == before


def test_line_of_ours_with_an_argument_is_refused(alice):
    write("sudo", COMMON + "auth required pam_otp.so nullok\n")
    refused(alice, "protect", "sudo", because="/etc/pam.d/sudo, line 2: a line of pam_otp that 'otp-admin protect' did not write")
    refused(alice, "unprotect", "sudo", because="/etc/pam.d/sudo, line 2: a line of pam_otp that 'otp-admin protect' did not write")


def test_profile_of_pam_auth_update_is_refused(alice):
    profile = "auth [success=1 default=ignore] pam_succeed_if.so quiet service in otp-enroll:otp-portal\nauth required pam_otp.so\n"
    write("common-auth", SHIPPED["common-auth"] + profile)
    refused(alice, "protect", "sudo", because="sudo asks for a code already, by a line in /etc/pam.d/common-auth")
    refused(alice, "unprotect", "sudo", because="sudo asks for a code already, by a line in /etc/pam.d/common-auth")


def test_profile_of_authselect_is_refused(alice):
    write("system-auth", "auth required pam_unix.so\nauth required pam_otp.so\n")
    write("sudo", "auth include system-auth\naccount include system-auth\n")
    refused(alice, "protect", "sudo", because="sudo asks for a code already, by a line in /etc/pam.d/system-auth")


def test_link_is_refused(alice):
    (PAM / "sudo").rename(PAM / "elsewhere")
    (PAM / "sudo").symlink_to("elsewhere")
    refused(alice, "protect", "sudo", because="/etc/pam.d/sudo: is a link")


def test_file_that_others_can_write_is_refused(alice):
    (PAM / "sudo").chmod(0o666)
    done = run(alice, "protect", "sudo")
    assert done.returncode == 2 and "/etc/pam.d/sudo: " in done.stderr and "hint: " in done.stderr, done


def test_missing_module_is_refused(alice, installed):
    aside = installed.with_name("aside.so")
    installed.rename(aside)
    try:
        refused(alice, "protect", "sudo", because="pam_otp.so is not where PAM takes its modules from")
    finally:
        aside.rename(installed)


def test_unusable_policy_is_refused(alice, policy):
    policy("[lockout]\nfailures = 0\n")
    before = everything()
    done = run(alice, "protect", "sudo")
    assert done.returncode == 2 and "failures must be 1 to 100" in done.stderr, done
    assert everything() == before


def test_administrator_without_an_authenticator_whom_the_policy_would_refuse_is_refused(bobby):
    refused(bobby, "protect", "sudo", because=f"{bobby.name}, who runs this, has no authenticator")


def test_administrator_whom_the_policy_excuses_logs_in_without_a_code(bobby, policy):
    policy("[enforce]\ngroups = []\n")
    talk = Talk(bobby, "protect", "sudo")
    talk.until("Password: ")
    talk.answer(bobby.password)
    talk.until('Type "keep" to keep it: ')
    talk.answer("keep")
    assert talk.end() == 0, talk.screen


def test_locked_administrator_is_refused(alice, ssh, protect, password_then_code, shipped):
    (PAM / "sshd").write_text(f"auth required pam_unix.so nodelay\n{LINE}\naccount required pam_unix.so\n")
    fail(ssh, alice, 5)
    (PAM / "sshd").write_text(SHIPPED["sshd"])
    refused(alice, "protect", "sudo", because=f"{alice.name}, who runs this, is locked or disabled")


def test_command_without_a_terminal_is_refused(alice):
    refused(alice, "protect", "sudo", because="there is no terminal at which a login could be tried")


def test_caller_other_than_root_is_refused(alice):
    done = self_service.subprocess.run(
        alice.running(str(self_service.BINARIES / "otp-admin"), "protect", "sudo"), capture_output=True, text=True,
        stdin=self_service.subprocess.DEVNULL)
    assert done.returncode == 1 and "only root may do this" in done.stderr, done


def test_helper_that_cannot_be_started_is_refused(alice, under_test):
    helper = pathlib.Path(under_test.helper)
    aside = helper.with_name("aside")
    helper.rename(aside)
    try:
        before = everything()
        talk = Talk(alice, "protect", "sudo")
        assert talk.end() == 2 and "the records cannot be reached" in talk.screen, talk.screen
        assert everything() == before
    finally:
        aside.rename(helper)


def test_configuration_that_sshd_rejects_is_refused(alice):
    config = pathlib.Path("/etc/ssh/sshd_config")
    text = config.read_text()
    config.write_text(text + "NoSuchKeyword yes\n")
    try:
        refused(alice, "protect", "sshd", because="sshd does not accept its configuration: ")
    finally:
        config.write_text(text)


def test_sshd_kept_at_passwords_by_an_earlier_line_is_refused(alice):
    config = pathlib.Path("/etc/ssh/sshd_config")
    text = config.read_text()
    config.write_text("PasswordAuthentication yes\n" + text)
    before = everything()
    try:
        talk = Talk(alice, "protect", "sshd")
        assert talk.end() == 1, talk.screen
        assert "sshd would still have PasswordAuthentication yes, and not no" in talk.screen, talk.screen
        assert everything() == before
    finally:
        config.write_text(text)


def test_drop_in_with_other_content_is_refused(alice):
    DROP_IN.write_text("PasswordAuthentication yes\n")
    refused(alice, "protect", "sshd", because=f"{DROP_IN}: exists already, with other contents")


def test_drop_in_with_the_same_content_stays_unchanged(alice):
    text = "# mine\nUsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\nLoginGraceTime 600\n"
    DROP_IN.write_text(text)
    protect(alice, "sshd")
    assert DROP_IN.read_text() == text
    done = run(alice, "unprotect", "sshd")
    assert done.returncode == 0 and f"{DROP_IN} stays" in done.stdout, done
    assert DROP_IN.read_text() == text and (PAM / "sshd").read_text() == SHIPPED["sshd"]


def test_file_changed_after_the_difference_was_shown_is_refused(alice):
    talk = Talk(alice, "protect", "sudo")
    talk.until("Password: ")
    (PAM / "sudo").write_text(SHIPPED["sudo"] + "# theirs\n")
    talk.answer(alice.password)
    talk.until("Verification code: ")
    talk.answer(alice.codes.now())
    assert talk.end() == 1 and "/etc/pam.d/sudo: was changed in the meantime" in talk.screen, talk.screen
    assert (PAM / "sudo").read_text() == SHIPPED["sudo"] + "# theirs\n" and (PAM / "sudo-i").read_text() == SHIPPED["sudo-i"]


def test_directory_of_copies_that_others_may_enter_is_refused(alice):
    KEPT.mkdir(mode=0o755)
    before = everything()
    done = run(alice, "protect", "sudo")
    assert done.returncode == 2 and "is not a directory of root's alone" in done.stderr, done
    assert everything() == before


# ---------------------------------------------------------------------------------------------------------- unprotect


@pytest.mark.parametrize("service", ["sshd", "sudo", "su", "login"])
def test_unprotect_keeps_what_was_there_before(alice, service):
    before = everything()
    protect(alice, service)
    dry = run(alice, "unprotect", service, "--dry-run")
    assert dry.returncode == 0 and f"-{LINE}" in dry.stdout and everything() != before, dry
    done = run(alice, "unprotect", service)
    assert done.returncode == 0 and done.stdout.endswith(f"{service} asks for no code from now on\n"), done
    assert everything() == before
    again = run(alice, "unprotect", service)
    assert (again.returncode, again.stdout) == (0, f"{service} is not protected; nothing was changed\n")


def test_unprotect_removes_the_lines_that_the_readme_recommends(alice):
    write("sudo", SHIPPED["sudo"].replace(COMMON, COMMON + "auth required pam_otp.so\n"))
    assert run(alice, "unprotect", "sudo").returncode == 0
    assert (PAM / "sudo").read_text() == SHIPPED["sudo"]


def test_unprotect_does_not_admit_everybody(alice):
    write("sshd", SHIPPED["sshd"].replace(COMMON, f"#{COMMON}{LINE}\n"))
    refused(alice, "unprotect", "sshd", because="nothing in sshd would find out who logs in")


def test_unprotect_restores_nothing_unknown(alice):
    write("i3lock", f"{LINE} split\nauth requisite pam_unix.so try_first_pass\n{LINE}\n")
    refused(alice, "unprotect", "i3lock", because="/etc/pam.d/i3lock, line 1: it is not known which line stood there before")
