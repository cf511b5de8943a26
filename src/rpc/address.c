/* rpc/address.c - where a program is served, as text. */
#include <stdio.h>

#include "base/err.h"
#include "rpc/link.h"

static const struct scheme {
    const char *name;
    enum rpc_transport transport;
    bool is_host; /* else a path or a name */
} schemes[] = {
    {"tcp://",   RPC_TCP,    true },
    { "udp://",  RPC_UDP,    true },
    { "unix:",   RPC_UNIX,   false},
    { "inproc:", RPC_INPROC, false},
};

static int
parse_name(const char *text, struct io_address *ret)
{
    size_t n = strlen(text);
    if (n == 0 || n >= sizeof(ret->host))
        return -ERR_ADDRESS;
    ret->kind = IO_UNIX;
    memcpy(ret->host, text, n + 1);
    return 0;
}

/* io knows "unix:" and "tcp://" as well, which may not stand behind our own. */
static int
parse_host(const char *text, struct io_address *ret)
{
    int rc = io_address_parse(text, 0, ret);
    return rc == 0 && (ret->kind != IO_TCP || strchr(text, '/') != NULL) ? -ERR_ADDRESS : rc;
}

int
rpc_address_parse(struct view text, struct rpc_address *ret)
{
    struct rpc_address address = { 0 };
    char plain[sizeof(address.at.host) + sizeof("[]:65535")];
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (!view_starts(text, schemes[i].name))
            continue;
        struct view rest = view_from(text, strlen(schemes[i].name));
        if (rest.len >= sizeof(plain) || memchr(rest.data, '\0', rest.len) != NULL)
            return -ERR_ADDRESS;
        memcpy(plain, rest.data, rest.len);
        plain[rest.len] = '\0';
        address.transport = schemes[i].transport;
        int rc = schemes[i].is_host ? parse_host(plain, &address.at) : parse_name(plain, &address.at);
        if (rc == 0)
            *ret = address;
        return rc;
    }
    return -ERR_ADDRESS;
}

void
rpc_address_print(const struct rpc_address *address, char *ret, size_t len)
{
    const struct scheme *scheme = &schemes[address->transport];
    bool v6 = strchr(address->at.host, ':') != NULL;
    if (!scheme->is_host)
        snprintf(ret, len, "%s%s", scheme->name, address->at.host);
    else if (address->at.port == 0)
        snprintf(ret, len, v6 ? "%s[%s]" : "%s%s", scheme->name, address->at.host);
    else
        snprintf(ret, len, v6 ? "%s[%s]:%u" : "%s%s:%u", scheme->name, address->at.host, address->at.port);
}
