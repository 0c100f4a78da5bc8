"""The fixtures of every scenario of a fleet: the machines, the wire between them, and etcd on three of them."""

import grp
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
pytest.register_assert_rewrite("hosts", "etcd", "logins", "fleets")

import accounts  # noqa: E402  (the path above has to come first)
import authorities  # noqa: E402
import clock as clocks  # noqa: E402
import etcd  # noqa: E402
import fleets  # noqa: E402
import hosts  # noqa: E402
import logins  # noqa: E402

# Enough of each kind: a majority of three, a choice of verifiers, several machines.
MEMBERS = ("e1", "e2", "e3")
VERIFIERS = ("v1", "v2", "v3")
MACHINES = tuple(f"m{number}" for number in range(1, 9))
DESK = "desk"
# The directory of this release of etcd.
ETCD = os.environ["OTP_FLEET_ETCD"].split(":")[int(os.environ.get("OTP_WHICH_ETCD") or 0)]


@pytest.fixture(scope="session")
def machines():
    """All machines by name, on one wire; `wire` is a fixture of its own."""
    return hosts.connect([DESK, *MEMBERS, *VERIFIERS, *MACHINES])


@pytest.fixture(scope="session")
def wire_of_all(machines):
    return machines[0]


@pytest.fixture(scope="session")
def network(machines):
    return machines[1]


@pytest.fixture
def wire(wire_of_all):
    """The wire. After each scenario it is whole again, whatever the scenario did to it."""
    yield wire_of_all
    wire_of_all.heal()
    wire_of_all.delay(0)
    wire_of_all.lose(0)


@pytest.fixture(scope="session")
def authority():
    """The fleet's authority: it signs for verifiers, machines and administrators."""
    return authorities.Authority(hosts.WORLD / "authorities", "fleet")


@pytest.fixture(scope="session")
def authority_of_etcd():
    return authorities.Authority(hosts.WORLD / "authorities", "etcd")


@pytest.fixture(scope="session")
def cluster(network, authority_of_etcd):
    """Three running members of etcd, with users. A scenario that stops some starts them again."""
    data = hosts.WORLD / "etcd"
    running = etcd.Cluster(ETCD, [network[name] for name in MEMBERS], network[DESK], authority_of_etcd, data)
    try:
        running.begin()
        running.with_users(*(fleets.user_of(name) for name in VERIFIERS))
        yield running
    finally:
        running.end()


@pytest.fixture
def whole(cluster):
    """The cluster; after the scenario all members run again."""
    yield cluster
    for member in cluster.members:
        cluster.thaw_or_restart(member)
    cluster.ready()


@pytest.fixture(scope="session")
def group(under_test):
    """The number of the helper's group, which may read a machine's key."""
    return grp.getgrnam("pam_otp").gr_gid


@pytest.fixture(scope="session")
def fleet_of_all(cluster, network, authority, authority_of_etcd, machine_clock, under_test, group, journal, wire_of_all):
    shutil.copy(fleets.BINARIES / "otp-fleet", fleets.CLIENT)
    fleets.CLIENT.chmod(0o755)
    verifiers, machines = ([network[name] for name in names] for names in (VERIFIERS, MACHINES))
    clock = fleets.Clock(machine_clock, [*verifiers, *machines])
    clock.set(clocks.START)
    running = fleets.Fleet(cluster, verifiers, machines, [authority, authority_of_etcd], clock, group)
    running.wire = wire_of_all
    try:
        running.begin()
        yield running
    finally:
        running.end()


@pytest.fixture
def fleet(fleet_of_all, wire, service):
    """The running fleet, and the service of its machines for logins with a code alone; after the scenario all of it is whole again."""
    yield fleet_of_all
    wire.heal()
    wire.lose(0)
    fleet_of_all.repair()


@pytest.fixture
def service(under_test):
    path = pathlib.Path("/etc/pam.d", logins.SERVICE)
    path.write_text(f"auth {under_test.line()}\naccount required pam_permit.so\n")


@pytest.fixture(scope="session")
def crowds_of_all(fleet_of_all):
    with logins.Crowds(fleet_of_all.machines) as running:
        yield running


@pytest.fixture
def crowds(fleet, crowds_of_all):
    return crowds_of_all


@pytest.fixture
def enrolled(fleet):
    """`enrolled()` returns a new account on every machine with an authenticator, whose record only the fleet has."""
    return lambda: fleet.enrol(lambda: accounts.create("crowd"))


@pytest.fixture
def person(enrolled):
    return enrolled()
