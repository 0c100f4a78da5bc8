"""Behaviour of vsftpd alone: `lftp mirror` over four connections at once, each of which logs in by itself."""

import pytest

from policy_file import policy  # noqa: F401  (a fixture)
from recipe import follow  # noqa: F401  (a fixture)
from vsftpd import Vsftpd

pytestmark = pytest.mark.promised_by("ours")

FILES = 8
REMEMBER = '[trust]\nremember = "8h"\n'


@pytest.fixture
def ftp(follow, clock, journal):  # noqa: F811
    follow("vsftpd")
    with Vsftpd() as server:
        yield server


@pytest.fixture
def with_files(alice):
    for number in range(FILES):
        alice.write_private_file(f"{alice.home}/files/{number}", str(number) * 100_000)
    return alice


def test_mirror_over_four_connections_fetches_all_files_where_the_place_is_remembered(ftp, with_files, policy, journal):  # noqa: F811
    policy(REMEMBER)
    alice = with_files
    assert ftp.mirror(alice, alice.password + alice.codes.now(), 4) == FILES
    names = journal.names(alice.name)
    assert names.count("otp.accept") == 1 and names.count("otp.trusted") == len(names) - 1 >= 3


def test_mirror_over_four_connections_fails_where_the_place_is_not_remembered(ftp, with_files, journal):
    alice = with_files
    ftp.mirror(alice, alice.password + alice.codes.now(), 4)
    names = journal.names(alice.name)
    assert names.count("otp.accept") == 1 and "otp.replay" in names


def test_mirror_over_one_connection_fetches_all_files_in_any_case(ftp, with_files):
    alice = with_files
    assert ftp.mirror(alice, alice.password + alice.codes.now(), 1) == FILES
