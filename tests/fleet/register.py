"""Checks whether logins by one code each can have gone one after the other: linearizability, for one kind of register.

An account is a number, the last step that was accepted. A login by the code of a step is told "yes", and then the step was
above that number, which it becomes; or "no", and then it was not above; or nothing (there was no answer, or the answer was that
the outcome is unknown), and then it may have counted at any moment after it began, or never. Each login takes effect at one moment
between its beginning and its end.

It also checks whether the store's own history agrees: each step accepted at most once, by the login that was told "yes".
"""

import dataclasses

YES, NO, UNKNOWN = "yes", "no", "unknown"


@dataclasses.dataclass(frozen=True)
class Login:
    account: str
    machine: str
    step: int
    began: float
    ended: float
    told: str


@dataclasses.dataclass(frozen=True)
class Acceptance:
    """An entry of the store's history: the number of an account rises to a step, written for `machine`."""

    account: str
    machine: str
    step: int
    revision: int


def faults_of_logins(logins):
    """Returns a sentence for each impossibility; none if there is an order in which each login is right."""
    found = []
    for account in sorted({login.account for login in logins}):
        own = [login for login in logins if login.account == account]
        found += more_than_once(own)
        if not can_be_ordered(own):
            found.append(f"{account}: no order of its {len(own)} logins is right")
    return found


def more_than_once(logins):
    """Checks that each step was accepted at most once: the most important sentence, by itself and without any search."""
    told = {}
    for login in logins:
        if login.told == YES:
            told.setdefault((login.account, login.step), []).append(login.machine)
    return [f"{account}: step {step} was accepted on {', '.join(machines)}"
            for (account, step), machines in sorted(told.items()) if len(machines) > 1]


def can_be_ordered(logins, floor=-1):
    """Returns whether the logins of one account can be put in an order that agrees with their times and with each answer."""
    floors, pending = {floor}, []
    for part in parts(logins):
        logins = sorted([*pending, *part], key=lambda login: login.began)
        floors = {end for begin in floors for end in floors_after(logins, begin)}
        if not floors:
            return False
        # A login without an answer may still take effect later, if it would change something then.
        late = {login.step: login for login in logins if login.told == UNKNOWN and login.step > min(floors)}
        pending = list(late.values())
    return True


def parts(logins):
    """Yields the same logins, cut wherever all that began have ended, so that a thousand rounds are a thousand small searches."""
    part, end = [], float("-inf")
    for login in sorted(logins, key=lambda login: login.began):
        if part and login.began > end:
            yield part
            part = []
        part.append(login)
        end = max(end, login.ended)
    if part:
        yield part


def floors_after(logins, floor):
    """Returns the numbers that the account can have after all of them, by Wing and Gong's search with a memory of states seen."""
    seen, found, todo = set(), set(), [(frozenset(range(len(logins))), floor)]
    while todo:
        left, floor = todo.pop()
        left = without_what_changes_nothing(logins, left, floor)
        if (left, floor) in seen:
            continue
        seen.add((left, floor))
        if not any(logins[at].told != UNKNOWN for at in left):
            found.add(floor)
        tried = set()
        for at in may_be_next(logins, left):
            login = logins[at]
            if login.told == NO or login.step <= floor:
                continue
            # Logins without an answer are interchangeable if they have the same step.
            kind = (login.told, login.step) if login.told == UNKNOWN else at
            if kind not in tried:
                tried.add(kind)
                todo.append((left - {at}, login.step))
    return found


def without_what_changes_nothing(logins, left, floor):
    """Removes every login that was told "no" and may be next: it is right now, and changes nothing for the others."""
    while True:
        refused = [at for at in may_be_next(logins, left) if logins[at].told == NO and logins[at].step <= floor]
        if not refused:
            return left
        left = left - set(refused)


def may_be_next(logins, left):
    """Returns the logins that began before any other ended. One without an answer may take effect after all others."""
    first_end = min((logins[at].ended for at in left if logins[at].told != UNKNOWN), default=float("inf"))
    return [at for at in sorted(left) if logins[at].began <= first_end]


def faults_of_history(logins, acceptances):
    """Returns a sentence for each contradiction between the store's history and the logins' answers."""
    found, seen, highest = [], set(), {}
    for one in sorted(acceptances, key=lambda one: one.revision):
        if one.step <= highest.get(one.account, -1):
            before = highest[one.account]
            found.append(f"{one.account}: at revision {one.revision} step {one.step} comes after step {before}")
        seen.add((one.account, one.step))
        highest[one.account] = max(one.step, highest.get(one.account, -1))
        found += whose(one, [login for login in logins if (login.account, login.step) == (one.account, one.step)])
    for login in logins:
        if login.told == YES and (login.account, login.step) not in seen:
            found.append(f"{login.account}: step {login.step} was accepted on {login.machine}, and the store has no trace of it")
    return found


def whose(acceptance, logins):
    """Checks that the acceptance belongs to a login that was told "yes" or, if there is none, to one without an answer."""
    what = f"{acceptance.account}: step {acceptance.step} is accepted for {acceptance.machine}"
    told = [login for login in logins if login.told == YES]
    if told and all(login.machine != acceptance.machine for login in told):
        machines = ", ".join(login.machine for login in told)
        return [f"{what}, but {machines} was told yes"]
    if not told and not any(login.told == UNKNOWN and login.machine == acceptance.machine for login in logins):
        return [f"{what}, but no login there can have asked"]
    return []
