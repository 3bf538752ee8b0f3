/* Fetches a page over HTTPS: rustls-ffi performs TLS, pollback the I/O. */

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drive.h"

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints, *found = NULL;
    int fd = -1;
    int problem;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    problem = getaddrinfo(host, port, &hints, &found);
    if (problem != 0) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(problem));
        return -1;
    }
    for (struct addrinfo *next = found; next != NULL && fd < 0; next = next->ai_next) {
        fd = socket(next->ai_family, next->ai_socktype, next->ai_protocol);
        if (fd >= 0 && connect(fd, next->ai_addr, next->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        perror(host);
    freeaddrinfo(found);
    return fd;
}

static const rustls_client_config *make_config(const char *roots)
{
    rustls_root_cert_store_builder *store_builder = rustls_root_cert_store_builder_new();
    const rustls_root_cert_store *store = NULL;
    rustls_web_pki_server_cert_verifier_builder *verifier_builder = NULL;
    rustls_server_cert_verifier *verifier = NULL;
    rustls_client_config_builder *builder = NULL;
    const rustls_client_config *config = NULL;
    rustls_result result =
        rustls_root_cert_store_builder_load_roots_from_file(store_builder, roots, true);

    if (result == RUSTLS_RESULT_OK)
        result = rustls_root_cert_store_builder_build(store_builder, &store);
    if (result == RUSTLS_RESULT_OK) {
        verifier_builder = rustls_web_pki_server_cert_verifier_builder_new(store);
        result = rustls_web_pki_server_cert_verifier_builder_build(verifier_builder, &verifier);
    }
    if (result == RUSTLS_RESULT_OK) {
        builder = rustls_client_config_builder_new();
        rustls_client_config_builder_set_server_verifier(builder, verifier);
        result = rustls_client_config_builder_build(builder, &config);
    }
    if (result != RUSTLS_RESULT_OK)
        complain(roots, result);
    rustls_server_cert_verifier_free(verifier);
    rustls_web_pki_server_cert_verifier_builder_free(verifier_builder);
    rustls_root_cert_store_free(store);
    rustls_root_cert_store_builder_free(store_builder);
    return config;
}

static bool fetch(rustls_connection *connection, pollback_transport *transport, const char *host)
{
    char buffer[16384];
    long count;
    bool in_body = false;
    size_t line = 0;
    int length = snprintf(buffer, sizeof(buffer),
                          "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);

    if (length < 0 || (size_t)length >= sizeof(buffer))
        return false;
    if (!drive_handshake(connection, transport) ||
        !drive_text(connection, transport, buffer, (size_t)length))
        return false;
    while ((count = drive_read(connection, transport, buffer, sizeof(buffer))) > 0) {
        long start = 0;

        /* The head ends with an empty line. */
        for (; !in_body && start < count; start++) {
            if (buffer[start] == '\n') {
                in_body = line == 0;
                line = 0;
            } else if (buffer[start] != '\r') {
                line++;
            }
        }
        fwrite(buffer + start, 1, (size_t)(count - start), stdout);
    }
    if (count < 0)
        return false;
    rustls_connection_send_close_notify(connection);
    /* The page is complete, even if the server has closed already. */
    drive_out(connection, transport);
    return true;
}

int main(int argc, char **argv)
{
    const rustls_client_config *config;
    rustls_connection *connection = NULL;
    pollback_transport *transport = NULL;
    bool done = false;
    int fd;

    if (argc != 4) {
        fprintf(stderr, "usage: %s HOST PORT ROOTS.pem\n", argv[0]);
        return 2;
    }
    config = make_config(argv[3]);
    if (config == NULL)
        return 1;
    fd = connect_to(argv[1], argv[2]);
    if (fd >= 0) {
        int code = pollback_transport_from_fd(fd, NULL, NULL, &transport);
        rustls_result result = rustls_client_connection_new(config, argv[1], &connection);

        if (code != 0) {
            fprintf(stderr, "transport: %s\n", strerror(code));
            close(fd);
        } else if (result != RUSTLS_RESULT_OK) {
            complain(argv[1], result);
        } else {
            done = fetch(connection, transport, argv[1]);
        }
    }
    rustls_connection_free(connection);
    pollback_transport_free(transport);
    rustls_client_config_free(config);
    return done && fflush(stdout) == 0 ? 0 : 1;
}
