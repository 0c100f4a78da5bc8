/* The switch between the machines of a fleet: a frame that comes in at one port goes out at another, later, or never.
 *
 *   wire PORT...          names of interfaces of this network namespace; the first is number 0
 *
 * This is a program and not tc's netem, which is not in every kernel. The last octet of a hardware address is the number of the
 * port behind which the machine is. Orders come on standard input, one a line; `ok` answers each:
 *
 *   delay MICROSECONDS [A B]
 *                         from now on, every frame takes this long from one port to another, or between these two
 *   loss PER_MILLE        this many of a thousand frames get lost
 *   cut A B               nothing goes between these two any more, in either direction
 *   heal                  everything goes everywhere, at once
 *
 * Ends with its standard input. Frames are taken with the header that says which work is left to do on them (checksums,
 * segments), so that they are as large as the frames that the kernel passes between two interfaces of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PORTS 64
#define LARGEST 70000
#define HEADER 10 /* of virtio_net, which stands before each frame */

struct frame {
    long long due;
    unsigned long number;
    int to;
    size_t length;
    unsigned char octets[];
};

static int port[PORTS], ports;
static unsigned char cut[PORTS][PORTS];
static long long delays[PORTS][PORTS];
static unsigned loss;
static struct frame **waiting;
static size_t waits, room;
static unsigned long numbers;
static int timer;
static char input[4096];
static size_t input_length;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int open_port(const char *name)
{
    int on = 1, size = 8 << 20;
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int opened = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sll_ifindex = if_nametoindex(name);
    if (opened < 0 || address.sll_ifindex == 0)
        fail(name);
    if (setsockopt(opened, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
        setsockopt(opened, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
        fail("setsockopt");
    (void)setsockopt(opened, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    (void)setsockopt(opened, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    if (bind(opened, (struct sockaddr *)&address, sizeof address) != 0)
        fail("bind");
    return opened;
}

static int before(const struct frame *one, const struct frame *other)
{
    return one->due != other->due ? one->due < other->due : one->number < other->number;
}

static void swap(size_t one, size_t other)
{
    struct frame *kept = waiting[one];
    waiting[one] = waiting[other];
    waiting[other] = kept;
}

static void push(struct frame *frame)
{
    size_t at = waits++;
    if (waits > room) {
        room = room ? 2 * room : 1024;
        waiting = realloc(waiting, room * sizeof *waiting);
        if (waiting == NULL)
            fail("memory");
    }
    waiting[at] = frame;
    for (; at > 0 && before(waiting[at], waiting[(at - 1) / 2]); at = (at - 1) / 2)
        swap(at, (at - 1) / 2);
}

static struct frame *pop(void)
{
    struct frame *first = waiting[0];
    size_t at = 0, child;
    waiting[0] = waiting[--waits];
    while ((child = 2 * at + 1) < waits) {
        if (child + 1 < waits && before(waiting[child + 1], waiting[child]))
            child++;
        if (!before(waiting[child], waiting[at]))
            break;
        swap(at, child);
        at = child;
    }
    return first;
}

/* A frame for which the kernel has no room is lost, as it would be on any wire. */
static void hand_on(int to, const unsigned char *octets, size_t length)
{
    (void)!write(port[to], octets, length);
}

static void send_to(int from, int to, const unsigned char *octets, size_t length)
{
    struct frame *frame;
    if (to == from || to >= ports || cut[from][to] || (loss != 0 && (unsigned)(random() % 1000) < loss))
        return;
    if (delays[from][to] == 0) {
        hand_on(to, octets, length);
        return;
    }
    frame = malloc(sizeof *frame + length);
    if (frame == NULL)
        fail("memory");
    frame->due = now() + delays[from][to];
    frame->number = numbers++;
    frame->to = to;
    frame->length = length;
    memcpy(frame->octets, octets, length);
    push(frame);
}

static void take_from(int from)
{
    static unsigned char octets[LARGEST];
    for (int taken = 0; taken < 64; taken++) {
        ssize_t length = read(port[from], octets, sizeof octets);
        if (length < HEADER + 14)
            return;
        if (octets[HEADER] & 1) {
            for (int to = 0; to < ports; to++)
                send_to(from, to, octets, length);
        } else {
            send_to(from, octets[HEADER + 5], octets, length);
        }
    }
}

static void hand_on_what_is_due(void)
{
    struct itimerspec when = {0};
    long long time = now();
    while (waits > 0 && waiting[0]->due <= time) {
        struct frame *frame = pop();
        hand_on(frame->to, frame->octets, frame->length);
        free(frame);
    }
    if (waits > 0) {
        when.it_value.tv_sec = waiting[0]->due / 1000000000LL;
        when.it_value.tv_nsec = waiting[0]->due % 1000000000LL;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void obey(char *line)
{
    long long number;
    unsigned one, other;
    int read = sscanf(line, "delay %lld %u %u", &number, &one, &other);
    if (read == 3 && one < PORTS && other < PORTS) {
        delays[one][other] = delays[other][one] = number * 1000;
    } else if (read == 1) {
        for (int from = 0; from < PORTS; from++)
            for (int to = 0; to < PORTS; to++)
                delays[from][to] = number * 1000;
    } else if (sscanf(line, "loss %u", &one) == 1) {
        loss = one;
    } else if (sscanf(line, "cut %u %u", &one, &other) == 2 && one < PORTS && other < PORTS) {
        cut[one][other] = cut[other][one] = 1;
    } else if (strcmp(line, "heal") == 0) {
        memset(cut, 0, sizeof cut);
    } else {
        fprintf(stderr, "wire: unknown order: %s\n", line);
        exit(1);
    }
    (void)!write(STDOUT_FILENO, "ok\n", 3);
}

static void listen_to_commands(void)
{
    char *end;
    ssize_t got = read(STDIN_FILENO, input + input_length, sizeof input - 1 - input_length);
    if (got <= 0)
        exit(0);
    input_length += got;
    while ((end = memchr(input, '\n', input_length)) != NULL) {
        *end = '\0';
        obey(input);
        input_length -= end + 1 - input;
        memmove(input, end + 1, input_length);
    }
}

static void watch(int epoll, int file, int number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event) != 0)
        fail("epoll_ctl");
}

int main(int count, char **names)
{
    struct epoll_event events[PORTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    ports = count - 1;
    if (ports < 1 || ports > PORTS - 2)
        fail("wire PORT...");
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    srandom(1);
    for (int at = 0; at < ports; at++) {
        port[at] = open_port(names[at + 1]);
        watch(epoll, port[at], at);
    }
    watch(epoll, STDIN_FILENO, PORTS);
    watch(epoll, timer, PORTS + 1);
    (void)!write(STDOUT_FILENO, "ok\n", 3);
    for (;;) {
        int ready = epoll_wait(epoll, events, PORTS, -1);
        if (ready < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int at = 0; at < ready; at++) {
            if (events[at].data.u32 < PORTS)
                take_from(events[at].data.u32);
            else if (events[at].data.u32 == PORTS)
                listen_to_commands();
        }
        hand_on_what_is_due();
    }
}
