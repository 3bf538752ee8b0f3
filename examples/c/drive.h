/* Moves ciphertext between a connection of rustls-ffi and a transport of pollback. */

#ifndef DRIVE_H
#define DRIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "pollback.h"

/* How long to wait for the peer, in milliseconds. */
#define PATIENCE 30000

/* Waits for one of the directions. Returns false if the peer is silent, and says so on stderr. */
bool wait_for(pollback_transport *transport, int directions);

/* Performs the I/O that the connection wants, and waits if none is possible. Returns false if it
 * cannot continue: the transport or the connection has failed, the peer is silent, or the
 * connection has ended. The reason is printed to stderr unless it is a clean end. */
bool drive(rustls_connection *connection, pollback_transport *transport);

/* Drives until the handshake is done. */
bool drive_handshake(rustls_connection *connection, pollback_transport *transport);

/* Drives until everything is sent. */
bool drive_out(rustls_connection *connection, pollback_transport *transport);

/* Sends all of the text. */
bool drive_text(rustls_connection *connection, pollback_transport *transport, const char *text,
                size_t length);

/* Reads plaintext. Returns the number of bytes, 0 at the end, or -1 on failure. */
long drive_read(rustls_connection *connection, pollback_transport *transport, char *buffer,
                size_t length);

/* Prints the error that a function of rustls-ffi has returned. */
void complain(const char *what, rustls_result result);

/* Reads a file into memory that the caller frees. Returns NULL on failure, and prints the reason to
 * stderr. */
char *read_file(const char *path, size_t *length);

#endif
