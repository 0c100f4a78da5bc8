"""The package on Debian removed and purged: when it may go, what it keeps, and how it is installed again."""

import pytest
from debian import COMMON_AUTH, HELPER, POLICY, RECORDS, changed, lets_in, mount, refuses


def test_removing_takes_the_profile_away_first_so_that_logins_go_on(installed, deb):
    alice = installed.account("alice")
    installed.provision(alice)
    before = installed.read("/etc/pam.d/common-auth")
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    ssh = installed.sshd()
    refuses(ssh, alice, alice.password, alice.codes.wrong())
    said = installed.run("apt-get", "remove", "--yes", "pam-otp")
    assert "from now on logins ask for no code" in said
    assert installed.read("/etc/pam.d/common-auth") == before
    lets_in(ssh, alice, alice.password)
    assert installed.status() == "config-files"
    assert installed.exists(f"{RECORDS}/alice/credential.toml")
    assert installed.exists(POLICY)
    # A new installation does not undo a removal that was completed.
    installed.install(deb)
    assert installed.read("/etc/pam.d/common-auth") == before


def test_records_are_unchanged_after_a_new_installation(protected, deb, ssh):
    alice = protected.alice
    lets_in(ssh, alice, alice.password, alice.codes.now())
    line = protected.read("/etc/pam.d/sshd")
    protected.write("/etc/pam.d/sshd", line.replace("auth    required    pam_otp.so\n", ""))
    protected.run("apt-get", "remove", "--yes", "pam-otp")
    protected.install(deb)
    protected.write("/etc/pam.d/sshd", line)
    assert protected.stat(HELPER) == "2755 root pam_otp"
    lets_in(ssh, alice, alice.password, alice.codes.at_step(1))


def test_the_package_stays_while_a_service_names_the_module_by_hand(protected, ssh):
    module = protected.module()
    said = protected.fails("apt-get", "remove", "--yes", "pam-otp")
    assert "pam-otp: still in use by:\n    /etc/pam.d/sshd\n" in said
    assert protected.exists(module) and protected.status() == "installed"
    alice = protected.alice
    refuses(ssh, alice, alice.password, alice.codes.wrong())
    lets_in(ssh, alice, alice.password, alice.codes.now())


def test_the_profile_stays_as_well_while_a_service_names_the_module_by_hand(protected):
    protected.run("pam-auth-update", "--package", "--enable", "pam-otp")
    protected.fails("apt-get", "purge", "--yes", "pam-otp")
    assert protected.common_auth() == COMMON_AUTH
    assert protected.exists(f"{RECORDS}/alice/credential.toml")


@pytest.mark.parametrize("path", ["/etc/pam.d/common-auth", "/etc/pam.d/common-account"])
def test_the_package_stays_with_its_profile_if_a_line_was_added_to_the_common_files(installed, path):
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    installed.write(path, installed.read(path) + f"{path.split('-')[1]} required pam_otp.so\n")
    before = installed.common_auth(), installed.read(path)
    said = installed.fails("apt-get", "remove", "--yes", "pam-otp")
    assert f"pam-otp: still in use by:\n    {path}\n" in said
    assert "taking the profile" not in said, "not even for a moment"
    assert (installed.common_auth(), installed.read(path)) == before
    assert installed.common_auth()[:5] == COMMON_AUTH
    assert installed.exists(installed.module())


def test_the_package_stays_with_its_profile_if_another_profile_names_the_module(installed):
    another = "Name: Another\nDefault: no\nPriority: 1\nAccount-Type: Additional\nAccount:\n\trequired pam_otp.so\n"
    installed.write("/usr/share/pam-configs/another", another)
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp", "another")
    assert installed.common_auth() == COMMON_AUTH
    assert "still in use by:\n    /etc/pam.d/common-account\n" in installed.fails("apt-get", "remove", "--yes", "pam-otp")
    assert installed.common_auth() == COMMON_AUTH


def test_a_removal_that_dpkg_gives_up_leaves_the_profile_enabled(installed):
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    scripts = "/var/lib/dpkg/info/pam-otp"
    installed.run(f"{scripts}.prerm", "remove")
    assert "pam_otp" not in installed.read("/etc/pam.d/common-auth")
    # dpkg calls the script in this way if the package that was to come instead has failed.
    installed.run(f"{scripts}.postinst", "abort-remove")
    assert installed.common_auth() == COMMON_AUTH


def test_root_writes_nothing_where_the_helper_could_have_put_a_link(installed):
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    before = installed.run("find", RECORDS)
    installed.run("/var/lib/dpkg/info/pam-otp.prerm", "remove")
    assert installed.run("find", RECORDS) == before


def test_a_new_installation_after_an_interrupted_removal_enables_the_profile(installed, deb):
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    installed.run("/var/lib/dpkg/info/pam-otp.prerm", "remove")
    installed.run("dpkg", "--install", installed.bring(deb))
    assert installed.common_auth() == COMMON_AUTH


def test_a_removal_from_the_middle_of_an_upgrade_takes_the_profile_away(installed, deb, tmp_path):
    alice = installed.account("alice")
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    installed.run("dpkg", "--unpack", installed.bring(changed(deb, tmp_path, "0.1.1-1")))
    installed.run("apt-get", "remove", "--yes", "pam-otp")
    assert "pam_otp" not in installed.read("/etc/pam.d/common-auth")
    lets_in(installed.sshd(), alice, alice.password)


def test_a_removal_from_the_middle_of_an_upgrade_says_which_services_are_shut(protected, deb, tmp_path):
    protected.run("dpkg", "--unpack", protected.bring(changed(deb, tmp_path, "0.1.1-1")))
    said = protected.run("apt-get", "remove", "--yes", "pam-otp")
    assert "EVERY LOGIN WILL BE REFUSED" in said and "    /etc/pam.d/sshd\n" in said


LINE = "auth required pam_otp.so\n"


@pytest.mark.parametrize("files", [
    {"/etc/pam.d/door": "@include /etc/pam-local\n", "/etc/pam-local": LINE},
    {"/etc/pam.d/door": "auth\tsubstack\t/etc/pam-local\n", "/etc/pam-local": LINE},
    {"/etc/pam.d/door": "auth include local/otp\n", "/etc/pam.d/local/otp": LINE},
    {"/etc/pam.d/door": "@include .otp\n", "/etc/pam.d/.otp": LINE},
    {"/etc/pam.d/door": "@include otp.save\n", "/etc/pam.d/otp.save": LINE},
    {"/etc/pam.d/door": "@include otp-enroll\n"},
    {"/etc/pam.d/door": "-auth [success=ok default=die] /usr/lib/security/pam_otp.so nullok\n"},
    {"/etc/pam.conf": "sshd auth required pam_otp.so\n"},
    {"/usr/lib/pam.d/door": LINE},
    {"/etc/pam.d/door": "-> /etc/authselect/door", "/etc/authselect/door": LINE},
    {"/etc/pam.d/door": "-> /etc/pam-door", "/etc/pam-door": "@include /etc/pam-local\n", "/etc/pam-local": LINE},
])
def test_the_package_stays_wherever_a_service_gets_its_line_from(installed, files):
    """A text that begins with "-> " is a link."""
    for path, text in files.items():
        if text.startswith("-> "):
            installed.run("ln", "-s", text.removeprefix("-> "), path)
        else:
            installed.write(path, text)
    assert "pam-otp: still in use by:" in installed.fails("apt-get", "remove", "--yes", "pam-otp")
    assert installed.status() == "installed"


@pytest.mark.parametrize("name", [
    "sshd.dpkg-old", "sshd.ucf-dist", "sshd~", "sshd.bak", "sshd.old", "sshd.orig", "sshd.save", "sshd.rpmnew",
    "sshd.pam-old",
])
def test_files_that_are_no_services_do_not_keep_the_package(installed, name):
    installed.write(f"/etc/pam.d/{name}", "auth required pam_otp.so\n")
    installed.write("/etc/pam.d/commented", "# auth required pam_otp.so\n")
    installed.run("apt-get", "remove", "--yes", "pam-otp")
    assert installed.status() == "config-files"


def test_purging_asks_nothing_and_leaves_nothing_behind(debian, deb):
    alice = debian.account("alice")
    before = debian.everything()
    debian.install(deb)
    debian.provision(alice)
    debian.write(POLICY, '[enroll]\nmax_authenticators = 2\n')
    debian.write("/etc/security/pam_otp.enrolled", "0123456789abcdef0123456789abcdef\n")
    debian.run("pam-auth-update", "--package", "--enable", "pam-otp")
    # Without a terminal and without standard input.
    debian.run("apt-get", "purge", "--yes", "pam-otp")
    assert debian.everything() == before
    assert debian.status() == "not-installed"
    for book in ("/var/lib/dpkg/statoverride", "/var/lib/pam/seen", "/var/lib/pam/auth"):
        assert "otp" not in debian.read(book), book
    assert "pam_otp" not in debian.read("/etc/group")


def test_purging_after_removing_leaves_nothing_behind_either(debian, deb):
    before = debian.everything()
    debian.install(deb)
    debian.run("apt-get", "remove", "--yes", "pam-otp")
    debian.run("apt-get", "purge", "--yes", "pam-otp")
    assert debian.everything() == before


def test_purging_removes_secrets_that_were_moved_elsewhere(installed):
    installed.provision(installed.account("alice"))
    installed.run("mkdir", "-p", "/srv/otp/of-somebody-else")
    installed.run("mv", f"{RECORDS}/alice", f"{RECORDS}/.enrolled", f"{RECORDS}/.queue", "/srv/otp/")
    installed.run("rmdir", RECORDS)
    installed.run("ln", "-s", "/srv/otp", RECORDS)
    installed.run("apt-get", "purge", "--yes", "pam-otp")
    assert not installed.exists("/srv/otp/alice") and not installed.exists(RECORDS)
    assert not installed.exists("/srv/otp/.queue")
    assert installed.exists("/srv/otp/of-somebody-else")
    assert installed.stat("/srv/otp").split()[1:] == ["root", "root"], "the next group may get the number"


def test_purging_removes_secrets_from_a_file_system_of_their_own(installed):
    mount("-t", "tmpfs", "-o", "mode=2770", "records", installed.path(RECORDS))
    installed.provision(installed.account("alice"))
    installed.run("apt-get", "purge", "--yes", "pam-otp")
    assert installed.run("ls", "-A", RECORDS) == ""
    assert installed.stat(RECORDS) == "700 root root", "the next group may get the number"
    assert installed.status() == "not-installed" and "pam_otp" not in installed.read("/etc/group")


def test_a_removal_leaves_dpkg_nothing_to_stumble_over(installed, deb):
    installed.run("apt-get", "remove", "--yes", "pam-otp")
    installed.run("groupdel", "pam_otp")
    installed.install(deb)
    assert installed.stat(HELPER) == "2755 root pam_otp"


def test_a_new_installation_refuses_a_group_that_got_members_meanwhile(installed, deb):
    installed.run("apt-get", "remove", "--yes", "pam-otp")
    installed.account("mallory")
    installed.run("usermod", "--append", "--groups", "pam_otp", "mallory")
    installed.fails("apt-get", "install", "--yes", installed.bring(deb))
    assert installed.stat(HELPER) == "755 root root"


def test_a_new_installation_gives_the_records_the_group_under_its_new_number(installed, deb):
    installed.provision(installed.account("alice"))
    record = f"{RECORDS}/alice"
    for name, mode in (("trust", "600"), ("first-login", "640")):
        installed.run("install", "-m", mode, "-g", "pam_otp", "/dev/null", f"{record}/{name}")
    installed.run("groupmod", "--gid", "4711", "pam_otp")
    installed.run("dpkg", "--install", installed.bring(deb))
    names = (".", "credential.toml", "state", "trust", "first-login")
    assert {name: installed.stat(f"{record}/{name}") for name in names} == {
        ".": "2770 root pam_otp", "credential.toml": "640 root pam_otp", "state": "660 root pam_otp",
        "trust": "600 root pam_otp", "first-login": "640 root pam_otp",
    }
    assert installed.stat(RECORDS) == "2770 root pam_otp" and installed.stat(HELPER) == "2755 root pam_otp"


def test_after_a_removal_users_can_be_removed_and_made(installed):
    """The package leaves nothing for userdel and useradd to run."""
    installed.provision(installed.account("alice"))
    installed.run("apt-get", "remove", "--yes", "pam-otp")
    assert not installed.exists("/etc/shadow-maint/userdel-post.d/pam-otp")
    assert installed.run("userdel", "alice") == ""
    assert installed.run("useradd", "alice") == ""


@pytest.mark.parametrize("how", ["remove", "purge", "install --reinstall"])
def test_another_name_of_the_helper_keeps_no_group(installed, deb, how):
    """dpkg removes the bits from a file that it replaces or removes."""
    kept = "/usr/libexec/kept"
    installed.run("ln", HELPER, kept)
    if how == "install --reinstall":
        installed.run("dpkg", "--install", installed.bring(deb))
        assert installed.stat(HELPER) == "2755 root pam_otp"
    else:
        installed.run("apt-get", how, "--yes", "pam-otp")
    mode = int(installed.stat(kept).split()[0], 8)
    assert mode & 0o6000 == 0, oct(mode)


def test_group_that_was_removed_and_made_again_leaves_its_old_number_no_right(installed, deb):
    installed.provision(installed.account("alice"))
    number = installed.run("stat", "--format=%g", RECORDS).strip()
    installed.run("groupdel", "pam_otp")
    installed.run("groupadd", "--gid", number, "another")
    installed.run("groupadd", "--gid", "987", "pam_otp")
    installed.run("dpkg", "--install", installed.bring(deb))
    assert installed.stat(HELPER) == "2755 root pam_otp"
    assert installed.run("find", RECORDS, HELPER, "-group", "another") == ""
    found = installed.run("find", RECORDS, "-mindepth", "1", "-not", "-path", "*/.queue*", "-printf", r"%f %m %g\n").splitlines()
    assert sorted(found) == [".enrolled 640 pam_otp", "alice 2770 pam_otp", "credential.toml 640 pam_otp", "state 660 pam_otp"]
    queue = installed.run("find", f"{RECORDS}/.queue", "-printf", r"%f %m\n").splitlines()
    assert {".queue 2750", "incoming 2770", "making 2770", "taken 2700", "dropped 660"} <= set(queue)
