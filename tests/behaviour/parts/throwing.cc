/* A C++ program with an unwinder of its own beside the module's. It throws and catches exceptions before a login, inside its
 * question, and after it.
 *
 *   throwing SERVICE USER REPLY
 *
 * The program prints the PAM code, and how many exceptions it caught.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <security/pam_appl.h>
#include <stdexcept>
#include <string>

static int caught;

[[gnu::noinline]] static void deeper(int depth)
{
    std::string made_on_the_way(64, 'x');
    if (depth == 0)
        throw std::runtime_error(made_on_the_way);
    deeper(depth - 1);
}

static void throw_and_catch()
{
    try {
        deeper(5);
    } catch (const std::exception &) {
        caught++;
    }
}

static int converse(int count, const pam_message **messages, pam_response **responses, void *data)
{
    auto *answers = static_cast<pam_response *>(calloc(count, sizeof(pam_response)));
    throw_and_catch();
    for (int at = 0; at < count; at++)
        if (messages[at]->msg_style == PAM_PROMPT_ECHO_OFF)
            answers[at].resp = strdup(static_cast<const char *>(data));
    *responses = answers;
    return PAM_SUCCESS;
}

static void do_not_wait(int, unsigned, void *) {}

int main(int count, char **words)
{
    if (count != 4)
        return 1;
    pam_conv conversation = {converse, words[3]};
    pam_handle_t *handle;
    throw_and_catch();
    if (pam_start(words[1], words[2], &conversation, &handle) != PAM_SUCCESS)
        return 1;
    pam_set_item(handle, PAM_FAIL_DELAY, reinterpret_cast<const void *>(do_not_wait));
    int result = pam_authenticate(handle, 0);
    throw_and_catch();
    pam_end(handle, result);
    throw_and_catch();
    std::printf("%d, %d caught\n", result, caught);
    return 0;
}
