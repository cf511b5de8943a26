/* io/address.c - addresses as text. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "io/io.h"

static int
parse_unix(const char *path, struct io_address *ret)
{
    if (path[0] == '\0' || strlen(path) >= sizeof(ret->host))
        return -ERR_ADDRESS;
    ret->kind = IO_UNIX;
    memcpy(ret->host, path, strlen(path) + 1);
    return 0;
}

static int
parse_port(const char *text, uint16_t *ret)
{
    uint32_t port = 0;
    if (*text == '\0')
        return -ERR_ADDRESS;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -ERR_ADDRESS;
        port = port * 10 + (uint32_t)(*text - '0');
        if (port > UINT16_MAX)
            return -ERR_ADDRESS;
    }
    *ret = (uint16_t)port;
    return 0;
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static int
parse_tcp(const char *text, struct io_address *ret)
{
    bool bracket = text[0] == '[';
    const char *host = bracket ? text + 1 : text;
    size_t n = strcspn(host, bracket ? "]" : ":");
    const char *rest = host + n;
    if (n == 0 || n >= sizeof(ret->host) || (bracket && *rest != ']'))
        return -ERR_ADDRESS;
    rest += bracket;
    if (*rest != '\0' && *rest != ':')
        return -ERR_ADDRESS;
    ret->kind = IO_TCP;
    memcpy(ret->host, host, n);
    ret->host[n] = '\0';
    return *rest == ':' ? parse_port(rest + 1, &ret->port) : 0;
}

int
io_address_parse(const char *text, uint16_t port_default, struct io_address *ret)
{
    struct io_address address = { .port = port_default };
    int rc;
    if (strncmp(text, "unix:", 5) == 0)
        rc = parse_unix(text + 5, &address);
    else
        rc = parse_tcp(strncmp(text, "tcp://", 6) == 0 ? text + 6 : text, &address);
    if (rc == 0 && address.kind == IO_UNIX)
        address.port = 0;
    if (rc == 0)
        *ret = address;
    return rc;
}

void
io_address_print(const struct io_address *address, char *ret, size_t len)
{
    bool v6 = strchr(address->host, ':') != NULL;
    if (address->kind == IO_UNIX)
        snprintf(ret, len, "unix:%s", address->host);
    else
        snprintf(ret, len, v6 ? "tcp://[%s]:%u" : "tcp://%s:%u", address->host, address->port);
}
