"""Whatever users put where their own file should be: it is read with their rights if it is a regular file of their own, and
otherwise not at all.

Nothing of it is ever changed, printed or waited for.
"""

import os
import pathlib
import pwd
import subprocess
import threading

import pytest

import accounts
import under_test
from peers import OldKey

pytestmark = pytest.mark.promised_by("ours")

FILE = '" DISALLOW_REUSE\n" TOTP_AUTH\n'


@pytest.fixture
def home(moving, key):
    return Home(moving, key)


class Home:
    def __init__(self, moving, key):
        self.moving = moving
        self.key = key
        self.text = f"{key.base32}\n{FILE}"
        self.file = pathlib.Path(moving.google_file)
        self.entry = pwd.getpwnam(moving.account.name)

    def own(self, path):
        os.lchown(path, self.entry.pw_uid, self.entry.pw_gid)

    def write(self, path=None, mode=0o600):
        path = path or self.file
        path.write_text(self.text)
        path.chmod(mode)
        self.own(path)

    def refused(self, *arguments):
        """Asserts that nothing is imported and no content is printed; returns the reason."""
        report = self.moving.import_("google-authenticator", "~/.google_authenticator", "--user", self.moving.account.name,
                                     *arguments, status=1)
        (left,) = report["left"]
        assert left["id"] == "file" and not report["imported"], report
        assert self.key.base32 not in str(report)
        assert not (self.moving.ours.state_directory / self.moving.account.name).exists()
        return left["text"]

    def imported(self, *command):
        words = [*command, under_test.BINARIES / "otp-admin", "import", "google-authenticator", "~/.google_authenticator",
                 "--user", self.moving.account.name]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "users imported: 1" in done.stdout


def test_link_to_a_file_that_only_root_can_read_is_not_followed(home):
    home.file.symlink_to("/etc/shadow")
    home.own(home.file)
    assert "symbolic link" in home.refused()


def test_link_to_another_users_file_is_not_followed(home, clock):
    other = accounts.create("carol")
    other.write_private_file(f"{other.home}/.google_authenticator", home.text)
    home.file.symlink_to(f"{other.home}/.google_authenticator")
    assert "symbolic link" in home.refused()


def test_link_in_the_path_leads_no_further_than_the_user_may_go(home, clock):
    """The link leads to a file in another user's home, which nobody else may enter."""
    other = accounts.create("carol")
    other.write_private_file(f"{other.home}/secret/.google_authenticator", home.text)
    os.chmod(other.home, 0o700)
    home.file.parent.rename(home.file.parent.with_name("moved"))
    home.file.parent.symlink_to(f"{other.home}/secret")
    try:
        said = home.refused()
        assert "ermission denied" in said or "os error 2" in said or "not found" in said, said
    finally:
        home.file.parent.unlink()
        home.file.parent.with_name("moved").rename(home.file.parent)


def test_another_users_file_under_a_second_name_is_not_imported(home, clock):
    other = accounts.create("carol")
    other.write_private_file(f"{other.home}/.google_authenticator", home.text)
    os.link(f"{other.home}/.google_authenticator", home.file)
    said = home.refused()
    assert "is owned by user id" in said or "ermission denied" in said, said


def test_second_name_of_the_users_own_file_does_no_harm(home):
    home.write()
    os.link(home.file, home.file.with_name("other"))
    home.imported()


def test_pipe_delays_nobody(home):
    os.mkfifo(home.file, 0o600)
    home.own(home.file)
    assert "not a regular file" in home.refused()


def test_device_is_not_opened(home):
    os.mknod(home.file, 0o600 | 0o020000, os.makedev(1, 5))
    home.own(home.file)
    assert "not a regular file" in home.refused()


def test_directory_is_not_a_file(home):
    home.file.mkdir(mode=0o700)
    home.own(home.file)
    assert "not a regular file" in home.refused()


def test_huge_file_is_not_read(home):
    home.write()
    os.truncate(home.file, 1 << 40)
    assert "larger than 65536 bytes" in home.refused()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_file_that_others_can_read_or_write_is_not_trusted(home, mode):
    home.write(mode=mode)
    assert f"has mode {mode:04o}" in home.refused()


def test_file_of_roots_in_a_home_is_not_imported(home):
    home.file.write_text(home.text)
    home.file.chmod(0o644)
    assert "is owned by user id 0" in home.refused()


def test_home_that_even_root_may_not_enter_is_read_with_the_users_rights(home):
    """As on a file server that treats root as nobody."""
    home.write()
    os.chmod(home.file.parent, 0o700)
    lost = "-dac_override,-dac_read_search,-fowner"
    home.imported("/usr/bin/setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}", "--")


def test_directory_swapped_meanwhile_yields_only_the_users_own_key(home, clock):
    """The home alternates between the user's own and a link to another user's: the user's own key is imported, or nothing."""
    other = accounts.create("carol")
    hers = OldKey(clock)
    other.write_private_file(f"{other.home}/.google_authenticator", f"{hers.base32}\n{FILE}")
    home.write()
    where, aside = home.file.parent, home.file.parent.with_name(f"{home.moving.account.name}.aside")
    stop = threading.Event()

    def exchange():
        while not stop.is_set():
            where.rename(aside)
            where.symlink_to(other.home)
            where.unlink()
            aside.rename(where)

    thread = threading.Thread(target=exchange)
    thread.start()
    record = home.moving.ours.state_directory / home.moving.account.name / "credential.toml"
    try:
        for _ in range(60):
            done = subprocess.run(
                [under_test.BINARIES / "otp-admin", "import", "google-authenticator", "~/.google_authenticator", "--user",
                 home.moving.account.name], capture_output=True, text=True, stdin=subprocess.DEVNULL)
            assert done.returncode in (0, 1), done.stderr
            if record.exists():
                kept = record.read_text()
                own, others = home.key.base32 in kept, hers.base32 in kept
                assert own and not others
                home.moving.ours.reset(home.moving.account)
    finally:
        stop.set()
        thread.join()
    home.imported()
    home.moving.by_ours()
    assert not home.moving.admits(hers.now())
    assert home.moving.admits(home.key.now())


def test_old_file_stays_unchanged_to_the_last_byte(home):
    home.write()
    before = os.stat(home.file)
    home.imported()
    after = os.stat(home.file)
    for what in ("st_ino", "st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns"):
        assert getattr(before, what) == getattr(after, what), what
    assert home.file.read_text() == home.text
    assert os.listdir(home.file.parent).count(".google_authenticator") == 1
