/* fuzz/deeds.h - the alphabets of fuzz_session, fuzz_amqp_session and fuzz_rpc_server: what a byte of the input does,
 * modulo its size. */
#ifndef TAMBO_FUZZ_DEEDS_H
#define TAMBO_FUZZ_DEEDS_H

enum deed {
    DEED_SEND,  /* length, bytes: in the same turn as the one before */
    DEED_SAY,   /* length, bytes: and a moment passes */
    DEED_HELLO, /* choice: a new connection and its CONNECT, so that the fuzzer need not find one */
    DEED_CUT,   /* the connection breaks */
    DEED_WAIT,  /* seconds */
    DEEDS
};

/* Choices of a DEED_HELLO. */
enum hello { HELLO_V5, HELLO_V5_UNCLEAN, HELLO_V5_WILL, HELLO_V311, HELLO_V311_NAMELESS, HELLO_V31, HELLOS };

enum amqp_deed {
    AMQP_DEED_SEND,   /* length, bytes */
    AMQP_DEED_FRAME,  /* type, channel, length, payload */
    AMQP_DEED_HELLO,  /* choice: a new connection with a channel and a queue, so that the fuzzer need not find them */
    AMQP_DEED_CUT,    /* the connection breaks */
    AMQP_DEED_MOMENT, /* passes */
    AMQP_DEED_WAIT,   /* seconds */
    AMQP_DEEDS
};

enum rpc_deed {
    RPC_DEED_SEND,    /* length, bytes */
    RPC_DEED_MESSAGE, /* length, bytes: with its mark */
    RPC_DEED_CALL,    /* xid, procedure, length, arguments: so that the fuzzer need not find the head */
    RPC_DEED_EXTRA,   /* xid, procedure, flags, sequence, settled, length, arguments: one with our verifier */
    RPC_DEED_OPEN,    /* choice: a connection, or a socket for datagrams */
    RPC_DEED_CUT,
    RPC_DEED_ANSWER, /* choice: the oldest request that waits is answered, failed, or dropped */
    RPC_DEED_WAIT,   /* hundreds of milliseconds */
    RPC_DEEDS
};

#endif
