"""Leaving the dialogue, at any point and in any way, leaves nothing behind."""

import os
import pty
import signal
import termios

import pexpect
import pytest
from talk import CODE, KEPT, SAVE, Talk


def at_the_code(talk):
    talk.secret()


def after_a_wrong_code(talk):
    talk.answer(talk.machine.wrong_code(talk.secret()))
    talk.until(CODE)


def at_the_offer_to_save(talk):
    talk.prove()
    talk.until(SAVE)


def at_the_confirmation_with_a_file_typed(talk):
    at_the_offer_to_save(talk)
    talk.answer(str(talk.machine.directory / "typed"))
    talk.until(KEPT)
    assert (talk.machine.directory / "typed").exists()


def after_enter_instead_of_the_word(talk):
    at_the_offer_to_save(talk)
    talk.answer("")
    talk.until(KEPT)
    talk.answer("")
    talk.until(KEPT)


def in_the_middle_of_the_word(talk):
    at_the_offer_to_save(talk)
    talk.answer("")
    talk.until(KEPT)
    talk.child.send("kept")


STEPS = [
    at_the_code, after_a_wrong_code, at_the_offer_to_save, at_the_confirmation_with_a_file_typed,
    after_enter_instead_of_the_word, in_the_middle_of_the_word,
]


def ctrl_c(child):
    child.sendintr()


def ctrl_d(child):
    # The first sends the line typed so far, the second ends the input.
    child.send("\x04\x04")


def sigterm(child):
    os.kill(child.pid, signal.SIGTERM)


def sighup(child):
    os.kill(child.pid, signal.SIGHUP)


def ctrl_backslash(child):
    child.send("\x1c")


def close_the_terminal(child):
    child.ptyproc.fileobj.close()
    child.closed = True


WAYS = [ctrl_c, ctrl_d, sigterm, sighup, ctrl_backslash, close_the_terminal]


def exit_status(child):
    """Reads the remaining output until the end; returns the exit status, or minus the number of the signal that ended it."""
    if child.closed:
        _, status = os.waitpid(child.pid, 0)
        child.ptyproc.terminated = True
        return os.waitstatus_to_exitcode(status)
    child.expect(pexpect.EOF)
    if child.isalive():
        child.wait()
    return child.exitstatus if child.signalstatus is None else -child.signalstatus


@pytest.mark.parametrize("before", ["nobody enrolled", "enrolled"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_leaving_leaves_no_trace(machine, step, way, before):
    if before == "enrolled":
        machine.provision("daemon")
    files = machine.files()
    # Without --save, the dialogue asks for a file to save in.
    talk = Talk(machine, "--qr-file", machine.directory / "code.svg")
    modes = termios.tcgetattr(talk.child.child_fd)
    step(talk)
    assert (machine.directory / "code.svg").exists(), "there is a file that could be left behind"
    way(talk.child)
    assert exit_status(talk.child) == 1
    assert machine.files() == files
    if way is not close_the_terminal:
        assert termios.tcgetattr(talk.child.child_fd) == modes
        assert "otp-enroll: stopped; nothing was changed" in talk.child.before


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_leaving_removes_the_file_of_save(machine, way):
    files = machine.files()
    talk = Talk(machine, "--save", machine.directory / "codes")
    talk.prove()
    talk.until(KEPT)
    assert (machine.directory / "codes").stat().st_size > 0
    way(talk.child)
    assert exit_status(talk.child) == 1
    assert machine.files() == files


def test_killed_process_has_recorded_nothing(machine):
    talk = Talk(machine)
    talk.prove()
    talk.until(SAVE)
    os.kill(talk.child.pid, signal.SIGKILL)
    assert exit_status(talk.child) == -signal.SIGKILL
    assert list(machine.records.iterdir()) == []


def test_stopped_screen_does_not_hold_the_process(machine):
    talk = Talk(machine)
    talk.secret()
    talk.child.send("\x13123456\n")
    sigterm(talk.child)
    assert exit_status(talk.child) == 1
    assert machine.files().keys() == {"pam_otp.conf", "records"}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_leaving_the_test_of_a_code_counts_nothing_and_restores_the_echo(machine, enrolled, way):
    child = machine.spawn("--user", "daemon", "test")
    # The initial modes are read from another terminal, since this child may already have changed its own.
    master, other = pty.openpty()
    modes = termios.tcgetattr(other)
    assert modes[3] & termios.ECHO
    child.expect("code: ")
    assert not termios.tcgetattr(child.child_fd)[3] & termios.ECHO
    files = machine.files()
    child.send("123456")
    way(child)
    assert exit_status(child) == 1
    assert machine.files() == files
    if way is not close_the_terminal:
        assert termios.tcgetattr(child.child_fd) == modes


def test_signal_that_comes_with_the_last_answer_is_not_lost(machine):
    """The third line that is read is the word; after it the program waits for nothing more."""
    strace = ["strace", "-o", "/dev/null", "-P", "/dev/tty", "-e", "inject=read:signal=SIGTERM:when=3"]
    words = [*strace, *machine.words("otp-enroll", "--user", "daemon")]
    talk = Talk(machine)
    talk.child.close(force=True)
    talk.child = pexpect.spawn(
        words[0], words[1:], env=machine.environment(), encoding="utf-8", timeout=20, dimensions=(60, 200)
    )
    talk.prove()
    talk.keep()
    assert talk.end() == 1 and "otp-enroll: stopped; nothing was changed" in talk.screen
    assert machine.files().keys() == {"pam_otp.conf", "records"}
