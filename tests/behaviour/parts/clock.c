/* The clock that PAM programs see, preloaded into every program of the namespace: see clock.py.
 *
 * The time is one number in a mapped file, so that reading it needs no call, no descriptor and no variable: a setgid helper
 * with an empty environment and a user's RLIMIT_NOFILE sees it as well as sshd does. Only the time of day differs; timeouts
 * (the monotonic clock) stay real.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *now;
static int (*real_clock)(clockid_t, struct timespec *);

/* Maps the clock, or aborts: a program without it would run at another time than the test. */
__attribute__((constructor)) static void look(void)
{
    if (real_clock != NULL)
        return;
    int file = open("/run/pam_otp-tests/now", O_RDONLY | O_CLOEXEC);
    const void *mapped = mmap(NULL, sizeof *now, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        abort();
    close(file);
    if (secure_getenv("REAL_TIME") == NULL)
        now = mapped;
    real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (real_clock == NULL)
        abort();
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    look();
    if (now == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return real_clock(clock, time);
    *time = (struct timespec){.tv_sec = *now};
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return -1;
    *time = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *result)
{
    struct timespec precise = {0};
    clock_gettime(CLOCK_REALTIME, &precise);
    if (result != NULL)
        *result = precise.tv_sec;
    return precise.tv_sec;
}
