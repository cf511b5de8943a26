/* tambo/error.h - what can go wrong, as negative ints out of one table.
 *
 * Every function of libtambo that can fail returns 0 or more on success, and -TAMBO_ERR_X on failure.  The numbers are
 * part of the binary interface: a new one is added at the end. */
#ifndef TAMBO_ERROR_H
#define TAMBO_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* clang-format off */
#define TAMBO_ERRORS(ERROR)                                                                        \
    ERROR(NO_MEMORY,       1, "out of memory, or past the context's memory budget")                \
    ERROR(AGAIN,           2, "it would have to wait")                                             \
    ERROR(END,             3, "the peer closed the connection")                                    \
    ERROR(PROTOCOL,        4, "the peer broke the protocol")                                       \
    ERROR(NOT_FOUND,       9, "there is no such thing")                                            \
    ERROR(FULL,           12, "a limit is reached")                                                \
    ERROR(TOO_LARGE,      13, "larger than its limit, or than the room given")                     \
    ERROR(DENIED,         14, "permission denied, or refused by the other side's security")        \
    ERROR(REFUSED,        15, "connection refused")                                                \
    ERROR(RESET,          16, "connection reset by the peer")                                      \
    ERROR(TIMEOUT,        17, "the time given is over")                                            \
    ERROR(UNREACHABLE,    18, "no peer can be reached")                        \
    ERROR(ADDRESS,        19, "not an endpoint, or it cannot be resolved")                         \
    ERROR(ADDRESS_IN_USE, 20, "the address is in use")                                             \
    ERROR(CANCELED,       21, "closed, freed or canceled meanwhile")                               \
    ERROR(INVALID,        22, "an argument that this pattern or option does not take")             \
    ERROR(IO,             23, "input/output error")                                                \
    ERROR(STATE,          24, "not now: a request comes before its reply, a reply after a request") \
    ERROR(FORKED,         25, "the context belongs to the parent process")                         \
    ERROR(DESCRIPTORS,    26, "out of file descriptors")                                           \
    ERROR(PROGRAM,        28, "the server has no such program")                                    \
    ERROR(VERSION,        29, "the server has no such version of the program")                     \
    ERROR(PROCEDURE,      30, "the program has no such procedure")                                 \
    ERROR(ARGUMENTS,      31, "the arguments do not fit the interface")                            \
    ERROR(RESULTS,        32, "the results do not fit the interface")                              \
    ERROR(FAILED,         33, "the server failed while it executed the call")                      \
    ERROR(OVERLOADED,     34, "the server takes no more calls now")                                \
    ERROR(ABANDONED,      35, "the call was canceled after it had been sent")
/* clang-format on */

enum tambo_err {
#define TAMBO_ERROR_NAME(name, number, text) TAMBO_ERR_##name = number,
    TAMBO_ERRORS(TAMBO_ERROR_NAME)
#undef TAMBO_ERROR_NAME
};

/* A sentence without its end, for a negative (or positive) error; "success" for 0.  Static. */
const char *tambo_error_text(int error);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
