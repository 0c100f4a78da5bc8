"""The attempts of an ordinary user, as a program that runs as that user. It prints the result of each as JSON: null if it
worked, and otherwise why it did not.

intruder.py files DIRECTORY NAME... on the records of these accounts

intruder.py process COMMAND [ARGUMENT...] on a process that this program starts, while that waits for its input
"""

import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_DETACH = 16, 0x4206, 17
SYS_PIDFD_GETFD, AT_FDCWD = 438, -100


def files(directory, *names):
    """Every call that could reveal or change something, at each place."""
    places = [f"{directory}/{name}{rest}" for name in names for rest in ("", "/credential.toml", "/state", "/new")]
    tried = {}

    def attempt(what, place, call):
        tried[f"{what} {place}"] = outcome(call)

    for place in [directory, *places]:
        for what, flags in {
            "read": os.O_RDONLY, "write": os.O_WRONLY, "truncate": os.O_WRONLY | os.O_TRUNC,
            "append": os.O_WRONLY | os.O_APPEND, "create": os.O_WRONLY | os.O_CREAT,
            "create a temporary file in": os.O_TMPFILE | os.O_RDWR,
            "create anew": os.O_WRONLY | os.O_CREAT | os.O_EXCL, "open the directory": os.O_RDONLY | os.O_DIRECTORY,
        }.items():
            attempt(what, place, lambda: os.close(os.open(place, flags | os.O_NOFOLLOW, 0o666)))
        attempt("truncate by name", place, lambda: os.truncate(place, 0))
        attempt("list", place, lambda: os.listdir(place))
        attempt("enter", place, lambda: os.chdir(place))
        attempt("delete", place, lambda: os.unlink(place))
        attempt("delete as a directory", place, lambda: os.rmdir(place))
        attempt("rename away", place, lambda: os.rename(place, f"/tmp/taken.{os.getpid()}"))
        attempt("rename beside", place, lambda: os.rename(place, place + ".old"))
        attempt("exchange", place, lambda: exchange(place, own_file()))
        attempt("replace", place, lambda: os.rename(own_file(), place))
        attempt("replace by a directory", place, lambda: os.rename(own_directory(), place))
        attempt("link away", place, lambda: os.link(place, f"/tmp/link.{os.getpid()}"))
        attempt("link there", place, lambda: os.link(own_file(), place))
        attempt("symlink there", place, lambda: os.symlink("/tmp", place))
        attempt("make a directory", place, lambda: os.mkdir(place))
        attempt("make a pipe", place, lambda: os.mkfifo(place))
        attempt("change the mode", place, lambda: os.chmod(place, 0o777))
        attempt("change the owner", place, lambda: os.chown(place, os.getuid(), -1))
        attempt("change the group", place, lambda: os.chown(place, -1, os.getgid()))
        attempt("change the time", place, lambda: os.utime(place, (0, 0)))
        attempt("label", place, lambda: os.setxattr(place, "user.x", b"x"))
        attempt("watch", place, lambda: watch(place))
        attempt("bind a socket", place, lambda: bind(place))
    # It is no secret that there is a directory of all records; its content is one.
    for place in places:
        attempt("see", place, lambda: os.stat(place))
        attempt("ask for access", place, lambda: access(place))
    return tried


def process(*command):
    """The process is a child of this program, so the user has as much access to it as is possible."""
    ours, theirs = socket.socketpair()
    target = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env={}, cwd="/")
    theirs.close()
    pid = target.pid
    wait_until_it_sleeps(pid)
    try:
        # Attempts that a process survives come first.
        tried = {
            "gdb": outcome(lambda: debugger("gdb", "-p", str(pid), "-batch", "-nx", "-ex", "info registers")),
            "strace": outcome(lambda: debugger("strace", "-p", str(pid), "-o", "/dev/null")),
            "trace": outcome(lambda: trace(PTRACE_ATTACH, pid)),
            "seize": outcome(lambda: trace(PTRACE_SEIZE, pid)),
            "read its memory by call": outcome(lambda: read_memory(pid)),
            "take a descriptor": outcome(lambda: take_descriptor(pid)),
            "read its limits": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE)),
            "limit its files": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))),
            "allow it core files": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_CORE, (1 << 20, 1 << 20))),
        }
        for name in ("mem", "environ", "maps", "smaps", "pagemap", "auxv", "syscall", "io", "stack", "personality",
                     "map_files"):
            tried[f"read {name}"] = outcome(lambda: read_some(f"/proc/{pid}/{name}"))
        for name in ("oom_score_adj", "coredump_filter", "clear_refs", "timerslack_ns", "comm", "attr/current"):
            tried[f"write {name}"] = outcome(lambda: write_some(f"/proc/{pid}/{name}"))
        for name in ("fd", "fdinfo", "task/../fd", "map_files"):
            tried[f"list {name}"] = outcome(lambda: os.listdir(f"/proc/{pid}/{name}"))
        for name in ("cwd", "root", "exe", "fd/0", "fd/3", "ns/mnt"):
            tried[f"follow {name}"] = outcome(lambda: os.readlink(f"/proc/{pid}/{name}"))
            tried[f"open {name}"] = outcome(lambda: os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY)))
        tried["enter root"] = outcome(lambda: os.listdir(f"/proc/{pid}/root/"))
        tried["enter cwd"] = outcome(lambda: os.listdir(f"/proc/{pid}/cwd/"))
        tried["write mem"] = outcome(lambda: write_some(f"/proc/{pid}/mem"))
        tried["limit its time"] = outcome(lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0)))
    finally:
        ours.close()
        if target.poll() is None:
            target.kill()
        target.wait()
    return tried


def outcome(call):
    try:
        call()
    except OSError as error:
        return error.strerror
    except Refused as refused:
        return str(refused)
    return None


class Refused(Exception):
    pass


def result_of(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def trace(request, pid):
    result_of(libc.ptrace(request, pid, None, None))
    if request == PTRACE_ATTACH:
        os.waitpid(pid, 0x40000000)  # __WALL
    libc.ptrace(PTRACE_DETACH, pid, None, None)


def read_memory(pid):
    """Reads from an address at which nothing is mapped, so EFAULT means that the read was allowed; other errors are refusals."""

    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    there, here = Vector(0x1000, 8), Vector(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    try:
        result_of(libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
    except OSError as error:
        if error.strerror != os.strerror(14):  # EFAULT: the access was allowed, but nothing is there
            raise


def take_descriptor(pid):
    pidfd = os.pidfd_open(pid)
    try:
        os.close(result_of(libc.syscall(SYS_PIDFD_GETFD, pidfd, 0, 0)))
    finally:
        os.close(pidfd)


def read_some(path):
    if os.path.isdir(path):
        return os.listdir(path)
    with open(path, "rb", buffering=0) as file:
        if path.endswith("/mem"):
            with open(path.replace("/mem", "/maps")) as maps:
                file.seek(int(maps.readline().split("-")[0], 16))
        return file.read(16)


def write_some(path):
    """Writes a number, which most of these files take; in the memory, at the first writable address."""
    with open(path, "r+b", buffering=0) as file:
        if path.endswith("/mem"):
            file.seek(writable_address(path.replace("/mem", "/maps")))
        file.write(b"1")


def writable_address(maps):
    with open(maps) as lines:
        return next(int(line.split("-")[0], 16) for line in lines if " rw" in line)


def debugger(*command):
    done = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if command[0] == "strace":
        # Once attached, strace goes on for ever.
        try:
            text = done.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            done.send_signal(signal.SIGTERM)
            text = done.communicate()[0]
    else:
        text = done.communicate(timeout=60)[0]
    if b"ptrace" in text and b"Operation not permitted" in text:
        raise Refused("Operation not permitted")


def wait_until_it_sleeps(pid):
    """Waits until the process reads its input, when everything that it does before is done."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/wchan") as wchan:
            if stat.read().rpartition(")")[2].split()[0] == "S" and "wait" not in wchan.read().replace("waiting", ""):
                return
        time.sleep(0.01)


def exchange(first, second):
    result_of(libc.renameat2(AT_FDCWD, first.encode(), AT_FDCWD, second.encode(), 2))


def own_file():
    path = f"/tmp/own.{os.getpid()}"
    with open(path, "w"):
        return path


def own_directory():
    path = f"/tmp/own-directory.{os.getpid()}"
    os.makedirs(path, exist_ok=True)
    return path


def watch(place):
    descriptor = result_of(libc.inotify_init1(0))
    try:
        result_of(libc.inotify_add_watch(descriptor, place.encode(), 0xFFF))
    finally:
        os.close(descriptor)


def access(place):
    if not any(os.access(place, mode) for mode in (os.F_OK, os.R_OK, os.W_OK)):
        raise PermissionError(13, os.strerror(13))


def bind(place):
    with socket.socket(socket.AF_UNIX) as any_socket:
        any_socket.bind(place)


if __name__ == "__main__":
    print(json.dumps({"files": files, "process": process}[sys.argv[1]](*sys.argv[2:])))
