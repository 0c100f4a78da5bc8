"""Replies to the question for a code, and events that may come before it."""

import secrets

import pytest

import accounts
from application import SUCCESS
from codes import Codes
from secrets_seen import found_in, memory, traces_of_key, traces_of_recovery_code


@pytest.fixture
def enrol(under_test, clock, journal):
    """The usual fixture, which here also keeps the account's key, to search for it."""

    def create(name):
        account = accounts.create(name)
        account.key = under_test.enrol(account)
        account.codes = Codes(account.key, clock)
        return account

    return create


def right(account):
    return account.codes.now()


def wrong(account):
    """Different digits each time."""
    near = {account.codes.at_step(steps) for steps in (-1, 0, 1)}
    return next(code for code in iter(lambda: f"{secrets.randbelow(10**6):06}", None) if code not in near)


def far_off(account):
    return account.codes.at_step(10)


def recovery(account):
    return account.recovery_codes[0]


def no_code(account):
    return "taken for a code " + wrong(account)


def nothing_before(application, account, reply):
    pass


def used_before(application, account, reply):
    assert application.login(account, reply).code == SUCCESS


def locked_before(application, account, reply):
    application.crowd(5, account, wrong(account))


LOGINS = {
    "right": (right, nothing_before), "used": (right, used_before), "locked": (right, locked_before),
    "wrong": (wrong, nothing_before), "far off": (far_off, nothing_before), "no code": (no_code, nothing_before),
    "recovery": (recovery, nothing_before), "recovery used": (recovery, used_before),
    "recovery opens a lock": (recovery, locked_before),
}


def assert_nothing_secret_is_left_in_memory(application, account, service, under_test, arguments, reply):
    """Logs in with that reply in a program that `application(...)` starts, and searches its memory.

    A core file would hold nothing that this memory does not.
    """
    one_reply = arguments in ("forward_pass", "split")
    second_line = [under_test.line()] if arguments == "split" else []
    service(under_test.line(arguments), *second_line, "required pam_permit.so")
    with application() as running:
        running.start(account)
        running.authenticate(account.password + reply if one_reply else reply)
        after_the_answer = memory(running.pid)
        running.end()
        after_the_end = memory(running.pid)
    assert account.name.encode() in after_the_answer
    traces = {"the reply": reply.encode(), "the password": account.password.encode()}
    traces |= {f"the key, {name}": trace for name, trace in traces_of_key(account.key).items()}
    for code in account.recovery_codes:
        traces |= {f"recovery code, {name}": trace for name, trace in traces_of_recovery_code(code).items()}
    assert found_in(after_the_answer, traces) == []
    assert found_in(after_the_end, traces) == []
