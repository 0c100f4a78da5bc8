"""The measurements. In every series each contender has a turn in each round, so that other work on the machine slows all of them
alike. Their order changes from round to round, because each meets the disk as the one before has left it."""

import contextlib
import random
import re
import statistics
import subprocess
import tempfile

from contenders import AUTH_ERR, AUTHINFO_UNAVAIL, FLOOR, GOOGLE, OATH, OURS, OURS_BY_HELPER, PERMIT, SUCCESS, Program

PERIOD = 30
VERDICTS = ("accepted", "replayed", "refused")
CROWDS = (1, 2, 8, 64)
CROWD_CONTENDERS = (OURS, OURS_BY_HELPER, GOOGLE, OATH, FLOOR)
COUNTED_CONTENDERS = (OURS, GOOGLE, OATH, PERMIT)
# pam_oath reads and writes the lines of all users: with more users than this it takes part in one round of ten.
MANY_USERS = 10_000
FRESH_PROCESSES = 5
# The most tries of a crowd in which a login has waited in vain.
TRIES = 10


class Codes:
    """The codes of one secret, from oathtool, many at a time."""

    CHUNK = 500

    def __init__(self, secret):
        self._secret = secret
        self._known = {}

    def at(self, step):
        if step not in self._known:
            begin = step // self.CHUNK * self.CHUNK
            command = ["oathtool", "--totp", "--base32", f"--now=@{begin * PERIOD}", f"--window={self.CHUNK - 1}", "-"]
            done = subprocess.run(command, input=self._secret, text=True, capture_output=True, check=True)
            self._known.update(zip(range(begin, begin + self.CHUNK), done.stdout.split(), strict=True))
        return self._known[step]

    def wrong(self, step):
        """Returns six digits that are no code of the hour around."""
        near = {self.at(step + distance) for distance in range(-60, 61)}
        return next(code for code in map("{:06}".format, range(482915, 10**6)) if code not in near)


class Bench:
    """Logs people in by the clock of the PAM programs, and moves it to the next code before each login."""

    def __init__(self, clock, people):
        self._clock = clock
        self._people = people
        self._codes = {}

    def _next_code(self):
        self._clock.advance(PERIOD)

    def _reply(self, contender, place, user, verdict="accepted"):
        if contender.records is None:
            return "000000"
        secret = place.secret[contender.records, user]
        codes = self._codes.setdefault(secret, Codes(secret))
        step = self._clock.now // PERIOD
        return codes.wrong(step) if verdict == "refused" else codes.at(step)

    @contextlib.contextmanager
    def _programs(self, pairs, as_root=False):
        with contextlib.ExitStack() as stack:
            user = None if as_root else self._people[0]
            yield [stack.enter_context(Program(contender, place, user)) for contender, place in pairs]

    def _log_in(self, program, verdict):
        """Returns the nanoseconds of pam_start, pam_authenticate and pam_end."""
        user = self._people[0]
        reply = self._reply(program.contender, program.place, user, verdict)
        code, *times = program.ask("login", user, reply)
        expected = program.contender.expected(verdict)
        assert code == expected, f"{program.contender.name}, {verdict}: PAM code {code} instead of {expected}"
        return times

    # ----------------------------------------------------------------------------------------------------- one at a time

    def logins(self, pairs, rounds, verdicts=VERDICTS):
        """Returns the times of each verdict, by contender and place. The first round loads the modules, and does not count."""
        found = {(pair, verdict): [] for pair in pairs for verdict in verdicts}
        with self._programs(pairs) as programs:
            for number in range(-1, rounds):
                for program in in_turn(programs, number):
                    if program.contender is OATH and program.place.users > MANY_USERS and number % 10:
                        continue
                    self._next_code()
                    for verdict in verdicts:
                        times = self._log_in(program, verdict)
                        if number >= 0:
                            found[(program.contender, program.place), verdict].append(times)
        return {
            key: {
                "login": spread(sum(each) for each in times), "authenticate": spread(each[1] for each in times),
                "start": spread(each[0] for each in times), "end": spread(each[2] for each in times),
            }
            for key, times in found.items()
        }

    # ---------------------------------------------------------------------------------------------------- many at a time

    def crowds(self, place, contenders, rounds):
        """Measures crowds: how long until the last login has its answer, how long for each, and how many got in."""
        rows = []
        # One process cannot become all of the users unless it is root.
        with self._programs([(contender, place) for contender in contenders], as_root=True) as programs:
            for at_once in CROWDS:
                for who in ("different", "same"):
                    found = {program: [] for program in programs}
                    for number in range(-1, rounds):
                        for program in in_turn(programs, number):
                            answer = self._crowd(program, at_once, who)
                            if number >= 0:
                                found[program].append(answer)
                    for program, answers in found.items():
                        accepted = [accepted for _, _, accepted in answers]
                        rows.append({
                            "contender": program.contender.key, "at_once": at_once, "who": who,
                            "all": spread(whole for whole, _, _ in answers),
                            "each": spread(one for _, each, _ in answers for one in each),
                            "accepted": [min(accepted), max(accepted)],
                        })
        return rows

    def _crowd(self, program, at_once, who):
        users = self._people[:at_once] if who == "different" else self._people[:1] * at_once
        for _ in range(TRIES):
            self._next_code()
            words = [word for user in users for word in (user, self._reply(program.contender, program.place, user))]
            whole, *rest = program.ask("crowd-of-users" if program.contender is OURS_BY_HELPER else "crowd", *words)
            codes, each = rest[::2], rest[1::2]
            # On a busy machine the others may take longer than one of ours waits for the lock.
            if program.contender not in (OURS, OURS_BY_HELPER) or AUTHINFO_UNAVAIL not in codes:
                break
        accepted = codes.count(SUCCESS)
        if program.contender in (OURS, OURS_BY_HELPER):
            expected = 1 if who == "same" else at_once
            answered = accepted == expected and codes.count(AUTH_ERR) == at_once - expected
            assert answered, f"{program.contender.name}, {at_once} at once, {who}: PAM codes {codes}"
        return whole, each, accepted

    # ------------------------------------------------------------------------------------------- memory and instructions

    def memory(self, place, contenders):
        """Returns the KiB by which a program grows that has never logged anybody in before."""
        found = {contender: [] for contender in contenders}
        for _ in range(FRESH_PROCESSES):
            for contender in contenders:
                self._next_code()
                with self._programs([(contender, place)]) as (program,):
                    user = self._people[0]
                    code, *grown = program.ask("memory", user, self._reply(contender, place, user))
                    assert code == SUCCESS, f"{contender.name}: PAM code {code}"
                    found[contender].append(grown)
        return [
            {
                "contender": contender.key, "resident_kib": statistics.median(each[0] for each in grown),
                "private_kib": statistics.median(each[1] for each in grown),
            }
            for contender, grown in found.items()
        ]

    def instructions(self, place, contenders):
        """Returns the instructions of one accepted login from pam_start to pam_end, and of pam_authenticate alone."""
        rows = []
        for contender in contenders:
            counted = {}
            for what in ("whole_login", "authenticate_alone"):
                self._next_code()
                counted[what] = self._count(place, contender, what)
            rows.append({
                "contender": contender.key, "login": counted["whole_login"], "authenticate": counted["authenticate_alone"],
            })
        return rows

    def _count(self, place, contender, function):
        user = self._people[0]
        with tempfile.NamedTemporaryFile("r") as counted:
            tool = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counted.name}",
                    f"--toggle-collect={function}"]
            script = f"once\t{user}\t{self._reply(contender, place, user)}\n"
            command = place.inside(*tool, *contender.command())
            done = subprocess.run(command, cwd=place.root, input=script, text=True, capture_output=True)
            assert done.stdout.split()[:1] == [str(SUCCESS)], f"{contender.name} under callgrind: {done.stderr}"
            return int(re.search(r"^(?:summary|totals): (\d+)$", counted.read(), re.MULTILINE)[1])


def in_turn(programs, number):
    """Returns all of them, in the order of this round, which is the same in every run."""
    return random.Random(number).sample(programs, len(programs))


def spread(nanoseconds):
    """Returns the median, the quartiles in microseconds, and the number of values."""
    values = sorted(value / 1000 for value in nanoseconds)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": round(middle, 1), "low": round(low, 1), "high": round(high, 1), "number": len(values)}
