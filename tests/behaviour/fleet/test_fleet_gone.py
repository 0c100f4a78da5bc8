"""Verifiers that do not answer, or answer nonsense: the login is refused with a reason, never admitted and never ignored, and
what was sent once is never sent again."""

import contextlib
import os
import pathlib
import re
import socket
import ssl
import struct
import threading
import time

import pytest

import certificates
import helper
from application import AUTHINFO_UNAVAIL, SUCCESS, Application, application, program  # noqa: F401  (fixtures among them)
from fleet import (  # noqa: F401  (fixtures among them)
    FIRST, NAMES, PLACE, SECOND, THIRD, dora, first, fleet, machine, member, seen, records, unavailable,
)
from sshd import Sshd
from verifier import Verifier

pytestmark = pytest.mark.promised_by("ours")

CANNOT = "The code could not be checked."


@pytest.fixture(autouse=True)
def code_alone(under_test, fleet):
    """A stack of our module alone, so that the application gets the module's answers."""
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line('nodelay')}\naccount {under_test.line()}\n")


@contextlib.contextmanager
def full(address, port=6238):
    """A socket that accepts no connection: packets for it are dropped, as for a machine that is gone."""
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(0)
        for _ in range(2):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((address, port))
        yield


def refused(application, account, journal):
    """Logs in with the right code, which must be refused as unavailable; returns the reason in the log."""
    answer = application.login(account, account.codes.now())
    assert answer.code == AUTHINFO_UNAVAIL, answer
    assert CANNOT in " ".join(answer.told), answer
    assert records(journal, account) == ["otp.unavailable"]
    (reason,) = unavailable(journal, account)
    return reason


def test_login_is_refused_where_no_verifier_listens(application, fleet, dora, journal):
    fleet.policy(verifiers=[FIRST, SECOND])
    reason = refused(application, dora, journal)
    assert reason == (
        "no verifier could be reached (v1.fleet.test:6238: Connection refused (os error 111); "
        "v2.fleet.test:6238: Connection refused (os error 111))"
    )


@pytest.mark.parametrize("line", ["nullok", ""])
def test_nobody_is_excused_until_a_verifier_says_that_they_have_no_record(application, fleet, bobby, under_test, line):
    pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line(line)}\naccount {under_test.line(line)}\n")
    assert application.login(bobby, "123456").code == AUTHINFO_UNAVAIL
    application.start(bobby)
    assert application.acct_mgmt().code == AUTHINFO_UNAVAIL


def test_logins_at_every_door_are_refused_and_say_so(door, fleet, dora, journal):
    outcome = door.attempt(dora, dora.password, dora.codes.now())
    assert outcome.refused and outcome.says(CANNOT), outcome
    assert records(journal, dora) == ["otp.unavailable"]


def test_dead_verifier_costs_a_quarter_of_a_second_and_not_the_login(application, fleet, dora, journal):
    """The second verifier is asked while the first has answered neither way."""
    fleet.policy(verifiers=[FIRST, SECOND])
    with full(NAMES[FIRST]), fleet.verifier(SECOND) as second:
        assert application.login(dora, dora.codes.now()).code == SUCCESS
    assert second.accepted == 1 and records(journal, dora) == ["otp.accept"]


def test_dead_verifiers_are_given_up(application, fleet, dora, journal):
    fleet.policy(verifiers=[FIRST, SECOND, THIRD])
    with full(NAMES[FIRST]), full(NAMES[SECOND]), full(NAMES[THIRD]):
        reason = refused(application, dora, journal)
    each = "; ".join(f"{name}:6238: gave no answer in time" for name in (FIRST, SECOND, THIRD))
    assert reason == f"no verifier could be reached ({each})"


def test_login_is_refused_where_the_verifiers_name_is_unknown(application, fleet, dora, journal):
    fleet.policy(verifiers=["nobody.fleet.test"])
    reason = refused(application, dora, journal)
    assert "nobody.fleet.test:6238: cannot be looked up" in reason or "gave no answer in time" in reason


def until_it_is_closed(_, connection):
    while connection.recv(4096):
        pass


def test_login_is_refused_where_a_verifier_makes_no_handshake(application, fleet, dora, journal):
    with fleet.verifier(before=lambda _, raw: raw.recv(1) and until_it_is_closed(None, raw)):
        assert f"{FIRST}:6238: gave no answer in time" in refused(application, dora, journal)


def test_verifier_without_a_handshake_makes_way_for_the_next(application, fleet, dora):
    fleet.policy(verifiers=[FIRST, SECOND])
    with fleet.verifier(before=lambda _, raw: raw.recv(1) and until_it_is_closed(None, raw)), fleet.verifier(SECOND):
        assert application.login(dora, dora.codes.now()).code == SUCCESS


def said(*pieces):
    """A verifier that takes one request, sends these pieces, and waits or ends."""

    def act(verifier, connection):
        verifier.request(connection)
        for piece in pieces:
            if piece is None:
                until_it_is_closed(None, connection)
            else:
                connection.sendall(piece)

    return act


def until_asked(verifier):
    while not verifier.requests:
        time.sleep(0.01)
    return True


RIGHT = helper.message("verdict", "accepted", "phone", "")


@pytest.mark.parametrize(
    "act, because",
    [
        (said(None), "gave no answer in time"),
        (said(RIGHT[:9], None), "gave no answer in time"),
        (said(RIGHT[:9]), "has closed the connection"),
        (said(), "has closed the connection"),
        (said(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "answered something that is no answer"),
        (said(helper.message("verdict", "accepted")), "answered something that is no answer"),
        (said(helper.message("welcome")), "answered something that is no answer"),
        (said(helper.message("denied")), "does not let this machine ask about this user"),
        (said(helper.message("unavailable", "the database does not answer", "데이터베이스가 응답하지 않습니다")), "the database does not answer"),
    ],
    ids=["nothing", "half", "half-then-end", "end", "http", "short", "strange", "denied", "unavailable"],
)
def test_verifier_that_hangs_or_answers_nonsense_is_asked_once(application, fleet, dora, journal, act, because):
    """No other verifier is asked what this one may have counted."""
    fleet.policy(verifiers=[FIRST, SECOND])
    # On a busy machine the second is connected to as well; it makes no handshake before the first has been asked.
    with fleet.verifier(act=act) as one, fleet.verifier(SECOND, before=lambda *_: until_asked(one)) as other:
        assert because in refused(application, dora, journal)
    assert len(one.requests) == 1 and other.requests == []


def test_verifier_that_has_not_looked_makes_way_for_the_next(application, fleet, dora, journal):
    fleet.policy(verifiers=[FIRST, SECOND])
    with fleet.verifier(act=said(helper.message("elsewhere", "its clock is off"), None)), fleet.verifier(SECOND) as other:
        assert application.login(dora, dora.codes.now()).code == SUCCESS
    assert len(other.requests) == 1 and records(journal, dora) == ["otp.accept"]


def test_verifiers_that_all_serve_nobody_are_named_with_their_reasons(application, fleet, dora, journal):
    with fleet.verifier(act=said(helper.message("elsewhere", "its clock is off"), None)):
        assert f"{FIRST}:6238: serves nobody: its clock is off" in refused(application, dora, journal)


def test_verifier_with_a_wrong_certificate_is_not_trusted(application, fleet, dora, journal, clock):
    wrong = {
        "name": (fleet.authority.sign("v9.fleet.test"), "not valid for name"),
        "authority": (fleet.others.sign("v1.fleet.test"), "UnknownIssuer"),
        "expired": (fleet.authority.sign("v1.fleet.test", expired=True), "expired"),
    }
    for signed, because in wrong.values():
        with fleet.verifier(signed=signed) as verifier:
            assert application.login(dora, dora.codes.now()).code == AUTHINFO_UNAVAIL
            reason = unavailable(journal, dora)[-1]
            assert because in reason, reason
            assert verifier.requests == []
    fleet.authority.sign("v1.fleet.test")


def test_server_without_the_protocol_is_not_trusted(application, fleet, dora, journal):
    with fleet.verifier(alpn=None) as verifier:
        assert "does not speak the protocol of pam_otp" in refused(application, dora, journal)
    assert verifier.requests == []


def test_machine_with_a_certificate_of_another_authority_is_refused(application, fleet, dora, journal):
    certificate, key = fleet.others.sign("web1.fleet.test")
    certificates.install(certificate, PLACE / "machine.pem", 0o644)
    certificates.install(key, PLACE / "machine.key", 0o640, fleet.group)
    with fleet.verifier() as verifier:
        reason = refused(application, dora, journal)
    assert "v1.fleet.test:6238" in reason and verifier.requests == []


@pytest.mark.parametrize("door", ["root", "helper"])
@pytest.mark.parametrize(
    "break_it, because",
    [
        (lambda key: key.unlink(), "machine.key: cannot be opened"),
        (lambda key: key.chmod(0o644), "has mode 0644, at most 0640 is allowed"),
        (lambda key: key.chmod(0o660), "has mode 0660, at most 0640 is allowed"),
        (lambda key: os.chown(key, 65534, -1), "is owned by user id 65534, not by root"),
        (lambda key: os.chown(key, 0, 100), "machine.key: can"),
        (lambda key: key.write_text("hunter2hunter2"), "has no key (PEM)"),
    ],
    ids=["missing", "readable", "writable", "owner", "group", "text"],
)
def test_unusable_key_refuses_and_says_so(every_door, fleet, dora, seen, journal, break_it, because, door):
    break_it(PLACE / "machine.key")
    way = every_door["su" if door == "root" else "pamtester"]
    assert way.attempt(dora, dora.password, dora.codes.now()).refused
    (reason,) = unavailable(journal, dora)
    assert because in reason and "hunter2" not in reason, reason
    assert seen.accepted == 0


def test_connection_that_breaks_while_a_user_types_is_made_again(ssh, fleet, dora, journal):
    """Nothing was sent over it, so a second connection is safe."""
    import clock as clocks
    with fleet.verifier() as verifier:
        with ssh.visit(dora) as visit:
            visit.prompt()
            visit.reply(dora.password)
            visit.prompt()
            clocks.wait_until(lambda: verifier.peers, "connection while the person types")
            for connection in list(verifier._open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            visit.reply(dora.codes.now())
            assert visit.outcome().admitted
        assert len(verifier.requests) == 1


def test_three_tries_at_a_dead_fleet_take_less_than_the_time_that_sshd_gives(fleet, dora, journal, machine_clock):
    """sshd's LoginGraceTime is 120 s by default. Three tries take at most 12 s each, plus PAM's delays; this measures them
    once."""
    fleet.policy(verifiers=[FIRST, SECOND, THIRD])
    import doors
    with full(NAMES[FIRST]), full(NAMES[SECOND]), full(NAMES[THIRD]), Sshd("LoginGraceTime 120") as server:
        door = doors.Ssh(server, "127.0.0.1")
        door._options = [one.replace("NumberOfPasswordPrompts=1", "NumberOfPasswordPrompts=3") for one in door._options]
        begun = time.monotonic()
        with door.visit(dora) as visit:
            for _ in range(3):
                assert visit.prompt(), "sshd still asks"
                visit.reply(dora.password)
                assert visit.prompt(), "sshd still asks"
                visit.reply(dora.codes.now())
            assert visit.outcome().refused
        took = time.monotonic() - begun
    assert records(journal, dora) == ["otp.unavailable"] * 3
    print(f"three tries took {took:.1f} s")
    assert took < 120
