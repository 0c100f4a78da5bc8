"""What the line in /etc/pam.d may say, and what a line that says something else does: nobody gets in."""

import pathlib

import pytest

import accounts
from application import AUTH_ERR, AUTHINFO_UNAVAIL, application, program, service  # noqa: F401  (fixtures among them)
from locking import fail, locked

pytestmark = pytest.mark.promised_by("ours")
PASSWORD = "required pam_unix.so nodelay"


@pytest.mark.parametrize("argument", ["nulok", "nullok=yes", "echo_verification_codes", "conf=relative.conf", "lang=xx"])
def test_line_with_a_mistake_in_it_lets_nobody_in(door, alice, protect, under_test, journal, argument):
    protect(PASSWORD, under_test.line(argument))
    assert refused_whatever_is_asked(door, alice)
    assert journal.names(alice.name) == ["otp.unavailable"]


def test_unenrolled_user_is_not_let_in_by_a_mistake_beside_nullok(ssh, bobby, protect, under_test):
    protect(PASSWORD, under_test.line("nullok nonsense"))
    assert refused_whatever_is_asked(ssh, bobby)


def test_log_says_which_argument_is_the_mistake(ssh, alice, protect, under_test, journal):
    protect(PASSWORD, under_test.line("debug nulok"))
    assert refused_whatever_is_asked(ssh, alice)
    assert "argument 2" in journal.events(alice.name)[0]["reason"]


@pytest.mark.parametrize("text", ["this is [ not toml", "unknown_key = 1", "[lockout]\nfailures = 0"])
def test_policy_that_cannot_be_read_lets_nobody_in(ssh, alice, bobby, protect, under_test, journal, policy, text):
    protect(PASSWORD, under_test.line("nullok"))
    policy(text)
    for account in (alice, bobby):
        assert refused_whatever_is_asked(ssh, account)
        assert journal.names(account.name) == ["otp.unavailable"]


def test_policy_that_others_may_write_lets_nobody_in(ssh, alice, journal, policy):
    policy("", mode=0o666)
    assert refused_whatever_is_asked(ssh, alice)
    assert journal.names(alice.name) == ["otp.unavailable"]


def test_conf_names_another_policy(ssh, alice, protect, under_test, tmp_path_factory):
    conf = tmp_path_factory.mktemp("policy") / "strict.conf"
    conf.write_text("[lockout]\nfailures = 2\n")
    protect(PASSWORD, under_test.line(f"conf={conf}"))
    fail(ssh, alice, 2)
    assert locked(ssh, alice)


def test_state_dir_that_is_not_there_lets_nobody_in(ssh, alice, bobby, protect, under_test, journal):
    protect(PASSWORD, under_test.line("nullok state_dir=/var/lib/nowhere"))
    for account in (alice, bobby):
        assert refused_whatever_is_asked(ssh, account)
        assert journal.names(account.name) == ["otp.unavailable"]


def test_authtok_prompt_is_what_people_are_asked(door, alice, protect, under_test):
    protect(PASSWORD, under_test.line("[authtok_prompt=Six digits, please: ]"))
    outcome = door.attempt(alice, alice.password, alice.codes.now(), prompts=["Six digits, please: "])
    assert outcome.admitted
    assert outcome.prompts[1] == "Six digits, please: "


def test_code_is_not_echoed_unless_the_line_says_so(door, alice, protect, under_test, clock):
    code = alice.codes.now()
    assert code not in door.attempt(alice, alice.password, code).transcript
    protect(PASSWORD, under_test.line("echo_verification_code"))
    clock.advance(30)
    code = alice.codes.now()
    outcome = door.attempt(alice, alice.password, code)
    assert outcome.admitted
    # sudo asks for silence, and then nothing is shown.
    assert (code in outcome.transcript) == door.passes_messages_on


@pytest.mark.parametrize("arguments, shows", [
    (["echo_verification_code"], True), (["echo_verification_code forward_pass"], False),
    (["echo_verification_code split", "echo_verification_code"], False),
], ids=str)
def test_program_that_asks_for_silence_is_asked_hidden_questions_alone_and_the_log_does_not_say_that_it_told(
    application, service, alice, under_test, journal, arguments, shows  # noqa: F811
):
    application.watch()
    service(*map(under_test.line, arguments))
    loud = application.login(alice, alice.codes.wrong())
    assert (loud.code, loud.echoed) == (AUTH_ERR, loud.asked if shows else []) and loud.told
    application.silence()
    quiet = application.login(alice, alice.codes.wrong())
    assert (quiet.code, quiet.asked, quiet.told, quiet.echoed) == (AUTH_ERR, loud.asked, [], [])
    assert [event["message"] for event in journal.events(alice.name)] == ["wrong-code", "wrong-code (not shown)"]


@pytest.mark.parametrize("argument", ["nodelay", "split nodelay", "nodelay nullok"])
def test_nodelay_asks_for_no_delay_after_any_refusal_and_counts_it_all_the_same(
    application, service, alice, bobby, under_test, journal, argument  # noqa: F811
):
    """Measured by what PAM hands to the program that wants to wait by itself."""
    application.watch()
    for written in (argument.replace("nodelay", "").strip(), argument):
        lines = [under_test.line(written)]
        if "split" in written:
            lines = [under_test.line(written), under_test.line(written.replace("split", "").strip())]
        service(*lines)
        for account in (alice, accounts.stranger("nosuch")):
            answer = application.login(account, account.codes.wrong() if account is alice else "123456")
            (delay,) = answer.delays
            assert answer.code == AUTH_ERR
            assert (delay == 0) == ("nodelay" in written), answer
    assert journal.names(alice.name) == ["otp.reject"] * 2


def test_line_with_a_mistake_beside_nodelay_delays(application, service, alice, under_test):  # noqa: F811
    application.watch()
    service(under_test.line("nodelay nodelays"))
    answer = application.login(alice)
    assert answer.code == AUTHINFO_UNAVAIL and answer.delays[0] > 0


def test_lang_ko_speaks_korean(ssh, alice, protect, under_test):
    protect(PASSWORD, under_test.line("lang=ko"))
    with ssh.visit(alice, prompts=KOREAN_PROMPTS) as visit:
        visit.prompt()
        visit.reply(alice.password)
        visit.prompt()
        visit.reply(alice.codes.wrong())
        outcome = visit.outcome()
    assert outcome.refused
    assert any("\uac00" <= letter <= "\ud7a3" for letter in outcome.messages + "".join(outcome.prompts))


# The question in Korean, whatever its words: one line that ends in a colon and a blank.
KOREAN_PROMPTS = ["\N{HANGUL SYLLABLE DEU}: "]


@pytest.fixture
def policy():
    """`policy(TEXT)` is /etc/security/pam_otp.conf for the length of the test."""
    path = pathlib.Path("/etc/security/pam_otp.conf")

    def write(text, mode=0o644):
        path.write_text(text)
        path.chmod(mode)

    yield write
    path.unlink(missing_ok=True)


def refused_whatever_is_asked(door, account):
    with door.visit(account) as visit:
        asked = visit.prompt()
        while asked is not None:
            code = account.codes.now() if account.codes else "123456"
            visit.reply(account.password if "assword" in asked else code)
            asked = visit.prompt()
        return visit.ended().refused
