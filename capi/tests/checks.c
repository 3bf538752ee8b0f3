/* Uses the transport as a C program does, and exits with 1 at the first surprise. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pollback.h"

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);        \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

/* The types are those of rustls.h, or this does not compile. */
static const rustls_read_callback READ = pollback_read;
static const rustls_write_callback WRITE = pollback_write;
static const rustls_write_vectored_callback WRITE_VECTORED = pollback_write_vectored;

#define UNSET 77

struct notes {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int directions;
};

static void note(void *context, int direction)
{
    struct notes *notes = context;

    pthread_mutex_lock(&notes->mutex);
    notes->directions |= direction;
    pthread_cond_broadcast(&notes->changed);
    pthread_mutex_unlock(&notes->mutex);
}

/* Returns once the wake callback has been called for the direction. */
static void await_note(struct notes *notes, int direction)
{
    pthread_mutex_lock(&notes->mutex);
    while ((notes->directions & direction) == 0)
        pthread_cond_wait(&notes->changed, &notes->mutex);
    notes->directions = 0;
    pthread_mutex_unlock(&notes->mutex);
}

static pollback_transport *open_transport(int *peer, pollback_wake_callback wake, void *context)
{
    pollback_transport *transport = NULL;
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(pollback_transport_from_fd(fds[0], wake, context, &transport) == 0);
    CHECK(transport != NULL);
    *peer = fds[1];
    return transport;
}

static void check_making(void)
{
    pollback_transport *transport = NULL;
    int fds[2];

    CHECK(pollback_transport_from_fd(-1, NULL, NULL, &transport) == EBADF);
    CHECK(pipe(fds) == 0);
    CHECK(pollback_transport_from_fd(fds[0], NULL, NULL, &transport) == ENOTSOCK);
    CHECK(pollback_transport_from_fd(fds[0], NULL, NULL, NULL) == EINVAL);
    CHECK(transport == NULL);
    /* After a failure they are still ours. */
    CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
    CHECK(pollback_transport_from_fd(fds[0], NULL, NULL, &transport) == EBADF);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
    CHECK(pollback_transport_from_fd(fds[0], NULL, NULL, &transport) == EPROTOTYPE);
    CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);

    transport = open_transport(&fds[1], NULL, NULL);
    pollback_transport_free(transport);
    /* The transport has closed its own. */
    CHECK(read(fds[1], fds, 1) == 0);
    CHECK(close(fds[1]) == 0);
    pollback_transport_free(NULL);
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

    CHECK(pollback_transport_wait(NULL, POLLBACK_READABLE, 0) == -1);
    CHECK(pollback_transport_wait(transport, 0, 0) == -1);
    CHECK(pollback_transport_wait(transport, 4, 0) == -1);
    CHECK(pollback_transport_last_error(NULL, NULL, 0) == 0);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

static void check_reading(void)
{
    struct notes notes = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    uint8_t room[8];
    size_t count = UNSET;
    int peer;
    pollback_transport *transport = open_transport(&peer, note, &notes);

    /* An attempt that was not made may succeed. */
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == POLLBACK_READABLE);
    CHECK(READ(transport, room, sizeof(room), &count) == EAGAIN && count == UNSET);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, 0) == 0);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, 10) == 0);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE | POLLBACK_WRITABLE, -1) ==
          POLLBACK_WRITABLE);

    CHECK(write(peer, "abc", 3) == 3);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == POLLBACK_READABLE);
    await_note(&notes, POLLBACK_READABLE);
    CHECK(READ(transport, room, 2, &count) == 0 && count == 2 && memcmp(room, "ab", 2) == 0);
    CHECK(READ(transport, room, 2, &count) == 0 && count == 1 && room[0] == 'c');

    /* With the end of the stream a reader is woken too. */
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
    struct notes notes = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
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

static void check_errors_and_signals(void)
{
    struct iovec part = {"x", 1};
    char message[64], begin[7];
    size_t count = UNSET, length;
    int peer;
    pollback_transport *transport = open_transport(&peer, NULL, NULL);

    /* A SIGPIPE would end the program here. */
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    CHECK(close(peer) == 0);
    CHECK(WRITE(transport, (const uint8_t *)"x", 1, &count) == EPIPE);
    CHECK(WRITE_VECTORED(transport, (const rustls_iovec *)&part, 1, &count) == EPIPE);
    CHECK(count == UNSET);

    length = pollback_transport_last_error(transport, message, sizeof(message));
    CHECK(length == strlen(message) && strncmp(message, "Broken pipe", 11) == 0);
    CHECK(pollback_transport_last_error(transport, begin, sizeof(begin)) == length);
    CHECK(strcmp(begin, "Broken") == 0);
    CHECK(pollback_transport_last_error(transport, NULL, 0) == length);
    pollback_transport_free(transport);
}

/* Transports that come and go at the same time share what watches them. */
static void check_many(void)
{
    pollback_transport *transports[8];
    int peers[8];
    size_t count;
    uint8_t byte;

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 8; i++) {
            transports[i] = open_transport(&peers[i], NULL, NULL);
            CHECK(READ(transports[i], &byte, 1, &count) == EAGAIN);
        }
        for (int i = 0; i < 8; i += 2)
            pollback_transport_free(transports[i]);
        for (int i = 1; i < 8; i += 2) {
            CHECK(write(peers[i], "x", 1) == 1);
            CHECK(pollback_transport_wait(transports[i], POLLBACK_READABLE, -1) ==
                  POLLBACK_READABLE);
            CHECK(READ(transports[i], &byte, 1, &count) == 0 && count == 1 && byte == 'x');
            pollback_transport_free(transports[i]);
        }
        for (int i = 0; i < 8; i++)
            CHECK(close(peers[i]) == 0);
    }
}

int main(void)
{
    check_making();
    check_arguments();
    check_reading();
    check_writing();
    check_errors_and_signals();
    check_many();
    return 0;
}
