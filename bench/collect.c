/* Reads many sockets and counts the stamps in what arrives; knows no protocol and sends nothing.
 *
 * A stamp is "@t=" and 16 digits: microseconds of CLOCK_MONOTONIC. In C, because one core of Python
 * reads less than the fastest of the servers writes. Compiled and called by fanout_load.py.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE (1 << 18)
#define STAMP 19
#define BUCKETS 100000 /* of 100 microseconds */

static char buffer[SIZE + STAMP]; /* one thread */

int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int64_t number(const char *digits) {
    int64_t value = 0;
    for (int i = 0; i < 16; i++) value = value * 10 + (digits[i] - '0');
    return value;
}

typedef struct {
    char bytes[STAMP];
    int length;
} carry;

/* Count the stamps of one chunk that follows what was carried over; sets what to carry over. */
static int64_t scan(char *data, int length, carry *rest, int64_t now, int64_t *histogram) {
    int64_t found = 0;
    char *end = data + length, *at = data;
    rest->length = 0;
    while ((at = memchr(at, '@', end - at)) != NULL) {
        if (end - at < STAMP) {
            rest->length = end - at;
            memcpy(rest->bytes, at, rest->length);
            break;
        }
        if (at[1] == 't' && at[2] == '=') {
            int64_t bucket = (now - number(at + 3)) / 100;
            histogram[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1]++;
            found++;
        }
        at++;
    }
    return found;
}

/* Read until `expected` stamps have come or `deadline` has passed; gives how many came.
 * `last` becomes the time of the last one. Carries are kept by the caller. */
int64_t collect(const int *fds, carry *carries, int count, int64_t expected, int64_t deadline,
                int64_t *histogram, int64_t *last) {
    struct epoll_event event, events[256];
    int64_t total = 0;
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        event.events = EPOLLIN;
        event.data.u32 = i;
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
    }
    while (total < expected && now_us() < deadline) {
        int ready = epoll_wait(poll, events, 256, 20);
        for (int i = 0; i < ready; i++) {
            int which = events[i].data.u32;
            carry *rest = &carries[which];
            memcpy(buffer, rest->bytes, rest->length);
            ssize_t got = recv(fds[which], buffer + rest->length, SIZE, MSG_DONTWAIT);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                epoll_ctl(poll, EPOLL_CTL_DEL, fds[which], NULL);
                continue;
            }
            int64_t now = now_us();
            int64_t found = scan(buffer, rest->length + got, rest, now, histogram);
            if (found) *last = now;
            total += found;
        }
    }
    close(poll);
    return total;
}
