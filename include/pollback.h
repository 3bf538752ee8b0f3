/**
 * Transports for C programs that use rustls-ffi.
 *
 * rustls-ffi performs I/O through three callbacks that the program supplies. Each of them makes
 * one non-blocking attempt to read or to write. A pollback_transport is a connected stream socket,
 * and the userdata of three such callbacks: pollback_read, pollback_write and
 * pollback_write_vectored.
 *
 * Waiting:
 * An attempt that would block returns EAGAIN. There are three ways to find out when to try again:
 *
 * - pollback_transport_wait blocks the calling thread.
 * - The event loop of the program (poll, epoll, kqueue, libuv, GLib) watches the descriptor that
 *   pollback_transport_fd returns, for the directions that pollback_transport_interest returns.
 * - The library calls a wake callback from a thread of its own.
 *
 * Only the wake callback needs a thread. It is started by the first attempt that returns EAGAIN on
 * a transport with a wake callback, and ends when the last such transport is freed. All
 * descriptors that the library opens are close-on-exec.
 *
 * Threads:
 * A transport may be used by one thread at a time; different transports may be used by different
 * threads at the same time. The documentation of each function says what else is allowed.
 *
 * Error codes:
 * The functions return errno values, or -1 with the value in errno:
 *
 * | code       | function             | meaning                                                |
 * |------------|----------------------|--------------------------------------------------------|
 * | EINVAL     | all                  | an argument is invalid, or NULL where that is an error |
 * | EBADF      | from_fd, wait        | the descriptor is not open                             |
 * | ENOTSOCK   | from_fd              | the descriptor is not a socket                         |
 * | EPROTOTYPE | from_fd              | the socket is not a stream socket                      |
 * | EEXIST     | from_fd              | another transport already owns the descriptor          |
 * | EAGAIN     | callbacks            | the attempt would block                                |
 * | EBUSY      | callbacks            | another thread is making an attempt                    |
 * | EINTR      | wait                 | a signal handler has run                               |
 * | EPIPE      | write callbacks      | the connection is closed                               |
 * | ECONNRESET | callbacks            | the peer has reset the connection                      |
 * | ENOMEM     | callbacks            | the thread for the wake callback cannot be started     |
 * | EIO        | all                  | a bug in the library                                   |
 *
 * Any other error of the socket is returned unchanged. The callbacks never return EINTR.
 *
 * fork:
 * A child may create transports of its own. A transport that it has inherited works in the child,
 * and both processes may free their copies. They share the socket, so only one of them should
 * continue to use the connection. A wake callback is called in the process whose attempt returned
 * EAGAIN, from a thread of that process. If another thread was making an attempt at the time of
 * the fork, all attempts on that transport return EBUSY in the child; it can still be freed. The
 * child keeps the memory and the descriptors of the parent's thread until it calls exec or exits.
 *
 * A child forked in a wake callback must not return from the callback. Processes created by vfork,
 * or directly by the system call clone, may only call exec.
 *
 * A transport makes its socket close-on-exec.
 *
 * Signals:
 * The thread of the library blocks all signals. Writes never raise SIGPIPE, whatever its
 * disposition. No function may be called from a signal handler.
 *
 * Exit:
 * Free transports with a wake callback before main returns; otherwise the callback may be called
 * while the program runs its exit handlers. Transports without one need not be freed.
 *
 * Systems:
 * Tested on Linux, untested on other Unix systems, not available on Windows.
 *
 * This file is generated from capi/src; a test fails when the two differ.
 */

#ifndef POLLBACK_H
#define POLLBACK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
/* rustls.h is not written for C++, and is valid C++ only in the form that it has for C23. The
 * headers that it includes are included above. */
extern "C" {
#pragma push_macro("__STDC_VERSION__")
#undef __STDC_VERSION__
#define __STDC_VERSION__ 202311L
#include "rustls.h"
#pragma pop_macro("__STDC_VERSION__")
}
#else
#include "rustls.h"
#endif

/**
 * The direction in which bytes are read.
 */
#define POLLBACK_READABLE 1

/**
 * The direction in which bytes are written.
 */
#define POLLBACK_WRITABLE 2

/**
 * Makes pollback_transport_wait continue after a signal handler has run.
 */
#define POLLBACK_RESTART 4

/**
 * A connected stream socket with the callbacks that rustls-ffi requires.
 *
 * It is the userdata of pollback_read, pollback_write and pollback_write_vectored.
 */
typedef struct pollback_transport pollback_transport;

/**
 * Called when an attempt that returned EAGAIN may succeed.
 *
 * `direction` is POLLBACK_READABLE or POLLBACK_WRITABLE. Spurious calls are possible, and a call
 * may happen before the attempt has returned. If the callback sets a flag, clear the flag before
 * the attempt.
 *
 * The callback runs on the thread of the library, which blocks all signals, and delays the
 * callbacks of all other transports. It should only set a flag or wake an event loop. It must not
 * call any function of this header.
 */
typedef void (*pollback_wake_callback)(void *context, int direction);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Creates a transport from a connected stream socket.
 *
 * `wake` may be NULL; if not, it is called with `context` when an attempt that returned EAGAIN may
 * succeed. The connection may still be in progress (a non-blocking connect).
 *
 * Errors:
 * Returns 0 and stores the transport in `*transport_out`. On failure returns an errno value
 * (EINVAL, EBADF, ENOTSOCK, EPROTOTYPE or EEXIST) and changes neither `*transport_out` nor the
 * flags of `fd`.
 *
 * Threads:
 * Any thread, also several at the same time.
 *
 * Ownership:
 * On success the transport owns `fd`: pollback_transport_free closes it, and nothing else may.
 * `fd` is made close-on-exec; its blocking mode is not changed. On failure the caller still owns
 * `fd`. The caller owns the transport and `context`, which must be usable from any thread until
 * pollback_transport_free has returned.
 *
 * Blocking:
 * Never blocks.
 *
 * Requires:
 * `transport_out` is NULL or can be written to. After success nothing but the transport closes
 * `fd`.
 */
rustls_io_result pollback_transport_from_fd(int fd,
                                            pollback_wake_callback wake,
                                            void *context,
                                            pollback_transport **transport_out);

/**
 * Returns the message of the last error of a transport: the error of the last callback that
 * returned neither 0 nor EAGAIN.
 *
 * Writes at most `len` bytes to `buf`, including the terminating NUL; a longer message is
 * truncated.
 *
 * Errors:
 * Returns the length of the whole message without the NUL, or 0 if there was no error or
 * `transport` is NULL.
 *
 * Threads:
 * Any thread, also during an attempt.
 *
 * Ownership:
 * The buffer is used only during the call. `buf` may be NULL to get only the length.
 *
 * Blocking:
 * Never blocks.
 *
 * Requires:
 * `transport` is NULL or a transport. `buf` is NULL or has room for `len` bytes.
 */
size_t pollback_transport_last_error(const pollback_transport *transport, char *buf, size_t len);

/**
 * Closes the socket and frees the transport.
 *
 * The socket is not shut down first: if the process has forked, the connection stays open in the
 * child.
 *
 * Errors:
 * None. Does nothing if `transport` is NULL.
 *
 * Threads:
 * Any thread, but no other call for the transport may be in progress or follow.
 *
 * Ownership:
 * The transport and the socket must not be used any more. The library no longer uses `context`: no
 * call of the wake callback is in progress or follows.
 *
 * Blocking:
 * Blocks while a call of the wake callback of this transport is in progress. If this is the last
 * transport that has one, also blocks until the thread has ended.
 *
 * Requires:
 * `transport` is NULL or a transport, and no other call for it is in progress or follows.
 */
void pollback_transport_free(pollback_transport *transport);

/**
 * Makes one attempt to read at most `n` bytes: a rustls_read_callback.
 *
 * `userdata` is a pollback_transport. Stores the number of bytes read in `*out_n`; 0 is the end of
 * the stream.
 *
 * Errors:
 * Returns 0 on success. On failure returns an errno value and does not change `*out_n`: EAGAIN if
 * nothing has arrived, EINVAL if an argument is NULL, EBUSY, ENOMEM, or the error of the socket.
 *
 * Threads:
 * Any thread, but only one attempt at a time on each transport: further attempts return EBUSY.
 *
 * Ownership:
 * The buffer and `out_n` are used only during the call.
 *
 * Blocking:
 * Never blocks, whatever the blocking mode of the socket.
 *
 * Requires:
 * `userdata` is NULL or a transport. `buf` is NULL or has room for `n` bytes. `out_n` is NULL or
 * can be written to.
 */
rustls_io_result pollback_read(void *userdata, uint8_t *buf, size_t n, size_t *out_n);

/**
 * Makes one attempt to write at most `n` bytes: a rustls_write_callback.
 *
 * `userdata` is a pollback_transport. Stores the number of bytes written in `*out_n`.
 *
 * Errors:
 * Returns 0 on success. On failure returns an errno value and does not change `*out_n`: EAGAIN if
 * the socket has no room, EINVAL if an argument is NULL, EPIPE if the connection is closed, EBUSY,
 * ENOMEM, or the error of the socket. Never raises SIGPIPE.
 *
 * Threads:
 * As for pollback_read.
 *
 * Ownership:
 * As for pollback_read.
 *
 * Blocking:
 * As for pollback_read.
 *
 * Requires:
 * `userdata` is NULL or a transport. `buf` is NULL or points to `n` bytes. `out_n` is NULL or can
 * be written to.
 */
rustls_io_result pollback_write(void *userdata, const uint8_t *buf, size_t n, size_t *out_n);

/**
 * Makes one attempt to write the bytes of `count` iovecs: a rustls_write_vectored_callback.
 *
 * `userdata` is a pollback_transport. Stores the number of bytes written, counted across the
 * iovecs, in `*out_n`.
 *
 * Errors:
 * As for pollback_write; also EINVAL if an iovec that is not empty points to NULL.
 *
 * Threads:
 * As for pollback_read.
 *
 * Ownership:
 * As for pollback_read.
 *
 * Blocking:
 * As for pollback_read.
 *
 * Requires:
 * `userdata` is NULL or a transport. `iov` is NULL or points to `count` iovecs, each of which is
 * valid for its length. `out_n` is NULL or can be written to.
 */
rustls_io_result pollback_write_vectored(void *userdata,
                                         const rustls_iovec *iov,
                                         size_t count,
                                         size_t *out_n);

/**
 * Returns the descriptor of a transport, for the event loop of the program.
 *
 * Watch it for the directions that pollback_transport_interest returns, level-triggered or
 * edge-triggered; when it is ready, make the attempt again.
 *
 * Errors:
 * Returns -1 and sets errno to EINVAL if `transport` is NULL.
 *
 * Threads:
 * Any thread, also during an attempt.
 *
 * Ownership:
 * The transport still owns the descriptor: do not close it. Remove it from the event loop before
 * pollback_transport_free.
 *
 * Blocking:
 * Never blocks.
 *
 * Requires:
 * `transport` is NULL or a transport.
 */
int pollback_transport_fd(const pollback_transport *transport);

/**
 * Returns the directions to wait for: those in which the last attempt returned EAGAIN.
 *
 * The result is POLLBACK_READABLE, POLLBACK_WRITABLE, both, or 0, and does not change until the
 * next attempt. POLLBACK_READABLE corresponds to POLLIN, POLLBACK_WRITABLE to POLLOUT.
 *
 * Errors:
 * Returns -1 and sets errno to EINVAL if `transport` is NULL.
 *
 * Threads:
 * Any thread, also during an attempt.
 *
 * Ownership:
 * Does not change.
 *
 * Blocking:
 * Never blocks.
 *
 * Requires:
 * `transport` is NULL or a transport.
 */
int pollback_transport_interest(const pollback_transport *transport);

/**
 * Waits until the socket is ready in one of `directions`, for at most `timeout_ms` milliseconds,
 * or without a limit if that is negative.
 *
 * `directions` is POLLBACK_READABLE, POLLBACK_WRITABLE or both. A socket that has failed, or whose
 * peer has closed the connection, counts as ready: the next attempt returns the reason.
 *
 * Errors:
 * Returns those of the directions in which the socket is ready, or 0 after the timeout. On failure
 * returns -1 and sets errno: EINVAL if an argument is invalid, EBADF if the descriptor was closed,
 * and EINTR if a signal handler has run, whether or not it was installed with SA_RESTART. With
 * POLLBACK_RESTART in `directions` the wait continues until the timeout instead.
 *
 * Threads:
 * Any thread, also several at the same time, and also during an attempt.
 *
 * Ownership:
 * Does not change.
 *
 * Blocking:
 * Blocks the calling thread. A timeout of 0 does not block.
 *
 * Requires:
 * `transport` is NULL or a transport, which is not freed during the call.
 */
int pollback_transport_wait(const pollback_transport *transport, int directions, int timeout_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POLLBACK_H */
