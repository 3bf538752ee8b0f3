/* What both servers begin with. */

#ifndef SETUP_H
#define SETUP_H

#include "rustls.h"

/* The page that they serve. */
extern const char PAGE[];

/* Makes a configuration of a certificate chain and its key. Returns NULL on failure, and says why
 * on stderr. */
const rustls_server_config *make_config(const char *chain_path, const char *key_path);

/* Listens on a port of the loopback interface, any if it is 0, and prints the address. Returns the
 * socket, or -1 on failure, and says why on stderr. */
int listen_on(const char *port);

#endif
