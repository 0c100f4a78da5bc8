"""Measures how long one check of a code takes over a network, and how many checks a second one processor does: a fleet's verifiers,
and privacyIDEA beside them. tests/bench/fleet runs it, in a private copy of this machine."""

import argparse
import contextlib
import grp
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

WORLD = pathlib.Path("/run/pam_otp-tests")
for directory in ("bin", "suite/parts", "suite/fleet"):
    sys.path.insert(0, str(WORLD / directory))

import authorities  # noqa: E402  (the paths above have to come first)
import etcd  # noqa: E402
import fleet_load  # noqa: E402
import fleets  # noqa: E402
import hosts  # noqa: E402
import logins  # noqa: E402
import privacyidea  # noqa: E402
import under_test  # noqa: E402

LOAD = WORLD / "bin/fleet_load.py"
SHARES = WORLD / "bin/fleet_share.py"
SERVING, ASKING = 0, 1
ON_ONE_CORE = ("taskset", "-c", str(SERVING))
ETCD = os.environ["OTP_FLEET_ETCD"].split(":")[0]
# These let a million users fit, and put many into one transaction.
LARGE = ("--max-txn-ops", "1000", "--quota-backend-bytes", str(8 << 30))
# The digest of a policy with all its defaults, as pam_otp-fleet(7) gives it.
DIGEST = "74941312a812dcaf"
DELAYS = (0, 1, 20)
# Each verifier's share of a processor while growth is measured: so small that three of them leave etcd as much as it needs.
SHARE = 0.08
# The number of the peer's users: a token for one takes a tenth of a second.
OF_THE_PEER = 200


def main():
    arguments = parsed()
    place = pathlib.Path(tempfile.mkdtemp(prefix="place.", dir=WORLD / "results"))
    place.chmod(0o755)
    try:
        figures = measure(place, arguments)
    finally:
        subprocess.run(["rm", "-rf", place])
    (WORLD / "results/figures.json").write_text(json.dumps(figures, indent=1) + "\n")


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checks", type=int, default=100, help="checks of each kind, one after the other")
    parser.add_argument("--seconds", type=float, default=20, help="length of each measurement of checks a second")
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--many", type=int, default=1_000_000, help="users in the store, for the last measurement")
    parser.add_argument("--only", choices=("peer", "ours", "growth", "users"), action="append")
    parser.add_argument("--environment", required=True)
    return parser.parse_args()


def ours_here(number):
    """Installs the module and its client, and makes accounts for all people."""
    under_test.Ours().prepare()
    shutil.copy(WORLD / "bin/otp-fleet", fleets.CLIENT)
    pathlib.Path("/etc/pam.d", logins.SERVICE).write_text(f"auth {under_test.Ours().line()}\naccount required pam_permit.so\n")
    with open("/etc/passwd", "a") as file:
        file.write("".join(f"person{each:06}:x:{10_000 + each}:100::/:/bin/sh\n" for each in range(number)))


def measure(place, arguments):
    figures = {}
    wire, network = hosts.connect(["desk", "p1", "m1", "e1", "e2", "e3", "v1", "v2", "v3"])
    both_authorities = [authorities.Authority(place / "authorities", name) for name in ("fleet", "etcd")]
    ours_here(arguments.users)
    users = [[f"person{number:06}", os.urandom(20).hex(), 10_000 + number] for number in range(arguments.users)]
    parts = arguments.only or ["peer", "ours", "growth", "users"]
    if "peer" in parts:
        figures["peer"] = peer(place, arguments, wire, network, both_authorities[0], users[:OF_THE_PEER])
    figures["ours"] = []
    of_many = {"ours"} if "users" in parts else set()
    for count, measured in ((arguments.users, {"ours", "growth"} & {*parts}), (arguments.many, of_many)):
        if measured:
            found = ours(place / f"etcd{count}", arguments, wire, network, both_authorities, users, count, measured)
            figures["ours"].append({"users": count, **found})
    return figures


def ours(place, arguments, wire, network, both_authorities, users, count, measured):
    """Measures three members of etcd and three verifiers, all on one processor."""
    members, verifiers = ([network[name] for name in names] for names in (("e1", "e2", "e3"), ("v1", "v2", "v3")))
    machine = network["m1"]
    wire.delay(0)
    cluster = filled(place, network, both_authorities[1], members, users, count - len(users))
    group = grp.getgrnam("pam_otp").gr_gid
    running = fleets.Fleet(cluster, verifiers, [machine], both_authorities, RealTime, group, ON_ONE_CORE)
    try:
        running.begin()
        files = {"ca": "fleet-ca.pem", "certificate": "machine.pem", "key": "machine.key"}
        files = {name: str(fleets.KEYS / file) for name, file in files.items()}
        told = {"kind": "verifier", "port": fleets.PORT, "policy": DIGEST, "fresh": True, **files}
        toward = [{**told, "host": verifier.full_name} for verifier in verifiers]
        name = f"pam_otp, {count} users"
        load([machine], [{**toward[0], "checks": 20}], users)
        found = {}
        if "ours" in measured:
            found = latencies(name, arguments, wire, machine, verifiers, toward[0], users)
            found["throughput"] = throughputs(name, arguments, running, cluster, machine, toward, users)
        if "growth" in measured:
            found["growth"] = growth(name, arguments, running, cluster, machine, toward, users)
        return found
    finally:
        running.end()
        cluster.end()
        subprocess.run(["rm", "-rf", place])


def latencies(name, arguments, wire, machine, verifiers, told, users):
    """Measures one check after the other, and one login after the other, over wires with different delays."""
    found = {"latency": [], "logins": []}
    for delay in DELAYS:
        for where in ("to the verifiers", "between all"):
            wire.delay(0)
            if where == "between all":
                wire.delay(delay)
            else:
                wire.delay(delay, [machine], verifiers)
            (result,) = load([machine], [{**told, "checks": arguments.checks}], users)
            found["latency"].append(latency(name, delay, where, result))
            found["logins"].append(logins_by(name, machine, delay, where, arguments.checks, users))
            if delay == 0:
                break
    wire.delay(0)
    return found


def throughputs(name, arguments, running, cluster, machine, toward, users):
    """Measures how many checks a second one processor does, and each program's part of that processor."""
    found = []
    for used, some in ((1, (1, 4, 16)), (2, (16,)), (3, (16,))):
        for clients in some:
            before = processor_time(running, cluster)
            each = [{**toward[number % used], "seconds": arguments.seconds} for number in range(clients)]
            results = load([machine] * clients, each, users)
            row = throughput(f"{name}, {used} verifiers", clients, results)
            checks = sum(len(result["latencies"]) for result in results)
            after = processor_time(running, cluster)
            row["processor"] = {what: 1000 * (after[what] - before[what]) / checks for what in after}
            parts = ", ".join(f"{ms:.2f} ms in {what}" for what, ms in row["processor"].items())
            print(f"{'':<34} of processor time for each check: {parts}", flush=True)
            found.append({"verifiers": used, **row})
    return found


def growth(name, arguments, running, cluster, machine, toward, users):
    """Measures checks a second by one, two and three verifiers. Each has the same small share of a processor, as if it were a machine
    of its own; etcd gets as much as it needs. Also says how many checks etcd's leader could take, from its time for each."""
    found = []
    with shares(running):
        for used in (1, 2, 3):
            before = processor_time(running, cluster)
            each = [{**toward[number % used], "seconds": arguments.seconds} for number in range(12)]
            results = load([machine] * len(each), each, users)
            after = processor_time(running, cluster)
            checks = sum(len(result["latencies"]) for result in results)
            rate = sum(len(result["latencies"]) / result["seconds"] for result in results)
            leader = (after["the leader of etcd"] - before["the leader of etcd"]) / checks
            row = {"verifiers": used, "share": SHARE, "checks_a_second": rate, "leader_ms": 1000 * leader}
            found.append(row)
            print(f"{name:<34} {used} verifiers with {SHARE:.0%} of a processor each: {rate:>8.1f} checks a second, "
                  f"{rate / found[0]['checks_a_second']:.2f} times one; etcd's leader could take {1 / leader:.0f} on a core", flush=True)
    return found


@contextlib.contextmanager
def shares(running):
    """Holds each verifier to its share until the end of the block."""
    pids = [str(running.pid(each)) for each in running.verifiers]
    holder = subprocess.Popen(["taskset", "-c", str(ASKING), sys.executable, "-B", SHARES, str(SHARE), *pids], env=hosts.REAL,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "ready\n", "shares are not kept"
        yield
    finally:
        hosts.kill(holder, signal.SIGTERM)
        holder.stdout.close()


def processor_time(running, cluster):
    """Returns the processor time of verifiers and members of etcd so far, in seconds."""
    ticks = os.sysconf("SC_CLK_TCK")

    def of(pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    leader = cluster.leader()
    return {"verifiers": sum(of(running.pid(each)) for each in running.verifiers),
            "etcd": sum(of(cluster.pid(each)) for each in cluster.members),
            "the leader of etcd": of(cluster.pid(leader))}


def logins_by(name, machine, delay, where, checks, users):
    """Measures whole logins, one after the other, from the reply to PAM's answer. Each login has its own module, client and
    connection."""
    found = []
    with logins.Crowds([machine]) as crowd:
        for _ in range(checks):
            person, key, _ = next(fresh(users))
            step = USED[person] = int(time.time()) // 30
            ((login, code),) = crowd.at_once(1, Person(person), fleet_load.code(key, step), step)
            assert code == logins.SUCCESS, f"a login ended with {code}"
            found.append(login.ended - login.began)
    row = {"delay": delay, "where": where, **spread(found)}
    print(f"{name:<34} {delay:>3} ms each way {where:<20} a login: {row['median']:>8.1f} ms median {row['p99']:>8.1f} ms p99",
          flush=True)
    return row


class RealTime:
    """The real time, for a fleet whose clock is not moved."""

    now = 0


class Person:
    def __init__(self, name):
        self.name = name


def fresh(users):
    """Yields users whose code of this step is not used yet."""
    while True:
        step = int(time.time()) // 30
        found = next((user for user in users if USED.get(user[0]) != step), None)
        if found:
            yield found
        time.sleep(0.05)


def filled(place, network, authority, members, users, strangers):
    """Makes a cluster with those users and this many strangers."""
    desk, kept = network["desk"], WORLD / f"results/strangers-{strangers}.snapshot"
    certificate, key = authority.sign("", f"fill.{hosts.DOMAIN}", "fill")
    fill = [sys.executable, "-B", WORLD / "bin/fleet_fill.py"]
    files = [authority.certificate, certificate, key]
    if not kept.exists():
        # Only one member is filled, and its data is kept: a million users take minutes.
        began = time.monotonic()
        first = etcd.Cluster(ETCD, members[:1], desk, authority, place / "first")
        first.begin(*LARGE)
        desk.run(*fill, first.endpoints[0], *files, str(strangers))
        first.end(signal.SIGTERM)
        (place / "first" / members[0].name / "member/snap/db").rename(kept)
        subprocess.run(["rm", "-rf", place / "first"], check=True)
        print(f"{strangers} strangers put into etcd in {time.monotonic() - began:.0f} s", flush=True)
    cluster = etcd.Cluster(ETCD, members, desk, authority, place / "members", ON_ONE_CORE)
    cluster.begin_with(kept, *LARGE)
    desk.run(*fill, cluster.endpoints[0], *files, input=json.dumps(users))
    cluster.with_users(*(fleets.user_of(name) for name in ("v1", "v2", "v3")))
    return cluster


def peer(place, arguments, wire, network, authority, users):
    given = [[name, key] for name, key, _ in users]
    machine, server, name = network["m1"], network["p1"], "privacyIDEA"
    with privacyidea.Server(arguments.environment, server, authority, place / "peer", given, SERVING, 2):
        told = {"kind": "privacyidea", "host": server.full_name, "port": privacyidea.PORT, "ca": str(authority.certificate),
                "fresh": True}
        found = {"latency": [], "throughput": []}
        load([machine], [{**told, "checks": 20}], users)
        for delay in DELAYS:
            wire.delay(delay, [machine], [server])
            (result,) = load([machine], [{**told, "checks": arguments.checks}], users)
            found["latency"].append(latency(name, delay, "to the server", result))
        wire.delay(0)
        for clients in (1, 4, 16):
            results = load([machine] * clients, [{**told, "seconds": arguments.seconds}] * clients, users)
            found["throughput"].append(throughput(name, clients, results))
        return found


def latency(name, delay, where, result):
    row = {"delay": delay, "where": where, **spread(result["latencies"]), "connect": spread(result["connects"])}
    trips = f", {row['median'] / (2 * delay):.2f} round trips" if delay else ""
    print(f"{name:<34} {delay:>3} ms each way {where:<20} a check: {row['median']:>8.1f} ms median {row['p99']:>8.1f} ms p99"
          f"{trips}; connecting {row['connect']['median']:.1f} ms", flush=True)
    return row


def throughput(name, clients, results):
    rate = sum(len(result["latencies"]) / result["seconds"] for result in results)
    print(f"{name:<34} {clients:>3} clients: {rate:>8.1f} checks a second on one core", flush=True)
    return {"clients": clients, "checks_a_second": rate}


# The step of each user's last code: the next code must be of a later step.
USED = {}


def load(machines, each, users):
    """Runs a client on each of the machines, with a share of the users; each gets orders of its own."""
    running, results = [], []
    try:
        for number, (machine, told) in enumerate(zip(machines, each)):
            client = machine.start("taskset", "-c", str(ASKING), sys.executable, "-B", LOAD, environment=hosts.REAL,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, text=True, bufsize=1)
            running.append(client)
            share = users[number::len(machines)]
            used = {name: USED[name] for name, *_ in share if name in USED}
            client.stdin.write(json.dumps({**told, "users": share, "used": used}) + "\n")
        for client in running:
            assert client.stdout.readline() == "ready\n", "a client did not start"
        for client in running:
            client.stdin.write("go\n")
        for client in running:
            line = client.stdout.readline()
            assert line, "a client has ended without a figure"
            results.append(json.loads(line))
            USED.update(results[-1].pop("used"))
    finally:
        for client in running:
            hosts.kill(client)
    return results


def spread(seconds):
    ordered = sorted(seconds)
    last = ordered[int(len(ordered) * 0.99)]
    return {"number": len(ordered), "median": 1000 * statistics.median(ordered), "p99": 1000 * last}


if __name__ == "__main__":
    main()
