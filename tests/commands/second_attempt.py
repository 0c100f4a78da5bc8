"""A second implementation of AN ATTEMPT in pam_otp-format(5), from that page alone."""

import copy
import dataclasses
import re

from second_implementation import recovery_hash, slow_hash, typed_recovery_code, without_what_may_stand_between


@dataclasses.dataclass
class Policy:
    window: int = 1
    failures: int = 5
    unlock_after: int | None = 900
    unlock_after_max: int = 86400
    disable_after: int = 100
    opens_lock: bool = True


def attempt(credential, state, policy, reply, now):
    """Decides an attempt; returns whether the reply admits, and the state after it."""
    state = copy.deepcopy(state)
    ids = [one.id for one in credential.authenticators]
    state.authenticators = {id: entry for id, entry in state.authenticators.items() if id in ids}
    kept = credential.recovery and credential.recovery.id
    state.recovery = {id: used for id, used in state.recovery.items() if id == kept}
    match state.standing:
        case "locked", since, lasts if now < since:
            state.standing = ("locked", now, lasts)
        case "locked", since, lasts if now >= since + lasts:
            state.standing = ("open",)
    was_open = state.standing == ("open",)
    before = {id: entry.resync for id, entry in state.authenticators.items()}
    if was_open and (not reply or is_from_sshd(reply)):
        return False, state
    for entry in state.authenticators.values():
        entry.resync = None
    digits = without_what_may_stand_between(reply)
    if re.fullmatch("[0-9]{6,8}", digits) and was_open:
        outcome = try_code(credential, state, policy, digits, before, now)
    else:
        outcome = try_recovery_code(credential, state, policy, reply)
    if outcome == "right":
        state.standing, state.counts = ("open",), [0, 0, 0]
        return True, state
    state.refused = (now, outcome if was_open else "locked")
    if was_open and outcome != "already-used":
        fail(state, policy, now)
    return False, state


def is_from_sshd(reply):
    text = "\x08\n\r\x7fINCORRECT"
    return reply == (text * (len(reply) // len(text) + 1))[: len(reply)]


def try_recovery_code(credential, state, policy, reply):
    octets, recovery = typed_recovery_code(reply), credential.recovery
    barred = state.standing == ("disabled",) or (state.standing != ("open",) and not policy.opens_lock)
    if barred or not octets or not recovery or recovery.slow or recovery_hash(recovery.salt, octets) not in recovery.codes:
        return "wrong-code"
    bit = 1 << recovery.codes.index(recovery_hash(recovery.salt, octets))
    if state.recovery[recovery.id] & bit:
        return "already-used"
    state.recovery[recovery.id] |= bit
    return "right"


def try_code(credential, state, policy, digits, before, now):
    entries = state.authenticators
    found = {
        one.id: compare(one, entries[one.id], policy, digits, now, before[one.id]) for one in credential.authenticators
    }
    brought_along, outcome = 0, "wrong-code"
    recovery = credential.recovery
    if recovery and recovery.slow and len(digits) == 8 and (tag := slow_hash(recovery.salt, digits)) in recovery.codes:
        brought_along = 1 << recovery.codes.index(tag)
    used = brought_along and state.recovery[recovery.id] & brought_along
    if used or any(kind == "used" for kind, *_ in found.values()):
        return "already-used"
    if brought_along:
        state.recovery[recovery.id] |= brought_along
        outcome = "right"
    for one in credential.authenticators:
        (kind, step, distance), entry, first = found[one.id], entries[one.id], before[one.id]
        second = kind == "far off" and first and (
            step == first[0] + 1 if one.period is None else step > first[0] and abs(distance - first[1]) <= 1
        )
        if kind == "right" or second:
            entry.last_step, entry.last_used, outcome = step, now, "right"
            entry.drift = distance if second else entry.drift
    if outcome == "right":
        return outcome
    for id, (kind, step, distance) in found.items():
        if kind == "far off":
            entries[id].resync, outcome = (step, distance), "clock-off"
    return outcome


def compare(one, entry, policy, digits, now, first=None):
    def newest(first, last):
        return next((step for step in range(last, max(first, 0) - 1, -1) if one.code(step) == digits), None)

    last = -1 if entry.last_step is None else entry.last_step
    if one.period is None:
        ahead, after = one.window[0] if one.window else 10, last + 1
        step = newest(after, after + ahead - 1)
        if step is not None:
            return "right", step, 0
        if last >= 0 and one.code(last) == digits:
            return "used", last, None
        if first and after <= first[0] + 1 <= after + 1000 and one.code(first[0] + 1) == digits:
            return "far off", first[0] + 1, 0
        step = newest(after + ahead, after + 999)
        return ("far off", step, 0) if step is not None else ("nothing", None, None)
    here = now // one.period
    middle, reach = here + entry.drift, 600 // one.period
    before, after = one.window or (policy.window, policy.window)
    step = newest(middle - before, middle + after)
    if step is not None:
        return ("right" if step > last else "used"), step, 0
    if last >= 0 and one.code(last) == digits:
        return "used", last, None
    step = newest(here - reach, here + reach)
    if step is not None and step > last:
        return "far off", step, step - here
    return "nothing", None, None


def fail(state, policy, now):
    state.counts[0] += 1
    state.counts[1] += 1
    if policy.disable_after and state.counts[1] >= policy.disable_after:
        state.standing = ("disabled",)
    elif state.counts[0] >= policy.failures:
        state.counts[2] += 1
        if policy.unlock_after is None:
            state.standing = ("held",)
        else:
            lasts = policy.unlock_after * 2 ** (state.counts[2] - 1)
            state.standing = ("locked", now, min(lasts, policy.unlock_after_max))
    else:
        return
    state.counts[0] = 0
