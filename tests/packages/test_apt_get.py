"""tests/apt-get waits for any other program that holds a lock of apt's, and for no other failure."""

import fcntl
import pathlib
import subprocess

import pytest

APT_GET = pathlib.Path(__file__).resolve().parents[1] / "apt-get"

CONFIGURATION = """
Dir "{place}";
Dir::State "{place}/state";
Dir::State::status "{place}/dpkg/status";
Dir::Cache "{place}/cache";
Dir::Etc "{place}/etc";
Dir::Log "{place}/log";
APT::Sandbox::User "root";
Dpkg::Use-Pty "false";
"""
# The commands that take each lock, and the lock's file.
LOCKS = {
    "the lists": (["update"], "state/lists/lock"),
    "the archives": (["clean"], "cache/archives/lock"),
    "dpkg": (["install", "--yes"], "dpkg/lock-frontend"),
}


@pytest.fixture
def apt(tmp_path):
    """The directory of an apt of the test's own, without sources and packages."""
    place = tmp_path / "apt"
    for directory in ("state/lists/partial", "cache/archives/partial", "dpkg", "etc/apt.conf.d", "log"):
        (place / directory).mkdir(parents=True)
    for directory in ("sources.list.d", "preferences.d"):
        (place / "etc" / directory).mkdir()
    for file in ("dpkg/status", "etc/sources.list", "etc/preferences"):
        (place / file).touch()
    (place / "configuration").write_text(CONFIGURATION.format(place=place))
    return place


def start(apt, *words):
    return subprocess.Popen(
        [APT_GET, *words], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "APT_CONFIG": str(apt / "configuration")},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )


@pytest.mark.parametrize("words, path", LOCKS.values(), ids=LOCKS)
def test_lock_of_another_program_is_waited_for(apt, words, path):
    with open(apt / path, "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        waiting = start(apt, *words)
        assert waiting.stderr.readline() == "apt-get: waiting for a lock that another program holds\n"
        assert waiting.poll() is None
        fcntl.lockf(lock, fcntl.LOCK_UN)
        said = waiting.communicate(timeout=60)[1]
    assert (waiting.returncode, said) == (0, "")


def test_any_other_failure_is_reported_at_once(apt):
    failing = start(apt, "install", "--yes", "no-such-package")
    said = failing.communicate(timeout=60)[1]
    assert failing.returncode == 100
    assert "Unable to locate package no-such-package" in said and "waiting" not in said
