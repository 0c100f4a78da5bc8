/* Logs people in through PAM, or does only the least that a login must do, and prints how long it took.
 *
 *   rounds SERVICE     the auth lines of /etc/pam.d/SERVICE
 *   rounds --floor     the least, in plain C, that a login which keeps its state in place must do: lock the directory floor/USER,
 *                      read the file `state` in it, write one record of it in place, wait until that is on the disk
 *
 * Commands on standard input, one a line, words separated by tabs; one line of numbers answers each:
 *
 *   login USER REPLY            CODE START AUTHENTICATE END: the PAM code, and nanoseconds
 *   once USER REPLY             the same in this process, which can do it once; for a tool that counts its instructions
 *   memory USER REPLY           CODE RSS PRIVATE: the growth of the process in KiB, with the module loaded and used
 *   crowd USER REPLY ...        one process for each USER, all started first and then let go at the same moment:
 *                               NANOSECONDS until the last one has its answer, and CODE AUTHENTICATE of each
 *   crowd-of-users USER REPLY ...   the same, with each process as its USER
 *
 * Each login has its own process and loads the module anew, because a module may stay loaded; a module that is loaded already is
 * an error here. Refusals do not sleep. Codes come in by standard input, where no other process sees them.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, RECORD = 2048 };

struct login {
    int code;
    long start, authenticate, end;
};

static const char *service;
static const char *reply;
static pam_handle_t *handle;

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* ----------------------------------------------------------------------------------------------------------- a login */

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
    (void)data;
    struct pam_response *answers = calloc(count, sizeof *answers);
    if (answers == NULL)
        return PAM_BUF_ERR;
    for (int at = 0; at < count; at++)
        if (messages[at]->msg_style == PAM_PROMPT_ECHO_OFF || messages[at]->msg_style == PAM_PROMPT_ECHO_ON)
            answers[at].resp = strdup(reply);
    *responses = answers;
    return PAM_SUCCESS;
}

static void do_not_wait(int result, unsigned microseconds, void *data)
{
    (void)result, (void)microseconds, (void)data;
}

static void start(const char *user)
{
    static const struct pam_conv conversation = {converse, NULL};
    if (service == NULL)
        return;
    if (pam_start(service, user, &conversation, &handle) != PAM_SUCCESS)
        errx(1, "pam_start");
    if (pam_set_item(handle, PAM_FAIL_DELAY, (const void *)do_not_wait) != PAM_SUCCESS)
        errx(1, "pam_set_item");
}

static int floor_of(const char *user);

static int authenticate(const char *user)
{
    return service == NULL ? floor_of(user) : pam_authenticate(handle, 0);
}

static void end(int result)
{
    if (service != NULL)
        pam_end(handle, result);
}

/* callgrind counts these two functions by their names. */
__attribute__((noinline, noclone)) int authenticate_alone(const char *user)
{
    return authenticate(user);
}

__attribute__((noinline, noclone)) void whole_login(const char *user, struct login *login)
{
    long begun = now();
    start(user);
    long started = now();
    login->code = authenticate_alone(user);
    long answered = now();
    end(login->code);
    long ended = now();
    login->start = started - begun;
    login->authenticate = answered - started;
    login->end = ended - answered;
}

/* The least that a login must do: the same calls that a login of ours makes for its state, of the same sizes. */
static int floor_of(const char *user)
{
    char path[256], record[RECORD];
    unsigned char state[2 * RECORD + 1];
    snprintf(path, sizeof path, "floor/%s", user);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || flock(directory, LOCK_EX) != 0)
        err(1, "%s", path);
    int file = openat(directory, "state", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || read(file, state, sizeof state) != 2 * RECORD)
        err(1, "%s/state", path);
    /* The older of the two records is overwritten: a record is full of its number, modulo 256. */
    off_t at = (signed char)(state[0] - state[RECORD]) < 0 ? 0 : RECORD;
    memset(record, state[RECORD - at] + 1, sizeof record);
    if (pwrite(file, record, RECORD, at) != RECORD || fdatasync(file) != 0)
        err(1, "%s/state", path);
    flock(directory, LOCK_UN);
    close(file);
    close(directory);
    return PAM_SUCCESS;
}

/* Returns whether a PAM module is mapped into this process. */
static bool has_a_module(void)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL)
        err(1, "/proc/self/maps");
    while (fgets(line, sizeof line, maps) != NULL) {
        const char *name = strrchr(line, '/');
        found |= name != NULL && strncmp(name, "/pam_", 5) == 0;
    }
    fclose(maps);
    return found;
}

static void say(const struct login *login)
{
    printf("%d %ld %ld %ld\n", login->code, login->start, login->authenticate, login->end);
}

static void log_in(char **words)
{
    struct login login;
    int told[2], ended;
    if (has_a_module())
        errx(1, "a module is loaded already");
    if (pipe2(told, O_CLOEXEC) != 0)
        err(1, "pipe");
    pid_t child = fork();
    if (child < 0)
        err(1, "fork");
    if (child == 0) {
        reply = words[1];
        whole_login(words[0], &login);
        _exit(write(told[1], &login, sizeof login) == sizeof login ? 0 : 1);
    }
    close(told[1]);
    if (read(told[0], &login, sizeof login) != sizeof login)
        errx(1, "the process of a login has ended early");
    close(told[0]);
    if (waitpid(child, &ended, 0) != child || ended != 0)
        errx(1, "the process of a login has failed");
    say(&login);
}

static void log_in_here(char **words)
{
    struct login login;
    if (has_a_module())
        errx(1, "a module is loaded already");
    reply = words[1];
    whole_login(words[0], &login);
    say(&login);
}

/* ------------------------------------------------------------------------------------------------------------ memory */

static void measure(long *resident, long *private)
{
    char line[128];
    long value;
    FILE *sums = fopen("/proc/self/smaps_rollup", "re");
    if (sums == NULL)
        err(1, "/proc/self/smaps_rollup");
    *private = 0;
    while (fgets(line, sizeof line, sums) != NULL) {
        if (sscanf(line, "Rss: %ld kB", &value) == 1)
            *resident = value;
        if (sscanf(line, "Private_Dirty: %ld kB", &value) == 1)
            *private = value;
    }
    fclose(sums);
}

static void weigh(char **words)
{
    long resident, private, grown, grown_private;
    reply = words[1];
    measure(&resident, &private);
    start(words[0]);
    int code = authenticate(words[0]);
    measure(&grown, &grown_private);
    end(code);
    printf("%d %ld %ld\n", code, grown - resident, grown_private - private);
}

/* ------------------------------------------------------------------------------------------------------------ crowds */

struct member {
    int code;
    long begun, ended;
};

static void become(const char *user)
{
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL || setgroups(0, NULL) != 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
        err(1, "could not become %s", user);
}

static void one_of_a_crowd(int ready, int gate, const char *user, struct member *member)
{
    char nothing;
    start(user);
    if (write(ready, "", 1) != 1)
        _exit(1);
    /* Nothing is ever written to the gate; it opens when its other end is closed. */
    if (read(gate, &nothing, 1) != 0)
        _exit(1);
    member->begun = now();
    member->code = authenticate(user);
    member->ended = now();
    end(member->code);
    _exit(0);
}

static void crowd(char **words, int count, bool as_users)
{
    int number = count / 2, ready[2], gate[2], status;
    char nothing;
    struct member *members = mmap(NULL, sizeof *members * MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (members == MAP_FAILED || pipe2(ready, O_CLOEXEC) != 0 || pipe2(gate, O_CLOEXEC) != 0)
        err(1, "crowd");
    for (int at = 0; at < number; at++) {
        pid_t child = fork();
        if (child < 0)
            err(1, "fork");
        if (child == 0) {
            close(gate[1]);
            reply = words[2 * at + 1];
            if (as_users)
                become(words[2 * at]);
            one_of_a_crowd(ready[1], gate[0], words[2 * at], &members[at]);
        }
    }
    close(ready[1]);
    for (int at = 0; at < number; at++)
        if (read(ready[0], &nothing, 1) != 1)
            errx(1, "a process of a crowd has ended early");
    long opened = now(), last = opened;
    close(gate[1]);
    while (wait(&status) > 0)
        if (status != 0)
            errx(1, "a process of a crowd has failed");
    for (int at = 0; at < number; at++)
        if (members[at].ended > last)
            last = members[at].ended;
    printf("%ld", last - opened);
    for (int at = 0; at < number; at++)
        printf(" %d %ld", members[at].code, members[at].ended - members[at].begun);
    printf("\n");
    close(gate[0]);
    close(ready[0]);
    munmap(members, sizeof *members * MOST);
}

/* ---------------------------------------------------------------------------------------------------------- commands */

static void obey(char *line)
{
    char *words[1 + 2 * MOST + 1];
    int count = 0;
    while (count < 1 + 2 * MOST && (words[count] = strsep(&line, "\t\n")) != NULL)
        count++;
    /* The line ends with the end of a word. */
    if (count > 0 && words[count - 1][0] == '\0')
        count--;
    if (count == 3 && strcmp(words[0], "login") == 0)
        log_in(words + 1);
    else if (count == 3 && strcmp(words[0], "once") == 0)
        log_in_here(words + 1);
    else if (count == 3 && strcmp(words[0], "memory") == 0)
        weigh(words + 1);
    else if (count >= 3 && count % 2 == 1 && strcmp(words[0], "crowd") == 0)
        crowd(words + 1, count - 1, false);
    else if (count >= 3 && count % 2 == 1 && strcmp(words[0], "crowd-of-users") == 0)
        crowd(words + 1, count - 1, true);
    else
        errx(2, "not a command");
    fflush(stdout);
}

int main(int count, char **arguments)
{
    static char line[8192];
    if (count != 2)
        errx(2, "usage: rounds SERVICE | --floor");
    if (strcmp(arguments[1], "--floor") != 0)
        service = arguments[1];
    /* A daemon has done this before its first login, and its effects stay: the time zone, the log, the list of users. */
    tzset();
    openlog("rounds", LOG_NDELAY, LOG_AUTHPRIV);
    (void)!getpwnam("root");
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(line);
    return 0;
}
