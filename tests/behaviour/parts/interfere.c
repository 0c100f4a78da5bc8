/* Runs a program and interferes with one of its system calls: see faults.py.
 *
 *   interfere LOG USER FROM PLACE NUMBER FAULT PROGRAM [ARGUMENT...]
 *
 *   LOG      the file of results: a line for each call that counts (only the one interfered with, unless FAULT is
 *            `record`), and a last line about the end of the program
 *   USER     the user as whom the program runs; `-`: the caller. Runs as root on the user's behalf, so that a setgid program
 *            keeps its group
 *   FROM     `mark`: calls of the program count between two writes to the descriptor -1, of which the first ends in
 *            `begins` and the second in `ends`; `call=NR`: from the first call of that number on; `heard=TEXT`: from the
 *            end of the first read of descriptor 0 that brought TEXT, up to the next such write
 *   PLACE    `program`: the program itself; `child`: a process that it starts, up to its exec; `other`: that process from its
 *            exec on, counted from its first prctl, where otp-helper's own work begins
 *   NUMBER   the number of the call among those that count at this place, from 1 on
 *   FAULT    `record`: none; `kill`: killed instead of the call; `error=N`: the call is not made and fails with N;
 *            `errors=N`: the same, and all later calls of its name in the same process fail too; `after=N`: the call is made,
 *            and reported to have failed with N; `cut=half`, `cut=one`: it is made with half of the length, or with one byte
 *
 * It ends when all processes that it has started have ended. Its exit code is that of the program, or 128 and the signal if
 * the program was killed.
 *
 * strace would not do: it counts the calls of each name from the beginning of a process, cannot cut a length, and takes
 * twenty times as long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "registers are those of x86-64"
#endif

enum place { PROGRAM, CHILD, OTHER, NOWHERE };
static const char *const places[] = {"program", "child", "other"};

struct process {
    pid_t pid;
    enum place place;
    bool counts;
    /* The current call: */
    unsigned long long nr, arguments[6];
    unsigned long number;
    bool hit, logged, hears, ends;
    char path[512], text[512], second[512];
    char *data;
    size_t length;
    /* Every call of this number fails from now on. */
    long fails;
};

static struct process processes[64];
static int known;
static unsigned long counted[4];
static FILE *log_file;
static enum place wanted_place;
static unsigned long wanted_number;
static bool recording, done;
static const char *fault, *heard;
static long from_call = -1;
static bool from_mark;

static void fail(const char *what)
{
    fprintf(stderr, "interfere: %s: %s\n", what, strerror(errno));
    exit(125);
}

static struct process *process_of(pid_t pid)
{
    for (int at = 0; at < known; at++)
        if (processes[at].pid == pid)
            return &processes[at];
    if (known == 64)
        fail("too many processes");
    processes[known] = (struct process){.pid = pid, .place = known == 0 ? PROGRAM : CHILD, .fails = -1};
    /* Processes that the started program forks in turn are not counted. */
    if (known > 0 && counted[OTHER] > 0)
        processes[known].place = NOWHERE;
    processes[known].counts = processes[known].place == CHILD;
    return &processes[known++];
}

static size_t memory(pid_t pid, unsigned long long address, void *into, size_t length)
{
    struct iovec ours = {into, length}, theirs = {(void *)address, length};
    ssize_t got = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);
    return got < 0 ? 0 : got;
}

/* Reads byte by byte, since a string may end right before a page that is not mapped. */
static void string(pid_t pid, unsigned long long address, char *into, size_t size)
{
    size_t at = 0;
    while (at + 1 < size && memory(pid, address + at, into + at, 1) == 1 && into[at] != '\0')
        at++;
    into[at] = '\0';
}

static bool takes_descriptor(unsigned long long nr)
{
    switch (nr) {
    case SYS_read: case SYS_write: case SYS_pread64: case SYS_pwrite64: case SYS_close: case SYS_fsync: case SYS_fdatasync:
    case SYS_flock: case SYS_fstat: case SYS_fchmod: case SYS_fchown: case SYS_ftruncate: case SYS_openat: case SYS_unlinkat:
    case SYS_mkdirat: case SYS_renameat: case SYS_renameat2: case SYS_newfstatat: case SYS_statx: case SYS_getdents64:
    case SYS_fchmodat: case SYS_fchownat: case SYS_linkat: case SYS_fallocate: case SYS_lseek: case SYS_sendto:
    case SYS_recvfrom: case SYS_fgetxattr: case SYS_writev: case SYS_pwritev:
        return true;
    default:
        return false;
    }
}

static bool takes_name(unsigned long long nr)
{
    switch (nr) {
    case SYS_openat: case SYS_unlinkat: case SYS_mkdirat: case SYS_renameat: case SYS_renameat2: case SYS_newfstatat:
    case SYS_statx: case SYS_fchmodat: case SYS_fchownat: case SYS_linkat:
        return true;
    default:
        return false;
    }
}

/* Only a stream can be cut: a datagram is sent whole or not at all. */
static bool is_stream(pid_t pid, int descriptor)
{
    int process = syscall(SYS_pidfd_open, pid, 0);
    int copy = syscall(SYS_pidfd_getfd, process, descriptor, 0);
    int kind = 0;
    socklen_t length = sizeof kind;
    bool stream = getsockopt(copy, SOL_SOCKET, SO_TYPE, &kind, &length) == 0 && kind == SOCK_STREAM;
    close(copy);
    close(process);
    return stream;
}

static bool can_be_cut(const struct process *of)
{
    switch (of->nr) {
    case SYS_read: case SYS_write: case SYS_pread64: case SYS_pwrite64: case SYS_recvfrom:
        return true;
    case SYS_sendto:
        return is_stream(of->pid, of->arguments[0]);
    default:
        return false;
    }
}

static void look_closer(struct process *of)
{
    of->path[0] = of->text[0] = of->second[0] = '\0';
    if (takes_descriptor(of->nr)) {
        char link[64];
        if ((int)of->arguments[0] == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/%d/cwd", of->pid);
        else
            snprintf(link, sizeof link, "/proc/%d/fd/%d", of->pid, (int)of->arguments[0]);
        ssize_t length = readlink(link, of->path, sizeof of->path - 1);
        of->path[length < 0 ? 0 : length] = '\0';
    }
    if (takes_name(of->nr))
        string(of->pid, of->arguments[1], of->text, sizeof of->text);
    if (of->nr == SYS_mkdir || of->nr == SYS_open || of->nr == SYS_rename || of->nr == SYS_unlink || of->nr == SYS_rmdir)
        string(of->pid, of->arguments[0], of->text, sizeof of->text);
    if (of->nr == SYS_rename)
        string(of->pid, of->arguments[1], of->second, sizeof of->second);
    if (of->nr == SYS_renameat || of->nr == SYS_renameat2)
        string(of->pid, of->arguments[3], of->second, sizeof of->second);
    free(of->data);
    of->data = NULL;
    of->length = 0;
    if (recording && (of->nr == SYS_write || of->nr == SYS_pwrite64 || of->nr == SYS_sendto)) {
        of->data = malloc(of->arguments[2] + 1);
        of->length = memory(of->pid, of->arguments[1], of->data, of->arguments[2]);
    }
}

static void write_down(const struct process *of, const char *result)
{
    fprintf(log_file, "%s\t%lu\t%llu\t%s\t%lld\t%lld\t%lld\t%lld\t%s\t%s\t%s\t", places[of->place], of->number, of->nr, result,
            (long long)of->arguments[0], (long long)of->arguments[1], (long long)of->arguments[2], (long long)of->arguments[3],
            of->path, of->text, of->second);
    for (size_t at = 0; at < of->length; at++)
        fprintf(log_file, "%02x", (unsigned char)of->data[at]);
    fputc('\n', log_file);
}

/* Returns zeros for a process that somebody else has killed meanwhile. */
static struct user_regs_struct registers(pid_t pid)
{
    struct user_regs_struct found = {0};
    if (ptrace(PTRACE_GETREGS, pid, NULL, &found) != 0 && errno != ESRCH)
        fail("registers");
    return found;
}

static void set(pid_t pid, const struct user_regs_struct *registers)
{
    if (ptrace(PTRACE_SETREGS, pid, NULL, registers) != 0 && errno != ESRCH)
        fail("registers");
}

/* The kernel rejects this number without making a call; the exit of the call then sets another result. */
static void make_no_call(pid_t pid)
{
    struct user_regs_struct changed = registers(pid);
    changed.orig_rax = -1;
    set(pid, &changed);
}

/* Makes the fault happen; returns whether it can happen to this call. */
static bool interfere(struct process *of)
{
    if (strcmp(fault, "kill") == 0) {
        make_no_call(of->pid);
        kill(of->pid, SIGKILL);
        return true;
    }
    if (strncmp(fault, "cut=", 4) == 0) {
        struct user_regs_struct changed = registers(of->pid);
        unsigned long long length = changed.rdx;
        if (!can_be_cut(of) || length < 2)
            return false;
        changed.rdx = strcmp(fault, "cut=one") == 0 ? 1 : length / 2;
        set(of->pid, &changed);
        return true;
    }
    if (strncmp(fault, "errors=", 7) == 0)
        of->fails = of->nr;
    if (strncmp(fault, "after=", 6) != 0)
        make_no_call(of->pid);
    return true;
}

static void mark(struct process *of)
{
    char text[64] = "";
    memory(of->pid, of->arguments[1], text, of->arguments[2] < 63 ? of->arguments[2] : 63);
    size_t length = strlen(text);
    of->counts = from_mark && length > 6 && strcmp(text + length - 6, "begins") == 0;
}

static void entry(struct process *of, const struct __ptrace_syscall_info *info)
{
    of->nr = info->entry.nr;
    for (int at = 0; at < 6; at++)
        of->arguments[at] = info->entry.args[at];
    of->hit = of->logged = of->hears = false;
    if (of->place == NOWHERE)
        return;
    if (of->nr == SYS_write && (int)of->arguments[0] == -1) {
        if (of->place == PROGRAM && (from_mark || heard != NULL))
            mark(of);
        return;
    }
    /* libpam reports to the kernel's audit system after the last module, which does not count. */
    if ((from_mark || heard != NULL) && of->place == PROGRAM && of->nr == SYS_socket && of->arguments[0] == 16)
        of->counts = false;
    if (of->place == OTHER && !of->counts && of->nr == SYS_prctl && of->arguments[0] == 4)
        of->counts = true;
    if (of->place == PROGRAM && from_call >= 0 && (long)of->nr == from_call)
        of->counts = true;
    if (of->place == PROGRAM && heard != NULL && !of->counts && of->nr == SYS_read && of->arguments[0] == 0)
        of->hears = true;
    if (!of->counts)
        return;
    of->number = ++counted[of->place];
    if (of->fails == (long)of->nr) {
        make_no_call(of->pid);
        of->hit = true;
    } else if (!done && of->place == wanted_place && of->number == wanted_number) {
        look_closer(of);
        done = true;
        of->hit = interfere(of);
        of->logged = true;
        if (!of->hit)
            fputs("not\t", log_file);
        if (strcmp(fault, "kill") == 0) {
            write_down(of, "killed");
            of->logged = false;
        }
    } else if (recording) {
        look_closer(of);
        of->logged = true;
        if (of->nr == SYS_exit_group)
            write_down(of, "0");
    }
}

static void leave(struct process *of, const struct __ptrace_syscall_info *info)
{
    char result[32];
    long long value = info->exit.rval;
    if (of->hit) {
        struct user_regs_struct changed = registers(of->pid);
        if (strncmp(fault, "cut=", 4) == 0)
            changed.rdx = of->arguments[2];
        else
            changed.rax = value = -atol(strchr(fault, '=') + 1);
        set(of->pid, &changed);
    }
    if (of->logged) {
        snprintf(result, sizeof result, "%lld", value);
        write_down(of, result);
    }
    if (of->hears && value > 0) {
        char got[4096];
        size_t length = memory(of->pid, of->arguments[1], got, (size_t)value < sizeof got ? (size_t)value : sizeof got);
        of->counts = memmem(got, length, heard, strlen(heard)) != NULL;
    }
    of->hit = of->logged = of->hears = false;
}

/* Handles a stopped process; returns the signal with which it continues. */
static int stopped(pid_t pid, int status)
{
    struct process *of = process_of(pid);
    int why = WSTOPSIG(status);
    if (why == (SIGTRAP | 0x80)) {
        struct __ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0) {
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
                entry(of, &info);
            else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
                leave(of, &info);
        }
        return 0;
    }
    if (status >> 16 == PTRACE_EVENT_EXEC && of->place == CHILD) {
        of->place = OTHER;
        of->counts = false;
        of->fails = -1;
        return 0;
    }
    return status >> 16 != 0 ? 0 : why;
}

static void become(const char *name)
{
    struct passwd *user = getpwnam(name);
    if (user == NULL || initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        fail(name);
}

static pid_t start(const char *user, char **command)
{
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        if (strcmp(user, "-") != 0)
            become(user);
        raise(SIGSTOP);
        execvp(command[0], command);
        fail(command[0]);
    }
    int status;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
        PTRACE_O_EXITKILL;
    if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
        fail("start");
    if (ptrace(PTRACE_SEIZE, pid, NULL, options) != 0)
        fail("ptrace");
    process_of(pid);
    kill(pid, SIGCONT);
    return pid;
}

int main(int count, char **words)
{
    if (count < 8)
        return 125;
    log_file = fopen(words[1], "we");
    if (log_file == NULL)
        fail(words[1]);
    from_mark = strcmp(words[3], "mark") == 0;
    if (strncmp(words[3], "call=", 5) == 0)
        from_call = atol(words[3] + 5);
    if (strncmp(words[3], "heard=", 6) == 0)
        heard = words[3] + 6;
    for (wanted_place = PROGRAM; wanted_place < NOWHERE && strcmp(words[4], places[wanted_place]) != 0; wanted_place++)
        continue;
    wanted_number = strtoul(words[5], NULL, 10);
    fault = words[6];
    recording = strcmp(fault, "record") == 0;
    if (recording)
        wanted_number = 0;
    pid_t program = start(words[2], words + 7), pid;
    /* Only the program keeps these: whoever is at the other end must notice when it ends. */
    close(0);
    close(1);
    int status, end = 0;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (WIFSTOPPED(status)) {
            int signal = stopped(pid, status);
            ptrace(PTRACE_SYSCALL, pid, NULL, signal);
        } else if (pid == program) {
            end = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
    fprintf(log_file, "end\t%d\t%lu\t%lu\t%lu\n", end, counted[PROGRAM], counted[CHILD], counted[OTHER]);
    fclose(log_file);
    return end;
}
