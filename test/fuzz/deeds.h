/* fuzz/deeds.h - the alphabet of fuzz_session: what a byte of its input does, modulo DEEDS. */
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

#endif
