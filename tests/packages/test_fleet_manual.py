"""pam_otp-fleet(7), SETTING UP, followed to the letter on fresh Debians by somebody who has nothing but the manual and the packages."""

import pathlib
import shutil

import network
import pytest
from clock import wait_until
from conftest import named

TOP = pathlib.Path(__file__).resolve().parents[2]
MANUAL = TOP / "packaging/man/pam_otp-fleet.7"
ADDRESSES = {
    "desk": "192.0.2.9", "e1": "192.0.2.1", "e2": "192.0.2.2", "e3": "192.0.2.3", "v1": "192.0.2.11", "v2": "192.0.2.12",
    "web1": "192.0.2.21",
}
ETCDCTL = ("ETCDCTL_API=3 etcdctl --endpoints https://e1.example.org:2379,https://e2.example.org:2379,https://e3.example.org:2379 "
           "--cacert etcd-ca.pem --cert root.pem --key root.key ")


@pytest.fixture(scope="module")
def hosts(deb, verifier_deb, tmp_path_factory):
    place = tmp_path_factory.mktemp("fleet")
    with network.Network(named("PAM_OTP_DEBIAN"), place, ADDRESSES) as found:
        found["desk"].type("apt-get install --yes --quiet openssl")
        # The sysusers file of the package makes them in the same way.
        shutil.copytree(TOP / "conf/fleet/etcd", found["desk"].path("/usr/share/doc/pam-otp-verifier/examples/etcd"))
        for name, packages in {"v1": [deb, verifier_deb], "v2": [deb, verifier_deb], "web1": [deb]}.items():
            for package in packages:
                shutil.copy(package, found[name].path("/root"))
        yield found


@pytest.fixture(scope="module")
def followed(hosts):
    """Every step of the manual, in order."""
    seen = []
    for names, lines in network.steps(MANUAL, "on|asks"):
        for name in names:
            if lines.strip() == "otp-enroll":
                hosts[name].enrol(hosts[name].administrator)
                continue
            hosts[name].said = hosts[name].type(network.own(lines, hosts[name]))
            seen.append((name, lines))
    assert {name for name, _ in seen} == ADDRESSES.keys()
    return hosts


def type_later(hosts, word, add=""):
    ((names, lines),) = network.steps(MANUAL, word)
    return [hosts[name].type(lines.rstrip() + add) for name in names]


def test_the_members_of_etcd_find_each_other_and_let_in_nobody_without_a_certificate(followed):
    e1 = followed["e1"]
    for file in ("root.pem", "root.key"):
        shutil.copy(followed["v1"].path(f"/root/{file}"), e1.path("/root"))
    wait_until(lambda: e1.type(f"{ETCDCTL} endpoint health 2>&1 || :").count("is healthy") == 3, "three members")
    said = e1.type("ETCDCTL_API=3 etcdctl --endpoints https://e1.example.org:2379 --cacert etcd-ca.pem get x 2>&1 || :")
    assert "bad certificate" in said or "certificate required" in said or "deadline exceeded" in said


@pytest.fixture(scope="module")
def people(followed):
    """Two users of web1, where su asks for a code; `alice` has enrolled, as users do."""
    web1 = followed["web1"]
    alice, bobby = web1.account("alice"), web1.account("bobby")
    web1.enrol(alice)
    web1.protect("su")
    return alice, bobby


def test_the_fleet_is_well_and_says_so(followed):
    said = followed["v2"].type("otp-admin fleet status")
    assert "v1" in said and "v2" in said and "e3" in said


def test_a_user_enrols_on_a_machine_and_gets_in_by_each_code_once(followed, people):
    web1, (alice, bobby) = followed["web1"], people
    assert "alice" in followed["v1"].type("otp-admin list")
    assert not web1.exists("/var/lib/pam_otp/alice"), "a machine of a fleet keeps no secret"
    code = alice.codes.at_step(1)
    assert web1.becomes(bobby, alice, code)
    assert not web1.becomes(bobby, alice, code)
    assert not web1.becomes(bobby, alice, alice.codes.wrong())


def test_a_verifier_that_is_stopped_keeps_nobody_out(followed, people):
    web1, (alice, bobby) = followed["web1"], people
    followed["v1"].type("systemctl stop otp-verifier")
    assert web1.becomes(bobby, alice, alice.recovery_codes[0])
    followed["v1"].type("systemctl start otp-verifier")


def test_a_backup_brings_the_user_back_and_no_code_from_before(followed, people):
    web1, (alice, bobby) = followed["web1"], people
    type_later(followed, "later")
    assert (followed["v1"].path("/root/fleet.backup").stat().st_mode & 0o777) == 0o600
    assert alice.codes._secret.encode() not in followed["v1"].path("/root/fleet.backup").read_bytes()
    type_later(followed, "restored", " --replace")
    assert "alice" in followed["v1"].type("otp-admin list")
    assert not web1.becomes(bobby, alice, alice.codes.now())
    assert not web1.becomes(bobby, alice, alice.recovery_codes[1])
