/* rpc/extra.h - the program with which Tambo's own clients and servers talk about calls.  Every server of ours answers
 * it on each of its links; a server that is not ours answers PROG_UNAVAIL. */
#ifndef TAMBO_RPC_EXTRA_H
#define TAMBO_RPC_EXTRA_H

/* In the range that is the user's (RFC 5531, 8.2: 0x20000000 to 0x3fffffff). */
enum { TAMBO_RPC_PROGRAM = 0x2074616d, TAMBO_RPC_VERSION = 1 };

enum tambo_rpc_extra_procedure {
    RPC_EXTRA_NULL = 0,
    /* client to server: () -> unsigned: the newest version of these procedures; unsigned hyper: the server's boot, a
     * random number, not 0, that is another one each time it is started: with it goes what it remembers of calls;
     * unsigned: for how many ms it remembers a call.  One that is to be executed at most once is not sent again when
     * more than that has passed since it was first sent; 0: the server does not remember, and refuses such calls. */
    RPC_EXTRA_HELLO = 1,
    /* client to server, one way: (unsigned xid) */
    RPC_EXTRA_CANCEL = 2,
    /* server to client, one way, on the same link, for a call with ONCRPC_EXTRA_RECEIPT: (unsigned xid): that call is
     * accepted, and no more is said of it.  One that is not accepted is answered as ever.  One that comes again is told
     * again. */
    RPC_EXTRA_RECEIPT = 3,
    /* (unsigned program, unsigned version) -> string: the interface's text, "" where there is none; version 0: the
     * newest */
    RPC_EXTRA_INTERFACE = 4,
    /* () -> metric<>: of each procedure that is served, where
     *     struct metric { string program_name<>; unsigned program, version; string name<>; unsigned number;
     *                     unsigned hyper calls, errors, replays, took_us[32]; };
     * see struct tambo_rpc_metric */
    RPC_EXTRA_METRICS = 5,
};

#endif
