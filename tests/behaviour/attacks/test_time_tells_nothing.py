"""Neither the time before the question, nor the time before a refusal, nor its wording tells who is enrolled or how close a
code was.

Time is counted in instructions, which do not vary. The fail delay is some thousand times as long, and hides the rest.
"""

import types

import pytest

import application
import imported
from application import AUTH_ERR, MAXTRIES, SUCCESS, Application, program, service  # noqa: F401
from followed import instructions

pytestmark = pytest.mark.promised_by("ours")

# A share of the instructions of a wrong code: about what the digits of a number in the log or the state cost.
SAME_WORK = 0.002
# A refusal takes 1 to 3 s, at random; this many instructions take less than a thousandth of that.
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


def test_position_of_the_wrong_digit_does_not_show(program, service, alice, state, tmp_path, capsys):  # noqa: F811
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


def test_refusals_cannot_be_told_apart(program, service, alice, bobby, state, tmp_path, capsys):  # noqa: F811
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
    # Users who are locked out or have typed a used code are told so, since they must know whether to wait for the next
    # code or to call the help desk; their password was right before.
    same = ("wrong", "not enrolled", "unknown")
    assert len({(tuple(answers[what].told), answers[what].code) for what in same}) == 1, answers
    # The module does not look at a code while the account is locked.
    assert answers["locked"].told == answers["locked, right"].told
    assert abs(refusing["locked"] - refusing["locked, right"]) < SAME_WORK * refusing["locked"]


def test_eight_digits_tell_only_that_codes_were_imported(
    program, service, alice, under_test, state, tmp_path, capsys  # noqa: F811
):
    """They do not tell whether the code is right or used, or whether any are left. Six digits tell nothing at all."""
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
    # Six digits are never hashed: the difference is only how many codes there are to read.
    assert abs(six_beside - six) < HIDDEN < min(counts.values())
