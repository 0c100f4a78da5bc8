"""The file pam-otp_*.deb, before it is installed."""

import gzip
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
OVERRIDES = TOP / "packaging/debian/lintian-overrides"

# Mode and path of every file, except for the directory that the architecture names.
CONTENTS = """
-rw-r--r-- ./etc/pam.d/otp-enroll
-rw-r--r-- ./etc/security/pam_otp.conf
lrwxrwxrwx ./etc/shadow-maint/useradd-pre.d/pam-otp -> /usr/libexec/pam_otp/forget-gone
lrwxrwxrwx ./etc/shadow-maint/userdel-post.d/pam-otp -> /usr/libexec/pam_otp/forget-gone
-rwxr-xr-x ./usr/bin/otp-enroll
-rw-r--r-- ./usr/lib/ARCHITECTURE/security/pam_otp.so
-rw-r--r-- ./usr/lib/systemd/system/otp-notify.path
-rw-r--r-- ./usr/lib/systemd/system/otp-notify.service
-rw-r--r-- ./usr/lib/systemd/system/otp-notify.timer
-rw-r--r-- ./usr/lib/systemd/system/pam_otp-seal.service
-rw-r--r-- ./usr/lib/systemd/system/polkit-agent-helper@.service.d/pam_otp.conf
-rw-r--r-- ./usr/lib/sysusers.d/pam-otp.conf
-rw-r--r-- ./usr/lib/tmpfiles.d/pam-otp.conf
-rwxr-xr-x ./usr/libexec/pam_otp/forget-gone
-rwxr-xr-x ./usr/libexec/pam_otp/in-use
-rwxr-xr-x ./usr/libexec/pam_otp/otp-fleet
-rwxr-xr-x ./usr/libexec/pam_otp/otp-helper
-rwxr-xr-x ./usr/libexec/pam_otp/otp-mail
-rwxr-xr-x ./usr/libexec/pam_otp/otp-notify
-rwxr-xr-x ./usr/libexec/pam_otp/permissions
-rwxr-xr-x ./usr/sbin/otp-admin
-rw-r--r-- ./usr/share/bash-completion/completions/otp-admin
-rw-r--r-- ./usr/share/bash-completion/completions/otp-enroll
-rw-r--r-- ./usr/share/doc/pam-otp/README.ko.md
-rw-r--r-- ./usr/share/doc/pam-otp/README.md
-rw-r--r-- ./usr/share/doc/pam-otp/SECURITY.md
-rw-r--r-- ./usr/share/doc/pam-otp/THIRD-PARTY-LICENSES.txt.gz
-rw-r--r-- ./usr/share/doc/pam-otp/changelog.Debian.gz
-rw-r--r-- ./usr/share/doc/pam-otp/copyright
-rw-r--r-- ./usr/share/doc/pam-otp/examples/apparmor/pam_otp
-rw-r--r-- ./usr/share/doc/pam-otp/examples/apparmor/pam_otp_fleet
-rw-r--r-- ./usr/share/doc/pam-otp/examples/fail2ban/filter.d/pam_otp.conf
-rw-r--r-- ./usr/share/doc/pam-otp/examples/fail2ban/jail.d/pam_otp.conf
-rw-r--r-- ./usr/share/doc/pam-otp/examples/hooks/http
-rw-r--r-- ./usr/share/doc/pam-otp/examples/hooks/mail
-rw-r--r-- ./usr/share/doc/pam-otp/examples/mail/ldap-address
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/apache2
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/cockpit
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/dovecot
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/nginx
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/one-prompt
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/openvpn
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/openvpn-challenge
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/otp-enroll-debian
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/otp-enroll-fedora
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/radiusd
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/saslauthd
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/sshd-debian
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/sshd-fedora
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/sudo
-rw-r--r-- ./usr/share/doc/pam-otp/examples/pam.d/vsftpd
-rw-r--r-- ./usr/share/doc/pam-otp/examples/selinux/README.md
-rw-r--r-- ./usr/share/doc/pam-otp/examples/selinux/pam_otp.fc
-rw-r--r-- ./usr/share/doc/pam-otp/examples/selinux/pam_otp.if
-rw-r--r-- ./usr/share/doc/pam-otp/examples/selinux/pam_otp.te
-rw-r--r-- ./usr/share/doc/pam-otp/examples/selinux/pam_otp_port.cil
-rw-r--r-- ./usr/share/doc/pam-otp/pam-otp.cdx.json
-rw-r--r-- ./usr/share/fish/vendor_completions.d/otp-admin.fish
-rw-r--r-- ./usr/share/fish/vendor_completions.d/otp-enroll.fish
-rw-r--r-- ./usr/share/lintian/overrides/pam-otp
-rw-r--r-- ./usr/share/man/ko/man1/otp-enroll.1.gz
-rw-r--r-- ./usr/share/man/man1/otp-enroll.1.gz
-rw-r--r-- ./usr/share/man/man5/pam_otp-format.5.gz
-rw-r--r-- ./usr/share/man/man5/pam_otp.conf.5.gz
-rw-r--r-- ./usr/share/man/man7/pam_otp-apps.7.gz
-rw-r--r-- ./usr/share/man/man7/pam_otp-fleet.7.gz
-rw-r--r-- ./usr/share/man/man7/pam_otp-programs.7.gz
-rw-r--r-- ./usr/share/man/man7/pam_otp-seal.7.gz
-rw-r--r-- ./usr/share/man/man7/pam_otp-setup.7.gz
-rw-r--r-- ./usr/share/man/man7/pam_otp-trouble.7.gz
-rw-r--r-- ./usr/share/man/man8/otp-admin.8.gz
-rw-r--r-- ./usr/share/man/man8/otp-notify.8.gz
-rw-r--r-- ./usr/share/man/man8/pam_otp.8.gz
-rw-r--r-- ./usr/share/pam-configs/pam-otp
-rw-r--r-- ./usr/share/zsh/vendor-completions/_otp-admin
-rw-r--r-- ./usr/share/zsh/vendor-completions/_otp-enroll
"""


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def unpacked(deb, tmp_path_factory):
    place = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "--raw-extract", deb, place], check=True)
    return place


@pytest.fixture(scope="session")
def architecture():
    return output("gcc", "-print-multiarch").strip()


def test_the_package_holds_these_files_which_all_belong_to_root(deb, architecture):
    lines = [line.split(maxsplit=5) for line in output("dpkg-deb", "--contents", deb).splitlines()]
    assert {owner for _, owner, *_ in lines} == {"root/root"}
    assert {mode for mode, *_ in lines if mode.startswith("d")} == {"drwxr-xr-x"}
    files = [(path, mode) for mode, *_, path in lines if not mode.startswith("d")]
    listed = sorted((path.replace(architecture, "ARCHITECTURE"), mode) for path, mode in files)
    assert [f"{mode} {path}" for path, mode in listed] == CONTENTS.strip().splitlines()


def test_policy_and_service_are_configuration_files(unpacked):
    kept = (unpacked / "DEBIAN/conffiles").read_text().split()
    assert kept == ["/etc/security/pam_otp.conf", "/etc/pam.d/otp-enroll"]


def test_hooks_of_shadow_utils_lead_to_a_program(unpacked):
    for when in ("userdel-post.d", "useradd-pre.d"):
        hook = os.readlink(unpacked / "etc/shadow-maint" / when / "pam-otp")
        assert os.access(unpacked / hook.lstrip("/"), os.X_OK)


def test_dpkg_can_tell_whether_a_file_was_changed(unpacked):
    """Configuration is left out: dpkg keeps its sums elsewhere."""
    listed = dict(reversed(line.split("  ")) for line in (unpacked / "DEBIAN/md5sums").read_text().splitlines())
    files = [path for path in (unpacked / "usr").rglob("*") if path.is_file()]
    assert listed == {str(path.relative_to(unpacked)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def test_the_package_depends_only_on_libraries_that_every_system_with_pam_has(deb):
    depends = output("dpkg-deb", "--field", deb, "Depends").strip()
    assert sorted(re.sub(r" \(.*?\)", "", depends).split(", ")) == [
        "libc6", "libpam-runtime", "libpam0g", "passwd",
    ]


def test_its_version_is_that_of_the_programs(deb, unpacked):
    version = re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.MULTILINE)[1]
    assert output("dpkg-deb", "--field", deb, "Version").strip() == f"{version}-1"
    assert output(unpacked / "usr/bin/otp-enroll", "--version").strip() == f"otp-enroll {version}"
    changelog = gzip.decompress((unpacked / "usr/share/doc/pam-otp/changelog.Debian.gz").read_bytes()).decode()
    assert changelog.startswith(f"pam-otp ({version}-1) ")


def test_the_check_before_unpacking_knows_the_formats_of_the_programs(unpacked):
    preinst = (unpacked / "DEBIAN/preinst").read_text()
    reads = dict(re.findall(r"^reads_(credential|state)=(\d+)$", preinst, re.MULTILINE))
    credential = (TOP / "otp-store/src/text/credential.rs").read_text()
    state = (TOP / "otp-store/src/text/state.rs").read_text()
    assert re.search(rf"^const NEWEST: u64 = {reads['credential']};", credential, re.MULTILINE)
    assert re.search(rf'^const VERSION: &str = "{reads["state"]}";', state, re.MULTILINE)


def test_the_check_before_unpacking_holds_each_file_to_its_own_format(unpacked, tmp_path):
    records = tmp_path / "records"
    preinst = (unpacked / "DEBIAN/preinst").read_text()
    script = tmp_path / "preinst"
    script.write_text(preinst.replace("records=/var/lib/pam_otp\n", f"records={records}\n"))

    def refused(user, file, line):
        (records / user).mkdir(parents=True)
        (records / user / file).write_text(f"{line}\n")
        try:
            run = subprocess.run(["sh", script, "upgrade"], capture_output=True, text=True, check=False)
        finally:
            shutil.rmtree(records)
        assert run.returncode in (0, 1) and (run.returncode == 1) == (f"{records}/{user}\n" in run.stderr), run.stderr
        return run.returncode == 1

    for file, line, newer in [
        ("credential.toml", "version = 1", False),
        ("credential.toml", "version = 2", False),
        ("credential.toml", "version = 3", False),
        ("credential.toml", "version = 4", True),
        ("state", "pam_otp-state 1", False),
        ("state", "pam_otp-state 2", True),
    ]:
        for user in ("alice", "state:pam_otp-state 2", "a 9"):
            assert refused(user, file, line) == newer, (user, line)


def test_the_profile_is_off_unless_asked_for(unpacked):
    assert "\nDefault: no\n" in (unpacked / "usr/share/pam-configs/pam-otp").read_text()


def test_the_name_of_the_profile_is_one_choice_to_debconf(unpacked):
    """debconf splits a list of choices at each comma: a comma in a name would shift the choices after it."""
    name = (unpacked / "usr/share/pam-configs/pam-otp").read_text().splitlines()[0]
    assert name.startswith("Name: ") and "," not in name


def test_the_copyright_file_is_ours_and_has_the_text_of_the_licence(unpacked):
    shipped = (unpacked / "usr/share/doc/pam-otp/copyright").read_text()
    assert shipped == (TOP / "packaging/debian/copyright").read_text()
    assert "Permission is hereby granted" in shipped


def test_no_file_tells_where_it_was_built(unpacked, deb):
    places = [str(TOP), str(deb.parent.parent), str(pathlib.Path.home() / ".cargo"), "/registry/src/"]
    for path in sorted(unpacked.rglob("*")):
        if path.is_file():
            contents = path.read_bytes()
            contents = gzip.decompress(contents) if path.suffix == ".gz" else contents
            found = [place for place in places if place.encode() in contents]
            assert not found, path.relative_to(unpacked)


def test_lintian_finds_nothing_that_is_not_explained(deb):
    done = subprocess.run(
        ["lintian", "--allow-root", "--no-override", "--tag-display-limit", "0", deb], capture_output=True, text=True,
    )
    found = {line for line in done.stdout.splitlines() if line[:2] in ("E:", "W:")}
    lines = OVERRIDES.read_text().splitlines()
    explained = {line for before, line in zip(lines, lines[1:]) if before.startswith("# ") and not line.startswith("#")}
    overridden = {line for line in lines if not line.startswith("#")}
    assert explained == overridden, "each with a line that says why"
    assert {line[3:] for line in found} == explained


def test_the_manuals_are_well_formed(unpacked):
    pages = sorted((unpacked / "usr/share/man").rglob("*.gz"))
    assert len(pages) == 13
    for page in pages:
        done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), page.name


@pytest.mark.parametrize("words, completed", [
    ("otp-admin pol", "policy"),
    ("otp-admin policy c", "check"),
    ("otp-admin show daem", "daemon"),
    ("otp-admin list --j", "--json"),
    ("otp-enroll --qr a", "ascii"),
    ("otp-enroll reco", "recovery-codes"),
    ("otp-enroll --user=daem", "daemon"),
])
def test_bash_completes(unpacked, words, completed):
    program, *_ = words.split()
    script = r"""
        source "$1"
        # bash itself splits the line in this way.
        COMP_WORDS=(${2//=/ = })
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        called=$(complete -p "$3" | sed 's/.* -F \([^ ]*\).*/\1/')
        "$called" "$3" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}"
    """
    file = unpacked / "usr/share/bash-completion/completions" / program
    assert output("bash", "-c", script, "bash", file, words, program).split() == [completed]
