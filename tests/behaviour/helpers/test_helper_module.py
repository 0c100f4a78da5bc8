"""The module in a program that is not root: what it makes of a helper that does not answer as it should, and what it leaves
behind in the program.
"""

import concurrent.futures as futures
import contextlib
import pathlib
import re
import stat
import subprocess
import tempfile

import pytest

from application import AUTH_ERR, AUTHINFO_UNAVAIL, MAXTRIES, SERVICE, SUCCESS, Application, program, service  # noqa: F401
from clock import wait_until
from helper import Denied, message
from policy_file import policy  # noqa: F401  (a fixture)
from processes import assert_program_is_afterwards_what_it_was, what_a_program_is
from replies import LOGINS as WAYS
from replies import assert_nothing_secret_is_left_in_memory, enrol, right  # noqa: F401
from secrets_seen import Watch, found_in, memory
from traced_helper import helpers

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

ARGUMENTS = ["", "debug", "forward_pass", "split"]


@pytest.fixture
def application(program, alice):
    """Alice's own, without any privileges."""
    with Application(program, alice) as running:
        yield running


def test_program_of_the_user_gets_the_same_answers_as_one_of_root(program, enrol, service, under_test, journal):
    """PAM codes, questions, messages and log lines, word for word but for the name, one after the other."""
    service(under_test.line("debug"))
    told = []
    for of_the_user in (False, True):
        account = enrol("alice")
        answers = []
        with Application(program, account if of_the_user else None) as application:
            code, recovery = account.codes.now(), account.recovery_codes[0]
            wrong = account.codes.wrong()
            for reply in (code, code, recovery, recovery, "", *[wrong] * 6, code, account.recovery_codes[1], code):
                answer = application.login(account, reply)
                answers.append((answer.codes, answer.asked, answer.told))
        lines = [re.sub(r"^.*?pam_otp\(", "pam_otp(", as_by_root(event["line"])).replace(account.name, "USER")
                 for event in journal.events(account.name)]
        told.append((answers, [re.sub(r'pid="\d+"', "", line) for line in lines]))
    root, user = told
    assert {code for codes, _, _ in root[0] for code in codes} == {SUCCESS, AUTH_ERR, MAXTRIES}
    assert user[0] == root[0]
    assert without_who_asked(user[1]) == without_who_asked(root[1])


def as_by_root(line):
    """What the helper writes of an attempt, as the module would."""
    line = re.sub(r"otp-helper\[\d+\]: ", f"pam_otp({SERVICE}:auth): ", line)
    return re.sub(r' (caller_uid|id)="\w+"', "", line).replace(" claimed_", " ")


def without_who_asked(lines):
    return [re.sub(r' (ruser|uid|euid|tty|rhost)="[^"]*"', "", line) for line in lines]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_program_is_after_a_login_over_the_helper_what_it_was_before(application, alice, service, under_test, arguments):
    """Descriptors, signals, threads, limits, directory and identity; and no child that nobody waited for."""
    assert_program_is_afterwards_what_it_was(application, alice, service, under_test, arguments)
    assert helpers() == []


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("login", WAYS)
def test_nothing_secret_is_left_in_the_memory_of_the_users_program(
    program, enrol, clock, service, under_test, login, arguments
):
    """The key and the recovery codes never come there; the reply passes through, and is wiped.

    Bound at its start, libc too: see `program`. posix_spawn is the first to call some of libc's own symbols.
    """
    reply_of, before = WAYS[login]
    carol, alice = enrol("carol"), enrol("alice")
    service(under_test.line(), "required pam_permit.so")
    with Application(program, carol) as application:
        application.login(carol, right(carol))
        by_chance = memory(application.pid)
    reply = reply_of(alice)
    while reply.encode() in by_chance:
        clock.advance(30)
        reply = reply_of(alice)
    with Application(program, alice) as application:
        before(application, alice, reply)
    assert_nothing_secret_is_left_in_memory(lambda: Application(program, alice, LD_BIND_NOW="1"), alice, service, under_test, arguments, reply)


def test_reply_is_in_no_command_line_and_no_environment_on_its_way_to_the_helper(program, alice, service, under_test):
    reply = alice.codes.now()
    with Watch() as watch, Application(program, alice) as application:
        assert application.login(alice, reply).code == SUCCESS
        for _ in range(20):
            application.login(alice, alice.codes.wrong())
    # So that finding nothing means something: the helper was seen.
    assert under_test.helper.encode() in watch.seen("cmdline")
    typed = {"the code": reply.encode(), "a wrong code": alice.codes.wrong().encode()}
    assert found_in(watch.seen("cmdline"), typed) == found_in(watch.seen("environ"), typed) == []


def test_code_is_asked_for_and_looked_at_after_a_reply_that_was_a_wrong_one(application, alice, service, under_test):
    """Two attempts in one login, at once one after the other, as with root's programs."""
    service("optional pam_unix.so nodelay", under_test.line("try_first_pass"))
    answer = application.login(alice, alice.codes.wrong(), alice.codes.now())
    assert answer.code == SUCCESS
    assert len(answer.asked) == 2


# -------------------------------------------------------------------------------------------- a helper that is not as it is

# Takes the question, as a helper does, and says what there is to say.
ANSWERING = "dd bs=8192 count=1 status=none of=/dev/null; cat {answer}"
ACCEPTED = message("accepted", "phone", "")
ANSWERS = {
    "nothing": b"", "half a head": ACCEPTED[:5], "half an answer": ACCEPTED[:-1], "another protocol": b"otp2" + ACCEPTED[4:],
    "text": b"accepted\n", "an answer without its fields": message("accepted"), "no name": message("accepted", "", ""),
    "too many fields": message("accepted", "phone", "", "more"), "an unknown word": message("success"),
    "no word": message(), "the answer to another question": message("enrolled"), "denied": message("denied"),
    "unavailable": message("unavailable", "the disk is gone"), "a number that is none": message("rejected", "four"),
    "more than there may be": b"otp1\xff\xff" + b"x" * 0xFFFF, "fields that do not add up": b"otp1\0\x03\0\x09x",
    "not UTF-8": message(b"\xff\xfe"), "noise": bytes(range(256)) * 20,
}


@pytest.fixture
def stand_in(service, under_test, alice):
    """`stand_in(SCRIPT, ...)` is the helper from then on; it may print `answer`. It is nobody's but root's to choose."""

    def write(script, answer=b"", arguments=""):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="helper."))
        directory.chmod(0o755)
        path = directory / "helper"
        (directory / "answer").write_bytes(answer)
        path.write_text(f"#!/bin/sh\n{script.format(answer=directory / 'answer')}\n")
        path.chmod(0o755)
        service(f"required {under_test.module} {arguments} helper={path}", "required pam_permit.so")
        return path

    return write


def assert_refused_as_unavailable(application, alice, journal, told=("otp.unavailable",)):
    logged = len(journal.names(alice.name))
    answer = application.login(alice, alice.codes.now())
    assert answer.code == AUTHINFO_UNAVAIL
    assert len(answer.told) == 1 and "could not be checked" in answer.told[0]
    assert journal.names(alice.name)[logged:] == list(told)


@pytest.mark.parametrize("arguments", ["", "nullok"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_answer_that_is_none_lets_nobody_in(application, alice, stand_in, journal, answer, arguments):
    stand_in(ANSWERING, ANSWERS[answer], arguments)
    # A helper that could not make an attempt has written the record of that; with nullok it is asked something else first.
    by_helper = answer == "unavailable" and arguments == ""
    assert_refused_as_unavailable(application, alice, journal, [] if by_helper else ["otp.unavailable"])


def test_answer_of_a_stand_in_counts_when_it_is_one(application, alice, stand_in):
    """Or none of the above could fail."""
    stand_in(ANSWERING, ACCEPTED)
    assert application.login(alice, "123456").code == SUCCESS


@pytest.mark.parametrize("script", ["exit 0", "exit 1", "kill -9 $$", "exec 0<&- 1>&-", "exec true", "head -c 3 > /dev/null"])
def test_helper_that_ends_without_a_word_lets_nobody_in(application, alice, stand_in, journal, script):
    stand_in(script)
    assert_refused_as_unavailable(application, alice, journal)


@pytest.mark.parametrize("what", ["missing", "not executable", "a directory", "no program", "a dangling link"])
def test_helper_that_cannot_be_started_lets_nobody_in(application, alice, stand_in, journal, what):
    path = stand_in(ANSWERING, ACCEPTED)
    if what == "not executable":
        path.chmod(0o644)
    else:
        path.unlink()
    if what == "a directory":
        path.mkdir()
    elif what == "no program":
        path.write_bytes(b"\0\1\2\3")
        path.chmod(0o755)
    elif what == "a dangling link":
        path.symlink_to("/nowhere")
    assert_refused_as_unavailable(application, alice, journal)


# Answers the first question and is gone; the second is answered by another process, once it may.
TWO_ANSWERS = """import os, pathlib, time
here = pathlib.Path({here!r})
os.read(0, 8192)
if os.fork():
    (here / "number.new").write_text(str(os.getpid()))
    (here / "number.new").rename(here / "number")
    os.write(1, (here / "first").read_bytes())
    os._exit(0)
os.read(0, 8192)
while not (here / "go").exists():
    time.sleep(0.01)
os.write(1, (here / "second").read_bytes())"""


def test_number_of_a_helper_that_has_ended_is_killed_for_nobody(program, alice, service, under_test, policy):
    """In a program that has its children reaped by the kernel. A screen locker may wait for hours, and numbers come again."""
    policy("[enforce]\ngroups = []\n")
    here = pathlib.Path(tempfile.mkdtemp(prefix="helper."))
    here.chmod(0o777)
    (here / "first").write_bytes(message("enrolled"))
    (here / "second").write_bytes(ACCEPTED)
    ignoring = f"import os, signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.execv('{program}', ['{program}'])"
    for name, text in {"helper": TWO_ANSWERS.format(here=str(here)), "ignoring": ignoring}.items():
        (here / name).write_text(f"#!/usr/bin/python3\n{text}\n")
        (here / name).chmod(0o755)
    service(under_test.line(f"helper={here / 'helper'}"))
    with Application(here / "ignoring", alice) as application, futures.ThreadPoolExecutor() as pool:
        login = pool.submit(application.login, alice, "123456")
        wait_until(lambda: (here / "number").exists(), "number of the first helper")
        number = int((here / "number").read_text())
        wait_until(lambda: not pathlib.Path(f"/proc/{number}").exists(), "end of it")
        with process_of_number(number, alice) as other:
            (here / "go").touch()
            assert login.result().code == SUCCESS
            assert other.poll() is None


@contextlib.contextmanager
def process_of_number(number, account):
    """A process of the account's with that number, in the namespace of this test."""
    for _ in range(100):
        pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(number - 1))
        process = subprocess.Popen(["tail", "-f", "/dev/null"], user=account.name)
        try:
            if process.pid == number:
                yield process
                return
        finally:
            process.kill()
            process.wait()
    raise AssertionError(f"the number {number} was never to be had")


def test_helper_that_is_silent_is_given_up_and_not_left_behind(application, alice, stand_in, journal):
    """After a little more than the real one gives itself."""
    stand_in("exec tail -f /dev/null")
    application.setcred()
    before = what_a_program_is(application.pid)
    assert_refused_as_unavailable(application, alice, journal)
    assert what_a_program_is(application.pid) == before


def test_helper_that_has_lost_its_group_lets_nobody_in(application, alice, under_test, journal, clock):
    """As after `cp`, or on a file system that is mounted nosuid."""
    helper = pathlib.Path(under_test.helper)
    mode = stat.S_IMODE(helper.stat().st_mode)
    helper.chmod(0o755)
    try:
        assert_refused_as_unavailable(application, alice, journal)
    finally:
        helper.chmod(mode)
    assert application.login(alice, alice.codes.now()).code == SUCCESS


def test_helper_that_is_setuid_as_well_refuses(application, alice, under_test, journal):
    """It was not made for that, and an administrator shall notice."""
    helper, denied = pathlib.Path(under_test.helper), Denied(journal)
    mode = stat.S_IMODE(helper.stat().st_mode)
    helper.chmod(0o6755)
    try:
        assert_refused_as_unavailable(application, alice, journal)
    finally:
        helper.chmod(mode)
    (line,) = denied.lines()
    assert "setuid" in line["reason"]


def test_program_may_log_in_only_the_user_that_it_runs_as(program, alice, enrol, journal):
    carol, denied = enrol("carol"), Denied(journal)
    with Application(program, alice) as application:
        answer = application.login(carol, carol.codes.now())
    assert answer.code == AUTHINFO_UNAVAIL
    assert journal.names(carol.name) == ["otp.unavailable"]
    (line,) = denied.lines()
    assert line["user"] == carol.name
    # Nothing was used up.
    with Application(program, carol) as application:
        assert application.login(carol, carol.codes.now()).code == SUCCESS
