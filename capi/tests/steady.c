/* Makes the given number of attempts, and checks that memory and descriptors do not grow after the
 * first few. */

#define _GNU_SOURCE

#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>

#include "checks.h"

/* Attempts with one pair of transports, before the next is created. */
#define PER_PAIR 10000

struct use {
    size_t bytes;
    int descriptors;
};

static struct use use(void)
{
    DIR *entries = opendir("/proc/self/fd");
    struct use use = {0, 0};

    CHECK(entries != NULL);
    while (readdir(entries) != NULL)
        use.descriptors++;
    CHECK(closedir(entries) == 0);
    use.bytes = mallinfo2().uordblks;
    return use;
}

static long attempt(int code, int expected)
{
    CHECK(code == expected);
    return 1;
}

/* Moves bytes from one transport to another; the reader is woken by the thread, or blocks. */
static long move_bytes(bool by_thread)
{
    struct notes notes = NO_NOTES;
    pollback_transport *reader = NULL, *writer = NULL;
    int fds[2];
    long made = 0;
    size_t count;
    uint8_t bytes[64] = {0};

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(pollback_transport_from_fd(fds[0], by_thread ? note : NULL, &notes, &reader) == 0);
    CHECK(pollback_transport_from_fd(fds[1], NULL, NULL, &writer) == 0);
    while (made < PER_PAIR) {
        made += attempt(pollback_read(reader, bytes, sizeof(bytes), &count), EAGAIN);
        made += attempt(pollback_write(writer, bytes, sizeof(bytes), &count), 0);
        if (by_thread)
            await_note(&notes, POLLBACK_READABLE);
        else
            CHECK(pollback_transport_wait(reader, POLLBACK_READABLE, -1) == POLLBACK_READABLE);
        made += attempt(pollback_read(reader, bytes, sizeof(bytes), &count), 0);
        CHECK(count == sizeof(bytes));
    }
    pollback_transport_free(writer);
    made += attempt(pollback_read(reader, bytes, 1, &count), 0);
    CHECK(count == 0);
    pollback_transport_free(reader);
    return made;
}

/* Executes the program again without malloc's per-thread cache: malloc counts the cached chunks as
 * in use, and which ones it caches depends on the sizes that were freed last. */
static void count_chunks_exactly(char **argv)
{
    const char *exact = "glibc.malloc.tcache_count=0";
    const char *now = getenv("GLIBC_TUNABLES");

    if (now != NULL && strcmp(now, exact) == 0)
        return;
    CHECK(setenv("GLIBC_TUNABLES", exact, 1) == 0);
    execv("/proc/self/exe", argv);
    CHECK(!"the program starts again");
}

int main(int argc, char **argv)
{
    long wanted, made = 0;
    struct use before, after;

    CHECK(argc == 2);
    count_chunks_exactly(argv);
    wanted = atol(argv[1]);
    for (int i = 0; i < 4; i++)
        move_bytes(i % 2 == 0);
    before = use();
    /* One pair in two hundred uses the thread, which is slower. */
    for (int i = 0; made < wanted; i++)
        made += move_bytes(i % 200 == 0);
    after = use();
    printf("%ld attempts: %zu bytes and %d descriptors before, %zu and %d after\n", made,
           before.bytes, before.descriptors, after.bytes, after.descriptors);
    CHECK(after.bytes == before.bytes && after.descriptors == before.descriptors);
    return 0;
}
