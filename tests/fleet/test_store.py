"""The second reader of the data in etcd: it reads what it wrote, and tells a history as it happened."""

import pytest

import register
import store

pytestmark = pytest.mark.promised_by("ours")
RECORDS = store.records


@pytest.mark.parametrize("content", [b"", b"x", b"\n" * 5, b"\n" * 500, b"a\n\nb" + b"\n" * 40 + b"c" + b"\n" * 16 + b"d"])
def test_a_part_reads_back(content):
    assert store.content(store.part(content)) == content


def state_at(key_values, steps):
    """Returns the state of that account once these steps were accepted, one after the other."""
    below = next(key for key in key_values if key.endswith("/"))
    content = store.content(key_values[f"{below}state"])
    state, sequence = RECORDS.read_record(content[:RECORDS.RECORD])
    for step in steps:
        (entry,) = state.authenticators.values()
        entry.last_step = step
        content = RECORDS.write_record(state, sequence) + RECORDS.write_record(state, sequence + 1)
    return store.part(content)


def test_each_rise_of_the_last_step_is_an_acceptance_by_the_machine_that_wrote_it():
    written = store.account("alice", 1000, bytes(20))
    history, revision = [], 0
    for values, machine in ((written, "-"), ([7], "m1"), ([7], "m2"), ([7, 9], "m3")):
        revision += 1
        if isinstance(values, list):
            values = {"/pam_otp/a/alice/": store.guard(machine).encode(), "/pam_otp/a/alice/state": state_at(written, values)}
        history += [(revision, "put", key, value) for key, value in values.items()]
    assert store.acceptances(history) == [
        register.Acceptance("alice", "m1", 7, 2), register.Acceptance("alice", "m3", 9, 4)]
    revision += 1
    history += [(revision, "put", "/pam_otp/a/alice/", store.guard("m4").encode()),
                (revision, "put", "/pam_otp/a/alice/state", state_at(written, [8]))]
    assert register.faults_of_history([], store.acceptances(history)[-1:]) != []
