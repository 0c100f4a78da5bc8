"""A password and a six-digit code: which of them open the door, and which do not."""

import pytest

EVERYONE = ("ours", "google-authenticator", "oath")
pytestmark = pytest.mark.promised_by(*EVERYONE)


def test_password_and_code_admit(door, alice, under_test):
    outcome = door.attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted
    assert len(outcome.prompts) == 2
    assert outcome.prompts[1] == under_test.code_prompt


def test_wrong_code_is_refused(door, alice):
    assert door.attempt(alice, alice.password, alice.codes.wrong()).refused


def test_wrong_password_with_the_right_code_is_refused(door, alice):
    assert door.attempt(alice, "not" + alice.password, alice.codes.now()).refused


def test_code_used_once_is_refused_in_the_same_step(door, alice):
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted
    assert door.attempt(alice, alice.password, alice.codes.now()).refused


def test_code_used_at_one_door_is_refused_at_another(every_door, alice):
    assert every_door["sshd"].attempt(alice, alice.password, alice.codes.now()).admitted
    assert every_door["su"].attempt(alice, alice.password, alice.codes.now()).refused
    assert every_door["sudo"].attempt(alice, alice.password, alice.codes.now()).refused


def test_next_code_admits_again(ssh, alice, clock):
    for _ in range(3):
        assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted
        clock.advance(30)


@pytest.mark.parametrize("steps", [-1, 1])
def test_code_of_a_neighbouring_step_is_accepted(ssh, alice, steps):
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(steps)).admitted


@pytest.mark.parametrize("steps", [-2, 2])
def test_code_two_steps_away_is_refused(ssh, alice, steps):
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(steps)).refused
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_module_alone_asks_only_for_the_code(ssh, alice, protect, under_test):
    protect(under_test.line())
    outcome = ssh.attempt(alice, alice.codes.now())
    assert outcome.admitted
    assert outcome.prompts == [under_test.code_prompt]
    assert ssh.attempt(alice, alice.codes.wrong()).refused


@pytest.mark.promised_by("ours")
def test_refusal_says_what_was_wrong_with_the_code(door, alice):
    assert door.attempt(alice, alice.password, alice.codes.wrong()).says("wrong")
    assert door.attempt(alice, alice.password, alice.codes.now()).admitted
    assert door.attempt(alice, alice.password, alice.codes.now()).says("already used")


@pytest.mark.promised_by("ours")
@pytest.mark.parametrize("shape", ["{} {}", "{}-{}", " {}{} "])
def test_spaces_and_a_dash_in_a_code_are_ignored(ssh, alice, shape):
    code = alice.codes.now()
    assert ssh.attempt(alice, alice.password, shape.format(code[:3], code[3:])).admitted


@pytest.mark.promised_by("ours", "oath")
def test_code_before_the_last_accepted_one_is_refused(ssh, alice):
    """RFC 6238 section 5.2 only forbids accepting a code twice; but somebody may have read an older one over a shoulder."""
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(1)).admitted
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused


@pytest.mark.promised_by("ours")
def test_code_is_refused_again_when_the_clock_runs_back(ssh, alice, clock):
    used = alice.codes.now()
    assert ssh.attempt(alice, alice.password, used).admitted
    clock.advance(-3600)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).refused
    clock.advance(3600)
    assert ssh.attempt(alice, alice.password, used).refused
    clock.advance(30)
    assert ssh.attempt(alice, alice.password, alice.codes.now()).admitted


def test_each_account_has_its_own_codes(ssh, alice, enrol):
    carol = enrol("carol")
    assert ssh.attempt(alice, alice.password, carol.codes.now()).refused
    assert ssh.attempt(carol, carol.password, carol.codes.now()).admitted


@pytest.mark.promised_by("ours")
def test_two_codes_in_a_row_correct_a_clock_that_is_off(ssh, alice, clock):
    """RFC 6238 section 6. A single code does not open the door; after two, that clock counts as right."""
    five_minutes = 10
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(five_minutes)).refused
    clock.advance(30)
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(five_minutes)).admitted
    clock.advance(30)
    assert ssh.attempt(alice, alice.password, alice.codes.at_step(five_minutes)).admitted
