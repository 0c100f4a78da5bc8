/* A module whose answer the driver chooses, by the name of the module's file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <security/pam_modules.h>

extern int marker_answer(const char *path);

int pam_sm_acct_mgmt(pam_handle_t *handle, int flags, int argc, const char **argv)
{
    Dl_info here;
    (void) handle; (void) flags; (void) argc; (void) argv;
    if (dladdr((void *) pam_sm_acct_mgmt, &here) == 0)
        return PAM_SYSTEM_ERR;
    return marker_answer(here.dli_fname);
}
