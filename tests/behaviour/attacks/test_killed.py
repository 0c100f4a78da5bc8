"""A login that ends at any of its system calls, or in which any of them fails: no free guess, no code accepted twice,
nothing left behind.

strace kills the application with SIGKILL at one call, and at the next call in the next login, from the beginning of
pam_authenticate to the end of the process; or it makes one call fail.
"""

import pytest

import traced
from application import AUTH_ERR, AUTHINFO_UNAVAIL, SUCCESS, application, program, service  # noqa: F401
from codes import Codes, Token

pytestmark = [pytest.mark.promised_by("ours"), pytest.mark.usefixtures("service")]

FEWEST_POINTS = 30
FILES = ["credential.toml", "state"]


@pytest.fixture
def logins(program, application, alice, clock, under_test, journal):
    return Logins(program, application, alice, clock, under_test, journal)


class Logins:
    """Alice's logins: those that are killed or hindered, and ordinary ones after them."""

    def __init__(self, program, application, alice, clock, under_test, journal):
        self._program = program
        self._application = application
        self._under_test = under_test
        self._journal = journal
        self.alice = alice
        self.clock = clock
        self.points = 0
        self.left = []
        self.records = []

    def kept(self):
        return traced.Kept(self.alice, self._under_test.state_directory)

    def traced(self, reply, inject=None):
        return traced.login(self._program, self.alice, reply, inject=inject)

    def ordinary(self, reply):
        """Logs in without a tracer; returns the PAM code."""
        return self._application.login(self.alice, reply).code

    def works_again_at_once(self):
        """Checks that the next login with a fresh code succeeds, with nothing done in between but waiting."""
        assert traced.files_of(self.alice, self._under_test.state_directory) == FILES
        self.clock.advance(60)
        assert self.ordinary(self.alice.codes.now()) == SUCCESS

    def calls_of(self, reply):
        """The calls of an undisturbed login, from the beginning of pam_authenticate to the end of the process."""
        login = self.traced(reply)
        assert login.ended
        return login.from_then_on

    def killed_at_each_call_of(self, calls, next_reply):
        """Kills a login at each of the calls in turn; yields its reply and what it left behind: nothing, a failure, or a
        used code."""
        for call in calls:
            reply = next_reply()
            before, logged = self.kept(), len(self._journal.names(self.alice.name))
            login = self.traced(reply, call.kills())
            left = self.kept().since(before)
            records = len(self._journal.names(self.alice.name)) - logged
            assert records <= (left != "nothing"), (call, left, records)
            # No verdict is visible before its log entry is written.
            assert not login.verdict_seen or records == 1, login.output
            if login.begun and login.killed:
                self.points += 1
                self.left.append(left)
                self.records.append(records)
            yield reply, left
            self.works_again_at_once()

    def report(self, record_property, capsys, what):
        """Prints how many calls were killed; checks that some came before the attempt was written down, and some after."""
        record_property("points", self.points)
        order = ["nothing", "failure", "used"]
        untold = len(self.left) - self.left.count("nothing") - sum(self.records)
        with capsys.disabled():
            print(f"\n{what}: killed at {self.points} calls:", ", ".join(f"{self.left.count(one)} left {one}" for one in order),
                  f"({untold} before the record was written)")
        # Only root can kill between the two; and every kill after the first that left a log entry leaves one too.
        assert self.records == sorted(self.records) and sum(self.records) > 0
        assert self.points > FEWEST_POINTS
        # Every kill after the first that left a written attempt leaves one too; and a failure is written before a code is
        # used up.
        assert self.left == sorted(self.left, key=order.index)
        assert set(self.left) == set(order if what != "wrong code" else order[:2])


def test_killing_a_login_with_the_right_code_never_lets_the_code_in_twice(logins, record_property, capsys):
    alice = logins.alice
    calls = logins.calls_of(alice.codes.now())
    logins.works_again_at_once()

    def next_reply():
        logins.clock.advance(60)
        return alice.codes.now()

    for code, left in logins.killed_at_each_call_of(calls, next_reply):
        assert logins.kept().failures == (1 if left == "failure" else 0)
        assert logins.ordinary(code) == (AUTH_ERR if left == "used" else SUCCESS)
    logins.report(record_property, capsys, "right code")


def test_killing_a_login_with_a_code_of_a_token_never_lets_the_code_in_twice(logins, under_test, record_property, capsys):
    alice = logins.alice
    alice.codes = Token(under_test.enrol(alice, "--force", "--hotp"))
    calls = logins.calls_of(alice.codes.now())
    for code, left in logins.killed_at_each_call_of(calls, alice.codes.now):
        assert logins.kept().failures == (1 if left == "failure" else 0)
        assert logins.ordinary(code) == (AUTH_ERR if left == "used" else SUCCESS)
    logins.report(record_property, capsys, "code of a token")


def test_killing_a_login_with_a_wrong_code_never_buys_a_free_guess(logins, record_property, capsys):
    calls = logins.calls_of(logins.alice.codes.wrong())
    logins.works_again_at_once()
    for _, left in logins.killed_at_each_call_of(calls, logins.alice.codes.wrong):
        assert logins.kept().failures == (1 if left == "failure" else 0)
    logins.report(record_property, capsys, "wrong code")


def test_killing_a_login_with_a_recovery_code_never_lets_it_in_twice(logins, under_test, record_property, capsys):
    alice = logins.alice
    calls = logins.calls_of(alice.recovery_codes.pop())

    def next_reply():
        if not alice.recovery_codes:
            alice.codes = Codes(under_test.enrol(alice, "--force"), logins.clock)
        return alice.recovery_codes.pop()

    for recovery_code, left in logins.killed_at_each_call_of(calls, next_reply):
        assert logins.ordinary(recovery_code) == (AUTH_ERR if left == "used" else SUCCESS)
    logins.report(record_property, capsys, "recovery code")


@pytest.mark.parametrize("written", [0, 1, 100, 512, 1024, 2047])
def test_record_written_only_in_part_leaves_the_previous_one_valid(logins, under_test, written):
    """What a power cut can leave of a single write."""
    state = under_test.state_directory / logins.alice.name / "state"
    assert logins.ordinary(logins.alice.codes.wrong()) == AUTH_ERR
    before = state.read_bytes()
    assert logins.ordinary(logins.alice.codes.wrong()) == AUTH_ERR
    after = state.read_bytes()
    (half,) = [at for at in (0, 2048) if before[at : at + 2048] != after[at : at + 2048]]
    with open(state, "r+b") as file:
        file.write(before)
        file.seek(half)
        file.write(after[half : half + written])
    counted_again = logins.kept().failures
    assert counted_again in (1, 2)
    assert logins.ordinary(logins.alice.codes.wrong()) == AUTH_ERR
    assert logins.kept().failures == counted_again + 1
    logins.works_again_at_once()


ERRORS = ["EIO", "ENOSPC", "EINTR", "EACCES", "ENOMEM", "EMFILE"]
# Where our module returns PAM_IGNORE, this line admits.
YES_AFTER_IT = "required pam_permit.so"


@pytest.mark.parametrize("error", ERRORS)
def test_no_failing_call_admits_a_wrong_code(logins, service, under_test, journal, error):
    """Nor is a user who cannot be looked up taken for an unenrolled one."""
    service(under_test.line("nullok"), YES_AFTER_IT)
    wrong = logins.alice.codes.wrong()
    for call in inside(logins, wrong):
        logged = len(journal.names(logins.alice.name))
        login = logins.traced(wrong, call.fails(error))
        assert login.code != SUCCESS, f"{call} failed with {error}"
        if journal.names(logins.alice.name)[logged:] == ["otp.reject"]:
            assert logins.kept().failures == 1
        logins.works_again_at_once()


@pytest.mark.parametrize("error", ERRORS)
def test_no_failing_call_admits_a_right_code_without_using_it_up_on_disk(logins, error):
    alice = logins.alice
    for call in inside(logins, alice.codes.now()):
        logins.clock.advance(60)
        login = logins.traced(alice.codes.now(), call.fails(error))
        if login.code == SUCCESS:
            assert logins.kept().last_step == str(logins.clock.now // 30)
            done = [each.name for each in login.inside if not each.result.startswith("-1")]
            assert done.count("pwrite64") == 2 and done.count("fdatasync") == 1, f"{call} failed with {error}"
        logins.works_again_at_once()


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT", "EROFS"])
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_state_that_cannot_be_written_admits_nobody(logins, journal, call, error):
    for reply in (logins.alice.codes.now(), logins.alice.recovery_codes[0], logins.alice.codes.wrong()):
        login = logins.traced(reply, f"{call}:error={error}")
        assert login.code == AUTHINFO_UNAVAIL
        assert len(login.told) == 1
        assert journal.names(logins.alice.name)[-1] == "otp.unavailable"


def inside(logins, reply):
    login = logins.traced(reply)
    assert login.ended and len(login.inside) > FEWEST_POINTS
    logins.works_again_at_once()
    return login.inside
