/* lib/rig.h - for the tests of libtambo: one context, two sockets that know each other. */
#ifndef TAMBO_LIB_RIG_H
#define TAMBO_LIB_RIG_H

#include "base/mem.h"
#include "tambo/socket.h"

enum { PATIENCE_MS = 10000, SHORT_MS = 20 };

struct rig {
    struct mem mem;                /* its own */
    struct tambo *context, *other; /* `b` belongs to `other` */
    struct tambo_socket *a, *b;
};

/* For cmocka. */
int rig_open(void **state);
int rig_close(void **state);

/* `a` binds, `b` connects, and both are ready. */
void rig_meet(struct rig *rig, enum tambo_pattern a, enum tambo_pattern b);
void rig_connect(struct tambo_socket *bound, struct tambo_socket *to);
struct tambo_socket *rig_socket(struct tambo *context, enum tambo_pattern pattern);
void rig_say(struct tambo_socket *socket, const char *text);
/* The next message is this one. */
void rig_hear(struct tambo_socket *socket, const char *text);

#endif
