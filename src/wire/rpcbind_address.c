/* wire/rpcbind_address.c - universal addresses and netids. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/must.h"
#include "wire/rpcbind.h"

/* ---- universal addresses -------------------------------------------------------------------------------------- */

/* The number behind the last dot of `text`, which is cut there.  -1: there is none, or it is no byte. */
static int
cut_byte(char *text)
{
    char *dot = strrchr(text, '.');
    int byte = 0;

    if (dot == NULL || dot[1] == '\0' || strlen(dot + 1) > 3)
        return -1;
    for (const char *digit = dot + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return -1;
        byte = byte * 10 + (*digit - '0');
    }
    *dot = '\0';
    return byte > UINT8_MAX ? -1 : byte;
}

int
rpcbind_address_parse(const char *text, char rethost[RPCBIND_HOST_MAX], uint16_t *retport)
{
    char host[RPCBIND_HOST_MAX];

    if (strlen(text) >= sizeof(host))
        return -TAMBO_ERR_ADDRESS;
    memcpy(host, text, strlen(text) + 1);
    int low = cut_byte(host);
    int high = low < 0 ? -1 : cut_byte(host);
    if (high < 0 || rpcbind_host_family(host) == 0)
        return -TAMBO_ERR_ADDRESS;
    memcpy(rethost, host, strlen(host) + 1);
    *retport = (uint16_t)(high << 8 | low);
    return 0;
}

int
rpcbind_address_print(const char *host, uint16_t port, char *ret, size_t size)
{
    if (rpcbind_host_family(host) == 0)
        return -TAMBO_ERR_ADDRESS;
    int n = snprintf(ret, size, "%s.%d.%d", host, port >> 8, port & 0xff);
    return n < 0 || (size_t)n >= size ? -TAMBO_ERR_ADDRESS : 0;
}

unsigned
rpcbind_host_family(const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return 4;
    return inet_pton(AF_INET6, host, &address) == 1 ? 6 : 0;
}

/* ---- netids --------------------------------------------------------------------------------------------------- */

static const struct rpcbind_netid netids[] = {
    {"tcp",    4, 6,  3, "inet",     "tcp"},
    { "udp",   4, 17, 1, "inet",     "udp"},
    { "tcp6",  6, 6,  3, "inet6",    "tcp"},
    { "udp6",  6, 17, 1, "inet6",    "udp"},
    { "local", 0, 0,  3, "loopback", "-"  },
};

const struct rpcbind_netid *
rpcbind_netid_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(netids); i++) {
        if (strcmp(netids[i].name, name) == 0)
            return &netids[i];
    }
    return NULL;
}

const struct rpcbind_netid *
rpcbind_netid_of(unsigned family, uint32_t protocol)
{
    for (size_t i = 0; i < COUNT_OF(netids); i++) {
        if (netids[i].family == family && netids[i].protocol == protocol)
            return &netids[i];
    }
    return NULL;
}
