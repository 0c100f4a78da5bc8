"""A store that is put back to an earlier state: a code that was used since then lets nobody in a second time, and no login is answered
until an administrator has confirmed the state."""
# every etcd

import pytest

import logins
from logins import let_in, log_in

pytestmark = pytest.mark.promised_by("ours")


@pytest.fixture
def one(fleet):
    """Logins on one machine."""
    with logins.Crowds(fleet.machines[:1]) as running:
        yield running


@pytest.fixture
def used(one, fleet, person, tmp_path):
    """`used.snapshot` is from the moment before the last login of the person, whose code was `used.code`."""

    class Used:
        def put_back(self):
            fleet.cluster.restore(self.snapshot)

        def climb(self):
            """Writes until the revisions that were seen are given out again."""
            while fleet.cluster.revision() <= self.revision:
                fleet.cluster.put("/tests/climb", "one more")
            # Verifiers would doubt their clocks because of past beats, and refuse for that reason.
            fleet.cluster.ask("del", "/pam_otp/v/", "--prefix")

    found = Used()
    let_in(one, fleet, person)
    found.snapshot = fleet.cluster.snapshot(tmp_path / "snapshot")
    fleet.later(30)
    found.code = let_in(one, fleet, person)
    found.revision = fleet.cluster.revision()
    yield found
    fleet.forget()


def test_no_used_code_lets_in_again_however_far_the_store_goes_on(one, fleet, person, used):
    used.put_back()
    assert log_in(one, fleet, person, used.code) == logins.AUTHINFO_UNAVAIL
    used.climb()
    assert log_in(one, fleet, person, used.code) == logins.AUTHINFO_UNAVAIL
    fleet.clock.advance(30)
    assert log_in(one, fleet, person) == logins.AUTHINFO_UNAVAIL


def test_a_refused_state_is_refused_after_a_restart_too(one, fleet, person, used):
    """The verifiers keep what they have seen on disk."""
    used.put_back()
    assert log_in(one, fleet, person, used.code) == logins.AUTHINFO_UNAVAIL
    for verifier in fleet.verifiers:
        fleet.kill(verifier)
    used.climb()
    for verifier in fleet.verifiers:
        fleet.start(verifier)
    assert fleet.wait_for_refusal(one, person, used.code)


def test_verifiers_that_were_stopped_meanwhile_notice_it(one, fleet, person, used):
    for verifier in fleet.verifiers:
        assert fleet.stop(verifier) == 0
    # Verifiers write until they end.
    used.revision = fleet.cluster.revision()
    used.put_back()
    used.climb()
    for verifier in fleet.verifiers:
        fleet.start(verifier)
    assert fleet.wait_for_refusal(one, person, used.code)
