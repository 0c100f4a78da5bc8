/* A program with threads, one of which logs a user in and is cancelled meanwhile.
 *
 *   canceller SERVICE USER REPLY
 *
 * The cancellation is requested while the module waits for the reply. The program prints that it itself went on.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **words;

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
    struct pam_response *answers = calloc(count, sizeof *answers);
    (void)data;
    for (int at = 0; at < count; at++)
        if (messages[at]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[at].resp = strdup(words[3]);
    *responses = answers;
    pthread_cancel(pthread_self());
    /* Here, inside the module's question, a cancellable thread would end. */
    pthread_testcancel();
    return PAM_SUCCESS;
}

static void do_not_wait(int result, unsigned microseconds, void *data)
{
    (void)result, (void)microseconds, (void)data;
}

static void *log_in(void *data)
{
    struct pam_conv conversation = {converse, NULL};
    pam_handle_t *handle;
    (void)data;
    if (pam_start(words[1], words[2], &conversation, &handle) == PAM_SUCCESS) {
        pam_set_item(handle, PAM_FAIL_DELAY, (const void *)do_not_wait);
        pam_authenticate(handle, 0);
    }
    pthread_testcancel();
    return NULL;
}

int main(int count, char **given)
{
    pthread_t thread;
    void *result;
    words = given;
    if (count != 4 || pthread_create(&thread, NULL, log_in, NULL) != 0 || pthread_join(thread, &result) != 0)
        return 1;
    printf("%s, and the program goes on\n", result == PTHREAD_CANCELED ? "cancelled" : "ended");
    return 0;
}
