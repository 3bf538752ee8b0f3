/**
 * Transports for C programs that use rustls-ffi.
 *
 * rustls-ffi asks its user for three callbacks, each of which makes one non-blocking attempt to
 * read or to write. A pollback_transport is a connected stream socket, and the userdata of three
 * such callbacks: pollback_read, pollback_write and pollback_write_vectored.
 *
 * Waiting:
 * An attempt that would block returns EAGAIN. There are three ways to learn when to try again:
 *
 * - pollback_transport_wait blocks the calling thread.
 * - The event loop of the program (poll, epoll, kqueue, libuv, GLib) watches the descriptor that
 *   pollback_transport_fd returns, for the directions that pollback_transport_interest returns.
 * - A wake callback is called from a thread of the library.
 *
 * The first two need no thread. The thread is started by the first attempt that returns EAGAIN on
 * a transport with a wake callback, and it ends when the last such transport is freed. All
 * descriptors that the library opens are close-on-exec.
 *
 * Threads:
 * A transport may be used by one thread at a time, and different transports by different threads
 * at the same time. The comment of each function says what else is allowed.
 *
 * Error codes:
 * The functions return errno values, or -1 with the value in errno:
 *
 * | code       | function             | meaning                                                |
 * |------------|----------------------|--------------------------------------------------------|
 * | EINVAL     | all                  | an argument is NULL that must not be, or is invalid    |
 * | EBADF      | from_fd, wait        | the descriptor is not open                             |
 * | ENOTSOCK   | from_fd              | the descriptor is not a socket                         |
 * | EPROTOTYPE | from_fd              | the socket is not a stream socket                      |
 * | EEXIST     | from_fd              | a transport owns the descriptor already                |
 * | EAGAIN     | callbacks            | the attempt would block                                |
 * | EBUSY      | callbacks            | an attempt by another thread is in progress            |
 * | EINTR      | wait                 | a signal handler was run                               |
 * | EPIPE      | write callbacks      | the connection is closed                               |
 * | ECONNRESET | callbacks            | the peer has reset the connection                      |
 * | ENOMEM     | callbacks            | the thread for the wake callback cannot be started     |
 * | EIO        | all                  | a defect of the library                                |
 *
 * Any other error of the socket is returned unchanged. The callbacks never return EINTR.
 *
 * fork:
 * A child may make transports of its own. A transport that it has inherited works in the child,
 * and both processes may free their copies. They share the socket, so only one of them should go
 * on with the connection. A wake callback is called in the process whose attempt returned EAGAIN,
 * from a thread of that process. If another thread was in an attempt at the time of the fork, the
 * attempts of the child at that transport return EBUSY; it can still be freed. The memory and the
 * descriptors of its parent's thread stay with the child until it calls exec or ends.
 *
 * A child that a wake callback has forked must not return from the callback. Processes made by
 * vfork, or by the system call clone, may only call exec.
 *
 * A transport makes its socket close-on-exec.
 *
 * Signals:
 * The thread of the library blocks all signals. Writes never raise SIGPIPE, whatever its
 * disposition. No function may be called in a signal handler.
 *
 * Exit:
 * Free transports with a wake callback before the end of main: until then the callback can be
 * called while the program runs its exit handlers. Transports without one need no care.
 *
 * Systems:
 * Tested on Linux; untested on other Unix systems; does not exist on Windows.
 *
 * This file is made from capi/src; a test fails when the two differ.
 */

#ifndef POLLBACK_H
#define POLLBACK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
/* rustls.h says nothing of C++, and is valid in it only as it reads in C23. What it includes itself
 * is included above. */
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
 * Makes pollback_transport_wait go on after a signal handler was run.
 */
#define POLLBACK_RESTART 4

/**
 * A connected stream socket with the callbacks that rustls-ffi asks for.
 *
 * It is the userdata of pollback_read, pollback_write and pollback_write_vectored.
 */
typedef struct pollback_transport pollback_transport;

/**
 * Called when an attempt that returned EAGAIN may succeed.
 *
 * `direction` is POLLBACK_READABLE or POLLBACK_WRITABLE. There can be calls too many, and a call
 * can come before the attempt has returned, so a program that takes a note of it clears the note
 * before the attempt.
 *
 * The callback runs on the thread of the library, which blocks all signals, and holds up the
 * callbacks of all other transports. It should take a note or wake an event loop. It must not call
 * a function of this header.
 */
typedef void (*pollback_wake_callback)(void *context, int direction);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a transport of a connected stream socket.
 *
 * `wake` may be NULL; if not, it is called with `context` when an attempt that returned EAGAIN may
 * succeed. A connection that is still in progress (a non-blocking connect) is taken too.
 *
 * Errors:
 * Returns 0 and puts the transport into `*transport_out`. Otherwise returns an errno value
 * (EINVAL, EBADF, ENOTSOCK, EPROTOTYPE or EEXIST) and has changed nothing: neither
 * `*transport_out` nor a flag of `fd`.
 *
 * Threads:
 * Any thread, also several at the same time.
 *
 * Ownership:
 * On success the transport owns `fd`: pollback_transport_free closes it, and nothing else may.
 * `fd` is made close-on-exec; its blocking mode stays as it is. After a failure `fd` is still the
 * caller's. The caller owns the transport, and `context`, which must be usable from any thread
 * until pollback_transport_free has returned.
 *
 * Blocking:
 * Never blocks.
 *
 * Requires:
 * `transport_out` is NULL or can be written to. Nothing but the transport closes `fd` after
 * success.
 */
rustls_io_result pollback_transport_from_fd(int fd,
                                            pollback_wake_callback wake,
                                            void *context,
                                            pollback_transport **transport_out);

/**
 * Returns the message of the last error of a transport: of the last callback that returned neither
 * 0 nor EAGAIN.
 *
 * Writes at most `len` bytes to `buf`, the last of which is NUL; a longer message is cut off.
 *
 * Errors:
 * Returns the length of the whole message without the NUL; 0 if there was no error, or if
 * `transport` is NULL.
 *
 * Threads:
 * Any thread, also during an attempt.
 *
 * Ownership:
 * The buffer is used during the call only. `buf` may be NULL, which asks for the length alone.
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
 * The socket is not shut down first: if the process has forked, the connection lives on in the
 * child.
 *
 * Errors:
 * None. NULL is allowed and does nothing.
 *
 * Threads:
 * Any thread, but no other call for the transport may be in progress or follow.
 *
 * Ownership:
 * The transport and the socket are gone. `context` is the caller's alone: no call of the wake
 * callback is in progress or follows.
 *
 * Blocking:
 * Blocks while the wake callback of this transport is being called. With the last transport that
 * has one, blocks until the thread has ended.
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
 * Returns 0 on success, otherwise an errno value, and leaves `*out_n` as it was: EAGAIN if nothing
 * has arrived, EINVAL if an argument is NULL, EBUSY, ENOMEM, or the error of the socket.
 *
 * Threads:
 * Any thread, but one attempt at a time for each transport: others return EBUSY.
 *
 * Ownership:
 * The buffer and `out_n` are used during the call only.
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
 * Returns 0 on success, otherwise an errno value, and leaves `*out_n` as it was: EAGAIN if the
 * socket has no room, EINVAL if an argument is NULL, EPIPE if the connection is closed, EBUSY,
 * ENOMEM, or the error of the socket. Never raises SIGPIPE.
 *
 * Threads:
 * As pollback_read.
 *
 * Ownership:
 * As pollback_read.
 *
 * Blocking:
 * As pollback_read.
 *
 * Requires:
 * `userdata` is NULL or a transport. `buf` is NULL or has `n` bytes. `out_n` is NULL or can be
 * written to.
 */
rustls_io_result pollback_write(void *userdata, const uint8_t *buf, size_t n, size_t *out_n);

/**
 * Makes one attempt to write the bytes of `count` iovecs: a rustls_write_vectored_callback.
 *
 * `userdata` is a pollback_transport. Stores the number of bytes written, counted across the
 * iovecs, in `*out_n`.
 *
 * Errors:
 * As pollback_write; EINVAL also if an iovec that is not empty points to NULL.
 *
 * Threads:
 * As pollback_read.
 *
 * Ownership:
 * As pollback_read.
 *
 * Blocking:
 * As pollback_read.
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
 * Returns the descriptor of a transport, for the event loop of the program.
 *
 * Watch it for the directions that pollback_transport_interest returns, level-triggered or
 * edge-triggered; when it is ready, attempt again.
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
 * That is POLLBACK_READABLE, POLLBACK_WRITABLE, both, or 0. It does not change until the next
 * attempt. POLLBACK_READABLE stands for POLLIN, POLLBACK_WRITABLE for POLLOUT.
 *
 * Errors:
 * Returns -1 and sets errno to EINVAL if `transport` is NULL.
 *
 * Threads:
 * Any thread, also during an attempt.
 *
 * Ownership:
 * None changes.
 *
 * Blocking:
 * Never blocks.
 *
 * Requires:
 * `transport` is NULL or a transport.
 */
int pollback_transport_interest(const pollback_transport *transport);

/**
 * Waits until the socket is ready in one of `directions`, for at most `timeout_ms` milliseconds;
 * for ever if that is negative.
 *
 * `directions` is POLLBACK_READABLE, POLLBACK_WRITABLE or both. A socket that has failed, or whose
 * peer has closed the connection, is ready: the next attempt returns the reason.
 *
 * Errors:
 * Returns those of the directions in which the socket is ready, and 0 if there are none in time.
 * Otherwise returns -1 and sets errno: EINVAL if an argument is invalid, EBADF if the descriptor
 * was closed, and EINTR if a signal handler was run, whether or not it was installed with
 * SA_RESTART. With POLLBACK_RESTART in `directions` the wait goes on until its time is up.
 *
 * Threads:
 * Any thread, also several at the same time, and also during an attempt.
 *
 * Ownership:
 * None changes.
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
