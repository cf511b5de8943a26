/* zmtp/babble.c - see babble.h.
 *
 * The first two bytes choose what the peers are; then each byte is a deed, with what it needs behind it. */
#include "zmtp/babble.h"

#include <stdio.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/must.h"
#include "zmtp/world.h"

enum { USED_BYTES_MAX = 512 * 1024, DEEDS_MAX = 200 };

struct babble {
    struct zmtp_world world;
    struct cursor in;
    bool in_between; /* peers with a middle, instead of a raw end */
};

static void
check(struct babble *babble)
{
    must(babble->world.a.mem.used_bytes < USED_BYTES_MAX);
    must(babble->world.b.mem.used_bytes < USED_BYTES_MAX);
    zmtp_world_forget(&babble->world);
}

/* ---- deeds ------------------------------------------------------------------------------------------------------ */

static void
say(struct babble *babble)
{
    zmtp_world_say_bytes(&babble->world, take_bytes(&babble->in, take_u8(&babble->in) % 64));
}

static void
greet(struct babble *babble)
{
    static const char *const mechanisms[] = { "NULL", "PLAIN", "CURVE", "GSSAPI" };
    unsigned how = take_u8(&babble->in);
    zmtp_world_greet(&babble->world, how & 3, mechanisms[how >> 2 & 3], ZMTP_GREETING_BYTES);
}

static void
greet_2(struct babble *babble)
{
    zmtp_world_say(&babble->world, take_u8(&babble->in) % 2 == 0 ? "ff 0000000000000001 7f 01 08 00 00"
                                                                 : "ff 0000000000000001 7f 01 07 00 02 [id]");
}

static void
metadata(struct babble *babble)
{
    static const char *const names[] = { "READY", "INITIATE" };
    uint8_t data[64], frame[128];
    unsigned how = take_u8(&babble->in);
    struct view pattern = view_str(zmtp_pattern_name(how % ZMTP_PATTERNS));
    size_t n = zmtp_property_write(data, "Socket-Type", pattern);
    n = zmtp_command_write(frame, names[how >> 7], view_of(data, n), view_of(NULL, 0));
    zmtp_world_say_bytes(&babble->world, view_of(frame, n));
}

static void
command(struct babble *babble)
{
    static const char *const names[] = { "HELLO", "WELCOME", "INITIATE",  "READY",  "ERROR",
                                         "PING",  "PONG",    "SUBSCRIBE", "CANCEL", "MESSAGE" };
    uint8_t frame[512];
    const char *name = names[take_u8(&babble->in) % COUNT_OF(names)];
    struct view data = take_bytes(&babble->in, take_u8(&babble->in) % 200);
    zmtp_world_say_bytes(&babble->world, view_of(frame, zmtp_command_write(frame, name, data, view_of(NULL, 0))));
}

/* A head that may claim anything. */
static void
claim(struct babble *babble)
{
    uint8_t head[ZMTP_FRAME_HEAD_MAX];
    unsigned flags = take_u8(&babble->in), bits = take_u8(&babble->in);
    zmtp_world_say_bytes(&babble->world, view_of(head, zmtp_frame_head(head, flags, UINT64_C(1) << bits % 64)));
}

static void
message(struct babble *babble)
{
    uint8_t frame[300];
    unsigned flags = take_u8(&babble->in) & ZMTP_MORE;
    struct view body = take_bytes(&babble->in, take_u8(&babble->in) % 64);
    size_t head = zmtp_frame_head(frame, flags, body.len);
    if (body.len > 0)
        memcpy(frame + head, body.data, body.len);
    zmtp_world_say_bytes(&babble->world, view_of(frame, head + body.len));
}

static void
again(struct babble *babble)
{
    struct zmtp_world *world = &babble->world;
    unsigned how = take_u8(&babble->in), at = take_u16(&babble->in);
    zmtp_world_hang_up(world);
    for (struct zmtp_party *party = &world->a;; party = &world->b) {
        if (party->peer != NULL)
            zmtp_peer_abort(party->peer);
        if (party == &world->b)
            break;
    }
    zmtp_world_wait(world, 2000);
    must(world->a.peer == NULL && world->b.peer == NULL);
    world->flip[how & 1] = at % 1024;
    world->flip[~how & 1] = SIZE_MAX;
    if (babble->in_between)
        zmtp_world_meet(world, (how & 2) != 0);
    else
        zmtp_world_raw(world);
}

static void
wait(struct babble *babble)
{
    zmtp_world_wait(&babble->world, take_u8(&babble->in) * 100);
}

static void
do_something(struct babble *babble)
{
    struct zmtp_world *world = &babble->world;
    unsigned how = take_u8(&babble->in);
    struct zmtp_party *party = how & 1 ? &world->b : &world->a;
    if (party->peer == NULL)
        return;
    switch (how >> 1 & 7) {
    case 0: zmtp_world_put(party, "hello+world"); break;
    case 1: zmtp_world_put_large(party, take_u8(&babble->in) * 40U); break;
    case 2: zmtp_peer_pause(party->peer); break;
    case 3: zmtp_peer_resume(party->peer); break;
    case 4: (void)zmtp_peer_ping(party->peer, how); break;
    case 5: (void)zmtp_peer_subscribe(party->peer, view_str("x"), how & 16); break;
    case 6: party->denies = !party->denies; break;
    case 7: zmtp_peer_close(party->peer); break;
    }
    zmtp_world_run(world);
}

static void (*const deeds[])(struct babble *babble) = {
    say, greet, greet_2, metadata, command, claim, message, again, wait, do_something, do_something,
};

/* ---- the conversation ------------------------------------------------------------------------------------------- */

static void
choose(struct babble *babble)
{
    struct zmtp_party *a = &babble->world.a, *b = &babble->world.b;
    unsigned how = take_u8(&babble->in), patterns = take_u8(&babble->in);
    babble->in_between = how & 1;
    if ((how >> 1 & 3) == ZMTP_CURVE)
        zmtp_world_curve(&babble->world);
    else if ((how >> 1 & 3) == ZMTP_PLAIN)
        a->side.mechanism = b->side.mechanism = ZMTP_PLAIN;
    a->side.as_server = (how & 8) == 0;
    a->side.heartbeat_ms = how & 16 ? 1000 : 0;
    b->side.heartbeat_ms = how & 32 ? 1000 : 0;
    a->side.heartbeat_timeout_ms = b->side.heartbeat_timeout_ms = 3000;
    a->side.message_bytes_max = b->side.message_bytes_max = how & 64 ? 100 : 20000;
    a->side.pattern = patterns % ZMTP_PATTERNS;
    b->side.pattern = patterns / 16 % ZMTP_PATTERNS;
    a->side.parts_max = b->side.parts_max = 4;
    a->serves = how & 64 ? ZMTP_PUB : -ERR_NOT_FOUND;
    if (how & 128)
        a->on.pattern = zmtp_world_serves;
}

void
zmtp_babble(struct view bytes)
{
    static const struct babble nothing; /* large: not on the stack */
    struct mem mem = { 0 };
    struct babble *babble = MEM_NEW(&mem, struct babble);
    must(babble != NULL);
    *babble = nothing;
    zmtp_world_open(&babble->world);
    babble->in = cursor_of(bytes);
    choose(babble);
    again(babble);
    for (unsigned n = 0; n < DEEDS_MAX && cursor_left(&babble->in) > 0; n++) {
        deeds[take_u8(&babble->in) % COUNT_OF(deeds)](babble);
        check(babble);
    }
    babble->in = cursor_of(view_of(NULL, 0));
    babble->in_between = true;
    again(babble);
    must(babble->world.a.closed + (babble->world.a.peer != NULL) == babble->world.a.begun);
    must(babble->world.b.closed + (babble->world.b.peer != NULL) == babble->world.b.begun);
    zmtp_world_close(&babble->world);
    mem_free(&mem, babble);
}
