"""The package installed, upgraded, downgraded and removed by rpm, with its scripts, on a copy of this machine."""

import newer_records
import pytest
from fedora import HELPER, MODULE, POLICY, RECORDS


def test_installing_makes_the_group_with_the_helper_and_the_records_and_changes_no_login(machine, rpm):
    before = machine.below("/etc/pam.d", "/etc/security")
    machine.rpm("-i", "--nodeps", rpm)
    assert machine.mode_and_owner(HELPER) == "2755 root:pam_otp"
    assert machine.mode_and_owner(RECORDS) == "2770 root:pam_otp"
    name, _, number, members = machine.run("getent", "group", "pam_otp").stdout.strip().split(":")
    assert (name, members) == ("pam_otp", "") and 0 < int(number) < 1000
    after = machine.below("/etc/pam.d", "/etc/security")
    del after["etc/pam.d/otp-enroll"], after["etc/security/pam_otp.conf"]
    assert after == before
    assert machine.run("rpm", "-V", "--nodeps", "pam-otp").stdout == ""


def test_installing_uses_an_existing_group(machine, rpm):
    machine.run("groupadd", "--system", "--gid=444", "pam_otp")
    machine.rpm("-i", "--nodeps", rpm)
    assert machine.path(HELPER).stat().st_gid == 444 == machine.path(RECORDS).stat().st_gid


def test_a_group_with_members_is_refused_at_the_first_install(machine, rpm):
    machine.run("groupadd", "--system", "pam_otp")
    machine.run("useradd", "--no-create-home", "--groups=pam_otp", "otpalice")
    assert "the group pam_otp has members" in machine.rpm("-i", "--nodeps", rpm, status=1).stderr
    assert not machine.path(HELPER).exists()


def test_an_upgrade_reports_a_group_with_members_and_keeps_nobody_out(equipped, newer_rpm):
    equipped.run("useradd", "--no-create-home", "--groups=pam_otp", "otpalice")
    assert "the group pam_otp has members: otpalice" in equipped.rpm("-U", "--nodeps", newer_rpm).stderr
    assert equipped.mode_and_owner(HELPER) == "2755 root:pam_otp"


@pytest.mark.parametrize("as_user", [False, True], ids=["by the module", "by the helper"])
def test_the_installed_module_lets_in_by_a_good_code_once(equipped, alice, as_user):
    equipped.write("/etc/pam.d/door", "auth required pam_otp.so\naccount required pam_permit.so\n")
    code = alice.codes.now()
    assert equipped.login("door", alice.name, code, as_user=as_user)[0]
    let_in, said = equipped.login("door", alice.name, code, as_user=as_user)
    assert not let_in and "already" in said
    let_in, said = equipped.login("door", alice.name, alice.codes.wrong(), as_user=as_user)
    assert not let_in and "already" not in said and alice.attempts() == 1
    state = equipped.path(f"{RECORDS}/{alice.name}/state")
    state.write_bytes(bytes(state.stat().st_size))
    let_in, said = equipped.login("door", alice.name, alice.codes.at_step(1), as_user=as_user)
    assert not let_in and "cannot retrieve authentication info" in said


def test_an_upgrade_keeps_records_policy_and_the_group_of_the_helper_also_while_in_use(equipped, alice, newer_rpm):
    equipped.write("/etc/pam.d/door", "auth required pam_otp.so\naccount required pam_permit.so\n")
    equipped.write(POLICY, 'issuer = "Example"\n')
    places = (RECORDS, "/etc/pam.d", "/etc/security")
    before = equipped.below(*places)
    old = equipped.version()
    equipped.rpm("-U", "--nodeps", newer_rpm)
    assert equipped.version() == "999" != old
    assert equipped.path(f"{POLICY}.rpmnew").exists()
    equipped.path(f"{POLICY}.rpmnew").unlink()
    # The policy as otp-notify last saw it; the upgrade has otp-notify look at it.
    seen = f"{RECORDS.lstrip('/')}/.queue/policy"
    after = equipped.below(*places)
    assert {path: what for path, what in after.items() if path != seen} == \
        {path: what for path, what in before.items() if path != seen}
    assert equipped.mode_and_owner(HELPER) == "2755 root:pam_otp"
    assert equipped.login("door", alice.name, alice.codes.now())[0]


@pytest.mark.parametrize("file", newer_records.FORMATS)
def test_a_downgrade_over_newer_records_is_refused_and_changes_nothing(equipped, alice, rpm, newer_rpm, file):
    equipped.rpm("-U", "--nodeps", newer_rpm)
    newer_records.make_newer(equipped.path(f"{RECORDS}/{alice.name}/{file}"))
    before = equipped.below(RECORDS, "/etc", "/usr/libexec/pam_otp", "/usr/lib64/security")
    refused = equipped.rpm("-U", "--oldpackage", "--nodeps", rpm, status=1)
    assert f"{RECORDS}/{alice.name}\n" in refused.stderr and "keep the newer version" in refused.stderr
    assert equipped.version() == "999"
    assert equipped.below(RECORDS, "/etc", "/usr/libexec/pam_otp", "/usr/lib64/security") == before


def test_a_downgrade_over_records_that_the_older_version_reads_works(equipped, alice, rpm, newer_rpm):
    equipped.rpm("-U", "--nodeps", newer_rpm)
    equipped.rpm("-U", "--oldpackage", "--nodeps", rpm)
    assert equipped.version() != "999"
    assert equipped.run("otp-admin", "show", alice.name).stdout


def refuses_to_go(machine, *reasons):
    """Returns whether the package stays whole when it is to be removed, and names these reasons."""
    before = machine.below("/etc", "/usr/libexec/pam_otp", "/usr/lib64/security")
    refused = machine.rpm("-e", "pam-otp", status=1)
    assert machine.below("/etc", "/usr/libexec/pam_otp", "/usr/lib64/security") == before and machine.version()
    return all(reason in refused.stderr for reason in reasons)


@pytest.mark.parametrize("file", ["/etc/pam.d/sshd", "/etc/pam.conf", "/usr/lib/pam.d/vendor"])
def test_the_package_is_not_removed_while_a_service_names_the_module(equipped, file):
    equipped.write(file, "auth required pam_otp.so nullok\n")
    assert refuses_to_go(equipped, f"    {file}\n", "Take the pam_otp.so lines out of")
    equipped.write(file, "#auth required pam_otp.so nullok\n")
    equipped.write("/etc/pam.d/sshd.rpmsave", "auth required pam_otp.so\n")
    equipped.write("/etc/pam.d/sshd~", "auth required pam_otp.so\n")
    equipped.rpm("-e", "pam-otp")


def test_the_package_is_not_removed_while_authselect_has_its_profile(equipped):
    equipped.write("/etc/authselect/authselect.conf", "pam-otp\nwith-faillock\n")
    assert refuses_to_go(equipped, "authselect", "Select another profile")
    equipped.write("/etc/authselect/authselect.conf", "custom/ours\n")
    equipped.write("/etc/authselect/system-auth", "auth required pam_otp.so\n")
    equipped.path("/etc/pam.d/system-auth").symlink_to("/etc/authselect/system-auth")
    assert refuses_to_go(equipped, "    /etc/pam.d/system-auth\n")
    equipped.write("/etc/authselect/system-auth", "auth required pam_unix.so\n")
    equipped.rpm("-e", "pam-otp")


def test_a_removal_keeps_records_group_and_a_changed_policy(equipped, alice):
    equipped.write(POLICY, 'issuer = "Example"\n')
    records = equipped.below(RECORDS)
    assert len(records) >= 3
    equipped.rpm("-e", "pam-otp")
    assert equipped.below(RECORDS) == records
    assert equipped.run("getent", "group", "pam_otp").stdout
    assert equipped.path(f"{POLICY}.rpmsave").read_text() == 'issuer = "Example"\n'
    for gone in (MODULE, HELPER, "/usr/sbin/otp-admin", POLICY, "/etc/pam.d/otp-enroll", "/usr/share/doc/pam-otp"):
        assert not equipped.path(gone).exists()


# -------------------------------------------------------------------------------------------------------------- SELinux

LABEL = "semanage fcontext --add --type var_auth_t /var/lib/pam_otp(/.*)?"
NO_LABEL = "semanage fcontext --delete /var/lib/pam_otp(/.*)?"
LIST = "semanage fcontext --list --locallist"


def pretend_selinux(machine, on=True, label="var_lib_t"):
    """Writes stand-ins for SELinux's programs that record how they were called, and know which rules were made."""
    programs = {
        "selinuxenabled": f"exit {0 if on else 1}",
        "matchpathcon": f"echo system_u:object_r:{label}:s0",
        "restorecon": 'echo "restorecon $*" >> /calls',
        "semanage": 'echo "semanage $*" >> /calls\n[ "$2" != --list ] || grep -s -e --add /calls',
    }
    for name, does in programs.items():
        machine.write(f"/usr/sbin/{name}", f"#!/bin/sh\n{does}\n")
        machine.path(f"/usr/sbin/{name}").chmod(0o755)
    machine.write("/calls", "")
    return lambda: machine.path("/calls").read_text().splitlines()


def test_with_selinux_the_rule_for_the_label_is_made_before_the_records_are_labelled_and_goes_at_the_end(
    machine, rpm, newer_rpm
):
    calls = pretend_selinux(machine)
    machine.rpm("-i", "--nodeps", rpm)
    assert calls() == [LABEL, f"restorecon -R {RECORDS}"]
    pretend_selinux(machine, label="var_auth_t")
    machine.rpm("-U", "--nodeps", newer_rpm)
    assert calls() == [f"restorecon -R {RECORDS}"]
    machine.write("/calls", LABEL + "\n")
    machine.rpm("-e", "pam-otp")
    assert calls() == [LABEL, LIST, NO_LABEL]


def test_a_label_that_the_policy_knows_already_gets_no_rule(machine, rpm):
    calls = pretend_selinux(machine, label="var_auth_t")
    machine.rpm("-i", "--nodeps", rpm)
    machine.rpm("-e", "pam-otp")
    assert calls() == [f"restorecon -R {RECORDS}", LIST]


def test_without_selinux_nothing_is_labelled(machine, rpm):
    calls = pretend_selinux(machine, on=False)
    machine.rpm("-i", "--nodeps", rpm)
    machine.rpm("-e", "pam-otp")
    assert calls() == []
