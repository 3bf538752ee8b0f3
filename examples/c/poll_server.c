/* Serves a page over HTTPS to many clients at the same time, with one thread and poll(2). An event
 * loop of another kind (epoll, libuv, GLib) replaces the function `main_loop`.
 *
 * A public server also needs a timeout for each client. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drive.h"
#include "setup.h"

struct client {
    pollback_transport *transport;
    rustls_connection *connection;
    char request[4096];
    size_t length;
    bool answered;
};

struct server {
    const rustls_server_config *config;
    int listener;
    long to_come;
    size_t count, room;
    struct client **clients;
    /* One for each client, and one more for the listener. */
    struct pollfd *polled;
};

static void free_client(struct client *client)
{
    rustls_connection_free(client->connection);
    pollback_transport_free(client->transport);
    free(client);
}

/* Sends until there is nothing left or the socket is full. Returns false if the client is lost. */
static bool send_some(struct client *client)
{
    while (rustls_connection_wants_write(client->connection)) {
        size_t sent = 0;
        int code = rustls_connection_write_tls_vectored(
            client->connection, pollback_write_vectored, client->transport, &sent);

        if (code == EAGAIN)
            return true;
        if (code != 0 || sent == 0)
            return false;
    }
    return true;
}

/* Writes the page once the request is complete. Returns false if the client is lost. */
static bool answer(struct client *client)
{
    size_t count = 0;
    size_t room = sizeof(client->request) - 1 - client->length;
    rustls_result result = rustls_connection_read(
        client->connection, (uint8_t *)client->request + client->length, room, &count);

    if (result == RUSTLS_RESULT_PLAINTEXT_EMPTY)
        return true;
    if (result != RUSTLS_RESULT_OK || count == 0)
        return false;
    client->length += count;
    client->request[client->length] = '\0';
    if (strstr(client->request, "\r\n\r\n") == NULL)
        return client->length < sizeof(client->request) - 1;
    client->answered = true;
    result = rustls_connection_write(client->connection, (const uint8_t *)PAGE, strlen(PAGE),
                                     &count);
    rustls_connection_send_close_notify(client->connection);
    return result == RUSTLS_RESULT_OK && count == strlen(PAGE);
}

/* Does everything that is possible for a client without waiting. Returns false if the client is
 * finished or lost. Otherwise the last attempt has returned EAGAIN, so there is a direction to wait
 * for. */
static bool serve(struct client *client)
{
    for (;;) {
        size_t taken = 0;
        int code;

        if (!send_some(client))
            return false;
        if (client->answered)
            return rustls_connection_wants_write(client->connection);
        code = rustls_connection_read_tls(client->connection, pollback_read, client->transport,
                                          &taken);
        if (code == EAGAIN)
            return true;
        if (code != 0 || taken == 0)
            return false;
        if (rustls_connection_process_new_packets(client->connection) != RUSTLS_RESULT_OK) {
            /* Send the alert, as far as possible without blocking. */
            send_some(client);
            return false;
        }
        if (!answer(client))
            return false;
    }
}

/* Makes room for one more client. */
static bool grow(struct server *server)
{
    size_t room = server->room * 2 + 16;
    struct client **clients;
    struct pollfd *polled;

    if (server->count < server->room)
        return true;
    clients = realloc(server->clients, room * sizeof(*clients));
    if (clients == NULL)
        return false;
    server->clients = clients;
    polled = realloc(server->polled, (room + 1) * sizeof(*polled));
    if (polled == NULL)
        return false;
    server->polled = polled;
    server->room = room;
    return true;
}

static void take_client(struct server *server)
{
    int fd = accept(server->listener, NULL, NULL);
    struct client *client;

    if (fd < 0) {
        perror("accept");
        return;
    }
    server->to_come--;
    client = calloc(1, sizeof(*client));
    if (client == NULL || !grow(server) ||
        pollback_transport_from_fd(fd, NULL, NULL, &client->transport) != 0) {
        fprintf(stderr, "a client cannot be accepted\n");
        close(fd);
        free(client);
    } else if (rustls_server_connection_new(server->config, &client->connection) !=
                   RUSTLS_RESULT_OK ||
               !serve(client)) {
        free_client(client);
    } else {
        server->clients[server->count++] = client;
    }
}

static bool main_loop(struct server *server)
{
    while (server->to_come > 0 || server->count > 0) {
        size_t count = server->count;

        for (size_t i = 0; i < count; i++) {
            int interest = pollback_transport_interest(server->clients[i]->transport);

            server->polled[i].fd = pollback_transport_fd(server->clients[i]->transport);
            server->polled[i].events = (short)((interest & POLLBACK_READABLE ? POLLIN : 0) |
                                               (interest & POLLBACK_WRITABLE ? POLLOUT : 0));
        }
        server->polled[count].fd = server->to_come > 0 ? server->listener : -1;
        server->polled[count].events = POLLIN;
        if (poll(server->polled, (nfds_t)count + 1, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            return false;
        }
        if (server->polled[count].revents != 0)
            take_client(server);
        /* Backwards, so that the last client can take the place of a finished one. */
        for (size_t i = count; i-- > 0;) {
            if (server->polled[i].revents != 0 && !serve(server->clients[i])) {
                free_client(server->clients[i]);
                server->clients[i] = server->clients[--server->count];
            }
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct server server = {NULL, -1, 0, 0, 0, NULL, NULL};
    struct rlimit limit;
    bool done = false;

    if (argc != 5) {
        fprintf(stderr, "usage: %s CHAIN.pem KEY.pem PORT CONNECTIONS\n", argv[0]);
        return 2;
    }
    /* As many clients as the system allows. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    server.to_come = atol(argv[4]);
    server.config = make_config(argv[1], argv[2]);
    if (server.config != NULL)
        server.listener = listen_on(argv[3]);
    if (server.listener >= 0) {
        done = grow(&server) && main_loop(&server);
        close(server.listener);
    }
    while (server.count > 0)
        free_client(server.clients[--server.count]);
    free(server.clients);
    free(server.polled);
    rustls_server_config_free(server.config);
    return done ? 0 : 1;
}
