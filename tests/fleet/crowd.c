/* Makes logins of one machine, at the same moment as those of others. It reads orders from standard input, one a line:
 *
 *   crowd NUMBER SERVICE USER REPLY     this many processes, each with a PAM handle of its own
 *
 * Words are separated by tabs. Each process waits for a shared lock on the file that is named on the command line. The test holds
 * that file alone, and lets all of them go, on every machine, when it releases its lock. `ready` says that all of this crowd wait.
 * Then a line follows for each process as it ends, `login CODE BEGAN ENDED`, in microseconds of the monotonic clock, from the
 * reply to PAM's answer; and `done`. Refusals do not sleep. The reply is wiped.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char *gate_path;
static const char *reply;
static long long began;

static long long microseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *unused)
{
    struct pam_response *answers = calloc(count, sizeof *answers);
    (void)unused;
    if (answers == NULL)
        return PAM_BUF_ERR;
    for (int at = 0; at < count; at++) {
        int style = messages[at]->msg_style;
        if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON) {
            answers[at].resp = strdup(reply);
            began = microseconds();
        }
    }
    *responses = answers;
    return PAM_SUCCESS;
}

static void do_not_wait(int result, unsigned delay, void *unused)
{
    (void)result, (void)delay, (void)unused;
}

static void log_in(int ready, int results, const char *service, const char *user)
{
    struct pam_conv conversation = {converse, NULL};
    pam_handle_t *handle = NULL;
    char line[64];
    int gate = open(gate_path, O_RDONLY | O_CLOEXEC);
    int result = pam_start(service, user, &conversation, &handle);
    if (gate < 0)
        abort();
    if (result == PAM_SUCCESS)
        result = pam_set_item(handle, PAM_FAIL_DELAY, (const void *)do_not_wait);
    (void)!write(ready, "", 1);
    flock(gate, LOCK_SH);
    began = microseconds();
    if (result == PAM_SUCCESS)
        result = pam_authenticate(handle, 0);
    long long ended = microseconds();
    snprintf(line, sizeof line, "login %d %lld %lld\n", result, began, ended);
    (void)!write(results, line, strlen(line));
    pam_end(handle, result);
    _exit(0);
}

static void crowd(int number, const char *service, const char *user)
{
    int ready[2];
    char nothing;
    if (pipe(ready) != 0)
        abort();
    for (int at = 0; at < number; at++) {
        pid_t child = fork();
        if (child < 0)
            abort();
        if (child == 0)
            log_in(ready[1], STDOUT_FILENO, service, user);
    }
    for (int at = 0; at < number; at++)
        (void)!read(ready[0], &nothing, 1);
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    for (int at = 0; at < number; at++)
        wait(NULL);
    (void)!write(STDOUT_FILENO, "done\n", 5);
    close(ready[0]);
    close(ready[1]);
}

int main(int count, char **arguments)
{
    char line[1024];
    if (count != 2)
        abort();
    gate_path = arguments[1];
    tzset();
    openlog("application", LOG_NDELAY, LOG_AUTHPRIV);
    (void)!getpwnam("root");
    setvbuf(stdin, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line;
        char *words[5] = {NULL};
        int found = 0;
        line[strcspn(line, "\n")] = '\0';
        while (found < 5 && (words[found] = strsep(&rest, "\t")) != NULL)
            found++;
        if (found != 5 || strcmp(words[0], "crowd") != 0)
            abort();
        reply = words[4];
        crowd(atoi(words[1]), words[2], words[3]);
        explicit_bzero(line, sizeof line);
    }
    return 0;
}
