"""The record of a user whom shadow-utils renames, renumbers, removes or creates again; and the hook for this."""

import os
import pathlib
import pwd
import shutil
import subprocess

import pytest

import accounts
from under_test import BINARIES, Ours

pytestmark = pytest.mark.promised_by("ours")

HOOKS = [pathlib.Path("/etc/shadow-maint", directory, "pam-otp") for directory in ("userdel-post.d", "useradd-pre.d")]


def shadow(program, *arguments, status=0):
    """Runs a program of shadow-utils."""
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done


def make_again(account, uid, *arguments):
    """Creates a user with that name and user id, and the password of the test's account."""
    shadow("useradd", "--uid", uid, "--no-create-home", "--home-dir", account.home, "--shell", "/bin/sh", *arguments, account.name)
    subprocess.run(["chpasswd"], input=f"{account.name}:{account.password}\n", text=True, check=True, capture_output=True)


def uid_of(account):
    return pwd.getpwnam(account.name).pw_uid


def admin(*arguments, status=0):
    done = subprocess.run(
        [BINARIES / "otp-admin", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def record(account):
    return Ours.state_directory / account.name


@pytest.fixture
def hooks():
    """The hook, installed as the packages do, except that our programs are in another directory."""
    text = (BINARIES / "pam-otp").read_text().replace("/usr/sbin/otp-admin", str(BINARIES / "otp-admin"))
    for hook in HOOKS:
        hook.parent.mkdir(parents=True, exist_ok=True)
        hook.write_text(text)
        hook.chmod(0o755)
    yield
    shutil.rmtree("/etc/shadow-maint")


# ---------------------------------------------------------------------------------------------------------- renamed


def test_renamed_user_keeps_the_authenticator_once_the_record_is_moved(ssh, alice):
    carol = accounts.stranger("carol", alice.password)
    carol.codes, carol.home = alice.codes, alice.home
    shadow("usermod", "--login", carol.name, alice.name)
    assert ssh.attempt(carol, carol.password, carol.codes.now()).refused, "the record is still under the old name"
    assert f"otp-admin move {alice.name} NEW" in admin("list")
    assert f"otp-admin move {alice.name} NEW" in admin("show", alice.name, status=1)
    admin("move", alice.name, carol.name)
    assert not record(alice).exists()
    assert ssh.attempt(carol, carol.password, carol.codes.wrong()).refused
    assert ssh.attempt(carol, carol.password, carol.codes.now()).admitted
    assert alice.name not in admin("list")


def test_record_of_a_renamed_user_survives_a_new_user_with_the_old_name(ssh, alice):
    """Until it is moved the record is under the old name, and the hook of useradd checks whose it is."""
    carol = accounts.stranger("carol", alice.password)
    carol.codes, carol.home = alice.codes, alice.home
    shadow("usermod", "--login", carol.name, alice.name)
    shadow("useradd", "--no-create-home", "--no-user-group", alice.name)
    assert record(alice).exists()
    admin("move", alice.name, carol.name, "--force")
    assert ssh.attempt(carol, carol.password, carol.codes.now()).admitted


def test_move_keeps_the_count_of_failures(ssh, alice):
    carol = accounts.stranger("carol", alice.password)
    carol.codes, carol.home = alice.codes, alice.home
    for _ in range(4):
        assert ssh.attempt(alice, alice.password, alice.codes.wrong()).refused
    shadow("usermod", "--login", carol.name, alice.name)
    admin("move", alice.name, carol.name)
    assert ssh.attempt(carol, carol.password, carol.codes.wrong()).refused
    assert "locked until" in ssh.attempt(carol, carol.password, carol.codes.now()).messages


# -------------------------------------------------------------------------------------------------------- renumbered


def test_renumbered_user_is_refused_until_an_administrator_confirms_the_person(ssh, alice):
    accounts.give_another_number(alice)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    way_out = f"otp-admin move {alice.name} {alice.name} --force"
    assert way_out in admin("list") and way_out in admin("show", alice.name, status=2)
    said = admin("move", alice.name, alice.name, status=1)
    assert f"user id {uid_of(alice)}" in said and "--force" in said
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    admin("move", alice.name, alice.name, "--force")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
    assert "nothing was changed" in admin("move", alice.name, alice.name)


def test_user_created_again_with_another_number_inherits_nothing(ssh, alice):
    another = max(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid < 60000) + 1
    shadow("userdel", alice.name)
    make_again(alice, another)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused


def test_record_is_not_moved_to_another_person(alice, bobby):
    before = (record(alice) / "credential.toml").read_bytes()
    said = admin("move", alice.name, bobby.name, status=1)
    assert "another person" in said and "--force" in said
    assert (record(alice) / "credential.toml").read_bytes() == before and not record(bobby).exists()
    alias = accounts.alias_of(bobby)
    assert f"name '{bobby.name}' instead" in admin("move", alice.name, alias.name, "--force", status=1)
    assert "no user is called" in admin("move", alice.name, "nobody-here", "--force", status=1)


def test_record_moved_by_force_belongs_to_one_person_alone(ssh, alice, bobby):
    bobby.codes = alice.codes
    admin("move", alice.name, bobby.name, "--force")
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    assert ssh.attempt(bobby, bobby.password, bobby.codes.now()).admitted


# ----------------------------------------------------------------------------------------- removed and created again


def test_removed_user_leaves_no_record(alice, hooks, journal):
    shadow("userdel", alice.name)
    assert not record(alice).exists()
    (line,) = [line for line in journal.lines() if "otp.reset" in line and alice.name in line]
    assert 'by="userdel"' in line and "everything that was kept is removed" in line


def test_user_created_again_inherits_nothing(ssh, alice, hooks, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line("nullok"))
    number = uid_of(alice)
    shadow("userdel", alice.name)
    make_again(alice, number)
    assert ssh.attempt(alice, alice.password).admitted, "a new person has no authenticator"


def test_record_of_a_user_removed_by_hand_is_removed_when_the_name_is_given_again(ssh, alice, hooks, journal):
    """Taking a line out of /etc/passwd runs no hook; useradd does, before the new owner exists."""
    number, passwd = uid_of(alice), pathlib.Path("/etc/passwd")
    lines = passwd.read_text().splitlines(keepends=True)
    passwd.write_text("".join(line for line in lines if not line.startswith(f"{alice.name}:")))
    assert record(alice).exists() and f"otp-admin reset {alice.name}" in admin("list")
    for database in ("shadow", "group", "gshadow"):
        file = pathlib.Path("/etc", database)
        kept = [line for line in file.read_text().splitlines(keepends=True) if not line.startswith(f"{alice.name}:")]
        file.write_text("".join(kept))
    make_again(alice, number)
    assert not record(alice).exists()
    assert any("otp.reset" in line and 'by="useradd"' in line and alice.name in line for line in journal.lines())


def test_removing_an_alias_leaves_the_record_of_the_canonical_user(ssh, alice, hooks):
    alias = accounts.alias_of(alice)
    shadow("userdel", alias.name)
    assert ssh.attempt(alice, alice.password, alice.codes.wrong()).refused
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_creating_an_alias_leaves_the_record_of_the_canonical_user(ssh, alice, hooks):
    alias = accounts.alias_of(alice)
    assert ssh.attempt(alias, alias.password, alice.codes.now()).admitted


@pytest.mark.parametrize("program", ["adduser", "deluser"])
def test_debians_own_programs_run_the_hook(alice, hooks, program):
    if program == "deluser":
        shadow("/usr/sbin/deluser", "--quiet", alice.name)
        assert not record(alice).exists()
        return
    gone = record(alice).with_name("aside")
    record(alice).rename(gone)
    shadow("userdel", alice.name)
    gone.rename(record(alice))
    shadow(
        "/usr/sbin/adduser", "--quiet", "--disabled-password", "--gecos", "", "--home", alice.home, "--no-create-home", alice.name,
    )
    assert not record(alice).exists()


def test_users_of_another_root_are_not_those_of_this_one(ssh, alice, hooks, tmp_path):
    """With --prefix, shadow-utils changes files elsewhere, but still runs the hooks of this machine."""
    for name in ("passwd", "shadow", "group", "gshadow", "login.defs", "subuid", "subgid"):
        (tmp_path / "etc").mkdir(exist_ok=True)
        if pathlib.Path("/etc", name).exists():
            shutil.copy(pathlib.Path("/etc", name), tmp_path / "etc" / name)
    shadow("userdel", "--prefix", tmp_path, alice.name)
    assert record(alice).exists()
    shadow("useradd", "--prefix", tmp_path, "--no-create-home", alice.name)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_refused_useradd_changes_nothing(ssh, alice, hooks):
    shadow("useradd", alice.name, status=9)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_failing_hook_does_not_prevent_removing_and_creating_users(alice, hooks, journal):
    """A mistake in the policy makes each command of ours fail."""
    conf = pathlib.Path("/etc/security/pam_otp.conf")
    conf.write_text("mistake = 1\n")
    try:
        number = uid_of(alice)
        done = shadow("userdel", alice.name)
        assert "otp" not in done.stdout + done.stderr
        make_again(alice, number)
    finally:
        conf.unlink()
    lines = [line for line in journal.lines() if "otp.reset" in line and alice.name in line]
    assert len(lines) == 2 and all("not done" in line for line in lines)


def test_hook_is_silent_where_there_are_no_records(hooks, journal):
    before = len(journal.lines())
    done = shadow("useradd", "nothingkept")
    gone = shadow("userdel", "nothingkept")
    assert "otp" not in done.stdout + done.stderr + gone.stdout + gone.stderr
    assert not [line for line in journal.lines()[before:] if "otp.reset" in line]


def test_hook_left_without_our_programs_does_nothing(alice, hooks):
    """A package that is removed but not purged leaves its files below /etc."""
    for hook in HOOKS:
        hook.write_text(hook.read_text().replace(str(BINARIES), "/nowhere"))
    number = uid_of(alice)
    shadow("userdel", alice.name)
    make_again(alice, number)
    assert record(alice).exists()
