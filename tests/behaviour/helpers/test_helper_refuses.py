"""What the helper is asked by somebody who may not ask it: refused, with one line in the log, and nothing changes."""

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
    """As everywhere; and after every refusal nobody is the worse for it."""
    enrolled = []

    def create(name):
        enrolled.append(enrol(name))
        return enrolled[-1]

    yield create
    for account in enrolled:
        assert traced.files_of(account, under_test.state_directory) == ["credential.toml", "state"]
        assert not traced.Kept(account, under_test.state_directory).locked


def assert_one_line(denied, caller, **values):
    """Exactly one, and it says who asked."""
    (line,) = denied.lines()
    assert line["caller_uid"] == str(pwd.getpwnam(caller.name).pw_uid)
    assert line["reason"]
    assert {key: line.get(key) for key in values} == values


def test_owner_is_answered(start, alice, denied):
    """So that the refusals below mean something."""
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


def test_right_code_of_another_account_is_not_told_from_a_wrong_one(start, alice, carol, under_test):
    before = traced.Kept(carol, under_test.state_directory)
    with start(alice) as helper:
        assert helper.ask(check(carol, carol.codes.now())) == ["denied"]
    assert traced.Kept(carol, under_test.state_directory) == before


def test_whether_another_account_is_enrolled_is_not_said(start, alice, carol, bobby, denied):
    for account in (carol, bobby):
        with start(alice) as helper:
            assert helper.ask(message("is-enrolled", account.name)) == ["denied"]
    assert [(line["verb"], line["user"]) for line in denied.lines()] == [
        ("is-enrolled", carol.name), ("is-enrolled", bobby.name)]


@pytest.mark.parametrize("runs_as", ["root", "setuid", "account root"])
def test_nobody_but_root_has_a_login_tried_not_even_for_themselves(start, alice, denied, runs_as):
    """It runs a stack with ids of the caller's choice, which is root's to choose."""
    with start(alice) as helper:
        assert helper.ask(message("try", alice.name, "sshd", runs_as)) == ["denied"]
    assert_one_line(denied, alice, verb="try", user=alice.name)


@pytest.mark.parametrize("name", ["nosuch", "root", "", "../{}", "{}/", "./{}", "{}\0", "{}\n", "a" * 300, ".", "..", "/"])
@pytest.mark.parametrize("verb", ["check", "is-enrolled"])
def test_name_that_is_not_the_callers_is_refused_whatever_it_looks_like(start, alice, denied, verb, name):
    request = message(verb, name.format(alice.name), *(["", "123456"] if verb == "check" else []))
    with start(alice) as helper:
        assert helper.ask(request) == ["denied"]
    assert_one_line(denied, alice, verb=verb)


@pytest.mark.parametrize("fields", [
    ("open-sesame", "{}"), ("unlock", "{}"), ("reset", "{}"), ("list",), ("CHECK", "{}", "", "123456"), ("check",),
    ("check", "{}"), ("check", "{}", "yes", "123456"), ("check", "{}", "", "123456", "more"), ("",), (),
    ("check\0", "{}", "", "123456"), ("check", b"\xff\xfe", "", "123456"),
])
def test_unknown_verb_or_other_fields_than_it_takes_are_refused(start, alice, denied, fields):
    fields = [field.format(alice.name) if isinstance(field, str) else field for field in fields]
    with start(alice) as helper:
        assert helper.ask(message(*fields)) in ([], ["denied"])
    assert_one_line(denied, alice)


@pytest.mark.parametrize("length", [LIMIT + 1, 0x7FFF, 0xFFFF])
def test_request_over_its_size_is_refused(start, alice, denied, length):
    """Otherwise there is nothing wrong with it."""
    with start(alice) as helper:
        helper.send(request_of(alice, length))
        assert fields_of(helper.answer()) == []
        assert helper.end() != 0
    assert_one_line(denied, alice)


def test_request_of_just_its_size_is_taken(start, alice, denied, under_test):
    """And is then one wrong code like any other."""
    with start(alice) as helper:
        assert helper.ask(request_of(alice, LIMIT))[0] == "rejected"
    assert denied.lines() == []
    assert traced.Kept(alice, under_test.state_directory).failures == 1


def request_of(account, size):
    """With a body of so many bytes."""
    head, rest = 6, len(message("check", account.name, "", ""))
    return message("check", account.name, "", b"1" * (size + head - rest))


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"otp2\0\0", b"check alice 123456\n", b"otp1\0\x01x", b"otp1\0\x03\0\x02x",
    random.Random(3).randbytes(4096), b"\xff" * 100,
])
def test_garbage_is_refused(start, alice, denied, garbage):
    with start(alice) as helper:
        helper.send(garbage)
        assert fields_of(helper.answer()) == []
        assert helper.end() != 0
    assert_one_line(denied, alice)


@pytest.mark.parametrize("part", [b"", b"o", b"otp1", b"otp1\0", b"otp1\0\x20\0\x05check"])
def test_request_that_stops_in_the_middle_is_no_request(start, alice, under_test, part):
    with start(alice) as helper:
        helper.send(part)
        assert helper.end() != 0
        assert helper.answer() == b""
    assert traced.Kept(alice, under_test.state_directory).failures == 0


def test_second_request_after_an_answer_is_refused(start, alice, denied, under_test):
    with start(alice) as helper:
        helper.send(check(alice, alice.codes.wrong()))
        assert fields_of(helper.answer()) == ["rejected", "4"]
        helper.send(check(alice, alice.codes.wrong()))
        assert helper.answer() == b""
        assert helper.end() != 0
    assert_one_line(denied, alice)
    assert traced.Kept(alice, under_test.state_directory).failures == 1


def test_two_requests_at_once_are_one_and_a_refusal(start, alice, denied, under_test):
    with start(alice) as helper:
        helper.send(check(alice, alice.codes.wrong()) * 2)
        assert fields_of(helper.answer()) == ["rejected", "4"]
        assert helper.answer() == b""
        assert helper.end() != 0
    assert_one_line(denied, alice)
    assert traced.Kept(alice, under_test.state_directory).failures == 1


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_terminal_is_refused(start, alice, denied, stream):
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
def test_path_in_an_argument_is_refused(start, alice, denied, tmp_path_factory, arguments):
    """Or a user would bring a policy of their own: five hundred failures, anybody trusted."""
    conf = pathlib.Path(tmp_path_factory.mktemp("policy"), "lenient.conf")
    conf.write_text("[lockout]\nfailures = 500\n")
    places = {"conf": conf, "records": "/var/lib/pam_otp"}
    with start(alice, *(argument.format(**places) for argument in arguments)) as helper:
        assert helper.ask(check(alice, alice.codes.now())) == []
        assert helper.process.returncode != 0
    assert_one_line(denied, alice)


def test_module_argument_cannot_take_a_privileged_helper_elsewhere(program, alice, service, under_test, denied, journal):
    """A user can write no file in /etc/pam.d; but what stands there shall not lead a helper to others' files either."""
    service(under_test.line("state_dir=/tmp"))
    with Application(program, alice) as application:
        assert application.login(alice, alice.codes.now()).code != SUCCESS
    assert_one_line(denied, alice)
    assert journal.names(alice.name) == ["otp.unavailable"]


def test_user_who_was_removed_and_made_again_does_not_inherit(start, alice, denied, journal):
    """The name is the same, the number is not: the new owner may ask, and is no owner of the old record."""
    accounts.give_another_number(alice)
    with start(alice) as helper:
        assert helper.ask(check(alice, alice.codes.now()))[0] == "unavailable"
    assert denied.lines() == []


def test_refusal_says_nothing_of_what_was_asked_to_be_checked(start, alice, carol, journal):
    """The code is looked for in the log after every scenario; here also in what the helper says of itself."""
    before = len(journal.lines())
    with start(alice) as helper:
        helper.ask(check(carol, carol.codes.now()))
    assert not [line for line in journal.lines()[before:] if carol.codes.now() in line]


@pytest.mark.parametrize("name", ['eve" reason="none', "eve\n<0>kernel: otp.accept", "eve\\", "이브"])
def test_name_cannot_forge_a_line_of_the_helper(start, alice, journal, denied, name):
    before = len(journal.lines())
    with start(alice) as helper:
        assert helper.ask(message("is-enrolled", name)) == ["denied"]
    (line,) = journal.lines()[before:]
    assert line.isprintable() and line.count(' reason="') == 1
    assert_one_line(denied, alice, verb="is-enrolled")


def test_two_people_who_ask_at_once_get_their_own_answers(start, alice, carol):
    with start(alice) as first, start(carol) as second:
        first.send(check(alice, alice.codes.now()))
        second.send(check(carol, carol.codes.wrong()))
        assert fields_of(first.answer())[0] == "accepted"
        assert fields_of(second.answer())[0] == "rejected"
