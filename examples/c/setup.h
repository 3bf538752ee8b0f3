/* The setup that both servers share. */

#ifndef SETUP_H
#define SETUP_H

#include "rustls.h"

/* The page that they serve. */
extern const char PAGE[];

/* Creates a configuration from a certificate chain and its key. Returns NULL on failure, and prints
 * the reason to stderr. */
const rustls_server_config *make_config(const char *chain_path, const char *key_path);

/* Listens on a port of the loopback interface, any if it is 0, and prints the address. Returns the
 * socket. Returns -1 on failure, and prints the reason to stderr. */
int listen_on(const char *port);

#endif
