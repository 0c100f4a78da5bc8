"""`sudo -p` and its settings name the questions otherwise: the code's too, as pam_otp-setup(7) says."""

import pytest

import doors

pytestmark = pytest.mark.promised_by("ours")

TEXT = "say it: "


class SudoWithPrompt(doors.Sudo):
    """The user's own words for the questions."""

    def visit(self, account, prompts=()):
        command = account.running("/usr/bin/sudo", "-p", TEXT, "/bin/sh", "-c", doors.COMMAND)
        return doors.Visit(self, account, command, [TEXT, *prompts])


def test_prompt_of_the_user_is_that_of_the_code_too(every_door, alice, clock):
    outcome = SudoWithPrompt().attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and outcome.prompts == [TEXT, TEXT]


def test_second_question_wants_the_code(every_door, alice, clock, journal):
    assert SudoWithPrompt().attempt(alice, alice.password, alice.password).refused
    (event,) = journal.events(alice.name)
    assert (event["event"], event["reason"]) == ("otp.reject", "password-again")
