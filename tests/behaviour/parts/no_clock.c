/* Preloaded into a program, makes the monotonic clock fail, at which Rust's standard library panics. Nothing else that a
 * program can do makes the module panic.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int (*next)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (clock == CLOCK_MONOTONIC) {
        errno = EINVAL;
        return -1;
    }
    return next(clock, time);
}
