"""The arguments of our line in /etc/pam.d, and mistakes in them, which admit nobody."""

import pathlib

import pytest

import accounts
from application import AUTH_ERR, AUTHINFO_UNAVAIL, application, program, service  # noqa: F401  (fixtures among them)
from locking import fail, locked

pytestmark = pytest.mark.promised_by("ours")
PASSWORD = "required pam_unix.so nodelay"


@pytest.mark.parametrize("argument", ["nulok", "nullok=yes", "echo_verification_codes", "conf=relative.conf", "lang=xx"])
def test_line_with_a_mistake_admits_nobody(door, alice, protect, under_test, journal, argument):
    protect(PASSWORD, under_test.line(argument))
    assert refused_whatever_is_asked(door, alice)
    assert journal.names(alice.name) == ["otp.unavailable"]


def test_mistake_beside_nullok_does_not_admit_an_unenrolled_user(ssh, bobby, protect, under_test):
    protect(PASSWORD, under_test.line("nullok nonsense"))
    assert refused_whatever_is_asked(ssh, bobby)


def test_log_names_the_mistaken_argument(ssh, alice, protect, under_test, journal):
    protect(PASSWORD, under_test.line("debug nulok"))
    assert refused_whatever_is_asked(ssh, alice)
    assert "argument 2" in journal.events(alice.name)[0]["reason"]


@pytest.mark.parametrize("text", ["this is [ not toml", "unknown_key = 1", "[lockout]\nfailures = 0"])
def test_policy_that_cannot_be_read_admits_nobody(ssh, alice, bobby, protect, under_test, journal, policy, text):
    protect(PASSWORD, under_test.line("nullok"))
    policy(text)
    for account in (alice, bobby):
        assert refused_whatever_is_asked(ssh, account)
        assert journal.names(account.name) == ["otp.unavailable"]


def test_policy_that_others_may_write_admits_nobody(ssh, alice, journal, policy):
    policy("", mode=0o666)
    assert refused_whatever_is_asked(ssh, alice)
    assert journal.names(alice.name) == ["otp.unavailable"]


def test_conf_selects_another_policy(ssh, alice, protect, under_test, tmp_path_factory):
    conf = tmp_path_factory.mktemp("policy") / "strict.conf"
    conf.write_text("[lockout]\nfailures = 2\n")
    protect(PASSWORD, under_test.line(f"conf={conf}"))
    fail(ssh, alice, 2)
    assert locked(ssh, alice)


def test_missing_state_dir_admits_nobody(ssh, alice, bobby, protect, under_test, journal):
    protect(PASSWORD, under_test.line("nullok state_dir=/var/lib/nowhere"))
    for account in (alice, bobby):
        assert refused_whatever_is_asked(ssh, account)
        assert journal.names(account.name) == ["otp.unavailable"]


def test_authtok_prompt_is_the_question_that_users_see(door, alice, protect, under_test):
    protect(PASSWORD, under_test.line("[authtok_prompt=Six digits, please: ]"))
    outcome = door.attempt(alice, alice.password, alice.codes.now(), prompts=["Six digits, please: "])
    assert outcome.admitted
    assert outcome.prompts[1] == "Six digits, please: "


def test_code_is_echoed_only_if_the_line_says_so(door, alice, protect, under_test, clock):
    code = alice.codes.now()
    assert code not in door.attempt(alice, alice.password, code).transcript
    protect(PASSWORD, under_test.line("echo_verification_code"))
    clock.advance(30)
    code = alice.codes.now()
    outcome = door.attempt(alice, alice.password, code)
    assert outcome.admitted
    # sudo asks for silence; then the reply is not shown.
    assert (code in outcome.transcript) == door.passes_messages_on


@pytest.mark.parametrize("arguments, shows", [
    (["echo_verification_code"], True), (["echo_verification_code forward_pass"], False),
    (["echo_verification_code split", "echo_verification_code"], False),
], ids=str)
def test_program_that_asks_for_silence_gets_hidden_questions_and_no_messages(
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
def test_nodelay_asks_for_no_delay_after_any_refusal_which_is_still_counted(
    application, service, alice, bobby, under_test, journal, argument  # noqa: F811
):
    """Measured by the delay that PAM passes to a program that wants to wait by itself."""
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


def test_mistake_beside_nodelay_keeps_the_delay(application, service, alice, under_test):  # noqa: F811
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


# Any question in Korean, by how it ends.
KOREAN_PROMPTS = ["\N{HANGUL SYLLABLE DEU}: "]


@pytest.fixture
def policy():
    """`policy(TEXT)` writes /etc/security/pam_otp.conf for the length of the test."""
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
