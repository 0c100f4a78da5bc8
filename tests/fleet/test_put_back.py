"""A store that is put back to what it was: a code that was used since then lets nobody in a second time, and nobody is answered
until an administrator has confirmed it."""
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
    """`used.snapshot` is of a moment before the last login of the person, whose code was `used.code`."""

    class Used:
        def put_back(self):
            fleet.cluster.restore(self.snapshot)

        def climb(self):
            """Whatever is written now: the revisions that were seen are given out again."""
            while fleet.cluster.revision() <= self.revision:
                fleet.cluster.put("/tests/climb", "one more")
            # By beats of the past verifiers would doubt their clocks, and refuse for that.
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


def test_what_was_refused_is_not_believed_after_a_restart(one, fleet, person, used):
    """What was seen lies on a disk."""
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
    # They have written until the end.
    used.revision = fleet.cluster.revision()
    used.put_back()
    used.climb()
    for verifier in fleet.verifiers:
        fleet.start(verifier)
    assert fleet.wait_for_refusal(one, person, used.code)
