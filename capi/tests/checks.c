/* Uses transports as a C program does, and exits with 1 at the first failed check. */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>

#include "checks.h"

/* Compiles only if the types are those of rustls.h. */
static const rustls_read_callback READ = pollback_read;
static const rustls_write_callback WRITE = pollback_write;
static const rustls_write_vectored_callback WRITE_VECTORED = pollback_write_vectored;

/* The flags of a descriptor and of its socket. */
static int flags(int fd)
{
    return fcntl(fd, F_GETFD) << 16 | fcntl(fd, F_GETFL);
}

/* A rejected descriptor is not changed, and the caller still owns it. */
static void check_refusal(int fd, int reason)
{
    pollback_transport *transport = NULL;
    int before = flags(fd);

    CHECK(pollback_transport_from_fd(fd, NULL, NULL, &transport) == reason);
    CHECK(transport == NULL);
    CHECK(pollback_transport_from_fd(fd, NULL, NULL, NULL) == EINVAL);
    CHECK(flags(fd) == before);
}

/* How many transports there are at the same time. */
#define MANY 64

static volatile sig_atomic_t signals;

static void check_making(void)
{
    pollback_transport *transport = NULL;
    int fds[2];

    check_refusal(-1, EBADF);
    CHECK(pipe(fds) == 0);
    check_refusal(fds[0], ENOTSOCK);
    CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
    check_refusal(fds[0], EBADF);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
    check_refusal(fds[0], EPROTOTYPE);
    CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);

    transport = open_transport(&fds[1], NULL, NULL);
    fds[0] = pollback_transport_fd(transport);
    check_refusal(fds[0], EEXIST);
    pass_byte(transport, fds[1]);
    /* The socket is not made non-blocking: another process may share it. */
    CHECK((fcntl(fds[0], F_GETFL) & O_NONBLOCK) == 0);
    CHECK((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    pollback_transport_free(transport);
    /* The transport has closed its descriptor, and the number can be used again. */
    CHECK(read(fds[1], fds, 1) == 0);
    CHECK(close(fds[1]) == 0);
    transport = open_transport(&fds[1], NULL, NULL);
    CHECK(pollback_transport_fd(transport) == fds[0]);
    pollback_transport_free(transport);
    CHECK(close(fds[1]) == 0);
    pollback_transport_free(NULL);
}

static void check_wait_arguments(const pollback_transport *transport, int directions)
{
    errno = 0;
    CHECK(pollback_transport_wait(transport, directions, 0) == -1 && errno == EINVAL);
}

static void check_arguments(void)
{
    uint8_t bytes[4] = {0};
    struct iovec whole = {bytes, sizeof(bytes)}, nowhere = {NULL, 1};
    const rustls_iovec *iov = (const rustls_iovec *)&whole;
    size_t count = UNSET;
    int peer;
    pollback_transport *transport = open_transport(&peer, NULL, NULL);

    CHECK(READ(NULL, bytes, 4, &count) == EINVAL);
    CHECK(READ(transport, NULL, 4, &count) == EINVAL);
    CHECK(READ(transport, bytes, 4, NULL) == EINVAL);
    CHECK(WRITE(NULL, bytes, 4, &count) == EINVAL);
    CHECK(WRITE(transport, NULL, 4, &count) == EINVAL);
    CHECK(WRITE(transport, bytes, 4, NULL) == EINVAL);
    CHECK(WRITE_VECTORED(NULL, iov, 1, &count) == EINVAL);
    CHECK(WRITE_VECTORED(transport, NULL, 1, &count) == EINVAL);
    CHECK(WRITE_VECTORED(transport, iov, 1, NULL) == EINVAL);
    CHECK(WRITE_VECTORED(transport, (const rustls_iovec *)&nowhere, 1, &count) == EINVAL);
    CHECK(count == UNSET);

    CHECK(READ(transport, NULL, 0, &count) == 0 && count == 0);
    CHECK(WRITE(transport, NULL, 0, &count) == 0 && count == 0);
    CHECK(WRITE_VECTORED(transport, NULL, 0, &count) == 0 && count == 0);

    check_wait_arguments(NULL, POLLBACK_READABLE);
    check_wait_arguments(transport, 0);
    check_wait_arguments(transport, POLLBACK_RESTART);
    check_wait_arguments(transport, 8 | POLLBACK_READABLE);
    check_wait_arguments(transport, -1);
    errno = 0;
    CHECK(pollback_transport_fd(NULL) == -1 && errno == EINVAL);
    errno = 0;
    CHECK(pollback_transport_interest(NULL) == -1 && errno == EINVAL);
    CHECK(pollback_transport_last_error(NULL, NULL, 0) == 0);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

static void check_reading(void)
{
    struct notes notes = NO_NOTES;
    uint8_t room[8];
    size_t count = UNSET;
    int peer;
    pollback_transport *transport = open_transport(&peer, note, &notes);

    CHECK(pollback_transport_interest(transport) == 0);
    CHECK(READ(transport, room, sizeof(room), &count) == EAGAIN && count == UNSET);
    CHECK(pollback_transport_interest(transport) == POLLBACK_READABLE);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, 0) == 0);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, 10) == 0);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE | POLLBACK_WRITABLE, -1) ==
          POLLBACK_WRITABLE);

    CHECK(write(peer, "abc", 3) == 3);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == POLLBACK_READABLE);
    await_note(&notes, POLLBACK_READABLE);
    CHECK(READ(transport, room, 2, &count) == 0 && count == 2 && memcmp(room, "ab", 2) == 0);
    CHECK(pollback_transport_interest(transport) == 0);
    CHECK(READ(transport, room, 2, &count) == 0 && count == 1 && room[0] == 'c');

    /* The end of the stream wakes a reader, too. */
    CHECK(READ(transport, room, 2, &count) == EAGAIN);
    CHECK(shutdown(peer, SHUT_WR) == 0);
    await_note(&notes, POLLBACK_READABLE);
    CHECK(READ(transport, room, 2, &count) == 0 && count == 0);
    CHECK(READ(transport, room, 2, &count) == 0 && count == 0);
    CHECK(pollback_transport_last_error(transport, NULL, 0) == 0);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

static void check_writing(void)
{
    static uint8_t drained[1 << 20];
    struct notes notes = NO_NOTES;
    char first[] = "ab", second[] = "c";
    struct iovec parts[4] = {{NULL, 0}, {first, 2}, {NULL, 0}, {second, 1}};
    uint8_t received[8];
    size_t count = UNSET, total = 0;
    int peer, code;
    pollback_transport *transport = open_transport(&peer, note, &notes);

    CHECK(WRITE_VECTORED(transport, (const rustls_iovec *)parts, 4, &count) == 0 && count == 3);
    CHECK(WRITE(transport, (const uint8_t *)"de", 2, &count) == 0 && count == 2);
    CHECK(read(peer, received, sizeof(received)) == 5 && memcmp(received, "abcde", 5) == 0);

    while ((code = WRITE(transport, drained, sizeof(drained), &count)) == 0)
        total += count;
    CHECK(code == EAGAIN && total > 0);
    CHECK(pollback_transport_interest(transport) == POLLBACK_WRITABLE);
    block_reading(transport);
    CHECK(pollback_transport_interest(transport) == (POLLBACK_READABLE | POLLBACK_WRITABLE));
    CHECK(pollback_transport_wait(transport, POLLBACK_WRITABLE, 0) == 0);
    while (total > 0) {
        ssize_t taken = read(peer, drained, sizeof(drained));
        CHECK(taken > 0);
        total -= (size_t)taken;
    }
    CHECK(pollback_transport_wait(transport, POLLBACK_WRITABLE, -1) == POLLBACK_WRITABLE);
    await_note(&notes, POLLBACK_WRITABLE);
    CHECK(WRITE(transport, drained, 1, &count) == 0 && count == 1);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* Writes fail when the peer is gone, and raise no SIGPIPE, which would kill the program. */
static void check_broken_pipe(void (*disposition)(int))
{
    struct iovec part = {"x", 1};
    char message[64], begin[7];
    size_t count = UNSET, length;
    sigset_t pending;
    int peer;
    pollback_transport *transport = open_transport(&peer, NULL, NULL);

    CHECK(signal(SIGPIPE, disposition) != SIG_ERR);
    CHECK(close(peer) == 0);
    CHECK(WRITE(transport, (const uint8_t *)"x", 1, &count) == EPIPE);
    CHECK(WRITE_VECTORED(transport, (const rustls_iovec *)&part, 1, &count) == EPIPE);
    CHECK(count == UNSET);
    CHECK(signals == 0 && sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));

    length = pollback_transport_last_error(transport, message, sizeof(message));
    CHECK(length == strlen(message) && strncmp(message, "Broken pipe", 11) == 0);
    CHECK(pollback_transport_last_error(transport, begin, sizeof(begin)) == length);
    CHECK(strcmp(begin, "Broken") == 0);
    CHECK(pollback_transport_last_error(transport, NULL, 0) == length);
    pollback_transport_free(transport);
}

static void check_reset(void)
{
    uint8_t byte = 'x';
    size_t count = UNSET;
    int peer;
    struct notes notes = NO_NOTES;
    pollback_transport *transport = open_transport(&peer, note, &notes);

    block_reading(transport);
    CHECK(WRITE(transport, &byte, 1, &count) == 0);
    count = UNSET;
    /* Since the peer has unread bytes, its close causes a reset. */
    CHECK(close(peer) == 0);
    await_note(&notes, POLLBACK_READABLE);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == POLLBACK_READABLE);
    CHECK(READ(transport, &byte, 1, &count) == ECONNRESET && count == UNSET);
    pollback_transport_free(transport);
}

struct crowd {
    pollback_transport *transport;
    pthread_mutex_t mutex;
    bool seen;
};

/* Writes until two threads have made an attempt at the same time. */
static void *crowd(void *argument)
{
    static const uint8_t bytes[1 << 16];
    struct crowd *crowd = argument;
    bool seen = false;

    while (!seen) {
        size_t count;
        int code = WRITE(crowd->transport, bytes, sizeof(bytes), &count);

        CHECK(code == 0 || code == EAGAIN || code == EBUSY);
        pthread_mutex_lock(&crowd->mutex);
        seen = crowd->seen |= code == EBUSY;
        pthread_mutex_unlock(&crowd->mutex);
    }
    return NULL;
}

static void check_one_attempt_at_a_time(void)
{
    int peer;
    struct crowd both = {open_transport(&peer, NULL, NULL), PTHREAD_MUTEX_INITIALIZER, false};
    pthread_t other;

    CHECK(pthread_create(&other, NULL, crowd, &both) == 0);
    crowd(&both);
    CHECK(pthread_join(other, NULL) == 0);
    pollback_transport_free(both.transport);
    CHECK(close(peer) == 0);
}

/* Transports that are created and freed at the same time share the thread that watches them. */
static void check_many(void)
{
    pollback_transport *transports[MANY];
    struct notes notes[MANY];
    int peers[MANY];
    size_t count;
    uint8_t byte;

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < MANY; i++) {
            notes[i] = (struct notes)NO_NOTES;
            transports[i] = open_transport(&peers[i], note, &notes[i]);
            block_reading(transports[i]);
        }
        for (int i = 0; i < MANY; i += 2)
            pollback_transport_free(transports[i]);
        for (int i = 1; i < MANY; i += 2) {
            CHECK(write(peers[i], "x", 1) == 1);
            await_note(&notes[i], POLLBACK_READABLE);
            CHECK(READ(transports[i], &byte, 1, &count) == 0 && count == 1 && byte == 'x');
        }
        for (int i = 1; i < MANY; i += 2)
            pollback_transport_free(transports[i]);
        for (int i = 0; i < MANY; i++)
            CHECK(close(peers[i]) == 0);
    }
}

int main(void)
{
    end_if_stuck();
    check_making();
    check_arguments();
    check_reading();
    check_writing();
    check_broken_pipe(SIG_DFL);
    check_broken_pipe(SIG_IGN);
    check_broken_pipe(count_signal);
    check_reset();
    check_one_attempt_at_a_time();
    check_many();
    return 0;
}
