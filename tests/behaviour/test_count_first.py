"""The attempt is counted before its code is looked at, so nobody can take a guess back by killing the program in time.

An attacker who sees where a program stands (by the cache lines of the module's file, which everybody may read) can kill it
as soon as it goes the way of a right code, or of a wrong one. So two logins are followed instruction by instruction, one
with a wrong reply and one with a right one, and the second is killed at the first instruction that differs.
"""

import pytest

import application
import traced
from application import program, service  # noqa: F401
from stepping import first_difference  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_failure_is_counted_before_the_first_instruction_that_depends_on_the_code(
    first_difference, program, alice, under_test, tmp_path, capsys, kind  # noqa: F811
):
    directory = under_test.state_directory / alice.name
    wrong, right = {
        "code": (alice.codes.wrong(), alice.codes.now()),
        "recovery code": ("0000-0000-0000-0000", alice.recovery_codes[0]),
    }[kind]
    state, before = directory / "state", traced.Kept(alice, under_test.state_directory)
    as_it_was = state.read_bytes()
    first_difference("record", tmp_path / "trace", program, application.script(alice, wrong))
    assert traced.Kept(alice, under_test.state_directory).since(before) == "failure"
    # Both begin with the same files.
    with open(state, "r+b") as file:
        file.write(as_it_was)
    parted = first_difference("compare", tmp_path / "trace", program, application.script(alice, right))
    with capsys.disabled():
        print(f"\n{kind}: the ways of right and wrong part {parted.splitlines()[-1]}")
    assert traced.Kept(alice, under_test.state_directory).since(before) == "failure"
