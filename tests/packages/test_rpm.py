"""The file pam-otp-*.rpm before it is installed, and its module where it was unpacked, under pam_wrapper."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import tomllib
import zlib

import pytest
from fedora import MODULE, SPEC, TOP, Device

# Mode, owner, group, and the flags for rpm: c(onfiguration), n(ot replaced), d(ocumentation), l(icence).
FILES = """
-rw-r--r-- root root    cn /etc/pam.d/otp-enroll
-rw-r--r-- root root    cn /etc/security/pam_otp.conf
drwxr-xr-x root root    -  /etc/shadow-maint
drwxr-xr-x root root    -  /etc/shadow-maint/useradd-pre.d
lrwxrwxrwx root root    -  /etc/shadow-maint/useradd-pre.d/pam-otp
drwxr-xr-x root root    -  /etc/shadow-maint/userdel-post.d
lrwxrwxrwx root root    -  /etc/shadow-maint/userdel-post.d/pam-otp
-rwxr-xr-x root root    -  /usr/bin/otp-enroll
drwxr-xr-x root root    -  /usr/lib/systemd/system/polkit-agent-helper@.service.d
-rw-r--r-- root root    -  /usr/lib/systemd/system/polkit-agent-helper@.service.d/pam_otp.conf
-rw-r--r-- root root    -  /usr/lib/systemd/system-preset/90-pam-otp.preset
-rw-r--r-- root root    -  /usr/lib/systemd/system/otp-notify.path
-rw-r--r-- root root    -  /usr/lib/systemd/system/otp-notify.service
-rw-r--r-- root root    -  /usr/lib/systemd/system/otp-notify.timer
-rw-r--r-- root root    -  /usr/lib/systemd/system/pam_otp-seal.service
-rw-r--r-- root root    -  /usr/lib/sysusers.d/pam-otp.conf
-rw-r--r-- root root    -  /usr/lib/tmpfiles.d/pam-otp.conf
-rw-r--r-- root root    -  /usr/lib64/security/pam_otp.so
drwxr-xr-x root root    -  /usr/libexec/pam_otp
-rwxr-xr-x root root    -  /usr/libexec/pam_otp/forget-gone
-rwxr-xr-x root root    -  /usr/libexec/pam_otp/otp-fleet
-rwxr-sr-x root pam_otp -  /usr/libexec/pam_otp/otp-helper
-rwxr-xr-x root root    -  /usr/libexec/pam_otp/otp-mail
-rwxr-xr-x root root    -  /usr/libexec/pam_otp/in-use
-rwxr-xr-x root root    -  /usr/libexec/pam_otp/otp-notify
-rwxr-xr-x root root    -  /usr/libexec/pam_otp/permissions
-rwxr-xr-x root root    -  /usr/sbin/otp-admin
drwxr-xr-x root root    -  /usr/share/authselect
drwxr-xr-x root root    -  /usr/share/authselect/vendor
drwxr-xr-x root root    -  /usr/share/authselect/vendor/pam-otp
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/README
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/REQUIREMENTS
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/dconf-db
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/dconf-locks
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/fingerprint-auth
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/nsswitch.conf
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/password-auth
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/postlogin
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/smartcard-auth
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/switchable-auth
-rw-r--r-- root root    -  /usr/share/authselect/vendor/pam-otp/system-auth
-rw-r--r-- root root    -  /usr/share/bash-completion/completions/otp-admin
-rw-r--r-- root root    -  /usr/share/bash-completion/completions/otp-enroll
drwxr-xr-x root root    -  /usr/share/doc/pam-otp
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/README.ko.md
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/README.md
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/SECURITY.md
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/apparmor
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/apparmor/pam_otp
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/apparmor/pam_otp_fleet
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/fail2ban
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/fail2ban/filter.d
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/fail2ban/filter.d/pam_otp.conf
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/fail2ban/jail.d
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/fail2ban/jail.d/pam_otp.conf
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/hooks
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/hooks/http
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/hooks/mail
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/mail
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/mail/ldap-address
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/pam.d
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/apache2
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/cockpit
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/dovecot
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/nginx
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/one-prompt
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/openvpn
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/openvpn-challenge
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/otp-enroll-debian
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/otp-enroll-fedora
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/radiusd
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/saslauthd
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/sshd-debian
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/sshd-fedora
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/sudo
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/pam.d/vsftpd
drwxr-xr-x root root    -  /usr/share/doc/pam-otp/examples/selinux
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/selinux/README.md
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/selinux/pam_otp.fc
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/selinux/pam_otp.if
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/selinux/pam_otp.te
-rw-r--r-- root root    d  /usr/share/doc/pam-otp/examples/selinux/pam_otp_port.cil
-rw-r--r-- root root    -  /usr/share/fish/vendor_completions.d/otp-admin.fish
-rw-r--r-- root root    -  /usr/share/fish/vendor_completions.d/otp-enroll.fish
drwxr-xr-x root root    -  /usr/share/licenses/pam-otp
-rw-r--r-- root root    l  /usr/share/licenses/pam-otp/THIRD-PARTY-LICENSES.txt.gz
-rw-r--r-- root root    l  /usr/share/licenses/pam-otp/copyright
-rw-r--r-- root root    l  /usr/share/licenses/pam-otp/pam-otp.cdx.json
-rw-r--r-- root root    d  /usr/share/man/ko/man1/otp-enroll.1.gz
-rw-r--r-- root root    d  /usr/share/man/man1/otp-enroll.1.gz
-rw-r--r-- root root    d  /usr/share/man/man5/pam_otp-format.5.gz
-rw-r--r-- root root    d  /usr/share/man/man5/pam_otp.conf.5.gz
-rw-r--r-- root root    d  /usr/share/man/man7/pam_otp-apps.7.gz
-rw-r--r-- root root    d  /usr/share/man/man7/pam_otp-fleet.7.gz
-rw-r--r-- root root    d  /usr/share/man/man7/pam_otp-programs.7.gz
-rw-r--r-- root root    d  /usr/share/man/man7/pam_otp-seal.7.gz
-rw-r--r-- root root    d  /usr/share/man/man7/pam_otp-setup.7.gz
-rw-r--r-- root root    d  /usr/share/man/man7/pam_otp-trouble.7.gz
-rw-r--r-- root root    d  /usr/share/man/man8/otp-admin.8.gz
-rw-r--r-- root root    d  /usr/share/man/man8/otp-notify.8.gz
-rw-r--r-- root root    d  /usr/share/man/man8/pam_otp.8.gz
-rw-r--r-- root root    -  /usr/share/zsh/site-functions/_otp-admin
-rw-r--r-- root root    -  /usr/share/zsh/site-functions/_otp-enroll
drwxrws--- root pam_otp -  /var/lib/pam_otp
"""

# Libraries, versions of their symbols and features of rpm are left out.
REQUIRES = {
    "/bin/bash", "/bin/sh", "pam", "coreutils", "findutils", "gawk", "grep", "sed", "shadow-utils",
    "(policycoreutils-python-utils if selinux-policy-targeted)",
}
LIBRARIES = {"libc.so.6", "libpam.so.0"}

SCRIPTS = {"PREIN": "%pre", "POSTIN": "%post", "PREUN": "%preun", "POSTUN": "%postun"}

# Debian's rpm has its database in the caller's home, and makes one even if it only reads a package.
DATABASE = tempfile.TemporaryDirectory(prefix="rpm.")
RPM = ["rpm", "--define", f"_dbpath {DATABASE.name}"]


def query(rpm, form):
    done = subprocess.run([*RPM, "-qp", "--qf", form, rpm], check=True, capture_output=True, text=True)
    return done.stdout


def section(name):
    """Returns the lines of one section of the spec."""
    return re.search(rf"^{name}\b[^\n]*\n(.*?)(?=^%(?:pre|post|preun|postun|files)\b)", SPEC, re.M | re.S)[1]


def test_the_digests_of_the_package_hold_and_notice_a_changed_byte(rpm, tmp_path):
    checked = subprocess.run([*RPM, "-K", rpm], capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.rstrip().endswith(": digests OK"), checked.stdout
    content = bytearray(rpm.read_bytes())
    content[-1000] ^= 1
    changed = tmp_path / "changed.rpm"
    changed.write_bytes(content)
    assert subprocess.run([*RPM, "-K", changed], capture_output=True).returncode != 0


def test_the_version_is_that_of_the_programs(rpm, unpacked_rpm):
    version = tomllib.loads((TOP / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert query(rpm, "%{NAME} %{VERSION} %{RELEASE}") == f"pam-otp {version} 1"
    newest = query(rpm, "[%{CHANGELOGNAME}\n]").splitlines()[0]
    assert newest.endswith(f" - {version}-1")
    said = subprocess.check_output([unpacked_rpm / "usr/sbin/otp-admin", "--version"], text=True)
    assert said.split()[-1] == version


def test_the_package_has_these_files_and_no_others(rpm):
    form = "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} |%{FILEFLAGS:fflags}| %{FILENAMES}\n]"
    found = [line.replace("||", "-").replace("|", "").split() for line in query(rpm, form).splitlines()]
    assert sorted(found) == sorted(line.split() for line in FILES.split("\n") if line)


def test_a_system_without_korean_leaves_its_manual_out(rpm):
    """As %_install_langs of rpm says."""
    languages = [line.split("|") for line in query(rpm, "[%{FILENAMES}|%{FILELANGS}\n]").splitlines()]
    assert [line for line in languages if line[1]] == [["/usr/share/man/ko/man1/otp-enroll.1.gz", "ko"]]


def test_the_package_requires_what_its_scripts_and_programs_need(rpm):
    requires = [line for line in query(rpm, "[%{REQUIRES}\n]").splitlines() if not line.startswith("rpmlib(")]
    libraries = {line.partition("(")[0] for line in requires if re.match(r"[\w-]+\.so", line)}
    assert {name for name in libraries if not name.startswith("ld-linux")} == LIBRARIES
    rest = {line for line in requires if not re.match(r"[\w-]+\.so", line)}
    assert rest == REQUIRES | {"config(pam-otp)", "rtld(GNU_HASH)"}
    kinds = set(query(rpm, "[%{REQUIRENAME}: %{REQUIREFLAGS:deptype}\n]").splitlines())
    assert {"shadow-utils: pre", "shadow-utils: post", "grep: preun"} <= kinds


def test_the_licence_names_that_of_everything_linked_in(rpm, unpacked_rpm):
    bill = json.loads((unpacked_rpm / "usr/share/licenses/pam-otp/pam-otp.cdx.json").read_text())
    linked = [part for part in bill["components"] if part.get("scope") != "excluded"]
    assert len(linked) > 20

    def alternatives(expression):
        return frozenset(expression.strip("()").split(" OR "))

    expressions = {entry["expression"] for part in linked for entry in part["licenses"]}
    needed = {alternatives(term) for expression in expressions for term in expression.split(" AND ")}
    assert {alternatives(term) for term in query(rpm, "%{LICENSE}").split(" AND ")} == needed


def test_no_file_tells_where_it_was_built(rpm, unpacked_rpm):
    built_in = str(rpm.parents[1]).encode()
    places = [built_in, str(TOP).encode()]
    places += [b"/packages/source", b"/packages/build", b"/.cargo/", b"registry/src"]
    files = [path for path in unpacked_rpm.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 40
    contents = {str(path): path.read_bytes() for path in files} | {str(rpm): rpm.read_bytes()}
    for name, content in contents.items():
        if name.endswith(".gz"):
            content = zlib.decompress(content, wbits=31)
        assert not [place for place in places if place in content], name
    assert query(rpm, "%{BUILDHOST} %{PACKAGER} %{VENDOR}") == "localhost (none) (none)"
    assert len(set(query(rpm, "[%{FILEMTIMES}\n]%{BUILDTIME}\n").split())) == 1


def test_the_scripts_are_those_of_the_spec_and_the_shell_can_read_them(rpm):
    shown = subprocess.run([*RPM, "-qp", "--scripts", rpm], check=True, capture_output=True, text=True).stdout
    assert len(re.findall(r"^\w+ (?:scriptlet|program)\b.*\(using /bin/sh\):$", shown, re.M)) == len(SCRIPTS)
    for tag, name in SCRIPTS.items():
        script = query(rpm, f"%{{{tag}}}")
        expected = section(name).replace("%%", "%").strip()
        if tag == "PREIN":
            expected += "\n" + (TOP / "packaging/debian/preinst").read_text().rstrip()
        assert script.strip() == expected
        for shell in ("bash", "dash"):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)


# -------------------------------------------------------------------------------------------- the module, where it lies


@pytest.fixture
def wrapped(unpacked_rpm, tmp_path):
    """`wrapped(REPLY)` makes a login of `daemon` by the unpacked module, under pam_wrapper."""
    records, policy, services = tmp_path / "records", tmp_path / "pam_otp.conf", tmp_path / "pam.d"
    records.mkdir(mode=0o700)
    services.mkdir()
    policy.write_text("")
    policy.chmod(0o644)
    module = unpacked_rpm / MODULE.lstrip("/")
    arguments = f"conf={policy} state_dir={records}"
    (services / "door").write_text(f"auth required {module} {arguments}\naccount required {module} {arguments}\n")
    (wrapper,) = pathlib.Path("/usr/lib").glob("*/libpam_wrapper.so")
    admin = [unpacked_rpm / "usr/sbin/otp-admin", "--conf", policy, "--state-dir", records]
    made = subprocess.run([*admin, "provision", "daemon", "--json"], check=True, capture_output=True, text=True)
    device = Device(json.loads(made.stdout)["secret"])

    def login(reply):
        wrapping = {"PAM_WRAPPER": "1", "PAM_WRAPPER_SERVICE_DIR": str(services), "LD_PRELOAD": str(wrapper)}
        done = subprocess.run(
            ["pamtester", "door", "daemon", "authenticate", "acct_mgmt"], input=f"{reply!s}\n", text=True,
            env={**os.environ, **wrapping}, capture_output=True, timeout=60,
        )
        return done.returncode == 0, done.stdout + done.stderr

    login.device, login.records = device, records
    return login


def test_the_unpacked_module_lets_in_by_a_good_code_once_and_refuses_a_wrong_one(wrapped):
    code = wrapped.device.now()
    let_in, said = wrapped(wrapped.device.wrong())
    assert not let_in and "wrong" in said
    assert wrapped(code)[0]
    let_in, said = wrapped(code)
    assert not let_in and "already used" in said


def test_the_unpacked_module_refuses_a_record_that_it_cannot_read(wrapped):
    (wrapped.records / "daemon/state").write_bytes(b"damaged")
    let_in, said = wrapped(wrapped.device.now())
    assert not let_in and "could not be checked" in said
