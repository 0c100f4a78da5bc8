"""The package pam-otp-portal: the .deb and the .rpm as they are, installed, upgraded and removed."""

import json
import pathlib
import re
import shutil
import subprocess

import fedora
import pytest
from debian import Debian, changed
from test_deb import output
from test_rpm import RPM, query

TOP = pathlib.Path(__file__).resolve().parents[2]
UNITS = ("otp-portal.service", "otp-portal-login.socket", "otp-portal-login.service")
ACCOUNT = "_pam-otp-portal"
CONFIGURATION = "/etc/security/pam_otp-portal.conf"
SERVICE = "/etc/pam.d/otp-portal"
KEYS = "/etc/pam_otp-portal"
SESSIONS = "/var/lib/pam_otp-portal"
SIGNED_WITH = "/var/lib/pam_otp-portal-login"

EXAMPLES = """
apache/portal.conf
apache/portal.lua
caddy/Caddyfile
nginx/portal.conf
nginx/portal-authenticated
nginx/portal-protected
pam.d/otp-portal-debian
pam.d/otp-portal-fedora
traefik/portal.yml
""".split()

SCREENS = [f"{name}.{language}.png" for name in ("code", "enrol", "first-login", "login", "overview", "recovery-codes")
           for language in ("en", "ko")]

DEB_CONTENTS = """
-rw-r--r-- ./etc/pam.d/otp-portal
-rw-r--r-- ./etc/security/pam_otp-portal.conf
-rw-r--r-- ./usr/lib/systemd/system/otp-portal-login.service
-rw-r--r-- ./usr/lib/systemd/system/otp-portal-login.socket
-rw-r--r-- ./usr/lib/systemd/system/otp-portal.service
-rw-r--r-- ./usr/lib/sysusers.d/pam-otp-portal.conf
-rwxr-xr-x ./usr/libexec/pam_otp/otp-portal-login
-rwxr-xr-x ./usr/sbin/otp-portal
-rw-r--r-- ./usr/share/doc/pam-otp-portal/THIRD-PARTY-LICENSES.txt.gz
-rw-r--r-- ./usr/share/doc/pam-otp-portal/changelog.Debian.gz
-rw-r--r-- ./usr/share/doc/pam-otp-portal/copyright
-rw-r--r-- ./usr/share/doc/pam-otp-portal/pam-otp-portal.cdx.json
-rw-r--r-- ./usr/share/lintian/overrides/pam-otp-portal
-rw-r--r-- ./usr/share/man/man5/pam_otp-portal.conf.5.gz
-rw-r--r-- ./usr/share/man/man8/otp-portal-login.8.gz
-rw-r--r-- ./usr/share/man/man8/otp-portal.8.gz
""".strip().splitlines() + [f"-rw-r--r-- ./usr/share/doc/pam-otp-portal/examples/{name}" for name in EXAMPLES]
DEB_CONTENTS += [f"-rw-r--r-- ./usr/share/doc/pam-otp-portal/screens/{name}" for name in SCREENS]

RPM_FILES = """
drwxr-x--- root _pam-otp-portal -  /etc/pam_otp-portal
-rw-r--r-- root root            cn /etc/pam.d/otp-portal
-rw-r--r-- root root            cn /etc/security/pam_otp-portal.conf
-rw-r--r-- root root            -  /usr/lib/systemd/system/otp-portal-login.service
-rw-r--r-- root root            -  /usr/lib/systemd/system/otp-portal-login.socket
-rw-r--r-- root root            -  /usr/lib/systemd/system/otp-portal.service
-rw-r--r-- root root            -  /usr/lib/sysusers.d/pam-otp-portal.conf
-rwxr-xr-x root root            -  /usr/libexec/pam_otp/otp-portal-login
-rwxr-xr-x root root            -  /usr/sbin/otp-portal
drwxr-xr-x root root            -  /usr/share/doc/pam-otp-portal
drwxr-xr-x root root            -  /usr/share/doc/pam-otp-portal/examples
drwxr-xr-x root root            -  /usr/share/doc/pam-otp-portal/screens
drwxr-xr-x root root            -  /usr/share/licenses/pam-otp-portal
-rw-r--r-- root root            l  /usr/share/licenses/pam-otp-portal/THIRD-PARTY-LICENSES.txt.gz
-rw-r--r-- root root            l  /usr/share/licenses/pam-otp-portal/copyright
-rw-r--r-- root root            l  /usr/share/licenses/pam-otp-portal/pam-otp-portal.cdx.json
-rw-r--r-- root root            d  /usr/share/man/man5/pam_otp-portal.conf.5.gz
-rw-r--r-- root root            d  /usr/share/man/man8/otp-portal-login.8.gz
-rw-r--r-- root root            d  /usr/share/man/man8/otp-portal.8.gz
""".strip().splitlines()
RPM_FILES += [f"-rw-r--r-- root root d /usr/share/doc/pam-otp-portal/examples/{name}" for name in EXAMPLES]
RPM_FILES += [f"-rw-r--r-- root root d /usr/share/doc/pam-otp-portal/screens/{name}" for name in SCREENS]
RPM_FILES += [f"drwxr-xr-x root root - /usr/share/doc/pam-otp-portal/examples/{name}"
              for name in {name.partition("/")[0] for name in EXAMPLES}]


# ------------------------------------------------------------------------------------------------------------- the files


def test_the_deb_holds_these_files_which_all_belong_to_root(portal_deb):
    lines = [line.split(maxsplit=5) for line in output("dpkg-deb", "--contents", portal_deb).splitlines()]
    assert {owner for _, owner, *_ in lines} == {"root/root"}
    assert {mode for mode, *_ in lines if mode.startswith("d")} == {"drwxr-xr-x"}
    assert sorted(f"{mode} {path}" for mode, *_, path in lines if not mode.startswith("d")) == sorted(DEB_CONTENTS)


def test_changes_of_an_administrator_stay_at_an_upgrade(portal_deb):
    conffiles = output("dpkg-deb", "--info", portal_deb, "conffiles").split()
    assert sorted(conffiles) == [SERVICE, CONFIGURATION]


def test_the_rpm_holds_these_files_and_no_others(portal_rpm):
    form = "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} |%{FILEFLAGS:fflags}| %{FILENAMES}\n]"
    found = [line.replace("||", "-").replace("|", "").split() for line in query(portal_rpm, form).splitlines()]
    assert sorted(found) == sorted(line.split() for line in RPM_FILES)


def test_no_file_is_in_another_package(deb, verifier_deb, portal_deb):
    files = [{line.split(maxsplit=5)[5] for line in output("dpkg-deb", "--contents", one).splitlines() if line[0] != "d"}
             for one in (deb, verifier_deb, portal_deb)]
    assert all(files) and not files[2] & (files[0] | files[1])


def test_the_package_needs_the_same_version_of_the_module(deb, portal_deb, rpm, portal_rpm):
    version = output("dpkg-deb", "--field", deb, "Version").strip()
    assert output("dpkg-deb", "--field", portal_deb, "Version").strip() == version
    depends = output("dpkg-deb", "--field", portal_deb, "Depends").strip().split(", ")
    assert f"pam-otp (= {version})" in depends
    assert {re.sub(r" \(.*?\)", "", name) for name in depends} <= {"libc6", "libgcc-s1", "libpam0g", "pam-otp", "passwd"}
    release = query(rpm, "%{VERSION}-%{RELEASE}")
    assert f"pam-otp = {release}" in query(portal_rpm, "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]")


def test_lintian_finds_nothing_that_is_not_explained(portal_deb):
    done = subprocess.run(["lintian", "--allow-root", "--no-override", "--tag-display-limit", "0", portal_deb],
                          capture_output=True, text=True)
    found = {line[3:] for line in done.stdout.splitlines() if line[:2] in ("E:", "W:")}
    explained = (TOP / "packaging/debian/pam-otp-portal.lintian-overrides").read_text().splitlines()
    assert found == {line for line in explained if not line.startswith("#")}


def test_the_licence_of_the_rpm_names_that_of_everything_linked_in(portal_rpm, unpacked_portal_rpm):
    bill = json.loads((unpacked_portal_rpm / "usr/share/licenses/pam-otp-portal/pam-otp-portal.cdx.json").read_text())
    linked = [part for part in bill["components"] if part["scope"] != "excluded"]
    assert "axum" in {part["name"] for part in linked}

    def alternatives(expression):
        return frozenset(expression.strip("()").split(" OR "))

    needed = {alternatives(term) for part in linked for entry in part["licenses"] for term in entry["expression"].split(" AND ")}
    assert {alternatives(term) for term in query(portal_rpm, "%{LICENSE}").split(" AND ")} == needed


def test_no_file_tells_where_it_was_built(unpacked_portal_rpm):
    places = [str(TOP).encode(), b"/packages/source", b"/packages/build", b"/.cargo/", b"registry/src"]
    for path in unpacked_portal_rpm.rglob("*"):
        if path.is_file():
            assert not [place for place in places if place in path.read_bytes()], path.name


def test_the_scripts_can_be_read_by_the_shell(portal_deb, portal_rpm, tmp_path):
    subprocess.run(["dpkg-deb", "--control", portal_deb, tmp_path], check=True)
    scripts = [(tmp_path / name).read_text() for name in ("postinst", "prerm", "postrm")]
    scripts += [query(portal_rpm, f"%{{{tag}}}") for tag in ("PREIN", "POSTIN", "PREUN", "POSTUN")]
    shown = subprocess.run([*RPM, "-qp", "--scripts", portal_rpm], check=True, capture_output=True, text=True).stdout
    assert len(re.findall(r"^\w+ scriptlet\b", shown, re.M)) == 4
    for script in scripts:
        assert len(script) > 50
        for shell in ("bash", "dash"):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)


# ----------------------------------------------------------------------------------------------------------- the manuals


def described(manual, *sections):
    """Returns the subjects of the paragraphs of a manual, or of sections of it."""
    text = (TOP / "packaging/man" / manual).read_text()
    if sections:
        text = "".join(re.search(rf"^\.SH {re.escape(name)}\n(.*?)(?=^\.SH )", text, re.M | re.S)[1] for name in sections)
    return [re.sub(r"\\f[BIR]", "", tag).replace("\\-", "-") for tag in re.findall(r"^\.TP\n(.*)$", text, re.M)]


@pytest.mark.parametrize("program", ["usr/sbin/otp-portal", "usr/libexec/pam_otp/otp-portal-login"])
def test_the_manual_has_the_options_of_the_program_and_no_other(unpacked_portal_rpm, program):
    shown = output(unpacked_portal_rpm / program, "--help")
    listed = set(re.findall(r"--\w+", " ".join(described(f"{program.rpartition('/')[2]}.8", "OPTIONS"))))
    assert set(re.findall(r"^ +(?:-\w, )?(--\w+)", shown, re.M)) == listed != set()


def test_the_manual_has_the_keys_of_the_shipped_file_with_their_defaults(unpacked_portal_rpm, tmp_path):
    text = (TOP / "conf/pam_otp-portal.conf").read_text()
    shipped = re.findall(r"^#(\w+ = .*)$", text, re.M)
    tags = described("pam_otp-portal.conf.5")
    assert len(shipped) == 21
    keys = [line.partition(" = ")[0] for line in shipped]
    required = {key for tag in tags for key in [tag.partition(" (required)")[0]] if key != tag}
    assert required == {"url", "listen", "certificate", "key", "host"}
    examples = {"proxies = []": 'proxies = ["user:www-data"]', 'groups = ["NAME", ...]': 'groups = ["staff"]'}
    assert {examples.get(tag, tag) for tag in tags if " = " in tag} == {
        line for line in shipped if line.partition(" = ")[0] not in required or "/run/pam_otp-portal-web" in line}
    assert sorted(keys) == sorted(tag.split()[0] for tag in tags)
    # The program knows all of these keys, and no other.
    every = tmp_path / "every.conf"
    uncommented = re.sub(r"^#(\[+\w+\]+$|\w+ = )", r"\1", text, flags=re.M)
    program = unpacked_portal_rpm / "usr/sbin/otp-portal"
    for more, fails in (("", ""), ("colour = 1\n", "line 1: ")):
        every.write_text(more + uncommented)
        every.chmod(0o644)
        done = subprocess.run([program, "--check", "--conf", every], capture_output=True, text=True)
        assert (done.returncode == 0) == (fails == "") and fails in done.stderr, done.stderr


# ------------------------------------------------------------------------------------------------------------- the units


def settings(unit):
    """Returns the settings of a unit, by name; the last of each counts."""
    return dict(re.findall(r"^(\w+)=(.*)$", (TOP / "packaging/systemd" / unit).read_text(), re.M))


@pytest.mark.parametrize("unit, stated", [("otp-portal.service", "exposure level of {}"),
                                          ("otp-portal-login.service", "Its exposure level is {}.")])
def test_the_manual_says_how_exposed_the_services_are(tmp_path, unit, stated):
    """The level is systemd's own measure, from 0 (safe) to 10."""
    copy = shutil.copy(TOP / "packaging/systemd" / unit, tmp_path)
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", copy], capture_output=True, text=True)
    level = re.search(rf"Overall exposure level for {unit}: ([\d.]+)", done.stdout)[1]
    assert stated.format(level) in (TOP / "packaging/man/otp-portal.8").read_text().replace("\n", " ")


def verified(place, unit=None, before="", after=""):
    """Returns systemd's messages about the units, with programs that this machine has."""
    for name in UNITS:
        text = (TOP / "packaging/systemd" / name).read_text()
        if name == unit:
            assert before in text
            text = text.replace(before, after)
        (place / name).write_text(re.sub(r"^(Exec\w+=[-+]*)/usr/(sbin|libexec)/\S+", r"\1/bin/true", text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(place / name for name in UNITS)], capture_output=True, text=True)
    return done.returncode, done.stderr


def test_systemd_knows_each_setting_of_the_units(tmp_path):
    assert verified(tmp_path) == (0, "")
    for unit, setting in zip(UNITS, ("NoNewPrivileges", "SocketMode", "PrivateDevices")):
        assert f"{setting}z" in verified(tmp_path, unit, setting, f"{setting}z")[1]


def test_the_part_that_faces_the_network_has_no_group_no_capability_and_no_data_of_users():
    unit = settings("otp-portal.service")
    assert unit["User"] == ACCOUNT and not {"SupplementaryGroups", "AmbientCapabilities", "ReadWritePaths"} & unit.keys()
    assert (unit["CapabilityBoundingSet"], unit["NoNewPrivileges"], unit["ProtectSystem"]) == ("", "yes", "strict")
    assert (unit["StateDirectory"], unit["StateDirectoryMode"]) == (SESSIONS.removeprefix("/var/lib/"), "0700")
    hidden = unit["InaccessiblePaths"].split()
    assert {"-/var/lib/pam_otp", f"-{SIGNED_WITH}"} <= set(hidden)


def test_systemd_keeps_what_the_portal_listens_on_while_it_restarts():
    """otp-portal/tests/http/handover.rs restarts it under load, with a stand-in for systemd."""
    unit = settings("otp-portal.service")
    most = re.search(r"^const MOST: u32 = (\d+);", (TOP / "otp-portal/src/server/handover.rs").read_text(), re.M)[1]
    assert (unit["Type"], unit["FileDescriptorStoreMax"], unit["RuntimeDirectoryPreserve"]) == ("notify", most, "restart")
    assert "otp-portal.socket" not in UNITS


def test_only_the_portal_reaches_the_login_part_and_only_root_its_key():
    socket, login = settings("otp-portal-login.socket"), settings("otp-portal-login.service")
    assert (socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]) == ("root", ACCOUNT, "0660")
    assert (login["StateDirectory"], login["StateDirectoryMode"], login["UMask"]) == (SIGNED_WITH.removeprefix("/var/lib/"), "0700", "0077")
    # otp-helper gets its group when it is executed.
    assert "User" not in login and login["NoNewPrivileges"] == "no"


# ---------------------------------------------------------------------------------------------------- on a fresh Debian


@pytest.fixture
def host(debian, deb, portal_deb):
    """A fresh Debian with both packages."""
    debian.said = debian.run("apt-get", "install", "--yes", "--quiet", debian.bring(deb), debian.bring(portal_deb))
    return debian


def status(debian: Debian):
    form = "${db:Status-Status}"
    return debian.run("sh", "-c", f"dpkg-query --show --showformat='{form}' pam-otp-portal 2> /dev/null || :")


def test_the_package_does_not_install_without_the_module(debian, portal_deb):
    assert "pam-otp" in debian.fails("dpkg", "--install", debian.bring(portal_deb))


def test_the_account_has_no_shell_no_password_and_no_other_group(host):
    name, _, number, _, _, home, shell = host.run("getent", "passwd", ACCOUNT).strip().split(":")
    assert name == ACCOUNT and 0 < int(number) < 1000 and (home, shell) == ("/", "/usr/sbin/nologin")
    assert host.run("id", "--name", "--groups", ACCOUNT).split() == [ACCOUNT]
    assert host.run("getent", "shadow", ACCOUNT).split(":")[1][0] in "!*"
    assert host.run("getent", "group", ACCOUNT).strip().split(":")[3] == ""
    assert host.stat(KEYS) == f"750 root {ACCOUNT}"
    assert (host.stat(CONFIGURATION), host.stat(SERVICE)) == ("644 root root", "644 root root")
    assert "SETTING UP in otp-portal(8)" in host.said


def test_systemd_if_present_makes_the_account(debian, deb, portal_deb):
    if not debian.exists("/usr/bin/systemd-sysusers"):
        for package in debian.extra.iterdir():
            debian.run("dpkg", "--install", debian.bring(package))
    debian.run("apt-get", "install", "--yes", debian.bring(deb), debian.bring(portal_deb))
    assert debian.run("getent", "passwd", ACCOUNT).strip().split(":")[4:] == ["Portal of pam_otp", "/", "/usr/sbin/nologin"]
    assert debian.stat(KEYS) == f"750 root {ACCOUNT}"


def test_nothing_is_enabled_or_started(host):
    wanted = host.run("find", "/etc/systemd", "-name", "otp-portal*")
    assert wanted == "" and not host.exists("/run/pam_otp-portal")


def test_the_portal_does_not_start_before_it_is_set_up(host):
    said = host.fails("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "otp-portal", "--check")
    assert CONFIGURATION in said and "url" in said
    host.write(CONFIGURATION, 'url = "https://portal.example.org"\n')
    host.run("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "otp-portal", "--check")


def test_the_profile_of_pam_auth_update_leaves_the_code_to_the_service(host):
    host.run("pam-auth-update", "--package", "--enable", "pam-otp")
    assert "service in otp-enroll:otp-portal" in "\n".join(host.common_auth())
    assert re.findall(r"^auth.*pam_otp\.so", host.read(SERVICE), re.M) == ["auth required pam_otp.so"]


# Stand-ins for systemd's programs, which record how they were called: a chroot has no systemd.
CALLS = "/calls"
PRETENDED = ("systemctl", "deb-systemd-invoke")


def pretend_systemd(debian):
    debian.run("mkdir", "-p", "/run/systemd/system")
    for program in PRETENDED:
        path = f"/usr/bin/{program}"
        if debian.exists(path):
            debian.run("dpkg-divert", "--quiet", "--add", "--rename", path)
        debian.write(path, f'#!/bin/sh\necho "{program} $*" >> {CALLS}\n', mode=0o755)
    debian.write(CALLS, "")


def about_the_portal(debian):
    return [line for line in debian.read(CALLS).splitlines() if "otp-portal" in line]


def test_an_upgrade_keeps_files_of_the_administrator_and_restarts_only_running_services(host, portal_deb, deb, tmp_path):
    host.write(CONFIGURATION, "# ours\n")
    host.write(SERVICE, "# ours too\n")
    host.write(f"{KEYS}/portal.key", "a key", mode=0o640)
    host.write(f"{SESSIONS}/sessions", "theirs")
    host.run("chmod", "0700", KEYS)
    pretend_systemd(host)
    newer = changed(deb, tmp_path, "0.1.0-2")
    portal = changed(portal_deb, tmp_path, "0.1.0-2", name="pam-otp-portal")
    host.run("apt-get", "install", "--yes", "-o", "Dpkg::Options::=--force-confold", host.bring(newer), host.bring(portal))
    assert host.read(CONFIGURATION) == "# ours\n" and host.read(SERVICE) == "# ours too\n"
    assert host.read(f"{KEYS}/portal.key") == "a key" and host.stat(KEYS) == f"700 root {ACCOUNT}"
    assert host.read(f"{SESSIONS}/sessions") == "theirs"
    assert about_the_portal(host) == [
        "deb-systemd-invoke try-restart otp-portal-login.socket otp-portal-login.service otp-portal.service"]


def test_a_removal_stops_the_portal_and_keeps_its_files_and_a_purge_leaves_nothing(debian, deb, portal_deb):
    debian.install(deb)
    before = debian.everything()
    debian.install(portal_deb)
    kept = [f"{KEYS}/portal.key", f"{SESSIONS}/sessions", f"{SIGNED_WITH}/key", CONFIGURATION, SERVICE]
    for path in kept[:3]:
        debian.write(path, "kept")
    pretend_systemd(debian)
    debian.run("apt-get", "remove", "--yes", "pam-otp-portal")
    assert about_the_portal(debian)[0] == "deb-systemd-invoke stop otp-portal.service otp-portal-login.socket otp-portal-login.service"
    assert all(map(debian.exists, kept)) and debian.run("getent", "passwd", ACCOUNT)
    debian.run("apt-get", "purge", "--yes", "pam-otp-portal")
    for program in PRETENDED:
        debian.run("rm", "-f", f"/usr/bin/{program}")
        debian.run("dpkg-divert", "--quiet", "--remove", "--rename", f"/usr/bin/{program}")
    debian.run("rm", CALLS)
    after = debian.everything()
    # The user databases and their backups; only their lines count.
    books = {f"/etc/{book}" for book in ("passwd", "shadow", "group", "gshadow")}
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} <= books
    assert ACCOUNT not in "".join(debian.read(book) for book in books)
    assert debian.status() == "installed"


def test_the_module_can_be_removed_only_with_the_portal_whose_service_then_no_longer_keeps_it(host):
    """When the package is removed, the file of the service stays, and it names the module."""
    said = host.run("apt-get", "remove", "--yes", "pam-otp")
    assert "pam-otp-portal" in said and status(host) == "config-files" and host.status() == "config-files"
    assert "pam_otp.so" in host.read(SERVICE)


# ----------------------------------------------------------------------------------------------------------------- rpm


def test_rpm_makes_the_account_and_removes_everything_but_configuration(machine, rpm, portal_rpm, newer_rpms):
    assert "pam-otp = " in machine.rpm("-i", portal_rpm, status=1).stderr
    machine.rpm("-i", "--nodeps", rpm, portal_rpm)
    name, _, _, _, _, home, shell = machine.run("getent", "passwd", ACCOUNT).stdout.strip().split(":")
    assert (name, home, shell) == (ACCOUNT, "/", "/usr/sbin/nologin")
    assert machine.mode_and_owner(KEYS) == f"750 root:{ACCOUNT}"
    assert machine.run("rpm", "-V", "--nodeps", "pam-otp-portal").stdout == ""
    for path in (CONFIGURATION, SERVICE, f"{KEYS}/portal.key"):
        machine.write(path, "# ours\n")
    machine.rpm("-U", "--nodeps", newer_rpms[0], newer_rpms[2])
    assert machine.run("rpm", "-q", "--qf", "%{VERSION}", "pam-otp-portal").stdout == "999"
    assert all(machine.path(path).read_text() == "# ours\n" for path in (CONFIGURATION, SERVICE, f"{KEYS}/portal.key"))
    machine.rpm("-e", "pam-otp-portal")
    assert machine.path(f"{CONFIGURATION}.rpmsave").read_text() == machine.path(f"{SERVICE}.rpmsave").read_text() == "# ours\n"
    assert machine.path(f"{KEYS}/portal.key").exists()
    for gone in ("/usr/sbin/otp-portal", "/usr/libexec/pam_otp/otp-portal-login", CONFIGURATION, SERVICE):
        assert not machine.path(gone).exists()
    assert machine.path(fedora.HELPER).exists()
