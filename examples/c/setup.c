#include "setup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drive.h"

const char PAGE[] = "HTTP/1.1 200 OK\r\n"
                    "Content-Type: text/plain\r\n"
                    "Connection: close\r\n"
                    "\r\n"
                    "hello from C\n";

const rustls_server_config *make_config(const char *chain_path, const char *key_path)
{
    size_t chain_length = 0, key_length = 0;
    char *chain = read_file(chain_path, &chain_length);
    char *key = chain == NULL ? NULL : read_file(key_path, &key_length);
    const rustls_certified_key *certified = NULL;
    rustls_server_config_builder *builder = NULL;
    const rustls_server_config *config = NULL;
    rustls_result result;

    if (key != NULL) {
        result = rustls_certified_key_build((const uint8_t *)chain, chain_length,
                                            (const uint8_t *)key, key_length, &certified);
        if (result == RUSTLS_RESULT_OK) {
            builder = rustls_server_config_builder_new();
            result = rustls_server_config_builder_set_certified_keys(builder, &certified, 1);
        }
        if (result == RUSTLS_RESULT_OK)
            result = rustls_server_config_builder_build(builder, &config);
        else
            rustls_server_config_builder_free(builder);
        if (result != RUSTLS_RESULT_OK)
            complain(chain_path, result);
    }
    rustls_certified_key_free(certified);
    free(key);
    free(chain);
    return config;
}

int listen_on(const char *port)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(port));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        perror("listen");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}
