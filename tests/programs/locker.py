"""Measures a program that locks a display and asks once: everything that the table says about it."""

import kept
import probe as probes
import table

REPLY = "onereply"


def measure(lock, services, probe, row):
    """Measures every key. `lock()` is a context with a locked display, with `type(TEXT)` and `locked()`."""
    found = {"services": services, "includes": table.included_by(services[0])}
    probe.protect(*services)
    processes = []
    for _ in range(2):
        probe.plan("info error empty hidden hidden echoed =SUCCESS")
        with lock() as locker:
            locker.type(REPLY)
            probes.wait_until(lambda: not locker.locked(), "end of the lock")
        table.wait_for_setcred(probe, row)
        processes.append(probe.calls("authenticate")[0]["pid"])
    found["lives"] = "many logins" if len(set(processes)) == 1 else "one login"
    found |= table.caller_of(probe, "person") | table.further_calls(probe) | table.answers(probe, [REPLY])
    # A message that nobody sees does not fail.
    assert not table.refused_messages(probe)
    found |= {"information": "never", "error": "never", "text": "", "last_words": "lost", "keeps": kept.keepers()}
    return found | refusals(lock, probe)


MOST_TRIES = 4


def refusals(lock, probe):
    """Returns the keys about refusals: the program says nothing in words, and asks as long as somebody types."""
    found = {"again": []}
    for key, result in probes.RESULTS.items():
        probe.plan(f"hidden last ={result}")
        tries = 0
        with lock() as locker:
            while tries < MOST_TRIES:
                locker.type(REPLY)
                tries += 1
                probe.wait_for_call("authenticate", tries)
                assert locker.locked()
        found[key] = ""
        found["again"].append(key)
    return found | {"tries": 0}
