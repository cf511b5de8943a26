/* lib/message.c - sending and receiving; messages. */
#include "lib/inner.h"
#include "wire/zmtp.h"

/* A part's bytes begin here in its chunk: aligned as malloc's are, behind room for its frame's head. */
enum { DATA_AT = 24 };

/* ---- copies ------------------------------------------------------------------------------------------------- */

int
tambo_send_parts(struct tambo_socket *socket, const struct tambo_part *parts, size_t count, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    int rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    struct tambo *context = socket->context;
    do
        rc = socket_send_parts(socket->core, parts, count);
    while (rc == -ERR_AGAIN && (rc = lib_wait(socket, &patience)) == 0);
    lib_leave(context);
    return rc;
}

int
tambo_send(struct tambo_socket *socket, const void *data, size_t len, int wait_ms)
{
    struct tambo_part part = { data, len };
    return tambo_send_parts(socket, &part, 1, wait_ms);
}

/* A message of one part that fits is taken and copied. */
static ptrdiff_t
take_copy(struct tambo_socket *socket, void *into, size_t size)
{
    struct view run;
    struct zmtp_frame frame;
    struct zmtp_slice slice;
    int rc = socket_peek(socket->core, &run);
    if (rc < 0)
        return rc;
    if (!zmtp_frame_next(&run, &frame) || run.len > 0 || frame.body.len > size)
        return -ERR_TOO_LARGE;
    rc = socket_recv(socket->core, &slice);
    if (rc < 0)
        return rc;
    run = slice.run;
    if (zmtp_frame_next(&run, &frame) && frame.body.len > 0)
        memcpy(into, frame.body.data, frame.body.len);
    zmtp_chunk_unref(slice.chunk);
    return (ptrdiff_t)frame.body.len;
}

ptrdiff_t
tambo_recv(struct tambo_socket *socket, void *into, size_t size, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    ptrdiff_t rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    struct tambo *context = socket->context;
    do
        rc = take_copy(socket, into, size);
    while (rc == -ERR_AGAIN && (rc = lib_wait(socket, &patience)) == 0);
    lib_leave(context);
    return rc;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static struct tambo_message *
make_message(struct tambo *context)
{
    struct tambo_message *message = context->spare;
    if (message == NULL) {
        message = MEM_NEW(&context->mem, struct tambo_message);
    } else {
        context->spare = message->next;
        context->spares--;
    }
    if (message != NULL)
        message->context = context;
    return message;
}

static void
drop_message(struct tambo_message *message)
{
    struct tambo *context = message->context;
    if (context->spares == SPARE_MESSAGES_MAX) {
        mem_free(&context->mem, message);
        return;
    }
    message->next = context->spare;
    context->spare = message;
    context->spares++;
}

void
lib_free_spares(struct tambo *context)
{
    for (struct tambo_message *message = context->spare, *next; message != NULL; message = next) {
        next = message->next;
        mem_free(&context->mem, message);
    }
    context->spare = NULL;
}

static int
new_message(struct tambo *context, size_t len, struct tambo_message **ret, void **retdata)
{
    uint8_t head[ZMTP_FRAME_HEAD_MAX];
    struct zmtp_chunk *chunk = len > SIZE_MAX - DATA_AT ? NULL : zmtp_chunk_new(&context->mem, DATA_AT + len);
    struct tambo_message *message = chunk == NULL ? NULL : make_message(context);
    if (message == NULL) {
        zmtp_chunk_unref(chunk);
        return -ERR_NO_MEMORY;
    }
    size_t head_len = zmtp_frame_head(head, 0, len);
    uint8_t *at = chunk->bytes + DATA_AT - head_len;
    memcpy(at, head, head_len);
    message->slice = (struct zmtp_slice){ .chunk = chunk, .run = view_of(at, head_len + len) };
    *ret = message;
    *retdata = chunk->bytes + DATA_AT;
    return 0;
}

int
tambo_message_new(struct tambo *context, size_t len, struct tambo_message **ret, void **retdata)
{
    int rc = lib_enter(context);
    if (rc < 0)
        return rc;
    rc = new_message(context, len, ret, retdata);
    lib_leave(context);
    return rc;
}

void
tambo_message_free(struct tambo_message *message)
{
    if (message == NULL || lib_enter(message->context) < 0)
        return;
    struct tambo *context = message->context;
    zmtp_chunk_unref(message->slice.chunk);
    drop_message(message);
    lib_leave(context);
}

int
tambo_send_message(struct tambo_socket *socket, struct tambo_message *message, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    if (message == NULL)
        return -ERR_INVALID;
    int rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    struct tambo *context = socket->context;
    if (message->context != context) {
        lib_leave(context);
        return -ERR_INVALID;
    }
    do
        rc = socket_send(socket->core, &message->slice);
    while (rc == -ERR_AGAIN && (rc = lib_wait(socket, &patience)) == 0);
    if (rc == 0)
        drop_message(message);
    lib_leave(context);
    return rc;
}

static int
take_message(struct tambo_socket *socket, struct tambo_message **ret)
{
    struct tambo_message *message = make_message(socket->context);
    if (message == NULL)
        return -ERR_NO_MEMORY;
    int rc = socket_recv(socket->core, &message->slice);
    if (rc < 0)
        drop_message(message);
    else
        *ret = message;
    return rc;
}

int
tambo_recv_message(struct tambo_socket *socket, struct tambo_message **ret, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    int rc = lib_enter_socket(socket);
    if (rc < 0)
        return rc;
    struct tambo *context = socket->context;
    do
        rc = take_message(socket, ret);
    while (rc == -ERR_AGAIN && (rc = lib_wait(socket, &patience)) == 0);
    lib_leave(context);
    return rc;
}

size_t
tambo_message_count(const struct tambo_message *message)
{
    struct view run = message->slice.run;
    struct zmtp_frame frame;
    size_t count = 0;
    while (zmtp_frame_next(&run, &frame))
        count++;
    return count;
}

struct tambo_part
tambo_message_part(const struct tambo_message *message, size_t at)
{
    struct view run = message->slice.run;
    struct zmtp_frame frame;
    for (size_t i = 0; zmtp_frame_next(&run, &frame); i++)
        if (i == at)
            return (struct tambo_part){ frame.body.data, frame.body.len };
    return (struct tambo_part){ NULL, 0 };
}
