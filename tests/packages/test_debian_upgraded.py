"""The package on Debian upgraded, also while it is in use, and downgraded."""

import newer_records
import pytest
from debian import COMMON_AUTH, HELPER, POLICY, RECORDS, changed, lets_in, refuses


def test_an_upgrade_keeps_the_profile_enabled(installed, deb, tmp_path):
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    installed.install(changed(deb, tmp_path, "0.1.1-1"))
    assert installed.common_auth() == COMMON_AUTH


def test_an_upgrade_brings_changes_of_an_enabled_profile(installed, deb, tmp_path):
    installed.run("pam-auth-update", "--package", "--enable", "pam-otp")
    installed.install(changed(deb, tmp_path, "0.1.1-1", **{
        "usr/share/pam-configs/pam-otp": ("\tpam_otp.so", "\tpam_otp.so debug"),
    }))
    assert installed.common_auth() == [*COMMON_AUTH[:-1], f"{COMMON_AUTH[-1]} debug"]


def test_an_upgrade_keeps_records_and_configuration(protected, deb, tmp_path, ssh):
    alice = protected.alice
    lets_in(ssh, alice, alice.password, alice.codes.now())
    for path in (POLICY, "/etc/pam.d/otp-enroll"):
        protected.write(path, protected.read(path) + "# ours\n")
    record = {name: protected.path(f"{RECORDS}/alice/{name}").read_bytes() for name in ("credential.toml", "state")}
    newer = changed(deb, tmp_path, "0.1.1-1", **{
        "etc/security/pam_otp.conf": ("# Language of", "# The language of"),
        "DEBIAN/postinst": ("set -e\n", "set -e\n# newer\n"),
    })
    protected.run("apt-get", "install", "--yes", "-o", "Dpkg::Options::=--force-confold", protected.bring(newer))
    for path in (POLICY, "/etc/pam.d/otp-enroll"):
        assert protected.read(path).endswith("# ours\n")
    for name, contents in record.items():
        assert protected.path(f"{RECORDS}/alice/{name}").read_bytes() == contents
    assert protected.stat(HELPER) == "2755 root pam_otp"
    lets_in(ssh, alice, alice.password, alice.codes.at_step(1))


def test_a_login_goes_on_while_the_package_is_upgraded(protected, deb, tmp_path, ssh):
    alice = protected.alice
    newer = changed(deb, tmp_path, "0.1.1-1")
    with ssh.visit(alice) as visit:
        assert visit.prompt()
        visit.reply(alice.password)
        assert visit.prompt()
        protected.install(newer)
        visit.reply(alice.codes.now())
        assert visit.outcome().admitted


def test_otp_enroll_goes_on_while_the_package_is_upgraded(installed, deb, tmp_path):
    alice = installed.account("alice")
    newer = changed(deb, tmp_path, "0.1.1-1")
    installed.enrol(alice, meanwhile=lambda: installed.install(newer))
    assert "alice" in installed.run("otp-admin", "list")


def test_the_helper_works_also_while_a_newer_version_is_only_unpacked(installed, deb, tmp_path):
    alice = installed.account("alice")
    installed.run("dpkg", "--unpack", installed.bring(changed(deb, tmp_path, "0.1.1-1")))
    assert installed.status() == "unpacked"
    assert installed.stat(HELPER) == "2755 root pam_otp"
    installed.enrol(alice)


def test_an_upgrade_reports_a_group_with_members_and_keeps_nobody_out(installed, deb, tmp_path):
    installed.account("mallory")
    installed.run("usermod", "--append", "--groups", "pam_otp", "mallory")
    said = installed.install(changed(deb, tmp_path, "0.1.1-1"))
    assert "the group pam_otp has members: mallory" in said
    assert installed.status() == "installed"


# ---------------------------------------------------------------------------------------------------------- downgrading


@pytest.mark.parametrize("name", newer_records.FORMATS)
def test_going_back_to_a_version_that_cannot_read_the_records_is_refused(installed, deb, tmp_path, name):
    for user in ("alice", "bobby"):
        installed.provision(installed.account(user))
    installed.install(changed(deb, tmp_path, "0.2.0-1"))
    newer_records.make_newer(installed.path(f"{RECORDS}/bobby/{name}"))
    records = installed.everything()
    said = installed.fails("apt-get", "install", "--yes", "--allow-downgrades", installed.bring(deb))
    reason = "a newer version of pam_otp has written these records, and this one could not read them:"
    assert f"{reason}\n    {RECORDS}/bobby\n" in said
    assert installed.everything() == records
    assert "0.2.0-1" in installed.run("dpkg-query", "--show", "pam-otp")
    assert installed.status() == "installed"


def test_going_back_is_fine_with_records_that_can_be_read(protected, deb, tmp_path, ssh):
    protected.install(changed(deb, tmp_path, "0.2.0-1"))
    protected.run("apt-get", "install", "--yes", "--allow-downgrades", protected.bring(deb))
    alice = protected.alice
    lets_in(ssh, alice, alice.password, alice.codes.now())


def test_a_record_of_a_newer_version_refuses_the_login_and_is_named(protected, ssh):
    alice = protected.alice
    newer_records.make_newer(protected.path(f"{RECORDS}/alice/credential.toml"))
    assert "could not be checked" in refuses(ssh, alice, alice.password, alice.codes.now()).messages
    said = protected.fails("otp-admin", "show", "alice")
    assert "written by a newer version of pam_otp" in said
