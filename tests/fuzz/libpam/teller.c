/* Asks libpam for the result of a login whose modules give the answers of the test, for tests/doctor.rs.
 *
 *     teller
 *
 * reads lines "DIRECTORY auth|account ANSWER..." from standard input, and plays the service "svc" of that directory once.
 * Each line of its files calls told.so, under some name, with an argument "id=N". When it is called for the T-th time in this
 * login (from 0), it gives the answer at place N * 4 + T. One line comes back for each:
 *
 *     0|1 N...
 *
 * The first number says whether libpam let the user in; the others are the ids, in the order in which their modules were called.
 * Nothing is logged or audited.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS 64
#define TIMES 4
#define MOST 4096

/* A test must leave the system's log and audit alone. */
void syslog(int priority, const char *format, ...) { (void) priority; (void) format; }
void vsyslog(int priority, const char *format, va_list list) { (void) priority; (void) format; (void) list; }
void __syslog_chk(int priority, int flag, const char *format, ...) { (void) priority; (void) flag; (void) format; }
void __vsyslog_chk(int priority, int flag, const char *format, va_list list)
{
    (void) priority; (void) flag; (void) format; (void) list;
}
int audit_open(void) { errno = EPROTONOSUPPORT; return -1; }

static int answers[IDS * TIMES], times[IDS], called[MOST], calls;

/* Returns the answer of a module; told.so calls this. */
int told_answer(int argc, const char **argv)
{
    for (int i = 0; i < argc; i++) {
        int id = -1;
        if (sscanf(argv[i], "id=%d", &id) == 1 && id >= 0 && id < IDS && calls < MOST && times[id] < TIMES) {
            called[calls++] = id;
            return answers[id * TIMES + times[id]++];
        }
    }
    fprintf(stderr, "teller: a module without an id, or called too often\n");
    exit(2);
}

static int nothing(int count, const struct pam_message **messages, struct pam_response **replies, void *data)
{
    (void) count; (void) messages; (void) replies; (void) data;
    return PAM_CONV_ERR;
}

int main(void)
{
    const struct pam_conv conversation = {nothing, NULL};
    char directory[512], phase[16];
    while (scanf("%511s %15s", directory, phase) == 2) {
        pam_handle_t *handle = NULL;
        int result;
        memset(times, 0, sizeof times);
        calls = 0;
        for (int i = 0; i < IDS * TIMES; i++)
            if (scanf("%d", &answers[i]) != 1)
                return 2;
        result = pam_start_confdir("svc", "nobody", &conversation, directory, &handle);
        if (result == PAM_SUCCESS)
            result = strcmp(phase, "auth") == 0 ? pam_authenticate(handle, 0) : pam_acct_mgmt(handle, 0);
        if (handle != NULL)
            pam_end(handle, result);
        printf("%d", result == PAM_SUCCESS);
        for (int i = 0; i < calls; i++)
            printf(" %d", called[i]);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
