/* base/err.h - what the world can do to us, as negative ints out of one table.
 * 0 or more is success; -ERR_X is a failure with a text. */
#ifndef TAMBO_BASE_ERR_H
#define TAMBO_BASE_ERR_H

#define ERRS(ERR)                                                        \
    ERR(NO_MEMORY, "memory budget (node_memory_bytes_max) exhausted")    \
    ERR(AGAIN, "would block")                                            \
    ERR(EOF, "end of stream")                                            \
    ERR(PROTOCOL, "peer broke the protocol")                             \
    ERR(DISK_FULL, "disk full (below disk_free_bytes_min)")              \
    ERR(DISK, "disk failed")                                             \
    ERR(DAMAGED, "stored bytes fail their checksum")                     \
    ERR(FORMAT, "stored by an unknown version of the format")            \
    ERR(NOT_FOUND, "not found")                                          \
    ERR(EXISTS, "exists already")                                        \
    ERR(BUSY, "in use by another process")                               \
    ERR(FULL, "limit reached")                                           \
    ERR(TOO_LARGE, "larger than its limit")                              \
    ERR(DENIED, "permission denied")                                     \
    ERR(REFUSED, "connection refused")                                   \
    ERR(RESET, "connection reset by peer")                               \
    ERR(TIMEOUT, "timed out")                                            \
    ERR(UNREACHABLE, "host or network unreachable")                      \
    ERR(ADDRESS, "address cannot be used or resolved")                   \
    ERR(ADDRESS_IN_USE, "address already in use")                        \
    ERR(CANCELED, "canceled")                                            \
    ERR(INVALID, "invalid argument")                                     \
    ERR(IO, "input/output error")                                        \
    ERR(STATE, "not in this state")                                      \
    ERR(FORKED, "belongs to the parent process")                         \
    ERR(DESCRIPTORS, "out of file descriptors")                          \
    ERR(TIGHT, "memory budget (node_memory_bytes_max) nearly exhausted") \
    ERR(PROGRAM, "the server has no such program")                       \
    ERR(VERSION, "the server has no such version of the program")        \
    ERR(PROCEDURE, "the program has no such procedure")                  \
    ERR(ARGUMENTS, "the arguments do not fit the interface")             \
    ERR(RESULTS, "the results do not fit the interface")                 \
    ERR(FAILED, "the server failed while it executed the call")          \
    ERR(OVERLOADED, "the server takes no more calls now")                \
    ERR(ABANDONED, "the call was canceled after it had been sent")

enum err {
    ERR_NONE,
#define ERR_NAME(name, text) ERR_##name,
    ERRS(ERR_NAME)
#undef ERR_NAME
};

/* The text of a negative (or positive) error; "success" for 0. */
const char *err_text(int err);

#endif
