"""The properties of a process that can be seen from outside."""

import contextlib
import os
import pathlib
import re


def what_a_program_is(pid):
    process = pathlib.Path("/proc", str(pid))
    status = re.findall(r"^(?:Umask|[UG]id|Groups|Threads|Sig(?:Pnd|Blk|Ign|Cgt)|ShdPnd|Cap\w+|NoNewPrivs|Seccomp):.*$",
                        (process / "status").read_text(), re.MULTILINE)
    descriptors = {entry.name: os.readlink(entry) for entry in (process / "fd").iterdir()}
    children = (process / "task" / str(pid) / "children").read_text()
    return descriptors, status, children, os.readlink(process / "cwd"), (process / "limits").read_text()


def open_files(pid):
    """The open files of a process, one a line, except those that it closes at this very moment."""
    paths = []
    for entry in pathlib.Path("/proc", str(pid), "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            paths.append(os.readlink(entry))
    return "\n".join(paths)


def children(pid, name):
    """The child processes of that name, which the stack of a helper has started."""
    found = []
    for stack in children_of(pid):
        for child in children_of(stack):
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == name:
                    found.append(child)
    return found


def children_of(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def assert_program_is_afterwards_what_it_was(application, account, service, under_test, arguments):
    """Asserts that descriptors, signals, threads, children, limits, directory and identity are the same after each of five
    logins."""
    service(under_test.line(arguments), *([under_test.line()] if arguments == "split" else []))
    application.setcred()  # any answer shows that the program has come up
    at_rest = what_a_program_is(application.pid)
    for reply in (account.codes.now(), account.codes.now(), account.codes.wrong(), account.recovery_codes[0], ""):
        application.start(account)
        before = what_a_program_is(application.pid)
        application.authenticate(reply)
        assert what_a_program_is(application.pid) == before
        application.end()
        assert what_a_program_is(application.pid) == at_rest
