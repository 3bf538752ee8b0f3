/* Runs the example programs of rustls-ffi over transports of pollback: defines the callbacks that
 * they name, and wraps some of the system's socket functions. */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pollback.h"
#include "common.h"

int __real_close(int fd);
int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_close(int fd);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);

int __real_select(int count, fd_set *reading, fd_set *writing, fd_set *failing,
                  struct timeval *timeout);
int __wrap_select(int count, fd_set *reading, fd_set *writing, fd_set *failing,
                  struct timeval *timeout);

/* The transport of each descriptor that has one. */
static pollback_transport *transports[64];

static pollback_transport *transport_of(int fd)
{
    if (fd < 0 || fd >= 64)
        return NULL;
    if (transports[fd] == NULL && pollback_transport_from_fd(fd, NULL, NULL, &transports[fd]) != 0)
        return NULL;
    return transports[fd];
}

int read_cb(void *userdata, uint8_t *buf, uintptr_t len, uintptr_t *out_n)
{
    return pollback_read(transport_of(((conndata *)userdata)->fd), buf, len, out_n);
}

int write_cb(void *userdata, const uint8_t *buf, uintptr_t len, uintptr_t *out_n)
{
    return pollback_write(transport_of(((conndata *)userdata)->fd), buf, len, out_n);
}

rustls_io_result write_vectored_cb(void *userdata, const rustls_iovec *iov, size_t count,
                                   size_t *out_n)
{
    return pollback_write_vectored(transport_of(((conndata *)userdata)->fd), iov, count, out_n);
}

/* Closes a descriptor, through its transport if it has one. */
int __wrap_close(int fd)
{
    pollback_transport *transport = fd >= 0 && fd < 64 ? transports[fd] : NULL;

    if (transport == NULL)
        return __real_close(fd);
    /* Cleared first, since the transport may close its descriptor through this function. */
    transports[fd] = NULL;
    pollback_transport_free(transport);
    return 0;
}

/* Binds to any free port instead of the requested one, and prints it. */
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_in in = *(const struct sockaddr_in *)address;

    in.sin_port = 0;
    if (__real_bind(fd, (const struct sockaddr *)&in, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &length) != 0)
        return -1;
    printf("listening on 127.0.0.1:%d\n", ntohs(in.sin_port));
    fflush(stdout);
    return 0;
}

/* Waits longer than requested, since the tools that check the peer make it slow. */
int __wrap_select(int count, fd_set *reading, fd_set *writing, fd_set *failing,
                  struct timeval *timeout)
{
    struct timeval longer = {120, 0};

    (void)timeout;
    return __real_select(count, reading, writing, failing, &longer);
}
