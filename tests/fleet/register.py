"""Whether logins by one code each can have gone one after the other: a checker of linearizability, for one kind of register.

An account is a number, the last step that was accepted. A login by the code of a step is told yes, and then the step was
above that number, which it is from then on; or no, and then it was not; or nothing (it was not answered, or was told that
nobody knows), and then it may have counted at any moment after it began, or never. Each takes effect at one moment between
its beginning and its end.

And whether the store's own history tells the same: each step accepted at most once, by the login that was told yes.
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
    """In the store's history: the number of an account rises to a step, as `machine` had it."""

    account: str
    machine: str
    step: int
    revision: int


def faults_of_logins(logins):
    """What cannot have been, as sentences; none if there is an order in which each login is right."""
    found = []
    for account in sorted({login.account for login in logins}):
        own = [login for login in logins if login.account == account]
        found += more_than_once(own)
        if not can_be_ordered(own):
            found.append(f"{account}: no order of its {len(own)} logins is right")
    return found


def more_than_once(logins):
    """Each step at most once: the sentence that matters most, by itself and without any search."""
    told = {}
    for login in logins:
        if login.told == YES:
            told.setdefault((login.account, login.step), []).append(login.machine)
    return [f"{account}: step {step} was accepted on {', '.join(machines)}"
            for (account, step), machines in sorted(told.items()) if len(machines) > 1]


def can_be_ordered(logins, floor=-1):
    """Whether the logins of one account can be put in an order that keeps to their times and to what each was told."""
    floors, pending = {floor}, []
    for part in parts(logins):
        logins = sorted([*pending, *part], key=lambda login: login.began)
        floors = {end for begin in floors for end in floors_after(logins, begin)}
        if not floors:
            return False
        # What was told nothing may still take effect later, where it would change something.
        late = {login.step: login for login in logins if login.told == UNKNOWN and login.step > min(floors)}
        pending = list(late.values())
    return True


def parts(logins):
    """The same, cut wherever all that began has ended, so that a thousand rounds are a thousand small searches."""
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
    """Wing and Gong's search, with what was seen before: what the number of the account can be after all of them."""
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
            # Those that were told nothing and are of one step are as good as each other.
            kind = (login.told, login.step) if login.told == UNKNOWN else at
            if kind not in tried:
                tried.add(kind)
                todo.append((left - {at}, login.step))
    return found


def without_what_changes_nothing(logins, left, floor):
    """Takes every login that is told no and may be next: it is right now, and changes nothing for the others."""
    while True:
        refused = [at for at in may_be_next(logins, left) if logins[at].told == NO and logins[at].step <= floor]
        if not refused:
            return left
        left = left - set(refused)


def may_be_next(logins, left):
    """Those that no other one has ended before they began. One that was told nothing may take effect after all others."""
    first_end = min((logins[at].ended for at in left if logins[at].told != UNKNOWN), default=float("inf"))
    return [at for at in sorted(left) if logins[at].began <= first_end]


def faults_of_history(logins, acceptances):
    """What the store's history and what the logins were told have not in common."""
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
            found.append(f"{login.account}: step {login.step} was accepted on {login.machine}, and the store says nothing of it")
    return found


def whose(acceptance, logins):
    """That the acceptance is of a login that was told yes; or, where none was, of one that was told nothing."""
    what = f"{acceptance.account}: step {acceptance.step} is accepted for {acceptance.machine}"
    told = [login for login in logins if login.told == YES]
    if told and all(login.machine != acceptance.machine for login in told):
        machines = ", ".join(login.machine for login in told)
        return [f"{what}, and {machines} was told so"]
    if not told and not any(login.told == UNKNOWN and login.machine == acceptance.machine for login in logins):
        return [f"{what}, and nobody there can have asked"]
    return []
