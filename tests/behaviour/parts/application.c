/* A small PAM application, told on standard input what to do, one command a line:
 *
 *   start SERVICE USER [RHOST]    pam_start; RHOST is the address of the user, as programs set it
 *   authenticate [REPLY...]       pam_authenticate; the replies go to the questions, in order
 *   acct_mgmt [live]              pam_acct_mgmt; live: a line `reply REPLY`, sent after the question, answers each question
 *   setcred                       pam_setcred
 *   service NAME                  pam_set_item(PAM_SERVICE): libpam reads the lines of another service from now on
 *   end [forked]                  pam_end; forked: in a child, with PAM_DATA_SILENT, while this process keeps its handle
 *   watch                         from now on also print `delayed MICROSECONDS`, the time that PAM would wait after
 *                                 pam_authenticate, and `echoed TEXT` before a question whose answer is shown
 *   silence                       from now on set PAM_SILENT in every call
 *   crowd NUMBER SERVICE USER REPLY [RHOST]
 *                                 NUMBER processes, each with a PAM handle of its own, wait for one another and
 *                                 then authenticate at the same moment
 *
 * Words are separated by tabs. The answers on standard output are one a line, each as soon as it is known: `asked TEXT`,
 * `told TEXT`, and at the end of a command `= CODE...`, the PAM codes. The program never sleeps after a refusal.
 *
 * The program keeps no copy of a reply: it wipes the line before the last answer to it, and PAM must wipe what it was
 * handed.
 * Writes to the descriptor -1 mark in a trace where pam_authenticate and pam_acct_mgmt begin and end.
 */
#define _GNU_SOURCE
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static pam_handle_t *handle;
static char *replies[8];
static int live, watched, flags;
static char input[4096];
static size_t input_length;

/* Tries again, so that a single failure injected by a tracer does not lose an answer. */
static void say(const char *text)
{
    for (int tries = 0; *text != '\0' && tries < 8; tries++) {
        ssize_t written = write(STDOUT_FILENO, text, strlen(text));
        if (written > 0)
            text += written;
    }
}

static void say_line(const char *word, const char *text)
{
    char line[16384];
    snprintf(line, sizeof line, "%s %s\n", word, text);
    say(line);
}

static void mark(const char *text)
{
    (void)!write(-1, text, strlen(text));
}

/* Returns the next line of commands, which stays in place until `forget_line`; NULL at the end. */
static char *next_line(size_t *length)
{
    for (;;) {
        char *end = memchr(input, '\n', input_length);
        if (end != NULL) {
            *end = '\0';
            *length = end + 1 - input;
            return input;
        }
        ssize_t got = read(STDIN_FILENO, input + input_length, sizeof input - input_length);
        if (got <= 0)
            return NULL;
        input_length += got;
    }
}

static void forget_line(size_t length)
{
    memmove(input, input + length, input_length - length);
    explicit_bzero(input + input_length - length, length);
    input_length -= length;
}

static char *live_reply(void)
{
    size_t length;
    char *line = next_line(&length);
    char *reply = line != NULL && strncmp(line, "reply\t", 6) == 0 ? strdup(line + 6) : NULL;
    if (line != NULL)
        forget_line(length);
    return reply;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *quiet)
{
    struct pam_response *answers = calloc(count, sizeof *answers);
    if (answers == NULL)
        return PAM_BUF_ERR;
    for (int at = 0; at < count; at++) {
        int style = messages[at]->msg_style;
        int question = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
        if (quiet == NULL)
            say_line(question ? "asked" : "told", messages[at]->msg);
        if (!question)
            continue;
        if (watched && quiet == NULL && style == PAM_PROMPT_ECHO_ON)
            say_line("echoed", messages[at]->msg);
        if (live && (answers[at].resp = live_reply()) != NULL)
            continue;
        if (replies[0] == NULL) {
            free(answers);
            return PAM_CONV_ERR;
        }
        answers[at].resp = strdup(replies[0]);
        memmove(replies, replies + 1, sizeof replies - sizeof replies[0]);
    }
    *responses = answers;
    return PAM_SUCCESS;
}

static void do_not_wait(int result, unsigned microseconds, void *quiet)
{
    char text[16];
    (void)result;
    if (watched && quiet == NULL) {
        snprintf(text, sizeof text, "%u", microseconds);
        say_line("delayed", text);
    }
}

/* The PAM code of the last phase. */
static int status = PAM_SUCCESS;

static int start(const char *service, const char *user, const char *rhost, void *quiet)
{
    struct pam_conv conversation = {converse, quiet};
    int result = pam_start(service, user, &conversation, &handle);
    if (result == PAM_SUCCESS)
        result = pam_set_item(handle, PAM_FAIL_DELAY, (const void *)do_not_wait);
    if (result == PAM_SUCCESS && rhost != NULL)
        result = pam_set_item(handle, PAM_RHOST, rhost);
    return result;
}

static void one_of_a_crowd(int ready, int gate, const char *service, const char *user, const char *rhost)
{
    char nothing;
    int result = start(service, user, rhost, "quiet");
    (void)!write(ready, "", 1);
    /* Nothing is ever written to the gate; it opens when its other end is closed. */
    (void)!read(gate, &nothing, 1);
    if (result == PAM_SUCCESS)
        result = pam_authenticate(handle, 0);
    pam_end(handle, result);
    _exit(result);
}

static void crowd(int number, const char *service, const char *user, const char *rhost)
{
    pid_t members[number];
    int ready[2], gate[2];
    char nothing, line[16];
    if (pipe(ready) != 0 || pipe(gate) != 0)
        abort();
    for (int at = 0; at < number; at++) {
        members[at] = fork();
        if (members[at] < 0)
            abort();
        if (members[at] == 0) {
            close(gate[1]);
            one_of_a_crowd(ready[1], gate[0], service, user, rhost);
        }
    }
    for (int at = 0; at < number; at++)
        (void)!read(ready[0], &nothing, 1);
    close(gate[1]);
    say("=");
    for (int at = 0; at < number; at++) {
        int status;
        waitpid(members[at], &status, 0);
        /* 99 is not a PAM code: this process was killed. */
        snprintf(line, sizeof line, " %d", WIFEXITED(status) ? WEXITSTATUS(status) : 99);
        say(line);
    }
    say("\n");
    close(gate[0]);
    close(ready[0]);
    close(ready[1]);
}

static int end_in_a_child(void)
{
    int ended;
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0)
        _exit(pam_end(handle, PAM_AUTH_ERR | PAM_DATA_SILENT));
    waitpid(child, &ended, 0);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 99;
}

static void obey(char *given, size_t length)
{
    /* The lines after this one answer live questions. */
    char line[sizeof input];
    memcpy(line, given, length);
    forget_line(length);
    char *rest = line;
    char *words[12] = {NULL};
    int count = 0, result = -1;
    char text[16];
    while (count < 11 && (words[count] = strsep(&rest, "\t")) != NULL)
        count++;
    if (strcmp(words[0], "crowd") == 0 && (count == 5 || count == 6)) {
        replies[0] = words[4];
        crowd(atoi(words[1]), words[2], words[3], words[5]);
        return;
    }
    if (strcmp(words[0], "start") == 0 && (count == 3 || count == 4)) {
        result = start(words[1], words[2], words[3], NULL);
    } else if (strcmp(words[0], "authenticate") == 0) {
        memcpy(replies, words + 1, sizeof replies);
        mark("pam_authenticate begins");
        result = pam_authenticate(handle, flags);
        mark("pam_authenticate ends");
        status = result;
        memset(replies, 0, sizeof replies);
    } else if (strcmp(words[0], "acct_mgmt") == 0) {
        live = count == 2;
        mark("pam_acct_mgmt begins");
        result = pam_acct_mgmt(handle, flags);
        mark("pam_acct_mgmt ends");
        status = result;
        live = 0;
    } else if (strcmp(words[0], "watch") == 0) {
        watched = 1;
        result = PAM_SUCCESS;
    } else if (strcmp(words[0], "silence") == 0) {
        flags = PAM_SILENT;
        result = PAM_SUCCESS;
    } else if (strcmp(words[0], "setcred") == 0) {
        result = pam_setcred(handle, PAM_ESTABLISH_CRED | flags);
    } else if (strcmp(words[0], "service") == 0 && count == 2) {
        result = pam_set_item(handle, PAM_SERVICE, words[1]);
    } else if (strcmp(words[0], "end") == 0 && count == 2) {
        result = end_in_a_child();
    } else if (strcmp(words[0], "end") == 0) {
        /* With the code of the login, as pam_end(3) demands. */
        result = pam_end(handle, status);
        status = PAM_SUCCESS;
        handle = NULL;
    }
    /* Before the answer, since its reader may inspect this process. */
    explicit_bzero(line, length);
    snprintf(text, sizeof text, "= %d\n", result);
    say(text);
}

int main(void)
{
    size_t length;
    char *line;
    /* Every daemon has done this before its first login, and it stays: the time zone, the log, the list of users. */
    tzset();
    openlog("application", LOG_NDELAY, LOG_AUTHPRIV);
    (void)!getpwnam("root");
    while ((line = next_line(&length)) != NULL)
        obey(line, length);
    return 0;
}
