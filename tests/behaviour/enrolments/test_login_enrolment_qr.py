"""The QR code of a login: whether a phone can read it off a terminal, and whether it fits."""

import pytest

import doors
import sshd
import terminal
from login_enrolment import (  # noqa: F401  (fixtures among them)
    ENGLISH, KOREAN, REQUIRE, Enrolment, both_lines, lines, talking_door,
)
from self_service import policy  # noqa: F401  (a fixture)
from under_test import Ours

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("both_lines")]

ISSUER = 'issuer = "Example"\n'
ASCII = ISSUER + REQUIRE + 'qr = "ascii"\n'
NONE = REQUIRE + 'qr = "none"\n'


def transcript(login):
    """All lines so far, even if they do not fit on a screen."""
    return terminal.shown(login.screen, columns=10_000, lines=10_000)


@pytest.mark.parametrize("words", [ENGLISH, KOREAN], ids=["en", "ko"])
def test_whole_qr_code_is_on_a_screen_of_80_by_24_when_the_code_is_asked_for(
    talking_door, bobby, clock, policy, words, tmp_path  # noqa: F811
):
    language = "ko" if words is KOREAN else "en"
    policy(f'language = "{language}"\nissuer = "gateway-17.example.org"\n', REQUIRE)
    with Enrolment(talking_door, bobby, clock, words).up_to(words.new_code) as login:
        screen = terminal.shown(login.screen)
        assert terminal.drawn(screen) == terminal.drawn(transcript(login)) == screen[-2 - len(terminal.drawn(screen)):-2]
        assert screen[-1].endswith(words.new_code) and screen[-2] == words.not_seen, "both stand right below it"
        assert terminal.scanned(screen, tmp_path) == [login.uri]
        login.finish()
    assert login.secret in (Ours.state_directory / bobby.name / "credential.toml").read_text()


@pytest.mark.parametrize("words", [ENGLISH, KOREAN], ids=["en", "ko"])
def test_word_that_swaps_light_and_dark_does_not_count_as_a_try(
    talking_door, bobby, clock, policy, words, tmp_path  # noqa: F811
):
    """A login may send no colours: on a dark-on-light terminal the QR code is white on black, which few scanners read."""
    language = "ko" if words is KOREAN else "en"
    policy(f'language = "{language}"\n', ISSUER, REQUIRE)
    with Enrolment(talking_door, bobby, clock, words).up_to(words.new_code) as login:
        assert terminal.scanned(terminal.shown(login.screen), tmp_path, background=terminal.LIGHT) == []
        login.type(words.inverted)
        assert login.question == words.new_code
        screen = terminal.shown(login.screen)
        assert terminal.scanned(screen, tmp_path, background=terminal.LIGHT) == [login.uri]
        assert terminal.scanned(screen, tmp_path) == [] and screen[-2] == words.not_seen
        for _ in range(2):
            login.type("000")
            assert login.question == words.new_code, "the three tries are still there"
        login.type(words.inverted)
        assert terminal.scanned(terminal.shown(login.screen), tmp_path) == [login.uri], "and back again"
        login.finish()
    for file in (Ours.state_directory / bobby.name).iterdir():
        assert "invert" not in file.read_text().lower(), "the word is not remembered"


@pytest.mark.parametrize("text", [ISSUER + REQUIRE, ASCII], ids=["unicode", "ascii"])
def test_every_line_of_the_qr_code_stands_alone(talking_door, bobby, clock, policy, text):  # noqa: F811
    """This includes the first line: ssh puts the user's name in front of what it is sent to show."""
    policy(text)
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.new_code) as login:
        found = transcript(login)
        drawn = terminal.drawn(found)
        assert len({len(line) for line in drawn}) == 1
        first = found.index(drawn[0])
        assert found[first : first + len(drawn)] == drawn, "in one piece"
        height = len(drawn[0]) // 2
        assert len(drawn) in (height, height + 1), "square: a cell is as high as two are wide"


def test_qr_code_in_ascii_scans_from_the_scrollback(talking_door, bobby, clock, policy, tmp_path):  # noqa: F811
    """The QR code is higher than the screen; users who cannot scroll back have the key."""
    policy(ASCII)
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.new_code) as login:
        drawn = terminal.drawn(transcript(login))
        assert set("".join(drawn)) == set("@ ") and len(drawn) > terminal.LINES and len(drawn[0]) <= terminal.COLUMNS
        assert terminal.scanned(drawn, tmp_path) == [login.uri]
        assert login.screen.isascii()
        login.finish()
    assert login.secret in (Ours.state_directory / bobby.name / "credential.toml").read_text()


def test_no_qr_code_is_drawn_where_policy_wants_none(talking_door, bobby, clock, policy, tmp_path):  # noqa: F811
    policy(NONE)
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.new_code) as login:
        assert terminal.drawn(transcript(login)) == [] and terminal.scanned(transcript(login), tmp_path) == []
        assert login.secret in login.uri
        login.finish()


def test_only_text_is_sent_to_the_terminal(talking_door, bobby, clock, policy):  # noqa: F811
    """No colours and no other control sequences, since the text may not be shown on a terminal."""
    policy(REQUIRE)
    with Enrolment(talking_door, bobby, clock) as login:
        login.finish()
        assert "\x1b" not in login.screen


LONG = f'issuer = "{"x" * 64}"\n'


def test_qr_code_higher_than_the_screen_says_so_and_scans(ssh, bobby, clock, policy, tmp_path):  # noqa: F811
    policy(LONG, REQUIRE)
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
        drawn = terminal.drawn(transcript(login))
        assert len(drawn) > terminal.LINES and len(drawn[0]) <= terminal.COLUMNS and "scroll back" in login.told
        assert terminal.scanned(drawn, tmp_path) == [login.uri]


def test_qr_code_too_wide_for_the_screen_is_not_drawn_and_says_so(ssh, bobby, clock, policy):  # noqa: F811
    policy(LONG, REQUIRE + 'qr = "ascii"\n')
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
        assert terminal.drawn(transcript(login)) == [] and "does not fit into 80 columns" in login.told
        login.finish()


# --------------------------------------------------------------------------------------- a client that drops all but ASCII


@pytest.fixture
def dbclient(server, clock):  # noqa: F811
    return doors.Dbclient(server, sshd.HOST)


def test_dbclient_drops_the_half_blocks_but_shows_key_and_uri_on_lines_of_their_own(
    dbclient, bobby, clock, policy, tmp_path  # noqa: F811
):
    policy(ISSUER, REQUIRE)
    with Enrolment(dbclient, bobby, clock).up_to(ENGLISH.new_code) as login:
        assert terminal.scanned(transcript(login), tmp_path) == [] and login.screen.isascii()
        found = transcript(login)
        assert "URI: " + login.uri in found and login.secret in [line.removeprefix("Key to copy: ") for line in found]
        login.finish()
    assert login.secret in (Ours.state_directory / bobby.name / "credential.toml").read_text()


def test_qr_code_in_ascii_scans_with_dbclient(dbclient, bobby, clock, policy, tmp_path):  # noqa: F811
    policy(ASCII)
    with Enrolment(dbclient, bobby, clock).up_to(ENGLISH.new_code) as login:
        assert terminal.scanned(transcript(login), tmp_path) == [login.uri]
        login.finish()
