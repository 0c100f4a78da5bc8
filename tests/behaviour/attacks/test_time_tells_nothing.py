"""Neither how long it takes to be asked, nor how long it takes to be refused, nor in which words, tells who is enrolled and how
close a code was. Counted in instructions, which do not vary; the fail delay, some thousand times as long, hides the rest."""

import types

import pytest

import application
import imported
from application import AUTH_ERR, MAXTRIES, SUCCESS, Application, program, service  # noqa: F401
from followed import instructions

pytestmark = pytest.mark.promised_by("ours")

# Of those of a wrong code: no more than the digits of a number in the log or the state make.
SAME_WORK = 0.002
# A refusal takes 1 to 3 s, at random; so many instructions take less than a thousandth of that.
HIDDEN = 1_000_000
UNKNOWN = types.SimpleNamespace(name="no-such-user")
FAILURES = 5


@pytest.fixture
def state(under_test, alice):
    """Puts alice's state back, so that each attempt begins where the first one did."""
    path = under_test.state_directory / alice.name / "state"
    as_it_was = path.read_bytes()

    def put_back(content=as_it_was):
        with open(path, "r+b") as file:
            file.write(content)

    put_back.path = path
    return put_back


def test_where_a_code_differs_does_not_show(program, service, alice, state, tmp_path, capsys):  # noqa: F811
    right, near = alice.codes.now(), alice.codes.from_step(-45, 91)
    counts = {}
    for at in range(len(right)):
        others = (right[:at] + digit + right[at + 1 :] for digit in "0123456789")
        typed = next(code for code in others if code not in near)
        state()
        counts[at] = instructions(program, application.script(alice, typed), tmp_path)
    with capsys.disabled():
        print(f"\ninstructions by the digit in which a code is wrong: {list(counts.values())}")
    assert max(counts.values()) - min(counts.values()) < SAME_WORK * max(counts.values())


def test_no_refusal_is_told_from_another(program, service, alice, bobby, state, tmp_path, capsys):  # noqa: F811
    with Application(program) as running:
        for _ in range(FAILURES):
            running.login(alice, alice.codes.wrong())
        locked = state.path.read_bytes()
        state()
        used = alice.codes.now()
        assert running.login(alice, used).code == SUCCESS
    after_use = state.path.read_bytes()
    attempts = {
        "wrong": (alice, after_use, alice.codes.wrong(), AUTH_ERR),
        "replayed": (alice, after_use, used, AUTH_ERR),
        "locked": (alice, locked, alice.codes.wrong(), MAXTRIES),
        "locked, right": (alice, locked, alice.codes.at_step(1), MAXTRIES),
        "not enrolled": (bobby, None, "482915", AUTH_ERR),
        "unknown": (UNKNOWN, None, "482915", AUTH_ERR),
    }
    answers, asking, refusing = {}, {}, {}
    for what, (account, content, typed, code) in attempts.items():
        def again():
            if content is not None:
                state(content)
        again()
        with Application(program) as running:
            answers[what] = running.login(account, typed)
        assert answers[what].code == code, what
        again()
        asking[what] = instructions(program, application.script(account), tmp_path)
        again()
        refusing[what] = instructions(program, application.script(account, typed), tmp_path)
    with capsys.disabled():
        print(f"\ninstructions to the question: {asking}\nto the refusal: {refusing}")
    assert len({tuple(answer.asked) for answer in answers.values()}) == 1, answers
    for counts in (asking, refusing):
        assert max(counts.values()) - min(counts.values()) < HIDDEN, counts
    # Users who are locked out, or have typed a code that was used, are told so: they have to know that they wait for the
    # next code or need the help desk, and their password was right before.
    same = ("wrong", "not enrolled", "unknown")
    assert len({(tuple(answers[what].told), answers[what].code) for what in same}) == 1, answers
    # What is typed while the account is locked is not looked at.
    assert answers["locked"].told == answers["locked, right"].told
    assert abs(refusing["locked"] - refusing["locked, right"]) < SAME_WORK * refusing["locked"]


def test_eight_digits_tell_no_more_than_that_codes_were_imported(
    program, service, alice, under_test, state, tmp_path, capsys  # noqa: F811
):
    """Neither whether they are right, nor whether they were used, nor whether any are left. Six digits tell nothing at all."""
    six = instructions(program, application.script(alice, alice.codes.wrong()), tmp_path)
    right, other = "12345678", "87654321"
    imported.give(under_test, alice, right, other)
    unused = state.path.read_bytes()
    with Application(program) as running:
        for digits in (right, other):
            assert running.login(alice, digits).code == SUCCESS
    counts = {}
    for name, content in (("unused", unused), ("all used", state.path.read_bytes())):
        for what, typed in (("wrong", "11111111"), ("right", right)):
            state(content)
            counts[f"{what}, {name}"] = instructions(program, application.script(alice, typed), tmp_path)
    state(unused)
    six_beside = instructions(program, application.script(alice, alice.codes.wrong()), tmp_path)
    with capsys.disabled():
        print(f"\nsix digits: {six}, beside imported codes: {six_beside}; eight digits: {counts}")
    assert max(counts.values()) - min(counts.values()) < SAME_WORK * max(counts.values())
    # No hash among them: what differs is how many codes there are to read.
    assert abs(six_beside - six) < HIDDEN < min(counts.values())
