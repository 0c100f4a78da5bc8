"""otp-admin protect: from then on a service asks for a code, as real logins show; and whatever goes wrong undoes itself."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import pytest

import doors
import sshd
from clock import wait_until
from protecting import (  # noqa: F401 (fixtures)
    DROP_IN, KEEP, KEPT, LINE, MARK, PAM, SHIPPED, MachinesSshd, Talk, everything, guards, installed, protect, run, shipped,
    wait_until_undone,
)

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture(autouse=True)
def as_shipped(shipped):
    pass


@pytest.fixture
def own_sshd():
    with MachinesSshd() as running:
        yield doors.Ssh(running, sshd.HOST)


def listens(ssh):
    with socket.socket() as client:
        return client.connect_ex((ssh.host, int(ssh._options[1]))) == 0


def with_line(name):
    """The shipped service file with our line below the one for the password."""
    common = "@include common-auth\n"
    assert SHIPPED[name].count(common) == 1
    return SHIPPED[name].replace(common, f"{common}{MARK}\n{LINE}\n")


def events(journal, account, verb):
    lines = [line for line in journal.lines() if "otp.protect " in line and f'user="{account.name}"' in line]
    return [line for line in lines if f'verb="{verb}"' in line]


# --------------------------------------------------------------------------------------------------------- all the way


def test_protected_sshd_asks_for_password_and_code_in_a_real_login(alice, bobby, own_sshd, clock, journal):
    talk = protect(alice, "sshd")
    assert (PAM / "sshd").read_text() == with_line("sshd")
    assert DROP_IN.read_text().splitlines()[1:] == ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no"]
    assert "+" + LINE in talk.screen and "+PasswordAuthentication no" in talk.screen
    assert "sshd has been reloaded" in talk.screen
    # sshd restarts, and is away for a moment.
    wait_until(lambda: listens(own_sshd), "sshd that listens again")
    clock.advance(30)
    outcome = own_sshd.attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and outcome.prompts == ["Password: ", "Verification code: "]
    clock.advance(30)
    assert own_sshd.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert own_sshd.attempt(bobby, bobby.password, "123456").refused
    assert len(events(journal, alice, "protect")) == 1


def test_protects_sshd_that_does_not_run_and_whose_directory_is_missing(alice):
    """As on machines where systemd starts an sshd for each connection."""
    directory = pathlib.Path("/run/sshd")
    directory.rmdir()
    try:
        assert "Reload sshd now" in " ".join(protect(alice, "sshd").screen.split())
    finally:
        directory.mkdir(exist_ok=True)


def test_sshd_asks_only_for_the_password_before_it_is_protected(alice, own_sshd):
    """Proves that the change makes the difference: Debian's configuration has no keyboard-interactive."""
    by_password = doors.Ssh(type("Server", (), {"port": own_sshd._options[1], "known_hosts": next(
        one.partition("=")[2] for one in own_sshd._options if one.startswith("UserKnownHostsFile="))}), sshd.HOST, methods="password")
    outcome = by_password.attempt(alice, alice.password, prompts=[f"{alice.name}@{sshd.HOST}'s password: "])
    assert outcome.admitted


def test_protected_sudo_asks_for_password_and_code(alice, every_door, clock):
    protect(alice, "sudo")
    assert (PAM / "sudo").read_text() == with_line("sudo") and (PAM / "sudo-i").read_text() == with_line("sudo-i")
    clock.advance(30)
    outcome = every_door["sudo"].attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and "Verification code: " in outcome.prompts
    clock.advance(30)
    assert every_door["sudo"].attempt(alice, alice.password, alice.codes.wrong()).refused


def test_protected_su_asks_for_password_and_code_and_its_trial_does_not_run_as_root(alice, every_door, clock):
    """pam_rootok admits root at once, so the trial runs as the program does, with the user's real id."""
    protect(alice, "su")
    assert (PAM / "su").read_text() == with_line("su")
    clock.advance(30)
    outcome = every_door["su"].attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and outcome.prompts == ["Password: ", "Verification code: "]


@pytest.fixture
def vendors():
    """polkit's own service file; on a machine without polkit, the file that polkit would ship."""
    vendors = pathlib.Path("/usr/lib/pam.d/polkit-1")
    if vendors.exists():
        yield vendors
        return
    with tempfile.TemporaryDirectory(dir="/run") as place:
        layer = pathlib.Path(place, "layer", "pam.d")
        layer.mkdir(parents=True)
        pathlib.Path(place, "work").mkdir()
        (layer / "polkit-1").write_text("@include common-auth\n@include common-account\n@include common-session\n")
        # Mounts of the tests there, such as our module, must stay visible.
        mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        below = [one for one in mounts if one.startswith("/usr/lib/")]
        for at, one in enumerate(below):
            kept = pathlib.Path(place, f"kept.{at}")
            kept.mkdir() if os.path.isdir(one) else kept.touch()
            subprocess.run(["mount", "--bind", one, kept], check=True)
        options = f"lowerdir=/usr/lib,upperdir={place}/layer,workdir={place}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", "/usr/lib"], check=True)
        for at, one in enumerate(below):
            subprocess.run(["mount", "--move", f"{place}/kept.{at}", one], check=True)
        try:
            yield vendors
        finally:
            subprocess.run(["umount", "--recursive", "--lazy", "/usr/lib"], check=True)


def test_polkits_file_is_copied_first(alice, vendors):
    talk = protect(alice, "polkit")
    text = (PAM / "polkit-1").read_text()
    assert text.startswith(f"# otp-admin protect: a copy of {vendors}\n") and LINE in text
    assert "Later versions of that file have no effect" in " ".join(talk.screen.split())
    assert run(alice, "unprotect", "polkit-1").returncode == 0
    assert not (PAM / "polkit-1").exists()


def test_second_time_changes_nothing_and_is_no_error(alice):
    protect(alice, "sudo")
    before = everything()
    done = run(alice, "protect", "sudo")
    assert (done.returncode, done.stdout) == (0, "sudo is protected already; nothing was changed\n"), done
    assert everything() == before


def test_bypassed_line_is_not_reported_as_protected(alice):
    path = PAM / "login"
    path.write_text(f"auth sufficient pam_succeed_if.so user = {alice.name}\n@include common-auth\n{LINE}\n@include common-account\n")
    before = everything()
    for words in (["protect", "login"], ["protect", "login", "--dry-run"]):
        done = run(alice, *words)
        assert done.returncode == 1 and "/etc/pam.d/login:1" in done.stderr and "protected already" not in done.stdout, done
    assert everything() == before


def test_dry_run_shows_the_difference_and_changes_nothing(alice, tmp_path):
    before = everything()
    done = run(alice, "protect", "sudo", "--dry-run")
    assert done.returncode == 0 and done.stdout.endswith("This was a dry run; nothing was changed.\n"), done
    assert everything() == before and not KEPT.exists()
    # The difference is the one that diff prints, so patch can apply it.
    for name in ("sudo", "sudo-i"):
        (tmp_path / name).write_text(with_line(name))
        ours = done.stdout.partition(f"+++ /etc/pam.d/{name}\n")[2].partition("--- ")[0].partition("This was")[0]
        theirs = subprocess.run(["diff", "-u", PAM / name, tmp_path / name], capture_output=True, text=True).stdout
        assert ours.splitlines() == theirs.splitlines()[2:]


def test_owner_mode_and_access_list_are_kept(alice):
    path = PAM / "sudo"
    path.chmod(0o640)
    os.chown(path, 0, 42)
    subprocess.run(["setfacl", "-m", "u:daemon:r", path], check=True)
    acl = subprocess.run(["getfacl", "--omit-header", path], capture_output=True, text=True, check=True).stdout
    protect(alice, "sudo")
    status = path.stat()
    assert (status.st_mode & 0o777, status.st_uid, status.st_gid) == (0o640, 0, 42)
    assert subprocess.run(["getfacl", "--omit-header", path], capture_output=True, text=True, check=True).stdout == acl
    path.write_text(SHIPPED["sudo"])
    subprocess.run(["setfacl", "-b", path], check=True)
    path.chmod(0o644)
    os.chown(path, 0, 0)


def test_copies_are_kept_where_only_root_can_read_them(alice):
    protect(alice, "sshd")
    assert (KEPT / "before/sshd/etc/pam.d/sshd").read_text() == SHIPPED["sshd"]
    assert KEPT.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in KEPT.iterdir()) == ["before", "guard", "lock"]
    assert run(alice, "unprotect", "sshd").returncode == 0
    assert list((KEPT / "before").iterdir()) == []


# ------------------------------------------------------------------------------------------------------------ undoing


def test_trial_with_wrong_codes_changes_nothing(alice):
    before = everything()
    talk = Talk(alice, "protect", "sudo")
    for _ in range(3):
        talk.log_in(code=alice.codes.wrong())
    assert talk.end() == 1
    assert "was refused; nothing was changed" in talk.screen and "hint: " in talk.screen
    assert everything() == before and not guards()


def test_trial_with_a_wrong_password_changes_nothing(alice):
    before = everything()
    talk = Talk(alice, "protect", "sshd")
    for _ in range(3):
        talk.until("Password: ")
        talk.answer("not the password")
    assert talk.end() == 1, talk.screen
    assert everything() == before and not guards()


def test_nobody_else_sees_the_new_lines_during_the_trial(alice, bobby, every_door):
    before = everything()
    talk = Talk(alice, "protect", "su")
    talk.until("Password: ")
    assert everything() == before
    outcome = every_door["su"].attempt(bobby, bobby.password)
    assert outcome.admitted, "su still asks only for the password"
    talk.child.sendintr()
    assert talk.end() == 1
    assert everything() == before


def test_mounts_of_the_trial_reach_nobody_else(alice):
    """This holds where mounts are shared too, as under systemd."""
    talk = Talk(alice, "protect", "sudo", wrapped=["/usr/bin/unshare", "--mount", "--propagation", "shared"])
    talk.until("Password: ")
    mounts = pathlib.Path("/proc", str(talk.child.pid), "mountinfo").read_text()
    assert " shared:" in mounts and "pam_otp-trial" not in mounts
    threads = pathlib.Path("/proc", str(talk.child.pid), "task").glob("*/children")
    (helper,) = [child for thread in threads for child in thread.read_text().split()]
    assert "pam_otp-trial /etc/pam.d " in pathlib.Path("/proc", helper, "mounts").read_text()
    talk.child.sendintr()
    assert talk.end() == 1


@pytest.mark.parametrize("answer", ["", "no", "yes", "kee"])
def test_any_answer_but_keep_undoes(alice, answer, journal):
    before = everything()
    talk = Talk(alice, "protect", "sshd")
    talk.log_in()
    talk.until(KEEP)
    assert everything() != before
    talk.answer(answer)
    assert talk.end() == 1 and "everything is as it was before" in talk.screen, talk.screen
    assert everything() == before and not guards()
    assert len(events(journal, alice, "undo")) == 1 and not events(journal, alice, "protect")


def ctrl_c(talk):
    talk.child.sendintr()
    assert talk.end() == 1


def sigterm(talk):
    os.kill(talk.child.pid, signal.SIGTERM)
    assert talk.end() == 1


def terminal_lost(talk):
    assert talk.close_the_terminal() == 1


def killed(talk):
    talk.kill()


def guard_told_to_end(talk):
    """systemd ends all remaining processes of a session like this."""
    (guard,) = guards()
    os.kill(guard, signal.SIGTERM)
    assert talk.end() == 1


@pytest.mark.parametrize("leave", [ctrl_c, sigterm, terminal_lost, killed, guard_told_to_end])
def test_leaving_before_the_confirmation_undoes(alice, leave, own_sshd, journal):
    before = everything()
    talk = Talk(alice, "protect", "sshd")
    talk.log_in()
    talk.until(KEEP)
    leave(talk)
    wait_until_undone(before)
    assert events(journal, alice, "undo")
    assert not (KEPT / "pending.json").exists() and not (KEPT / "undoing.json").exists()


def test_guard_has_a_session_of_its_own_and_no_terminal(alice):
    talk = Talk(alice, "protect", "sudo")
    talk.log_in()
    talk.until(KEEP)
    (guard,) = guards()
    assert os.getsid(guard) == guard != os.getsid(talk.child.pid)
    terminal = pathlib.Path("/proc", str(guard), "stat").read_text().rpartition(")")[2].split()[4]
    assert terminal == "0"
    talk.answer("keep")
    assert talk.end() == 0 and not guards()


def test_hangup_of_all_processes_at_the_terminal_does_not_reach_the_guard(alice):
    before = everything()
    talk = Talk(alice, "protect", "sudo")
    talk.log_in()
    talk.until(KEEP)
    (guard,) = guards()
    os.kill(guard, signal.SIGHUP)
    talk.kill()
    wait_until_undone(before)


def test_no_answer_in_time_undoes(alice, journal):
    before = everything()
    talk = Talk(alice, "protect", "sudo", "--within", "5")
    talk.log_in()
    talk.until(KEEP)
    assert talk.end() == 1 and "time is up; everything is as it was before" in talk.screen, talk.screen
    assert everything() == before and not guards()
    assert len(events(journal, alice, "undo")) == 1


def test_change_of_a_stopped_process_is_undone_in_time(alice):
    before = everything()
    talk = Talk(alice, "protect", "sudo", "--within", "5")
    talk.log_in()
    talk.until(KEEP)
    os.kill(talk.child.pid, signal.SIGSTOP)
    wait_until_undone(before)
    os.kill(talk.child.pid, signal.SIGCONT)
    assert talk.end() == 1, talk.screen


def test_next_run_undoes_what_both_killed_processes_left(alice, clock):
    before = everything()
    talk = Talk(alice, "protect", "sudo")
    talk.log_in()
    talk.until(KEEP)
    (guard,) = guards()
    os.kill(talk.child.pid, signal.SIGSTOP)
    os.kill(guard, signal.SIGKILL)
    wait_until(lambda: not guards(), "end of the guard")
    talk.kill()
    assert everything() != before and (KEPT / "pending.json").exists()
    done = run(alice, "unprotect", "sudo")
    assert done.returncode == 0 and "An earlier change for sudo was never confirmed" in done.stdout, done
    assert everything() == before


def test_file_changed_by_others_meanwhile_is_not_overwritten(alice, journal):
    talk = Talk(alice, "protect", "sudo")
    talk.log_in()
    talk.until(KEEP)
    (PAM / "sudo").write_text(SHIPPED["sudo"] + "# theirs\n")
    talk.answer("no")
    assert talk.end() == 2 and "could not be undone" in talk.screen, talk.screen
    assert (PAM / "sudo").read_text() == SHIPPED["sudo"] + "# theirs\n"
    assert (PAM / "sudo-i").read_text() == SHIPPED["sudo-i"]
    assert 'reason="/etc/pam.d/sudo: somebody has changed it since' in events(journal, alice, "undo")[0]


def test_file_changed_by_others_does_not_hinder_the_next_run(alice, clock):
    """The next run has nothing left to undo."""
    talk = Talk(alice, "protect", "sudo")
    talk.log_in()
    talk.until(KEEP)
    (PAM / "sudo").write_text(SHIPPED["sudo"] + "# theirs\n")
    talk.answer("no")
    assert talk.end() == 2, talk.screen
    clock.advance(30)
    protect(alice, "su")


def test_sshd_keeps_its_drop_in_if_others_have_changed_the_service_file(alice, own_sshd, clock):
    """The service file still has our line: without the drop-in, sshd would send every password as the code too, and nobody
    could log in."""
    talk = Talk(alice, "protect", "sshd")
    talk.log_in()
    talk.until(KEEP)
    path = PAM / "sshd"
    path.write_text(path.read_text() + "# theirs\n")
    talk.answer("no")
    assert talk.end() == 2 and "could not be undone" in talk.screen, talk.screen
    assert DROP_IN.exists() and path.read_text().endswith("# theirs\n")
    clock.advance(30)
    assert own_sshd.attempt(alice, alice.password, alice.codes.now()).admitted


def test_undoing_works_without_the_guard(alice, journal):
    before = everything()
    talk = Talk(alice, "protect", "sshd")
    talk.log_in()
    talk.until(KEEP)
    (guard,) = guards()
    os.kill(guard, signal.SIGKILL)
    assert talk.end() == 1, talk.screen
    assert everything() == before and not guards()
    assert len(events(journal, alice, "undo")) == 1
    assert not (KEPT / "pending.json").exists() and not (KEPT / "undoing.json").exists()


# --------------------------------------------------------------------------------------------------------- two at once


def test_second_command_is_refused_while_the_first_runs(alice, carol):
    talk = Talk(alice, "protect", "sudo")
    talk.until("Password: ")
    done = run(carol, "protect", "su")
    assert done.returncode == 1 and "another otp-admin" in done.stderr, done
    done = run(carol, "unprotect", "sudo")
    assert done.returncode == 1 and "another otp-admin" in done.stderr, done
    talk.child.sendintr()
    assert talk.end() == 1
