"""The attempt is counted before its code is looked at, so nobody can take a guess back by killing the program in time.

An attacker who sees where a program stands (by the cache lines of the module's file, which everybody may read) can kill it
as soon as it takes the path of a right code, or of a wrong one. So two logins are followed through their instructions,
block by block, one with a wrong reply and one with a right one: where their paths part, the failure has been written.
test_killed checks the content of that record, and that it survives a kill.
"""

import pytest

import application
import traced
from application import program, service  # noqa: F401
from followed import way

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]


@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_failure_is_written_before_the_first_instruction_that_depends_on_the_code(
    program, alice, under_test, tmp_path, capsys, kind  # noqa: F811
):
    wrong, right = {
        "code": (alice.codes.wrong(), alice.codes.now()),
        "recovery code": ("0000-0000-0000-0000", alice.recovery_codes[0]),
    }[kind]
    state, before = under_test.state_directory / alice.name / "state", traced.Kept(alice, under_test.state_directory)
    as_it_was = state.read_bytes()
    of_the_wrong = way(program, application.script(alice, wrong), tmp_path)
    assert traced.Kept(alice, under_test.state_directory).since(before) == "failure"
    # Both logins begin with the same files.
    with open(state, "r+b") as file:
        file.write(as_it_was)
    of_the_right = way(program, application.script(alice, right), tmp_path)
    assert traced.Kept(alice, under_test.state_directory).since(before) == "used"
    part = next(at for at, (one, other) in enumerate(zip(of_the_wrong, of_the_right)) if one != other)
    written = of_the_right.index(b"pwrite64")
    with capsys.disabled():
        print(f"\n{kind}: written after {written} blocks of instructions, the ways part after {part}")
    assert written < part
