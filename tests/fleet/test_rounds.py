"""The sums of several pieces of rounds."""

import pytest

import rounds

pytestmark = pytest.mark.promised_by("ours")

GOALS = {rounds.NO_FAULT: 100, rounds.CLOCKS: 10}
PIECE = {"build": "mine", "scenario": rounds.NO_FAULT, "etcd": 0, "rounds": 25, "logins": 1600, "one": 24, "nobody": 1, "two": 0,
         "unknown": 30, "seconds": 50, "faults": []}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rounds.jsonl"


def test_pieces_of_one_build_add_up_and_others_do_not_count(file):
    assert rounds.read(file, "mine") == ([], 0)
    for piece in (PIECE, {**PIECE, "etcd": 1, "one": 25, "nobody": 0}, {**PIECE, "build": "another"}):
        rounds.write(file, piece)
    lines, others = rounds.read(file, "mine")
    found = rounds.totals(lines)[rounds.NO_FAULT]
    assert others == 1
    assert (found["rounds"], found["one"], found["nobody"], found["etcd 0"], found["etcd 1"]) == (50, 49, 1, 25, 25)
    row = next(line for line in rounds.table(rounds.totals(lines), GOALS) if line.startswith(rounds.NO_FAULT))
    assert row.split() == [rounds.NO_FAULT, "50", "100", "49", "1", "0", "3200", "60", "2.0", "0"]


def test_a_fault_in_one_piece_stays_in_the_sums(file):
    for piece in (PIECE, {**PIECE, "two": 1, "faults": ["twice"]}, {**PIECE, "rounds": 0, "failed": 1}):
        rounds.write(file, piece)
    *_, last = rounds.table(rounds.totals(rounds.read(file, "mine")[0]), GOALS)
    assert "two were let in 1 times; faults of any kind: 1; pieces that failed: 1" in last


def test_the_next_piece_is_of_the_scenario_furthest_from_its_goal_until_all_are_reached():
    nothing = rounds.totals([])
    assert rounds.next_piece(nothing, [], GOALS, range(2)) == (rounds.NO_FAULT, 0, 25)
    assert rounds.next_piece(nothing, [(rounds.NO_FAULT, 0, 25)], GOALS, range(2)) == (rounds.CLOCKS, 0, 10)
    most = rounds.totals([{**PIECE, "rounds": 90}])
    assert rounds.next_piece(most, [(rounds.CLOCKS, 0, 10)], GOALS, range(2)) == (rounds.NO_FAULT, 1, 10)
    assert rounds.next_piece(most, [(rounds.CLOCKS, 0, 10), (rounds.NO_FAULT, 1, 10)], GOALS, range(2)) is None


def test_a_scenario_that_always_fails_is_not_played_for_ever():
    failed = rounds.totals([{"build": "mine", "scenario": rounds.CLOCKS, "etcd": 0, "failed": 1}] * 5)
    assert rounds.next_piece(failed, [(rounds.NO_FAULT, 0, 100)], GOALS, range(2)) is None
