"""Rounds of 64 logins by one code, in pieces that add up: each piece is a fleet of its own, and its result becomes a line of a file
once it has been checked. tests/fleet/long runs this."""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

NO_FAULT, CLOCKS = "no_fault", "clocks_20_seconds_apart"
FAULTS = ("leader_killed", "leader_frozen", "two_members_stopped", "two_members_stopped_for_a_while", "verifier_killed",
          "leader_cut_off", "verifier_cut_off_from_etcd", "frames_get_lost")
SCENARIOS = (NO_FAULT, CLOCKS, *FAULTS)
TESTS = {NO_FAULT: "test_one_code_lets_exactly_one_in",
         CLOCKS: "test_never_two_when_clocks_are_20_seconds_apart",
         **{fault: f"test_never_two_whatever_fails[{fault}]" for fault in FAULTS}}
# Rounds in a piece. A fleet takes some seconds to begin, and its whole history is read at once.
IN_A_PIECE = {NO_FAULT: 25}
IN_ANOTHER_PIECE = 10
# The programs that decide whether a code counts. Rounds of another build prove nothing about this one.
PROGRAMS = ("libpam_otp.so", "otp-fleet", "otp-verifier")


def build_of(directory):
    """Returns a digest of the programs that played."""
    digest = hashlib.sha256()
    for name in PROGRAMS:
        digest.update(hashlib.sha256(pathlib.Path(directory, name).read_bytes()).digest())
    return digest.hexdigest()[:12]


def write(file, line):
    """Writes a line at once, because several pieces write at the same time."""
    with open(file, "ab", buffering=0) as opened:
        opened.write(json.dumps(line).encode() + b"\n")


def read(file, build):
    """Returns the lines of that build, and the number of lines of other builds."""
    try:
        lines = [json.loads(line) for line in pathlib.Path(file).read_text().splitlines()]
    except FileNotFoundError:
        lines = []
    own = [line for line in lines if line["build"] == build]
    return own, len(lines) - len(own)


SUMMED = ("rounds", "logins", "one", "nobody", "two", "unknown", "seconds", "failed")


def totals(lines):
    """Returns the sums of all pieces, by scenario."""
    found = collections.defaultdict(collections.Counter)
    for line in lines:
        of = found[line["scenario"]]
        of.update({name: line.get(name, 0) for name in SUMMED})
        of["faults"] += len(line.get("faults", []))
        of[f"etcd {line['etcd']}"] += line.get("rounds", 0)
    return found


def table(found, goals):
    """Yields one line for each scenario, for people to read."""
    yield f"{'':<34}{'rounds':>8}{'of':>6}{'one in':>8}{'nobody':>8}{'two':>5}{'logins':>9}{'unknown':>9}{'s a round':>11}" \
          f"{'pieces that failed':>20}"
    for scenario in SCENARIOS:
        of = found[scenario]
        rounds = of["rounds"]
        pace = f"{of['seconds'] / rounds:.1f}" if rounds else ""
        yield (f"{scenario:<34}{rounds:>8}{goals.get(scenario, ''):>6}{of['one']:>8}{of['nobody']:>8}{of['two']:>5}"
               f"{of['logins']:>9}{of['unknown']:>9}{pace:>11}{of['failed']:>20}")
    together = sum(found.values(), collections.Counter())
    yield (f"in all {together['rounds']} rounds, {together['logins']} logins: two were let in {together['two']} times; faults of any "
           f"kind: {together['faults']}; pieces that failed: {together['failed']}")


def next_piece(found, pending, goals, releases):
    """Returns the scenario that is furthest from its goal, the release of etcd that has played it less, and how many rounds; `None` if
    all goals are reached, or will be once the present pieces have ended."""
    planned = collections.Counter({name: found[name]["rounds"] for name in goals})
    for scenario, _, rounds in pending:
        planned[scenario] += rounds
    # A scenario that always fails is not tried for ever.
    left = [name for name in goals if planned[name] < goals[name] and found[name]["failed"] < 5]
    if not left:
        return None
    scenario = min(left, key=lambda name: planned[name] / goals[name])
    release = min(releases, key=lambda name: found[scenario][f"etcd {name}"] + sum(
        rounds for other, at, rounds in pending if (other, at) == (scenario, name)))
    return scenario, release, min(IN_A_PIECE.get(scenario, IN_ANOTHER_PIECE), goals[scenario] - planned[scenario])


def play(goals, at_once, results, build):
    """Plays pieces in parallel until all goals are reached. Returns whether there was no fault."""
    file = results / "rounds.jsonl"
    releases = range(len(os.environ["OTP_FLEET_ETCD"].split(":")))
    running, number = {}, 0

    def stop(*_):
        sys.exit(1)

    signal.signal(signal.SIGTERM, stop)
    try:
        while True:
            found = totals(read(file, build)[0])
            while len(running) < at_once:
                piece = next_piece(found, [told for _, told, _ in running.values()], goals, releases)
                if piece is None:
                    break
                number += 1
                name = f"rounds-{os.getpid()}-{number}"
                process = begin(piece, name, results)
                running[process.pid] = process, piece, name
            if not running:
                break
            pid, status = os.wait()
            process, (scenario, release, rounds), name = running.pop(pid)
            process.returncode = os.waitstatus_to_exitcode(status)
            log = results / f"{name}.log"
            if process.returncode != 0:
                write(file, {"build": build, "scenario": scenario, "etcd": release, "failed": 1, "log": log.name, "when": now()})
                print(f"{now()} {scenario}, etcd {release}: a piece of {rounds} rounds FAILED, see {log}", flush=True)
            else:
                print(f"{now()} {scenario}, etcd {release}: {rounds} rounds", flush=True)
                for left in (log, results / f"{name}.xml", results / f"{name}.sshd.log"):
                    left.unlink(missing_ok=True)
            for line in table(totals(read(file, build)[0]), goals):
                print(line, flush=True)
    finally:
        for process, *_ in running.values():
            process.kill()
            process.wait()
    found = totals(read(file, build)[0])
    return all(found[name]["rounds"] >= goals[name] and not found[name]["faults"] and not found[name]["failed"] for name in goals)


def begin(piece, name, results):
    scenario, release, rounds = piece
    environment = {**os.environ, "OTP_UNDER_TEST": "ours", "OTP_PART": name, "OTP_WHICH_ETCD": str(release),
                   "OTP_ROUNDS": str(rounds), "OTP_LEDGER": "rounds.jsonl"}
    command = ["tests/behaviour/namespace.sh", results, "/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider",
               "--rootdir=suite", "-q", "--color=no", "-o", "junit_family=xunit1", f"--junitxml=results/{name}.xml",
               f"suite/fleet/test_one_code.py::{TESTS[scenario]}"]
    with open(results / f"{name}.log", "wb") as log:
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def now():
    return time.strftime("%F %T")


def main():
    parser = argparse.ArgumentParser(prog="tests/fleet/long")
    parser.add_argument("rounds", type=int, nargs="?", default=1000, help="rounds without a fault; a tenth of them with each fault")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--at-once", type=int, default=2, help="fleets in parallel")
    parser.add_argument("--told", action="store_true", help="only print the results so far")
    parser.add_argument("--results", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    goals = {name: arguments.rounds if name == NO_FAULT else max(arguments.rounds // 10, 1)
             for name in arguments.scenarios or SCENARIOS}
    build = build_of(arguments.programs)
    lines, others = read(arguments.results / "rounds.jsonl", build)
    print(f"{now()} build {build}: {len(lines)} pieces so far; {others} of other builds are not counted", flush=True)
    if arguments.told:
        print("\n".join(table(totals(lines), goals)))
        return
    sys.exit(0 if play(goals, arguments.at_once, arguments.results, build) else 1)


if __name__ == "__main__":
    main()
