"""`sudo -p` and sudo's settings replace the text of all questions, also of that for the code, as pam_otp-setup(7) says."""

import pytest

import doors

pytestmark = pytest.mark.promised_by("ours")

TEXT = "say it: "


class SudoWithPrompt(doors.Sudo):
    """sudo with a user's own text for the questions."""

    def visit(self, account, prompts=()):
        command = account.running("/usr/bin/sudo", "-p", TEXT, "/bin/sh", "-c", doors.COMMAND)
        return doors.Visit(self, account, command, [TEXT, *prompts])


def test_text_of_the_user_replaces_the_question_for_the_code_too(every_door, alice, clock):
    outcome = SudoWithPrompt().attempt(alice, alice.password, alice.codes.now())
    assert outcome.admitted and outcome.prompts == [TEXT, TEXT]


def test_second_question_expects_the_code(every_door, alice, clock, journal):
    assert SudoWithPrompt().attempt(alice, alice.password, alice.password).refused
    (event,) = journal.events(alice.name)
    assert (event["event"], event["reason"]) == ("otp.reject", "password-again")
