/* cmd/program.h - a program that is run for its answer: bytes on its standard input, and what it writes. */
#ifndef TAMBO_CMD_PROGRAM_H
#define TAMBO_CMD_PROGRAM_H

#include "base/view.h"

struct mem;

struct program_output {
    struct mem *mem;
    uint8_t *bytes;
    size_t len, room;
    int status; /* its exit code, or 128 + the signal that ended it */
};

/* Runs `argv`, looked for in PATH, and waits for its end.  Adds what it wrote to *ret, which begins as { .mem = mem }
 * and may be used again.  0, or -err and then it was not started or not heard to its end: -ERR_NOT_FOUND, -ERR_DENIED,
 * -ERR_NO_MEMORY, -ERR_IO. */
int program_run(char *const *argv, struct view input, struct program_output *ret);
void program_output_fini(struct program_output *output);

#endif
