"""Unexpected answers: a code of a clock that is off, no code at all, not yet, later."""

import pytest

from login_enrolment import (  # noqa: F401  (fixtures among them)
    AHEAD, ENGLISH, KOREAN, OFFER, PASSWORD, REQUIRE, UNTIL_THEN, Enrolment, both_lines, enrol, kept_on_disk, lines,
    talking_door,
)
from self_service import policy  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("both_lines")]

GRACE = '[enforce]\ngrace = "7d"\n'
DAY = 24 * 3600


@pytest.fixture
def required(policy):  # noqa: F811
    policy(REQUIRE)


# ------------------------------------------------------------------------------------------------------------- the code


@pytest.mark.parametrize(
    "language, words, steps, said",
    [
        ("en", ENGLISH, -4, "right 2 minutes ago: the clock of the device is slow"),
        ("en", ENGLISH, +4, "right in 2 minutes: the clock of the device is fast"),
        ("en", ENGLISH, -120, "right 1 hour ago: the clock of the device is slow"),
        ("ko", KOREAN, -4, "2분 전의 인증 코드입니다. 기기의 시계가 그만큼 늦습니다"),
        ("ko", KOREAN, +4, "2분 뒤의 인증 코드입니다. 기기의 시계가 그만큼 빠릅니다"),
    ],
)
def test_code_of_a_clock_that_is_off_is_answered_with_how_far_and_which_way(
    ssh, bobby, clock, policy, language, words, steps, said  # noqa: F811
):
    policy(f'language = "{language}"\n', REQUIRE)
    before = kept_on_disk()
    with Enrolment(ssh, bobby, clock, words).up_to(words.new_code) as login:
        login.type(login.device.at_step(steps))
        assert login.question == words.new_code and said in login.told
        assert kept_on_disk() == before


def test_code_that_matches_nothing_is_told_from_no_code_at_all(talking_door, bobby, clock, required):
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.new_code) as login:
        login.type(login.device.wrong())
        assert login.question == ENGLISH.new_code and "does not match" in login.told and "2 tries are left" in login.told
        login.type("hello")
        assert login.question == ENGLISH.new_code and "6 digits" in login.told and "One try is left" in login.told
        login.finish()
    assert bobby.codes


@pytest.mark.parametrize(
    "reply", ["", " ", "12345", "1" * 500, "12345\x01", "0123-4567-89AB-CDEF"]
)
def test_reply_that_is_no_code_is_asked_for_again(ssh, bobby, clock, required, reply):
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
        login.type(reply)
        assert login.question == ENGLISH.new_code and "6 digits" in login.told
        login.finish()


@pytest.mark.parametrize(
    "language, words, said",
    [
        ("en", ENGLISH, "the app ignores the hash SHA-256, and its codes are never right here"),
        ("ko", KOREAN, "이 앱은 해시 SHA-256 설정을 무시하므로"),
    ],
)
def test_app_that_ignores_the_hash_is_recognised_and_another_app_is_enrolled(
    talking_door, bobby, clock, policy, language, words, said  # noqa: F811
):
    """The first app computes with SHA-1 whatever the URI says; the second, oathtool too, does as the URI says."""
    policy(f'language = "{language}"\n', REQUIRE, '[code]\nalgorithm = "SHA256"\n')
    before = kept_on_disk()
    with Enrolment(talking_door, bobby, clock, words).up_to(words.new_code) as login:
        login.type(login.device.now())
        assert login.question == words.new_code and said in " ".join(login.told.split())
        assert kept_on_disk() == before
        login.device.algorithm = "SHA256"
        login.finish()
    clock.advance(30)
    outcome = talking_door.attempt(bobby, bobby.password, bobby.codes.now(), prompts=[words.code])
    assert outcome.admitted


def test_codes_of_an_app_that_ignores_the_hash_are_never_accepted(talking_door, bobby, clock, policy):  # noqa: F811
    policy(REQUIRE, '[code]\nalgorithm = "SHA512"\n')
    before = kept_on_disk()
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.new_code) as login:
        for _ in range(3):
            assert login.question == ENGLISH.new_code
            login.type(login.device.now())
        assert login.outcome().refused
    assert kept_on_disk() == before


def test_code_may_be_typed_as_the_app_groups_it(ssh, bobby, clock, required):
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
        code = login.device.now()
        login.type(f" {code[:3]} {code[3:]} ")
        assert login.question == ENGLISH.are_kept


def three_wrong_codes(door, account, clock):
    with Enrolment(door, account, clock).up_to(ENGLISH.new_code) as login:
        for reply in (login.device.wrong(), "hello", login.device.at_step(9)):
            assert login.question == ENGLISH.new_code
            login.type(reply)
        return login.outcome()


def test_three_wrong_codes_are_refused_with_nothing_saved(talking_door, bobby, clock, required):
    before = kept_on_disk()
    outcome = three_wrong_codes(talking_door, bobby, clock)
    assert outcome.refused and "No authenticator was set up" in outcome.messages
    assert kept_on_disk() == before


def test_three_wrong_codes_leave_a_log_entry(talking_door, bobby, clock, required, journal):
    three_wrong_codes(talking_door, bobby, clock)
    event = journal.events(bobby.name)[-1]
    assert (event["event"], event["tag"]) == ("otp.notenrolled", f"{talking_door.service}:account")
    assert (event["message"], event["result"]) == ("not-set-up", "refused")


def test_three_wrong_codes_are_refused_before_the_deadline_too(ssh, bobby, clock, policy):  # noqa: F811
    policy(REQUIRE, AHEAD)
    assert three_wrong_codes(ssh, bobby, clock).refused


def test_three_wrong_codes_mean_later_where_enrolment_can_wait(ssh, bobby, clock, policy):  # noqa: F811
    policy(OFFER, AHEAD)
    before = kept_on_disk()
    assert three_wrong_codes(ssh, bobby, clock).admitted
    assert kept_on_disk() == before


def test_wrong_codes_at_enrolment_lock_nobody(ssh, bobby, clock, required):
    """Each dialogue also offers a new key."""
    secrets = set()
    for _ in range(3):
        with Enrolment(ssh, bobby, clock).up_to(ENGLISH.new_code) as login:
            secrets.add(login.secret)
            for _ in range(3):
                login.type(login.device.wrong())
            assert login.outcome().refused
    enrol(ssh, bobby, clock)
    assert len(secrets) == 3


# --------------------------------------------------------------------------------------------------- the recovery codes


@pytest.mark.parametrize("answer", ["", " ", "y", "yes", "kep", "keptt", "later"])
def test_any_answer_but_the_word_is_asked_again(ssh, bobby, clock, required, answer):
    before = kept_on_disk()
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.are_kept) as login:
        for _ in range(2):
            login.type(answer)
            assert login.question == ENGLISH.are_kept and 'before you type "kept"' in login.told
            assert kept_on_disk() == before
        login.finish()


def test_fifth_answer_that_is_not_the_word_is_refused_with_nothing_saved(talking_door, bobby, clock, required):
    """Otherwise a program that answers every question would go on for ever."""
    before = kept_on_disk()
    with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.are_kept) as login:
        for answer in ("", "yes", login.recovery_codes[0], "later", "keptt"):
            assert login.question == ENGLISH.are_kept
            login.type(answer)
        outcome = login.outcome()
    assert outcome.refused and "No authenticator was set up" in outcome.messages
    assert kept_on_disk() == before


@pytest.mark.parametrize("words, answer", [(ENGLISH, "보관"), (ENGLISH, " Kept "), (KOREAN, "kept"), (KOREAN, "보관")])
def test_the_word_is_accepted_in_either_language(ssh, bobby, clock, policy, words, answer):  # noqa: F811
    policy('language = "ko"\n' if words is KOREAN else "", REQUIRE)
    with Enrolment(ssh, bobby, clock, words).up_to(words.are_kept) as login:
        login.type(answer)
        assert login.outcome().admitted


# ---------------------------------------------------------------------------------------------------------------- later


@pytest.mark.parametrize(
    "words, answer",
    [(ENGLISH, "later"), (ENGLISH, "나중에"), (ENGLISH, " LATER "), (KOREAN, "나중에"), (KOREAN, "later")],
)
def test_later_admits_before_the_deadline_and_leaves_nothing(
    talking_door, bobby, clock, policy, journal, words, answer  # noqa: F811
):
    policy('language = "ko"\n' if words is KOREAN else "", OFFER, AHEAD)
    before = kept_on_disk()
    with Enrolment(talking_door, bobby, clock, words).up_to(words.begin_or_later) as login:
        assert "2027-02-01" in login.told and "17" in login.told, "the deadline, and how many days are left"
        login.type(answer)
        outcome = login.outcome()
    assert outcome.admitted and outcome.prompts == [PASSWORD, words.begin_or_later]
    grace = {bobby.name, f"{bobby.name}/first-login"}
    assert kept_on_disk(without=grace) == before
    excused = journal.events(bobby.name)[-1]
    assert (excused["event"], excused["result"], excused["message"]) == ("otp.notenrolled", "excused", "enrol-until")
    assert (excused["until"], excused["days_left"]) == ("2027-02-01 00:00:00 UTC", "17")
    assert excused["tag"] == f"{talking_door.service}:account"


def test_user_who_said_later_is_asked_at_each_login_until_the_deadline(ssh, bobby, clock, policy):  # noqa: F811
    policy(OFFER, AHEAD)
    for days in (0, 10, 6):
        clock.advance(days * DAY)
        with Enrolment(ssh, bobby, clock).up_to(ENGLISH.begin_or_later) as login:
            login.type("later")
            assert login.outcome().admitted
    clock.advance(DAY)
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.begin) as login:
        assert "later" not in login.screen


@pytest.mark.parametrize("answer", ["later", "나중에"])
def test_later_is_not_offered_after_the_deadline(talking_door, bobby, clock, policy, answer):  # noqa: F811
    policy(OFFER, AHEAD)
    clock.advance(UNTIL_THEN)
    no_later(talking_door, bobby, clock, answer)


@pytest.mark.parametrize("answer", ["later", "나중에"])
def test_later_is_not_offered_where_policy_requires_enrolment(talking_door, bobby, clock, policy, answer):  # noqa: F811
    policy(REQUIRE, AHEAD)
    no_later(talking_door, bobby, clock, answer)


def no_later(door, account, clock, answer):
    """The dialogue does not offer the word, and the word does not admit."""
    before = kept_on_disk()
    with Enrolment(door, account, clock).up_to(ENGLISH.begin) as login:
        assert "later" not in login.screen
        login.type(answer)
        assert login.question in (ENGLISH.begin, ENGLISH.new_code)
        assert kept_on_disk() == before


@pytest.mark.parametrize("answer", ["no", "x", "latter"])
def test_other_words_do_not_mean_later(ssh, bobby, clock, policy, answer):  # noqa: F811
    policy(OFFER, AHEAD)
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.begin_or_later) as login:
        login.type(answer)
        assert login.question in (ENGLISH.begin_or_later, ENGLISH.new_code)


def test_later_is_offered_as_long_as_the_grace_from_the_first_login(talking_door, bobby, clock, policy):  # noqa: F811
    policy(OFFER, GRACE)
    before = kept_on_disk()
    for days in (0, 6):
        clock.advance(days * DAY)
        with Enrolment(talking_door, bobby, clock).up_to(ENGLISH.begin_or_later) as login:
            login.type("later")
            assert login.outcome().admitted
    assert kept_on_disk().keys() - before.keys() == {bobby.name, f"{bobby.name}/first-login"}
    clock.advance(DAY)
    no_later(talking_door, bobby, clock, "later")


def test_enrolling_ends_a_grace_that_has_begun(ssh, bobby, clock, policy):  # noqa: F811
    """From then on password and code are needed, within the grace too."""
    policy(OFFER, GRACE)
    with Enrolment(ssh, bobby, clock).up_to(ENGLISH.begin_or_later) as login:
        login.type("later")
        assert login.outcome().admitted
    enrol(ssh, bobby, clock)
    clock.advance(30)
    assert ssh.attempt(bobby, bobby.password, bobby.codes.wrong()).refused
    assert ssh.attempt(bobby, bobby.password, bobby.codes.now()).admitted
