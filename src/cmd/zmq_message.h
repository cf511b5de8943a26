/* cmd/zmq_message.h - messages of sockets as text: cut into parts, joined, printed. */
#ifndef TAMBO_CMD_ZMQ_MESSAGE_H
#define TAMBO_CMD_ZMQ_MESSAGE_H

#include "base/mem.h"
#include "base/view.h"
#include "cmd/options.h"
#include "tambo/socket.h"

enum { ZMQ_PARTS_MAX = 1000 };

/* How the user wants them written. */
struct zmq_style {
    const char *delimiter; /* NULL: none in what is sent, a tab in what is printed */
    bool json, hex, no_newline;
};

extern const struct option_row zmq_delimiter_rows[1];
extern const struct option_row zmq_print_rows[3];

/* `text` as parts, borrowed from it.  How many, or -TAMBO_ERR_TOO_LARGE. */
int zmq_cut(const struct zmq_style *style, struct view text, struct tambo_part parts[ZMQ_PARTS_MAX]);
/* The parts with the delimiter between; *ret lies in `mem`.  0 or -TAMBO_ERR_NO_MEMORY. */
int zmq_join(const struct zmq_style *style, struct mem *mem, const struct tambo_message *message, struct view *ret);
/* On standard output:  a<tab>b  or  61<tab>62  or  {"parts":[{"data":"a"},{"data_base64":"/w=="}]} */
void zmq_print(const struct zmq_style *style, struct mem *mem, const struct tambo_message *message);

#endif
