"""The package on a fresh Debian: installed, used, and its profile of pam-auth-update."""

import re

from debian import CODE, COMMON_AUTH, HELPER, PASSWORD, POLICY, RECORDS, RECOVERY_CODE, lets_in, refuses


def test_installing_changes_no_login(debian, deb):
    services = {path: what for path, what in debian.everything().items() if path.startswith("/etc/pam.d/")}
    assert "pam-otp: nothing asks for codes yet. Next: each user runs otp-enroll" in debian.install(deb)
    after = {path: what for path, what in debian.everything().items() if path.startswith("/etc/pam.d/")}
    assert after.pop("/etc/pam.d/otp-enroll")
    assert after == services
    account = debian.account("alice")
    lets_in(debian.sshd(), account, account.password)


def test_the_helper_has_its_group_and_nobody_else_may_enter_the_records(installed):
    assert installed.stat(HELPER) == "2755 root pam_otp"
    assert installed.stat(RECORDS) == "2770 root pam_otp"
    assert re.fullmatch(r"pam_otp:x:\d+:", installed.run("getent", "group", "pam_otp").strip())
    assert installed.stat(POLICY) == "644 root root"


def test_systemd_if_present_makes_the_group_and_the_directory(debian, deb):
    if not debian.exists("/usr/bin/systemd-sysusers"):
        for package in debian.extra.iterdir():
            debian.run("dpkg", "--install", debian.bring(package))
    debian.install(deb)
    assert debian.stat(HELPER) == "2755 root pam_otp"
    assert debian.stat(RECORDS) == "2770 root pam_otp"
    # As at a boot after which the directory is missing.
    debian.run("rm", "-r", f"{RECORDS}/.queue")
    debian.run("rmdir", RECORDS)
    debian.run("systemd-tmpfiles", "--create", "pam-otp.conf")
    assert debian.stat(RECORDS) == "2770 root pam_otp"
    debian.run("groupdel", "--force", "pam_otp")
    debian.run("systemd-sysusers", "pam-otp.conf")
    assert debian.run("getent", "group", "pam_otp")


def test_a_group_with_members_is_refused_at_the_first_install(debian, deb):
    debian.run("groupadd", "--system", "pam_otp")
    debian.account("mallory")
    debian.run("usermod", "--append", "--groups", "pam_otp", "mallory")
    said = debian.fails("apt-get", "install", "--yes", debian.bring(deb))
    assert "the group pam_otp has members: mallory" in said
    assert debian.stat(HELPER) == "755 root root"


def test_an_override_of_an_administrator_stays(debian, deb):
    debian.run("dpkg-statoverride", "--add", "root", "root", "0755", HELPER)
    debian.install(deb)
    assert debian.stat(HELPER) == "755 root root"
    debian.run("apt-get", "remove", "--yes", "pam-otp")
    assert "755" in debian.run("dpkg-statoverride", "--list", HELPER)


# ---------------------------------------------------------------------------------------------------------------- using


def test_a_user_enrols_and_logs_in_over_sshd_with_a_code(installed):
    alice = installed.account("alice")
    installed.enrol(alice)
    installed.protect("sshd")
    ssh = installed.sshd()
    assert "wrong" in refuses(ssh, alice, alice.password, alice.codes.wrong()).messages
    code = alice.codes.at_step(1)
    assert lets_in(ssh, alice, alice.password, code).prompts == [PASSWORD, CODE]
    assert "already used" in refuses(ssh, alice, alice.password, code).messages
    lets_in(ssh, alice, alice.password, alice.recovery_codes[0])


# ------------------------------------------------------------------------------------------------------ pam-auth-update


def test_the_profile_is_known_but_not_enabled(installed):
    assert "pam_otp" not in installed.read("/etc/pam.d/common-auth")
    # A later change of another package's profile does this.
    installed.run("pam-auth-update", "--package")
    assert "pam_otp" not in installed.read("/etc/pam.d/common-auth")


def test_enabling_the_profile_asks_for_a_code_in_every_service(installed):
    before = {name: installed.read(f"/etc/pam.d/common-{name}") for name in ("auth", "account", "session", "password")}
    alice, bobby = installed.account("alice"), installed.account("bobby")
    installed.provision(alice)
    ssh = installed.sshd()
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    assert installed.common_auth() == COMMON_AUTH
    for name in ("account", "session", "password"):
        assert installed.read(f"/etc/pam.d/common-{name}") == before[name]
    refuses(ssh, alice, alice.password, alice.codes.wrong())
    lets_in(ssh, alice, alice.password, alice.codes.now())
    refuses(ssh, alice, "not the password")
    refuses(ssh, bobby, bobby.password, "123456")
    installed.run("pam-auth-update", "--package", "--remove", "pam-otp")
    assert installed.read("/etc/pam.d/common-auth") == before["auth"]
    lets_in(ssh, bobby, bobby.password)


def test_with_the_profile_otp_enroll_asks_for_the_password_and_one_code(installed):
    alice = installed.account("alice")
    installed.provision(alice)
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    child = installed.spawn(alice, "otp-enroll", "recovery-codes")
    child.expect_exact(PASSWORD)
    child.sendline(alice.password)
    child.expect_exact(CODE)
    child.sendline(alice.codes.now())
    child.expect_exact("Enter to go on without: ")
    assert len(re.findall(RECOVERY_CODE, child.before)) == 10
    child.close(force=True)


def test_user_who_is_removed_and_made_again_inherits_no_record(installed):
    """The hook for shadow-utils removes the record; it prints nothing, and never makes useradd or userdel fail."""
    alice = installed.account("alice")
    installed.provision(alice)
    assert installed.exists(f"{RECORDS}/alice/credential.toml")
    assert installed.run("userdel", "alice") == ""
    assert not installed.exists(f"{RECORDS}/alice")
    assert installed.run("useradd", "alice") == ""
    assert installed.run("otp-admin", "list") == "nobody is enrolled\n"
