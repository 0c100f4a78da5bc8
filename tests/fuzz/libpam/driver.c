/* Asks libpam for the result of a service's account lines, for tests/libpam.rs.
 *
 *     driver
 *
 * reads lines "DIRECTORY ANSWERS SEED" from standard input. It plays the service "svc" of that directory ANSWERS times, each time
 * with other answers of its modules, which are all marker.so under several names. One line comes back for each:
 *
 *     called=0|1 passed=0|1 opens=0|1
 *
 * called: in some run libpam called pam_otp.so. passed: in some run libpam let the user in, although pam_otp.so refused
 * whenever it was asked. opens: in some run libpam let the user in when pam_otp.so lets everybody in. Nothing is logged or audited.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test must leave the system's log and audit alone. */
void syslog(int priority, const char *format, ...) { (void) priority; (void) format; }
void vsyslog(int priority, const char *format, va_list list) { (void) priority; (void) format; (void) list; }
void __syslog_chk(int priority, int flag, const char *format, ...) { (void) priority; (void) flag; (void) format; }
void __vsyslog_chk(int priority, int flag, const char *format, va_list list)
{
    (void) priority; (void) flag; (void) format; (void) list;
}
int audit_open(void) { errno = EPROTONOSUPPORT; return -1; }

static uint64_t random_state;
static unsigned run;
static int called, lets_in;

static unsigned below(unsigned end)
{
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (unsigned) ((z ^ (z >> 31)) % end);
}

/* Returns the answer of a module; marker.so calls this. */
int marker_answer(const char *path)
{
    static const int refusals[] = {PAM_AUTH_ERR, PAM_MAXTRIES, PAM_AUTHINFO_UNAVAIL, PAM_PERM_DENIED};
    static const int answers[] = {
        PAM_SUCCESS, PAM_SUCCESS, PAM_SUCCESS, PAM_IGNORE, PAM_AUTH_ERR, PAM_NEW_AUTHTOK_REQD, PAM_ACCT_EXPIRED,
        PAM_USER_UNKNOWN, PAM_PERM_DENIED, PAM_SERVICE_ERR, PAM_OPEN_ERR, PAM_AUTHINFO_UNAVAIL,
    };
    const char *name = strrchr(path, '/');
    if (name != NULL && strcmp(name, "/pam_otp.so") == 0) {
        called = 1;
        return lets_in ? PAM_SUCCESS : refusals[below(4)];
    }
    switch (run) {
    case 0: return PAM_SUCCESS;
    case 1: return PAM_IGNORE;
    case 2: return PAM_NEW_AUTHTOK_REQD;
    default: return answers[below(sizeof answers / sizeof *answers)];
    }
}

static int nothing(int count, const struct pam_message **messages, struct pam_response **replies, void *data)
{
    (void) count; (void) messages; (void) replies; (void) data;
    return PAM_CONV_ERR;
}

int main(void)
{
    const struct pam_conv conversation = {nothing, NULL};
    char directory[512];
    unsigned answers;
    unsigned long long seed;
    while (scanf("%511s %u %llu", directory, &answers, &seed) == 3) {
        int passed[2] = {0, 0};
        called = 0;
        random_state = seed;
        for (run = 0; run < answers; run++) {
            for (lets_in = 0; lets_in < 2; lets_in++) {
                pam_handle_t *handle = NULL;
                int result = pam_start_confdir("svc", "nobody", &conversation, directory, &handle);
                if (result == PAM_SUCCESS) {
                    result = pam_acct_mgmt(handle, 0);
                    passed[lets_in] |= result == PAM_SUCCESS;
                }
                if (handle != NULL)
                    pam_end(handle, result);
            }
        }
        printf("called=%d passed=%d opens=%d\n", called, passed[0], passed[1]);
        fflush(stdout);
    }
    return 0;
}
