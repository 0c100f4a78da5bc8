"""The code was right, and the rest of the login was refused: in which programs this is reported, and that the report
changes nothing."""

import pathlib

import pytest

import notified
from application import AUTH_ERR, SUCCESS, application, program, service  # noqa: F401  (fixtures among them)
from notified import hook, notify, section  # noqa: F401
from policy_file import policy  # noqa: F401

pytestmark = [pytest.mark.promised_by("ours")]

PASSWORD_AFTERWARDS = "required pam_unix.so nodelay"


@pytest.fixture
def code_then_password(protect, under_test):
    """Fedora's order."""
    protect(under_test.line(), PASSWORD_AFTERWARDS)


@pytest.mark.usefixtures("service")
class TestAnyProgram:
    """A program that ends PAM with the status of the login, as pam_end(3) demands."""

    def refuses(self, service, under_test):
        service(under_test.line(), "required pam_deny.so")

    def test_right_code_with_a_refusal_is_reported(self, application, service, under_test, alice, journal):
        self.refuses(service, under_test)
        assert application.login(alice, alice.codes.now(), rhost="192.0.2.7").code == AUTH_ERR
        assert journal.names(alice.name) == ["otp.accept", "otp.onefactor"]
        told = journal.events(alice.name)[-1]
        assert told["rhost"] == "192.0.2.7" and told["service"] == "application" and told["authenticator"]
        assert told["reason"] == f"the rest of the login was refused: PAM status {AUTH_ERR}"

    def test_right_recovery_code_with_a_refusal_is_reported(self, application, service, under_test, alice, journal):
        self.refuses(service, under_test)
        assert application.login(alice, alice.recovery_codes[0]).code == AUTH_ERR
        assert journal.names(alice.name) == ["otp.recovery", "otp.onefactor"]

    def test_wrong_code_with_a_refusal_is_not_reported(self, application, service, under_test, alice, journal):
        self.refuses(service, under_test)
        assert application.login(alice, alice.codes.wrong()).code == AUTH_ERR
        assert journal.names(alice.name) == ["otp.reject"]

    def test_admitted_login_is_not_reported(self, application, alice, journal):
        assert application.login(alice, alice.codes.now()).code == SUCCESS
        assert journal.names(alice.name) == ["otp.accept"]

    def test_refusal_after_the_auth_phase_is_not_reported(self, application, service, under_test, alice, journal):
        pathlib.Path("/etc/pam.d/application").write_text(
            f"auth {under_test.line()}\nauth required pam_permit.so\naccount {under_test.line()}\naccount required pam_deny.so\n")
        application.start(alice)
        assert application.authenticate(alice.codes.now()).code == SUCCESS
        assert application.acct_mgmt().code != SUCCESS
        application.end()
        assert journal.names(alice.name) == ["otp.accept"]

    def test_two_right_codes_of_one_program_are_reported_once(self, application, service, under_test, alice, journal, clock):
        pathlib.Path("/etc/pam.d/application").write_text(f"auth {under_test.line()}\nauth required pam_deny.so\n")
        application.start(alice)
        assert application.authenticate(alice.codes.now()).code == AUTH_ERR
        clock.advance(30)
        assert application.authenticate(alice.codes.now()).code == AUTH_ERR
        application.end()
        assert journal.names(alice.name) == ["otp.accept", "otp.accept", "otp.onefactor"], "one report for one program"

    def test_program_that_goes_on_to_another_service_does_not_crash(self, application, service, under_test, alice, journal):
        """libpam unloads the modules of a service for those of the next, and at the end calls what they have registered."""
        self.refuses(service, under_test)
        pathlib.Path("/etc/pam.d/elsewhere").write_text("auth required pam_deny.so\n")
        application.start(alice)
        assert application.authenticate(alice.codes.now()).code == AUTH_ERR
        application.set_service("elsewhere")
        assert application.authenticate("x").code == AUTH_ERR
        application.end()
        assert journal.names(alice.name) == ["otp.accept", "otp.onefactor"]

    def test_child_that_ends_pam_reports_nothing(self, application, service, under_test, alice, journal):
        self.refuses(service, under_test)
        application.start(alice)
        assert application.authenticate(alice.codes.now()).code == AUTH_ERR
        application.end_in_a_child()
        assert journal.names(alice.name) == ["otp.accept"]
        application.end()
        assert journal.names(alice.name) == ["otp.accept", "otp.onefactor"]

    def test_report_reaches_the_hook(self, hook, policy, application, service, under_test, alice):
        policy(section(["onefactor"]))
        self.refuses(service, under_test)
        assert application.login(alice, alice.codes.now()).code == AUTH_ERR
        notify()
        assert hook.names(alice) == ["otp.onefactor"]


@pytest.mark.usefixtures("code_then_password")
@pytest.mark.parametrize("name, is_told", [("sudo", True), ("su", True), ("sshd", False), ("pamtester", False)])
def test_programs_that_report(every_door, name, is_told, alice, journal, clock):
    """sshd asks PAM in a process that ends without pam_end; programs that are not root are not believed."""
    door = every_door[name]
    before = len(journal.lines())
    assert door.attempt(alice, alice.codes.now(), f"not {alice.password}").refused
    told = [line for line in journal.lines(before) if "otp.onefactor" in line]
    assert len(told) == is_told, told
    clock.advance(30)
    before = len(journal.lines())
    assert door.attempt(alice, alice.codes.now(), alice.password).admitted
    assert not [line for line in journal.lines(before) if "otp.onefactor" in line]
