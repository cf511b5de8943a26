#include "zmtp_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "session/zmtp/peer.h"

enum { ACTORS_MAX = 6, HEARD_BYTES = 16 * 1024, PACE_MS = 20, MOMENT_MS = 200 };

struct actor {
    char name[32], heard[HEARD_BYTES];
    size_t heard_bytes;
    unsigned count;
    struct zmtp_side side;
    struct zmtp_peer *peer;
    bool ready;
    uint8_t envelope[64]; /* REP: of the last request */
    size_t envelope_bytes;
};

static struct actor actors[ACTORS_MAX];
static unsigned actor_count;

/* ---- hearing ------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void
hear(struct actor *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(a->heard + a->heard_bytes, sizeof(a->heard) - a->heard_bytes, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof(a->heard) - a->heard_bytes);
    a->heard_bytes += (size_t)n;
}

static void
on_ready(void *arg)
{
    struct actor *a = arg;
    a->ready = true;
    hear(a, "ready\n");
}

static void
hear_frame(struct actor *a, const struct zmtp_frame *frame)
{
    const char *end = (frame->flags & ZMTP_MORE) != 0 ? "+" : "\n";
    if (frame->body.len > 40)
        hear(a, "<%zu bytes>%s", frame->body.len, end);
    else if (frame->body.len == 0)
        hear(a, "-%s", end);
    else
        hear(a, "%.*s%s", (int)frame->body.len, frame->body.data, end);
}

static struct view
cut_envelope(struct actor *a, struct view run)
{
    struct view rest = run;
    struct zmtp_frame frame;
    while (zmtp_frame_next(&rest, &frame) && frame.body.len > 0)
        ;
    a->envelope_bytes = run.len - rest.len;
    assert_true(a->envelope_bytes <= sizeof(a->envelope));
    memcpy(a->envelope, run.data, a->envelope_bytes);
    return rest;
}

static void
on_messages(void *arg, struct view run, uint32_t count, struct zmtp_chunk *chunk)
{
    struct actor *a = arg;
    struct zmtp_frame frame;
    (void)chunk;
    a->count += count;
    if (a->side.pattern == ZMTP_REP)
        run = cut_envelope(a, run);
    while (a->count <= 100 && zmtp_frame_next(&run, &frame))
        hear_frame(a, &frame);
}

static int
on_subscribed(void *arg, struct view prefix, bool on)
{
    hear(arg, "%s %.*s\n", on ? "subscribed" : "cancelled", (int)prefix.len, prefix.data);
    return 0;
}

static void
on_closed(void *arg, const struct zmtp_end *end)
{
    struct actor *a = arg;
    char text[256];
    zmtp_end_print(end, text, sizeof(text));
    hear(a, "closed: %s\n", text);
    a->peer = NULL;
    a->ready = false;
}

static const struct zmtp_peer_on peer_on = {
    .ready = on_ready, .messages = on_messages, .subscribed = on_subscribed, .closed = on_closed
};

/* ---- saying ------------------------------------------------------------------------------------------------- */

static struct actor *
find(const char *name)
{
    for (unsigned i = 0; i < actor_count; i++)
        if (strcmp(actors[i].name, name) == 0)
            return &actors[i];
    assert_true(actor_count < ACTORS_MAX);
    struct actor *a = &actors[actor_count++];
    *a = (struct actor){ 0 };
    snprintf(a->name, sizeof(a->name), "%s", name);
    return a;
}

static void
meet(struct talk *talk, struct actor *a, int pattern, const char *resource)
{
    struct io_address address = { .kind = IO_TCP, .host = "n1", .port = 1883 };
    a->side = (struct zmtp_side){
        .pattern = (enum zmtp_pattern)pattern, .message_bytes_max = 1 << 20, .parts_max = 16, .handshake_ms = 5000
    };
    a->count = 0;
    assert_int_equal(
        zmtp_peer_connect(talk_clients(talk), &address, view_str(resource), &a->side, &peer_on, a, &a->peer), 0);
}

static void
put(struct actor *a, unsigned flags, struct view body)
{
    uint8_t head[ZMTP_FRAME_HEAD_MAX];
    size_t n = zmtp_frame_head(head, flags, body.len);
    (void)zmtp_peer_put_copy(a->peer, view_of(head, n));
    (void)zmtp_peer_put_copy(a->peer, body);
}

static void
send_parts(struct actor *a, const char *parts)
{
    for (;;) {
        size_t n = strcspn(parts, "+");
        bool more = parts[n] == '+', empty = n == 1 && parts[0] == '-';
        put(a, more ? ZMTP_MORE : 0, view_of(parts, empty ? 0 : n));
        if (!more)
            return;
        parts += n + 1;
    }
}

static void
answer(struct actor *a, const char *parts)
{
    (void)zmtp_peer_put_copy(a->peer, view_of(a->envelope, a->envelope_bytes));
    send_parts(a, parts);
}

static void
send_many(struct actor *a, const char *topic, unsigned count)
{
    static const uint8_t zeros[60000];
    for (unsigned i = 0; i < count; i++) {
        put(a, ZMTP_MORE, view_str(topic));
        put(a, 0, view_of(zeros, sizeof(zeros)));
    }
}

static void
obey(struct talk *talk, struct actor *a, const char *verb, const char *first, const char *second)
{
    int pattern = zmtp_pattern_of(view_str(verb));
    if (pattern >= 0)
        meet(talk, a, pattern, first);
    else if (a->peer == NULL)
        return; /* it was refused */
    else if (strcmp(verb, "send") == 0)
        send_parts(a, first);
    else if (strcmp(verb, "answer") == 0)
        answer(a, first);
    else if (strcmp(verb, "many") == 0)
        send_many(a, first, (unsigned)atoi(second));
    else if (strcmp(verb, "sub") == 0 || strcmp(verb, "unsub") == 0)
        (void)zmtp_peer_subscribe(a->peer, view_str(first), verb[0] == 's');
    else if (strcmp(verb, "deaf") == 0)
        zmtp_peer_pause(a->peer);
    else if (strcmp(verb, "listen") == 0)
        zmtp_peer_resume(a->peer);
    else if (strcmp(verb, "cut") == 0)
        zmtp_peer_abort(a->peer);
    else
        fail_msg("no such command: %s", verb);
}

void
zmtp_say(struct talk *talk, const char *who, const char *line)
{
    struct actor *a = find(who);
    while (*line != '\0') {
        char words[3][256] = { "", "", "" };
        size_t n = strcspn(line, ";");
        char command[600];
        snprintf(command, sizeof(command), "%.*s", (int)n, line);
        (void)sscanf(command, "%255s %255s %255s", words[0], words[1], words[2]);
        obey(talk, a, words[0], words[1], words[2]);
        talk_wait(talk, PACE_MS);
        line += n + (line[n] == ';');
    }
    talk_wait(talk, MOMENT_MS);
}

void
zmtp_hear(struct talk *talk, const char *who, const char *want)
{
    struct actor *a = find(who);
    (void)talk;
    a->heard[a->heard_bytes] = '\0';
    assert_string_equal(a->heard, want);
    a->heard_bytes = 0;
}

unsigned
zmtp_count(const char *who)
{
    return find(who)->count;
}

void
zmtp_hang_up(struct talk *talk)
{
    for (unsigned i = 0; i < actor_count; i++)
        if (actors[i].peer != NULL)
            zmtp_peer_abort(actors[i].peer);
    talk_wait(talk, MOMENT_MS);
    actor_count = 0;
}
