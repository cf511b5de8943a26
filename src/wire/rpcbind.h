/* wire/rpcbind.h - rpcbind (RFC 1833): what program 100000 says in its versions 2 (the port mapper), 3 and 4, and
 * universal addresses.
 * Pure: no I/O, no clock; memory comes from the stream's arena.
 *
 * A linked list of the RFC (a boolean "one more" before each element) is an array here.  Codecs take and give `void *`
 * as the table of a program wants them (tambo/rpc.h).  Decoded texts are never NULL. */
#ifndef TAMBO_WIRE_RPCBIND_H
#define TAMBO_WIRE_RPCBIND_H

#include "tambo/rpc.h"

enum {
    RPCBIND_PROGRAM = 100000,
    RPCBIND_PORT = 111,
    RPCBIND_PROCEDURES = 13,   /* of version 4, NULL too */
    RPCBIND_TEXT_MAX = 255,    /* of a netid, an address, an owner */
    RPCBIND_HOST_MAX = 108,    /* with its NUL: struct io_address has no longer ones */
    RPCBIND_LIST_MAX = 100000, /* elements that we take from a peer */
    RPCBIND_BYTES_MAX = 65536, /* of a forwarded call's arguments, or results */
};
#define RPCBIND_SOCKET "/run/rpcbind.sock" /* where Debian's listens for the machine's own programs */

/* Procedures, by version: 2; 3 and 4; 4. */
enum rpcbind_procedure {
    RPCBIND_SET = 1,
    RPCBIND_UNSET = 2,
    RPCBIND_GETADDR = 3, /* version 2: GETPORT */
    RPCBIND_DUMP = 4,
    RPCBIND_CALLIT = 5, /* version 4: BCAST */
    RPCBIND_GETTIME = 6,
    RPCBIND_UADDR2TADDR = 7,
    RPCBIND_TADDR2UADDR = 8,
    RPCBIND_GETVERSADDR = 9,
    RPCBIND_INDIRECT = 10,
    RPCBIND_GETADDRLIST = 11,
    RPCBIND_GETSTAT = 12,
};

/* ---- values ------------------------------------------------------------------------------------------------ */

/* rpcb of versions 3 and 4, mapping of version 2. */
struct rpcbind_mapping {
    uint32_t program, version;
    char *netid;   /* "tcp", "udp", "tcp6", "udp6", "local" */
    char *address; /* universal */
    char *owner;
};
struct rpcbind_pmap {
    uint32_t program, version;
    uint32_t protocol; /* IP's number: 6 or 17 */
    uint32_t port;
};
struct rpcbind_mappings {
    struct rpcbind_mapping *items;
    uint32_t count;
};
struct rpcbind_pmaps {
    struct rpcbind_pmap *items;
    uint32_t count;
};
/* A call that is to be forwarded, and its result; where it went is a port in version 2, else an address. */
struct rpcbind_call {
    uint32_t program, version, procedure;
    struct tambo_bytes args;
};
struct rpcbind_pmap_result {
    uint32_t port;
    struct tambo_bytes results;
};
struct rpcbind_result {
    char *address;
    struct tambo_bytes results;
};
/* rpcb_entry: an address with what its netid means (netconfig). */
struct rpcbind_entry {
    char *address, *netid;
    uint32_t semantics; /* 1 datagrams, 2 a stream, 3 one with an orderly end */
    char *family, *protocol;
};
struct rpcbind_entries {
    struct rpcbind_entry *items;
    uint32_t count;
};
/* An address as the system's own bytes (struct sockaddr). */
struct rpcbind_netbuf {
    uint32_t size;
    struct tambo_bytes bytes;
};
/* What one version was asked how often, but for NULL, which every server answers by itself.  The RFC's lists of lookups
 * and of forwarded calls are always empty. */
struct rpcbind_counts {
    uint32_t procedures[RPCBIND_PROCEDURES];
    uint32_t set, unset; /* that were done */
};
/* Of versions 2, 3 and 4. */
struct rpcbind_stat {
    struct rpcbind_counts versions[3];
};

tambo_xdr_encode_fn rpcbind_encode_mapping, rpcbind_encode_pmap, rpcbind_encode_mappings, rpcbind_encode_pmaps,
    rpcbind_encode_call, rpcbind_encode_pmap_result, rpcbind_encode_result, rpcbind_encode_entries,
    rpcbind_encode_netbuf, rpcbind_encode_stat;
/* (Entries and statistics are not asked for by anything of ours.) */
tambo_xdr_decode_fn rpcbind_decode_mapping, rpcbind_decode_pmap, rpcbind_decode_mappings, rpcbind_decode_pmaps,
    rpcbind_decode_call, rpcbind_decode_pmap_result, rpcbind_decode_result, rpcbind_decode_netbuf;
/* uint32_t; bool; char *. */
tambo_xdr_encode_fn rpcbind_encode_word, rpcbind_encode_bool, rpcbind_encode_text;
tambo_xdr_decode_fn rpcbind_decode_word, rpcbind_decode_bool, rpcbind_decode_text;

/* ---- universal addresses (RFC 5665, 5.2) --------------------------------------------------------------------- */

/* "127.0.0.1.3.4": the host, then the port's two bytes; of IPv6 "::1.3.4".  A host that is not numeric has none. */

/* 0 or -TAMBO_ERR_ADDRESS. */
int rpcbind_address_parse(const char *text, char rethost[RPCBIND_HOST_MAX], uint16_t *retport);
/* 0 or -TAMBO_ERR_ADDRESS; at most `size` bytes with the NUL. */
int rpcbind_address_print(const char *host, uint16_t port, char *ret, size_t size);
/* A numeric host's family: 4 or 6, or 0: none. */
unsigned rpcbind_host_family(const char *host);

/* ---- netids (netconfig) -------------------------------------------------------------------------------------- */

struct rpcbind_netid {
    const char *name;
    unsigned family;   /* 4, 6; 0: within the machine */
    uint32_t protocol; /* IP's number; 0: none */
    uint32_t semantics;
    const char *family_name, *protocol_name;
};
/* NULL: not one that we know. */
const struct rpcbind_netid *rpcbind_netid_find(const char *name);
/* By family (4, 6) and protocol; NULL: there is none. */
const struct rpcbind_netid *rpcbind_netid_of(unsigned family, uint32_t protocol);

#endif
