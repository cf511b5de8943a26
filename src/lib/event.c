/* lib/event.c - what happens to a socket. */
#include "lib/inner.h"

int
tambo_event(struct tambo_socket *socket, struct tambo_event *ret, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    int rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    struct tambo *context = socket->context;
    rc = socket_watch(socket->core);
    if (rc == 0) {
        do
            rc = socket_event(socket->core, ret);
        while (rc == -ERR_AGAIN && (rc = lib_wait(socket, &patience)) == 0);
    }
    lib_leave(context);
    return rc;
}

const char *
tambo_event_text(enum tambo_event_kind kind)
{
    static const char *const texts[] = {
#define EVENT_TEXT(name, what) [TAMBO_##name] = (what),
        TAMBO_EVENTS(EVENT_TEXT)
#undef EVENT_TEXT
    };
    return (size_t)kind < COUNT_OF(texts) ? texts[kind] : "unknown event";
}
