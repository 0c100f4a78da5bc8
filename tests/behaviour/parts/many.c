/* Logs in again and again, in one process that loads the module anew each time.
 *
 *   many SERVICE EVERY USER...
 *
 * Each line of standard input is one moment: the time, and each user's code at that time, separated by blanks. The main
 * thread logs in a single user; several are logged in at once, each by a thread of its own. After every EVERY lines the
 * program prints its resources: `accepted N descriptors N mappings N threads N heap OCTETS resident KIB`.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 16 };

static const char *service;
static char **users;
static int count, clock_file;
static char codes[MOST][9];
static long accepted[MOST];
static pthread_barrier_t begin, end;

static int converse(int number, const struct pam_message **messages, struct pam_response **responses, void *code)
{
    struct pam_response *answers = calloc(number, sizeof *answers);
    for (int at = 0; at < number; at++)
        if (messages[at]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[at].resp = strdup(code);
    *responses = answers;
    return PAM_SUCCESS;
}

static void do_not_wait(int result, unsigned microseconds, void *data)
{
    (void)result, (void)microseconds, (void)data;
}

static void log_in(int which)
{
    struct pam_conv conversation = {converse, codes[which]};
    pam_handle_t *handle;
    if (pam_start(service, users[which], &conversation, &handle) != PAM_SUCCESS)
        abort();
    pam_set_item(handle, PAM_FAIL_DELAY, (const void *)do_not_wait);
    int result = pam_authenticate(handle, 0);
    if (result == PAM_SUCCESS)
        result = pam_setcred(handle, PAM_ESTABLISH_CRED);
    accepted[which] += result == PAM_SUCCESS;
    pam_end(handle, result);
}

static void *one_of_several(void *which)
{
    for (;;) {
        pthread_barrier_wait(&begin);
        log_in((int)(long)which);
        pthread_barrier_wait(&end);
    }
    return NULL;
}

static long lines_of(const char *path)
{
    FILE *file = fopen(path, "re");
    long lines = 0;
    for (int byte; (byte = getc(file)) != EOF;)
        lines += byte == '\n';
    fclose(file);
    return lines;
}

static long entries_of(const char *path)
{
    DIR *directory = opendir(path);
    long entries = 0;
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries;
}

static void report(void)
{
    long resident, all = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (fscanf(file, "%*d %ld", &resident) != 1)
        abort();
    fclose(file);
    for (int at = 0; at < count; at++)
        all += accepted[at];
    printf("accepted %ld descriptors %ld mappings %ld threads %ld heap %zu resident %ld\n", all, entries_of("/proc/self/fd"),
           lines_of("/proc/self/maps"), entries_of("/proc/self/task"), mallinfo2().uordblks,
           resident * sysconf(_SC_PAGESIZE) / 1024);
    fflush(stdout);
}

static void read_codes(char *line)
{
    char *rest = line;
    long long now = atoll(strsep(&rest, " \n"));
    if (pwrite(clock_file, &now, sizeof now, 0) != sizeof now)
        abort();
    for (int at = 0; at < count; at++)
        snprintf(codes[at], sizeof codes[at], "%s", strsep(&rest, " \n"));
}

int main(int given, char **words)
{
    static char line[MOST * 9 + 24];
    long every = given > 3 ? atol(words[2]) : 0, lines = 0;
    service = words[1];
    users = words + 3;
    count = given - 3;
    clock_file = open("/run/pam_otp-tests/now", O_WRONLY | O_CLOEXEC);
    if (every == 0 || count > MOST || clock_file < 0)
        return 2;
    if (count > 1) {
        pthread_barrier_init(&begin, NULL, count + 1);
        pthread_barrier_init(&end, NULL, count + 1);
        for (long at = 0; at < count; at++) {
            pthread_t thread;
            if (pthread_create(&thread, NULL, one_of_several, (void *)at) != 0)
                return 2;
        }
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        read_codes(line);
        if (count == 1) {
            log_in(0);
        } else {
            pthread_barrier_wait(&begin);
            pthread_barrier_wait(&end);
        }
        if (++lines % every == 0)
            report();
    }
    return 0;
}
