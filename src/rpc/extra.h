/* rpc/extra.h - the program with which Tambo's own clients and servers talk about calls.  Every server of ours answers
 * it on each of its links; a server that is not ours answers PROG_UNAVAIL. */
#ifndef TAMBO_RPC_EXTRA_H
#define TAMBO_RPC_EXTRA_H

/* In the range that is the user's (RFC 5531, 8.2: 0x20000000 to 0x3fffffff). */
enum { TAMBO_RPC_PROGRAM = 0x2074616d, TAMBO_RPC_VERSION = 1 };

enum tambo_rpc_extra_procedure {
    RPC_EXTRA_NULL = 0,
    /* client to server: () -> unsigned: the newest version of these procedures; unsigned hyper: the server's boot, a
     * random number, not 0, that is another one each time it is started: with it goes what it remembers of calls */
    RPC_EXTRA_HELLO = 1,
    /* client to server, one way: (unsigned xid) */
    RPC_EXTRA_CANCEL = 2,
    /* server to client, one way, on the same link: (unsigned xid): that call is accepted */
    RPC_EXTRA_RECEIPT = 3,
    /* (unsigned program, unsigned version) -> string: the interface's text; version 0: the newest */
    RPC_EXTRA_INTERFACE = 4,
    /* () -> of each procedure served: name, calls, errors, median and 99th percentile in us (extra.x) */
    RPC_EXTRA_METRICS = 5,
};

#endif
