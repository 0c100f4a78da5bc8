/* A module that gives the answers of the test; the program around it knows them. */
#include <security/pam_modules.h>

extern int told_answer(int argc, const char **argv);

int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    (void) handle; (void) flags;
    return told_answer(argc, argv);
}

int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    (void) handle; (void) flags;
    return told_answer(argc, argv);
}

int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    (void) handle; (void) flags; (void) argc; (void) argv;
    return PAM_SUCCESS;
}
