"""The package pam-otp-verifier: the .deb and the .rpm as they are, installed, upgraded and removed."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import fedora
import pytest
from debian import Debian, changed
from test_deb import output
from test_rpm import RPM, query

TOP = pathlib.Path(__file__).resolve().parents[2]
UNITS = ("otp-verifier.service", "otp-verifier-notify.path", "otp-verifier-notify.service", "otp-verifier-notify.timer")
UNIT = "packaging/systemd/otp-verifier.service"
ACCOUNT = "_pam-otp-verifier"
CONFIGURATION = "/etc/security/pam_otp-verifier.conf"
KEYS = "/etc/pam_otp-verifier"

DEB_CONTENTS = """
-rw-r--r-- ./etc/security/pam_otp-verifier.conf
-rw-r--r-- ./usr/lib/systemd/system/otp-verifier-notify.path
-rw-r--r-- ./usr/lib/systemd/system/otp-verifier-notify.service
-rw-r--r-- ./usr/lib/systemd/system/otp-verifier-notify.timer
-rw-r--r-- ./usr/lib/systemd/system/otp-verifier.service
-rw-r--r-- ./usr/lib/sysusers.d/pam-otp-verifier.conf
-rwxr-xr-x ./usr/libexec/pam_otp/otp-fleet-admin
-rwxr-xr-x ./usr/sbin/otp-verifier
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/THIRD-PARTY-LICENSES.txt.gz
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/changelog.Debian.gz
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/copyright
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/examples/ansible/README.md
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/examples/ansible/fleet.yml
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/examples/ansible/inventory.ini
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/examples/etcd/etcd.default
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/examples/etcd/etcd.service.conf
-rw-r--r-- ./usr/share/doc/pam-otp-verifier/pam-otp-verifier.cdx.json
-rw-r--r-- ./usr/share/lintian/overrides/pam-otp-verifier
-rw-r--r-- ./usr/share/man/man8/otp-verifier.8.gz
"""

RPM_FILES = """
drwxr-x--- root _pam-otp-verifier -  /etc/pam_otp-verifier
-rw-r--r-- root root              cn /etc/security/pam_otp-verifier.conf
-rw-r--r-- root root              -  /usr/lib/systemd/system/otp-verifier.service
-rw-r--r-- root root              -  /usr/lib/systemd/system/otp-verifier-notify.path
-rw-r--r-- root root              -  /usr/lib/systemd/system/otp-verifier-notify.service
-rw-r--r-- root root              -  /usr/lib/systemd/system/otp-verifier-notify.timer
-rw-r--r-- root root              -  /usr/lib/sysusers.d/pam-otp-verifier.conf
-rwxr-xr-x root root              -  /usr/libexec/pam_otp/otp-fleet-admin
-rwxr-xr-x root root              -  /usr/sbin/otp-verifier
drwxr-xr-x root root              -  /usr/share/doc/pam-otp-verifier
drwxr-xr-x root root              -  /usr/share/doc/pam-otp-verifier/examples
drwxr-xr-x root root              -  /usr/share/doc/pam-otp-verifier/examples/ansible
-rw-r--r-- root root              d  /usr/share/doc/pam-otp-verifier/examples/ansible/README.md
-rw-r--r-- root root              d  /usr/share/doc/pam-otp-verifier/examples/ansible/fleet.yml
-rw-r--r-- root root              d  /usr/share/doc/pam-otp-verifier/examples/ansible/inventory.ini
drwxr-xr-x root root              -  /usr/share/doc/pam-otp-verifier/examples/etcd
-rw-r--r-- root root              d  /usr/share/doc/pam-otp-verifier/examples/etcd/etcd.default
-rw-r--r-- root root              d  /usr/share/doc/pam-otp-verifier/examples/etcd/etcd.service.conf
drwxr-xr-x root root              -  /usr/share/licenses/pam-otp-verifier
-rw-r--r-- root root              l  /usr/share/licenses/pam-otp-verifier/THIRD-PARTY-LICENSES.txt.gz
-rw-r--r-- root root              l  /usr/share/licenses/pam-otp-verifier/copyright
-rw-r--r-- root root              l  /usr/share/licenses/pam-otp-verifier/pam-otp-verifier.cdx.json
-rw-r--r-- root root              d  /usr/share/man/man8/otp-verifier.8.gz
"""


# ------------------------------------------------------------------------------------------------------------- the files


def test_the_deb_holds_these_files_which_all_belong_to_root(verifier_deb):
    lines = [line.split(maxsplit=5) for line in output("dpkg-deb", "--contents", verifier_deb).splitlines()]
    assert {owner for _, owner, *_ in lines} == {"root/root"}
    assert {mode for mode, *_ in lines if mode.startswith("d")} == {"drwxr-xr-x"}
    listed = sorted((path, mode) for mode, *_, path in lines if not mode.startswith("d"))
    assert [f"{mode} {path}" for path, mode in listed] == DEB_CONTENTS.strip().splitlines()


def test_the_rpm_holds_these_files_and_no_others(verifier_rpm):
    form = "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} |%{FILEFLAGS:fflags}| %{FILENAMES}\n]"
    found = [line.replace("||", "-").replace("|", "").split() for line in query(verifier_rpm, form).splitlines()]
    assert sorted(found) == sorted(line.split() for line in RPM_FILES.split("\n") if line)


def test_no_file_is_in_both_packages(deb, verifier_deb):
    files = [{line.split(maxsplit=5)[5] for line in output("dpkg-deb", "--contents", one).splitlines() if line[0] != "d"}
             for one in (deb, verifier_deb)]
    assert all(files) and not files[0] & files[1]


def test_the_package_needs_the_same_version_of_the_module(deb, verifier_deb, rpm, verifier_rpm):
    version = output("dpkg-deb", "--field", deb, "Version").strip()
    assert output("dpkg-deb", "--field", verifier_deb, "Version").strip() == version
    depends = output("dpkg-deb", "--field", verifier_deb, "Depends").strip().split(", ")
    assert f"pam-otp (= {version})" in depends
    assert {re.sub(r" \(.*?\)", "", name) for name in depends} <= {"libc6", "libgcc-s1", "libpam0g", "pam-otp", "passwd"}
    release = query(rpm, "%{VERSION}-%{RELEASE}")
    assert f"pam-otp = {release}" in query(verifier_rpm, "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]")


def test_lintian_finds_nothing_that_is_not_explained(verifier_deb):
    done = subprocess.run(["lintian", "--allow-root", "--no-override", "--tag-display-limit", "0", verifier_deb],
                          capture_output=True, text=True)
    found = {line[3:] for line in done.stdout.splitlines() if line[:2] in ("E:", "W:")}
    explained = (TOP / "packaging/debian/pam-otp-verifier.lintian-overrides").read_text().splitlines()
    assert found == {line for line in explained if not line.startswith("#")}


def test_the_licence_of_the_rpm_names_that_of_everything_linked_in(verifier_rpm, unpacked_verifier_rpm):
    bill = json.loads((unpacked_verifier_rpm / "usr/share/licenses/pam-otp-verifier/pam-otp-verifier.cdx.json").read_text())
    linked = [part for part in bill["components"] if part["scope"] != "excluded"]
    assert "tonic" in {part["name"] for part in linked}

    def alternatives(expression):
        return frozenset(expression.strip("()").split(" OR "))

    needed = {alternatives(term) for part in linked for entry in part["licenses"] for term in entry["expression"].split(" AND ")}
    assert {alternatives(term) for term in query(verifier_rpm, "%{LICENSE}").split(" AND ")} == needed


def test_no_file_tells_where_it_was_built(unpacked_verifier_rpm):
    places = [str(TOP).encode(), b"/packages/source", b"/packages/build", b"/.cargo/", b"registry/src"]
    for path in unpacked_verifier_rpm.rglob("*"):
        if path.is_file():
            assert not [place for place in places if place in path.read_bytes()], path.name


def test_the_scripts_can_be_read_by_the_shell(verifier_deb, verifier_rpm, tmp_path):
    subprocess.run(["dpkg-deb", "--control", verifier_deb, tmp_path], check=True)
    scripts = [(tmp_path / name).read_text() for name in ("postinst", "prerm", "postrm")]
    scripts += [query(verifier_rpm, f"%{{{tag}}}") for tag in ("PREIN", "POSTIN", "PREUN", "POSTUN")]
    shown = subprocess.run([*RPM, "-qp", "--scripts", verifier_rpm], check=True, capture_output=True, text=True).stdout
    assert len(re.findall(r"^\w+ scriptlet\b", shown, re.M)) == 4
    for script in scripts:
        assert len(script) > 50
        for shell in ("bash", "dash"):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)


# ------------------------------------------------------------------------------------------------------------ the manual


def tags(section):
    """Returns the subjects of the paragraphs of a section of the manual."""
    manual = (TOP / "packaging/man/otp-verifier.8").read_text()
    (lines,) = re.findall(rf"^\.SH {section}\n(.*?)(?=^\.SH )", manual, re.M | re.S)
    return [re.sub(r"\\f[BIR]", "", tag).replace("\\-", "-") for tag in re.findall(r"^\.TP\n(.*)$", lines, re.M)]


def test_the_manual_has_the_options_of_the_program_and_no_other(unpacked_verifier_rpm):
    help = output(unpacked_verifier_rpm / "usr/sbin/otp-verifier", "--help")
    assert set(re.findall(r"^ +(--\w+)", help, re.M)) == set(re.findall(r"--\w+", " ".join(tags("OPTIONS")))) != set()


@pytest.fixture
def open_to_all():
    """A directory of root's that everybody may enter: a verifier reads its configuration as its own account."""
    with tempfile.TemporaryDirectory(prefix="pam_otp-verifier.", dir="/run") as place:
        os.chmod(place, 0o755)
        yield pathlib.Path(place)


def test_the_manual_has_the_keys_of_the_shipped_file_with_their_defaults(unpacked_verifier_rpm, open_to_all):
    text = (TOP / "conf/pam_otp-verifier.conf").read_text()
    shipped = re.findall(r"^#(\w+ = .*)$", text, re.M)
    of_zones = 'web = ["@staff", "alice"]'
    assert of_zones in shipped and len(shipped) == 12
    described = tags("CONFIGURATION")
    for line in shipped:
        key, _, value = line.partition(" = ")
        assert line == of_zones or line in described or f"{key} (required)" in described, line
    known = {line.split(" ")[0] for line in shipped} | {"NAME", "directory", "machines"}
    assert {tag.split(" ")[0] for tag in described} == known - {"web"}
    # The program knows all of these keys.
    every = open_to_all / "every.conf"
    every.touch()
    every.chmod(0o644)
    program = unpacked_verifier_rpm / "usr/sbin/otp-verifier"
    for key, fails in (("", "pam_otp-verifier/ca.pem"), ("colour = 1\n", "line 1: ")):
        every.write_text(key + re.sub(r"^#(\w+ = )", r"\1", text, flags=re.M))
        done = subprocess.run([program, "--check", "--user", "daemon", "--conf", every], capture_output=True, text=True)
        assert done.returncode == 2 and fails in done.stderr, done.stderr


# -------------------------------------------------------------------------------------------------------------- the unit


def settings():
    """Returns the settings of the unit, by name; the last of each counts."""
    return dict(re.findall(r"^(\w+)=(.*)$", (TOP / UNIT).read_text(), re.M))


def test_the_unit_leaves_the_service_next_to_nothing(tmp_path):
    """The level is systemd's own measure, from 0 (safe) to 10; the rest is the network, users' names, and its directory."""
    unit = shutil.copy(TOP / UNIT, tmp_path)
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=16", unit],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout.splitlines()[-1:]
    level = float(re.search(r"Overall exposure level for otp-verifier.service: ([\d.]+)", done.stdout)[1])
    assert f"exposure level of {level}" in (TOP / "packaging/man/otp-verifier.8").read_text().replace("\n", " ")


def verified(place, text=None):
    """Returns systemd's messages about the units, with programs that this machine has."""
    for unit in UNITS:
        found = (TOP / "packaging/systemd" / unit).read_text() if text is None or unit != "otp-verifier.service" else text
        (place / unit).write_text(re.sub(r"^(Exec\w+=[-+]*)/usr/(sbin|libexec)/\S+", r"\1/bin/true", found, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(place / unit for unit in UNITS)], capture_output=True, text=True)
    return done.returncode, done.stderr


def test_systemd_knows_each_setting_of_the_units(tmp_path):
    assert verified(tmp_path) == (0, "")
    _, said = verified(tmp_path, (TOP / UNIT).read_text().replace("NoNewPrivileges", "NoNewPrivilege"))
    assert "NoNewPrivilege" in said


def test_the_service_can_write_its_own_directory_alone_and_sees_no_record_of_this_host():
    unit = settings()
    assert unit["User"] == ACCOUNT and "ReadWritePaths" not in unit
    assert (unit["StateDirectory"], unit["StateDirectoryMode"], unit["ProtectSystem"]) == ("pam_otp-verifier", "0750", "strict")
    assert unit["CapabilityBoundingSet"] == "" and "AmbientCapabilities" not in unit
    # The group is for the sealing key; the other files that it could read are hidden.
    assert (unit["SupplementaryGroups"], unit["InaccessiblePaths"]) == ("pam_otp", "-/var/lib/pam_otp")


@pytest.mark.parametrize("kind", ["path", "service", "timer"])
def test_the_units_for_a_verifiers_events_are_those_for_a_machines_events(kind):
    """They differ only in words, in the queue, in the group that may read it, and in the hosts on which they run."""
    units = [(TOP / f"packaging/systemd/{name}.{kind}").read_text() for name in ("otp-notify", "otp-verifier-notify")]
    plain = [[line for line in unit.splitlines() if not re.match(r"Description=|Documentation=|#|WantedBy=|Group=", line)]
             for unit in units]
    assert [line.replace(" --state-dir /var/lib/pam_otp-verifier", "").replace("pam_otp-verifier", "pam_otp")
            for line in plain[1]] == plain[0]
    assert kind == "service" or "WantedBy=otp-verifier.service\n" in units[1]
    assert kind != "service" or f"Group={ACCOUNT}\n" in units[1]


# ---------------------------------------------------------------------------------------------------- on a fresh Debian


@pytest.fixture
def host(debian, deb, verifier_deb):
    """A fresh Debian with both packages."""
    debian.said = debian.run("apt-get", "install", "--yes", "--quiet", debian.bring(deb), debian.bring(verifier_deb))
    return debian


def installed(debian: Debian):
    form = "${db:Status-Status}"
    return debian.run("sh", "-c", f"dpkg-query --show --showformat='{form}' pam-otp-verifier 2> /dev/null || :")


def test_the_package_does_not_install_without_the_module(debian, verifier_deb):
    assert "pam-otp" in debian.fails("dpkg", "--install", debian.bring(verifier_deb))


def test_the_account_has_no_shell_no_password_and_no_other_group(host):
    name, _, number, group, _, home, shell = host.run("getent", "passwd", ACCOUNT).strip().split(":")
    assert name == ACCOUNT and 0 < int(number) < 1000 and (home, shell) == ("/", "/usr/sbin/nologin")
    assert host.run("id", "--name", "--groups", ACCOUNT).split() == [ACCOUNT]
    assert host.run("getent", "shadow", ACCOUNT).split(":")[1][0] in "!*"
    assert host.stat(KEYS) == f"750 root {ACCOUNT}"
    assert host.stat(CONFIGURATION) == "644 root root"
    assert "SETTING UP in pam_otp-fleet(7)" in host.said


def test_systemd_if_present_makes_the_account(debian, deb, verifier_deb):
    if not debian.exists("/usr/bin/systemd-sysusers"):
        for package in debian.extra.iterdir():
            debian.run("dpkg", "--install", debian.bring(package))
    debian.run("apt-get", "install", "--yes", debian.bring(deb), debian.bring(verifier_deb))
    assert debian.run("getent", "passwd", ACCOUNT).strip().split(":")[4:] == ["Verifier of pam_otp", "/", "/usr/sbin/nologin"]
    assert debian.stat(KEYS) == f"750 root {ACCOUNT}"


def test_the_verifier_is_neither_enabled_nor_started(host):
    assert not host.exists("/etc/systemd/system/multi-user.target.wants/otp-verifier.service")


# Stand-ins for systemd's programs, which record how they were called: a chroot has no systemd.
CALLS = "/calls"


def pretend_systemd(debian):
    debian.run("mkdir", "-p", "/run/systemd/system")
    for program in ("systemctl", "deb-systemd-invoke"):
        path = f"/usr/bin/{program}"
        if debian.exists(path):
            debian.run("dpkg-divert", "--quiet", "--add", "--rename", path)
        debian.write(path, f'#!/bin/sh\necho "{program} $*" >> {CALLS}\n', mode=0o755)
    debian.write(CALLS, "")


def about_the_verifier(debian):
    return [line for line in debian.read(CALLS).splitlines() if "otp-verifier" in line]


def test_an_upgrade_keeps_keys_and_configuration_and_restarts_only_a_running_verifier(host, verifier_deb, deb, tmp_path):
    host.write(CONFIGURATION, "# ours\n")
    host.write(f"{KEYS}/verifier.key", "a key", mode=0o640)
    host.run("chmod", "0700", KEYS)
    pretend_systemd(host)
    newer = changed(deb, tmp_path, "0.1.0-2")
    verifier = changed(verifier_deb, tmp_path, "0.1.0-2", name="pam-otp-verifier")
    control = output("dpkg-deb", "--field", verifier, "Depends")
    assert "pam-otp (= 0.1.0-2)" in control
    host.run("apt-get", "install", "--yes", "-o", "Dpkg::Options::=--force-confold", host.bring(newer), host.bring(verifier))
    assert host.read(CONFIGURATION) == "# ours\n" and host.read(f"{KEYS}/verifier.key") == "a key"
    assert host.stat(KEYS) == f"700 root {ACCOUNT}"
    assert about_the_verifier(host) == ["deb-systemd-invoke try-restart otp-verifier.service"]


def test_a_removal_stops_the_verifier_and_keeps_files_of_the_administrator_and_a_purge_leaves_nothing(debian, deb, verifier_deb):
    debian.install(deb)
    before = debian.everything()
    debian.install(verifier_deb)
    debian.write(f"{KEYS}/verifier.key", "a key", mode=0o640)
    debian.write("/var/lib/pam_otp-verifier/seen", "1")
    pretend_systemd(debian)
    debian.run("apt-get", "remove", "--yes", "pam-otp-verifier")
    assert about_the_verifier(debian)[0] .startswith("deb-systemd-invoke stop ") and "otp-verifier.service" in about_the_verifier(debian)[0]
    assert debian.exists(f"{KEYS}/verifier.key") and debian.exists("/var/lib/pam_otp-verifier/seen")
    assert debian.exists(CONFIGURATION) and debian.run("getent", "passwd", ACCOUNT)
    debian.run("apt-get", "purge", "--yes", "pam-otp-verifier")
    for program in ("systemctl", "deb-systemd-invoke"):
        debian.run("rm", "-f", f"/usr/bin/{program}")
        debian.run("dpkg-divert", "--quiet", "--remove", "--rename", f"/usr/bin/{program}")
    debian.run("rm", CALLS)
    after = debian.everything()
    # The user databases and their backups; only their lines count.
    books = {f"/etc/{book}" for book in ("passwd", "shadow", "group", "gshadow")}
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} <= books
    assert ACCOUNT not in "".join(debian.read(book) for book in books)
    assert debian.status() == "installed"


def test_the_module_cannot_be_removed_without_the_verifier(host):
    said = host.run("apt-get", "remove", "--yes", "pam-otp")
    assert "pam-otp-verifier" in said and installed(host) != "installed" and host.status() != "installed"


# ----------------------------------------------------------------------------------------------------------------- rpm


def test_rpm_makes_the_account_and_removes_everything_but_configuration(machine, rpm, verifier_rpm, newer_rpms):
    assert "pam-otp = " in machine.rpm("-i", verifier_rpm, status=1).stderr
    machine.rpm("-i", "--nodeps", rpm, verifier_rpm)
    name, _, _, _, _, home, shell = machine.run("getent", "passwd", ACCOUNT).stdout.strip().split(":")
    assert (name, home, shell) == (ACCOUNT, "/", "/usr/sbin/nologin")
    assert machine.mode_and_owner(KEYS) == f"750 root:{ACCOUNT}"
    assert machine.run("rpm", "-V", "--nodeps", "pam-otp-verifier").stdout == ""
    machine.write(CONFIGURATION, "# ours\n")
    machine.write(f"{KEYS}/verifier.key", "a key")
    machine.rpm("-U", "--nodeps", *newer_rpms[:2])
    assert machine.run("rpm", "-q", "--qf", "%{VERSION}", "pam-otp-verifier").stdout == "999"
    assert machine.path(CONFIGURATION).read_text() == "# ours\n" and machine.path(f"{KEYS}/verifier.key").exists()
    machine.rpm("-e", "pam-otp-verifier")
    assert machine.path(f"{CONFIGURATION}.rpmsave").read_text() == "# ours\n"
    assert machine.path(f"{KEYS}/verifier.key").exists()
    for gone in ("/usr/sbin/otp-verifier", "/usr/libexec/pam_otp/otp-fleet-admin", CONFIGURATION):
        assert not machine.path(gone).exists()
    assert machine.path(fedora.HELPER).exists()
