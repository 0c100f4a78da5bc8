"""Replies that are no guess cost the program as much work as a wrong code, so the time of a refusal says nothing about what
was typed.

Work is counted in instructions, which do not vary.
"""

import pytest

import application
from application import program, service  # noqa: F401
from followed import instructions

pytestmark = pytest.mark.promised_by("ours")

HOUR = 3600
# Log entries and the digits of the state differ in length.
TOLERANCE = 0.05


def test_replies_that_are_no_guess_cost_as_much_as_a_wrong_code(
    program, service, alice, under_test, clock, tmp_path, capsys  # noqa: F811
):
    # pam_exec asks for the password and ignores it; pam_unix's own work would dominate the count.
    service("required pam_exec.so expose_authtok quiet /bin/true", under_test.line())
    under_test_state = under_test.state_directory / alice.name / "state"
    last = alice.codes.now()

    def steps(*replies):
        with open(under_test_state, "r+b") as file:
            file.write(as_it_was)
        return instructions(program, application.script(alice, alice.password, *replies), tmp_path)

    as_it_was = under_test_state.read_bytes()
    steps(last)
    as_it_was = under_test_state.read_bytes()
    clock.advance(HOUR)
    wrong = steps(alice.codes.wrong())
    costs = {
        "a wrong word": steps("wrong word"), "the password again": steps(alice.password), "what sshd sends": steps("\x08"),
        "the last code": steps(last),
    }
    with capsys.disabled():
        print(f"\na wrong code: {wrong} instructions;", ", ".join(f"{what}: {cost / wrong:.3f}" for what, cost in costs.items()))
    for what, cost in costs.items():
        assert abs(cost / wrong - 1) < TOLERANCE, what
