#include "drive.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *what, rustls_result result)
{
    char message[256];
    size_t length = 0;

    rustls_error(result, message, sizeof(message), &length);
    fprintf(stderr, "%s: %.*s\n", what, (int)length, message);
}

static void complain_of(pollback_transport *transport)
{
    char message[256];

    if (pollback_transport_last_error(transport, message, sizeof(message)) > 0)
        fprintf(stderr, "transport: %s\n", message);
}

bool wait_for(pollback_transport *transport, int directions)
{
    int ready = pollback_transport_wait(transport, directions | POLLBACK_RESTART, PATIENCE);

    if (ready == 0)
        fprintf(stderr, "the peer is silent\n");
    else if (ready < 0)
        perror("wait");
    return ready > 0;
}

/* Sends queued data. Returns 0, EAGAIN if the transport is full, or the error. */
static int send_out(rustls_connection *connection, pollback_transport *transport)
{
    while (rustls_connection_wants_write(connection)) {
        size_t sent = 0;
        int code = rustls_connection_write_tls_vectored(connection, pollback_write_vectored,
                                                        transport, &sent);
        if (code != 0)
            return code;
        if (sent == 0)
            return EPIPE;
    }
    return 0;
}

/* Reads what has arrived. Returns 0, EAGAIN if nothing has, or the error. */
static int take_in(rustls_connection *connection, pollback_transport *transport, bool *ended)
{
    size_t taken = 0;
    int code = rustls_connection_read_tls(connection, pollback_read, transport, &taken);
    rustls_result result;

    if (code != 0)
        return code;
    *ended = taken == 0;
    result = rustls_connection_process_new_packets(connection);
    if (result != RUSTLS_RESULT_OK) {
        complain("TLS", result);
        /* Send the alert, as far as possible without blocking. */
        send_out(connection, transport);
        return EPROTO;
    }
    return 0;
}

bool drive(rustls_connection *connection, pollback_transport *transport)
{
    bool ended = false;
    int blocked = 0;
    int code = send_out(connection, transport);

    if (code == EAGAIN)
        blocked |= POLLBACK_WRITABLE;
    else if (code != 0) {
        complain_of(transport);
        return false;
    }
    /* Read also while writes are blocked: the peer may be blocked as well. */
    if (rustls_connection_wants_read(connection)) {
        code = take_in(connection, transport, &ended);
        if (code == 0) {
            if (ended && rustls_connection_is_handshaking(connection))
                fprintf(stderr, "the peer has closed the connection during the handshake\n");
            return !ended;
        }
        if (code != EAGAIN) {
            complain_of(transport);
            return false;
        }
        blocked |= POLLBACK_READABLE;
    }
    return blocked == 0 || wait_for(transport, blocked);
}

bool drive_handshake(rustls_connection *connection, pollback_transport *transport)
{
    while (rustls_connection_is_handshaking(connection))
        if (!drive(connection, transport))
            return false;
    return true;
}

bool drive_out(rustls_connection *connection, pollback_transport *transport)
{
    while (rustls_connection_wants_write(connection)) {
        int code = send_out(connection, transport);
        if (code == EAGAIN) {
            if (!wait_for(transport, POLLBACK_WRITABLE))
                return false;
        } else if (code != 0) {
            complain_of(transport);
            return false;
        }
    }
    return true;
}

bool drive_text(rustls_connection *connection, pollback_transport *transport, const char *text,
                size_t length)
{
    while (length > 0) {
        size_t taken = 0;
        rustls_result result =
            rustls_connection_write(connection, (const uint8_t *)text, length, &taken);

        if (result != RUSTLS_RESULT_OK) {
            complain("write", result);
            return false;
        }
        text += taken;
        length -= taken;
        if (!drive_out(connection, transport))
            return false;
    }
    return true;
}

long drive_read(rustls_connection *connection, pollback_transport *transport, char *buffer,
                size_t length)
{
    bool going = true;

    for (;;) {
        size_t taken = 0;
        rustls_result result =
            rustls_connection_read(connection, (uint8_t *)buffer, length, &taken);

        if (result == RUSTLS_RESULT_OK)
            return (long)taken;
        if (result != RUSTLS_RESULT_PLAINTEXT_EMPTY || !going) {
            complain("read", result);
            return -1;
        }
        going = drive(connection, transport);
    }
}

char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;

    *length = 0;
    while (file != NULL && !feof(file) && !ferror(file)) {
        if (*length == room) {
            char *more = realloc(text, room += 4096);
            if (more == NULL)
                break;
            text = more;
        }
        *length += fread(text + *length, 1, room - *length, file);
    }
    if (file == NULL || ferror(file) || !feof(file)) {
        perror(path);
        free(text);
        text = NULL;
    }
    if (file != NULL)
        fclose(file);
    return text;
}
