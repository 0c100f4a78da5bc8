"""Events in the life of a fleet: verifiers that are upgraded, certificates that are renewed, machines that are
revoked, and a store that is put back to an earlier state."""

import re
import threading

import pytest

import etcd
import logins
import register
import store
from clock import wait_until
from logins import answered, let_in, log_in

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def one(fleet):
    """Logins on one machine."""
    with logins.Crowds(fleet.machines[:1]) as running:
        yield running


def test_a_good_code_lets_in_and_the_next_is_needed_for_the_next_login(one, fleet, person):
    code = let_in(one, fleet, person)
    assert answered(one, fleet, person, code) == logins.AUTH_ERR
    fleet.later(30)
    let_in(one, fleet, person)


def test_a_code_used_on_one_machine_is_refused_on_the_others(crowds, fleet, person):
    def all_are_answered():
        codes = [code for _, code in crowds.at_once(1, person, person.codes.now(), fleet.step())]
        assert codes.count(logins.SUCCESS) <= 1
        if logins.AUTHINFO_UNAVAIL not in codes:
            return codes
        fleet.later(30)
        return None

    codes = wait_until(all_are_answered, "crowd that is answered", etcd.PATIENCE)
    assert sorted(codes) == [logins.SUCCESS] + [logins.AUTH_ERR] * 7


def test_a_machine_that_is_revoked_gets_no_further_answer(fleet, person):
    first, second = fleet.machines[:2]
    with logins.Crowds([first]) as one, logins.Crowds([second]) as another:
        let_in(one, fleet, person)
        fleet.revoke(first)
        fleet.later(30)
        assert log_in(one, fleet, person) == logins.AUTHINFO_UNAVAIL
        let_in(another, fleet, person)
        fleet.register(first)
        fleet.later(30)
        let_in(one, fleet, person)


def test_a_machine_that_was_never_registered_gets_no_answer(fleet, person):
    """Its certificate is as good as that of any other machine."""
    machine = fleet.machines[0]
    fleet.give_certificate(machine, "stranger.fleet.example")
    try:
        with logins.Crowds([machine]) as one:
            assert log_in(one, fleet, person) == logins.AUTHINFO_UNAVAIL
    finally:
        fleet.give_certificate(machine)
    with logins.Crowds([machine]) as one:
        let_in(one, fleet, person)


def test_a_stolen_machine_does_not_reach_the_store(fleet):
    """Its certificate comes from another authority than those of the store's users."""
    machine, at = fleet.machines[0], "/etc/pam_otp-fleet"
    words = ["env", "ETCDCTL_API=3", fleet.cluster.programs / "etcdctl", "--endpoints", fleet.cluster.endpoints[0],
             "--cacert", fleet.cluster.authority, "--dial-timeout", "5s", "get", "/pam_otp/", "--prefix"]
    own = ["--cert", f"{at}/machine.pem", "--key", f"{at}/machine.key"]
    for identity in (own, []):
        done = machine.run(*words, *identity, check=False, text=False)
        assert done.returncode != 0 and done.stdout == b""
    # Only the certificate is missing: with one, the same command works.
    wait_until(lambda: machine.run(*words, *fleet.cluster.identity, check=False, text=False).stdout, "answer of etcd", etcd.PATIENCE)


def served(fleet, verifier, client):
    """Returns the number of the certificate that a verifier shows."""
    at = "/etc/pam_otp-fleet"
    files = f"-CAfile {at}/fleet-ca.pem -cert {at}/machine.pem -key {at}/machine.key"
    script = (f"openssl s_client -connect {verifier.full_name}:6238 -alpn pam-otp/1 {files} < /dev/null 2> /dev/null"
              " | openssl x509 -noout -serial")
    return client.run("sh", "-c", script, check=False).stdout.strip()


def test_certificates_are_renewed_without_a_restart(one, fleet, person):
    machine, verifier = fleet.machines[0], fleet.verifiers[0]
    for each in fleet.verifiers[1:]:
        fleet.stop(each)
    running = fleet.pid(verifier)
    before = wait_until(lambda: served(fleet, verifier, machine), "certificate", etcd.PATIENCE)
    assert before and let_in(one, fleet, person)
    fleet.give_certificates(verifier)
    fleet.give_certificate(machine)
    wait_until(lambda: served(fleet, verifier, machine) not in ("", before), "the new certificate")
    # Connections to etcd that were made with the old certificate end.
    for member in fleet.cluster.members:
        fleet.cluster.kill(member)
        fleet.cluster.restart(member)
        fleet.cluster.ready()
    fleet.later(30)
    let_in(one, fleet, person)
    assert fleet.pid(verifier) == running


# The reasons in the log for logins without an answer, if verifiers and etcd are there but too busy.
TOO_BUSY = re.compile(r"in time|has not answered|can be reached|is not known how the fleet stands")


def test_verifiers_are_upgraded_one_after_the_other_while_people_log_in(fleet, enrolled, journal):
    """No user notices: each login is let in by its first code, unless it has run out of time."""
    results, over, failures = [], threading.Event(), []

    def go_on(machine):
        try:
            with logins.Crowds([machine]) as own:
                while not over.is_set():
                    # Each login is of another account, so that time may stand still.
                    with lock:
                        account = enrolled()
                    results.extend(own.at_once(1, account, account.codes.now(), fleet.step()))
        except BaseException as failed:
            failures.append(failed)
            raise

    lock = threading.Lock()
    threads = [threading.Thread(target=go_on, args=[machine]) for machine in fleet.machines[:2]]
    for thread in threads:
        thread.start()
    def let_in_so_far():
        return [login for login, result in results if result == logins.SUCCESS]

    codes = []
    for _ in range(2):
        for verifier in fleet.verifiers:
            before = len(let_in_so_far())
            codes.append(fleet.stop(verifier))
            wait_until(lambda: len(let_in_so_far()) >= before + 4 or failures, "logins while a verifier is down", etcd.PATIENCE)
            fleet.start(verifier)
            fleet.wait_for(verifier)
    over.set()
    for thread in threads:
        thread.join()
    assert not failures and set(codes) == {0}
    assert {result for _, result in results} <= {logins.SUCCESS, logins.AUTHINFO_UNAVAIL}
    for login, result in results:
        if result == logins.AUTHINFO_UNAVAIL:
            (reason,) = [event["reason"] for event in journal.events(login.account) if event["event"] == "otp.unavailable"]
            assert TOO_BUSY.search(reason), reason
    assert register.faults_of_logins([login for login, _ in results]) == []
