"""The module in a program that is not root: how it takes a helper that does not answer as it should, and what it leaves
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
    """An application of alice's own, without any privileges."""
    with Application(program, alice) as running:
        yield running


def test_program_of_the_user_gets_the_same_answers_as_one_of_root(program, enrol, service, under_test, journal):
    """PAM codes, questions, messages and log entries are the same word for word, except for the name."""
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
    """Turns a log entry of the helper's about an attempt into the one that the module would write."""
    line = re.sub(r"otp-helper\[\d+\]: ", f"pam_otp({SERVICE}:auth): ", line)
    return re.sub(r' (caller_uid|id)="\w+"', "", line).replace(" claimed_", " ")


def without_who_asked(lines):
    return [re.sub(r' (ruser|uid|euid|tty|rhost)="[^"]*"', "", line) for line in lines]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_program_is_unchanged_after_a_login_over_the_helper(application, alice, service, under_test, arguments):
    """Descriptors, signals, threads, limits, directory and identity; and no zombie is left."""
    assert_program_is_afterwards_what_it_was(application, alice, service, under_test, arguments)
    assert helpers() == []


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("login", WAYS)
def test_no_secret_is_left_in_the_memory_of_the_users_program(
    program, enrol, clock, service, under_test, login, arguments
):
    """The key and the recovery codes never reach the program; the reply passes through it, and is wiped.

    All symbols are bound at the start, libc's own too: see `program`. posix_spawn is the first to call some of these.
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
    # The watch saw the helper, so finding nothing else means something.
    assert under_test.helper.encode() in watch.seen("cmdline")
    typed = {"the code": reply.encode(), "a wrong code": alice.codes.wrong().encode()}
    assert found_in(watch.seen("cmdline"), typed) == found_in(watch.seen("environ"), typed) == []


def test_code_is_asked_for_and_checked_after_an_earlier_reply_that_was_a_wrong_code(application, alice, service, under_test):
    """Two attempts in one login, one right after the other, as in programs of root's."""
    service("optional pam_unix.so nodelay", under_test.line("try_first_pass"))
    answer = application.login(alice, alice.codes.wrong(), alice.codes.now())
    assert answer.code == SUCCESS
    assert len(answer.asked) == 2


# ------------------------------------------------------------------------------------------------- a helper that misbehaves

# Takes the question, as a helper does, and prints the answer.
ANSWERING = "dd bs=8192 count=1 status=none of=/dev/null; cat {answer}"
ACCEPTED = message("accepted", "phone", "")
ANSWERS = {
    "nothing": b"", "half a head": ACCEPTED[:5], "half an answer": ACCEPTED[:-1], "another protocol": b"otp2" + ACCEPTED[4:],
    "text": b"accepted\n", "an answer without its fields": message("accepted"), "no name": message("accepted", "", ""),
    "too many fields": message("accepted", "phone", "", "more"), "an unknown word": message("success"),
    "no word": message(), "the answer to another question": message("enrolled"), "denied": message("denied"),
    "unavailable": message("unavailable", "the disk is gone", "디스크가 없습니다"), "a number that is none": message("rejected", "four"),
    "more than there may be": b"otp1\xff\xff" + b"x" * 0xFFFF, "fields that do not add up": b"otp1\0\x03\0\x09x",
    "not UTF-8": message(b"\xff\xfe"), "noise": bytes(range(256)) * 20,
}


@pytest.fixture
def stand_in(service, under_test, alice):
    """`stand_in(SCRIPT, ...)` replaces the helper; the script may print `answer`. Only root can do that."""

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
def test_invalid_answer_admits_nobody(application, alice, stand_in, journal, answer, arguments):
    stand_in(ANSWERING, ANSWERS[answer], arguments)
    # A helper that could not make an attempt has logged that itself; with nullok another question comes first.
    by_helper = answer == "unavailable" and arguments == ""
    assert_refused_as_unavailable(application, alice, journal, [] if by_helper else ["otp.unavailable"])


def test_valid_answer_of_a_stand_in_counts(application, alice, stand_in):
    """Without this, none of the refusals above could fail."""
    stand_in(ANSWERING, ACCEPTED)
    assert application.login(alice, "123456").code == SUCCESS


@pytest.mark.parametrize("script", ["exit 0", "exit 1", "kill -9 $$", "exec 0<&- 1>&-", "exec true", "head -c 3 > /dev/null"])
def test_helper_that_ends_without_an_answer_admits_nobody(application, alice, stand_in, journal, script):
    stand_in(script)
    assert_refused_as_unavailable(application, alice, journal)


@pytest.mark.parametrize("what", ["missing", "not executable", "a directory", "no program", "a dangling link"])
def test_helper_that_cannot_be_started_admits_nobody(application, alice, stand_in, journal, what):
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


# Answers the first question and exits; another process answers the second one, once it may.
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


def test_process_with_the_number_of_an_ended_helper_is_not_killed(program, alice, service, under_test, policy):
    """In a program whose children the kernel reaps. A screen locker may wait for hours, and process numbers are reused."""
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
    raise AssertionError(f"the number {number} could not be had")


def test_silent_helper_is_given_up_and_not_left_behind(application, alice, stand_in, journal):
    """The module waits a little longer than the real helper allows itself."""
    stand_in("exec tail -f /dev/null")
    application.setcred()
    before = what_a_program_is(application.pid)
    assert_refused_as_unavailable(application, alice, journal)
    assert what_a_program_is(application.pid) == before


def test_helper_without_its_group_admits_nobody(application, alice, under_test, journal, clock):
    """As after `cp`, or on a file system mounted with nosuid."""
    helper = pathlib.Path(under_test.helper)
    mode = stat.S_IMODE(helper.stat().st_mode)
    helper.chmod(0o755)
    try:
        assert_refused_as_unavailable(application, alice, journal)
    finally:
        helper.chmod(mode)
    assert application.login(alice, alice.codes.now()).code == SUCCESS


def test_helper_that_is_also_setuid_refuses(application, alice, under_test, journal):
    """The helper was not made to be setuid, and the administrator should notice."""
    helper, denied = pathlib.Path(under_test.helper), Denied(journal)
    mode = stat.S_IMODE(helper.stat().st_mode)
    helper.chmod(0o6755)
    try:
        assert_refused_as_unavailable(application, alice, journal)
    finally:
        helper.chmod(mode)
    (line,) = denied.lines()
    assert "setuid" in line["reason"]


def test_program_can_log_in_only_the_user_it_runs_as(program, alice, enrol, journal):
    carol, denied = enrol("carol"), Denied(journal)
    with Application(program, alice) as application:
        answer = application.login(carol, carol.codes.now())
    assert answer.code == AUTHINFO_UNAVAIL
    assert journal.names(carol.name) == ["otp.unavailable"]
    (line,) = denied.lines()
    assert line["user"] == carol.name
    # The code was not used up.
    with Application(program, carol) as application:
        assert application.login(carol, carol.codes.now()).code == SUCCESS
