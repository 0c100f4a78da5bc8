"""A fleet that does not answer: logins are refused in time, and people whose records are here get in."""

import pytest

import etcd
import logins
import ssh
from clock import wait_until

pytestmark = pytest.mark.promised_by("ours")

# The limit for a login on a machine that is not busy.
LONGEST = 12
TRIES = 10


def everybody_cut_off(fleet):
    """Nothing comes back, not even a refusal."""
    fleet.wire.cut(fleet.machines, fleet.verifiers)


def verifiers_frozen(fleet):
    """The kernel accepts connections, and no verifier answers."""
    for verifier in fleet.verifiers:
        fleet.freeze(verifier)


def verifiers_killed(fleet):
    for verifier in fleet.verifiers:
        fleet.kill(verifier)


def store_cut_off(fleet):
    fleet.wire.cut(fleet.verifiers, fleet.cluster.members)


def store_frozen(fleet):
    for member in fleet.cluster.members:
        fleet.cluster.freeze(member)


def quorum_lost(fleet):
    for member in fleet.cluster.members[:2]:
        fleet.cluster.kill(member)


WAYS = (everybody_cut_off, verifiers_frozen, verifiers_killed, store_cut_off, store_frozen, quorum_lost)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_login_waits_too_long_for_a_fleet_that_is_gone(fleet, person, way, record_property):
    least = []
    with logins.Crowds(fleet.machines[:3]) as few:
        way(fleet)
        # A machine that is busy with other work may keep all three waiting for its processors, but not every time. A login without
        # any limit has none the next time either.
        while not least or min(least) > LONGEST:
            assert len(least) < TRIES, f"no login ended within {min(least):.1f} s"
            found = few.at_once(1, person, person.codes.now(), fleet.step())
            assert {code for _, code in found} == {logins.AUTHINFO_UNAVAIL}
            least.append(min(few.waits))
    line = f"{way.__name__}: {min(least):.1f} s, try {len(least)}"
    record_property("figures", line)
    print(line)


@pytest.mark.parametrize("way", (everybody_cut_off, store_frozen), ids=lambda way: way.__name__)
def test_three_tries_at_sshd_stay_inside_its_grace_time(fleet, person, protect, under_test, way):
    """The last answer is the server's refusal, not a closed connection."""
    protect("required pam_unix.so nodelay", under_test.line())
    with ssh.Server(fleet.machines[0]) as server:
        way(fleet)
        door = ssh.Door(fleet.machines[1], server, tries=3)
        with door.visit(person) as visit:
            asked = 0
            while (prompt := visit.prompt()) is not None:
                asked += 1
                visit.reply(person.password if prompt.endswith("Password: ") else person.codes.now())
            assert visit.ended().refused and asked >= 3
        assert "Timeout before authentication" not in server.log()


def test_sshd_lets_in_by_password_and_code(fleet, person, protect, under_test):
    protect("required pam_unix.so nodelay", under_test.line())
    with ssh.Server(fleet.machines[0]) as server:
        door = ssh.Door(fleet.machines[1], server)

        def let_in():
            """Logs in, unless there was no answer, for want of processors; then the next code is tried."""
            code = person.codes.now()
            outcome = door.attempt(person, person.password, code)
            if outcome.admitted:
                return code
            assert outcome.says("The code could not be checked."), outcome
            fleet.later(30)
            return None

        code = wait_until(let_in, "login that is answered", etcd.PATIENCE)
        assert door.attempt(person, person.password, code).refused
