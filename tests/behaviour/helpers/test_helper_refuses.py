"""Requests to the helper that its caller may not make: denied, with one log entry, and nothing changes."""

import os
import pathlib
import pwd
import random

import pytest

import accounts
import traced
from application import SUCCESS, Application, program, service  # noqa: F401
from helper import check, fields_of, message

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

LIMIT = 5120


@pytest.fixture
def enrol(enrol, under_test):
    """The usual fixture; afterwards, no enrolled account may have been locked or damaged."""
    enrolled = []

    def create(name):
        enrolled.append(enrol(name))
        return enrolled[-1]

    yield create
    for account in enrolled:
        assert traced.files_of(account, under_test.state_directory) == ["credential.toml", "state"]
        assert not traced.Kept(account, under_test.state_directory).locked


def assert_one_line(denied, caller, **values):
    """Asserts that there is exactly one log entry, and that it says who asked."""
    (line,) = denied.lines()
    assert line["caller_uid"] == str(pwd.getpwnam(caller.name).pw_uid)
    assert line["reason"]
    assert {key: line.get(key) for key in values} == values


def test_owner_is_answered(start, alice, denied):
    """Without this, the refusals below would prove nothing."""
    with start(alice) as helper:
        assert helper.ask(check(alice, alice.codes.now()))[0] == "accepted"
    with start(alice) as helper:
        assert helper.ask(message("is-enrolled", alice.name)) == ["enrolled"]
    assert denied.lines() == []


def test_code_of_another_account_is_not_checked(start, alice, carol, denied, under_test):
    with start(alice) as helper:
        assert helper.ask(check(carol, carol.codes.wrong())) == ["denied"]
    assert_one_line(denied, alice, verb="check", user=carol.name)
    assert traced.Kept(carol, under_test.state_directory).failures == 0


def test_right_code_of_another_account_gets_the_answer_of_a_wrong_one(start, alice, carol, under_test):
    before = traced.Kept(carol, under_test.state_directory)
    with start(alice) as helper:
        assert helper.ask(check(carol, carol.codes.now())) == ["denied"]
    assert traced.Kept(carol, under_test.state_directory) == before


def test_helper_does_not_tell_whether_another_account_is_enrolled(start, alice, carol, bobby, denied):
    for account in (carol, bobby):
        with start(alice) as helper:
            assert helper.ask(message("is-enrolled", account.name)) == ["denied"]
    assert [(line["verb"], line["user"]) for line in denied.lines()] == [
        ("is-enrolled", carol.name), ("is-enrolled", bobby.name)]


@pytest.mark.parametrize("runs_as", ["root", "setuid", "account root"])
def test_only_root_may_try_a_login_and_users_not_even_for_themselves(start, alice, denied, runs_as):
    """The trial runs a stack with ids of the caller's choice; only root may choose these."""
    with start(alice) as helper:
        assert helper.ask(message("try", alice.name, "sshd", runs_as)) == ["denied"]
    assert_one_line(denied, alice, verb="try", user=alice.name)


@pytest.mark.parametrize("name", ["nosuch", "root", "", "../{}", "{}/", "./{}", "{}\0", "{}\n", "a" * 300, ".", "..", "/"])
@pytest.mark.parametrize("verb", ["check", "is-enrolled"])
def test_name_other_than_the_callers_is_denied_whatever_it_looks_like(start, alice, denied, verb, name):
    request = message(verb, name.format(alice.name), *(["", "123456"] if verb == "check" else []))
    with start(alice) as helper:
        assert helper.ask(request) == ["denied"]
    assert_one_line(denied, alice, verb=verb)


@pytest.mark.parametrize("fields", [
    ("open-sesame", "{}"), ("unlock", "{}"), ("reset", "{}"), ("list",), ("CHECK", "{}", "", "123456"), ("check",),
    ("check", "{}"), ("check", "{}", "yes", "123456"), ("check", "{}", "", "123456", "more"), ("",), (),
    ("check\0", "{}", "", "123456"), ("check", b"\xff\xfe", "", "123456"),
])
def test_unknown_verbs_and_wrong_numbers_of_fields_are_denied(start, alice, denied, fields):
    fields = [field.format(alice.name) if isinstance(field, str) else field for field in fields]
    with start(alice) as helper:
        assert helper.ask(message(*fields)) in ([], ["denied"])
    assert_one_line(denied, alice)


@pytest.mark.parametrize("length", [LIMIT + 1, 0x7FFF, 0xFFFF])
def test_request_beyond_the_size_limit_is_denied(start, alice, denied, length):
    """Nothing else is wrong with the request."""
    with start(alice) as helper:
        helper.send(request_of(alice, length))
        assert fields_of(helper.answer()) == []
        assert helper.end() != 0
    assert_one_line(denied, alice)


def test_request_of_exactly_the_size_limit_is_taken(start, alice, denied, under_test):
    """It counts as one wrong code like any other."""
    with start(alice) as helper:
        assert helper.ask(request_of(alice, LIMIT))[0] == "rejected"
    assert denied.lines() == []
    assert traced.Kept(alice, under_test.state_directory).failures == 1


def request_of(account, size):
    """A request whose body has that many bytes."""
    head, rest = 6, len(message("check", account.name, "", ""))
    return message("check", account.name, "", b"1" * (size + head - rest))


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"otp2\0\0", b"check alice 123456\n", b"otp1\0\x01x", b"otp1\0\x03\0\x02x",
    random.Random(3).randbytes(4096), b"\xff" * 100,
])
def test_garbage_is_denied(start, alice, denied, garbage):
    with start(alice) as helper:
        helper.send(garbage)
        assert fields_of(helper.answer()) == []
        assert helper.end() != 0
    assert_one_line(denied, alice)


@pytest.mark.parametrize("part", [b"", b"o", b"otp1", b"otp1\0", b"otp1\0\x20\0\x05check"])
def test_incomplete_request_is_no_request(start, alice, under_test, part):
    with start(alice) as helper:
        helper.send(part)
        assert helper.end() != 0
        assert helper.answer() == b""
    assert traced.Kept(alice, under_test.state_directory).failures == 0


def test_second_request_after_an_answer_is_denied(start, alice, denied, under_test):
    with start(alice) as helper:
        helper.send(check(alice, alice.codes.wrong()))
        assert fields_of(helper.answer()) == ["rejected", "4"]
        helper.send(check(alice, alice.codes.wrong()))
        assert helper.answer() == b""
        assert helper.end() != 0
    assert_one_line(denied, alice)
    assert traced.Kept(alice, under_test.state_directory).failures == 1


def test_second_of_two_requests_at_once_is_denied(start, alice, denied, under_test):
    with start(alice) as helper:
        helper.send(check(alice, alice.codes.wrong()) * 2)
        assert fields_of(helper.answer()) == ["rejected", "4"]
        assert helper.answer() == b""
        assert helper.end() != 0
    assert_one_line(denied, alice)
    assert traced.Kept(alice, under_test.state_directory).failures == 1


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_terminal_is_denied(start, alice, denied, stream):
    terminal, slave = os.openpty()
    try:
        with start(alice, **{stream: slave}) as helper:
            assert helper.ask(check(alice, alice.codes.now())) == []
            assert helper.process.returncode != 0
    finally:
        os.close(slave)
        os.close(terminal)
    assert_one_line(denied, alice)


@pytest.mark.parametrize("arguments", [
    ("{conf}", "{records}"), ("{conf}",), ("--conf", "{conf}"), ("--conf={conf}", "--state-dir={records}"), ("--help",), ("",),
])
def test_path_in_an_argument_is_denied(start, alice, denied, tmp_path_factory, arguments):
    """Otherwise users could bring a policy of their own, with five hundred failures or any trusted caller."""
    conf = pathlib.Path(tmp_path_factory.mktemp("policy"), "lenient.conf")
    conf.write_text("[lockout]\nfailures = 500\n")
    places = {"conf": conf, "records": "/var/lib/pam_otp"}
    with start(alice, *(argument.format(**places) for argument in arguments)) as helper:
        assert helper.ask(check(alice, alice.codes.now())) == []
        assert helper.process.returncode != 0
    assert_one_line(denied, alice)


def test_module_argument_cannot_lead_a_privileged_helper_elsewhere(program, alice, service, under_test, denied, journal):
    """Users cannot write to /etc/pam.d; but even its lines must not lead a helper to other files."""
    service(under_test.line("state_dir=/tmp"))
    with Application(program, alice) as application:
        assert application.login(alice, alice.codes.now()).code != SUCCESS
    assert_one_line(denied, alice)
    assert journal.names(alice.name) == ["otp.unavailable"]


def test_user_created_again_under_the_name_does_not_inherit(start, alice, denied, journal):
    """The name is the same, the user id is not: the new owner may ask, and does not own the old record."""
    accounts.give_another_number(alice)
    with start(alice) as helper:
        assert helper.ask(check(alice, alice.codes.now()))[0] == "unavailable"
    assert denied.lines() == []


def test_denial_does_not_reveal_the_code(start, alice, carol, journal):
    """After every scenario the log is searched for the code; here the helper's own entries are, too."""
    before = len(journal.lines())
    with start(alice) as helper:
        helper.ask(check(carol, carol.codes.now()))
    assert not [line for line in journal.lines()[before:] if carol.codes.now() in line]


@pytest.mark.parametrize("name", ['eve" reason="none', "eve\n<0>kernel: otp.accept", "eve\\", "이브"])
def test_name_cannot_forge_a_log_entry_of_the_helper(start, alice, journal, denied, name):
    before = len(journal.lines())
    with start(alice) as helper:
        assert helper.ask(message("is-enrolled", name)) == ["denied"]
    (line,) = journal.lines()[before:]
    assert line.isprintable() and line.count(' reason="') == 1
    assert_one_line(denied, alice, verb="is-enrolled")


def test_two_users_who_ask_at_once_get_their_own_answers(start, alice, carol):
    with start(alice) as first, start(carol) as second:
        first.send(check(alice, alice.codes.now()))
        second.send(check(carol, carol.codes.wrong()))
        assert fields_of(first.answer())[0] == "accepted"
        assert fields_of(second.answer())[0] == "rejected"
