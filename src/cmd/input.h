/* cmd/input.h - what is to be published: a text, a file, standard input as a whole or line by line. */
#ifndef TAMBO_CMD_INPUT_H
#define TAMBO_CMD_INPUT_H

#include "cmd/options.h"
#include "io/io.h"

enum { INPUT_BYTES_MAX = 256 * 1024 * 1024 };

struct input {
    struct io *io;
    struct mem *mem;
    struct io_stream *stream;
    uint8_t *bytes;
    size_t at, len, room; /* what is not yet taken: [at, len) */
    bool ended;
    int failed; /* -err, once ended */
    bool paused;
    void (*on)(void *arg);
    void *arg;
};

void input_init(struct input *input, struct io *io);
/* The stream must have ended or never been begun, or the loop be over. */
void input_fini(struct input *input);

/* Reads all of a file, blocking.  0, or -err with a complaint. */
int input_file(struct input *input, const char *path, struct complaint *complaint);
/* Reads standard input; `on` is called for whatever comes and at its end. */
int input_stdin(struct input *input, void (*on)(void *arg), void *arg);
/* The same without a loop: waits until something has come, or its end.  `io` is not used. */
void input_wait(struct input *input);
/* Whole input so far. */
struct view input_all(const struct input *input);
/* The next line without its end; false when no whole line is there (the last one need not end).  It is valid until
 * input_took(). */
bool input_line(struct input *input, struct view *ret);
/* The line was used. */
void input_took(struct input *input, struct view line);
/* Do not read on before there is room for it. */
void input_pause(struct input *input, bool pause);

#endif
