"""The file of remembered places: only root can read and write it, it is bounded, and it is never more than a convenience.

Whatever is wrong with it, a code is asked for and the login works. The next good code then makes the file whole, except
where a directory is in its place: only root can have put that there, and only root removes it.
"""

import os
import pathlib
import shutil
import signal
import socket
import stat
import tempfile
import threading

import pytest

from application import SUCCESS, Application, application, program  # noqa: F401  (fixtures among them)
from codes import Codes
from places import (  # noqa: F401  (fixtures among them)
    CODE, ELSEWHERE, HERE, PASSWORD, Logins, code_alone, is_ours_alone, logins, policy, remember, stack, trust_file,
)
from secrets_seen import found_in, traces_of_key, traces_of_recovery_code
from small_disk import SmallDisk, kinds_that_this_machine_has

pytestmark = pytest.mark.promised_by("ours")

MOST = 16
FILES = ["credential.toml", "state", "trust"]


@pytest.fixture(autouse=True)
def remembering(remember):
    remember("8h")


@pytest.fixture(autouse=True)
def not_for_ever(application):
    """Kills the application if a login waits at a fifo, so that the test fails."""
    cut = threading.Timer(60, os.kill, (application.pid, signal.SIGKILL))
    cut.start()
    yield
    cut.cancel()


@pytest.fixture
def file(alice, under_test):
    return trust_file(alice, under_test)


def names_beside(file):
    return sorted(os.listdir(file.parent))


# ----------------------------------------------------------------------------------------------------------- the content


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o777])
def test_file_is_roots_alone_under_any_umask_and_nothing_else_is_left(alice, program, stack, file, clock, umask):
    before = os.umask(umask)
    try:
        with Application(program) as running:
            for rhost in (HERE, ELSEWHERE):
                Logins(running).proves(alice, rhost=rhost)
                clock.advance(30)
                assert is_ours_alone(file)
                assert names_beside(file) == FILES
    finally:
        os.umask(before)


def test_no_secret_is_in_the_file(alice, logins, under_test, file, clock):
    secret = under_test.enrol(alice, "--force")
    alice.codes = Codes(secret, clock)
    code = alice.codes.now()
    logins.proves(alice)
    content = file.read_bytes()
    assert HERE.encode() in content
    for traces in (traces_of_key(secret), *map(traces_of_recovery_code, alice.recovery_codes)):
        assert found_in(content, traces) == []
    assert alice.password.encode() not in content and code.encode() not in content


@pytest.mark.parametrize("address", ["198.51.100.{}", "2001:db8:1111:2222:3333:4444:5555:60{:02}"])
def test_file_has_sixteen_places_and_drops_the_oldest_first(alice, application, file, stack, under_test, clock, address):
    stack(*code_alone(under_test.line()))
    places = [address.format(number) for number in range(10, 50)]
    sizes = []
    for place in places:
        answer = application.login(alice, alice.codes.now(), rhost=place)
        assert (answer.code, answer.asked) == (SUCCESS, [CODE])
        clock.advance(30)
        sizes.append(file.stat().st_size)
    assert max(sizes) == max(sizes[: MOST + 1]) <= 4096
    asked = [place for place in places if application.login(alice, rhost=place).asked]
    assert asked == places[:-MOST]
    assert names_beside(file) == FILES and is_ours_alone(file)


def test_place_used_again_is_stored_once(alice, logins, file, clock):
    sizes = set()
    for _ in range(3):
        logins.proves(alice)
        sizes.add(file.stat().st_size)
        clock.advance(8 * 3600)
    assert len(sizes) == 1


@pytest.mark.parametrize("length", [2, 64, 65, 200])
def test_service_with_an_excessively_long_name_is_not_remembered_and_all_others_are(alice, application, under_test, clock, length):
    """This includes sixteen services with the longest allowed names, at the longest of addresses."""
    services = [str(number).ljust(length, "x") for number in range(10, 10 + MOST)]
    address = "2001:db8:1111:2222:3333:4444:5555:6666"
    for service in services:
        lines = "".join(f"auth {line}\n" for line in code_alone(under_test.line()))
        pathlib.Path("/etc/pam.d", service).write_text(lines)
        assert application.login(alice, alice.codes.now(), service=service, rhost=address).asked == [CODE]
        clock.advance(30)
    asked = [bool(application.login(alice, service=service, rhost=address).asked) for service in services]
    assert asked == [length > 64] * MOST


# ----------------------------------------------------------------------------------------------------------------- damage


def replaced(content):
    """Replaces the content of the file."""
    return lambda file, alice, outside: file.write_bytes(content(file.read_bytes()) if callable(content) else content)


def given_to(name):
    return lambda file, alice, outside: shutil.chown(file, name or alice.name)


def mode(bits):
    return lambda file, alice, outside: file.chmod(bits)


def symlink(file, alice, outside):
    """Links to a whole file with the same content, which only root can read and write."""
    file.rename(outside)
    file.symlink_to(outside)


def symlink_to_nothing(file, alice, outside):
    file.unlink()
    file.symlink_to(outside)


def second_name(file, alice, outside):
    os.link(file, file.parent.parent / "second-name")


def fifo(file, alice, outside):
    file.unlink()
    os.mkfifo(file, 0o600)


def unix_socket(file, alice, outside):
    file.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(file))
    file.chmod(0o600)


def device(file, alice, outside):
    file.unlink()
    os.mknod(file, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero


def directory(file, alice, outside):
    file.unlink()
    file.mkdir(0o700)
    (file / "inside").touch()


def added(text):
    return replaced(lambda whole: whole + text.encode())


WRONG = {
    "empty": replaced(b""), "nothing but zeros": replaced(bytes(500)), "no text": replaced(os.urandom(500)),
    "cut short": replaced(lambda whole: whole[:-5]), "a line too many": added("\nwhat = 1\n"), "no TOML": added("\n[[place\n"),
    "version of the future": replaced(lambda whole: whole.replace(b"version = 1", b"version = 2")),
    "without a version": replaced(lambda whole: whole.replace(b"version = 1\n", b"")),
    "a name for an address": added('\n[[place]]\nservice = "sshd"\naddress = "localhost"\nsince = 1800000000\n'),
    "a time before all time": replaced(lambda whole: whole.replace(b"since = ", b"since = -")),
    "a time after all time": replaced(lambda whole: whole.replace(b"since = ", b"since = 99999999999")),
    "a megabyte": added("#" * (1 << 20)), "four gigabytes": lambda file, alice, outside: os.truncate(file, 1 << 32),
    "the user's": given_to(None), "somebody else's": given_to("nobody"),
    "readable for all": mode(0o604), "writable for all": mode(0o602), "the group's": mode(0o660),
    "a symlink": symlink, "a symlink to nothing": symlink_to_nothing, "a second name": second_name, "a fifo": fifo,
    "a socket": unix_socket, "a device": device, "a directory": directory,
}


@pytest.mark.parametrize("what", WRONG)
def test_file_with_any_fault_counts_for_nothing(alice, logins, file, clock, what):
    """A code is asked for, and the current one admits. Nothing outside is written."""
    logins.proves(alice)
    whole = file.read_bytes()
    outside = pathlib.Path(tempfile.mkdtemp(prefix="outside.", dir="/var/lib"), "trust")
    WRONG[what](file, alice, outside)
    before = outside.read_bytes() if outside.exists() else None
    assert logins.asks(alice)
    clock.advance(30)
    logins.proves(alice)
    assert (outside.read_bytes() if outside.exists() else None) == before
    if what == "a directory":
        assert logins.asks(alice) and (file / "inside").exists()
    else:
        assert not logins.asks(alice)
        assert is_ours_alone(file) and len(file.read_bytes()) == len(whole)
    assert names_beside(file) == FILES


@pytest.mark.parametrize("what", ["a symlink", "a fifo", "no TOML"])
def test_reset_and_a_new_authenticator_remove_whatever_is_in_the_files_place(alice, logins, file, under_test, what):
    logins.proves(alice)
    outside = pathlib.Path(tempfile.mkdtemp(prefix="outside.", dir="/var/lib"), "trust")
    WRONG[what](file, alice, outside)
    before = outside.read_bytes() if outside.exists() else None
    under_test.enrol(alice, "--force")
    assert not os.path.lexists(file)
    under_test.reset(alice)
    assert (outside.read_bytes() if outside.exists() else None) == before


# ---------------------------------------------------------------------------------------------------------- a full disk


@pytest.fixture(params=kinds_that_this_machine_has())
def disk(request, under_test):
    """A small disk that holds all records for the length of a test."""
    with SmallDisk(request.param, under_test.state_directory) as mounted:
        yield mounted


def test_good_code_admits_when_the_file_cannot_be_written_for_lack_of_space(disk, enrol, logins, ssh, under_test, clock):
    alice = enrol("alice")
    logins.proves(alice)
    whole = trust_file(alice, under_test).read_bytes()
    disk.fill()
    for _ in range(3):
        clock.advance(30)
        logins.proves(alice, rhost=ELSEWHERE)
        assert not logins.asks(alice)
    assert trust_file(alice, under_test).read_bytes() == whole
    clock.advance(30)
    outcome = ssh.attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and outcome.prompts == [PASSWORD, CODE]
    for ballast in disk.path.glob("ballast*"):
        ballast.unlink()
    clock.advance(30)
    logins.proves(alice, rhost=ELSEWHERE)
    assert not logins.asks(alice, rhost=ELSEWHERE)
    assert names_beside(trust_file(alice, under_test)) == FILES
