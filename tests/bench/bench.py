"""Takes the measurements of tests/bench/run, one part after the other, inside the private copy of the machine."""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import socket
import subprocess
import sys

WORLD = pathlib.Path("/run/pam_otp-tests")
sys.path.insert(0, str(WORLD / "suite" / "parts"))

import clock as clocks  # noqa: E402  (the path above has to come first)
import contenders  # noqa: E402
import plot  # noqa: E402
import series  # noqa: E402
import table  # noqa: E402
from place import HOMES, Place  # noqa: E402

RESULTS = WORLD / "results"
ROOTS = {"disk": RESULTS / "disk", "tmpfs": WORLD / "tmpfs"}
SIZES = (1, 1_000, 100_000, 1_000_000)


def main():
    options = parse(sys.argv[1:])
    prepare()
    people = create_people(max(series.CROWDS))
    bench = series.Bench(clocks.Clock(), people)
    figures = {"machine": machine(), "rounds": options.rounds}
    # A disk may take long to forget a million users, so the figures come first.
    with contextlib.ExitStack() as until_the_end:
        for part, measure in PARTS.items():
            if part in options.parts:
                figures[part] = measure(bench, options, people, until_the_end)
        figures["targets"] = table.targets(figures)
        (RESULTS / "figures.json").write_text(text_of(figures))
        (RESULTS / "figures.svg").write_text(plot.draw(figures))
        print(table.of(figures), flush=True)
        say("removing the records")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/bench/run")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--users", type=int)
    parser.add_argument("--places", default=",".join(ROOTS))
    parser.add_argument("--parts", default=",".join(PARTS))
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (40 if options.quick else 300)
    options.users = options.users or (1_000 if options.quick else SIZES[-1])
    for name, known in (("places", ROOTS), ("parts", PARTS)):
        chosen = getattr(options, name).split(",")
        if not set(chosen) <= set(known):
            parser.error(f"--{name}: some of {', '.join(known)}")
        setattr(options, name, [each for each in known if each in chosen])
    return options


# ---------------------------------------------------------------------------------------------------------- the parts


def logins(bench, options, people, _):
    rows = []
    for where in options.places:
        with made(where, people[:1], 1) as place:
            say(f"logins, {where}: {options.rounds} rounds")
            found = bench.logins([(each, place) for each in contenders.EVERY], options.rounds)
        rows += [
            {"place": where, "contender": contender.key, "verdict": verdict, **times}
            for ((contender, _), verdict), times in found.items()
        ]
    return rows


def crowds(bench, options, people, _):
    rows = []
    rounds = max(2, options.rounds // 10)
    for where in options.places:
        with made(where, people, len(people)) as place:
            say(f"crowds, {where}: {rounds} rounds")
            found = bench.crowds(place, series.CROWD_CONTENDERS, rounds)
        rows += [{**row, "place": where} for row in found]
    return rows


def memory(bench, options, people, _):
    with made(options.places[-1], people[:1], 1) as place:
        say("memory")
        return bench.memory(place, [each for each in contenders.EVERY if each.module])


def instructions(bench, options, people, _):
    with made(options.places[-1], people[:1], 1) as place:
        say("instructions")
        return bench.instructions(place, series.COUNTED_CONTENDERS)


def users(bench, options, people, until_the_end):
    """Measures logins beside different numbers of enrolled users: all sizes of a place in the same rounds."""
    rows = []
    measured = (contenders.OURS, contenders.OURS_BY_HELPER, contenders.OATH)
    sizes = sorted({size for size in SIZES if size < options.users} | {options.users})
    for where in options.places:
        places = []
        for size in sizes:
            say(f"users, {where}: enrolling {size:,}")
            places.append(until_the_end.enter_context(made(where, people[:1], size)))
        say(f"users, {where}: {options.rounds} rounds")
        found = bench.logins([(each, place) for place in places for each in measured], options.rounds, ("accepted",))
        rows += [
            {"place": where, "contender": contender.key, "users": place.users, **times}
            for ((contender, place), _), times in found.items()
        ]
    return rows


# The part that gives the disk the most to do comes last.
PARTS = {"logins": logins, "crowds": crowds, "memory": memory, "instructions": instructions, "users": users}


@contextlib.contextmanager
def made(where, people, users):
    """Makes a place with this many users, until the end of the block."""
    place = Place(ROOTS[where] / str(users), people, users)
    try:
        yield place
    finally:
        place.remove()


# --------------------------------------------------------------------------------------------------------- the machine


def prepare():
    contenders.install(WORLD / "bin")
    for root in ROOTS.values():
        root.mkdir()
        root.chmod(0o755)
    # There are as many directories as users. On a tmpfs each takes next to nothing.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755,size=75%,nr_inodes=0", "tmpfs", ROOTS["tmpfs"]], check=True)
    read_the_log()


def read_the_log():
    """Reads /dev/log, as the machine's own log does, so that no program that logs has to wait."""
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    if os.fork() == 0:
        while True:
            log.recv(65536)
    log.close()


def create_people(count):
    names = [f"person{number:02}" for number in range(count)]
    for name in names:
        command = ["useradd", "--no-create-home", "--base-dir", HOMES, "--user-group", "--shell", "/bin/sh", name]
        subprocess.run(command, check=True, capture_output=True)
    return names


def machine():
    """Returns the properties of the machine that the figures depend on, and none that would identify it."""
    names = re.findall(r"(?m)^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "processor": names[0] if names else platform.machine(), "processors": len(os.sched_getaffinity(0)),
        "kernel": platform.release(), "file_systems": {where: file_system(root) for where, root in ROOTS.items()},
    }


def file_system(path):
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def text_of(figures):
    """Returns JSON with a line for each row, so that two runs can be compared."""
    parts = []
    for part, value in figures.items():
        rows = [json.dumps(row) for row in value] if isinstance(value, list) else None
        parts.append(f'"{part}": ' + (json.dumps(value) if rows is None else "[\n" + ",\n".join(rows) + "\n]"))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
