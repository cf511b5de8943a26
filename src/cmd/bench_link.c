/* cmd/bench_link.c - see bench_link.h. */
#include "cmd/bench_link.h"

#include <stdio.h>

#include "base/err.h"

enum { UNSENT_HIGH = 256 * 1024, UNSENT_LOW = 64 * 1024 };

void
link_end(struct link *link, const char *why)
{
    if (link->leaving)
        return;
    snprintf(link->end, sizeof link->end, "%s", why);
    link->leaving = true;
    io_close(link->stream);
}

static void
lose(struct link *link, const char *what, int rc)
{
    char text[LINK_END_MAX];
    snprintf(text, sizeof text, "%s: %s", what, err_text(rc));
    link_end(link, text);
}

void
link_fail(struct link *link, const char *text)
{
    char why[LINK_END_MAX];
    snprintf(why, sizeof why, "the server broke the protocol: %s", text);
    link_end(link, why);
}

void
link_opened(struct link *link)
{
    link->is_open = true;
    link->on->opened(link->arg);
}

static void
on_opened(void *arg, int rc)
{
    struct link *link = arg;

    if (rc == 0)
        rc = link->protocol->greet(link);
    if (rc < 0)
        lose(link, "cannot connect", rc);
}

static void
take(struct link *link, struct view frame)
{
    if (!link->is_open)
        link->protocol->introduce(link, frame);
    else if (!link->protocol->attend(link, frame))
        link->on->frame(link->arg, frame);
}

static void
on_read(void *arg, struct view bytes)
{
    struct link *link = arg;
    struct fault fault;
    struct view frame;
    int rc = 0;

    link->read_ns = io_exact_ns(link->io);
    while (!link->leaving &&
           (rc = carry_next(&link->carry, &bytes, link->protocol->frame_bytes_max, &frame, &fault)) > 0)
        take(link, frame);
    if (rc == -ERR_PROTOCOL)
        link_fail(link, fault.text);
    else if (rc < 0)
        lose(link, "connection lost", rc);
}

static void
on_ended(void *arg, int rc)
{
    lose(arg, "connection lost", rc);
}

/* The loop takes a turn, and the scenario fills outboxes at the end of each. */
static void
on_drained(void *arg)
{
    (void)arg;
}

static void
on_closed(void *arg)
{
    struct link *link = arg;

    carry_clear(&link->carry);
    link->stream = NULL;
    link->is_open = false;
    link->on->closed(link->arg, link->left ? NULL : link->end);
}

static const struct io_stream_on stream_on = {
    .opened = on_opened,
    .read = on_read,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

int
link_open(struct link *link, struct io *io, const struct io_address *address, const struct protocol *protocol,
          const struct link_on *on, void *arg)
{
    *link = (struct link){ .io = io, .protocol = protocol, .on = on, .arg = arg };
    carry_init(&link->carry, io_mem(io), protocol->frame_size);
    int rc = io_connect(io, address, &stream_on, link, &link->stream);
    if (rc < 0)
        return rc;
    io_marks(link->stream, UNSENT_HIGH, UNSENT_LOW);
    return 0;
}

void
link_fini(struct link *link)
{
    if (link->io != NULL)
        carry_clear(&link->carry);
}

void
link_close(struct link *link)
{
    if (link->leaving)
        return;
    if (link->is_open)
        link->protocol->bye(link);
    link->left = true;
    link_end(link, "");
}
