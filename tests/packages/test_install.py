"""packaging/install, for administrators who build from source."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
FILES = """
/etc/pam.d/otp-enroll
/etc/security/pam_otp.conf
/usr/lib/ARCHITECTURE/security/pam_otp.so
/usr/libexec/pam_otp/forget-gone
/usr/libexec/pam_otp/otp-fleet
/usr/libexec/pam_otp/otp-helper
/usr/libexec/pam_otp/otp-mail
/usr/libexec/pam_otp/otp-notify
/usr/local/bin/otp-enroll
/usr/local/lib/systemd/system/otp-notify.path
/usr/local/lib/systemd/system/otp-notify.service
/usr/local/lib/systemd/system/otp-notify.timer
/usr/local/lib/systemd/system/pam_otp-seal.service
/usr/local/lib/systemd/system/polkit-agent-helper@.service.d/pam_otp.conf
/usr/local/sbin/otp-admin
/usr/local/share/man/ko/man1/otp-enroll.1
/usr/local/share/man/man1/otp-enroll.1
/usr/local/share/man/man5/pam_otp-format.5
/usr/local/share/man/man5/pam_otp.conf.5
/usr/local/share/man/man7/pam_otp-apps.7
/usr/local/share/man/man7/pam_otp-fleet.7
/usr/local/share/man/man7/pam_otp-programs.7
/usr/local/share/man/man7/pam_otp-seal.7
/usr/local/share/man/man7/pam_otp-setup.7
/usr/local/share/man/man7/pam_otp-trouble.7
/usr/local/share/man/man8/otp-admin.8
/usr/local/share/man/man8/otp-notify.8
/usr/local/share/man/man8/pam_otp.8
"""


VERIFIER_FILES = """
/etc/security/pam_otp-verifier.conf
/usr/libexec/pam_otp/otp-fleet-admin
/usr/local/lib/systemd/system/otp-verifier-notify.path
/usr/local/lib/systemd/system/otp-verifier-notify.service
/usr/local/lib/systemd/system/otp-verifier-notify.timer
/usr/local/lib/systemd/system/otp-verifier.service
/usr/local/sbin/otp-verifier
/usr/local/share/man/man8/otp-verifier.8
"""


@pytest.fixture
def install(tmp_path):
    """`install(ARGUMENTS...)` below a directory of the test's own."""

    def run(*arguments, status=0):
        done = subprocess.run(
            ["packaging/install", *arguments], cwd=TOP, env={**os.environ, "DESTDIR": str(tmp_path)}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    return run


def files(place):
    return sorted(f"/{path.relative_to(place)}" for path in place.rglob("*") if path.is_file())


def test_every_file_is_installed_in_its_place(install, tmp_path):
    install()
    asked = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True)
    assert files(tmp_path) == FILES.replace("ARCHITECTURE", asked.stdout.strip()).split()


def test_the_hooks_of_useradd_lead_to_a_program_that_selinux_lets_it_run(install, tmp_path):
    install()
    for when in ("useradd-pre.d", "userdel-post.d"):
        hook = tmp_path / "etc/shadow-maint" / when / "pam-otp"
        assert os.readlink(hook) == "/usr/libexec/pam_otp/forget-gone"
    assert (tmp_path / "usr/libexec/pam_otp/forget-gone").stat().st_mode & 0o777 == 0o755


def test_installing_again_keeps_policy_and_service(install, tmp_path):
    install()
    kept = [tmp_path / "etc/security/pam_otp.conf", tmp_path / "etc/pam.d/otp-enroll"]
    for path in kept:
        path.write_text("# ours\n")
    install()
    assert [path.read_text() for path in kept] == ["# ours\n"] * 2


def test_uninstalling_keeps_policy_service_and_records_unless_purging(install, tmp_path):
    install()
    (tmp_path / "var/lib/pam_otp/alice").mkdir(parents=True)
    (tmp_path / "var/lib/pam_otp/alice/state").touch()
    (tmp_path / "etc/security/pam_otp.enrolled").touch()
    said = install("--uninstall")
    left = ["/etc/pam.d/otp-enroll", "/etc/security/pam_otp.conf", "/etc/security/pam_otp.enrolled",
            "/var/lib/pam_otp/alice/state"]
    assert files(tmp_path) == left
    assert not (tmp_path / "usr/local/share/man/ko").exists()
    assert "/var/lib/pam_otp /etc/security/pam_otp.conf /etc/pam.d/otp-enroll" in said
    install("--uninstall", "--purge")
    assert files(tmp_path) == []


@pytest.mark.parametrize("arguments", [(), ("--uninstall",)], ids=["installed again", "uninstalled"])
def test_another_name_of_the_old_helper_keeps_no_group(install, tmp_path, arguments):
    """A user who may write in a directory of the same file system can link the helper there, without owning it."""
    install()
    helper, kept = tmp_path / "usr/libexec/pam_otp/otp-helper", tmp_path / "kept"
    helper.chmod(0o2755)
    os.link(helper, kept)
    install(*arguments)
    assert kept.stat().st_mode & 0o7777 == 0o755
    assert kept.stat().st_nlink == 1, "it has no other name left"


def test_purging_removes_the_records_behind_a_link_and_no_other_files(install, tmp_path):
    install()
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "var/lib/pam_otp"
    for user, name in (("alice", "credential.toml"), ("bobby", "first-login"), ("others", "file")):
        (elsewhere / user).mkdir(parents=True)
        (elsewhere / user / name).touch()
    elsewhere.chmod(0o2770)
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    install("--uninstall", "--purge")
    assert files(tmp_path) == ["/elsewhere/others/file"]
    assert elsewhere.stat().st_mode & 0o2070 == 0 and not link.is_symlink()


def test_the_installation_stays_while_a_service_names_the_module(install, tmp_path):
    install()
    (tmp_path / "etc/pam.d/sshd").write_text("auth required pam_otp.so\n")
    before = files(tmp_path)
    assert "/etc/pam.d/sshd" in install("--uninstall", "--purge", status=1)
    assert files(tmp_path) == before


def test_a_verifier_is_installed_beside_the_rest_and_goes_alone(install, tmp_path):
    install()
    before = files(tmp_path)
    install("--verifier")
    assert files(tmp_path) == sorted(before + VERIFIER_FILES.split())
    unit = (tmp_path / "usr/local/lib/systemd/system/otp-verifier.service").read_text()
    assert "\nExecStart=/usr/local/sbin/otp-verifier\n" in unit
    install("--uninstall")
    assert (tmp_path / "usr/libexec/pam_otp/otp-fleet-admin").exists()
    install("--verifier", "--uninstall")
    left = ["/etc/pam.d/otp-enroll", "/etc/security/pam_otp-verifier.conf", "/etc/security/pam_otp.conf"]
    assert files(tmp_path) == left


def test_a_verifiers_configuration_and_mark_stay_unless_purging(install, tmp_path):
    install("--verifier")
    policy, seen = tmp_path / "etc/security/pam_otp-verifier.conf", tmp_path / "var/lib/pam_otp-verifier/seen"
    seen.parent.mkdir(parents=True)
    seen.touch()
    policy.write_text("# ours\n")
    install("--verifier")
    assert policy.read_text() == "# ours\n"
    assert "/var/lib/pam_otp-verifier /etc/security/pam_otp-verifier.conf" in install("--verifier", "--uninstall")
    assert files(tmp_path) == ["/etc/security/pam_otp-verifier.conf", "/var/lib/pam_otp-verifier/seen"]
    install("--verifier", "--uninstall", "--purge")
    assert files(tmp_path) == []
