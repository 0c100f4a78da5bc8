"""Ways in which a user may start a program: under limits, with signals and descriptors of their choice."""

import os
import resource
import signal


MEGABYTE = 1 << 20
LIMITS = {
    **{f"no file larger than {size}": {resource.RLIMIT_FSIZE: size} for size in (0, 1, 100, 2047, 2048, 2049, 4095)},
    **{f"{count} descriptors": {resource.RLIMIT_NOFILE: count} for count in range(9)},
    **{f"{size} MB of memory": {resource.RLIMIT_AS: size * MEGABYTE} for size in (0, 1, 2, 3, 4, 5, 6, 8, 12, 16)},
    "no time": {resource.RLIMIT_CPU: 0}, "a second": {resource.RLIMIT_CPU: 1},
    "no stack": {resource.RLIMIT_STACK: 0}, "64 kB of stack": {resource.RLIMIT_STACK: 1 << 16},
    "no data": {resource.RLIMIT_DATA: 0}, "1 MB of data": {resource.RLIMIT_DATA: MEGABYTE},
    "no timers": {resource.RLIMIT_SIGPENDING: 0}, "no processes": {resource.RLIMIT_NPROC: 0},
    "no locked memory": {resource.RLIMIT_MEMLOCK: 0},
}


def ignore_all_signals():
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass  # SIGKILL and SIGSTOP, and those of libc


def block_all_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))


def close_descriptors(*numbers):
    return lambda: [os.close(number) for number in numbers]


PREPARATIONS = {
    "all signals ignored": ignore_all_signals, "all signals blocked": block_all_signals,
    "the lowest priority": lambda: os.nice(19), "its real timer running": lambda: signal.setitimer(signal.ITIMER_REAL, 30),
    **{f"descriptors {numbers} closed": close_descriptors(*numbers)
       for numbers in [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)]},
}


STARTS = {
    **{name: {"limits": limits} for name, limits in LIMITS.items()},
    **{f"{name}, and signals ignored": {"limits": LIMITS[name], "prepare": ignore_all_signals}
       for name in LIMITS if "larger" in name},
    **{name: {"prepare": prepare} for name, prepare in PREPARATIONS.items()},
}
