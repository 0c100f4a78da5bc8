/* A PAM module that logs a program's calls to it: one JSON object a line, in /run/probe/log.
 *
 * /run/probe/plan says in words what pam_sm_authenticate does, one step after the other:
 *
 *     info      sends information of several lines, with half blocks and runs of spaces
 *     error     sends an error
 *     empty     sends information without a word
 *     gate      waits until /run/probe/open exists
 *     hidden    asks without echo: "Probe password: ", and from the second time on "Probe code: "
 *     echoed    asks with echo: "Probe name: "
 *     last      sends the error "Probe last words"
 *     =RESULT   SUCCESS, AUTH_ERR, MAXTRIES, AUTHINFO_UNAVAIL or IGNORE: what it returns
 *
 * It goes on after a conversation that failed. The log has replies in plain text, which the tests have made up: do not use this
 * module on a machine that people use. All other functions return PAM_SUCCESS. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#define PAM_SM_SESSION
#define PAM_SM_PASSWORD
#include <security/pam_modules.h>

#define DIRECTORY "/run/probe/"
#define LINE 4096
/* Ten minutes: a test that does not open the gate has failed long before. */
#define GATE_TRIES 60000

static const char INFORMATION[] =
    "Probe information one\n"
    "\xe2\x96\x88\xe2\x96\x80\xe2\x96\x84 \xe2\x96\x88  \xe2\x96\x80\xe2\x96\x84\n"
    "Probe   information three";

static void add(char *line, const char *format, ...)
{
    size_t used = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, LINE - used, format, arguments);
    va_end(arguments);
}

static void add_text(char *line, const char *key, const char *value)
{
    add(line, ", \"%s\": ", key);
    if (!value) {
        add(line, "null");
        return;
    }
    add(line, "\"");
    for (; *value; value++)
        add(line, (unsigned char)*value < ' ' || strchr("\"\\", *value) ? "\\u%04x" : "%c", (unsigned char)*value);
    add(line, "\"");
}

/* One write, so that lines of several processes stay whole. */
static void log_line(char *line)
{
    int log = open(DIRECTORY "log", O_WRONLY | O_APPEND | O_CLOEXEC);
    add(line, "}\n");
    if (log < 0 || write(log, line, strlen(line)) != (ssize_t)strlen(line))
        abort();
    close(log);
}

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        return -1;
    for (struct dirent *task; (task = readdir(tasks)); )
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void log_call(pam_handle_t *handle, const char *call, int flags)
{
    static const struct { const char *key; int item; } ITEMS[] = {
        {"service", PAM_SERVICE}, {"user", PAM_USER}, {"rhost", PAM_RHOST}, {"tty", PAM_TTY}, {"ruser", PAM_RUSER},
    };
    char line[LINE] = "", name[64] = "";
    const void *value;
    int comm = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    if (comm >= 0 && read(comm, name, sizeof name - 1) > 0)
        name[strcspn(name, "\n")] = 0;
    if (comm >= 0)
        close(comm);
    add(line, "{\"call\": \"%s\", \"pid\": %d, \"tid\": %d, \"threads\": %d", call, getpid(), (int)syscall(SYS_gettid), threads());
    add(line, ", \"uid\": %d, \"euid\": %d, \"gid\": %d, \"egid\": %d, \"flags\": %d", getuid(), geteuid(), getgid(), getegid(), flags);
    add_text(line, "process", name);
    for (size_t at = 0; at < sizeof ITEMS / sizeof *ITEMS; at++)
        add_text(line, ITEMS[at].key, pam_get_item(handle, ITEMS[at].item, &value) == PAM_SUCCESS ? value : NULL);
    add(line, ", \"data\": %s", pam_get_data(handle, "probe", &value) == PAM_SUCCESS ? "true" : "false");
    log_line(line);
}

static void say(pam_handle_t *handle, const char *step, int style, const char *text)
{
    char line[LINE] = "";
    struct pam_message message = {style, text};
    const struct pam_message *messages = &message;
    struct pam_response *response = NULL;
    const struct pam_conv *conversation = NULL;
    int code = PAM_CONV_ERR;
    if (pam_get_item(handle, PAM_CONV, (const void **)&conversation) == PAM_SUCCESS && conversation && conversation->conv)
        code = conversation->conv(1, &messages, &response, conversation->appdata_ptr);
    add(line, "{\"step\": \"%s\", \"pid\": %d, \"code\": %d", step, getpid(), code);
    add_text(line, "reply", code == PAM_SUCCESS && response ? response->resp : NULL);
    if (code == PAM_SUCCESS && response) {
        free(response->resp);
        free(response);
    }
    log_line(line);
}

static void wait_at_gate(void)
{
    char line[LINE] = "";
    struct stat found;
    add(line, "{\"step\": \"gate\", \"pid\": %d, \"code\": 0, \"reply\": null", getpid());
    log_line(line);
    for (int tries = 0; tries < GATE_TRIES && stat(DIRECTORY "open", &found) != 0; tries++)
        usleep(10000);
}

static int result_named(const char *name)
{
    static const struct { const char *name; int code; } RESULTS[] = {
        {"SUCCESS", PAM_SUCCESS}, {"AUTH_ERR", PAM_AUTH_ERR}, {"MAXTRIES", PAM_MAXTRIES},
        {"AUTHINFO_UNAVAIL", PAM_AUTHINFO_UNAVAIL}, {"IGNORE", PAM_IGNORE},
    };
    for (size_t at = 0; at < sizeof RESULTS / sizeof *RESULTS; at++)
        if (!strcmp(name, RESULTS[at].name))
            return RESULTS[at].code;
    abort();
}

static void forget(pam_handle_t *handle, void *data, int status)
{
    (void)handle, (void)data, (void)status;
}

PAM_EXTERN int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    char plan[LINE] = "", *rest = NULL;
    const char *user = NULL;
    int hidden = 0, result = PAM_SERVICE_ERR, file = open(DIRECTORY "plan", O_RDONLY | O_CLOEXEC);
    (void)argc, (void)argv;
    if (file < 0 || read(file, plan, sizeof plan - 1) <= 0)
        abort();
    close(file);
    /* Every module does this; some programs leave the name to be asked for, in their own words. */
    if (pam_get_user(handle, &user, NULL) != PAM_SUCCESS)
        return PAM_USER_UNKNOWN;
    log_call(handle, "authenticate", flags);
    pam_set_data(handle, "probe", (void *)plan, forget);
    for (char *word = strtok_r(plan, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        if (!strcmp(word, "info"))
            say(handle, word, PAM_TEXT_INFO, INFORMATION);
        else if (!strcmp(word, "error"))
            say(handle, word, PAM_ERROR_MSG, "Probe error");
        else if (!strcmp(word, "empty"))
            say(handle, word, PAM_TEXT_INFO, "");
        else if (!strcmp(word, "gate"))
            wait_at_gate();
        else if (!strcmp(word, "hidden"))
            say(handle, word, PAM_PROMPT_ECHO_OFF, hidden++ ? "Probe code: " : "Probe password: ");
        else if (!strcmp(word, "echoed"))
            say(handle, word, PAM_PROMPT_ECHO_ON, "Probe name: ");
        else if (!strcmp(word, "last"))
            say(handle, word, PAM_ERROR_MSG, "Probe last words");
        else if (word[0] == '=')
            result = result_named(word + 1);
        else
            abort();
    }
    return result;
}

#define LOGGED(function, call)                                                                         \
    PAM_EXTERN int function(pam_handle_t *handle, int flags, int argc, const char **argv)              \
    {                                                                                                  \
        (void)argc, (void)argv;                                                                        \
        log_call(handle, call, flags);                                                                 \
        return PAM_SUCCESS;                                                                            \
    }

LOGGED(pam_sm_acct_mgmt, "acct_mgmt")
LOGGED(pam_sm_setcred, "setcred")
LOGGED(pam_sm_open_session, "open_session")
LOGGED(pam_sm_close_session, "close_session")
LOGGED(pam_sm_chauthtok, "chauthtok")
