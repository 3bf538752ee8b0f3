/* A transport of pollback for C programs that use rustls-ffi: its three callbacks over a socket
 * that never blocks, and what wakes the program when they would.
 *
 * This file is made from capi/src/lib.rs; a test fails when the two differ. */

#ifndef POLLBACK_H
#define POLLBACK_H

#include <stddef.h>
#include <stdint.h>
#include "rustls.h"

/**
 * The direction in which bytes come in.
 */
#define POLLBACK_READABLE 1

/**
 * The direction in which bytes go out.
 */
#define POLLBACK_WRITABLE 2

/**
 * A socket whose attempts never block, and which says when to try again.
 *
 * It is the userdata of pollback_read, pollback_write and pollback_write_vectored.
 *
 * It belongs to one thread at a time. A callback that finds another one going on for the same
 * transport answers EBUSY.
 */
typedef struct pollback_transport pollback_transport;

/**
 * Called when an attempt that answered EAGAIN may succeed.
 *
 * `direction` is POLLBACK_READABLE or POLLBACK_WRITABLE. The call may come from another thread,
 * and it may come before the attempt has answered EAGAIN. It should only make a note or wake a
 * loop; it must not call a function of this header.
 */
typedef void (*pollback_wake_callback)(void *context, int direction);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a transport of a connected stream socket.
 *
 * On success it answers 0, puts the transport into `*transport_out` and has taken `fd` over: it
 * has been set to non-blocking mode, and pollback_transport_free closes it. Otherwise it answers
 * an errno value, and `fd` is left to the caller.
 *
 * `wake` may be NULL. `context` is passed to it; it must be usable from any thread until
 * pollback_transport_free has returned.
 *
 * Requires:
 * `transport_out` is NULL, which is answered with EINVAL, or can be written to. Nothing but the
 * transport closes `fd` after success.
 */
rustls_io_result pollback_transport_from_fd(int fd,
                                            pollback_wake_callback wake,
                                            void *context,
                                            pollback_transport **transport_out);

/**
 * A rustls_read_callback; `userdata` is a pollback_transport.
 *
 * Besides the errors of the socket it answers EAGAIN when nothing has arrived, and EINVAL when an
 * argument is NULL that must not be.
 *
 * Requires:
 * `userdata` is NULL or a transport. `buf` is NULL or has room for `n` bytes. `out_n` is NULL or
 * can be written to.
 */
rustls_io_result pollback_read(void *userdata, uint8_t *buf, size_t n, size_t *out_n);

/**
 * A rustls_write_callback; `userdata` is a pollback_transport.
 *
 * Besides the errors of the socket it answers EAGAIN when the socket takes nothing, and EINVAL
 * when an argument is NULL that must not be. It never raises SIGPIPE.
 *
 * Requires:
 * `userdata` is NULL or a transport. `buf` is NULL or has `n` bytes. `out_n` is NULL or can be
 * written to.
 */
rustls_io_result pollback_write(void *userdata, const uint8_t *buf, size_t n, size_t *out_n);

/**
 * A rustls_write_vectored_callback; `userdata` is a pollback_transport.
 *
 * As pollback_write, for the bytes of `count` iovecs.
 *
 * Requires:
 * `userdata` is NULL or a transport. `iov` is NULL or has `count` iovecs, each with as many bytes
 * as it says. `out_n` is NULL or can be written to.
 */
rustls_io_result pollback_write_vectored(void *userdata,
                                         const rustls_iovec *iov,
                                         size_t count,
                                         size_t *out_n);

/**
 * Waits until an attempt may succeed in one of `directions`, for at most `timeout_ms`
 * milliseconds; for ever if that is negative.
 *
 * `directions` is POLLBACK_READABLE, POLLBACK_WRITABLE or both. Answers those of them in which
 * another attempt may succeed, 0 if there was none in time, and -1 if an argument is invalid. A
 * direction counts unless its last attempt answered EAGAIN and nothing has happened since.
 *
 * Requires:
 * `transport` is NULL or a transport.
 */
int pollback_transport_wait(const pollback_transport *transport, int directions, int timeout_ms);

/**
 * Tells the last error of the transport: what a callback that answered neither 0 nor EAGAIN failed
 * with.
 *
 * Writes at most `len` bytes to `buf`, the last of which is NUL. Answers how long the whole
 * message is without the NUL, 0 if there was no error. `buf` may be NULL if `len` is 0.
 *
 * Requires:
 * `transport` is NULL or a transport. `buf` is NULL or has room for `len` bytes.
 */
size_t pollback_transport_last_error(const pollback_transport *transport, char *buf, size_t len);

/**
 * Closes the socket and frees the transport.
 *
 * No call of the wake callback is going on or will come when it has returned. NULL is fine.
 *
 * Requires:
 * `transport` is NULL or a transport, and no other call for it is going on or will come.
 */
void pollback_transport_free(pollback_transport *transport);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POLLBACK_H */
