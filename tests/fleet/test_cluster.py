"""The ground of the other scenarios: machines that hear each other only over the wire, and a store that is right and whole."""
# every etcd

import contextlib
import itertools

import pytest

import etcd
from clock import wait_until

pytestmark = pytest.mark.promised_by("ours")

ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7))
while True:
    s.sendto(*s.recvfrom(9))
"""
# Prints the shortest of several exchanges of one octet, in seconds; after a time without an answer, nothing.
ROUND_TRIP = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[2]))
least = []
for _ in range(10):
    began = time.monotonic()
    s.sendto(b"x", (sys.argv[1], 7))
    try:
        s.recv(9)
        least.append(time.monotonic() - began)
    except TimeoutError:
        break
print(min(least, default=""))
"""


@contextlib.contextmanager
def echo(host):
    running = host.start("/usr/bin/python3", "-c", ECHO)
    try:
        wait_until(lambda: ":7 " in host.run("ss", "-ulnH").stdout, "an echo")
        yield
    finally:
        running.kill()
        running.wait()


def round_trip(one, other, patience=60):
    told = one.run("/usr/bin/python3", "-c", ROUND_TRIP, other.address, patience).stdout.strip()
    return float(told) if told else None


def test_the_wire_takes_as_long_as_it_is_told(network, wire):
    with echo(network["v1"]), echo(network["v2"]):
        wire.delay(20)
        assert 0.040 <= round_trip(network["m1"], network["v1"])
        wire.delay(60, [network["m1"]], [network["v2"]])
        assert 0.120 <= round_trip(network["m1"], network["v2"])
        wire.delay(0)
        # A machine that is busy with other work takes time as well, but not always.
        wait_until(lambda: round_trip(network["m1"], network["v1"]) < 0.040, "exchange that takes no time")


def test_a_cut_keeps_these_two_machines_apart_and_no_others(network, wire):
    with echo(network["v1"]), echo(network["v2"]):
        wire.cut([network["m1"]], [network["v1"]])
        assert round_trip(network["m1"], network["v1"], 0.5) is None
        assert round_trip(network["m1"], network["v2"]) is not None
        wire.heal()
        assert round_trip(network["m1"], network["v1"]) is not None


def test_lost_frames_never_arrive(network, wire):
    with echo(network["v1"]):
        wire.lose(1000)
        assert round_trip(network["m1"], network["v1"], 0.5) is None


def test_a_file_of_one_machine_is_not_on_another(network):
    network["m1"].own("/etc/hostname", "m1\n")
    network["m2"].own("/etc/hostname", "m2\n")
    assert [network[name].run("cat", "/etc/hostname").stdout for name in ("m1", "m2")] == ["m1\n", "m2\n"]


def test_the_history_has_every_write_in_order(cluster):
    for number in range(5):
        cluster.put(f"/pam_otp/test/{number % 2}", str(number))
    cluster.ask("del", "/pam_otp/test/1")
    # A write without an answer is repeated.
    history = [one for one, _ in itertools.groupby(told[1:] for told in cluster.history("/pam_otp/test/"))]
    assert history == [*(("put", f"/pam_otp/test/{number % 2}", str(number).encode()) for number in range(5)),
                       ("delete", "/pam_otp/test/1", b"")]


def told(ask):
    """Returns whether a request was done or etcd has refused it; a request without an answer is repeated."""
    def answer():
        done = ask()
        refused = any(words in done.stderr for words in ("permission denied", "user name not found", "user name is empty"))
        return [done.returncode == 0] if done.returncode == 0 or refused else None

    return wait_until(answer, "answer of etcd", etcd.PATIENCE)[0]


def test_a_certificate_names_the_user_of_etcd_and_allows_no_more(cluster, network, authority_of_etcd):
    for name, may in (("v1-etcd", True), ("stranger", False)):
        certificate, key = authority_of_etcd.sign(name, f"{name}.fleet.example")
        words = ["env", "ETCDCTL_API=3", cluster.programs / "etcdctl", "--endpoints", cluster.endpoints[0],
                 "--cacert", authority_of_etcd.certificate, "--cert", certificate, "--key", key]
        for place, is_done in (("/pam_otp/test/own", may), ("/other", False)):
            assert told(lambda: network["v1"].run(*words, "put", place, "x", check=False)) == is_done


def test_a_write_is_taken_again_after_the_leader_is_lost(whole):
    leader = whole.leader()
    whole.kill(leader)
    whole.ready()
    assert whole.leader([member for member in whole.members if member is not leader]) is not leader
