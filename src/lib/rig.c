#include "lib/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

int
rig_open(void **state)
{
    struct mem mem = { 0 };
    struct rig *rig = MEM_NEW(&mem, struct rig);
    must(rig != NULL);
    rig->mem = mem;
    *state = rig;
    return tambo_new(&rig->context) < 0 || tambo_new(&rig->other) < 0;
}

int
rig_close(void **state)
{
    struct rig *rig = *state;
    tambo_free(rig->context);
    tambo_free(rig->other);
    struct mem mem = rig->mem;
    mem_free(&mem, rig);
    return 0;
}

struct tambo_socket *
rig_socket(struct tambo *context, enum tambo_pattern pattern)
{
    struct tambo_socket *socket = NULL;
    assert_int_equal(tambo_socket(context, pattern, &socket), 0);
    assert_int_equal(tambo_set(socket, TAMBO_LINGER_MS, 100), 0);
    return socket;
}

void
rig_connect(struct tambo_socket *bound, struct tambo_socket *to)
{
    char endpoint[128];
    assert_int_equal(tambo_bind(bound, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(tambo_endpoint(bound, endpoint, sizeof(endpoint)), 0);
    assert_int_equal(tambo_connect(to, endpoint), 0);
}

void
rig_meet(struct rig *rig, enum tambo_pattern a, enum tambo_pattern b)
{
    rig->a = rig_socket(rig->context, a);
    rig->b = rig_socket(rig->other, b);
    rig_connect(rig->a, rig->b);
    assert_int_equal(tambo_wait_peers(rig->a, 1, PATIENCE_MS), 1);
    assert_int_equal(tambo_wait_peers(rig->b, 1, PATIENCE_MS), 1);
}

void
rig_say(struct tambo_socket *socket, const char *text)
{
    assert_int_equal(tambo_send(socket, text, strlen(text), PATIENCE_MS), 0);
}

void
rig_hear(struct tambo_socket *socket, const char *text)
{
    char got[256];
    ptrdiff_t len = tambo_recv(socket, got, sizeof(got), PATIENCE_MS);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(got, text, strlen(text));
}
