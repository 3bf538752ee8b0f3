/* Shared by the programs of these tests. */

#ifndef CHECKS_H
#define CHECKS_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pollback.h"

/* Exits with 1 if the check fails, in a child, too. */
#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);        \
            _exit(1);                                                                      \
        }                                                                                  \
    } while (0)

#define UNSET 77

/* Kills the process if it waits too long. A child does not inherit this. */
static inline void end_if_stuck(void)
{
    alarm(120);
}

/* The directions that a wake callback has been called with. */
struct notes {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int directions;
};

#define NO_NOTES {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void note(void *context, int direction)
{
    struct notes *notes = (struct notes *)context;

    pthread_mutex_lock(&notes->mutex);
    notes->directions |= direction;
    pthread_cond_broadcast(&notes->changed);
    pthread_mutex_unlock(&notes->mutex);
}

/* Returns once the wake callback has been called for the direction. */
static inline void await_note(struct notes *notes, int direction)
{
    pthread_mutex_lock(&notes->mutex);
    while ((notes->directions & direction) == 0)
        pthread_cond_wait(&notes->changed, &notes->mutex);
    notes->directions = 0;
    pthread_mutex_unlock(&notes->mutex);
}

static inline pollback_transport *open_transport(int *peer, pollback_wake_callback wake,
                                                 void *context)
{
    pollback_transport *transport = NULL;
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(pollback_transport_from_fd(fds[0], wake, context, &transport) == 0);
    CHECK(transport != NULL);
    CHECK(pollback_transport_fd(transport) == fds[0]);
    *peer = fds[1];
    return transport;
}

/* Makes an attempt that would block. */
static inline void block_reading(pollback_transport *transport)
{
    uint8_t byte;
    size_t count = UNSET;

    CHECK(pollback_read(transport, &byte, 1, &count) == EAGAIN && count == UNSET);
}

/* Reads the one byte that the peer writes. */
static inline void pass_byte(pollback_transport *transport, int peer)
{
    uint8_t byte = 0;
    size_t count = UNSET;

    CHECK(write(peer, "x", 1) == 1);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == POLLBACK_READABLE);
    CHECK(pollback_read(transport, &byte, 1, &count) == 0 && count == 1 && byte == 'x');
}

#endif
