/* cmd/url.h - where a server is: "user:password@host:port/path" taken apart, and an address out of it. */
#ifndef TAMBO_CMD_URL_H
#define TAMBO_CMD_URL_H

#include "cmd/options.h"
#include "io/io.h"

enum { URL_BYTES_MAX = 1024 };

/* What was not there is left as it was. */
struct url {
    const char *host, *username, *password, *path; /* path: behind the slash, never empty */
    uint64_t port;
};

/* %XX in place.  0 or -ERR_INVALID. */
int url_unescape(char *text);
/* Cuts `rest`, what stands behind "scheme://", up in place; user and password are unescaped. */
int url_cut(char *rest, struct url *url, struct complaint *complaint);
/* `unix_path` wins over `host` when it is not NULL. */
int url_address(const char *host, const char *unix_path, uint64_t port, struct io_address *ret,
                struct complaint *complaint);

#endif
