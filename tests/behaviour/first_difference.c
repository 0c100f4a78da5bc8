/* Finds the first instruction at which two runs of a program part, and stops there.
 *
 *   first_difference record TRACE PROGRAM < SCRIPT      follows a run from the moment it has an flock to its end
 *   first_difference compare TRACE PROGRAM < SCRIPT     follows another and kills it where it leaves the first one's way
 *
 * Steps through the program one instruction at a time and writes down where each stands, with addresses that are the same
 * in every run. Exit 0: a whole run was recorded, or the runs parted; 3: they never did; 1: something failed.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static struct user_regs_struct registers_of(pid_t pid)
{
    struct user_regs_struct registers;
    struct iovec whole = {&registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &whole) != 0)
        fail("registers");
    return registers;
}

static uint64_t place_of(pid_t pid)
{
    struct user_regs_struct registers = registers_of(pid);
#ifdef __aarch64__
    return registers.pc;
#else
    return registers.rip;
#endif
}

static long call_of(pid_t pid)
{
    struct user_regs_struct registers = registers_of(pid);
#ifdef __aarch64__
    return registers.regs[8];
#else
    return registers.orig_rax;
#endif
}

/* Lets it go on by one request; whether it still stands. Signals of its own are passed on. */
static int on(pid_t pid, enum __ptrace_request request, int *signal)
{
    int status;
    if (ptrace(request, pid, 0, *signal) != 0 || waitpid(pid, &status, 0) != pid)
        fail("step");
    if (!WIFSTOPPED(status))
        return 0;
    *signal = WSTOPSIG(status);
    if (*signal == SIGTRAP || *signal == (SIGTRAP | 0x80))
        *signal = 0;
    return 1;
}

int main(int count, char **words)
{
    int signal = 0, inside = 0, status;
    if (count != 4)
        return 1;
    int compare = strcmp(words[1], "compare") == 0;
    FILE *trace = fopen(words[2], compare ? "r" : "w");
    if (trace == NULL)
        fail(words[2]);
    pid_t pid = fork();
    if (pid == 0) {
        personality(ADDR_NO_RANDOMIZE);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(words[3], words[3], (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        fail("start");
    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    /* Each call stops it twice: before and after. */
    do {
        if (!on(pid, PTRACE_SYSCALL, &signal))
            return 1;
        inside = !inside;
    } while (inside || call_of(pid) != SYS_flock);
    for (long steps = 0; on(pid, PTRACE_SINGLESTEP, &signal); steps++) {
        uint64_t place = place_of(pid), expected;
        if (!compare) {
            if (fwrite(&place, sizeof place, 1, trace) != 1)
                fail("trace");
        } else if (fread(&expected, sizeof expected, 1, trace) != 1) {
            return 3;
        } else if (place != expected) {
            printf("%ld instructions after the lock\n", steps);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 0;
        }
    }
    return compare ? 3 : fclose(trace) != 0;
}
