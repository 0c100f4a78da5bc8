"""A dialogue that breaks the protocol: the helper ends it, with one log entry, and nothing changes."""

import os
import pathlib
import pwd
import random
import re
import subprocess

import pytest

import accounts
import traced
from helper import (SERVICE_OF_CHANGES, STAGES, VERBS, Denied, Helper, Session, enrol_by_hand, message, picture,
                    stack_of_changes)
from self_service import Talk
from together import together

pytestmark = [pytest.mark.promised_by("ours")]

POLICY = pathlib.Path("/etc/security/pam_otp.conf")
# So that the last authenticator may be removed.
NOBODY_MUST = "[enforce]\ngroups = []\n"


@pytest.fixture(autouse=True)
def without_delay(under_test):
    """Debian's stack, without the delay after a refusal."""
    stack_of_changes("auth required pam_unix.so nodelay", f"auth required {under_test.module}", "account required pam_unix.so")
    yield


@pytest.fixture(autouse=True)
def policy():
    """`policy(TEXT)` adds to the policy until the end of the test."""

    def write(text=""):
        POLICY.write_text(NOBODY_MUST + text)

    write()
    yield write
    POLICY.unlink()


@pytest.fixture
def session(under_test, journal, clock):
    """`session(ACCOUNT, VERB, ...)` begins a dialogue as that account."""
    return lambda account, verb, *words, **how: Session(under_test.helper, account, clock, verb, *words, **how)


@pytest.fixture
def unchanged(under_test):
    """`unchanged.begin()` and `unchanged.holds()`: between these calls, not one byte of the records has changed."""

    class Watch:
        def begin(self):
            self.before = picture(under_test.state_directory)

        def holds(self):
            assert picture(under_test.state_directory) == self.before

        def credentials_hold(self):
            """Authenticators and recovery codes are unchanged; the state may record attempts."""
            after = picture(under_test.state_directory)
            assert after.keys() == self.before.keys()
            assert [after[path] for path in after if not path.endswith("state")] == [
                self.before[path] for path in after if not path.endswith("state")]

    return Watch()


def assert_one_line(denied, caller, **values):
    (line,) = denied.lines()
    assert line["caller_uid"] == str(pwd.getpwnam(caller.name).pw_uid)
    assert line["reason"]
    assert {key: line.get(key) for key in values} == values


# ------------------------------------------------------------------------------------------------------------ the issuer


@pytest.mark.parametrize("verb", ["enrol", "add"])
def test_no_key_is_shown_under_an_issuer_with_a_colon_whichever_program_asks(session, bobby, policy, verb):
    """An earlier otp-enroll does not check the issuer; a later one refuses before it asks the helper."""
    POLICY.write_text('issuer = "Dept: Ops"\n' + NOBODY_MUST)
    with session(bobby, verb, "phone") as talk:
        assert talk.turn() == "unavailable"
    policy()
    with session(bobby, verb, "phone") as talk:
        assert talk.turn() == "begun"


# ---------------------------------------------------------------------------------------------------- whose account it is

ASKED = {"status": (), **VERBS}


@pytest.mark.parametrize("verb", ASKED)
def test_owner_may_ask(session, alice, denied, verb):
    """Without this, the refusals below would prove nothing."""
    with session(alice, verb, *ASKED[verb]) as talk:
        assert talk.turn() == ("status" if verb == "status" else "begun")
    assert denied.lines() == []


@pytest.mark.parametrize("verb", ASKED)
def test_helper_tells_and_changes_nothing_about_another_account(under_test, alice, carol, bobby, denied, unchanged, verb):
    """The answer does not even tell whether the account exists, is enrolled or is root's."""
    unchanged.begin()
    names = [carol.name, bobby.name, "root", "nosuch", "daemon", "", "../" + alice.name, alice.name + "/", "a" * 300]
    for name in names:
        with Helper(under_test.helper, alice) as helper:
            assert helper.ask(message(verb, name, *ASKED[verb])) == ["denied"]
    logged = [name if len(name) <= 256 else name[:256] + "..." for name in names]
    assert [(line["verb"], line.get("user", "")) for line in denied.lines()] == [(verb, name) for name in logged]
    assert {line["caller_uid"] for line in denied.lines()} == {str(pwd.getpwnam(alice.name).pw_uid)}
    unchanged.holds()


def test_trusted_caller_may_ask_about_codes_and_nothing_else(under_test, alice, bobby, denied, unchanged, policy):
    server = accounts.create("server")
    policy(f'\n[helper]\ntrusted_callers = ["{server.name}"]\n')
    unchanged.begin()
    with Helper(under_test.helper, server) as helper:
        assert helper.ask(message("is-enrolled", alice.name)) == ["enrolled"]
    for account in (alice, bobby):
        for verb, words in ASKED.items():
            with Helper(under_test.helper, server) as helper:
                assert helper.ask(message(verb, account.name, *words)) == ["denied"]
    assert len(denied.lines()) == 2 * len(ASKED)
    unchanged.holds()


@pytest.mark.parametrize("fields", [
    ("replace", "{}", "phone"), ("replace", "{}"), ("enroll", "{}", "phone"), ("status",), ("status", "{}", ""),
    ("enrol", "{}"), ("enrol", "{}", "phone", ""), ("add", "{}"), ("add", "{}", "new", "new"), ("remove", "{}"),
    ("remove", "{}", "phone", "phone"), ("recovery-codes",), ("recovery-codes", "{}", "10"), ("keep",), ("code", "123456"),
    ("reply", "x"), ("enrol\0", "{}", "phone"), ("ENROL", "{}", "phone"), ("enrol", b"\xff", "phone"), ("begun", "", "phone"),
])
def test_unknown_verbs_and_wrong_numbers_of_fields_are_denied(under_test, alice, denied, unchanged, fields):
    unchanged.begin()
    fields = [field.format(alice.name) if isinstance(field, str) else field for field in fields]
    with Helper(under_test.helper, alice) as helper:
        assert helper.ask(message(*fields)) == []
        assert helper.process.returncode != 0
    assert_one_line(denied, alice)
    unchanged.holds()


NO_NAMES = ["", " ", " phone", "phone ", "a" * 33, "가" * 33, 'a"b', "a\\b", "a\nb", "a\0b", "\x1b[2J", "\u2028", b"\xff\xfe", "\x7f"]


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("verb", ["enrol", "add", "remove"])
def test_invalid_names_are_denied(under_test, alice, bobby, denied, unchanged, verb, name):
    if (verb, name) == ("remove", ""):
        name = "\t"  # An empty name means the only authenticator there is.
    unchanged.begin()
    for account in (alice, bobby):
        with Helper(under_test.helper, account) as helper:
            assert helper.ask(message(verb, account.name, name)) == []
    assert len(denied.lines()) == 2
    unchanged.holds()


# -------------------------------------------------------------------------------------------------- messages out of place

WRONG = {
    "reply": message("reply", "not the password"), "code": message("code", "482915"), "keep": message("keep"),
    "empty": message(), "empty word": message(""), "no verb": message("yes"), "keep it": message("keep", "it"),
    "code without one": message("code"), "two codes": message("code", "1", "2"), "begun": message("begun", ""),
    "codes": message("codes"), "kept": message("kept"), "request": message("recovery-codes", "nobody"),
    "garbage": b"GET / HTTP/1.1\r\n\r\n", "noise": random.Random(7).randbytes(4096), "zeros": b"\0" * 64,
    "over its size": b"otp1\x14\x01" + b"\0" * 5121, "largest": b"otp1\xff\xff" + b"\0" * 65535,
    "that does not add up": b"otp1\0\x03\0\x09x", "middle": message("keep")[:-2], "mark": b"otp1", "nothing": b"",
}
# The messages that a stage takes as an answer, even if not as the right one.
FITTING = {"ask": {"reply"}, "ask-code": {"reply"}, "offer": {"code"}, "codes": {"keep"}}
# The caller went away, which is not a request.
GONE = {"nothing", "middle", "mark"}
MISPLAYED = [(stage, what) for stage in STAGES for what in WRONG if what not in FITTING[stage]]


STAGES_OF = [(stage, verb) for stage in ("offer", "codes") for verb in VERBS if stage == "codes" or verb in ("enrol", "add")]


@pytest.mark.parametrize("stage, verb", STAGES_OF)
def test_message_out_of_place_ends_the_dialogue_and_changes_nothing(session, alice, journal, unchanged, clock, verb, stage):
    """Sends each wrong message at this stage; the account is unchanged, except for the used code of the proof."""
    for what in (what for at, what in MISPLAYED if at == stage):
        clock.advance(60)
        denied = Denied(journal)
        with session(alice, verb, *VERBS[verb]) as talk:
            talk.up_to(stage)
            unchanged.begin()
            talk.raw(WRONG[what])
            assert talk.end() == ([], 1), what
        unchanged.holds()
        if what in GONE:
            assert denied.lines() == []
        else:
            assert_one_line(denied, alice, verb=verb, user=alice.name)


@pytest.mark.parametrize("stage, verb", [("ask", "recovery-codes"), ("ask-code", "recovery-codes"), ("ask-code", "enrol")])
def test_message_that_is_no_reply_ends_the_dialogue_and_the_stack(session, alice, denied, unchanged, stage, verb):
    """Sends all of them at once, since a refusal takes time. A caller who has only gone away has not been authenticated."""
    unchanged.begin()

    def play(what):
        with session(alice, verb, *VERBS[verb]) as talk:
            talk.up_to(stage)
            talk.raw(WRONG[what])
            said, _ = talk.end()
            return [kind for kind in said if kind not in ("ask", "ask-hidden", "tell")]

    wrong = [what for at, what in MISPLAYED if at == stage]
    for what, said in zip(wrong, together([lambda what=what: play(what) for what in wrong]), strict=True):
        assert said in ([], ["not-authenticated"] if what in GONE else []), what
    unchanged.credentials_hold()
    reasons = sorted(line["reason"] for line in denied.lines())
    gone = len(set(wrong) & set(GONE))
    assert reasons == ["did not prove who they are"] * gone + ["not what belongs at this point"] * (len(wrong) - gone)
    assert {line["user"] for line in denied.lines()} == {alice.name}


@pytest.mark.parametrize("stage", ["offer", "codes"])
def test_wrong_message_in_a_first_enrolment_leaves_no_trace(session, bobby, journal, unchanged, under_test, stage):
    unchanged.begin()
    for what in (what for at, what in MISPLAYED if at == stage):
        denied = Denied(journal)
        with session(bobby, "enrol", "phone") as talk:
            talk.up_to(stage)
            talk.raw(WRONG[what])
            assert talk.end()[0] == [], what
        assert len(denied.lines()) == (0 if what in GONE else 1), what
    unchanged.holds()
    assert not (under_test.state_directory / bobby.name).exists()


@pytest.mark.parametrize("first", ["keep", "code", "reply"])
def test_messages_sent_in_advance_skip_nothing(session, alice, denied, unchanged, first):
    """The same message ten times, in the socket before the helper has asked anything."""
    unchanged.begin()
    words = {"keep": ("keep",), "code": ("code", "000000"), "reply": ("reply", "not it at all")}[first]
    with session(alice, "recovery-codes") as talk:
        talk.raw(message(*words) * 10)
        said, _ = talk.end()
        assert not {"codes", "kept"} & set(said)
    if first == "reply":
        assert said[-1:] == ["not-authenticated"]
        assert [line["reason"] for line in denied.lines()] == ["did not prove who they are", "a second request after an answer"]
    else:
        assert said[-1:] != ["not-authenticated"]
        assert [line["reason"] for line in denied.lines()] == ["not what belongs at this point"]
    unchanged.credentials_hold()


def test_second_request_after_the_end_is_denied(session, bobby, denied, clock, under_test):
    with session(bobby, "enrol", "phone") as talk:
        talk.up_to("codes")
        assert talk.keep() == ["kept"]
        before = picture(under_test.state_directory)
        talk.raw(message("remove", bobby.name, ""))
        assert talk.end() == ([], 1)
    assert_one_line(denied, bobby, reason="a second request after an answer")
    assert picture(under_test.state_directory) == before


def test_second_keep_is_denied(session, bobby, denied):
    with session(bobby, "enrol", "phone") as talk:
        talk.up_to("codes")
        talk.raw(message("keep") * 2)
        assert talk.turn() == "kept"
        assert talk.end() == ([], 1)
    assert_one_line(denied, bobby)


# ---------------------------------------------------------------------------------------------------------- the new device


@pytest.fixture(params=["enrol", "replace", "add"])
def offered(request, session, alice, bobby, policy):
    """A dialogue that has just offered a new authenticator: a first one, a replacement, or one more."""
    if request.param == "add":
        policy("\n[enroll]\nmax_authenticators = 3\n")
    account = bobby if request.param == "enrol" else alice
    verb = "add" if request.param == "add" else "enrol"
    with session(account, verb, "new") as talk:
        yield talk.up_to("offer")


def test_keep_without_a_proof_is_denied(offered, denied, unchanged):
    unchanged.begin()
    offered.say("keep")
    assert offered.end() == ([], 1)
    assert_one_line(denied, offered.account)
    unchanged.holds()


@pytest.mark.parametrize("count", [1, 2])
def test_keep_after_wrong_codes_is_denied(offered, denied, unchanged, count):
    unchanged.begin()
    for left in range(2, 2 - count, -1):
        offered.say("code", offered.device.wrong())
        assert offered.turn() == "checked" and offered.words() == ["checked", "no-match", str(left), "0"]
    offered.say("keep")
    assert offered.end() == ([], 1)
    assert_one_line(denied, offered.account)
    unchanged.holds()


def test_code_after_the_right_one_is_denied(offered, denied, unchanged):
    """The second code is neither a keep nor another proof."""
    unchanged.begin()
    code = offered.device.now()
    offered.say("code", code)
    assert offered.turn() == "checked" and offered.last[1] == b"right"
    offered.say("code", code)
    said, status = offered.end()
    assert said == ["codes"] and status != 0
    assert_one_line(denied, offered.account)
    unchanged.holds()


def test_three_wrong_codes_end_it_and_a_right_fourth_is_too_late(offered, denied, unchanged):
    unchanged.begin()
    wrong, right = offered.device.wrong(), offered.device.now()
    for reply in (wrong, "", "x" * 4000):
        offered.say("code", reply)
    offered.say("code", right)
    offered.say("keep")
    said, _ = offered.end()
    assert said == ["checked"] * 3 + ["refused"]
    unchanged.holds()
    # The three wrong codes are allowed; a message after the end is not.
    assert_one_line(denied, offered.account, reason="a second request after an answer")


def test_codes_of_other_authenticators_prove_nothing(offered, alice, carol, denied, unchanged, clock):
    """The old authenticator's code, another user's code, and a recovery code."""
    clock.advance(60)
    unchanged.begin()
    for other in (alice.codes, carol.codes):
        offered.say("code", other.now())
        assert offered.turn() == "checked" and offered.last[1] != b"right"
    offered.say("code", alice.recovery_codes[1])
    assert offered.turn() == "checked" and offered.last[1] == b"no-code"
    assert offered.turn() == "refused" and offered.words() == ["refused", "not-proven"]
    unchanged.holds()
    assert denied.lines() == []


@pytest.mark.parametrize("steps", [-20, -2, 2, 20])
def test_code_of_another_time_proves_nothing_and_cannot_be_kept(offered, unchanged, denied, steps):
    unchanged.begin()
    offered.say("code", offered.device.at_step(steps))
    assert offered.turn() == "checked" and offered.last[1] in (b"ahead", b"behind", b"no-match")
    offered.say("keep")
    assert offered.end() == ([], 1)
    assert_one_line(denied, offered.account)
    unchanged.holds()


def test_each_offer_has_a_key_of_its_own(session, bobby):
    """Otherwise somebody who saw the key of an abandoned offer would have the codes of the next."""
    seen = set()
    for _ in range(5):
        with session(bobby, "enrol", "phone") as talk:
            talk.up_to("offer")
            seen.add((talk.last[1], talk.last[6]))
    assert len(seen) == 5 and len({secret for _, secret in seen}) == 5


# ---------------------------------------------------------------------------- proof of identity, once and for one dialogue


def not_authenticated(talk):
    """Whether the dialogue ended unauthenticated, whatever the stack said before."""
    while talk.turn() == "tell":
        pass
    return talk.words() == ["not-authenticated"]


@pytest.mark.parametrize("verb", VERBS)
def test_insufficient_proof_ends_the_dialogue_before_anything_is_shown(session, alice, carol, denied, unchanged, verb, clock):
    """One of the two wrong, both another user's, or nothing; all at once, since a refusal takes time."""
    used = alice.codes.now()
    with session(alice, "recovery-codes") as talk:
        talk.up_to("codes", used)
    replies = [
        (alice.password, alice.codes.wrong()), ("wrong password", alice.codes.at_step(1)), (carol.password, carol.codes.now()),
        (alice.password, used), (alice.password, ""), (alice.password, carol.recovery_codes[0]), (alice.password + "\0", used),
    ]
    unchanged.begin()

    def play(password, code):
        with session(alice, verb, *VERBS[verb]) as talk:
            for reply in (password, code):
                talk.until("ask", "ask-hidden")
                talk.say("reply", reply)
            return not_authenticated(talk)

    assert together([lambda both=both: play(*both) for both in replies]) == [True] * len(replies)
    assert [line["reason"] for line in denied.lines()] == ["did not prove who they are"] * len(replies)
    unchanged.credentials_hold()


def test_each_wrong_code_of_the_proof_counts_and_the_fifth_locks(session, alice, under_test, unchanged):
    unchanged.begin()

    def play():
        with session(alice, "recovery-codes") as talk:
            talk.prove_who(alice.codes.wrong())
            return not_authenticated(talk)

    assert together([play] * 3) == [True] * 3
    assert traced.Kept(alice, under_test.state_directory).failures == 3
    assert together([play] * 2) == [True] * 2
    assert traced.Kept(alice, under_test.state_directory).locked
    unchanged.credentials_hold()
    for verb, words in VERBS.items():
        with session(alice, verb, *words) as talk:
            assert talk.turn() == "refused" and talk.words() == ["refused", "locked", "opens"]


def test_code_that_proved_identity_is_used_up(session, alice, under_test):
    code = alice.codes.now()
    with session(alice, "recovery-codes") as talk:
        talk.up_to("codes", code)

    def play(verb):
        with session(alice, verb, *VERBS[verb]) as talk:
            talk.prove_who(code)
            return not_authenticated(talk)

    assert together([lambda verb=verb: play(verb) for verb in VERBS]) == [True] * len(VERBS)


def test_without_the_service_nothing_changes(session, alice, bobby, unchanged):
    """Linux-PAM would use `other`, which may admit everybody."""
    text = stack_of_changes("")
    other = pathlib.Path("/etc/pam.d/other")
    before = other.read_text()
    other.write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    os.unlink(SERVICE_OF_CHANGES)
    try:
        unchanged.begin()
        for verb, words in VERBS.items():
            with session(alice, verb, *words) as talk:
                assert talk.turn() == "begun"
                assert talk.turn() == "unavailable"
        unchanged.holds()
    finally:
        other.write_text(before)
        pathlib.Path(SERVICE_OF_CHANGES).write_text(text)


def test_password_is_not_enough_where_the_account_has_expired(session, alice, unchanged):
    """The owner of an expired account proves nothing by right answers."""
    subprocess.run(["chage", "--expiredate", "2001-01-01", alice.name], check=True)
    unchanged.begin()
    with session(alice, "recovery-codes") as talk:
        talk.prove_who()
        assert not_authenticated(talk)
    unchanged.credentials_hold()


# -------------------------------------------------------------------------------------------------------------- forgery

FORGED = ["otp.change", "x user=root", "a=b [31m", "<0>kernel: x", "%n%s", "$(id)", "'; rm", "../../x", ".", "이름" * 16]


@pytest.mark.parametrize("name", FORGED)
def test_name_of_an_authenticator_forges_no_log_entry_and_no_other_record(session, bobby, journal, under_test, name):
    before = len(journal.lines())
    with session(bobby, "enrol", name) as talk:
        talk.up_to("codes")
        assert talk.keep() == ["kept"]
    lines = journal.lines()[before:]
    assert [re.search(r"otp\.\w+", line)[0] for line in lines] == ["otp.changing", "otp.change"]
    for line in lines:
        assert line.isprintable() and line.count(' user="') == 1 and f'user="{bobby.name}"' in line
    assert traced.files_of(bobby, under_test.state_directory) == ["credential.toml", "state"]
    with session(bobby, "status") as talk:
        assert talk.turn() == "status" and name in talk.words()


def test_otp_enroll_and_a_dialogue_by_hand_are_the_same_to_the_helper(bobby, session, under_test, clock):
    """So the refusals above apply to a client that can also succeed."""
    enrol_by_hand(under_test.helper, bobby, clock)
    talk = Talk(bobby, "status")
    assert talk.end() == 0 and "phone" in talk.screen
