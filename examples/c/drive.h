/* Moves ciphertext between a connection of rustls-ffi and a transport of pollback. */

#ifndef DRIVE_H
#define DRIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "pollback.h"

/* How long to wait for the peer, in milliseconds. */
#define PATIENCE 30000

/* Waits for one of the directions. False if the peer is silent, which is said on stderr. */
bool wait_for(pollback_transport *transport, int directions);

/* Does what the connection wants, and waits if it can do nothing. False if there is no more to be
 * had: the transport or the connection has failed, the peer is silent, or it has ended. The reason
 * is on stderr unless it is a clean end. */
bool drive(rustls_connection *connection, pollback_transport *transport);

/* Drives until the handshake is done. */
bool drive_handshake(rustls_connection *connection, pollback_transport *transport);

/* Drives until everything is sent. */
bool drive_out(rustls_connection *connection, pollback_transport *transport);

/* Sends all of the text. */
bool drive_text(rustls_connection *connection, pollback_transport *transport, const char *text,
                size_t length);

/* Reads plaintext. Returns how much, 0 at the end, -1 after a failure. */
long drive_read(rustls_connection *connection, pollback_transport *transport, char *buffer,
                size_t length);

/* Says what a function of rustls-ffi has failed with. */
void complain(const char *what, rustls_result result);

/* Reads a file that is to be freed; NULL if that fails, which is said on stderr. */
char *read_file(const char *path, size_t *length);

#endif
