/* Serves a page over HTTPS, one client after the other. A rustls_acceptor reads the ClientHello, so
 * that a server with several configurations could choose between them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drive.h"
#include "setup.h"

/* Sends the alert, and frees it. */
static void refuse(rustls_accepted_alert *alert, pollback_transport *transport)
{
    size_t sent = 1;

    while (alert != NULL && sent > 0) {
        int code = rustls_accepted_alert_write_tls(alert, pollback_write, transport, &sent);

        if (code == EAGAIN && wait_for(transport, POLLBACK_WRITABLE))
            continue;
        if (code != 0)
            break;
    }
    rustls_accepted_alert_free(alert);
}

/* Reads the ClientHello. Returns NULL on failure, after the alert was sent. */
static rustls_accepted *hear(pollback_transport *transport)
{
    rustls_acceptor *acceptor = rustls_acceptor_new();
    rustls_accepted *accepted = NULL;
    rustls_accepted_alert *alert = NULL;
    rustls_result result = RUSTLS_RESULT_ACCEPTOR_NOT_READY;

    while (result == RUSTLS_RESULT_ACCEPTOR_NOT_READY) {
        size_t taken = 0;
        int code = rustls_acceptor_read_tls(acceptor, pollback_read, transport, &taken);

        if (code == EAGAIN && wait_for(transport, POLLBACK_READABLE))
            continue;
        if (code != 0 || taken == 0) {
            fprintf(stderr, "no ClientHello: %s\n", code == 0 ? "the client has left" : strerror(code));
            break;
        }
        result = rustls_acceptor_accept(acceptor, &accepted, &alert);
        if (result != RUSTLS_RESULT_OK && result != RUSTLS_RESULT_ACCEPTOR_NOT_READY) {
            complain("hello", result);
            refuse(alert, transport);
        }
    }
    rustls_acceptor_free(acceptor);
    return accepted;
}

/* Reads a request up to the empty line. */
static bool read_request(rustls_connection *connection, pollback_transport *transport)
{
    char buffer[8192];
    size_t length = 0;

    for (;;) {
        long count =
            drive_read(connection, transport, buffer + length, sizeof(buffer) - 1 - length);

        if (count <= 0)
            return false;
        length += (size_t)count;
        buffer[length] = '\0';
        if (strstr(buffer, "\r\n\r\n") != NULL)
            return true;
    }
}

static bool serve(rustls_connection *connection, pollback_transport *transport)
{
    if (!drive_handshake(connection, transport) || !read_request(connection, transport) ||
        !drive_text(connection, transport, PAGE, strlen(PAGE)))
        return false;
    rustls_connection_send_close_notify(connection);
    return drive_out(connection, transport);
}

static void serve_client(int fd, const rustls_server_config *config)
{
    pollback_transport *transport = NULL;
    rustls_connection *connection = NULL;
    rustls_accepted *accepted;
    int code = pollback_transport_from_fd(fd, NULL, NULL, &transport);

    if (code != 0) {
        fprintf(stderr, "transport: %s\n", strerror(code));
        close(fd);
        return;
    }
    accepted = hear(transport);
    if (accepted != NULL) {
        rustls_accepted_alert *alert = NULL;
        rustls_result result =
            rustls_accepted_into_connection(accepted, config, &connection, &alert);

        if (result == RUSTLS_RESULT_OK) {
            serve(connection, transport);
        } else {
            complain("hello", result);
            refuse(alert, transport);
        }
    }
    rustls_accepted_free(accepted);
    rustls_connection_free(connection);
    pollback_transport_free(transport);
}

int main(int argc, char **argv)
{
    const rustls_server_config *config;
    long count;
    int listener;

    if (argc != 5) {
        fprintf(stderr, "usage: %s CHAIN.pem KEY.pem PORT CONNECTIONS\n", argv[0]);
        return 2;
    }
    config = make_config(argv[1], argv[2]);
    if (config == NULL)
        return 1;
    listener = listen_on(argv[3]);
    for (count = atol(argv[4]); listener >= 0 && count > 0; count--) {
        int fd = accept(listener, NULL, NULL);

        if (fd >= 0)
            serve_client(fd, config);
        else
            perror("accept");
    }
    if (listener >= 0)
        close(listener);
    rustls_server_config_free(config);
    return listener >= 0 ? 0 : 1;
}
