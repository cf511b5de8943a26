#include "rig/amqp_script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "rig/amqp_text.h"
#include "rig/notation.h"
#include "wire/amqp.h"

enum {
    PEERS = RAWS_MAX - 1,
    LINE_BYTES = 2048,
    OPTION_BYTES = 256,
    HEARD_BYTES = 128 * 1024,
    FRAMES_BYTES = 300 * 1024,
    MOMENT_MS = 100,
    FRAME_MAX = 131072
};

struct peer {
    uint32_t frame_max;
    bool told_end; /* that it was closed */
    size_t heard_bytes, read_bytes;
    char heard[HEARD_BYTES]; /* a line each, those up to read_bytes have been listened for */
};

struct amqp_stage {
    struct rig *rig;
    bool dribble, mumbling, moved; /* moved: something was said since all was heard */
    struct peer peers[PEERS];
    uint8_t frames[FRAMES_BYTES];
    char complaint[2 * LINE_BYTES];
};

__attribute__((format(printf, 2, 3))) static bool
complain(struct amqp_stage *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(stage->complaint, sizeof(stage->complaint), format, args);
    va_end(args);
    return stage->mumbling;
}

/* ---- hearing -------------------------------------------------------------------------------------------------- */

static void
note(struct peer *peer, const char *line)
{
    int n = snprintf(peer->heard + peer->heard_bytes, HEARD_BYTES - peer->heard_bytes, "%s\n", line);
    must(n > 0 && (size_t)n < HEARD_BYTES - peer->heard_bytes);
    peer->heard_bytes += (size_t)n;
}

static void
hear(struct amqp_stage *stage, unsigned i)
{
    struct peer *peer = &stage->peers[i];
    char line[LINE_BYTES];
    if (stage->mumbling) {
        raw_forget(stage->rig, i);
        return;
    }
    for (;;) {
        struct view got = raw_got(stage->rig, i);
        size_t n = amqp_text_print(got, line, sizeof(line));
        if (n == 0)
            break;
        raw_eat(stage->rig, i, n);
        note(peer, line);
    }
    if (stage->rig->raws[i].stream != NULL && stage->rig->raws[i].ended && !peer->told_end) {
        peer->told_end = true;
        note(peer, "closed");
    }
}

static void
hear_all(struct amqp_stage *stage)
{
    if (!stage->moved)
        return;
    rig_wait(stage->rig, stage->mumbling ? 1 : MOMENT_MS);
    for (unsigned i = 0; i < PEERS; i++)
        hear(stage, i);
    stage->moved = false;
}

/* The next line that was heard and not listened for; empty: none. */
static void
next_heard(struct peer *peer, char line[LINE_BYTES])
{
    const char *at = peer->heard + peer->read_bytes;
    size_t n = peer->read_bytes < peer->heard_bytes ? strcspn(at, "\n") : 0;
    snprintf(line, LINE_BYTES, "%.*s", (int)n, at);
    peer->read_bytes += peer->read_bytes < peer->heard_bytes ? n + 1 : 0;
}

/* * is any text. */
static bool
matches(const char *pattern, const char *text)
{
    for (; *pattern != '*'; pattern++, text++) {
        if (*pattern != *text)
            return false;
        if (*pattern == '\0')
            return true;
    }
    for (;; text++) {
        if (matches(pattern + 1, text))
            return true;
        if (*text == '\0')
            return false;
    }
}

/* ---- saying --------------------------------------------------------------------------------------------------- */

static void
send_all(struct amqp_stage *stage, unsigned i, struct view bytes)
{
    stage->moved = true;
    if (!stage->dribble) {
        raw_send(stage->rig, i, bytes);
        return;
    }
    for (size_t n = 0; n < bytes.len; n++) {
        raw_send(stage->rig, i, view_of(bytes.data + n, 1));
        rig_wait(stage->rig, 1);
    }
}

static void
say(struct amqp_stage *stage, unsigned i, const char *line)
{
    uint32_t most = stage->peers[i].frame_max;
    size_t n = amqp_text_frames(line, most == 0 ? FRAME_MAX : most, stage->frames, FRAMES_BYTES);
    send_all(stage, i, view_of(stage->frames, n));
}

static void
say_raw(struct amqp_stage *stage, unsigned i, const char *notation)
{
    send_all(stage, i, view_of(stage->frames, notation_bytes(notation, stage->frames, FRAMES_BYTES)));
}

static void
dial(struct amqp_stage *stage, unsigned i)
{
    struct peer *peer = &stage->peers[i];
    raw_open(stage->rig, i);
    peer->told_end = false;
    peer->frame_max = 0;
    stage->moved = true;
}

/* The value of `name=` in a line, or what it is otherwise. */
static const char *
option(const char *line, const char *name, const char *otherwise, char ret[OPTION_BYTES])
{
    const char *at = strstr(line, name);
    if (at != NULL)
        snprintf(ret, OPTION_BYTES, "%.*s", (int)strcspn(at + strlen(name), " "), at + strlen(name));
    else
        snprintf(ret, OPTION_BYTES, "%s", otherwise);
    return ret;
}

static void
say_start_ok(struct amqp_stage *stage, unsigned i, const char *line)
{
    char can[OPTION_BYTES], user[OPTION_BYTES], password[OPTION_BYTES], text[LINE_BYTES];
    option(line, "can=", "consumer_cancel_notify=true,connection.blocked=true,authentication_failure_close=true", can);
    for (char *at = can; *at != '\0'; at++)
        *at = *at == ',' ? ' ' : *at;
    snprintf(text, sizeof(text),
             "0 connection.start-ok client-properties={capabilities:F={%s}} mechanism=PLAIN response=\\00%s\\00%s "
             "locale=en_US",
             can, option(line, "user=", "guest", user), option(line, "password=", "guest", password));
    say(stage, i, text);
}

/* All at once, as no client does and every server must bear. */
static bool
open_connection(struct amqp_stage *stage, unsigned i, const char *line)
{
    static const char *const answers[] = { "0 connection.start *", "0 connection.tune *", "0 connection.open-ok" };
    char value[OPTION_BYTES], text[LINE_BYTES];
    struct peer *peer = &stage->peers[i];
    dial(stage, i);
    say_raw(stage, i, "[AMQP] 00000901");
    say_start_ok(stage, i, line);
    int n =
        snprintf(text, sizeof(text), "0 connection.tune-ok frame-max=%s", option(line, "frame-max=", "131072", value));
    peer->frame_max = (uint32_t)strtoul(value, NULL, 10);
    n += snprintf(text + n, sizeof(text) - (size_t)n, " channel-max=%s", option(line, "channel-max=", "2047", value));
    snprintf(text + n, sizeof(text) - (size_t)n, " heartbeat=%s", option(line, "heartbeat=", "0", value));
    say(stage, i, text);
    snprintf(text, sizeof(text), "0 connection.open virtual-host=%s", option(line, "vhost=", "/", value));
    say(stage, i, text);
    hear_all(stage);
    for (size_t a = 0; a < COUNT_OF(answers) && !stage->mumbling; a++) {
        next_heard(peer, text);
        if (!matches(answers[a], text))
            return complain(stage, "open: wanted %s, heard %s", answers[a], text);
    }
    return true;
}

/* ---- the deeds ------------------------------------------------------------------------------------------------ */

static bool
listen_for(struct amqp_stage *stage, unsigned i, const char *want)
{
    char line[LINE_BYTES];
    hear_all(stage);
    if (stage->mumbling)
        return true;
    next_heard(&stage->peers[i], line);
    return matches(want, line) || complain(stage, "%c wanted: %s\n   heard: %s", 'a' + i, want, line);
}

static bool
be_quiet(struct amqp_stage *stage, unsigned i)
{
    char line[LINE_BYTES];
    stage->moved = true;
    hear_all(stage);
    next_heard(&stage->peers[i], line);
    return line[0] == '\0' || complain(stage, "%c wanted nothing\n   heard: %s", 'a' + i, line);
}

static void
skip(struct amqp_stage *stage, unsigned i, const char *pattern)
{
    struct peer *peer = &stage->peers[i];
    char line[LINE_BYTES];
    size_t before;
    hear_all(stage);
    do {
        before = peer->read_bytes;
        next_heard(peer, line);
    } while (line[0] != '\0' && matches(pattern, line));
    peer->read_bytes = before;
}

static bool
restart(struct amqp_stage *stage, enum sim_death how)
{
    rig_die(stage->rig, how);
    for (unsigned i = 0; i < PEERS; i++) {
        raw_cut(stage->rig, i);
        stage->peers[i].heard_bytes = stage->peers[i].read_bytes = 0;
    }
    return rig_boot(stage->rig) || complain(stage, "the node did not start again");
}

static bool
is_verb(const char *line, const char *verb)
{
    size_t n = strlen(verb);
    return strncmp(line, verb, n) == 0 && (line[n] == ' ' || line[n] == '\0');
}

static bool
do_wait(struct amqp_stage *stage, const char *line)
{
    rig_wait(stage->rig, strtoull(line + strlen("wait"), NULL, 10));
    stage->moved = true;
    return true;
}

static void
do_cut(struct amqp_stage *stage, unsigned i)
{
    hear_all(stage);
    raw_cut(stage->rig, i);
    rig_wait(stage->rig, stage->mumbling ? 1 : MOMENT_MS);
    stage->moved = true;
}

static bool
act(struct amqp_stage *stage, unsigned i, const char *line)
{
    if (is_verb(line, "open"))
        return open_connection(stage, i, line);
    if (is_verb(line, "quiet"))
        return be_quiet(stage, i);
    if (is_verb(line, "wait"))
        return do_wait(stage, line);
    if (is_verb(line, "kill") || is_verb(line, "power"))
        return restart(stage, line[0] == 'k' ? SIM_KILL : SIM_POWER);
    if (is_verb(line, "skip")) {
        skip(stage, i, line + strlen("skip "));
        return true;
    }
    if (is_verb(line, "dial"))
        dial(stage, i);
    else if (is_verb(line, "raw"))
        say_raw(stage, i, line + strlen("raw"));
    else if (is_verb(line, "cut"))
        do_cut(stage, i);
    else if (is_verb(line, "deaf"))
        raw_deafen(stage->rig, i);
    else if (is_verb(line, "listen"))
        raw_listen(stage->rig, i);
    else
        must(false); /* no such verb */
    stage->moved = true;
    return true;
}

/* "1 > METHOD ..." without its arrow. */
static bool
act_on_channel(struct amqp_stage *stage, unsigned i, const char *line)
{
    char text[LINE_BYTES];
    const char *arrow = line + strcspn(line, "<>");
    must(*arrow != '\0');
    const char *rest = arrow + 1 + strspn(arrow + 1, " ");
    snprintf(text, sizeof(text), "%.*s%s", (int)(arrow - line), line, rest);
    if (*arrow == '<')
        return listen_for(stage, i, text);
    say(stage, i, text);
    return true;
}

static bool
play_line(struct amqp_stage *stage, const char *line)
{
    unsigned i = 0;
    line += strspn(line, " ");
    if (line[0] == '\0')
        return true;
    if (line[0] >= 'a' && line[0] < 'a' + PEERS && line[1] == ' ') {
        i = (unsigned)(line[0] - 'a');
        line += 2;
    }
    return isdigit((unsigned char)line[0]) || line[0] == '<' ? act_on_channel(stage, i, line) : act(stage, i, line);
}

static bool
play_lines(struct amqp_stage *stage, const char *script)
{
    char line[LINE_BYTES];
    for (unsigned n = 1; *script != '\0'; n++) {
        size_t len = strcspn(script, "\n");
        must(len < sizeof(line));
        snprintf(line, sizeof(line), "%.*s", (int)len, script);
        script += len + (script[len] == '\n');
        if (!play_line(stage, line)) {
            size_t end = strlen(stage->complaint);
            snprintf(stage->complaint + end, sizeof(stage->complaint) - end, "\n   in line %u: %s", n, line);
            return false;
        }
    }
    return true;
}

bool
amqp_play(struct amqp_stage *stage, const char *script)
{
    stage->mumbling = false;
    if (!play_lines(stage, script))
        return false;
    stage->moved = true;
    for (unsigned i = 0; i < PEERS; i++)
        if (!be_quiet(stage, i))
            return false;
    return true;
}

void
amqp_mumble(struct amqp_stage *stage, const char *script)
{
    stage->mumbling = true;
    (void)play_lines(stage, script);
    hear_all(stage);
}

const char *
amqp_heard(struct amqp_stage *stage, unsigned i)
{
    struct peer *peer = &stage->peers[i];
    stage->mumbling = false;
    stage->moved = true;
    hear_all(stage);
    const char *heard = peer->heard + peer->read_bytes;
    peer->heard[peer->heard_bytes] = '\0';
    peer->heard_bytes = peer->read_bytes = 0;
    return heard;
}

void
amqp_say_bytes(struct amqp_stage *stage, unsigned i, struct view bytes)
{
    send_all(stage, i, bytes);
}

/* ---- the stage ------------------------------------------------------------------------------------------------ */

struct amqp_stage *
amqp_stage_new(struct rig *rig)
{
    struct amqp_stage *stage = MEM_NEW(&rig->world, struct amqp_stage);
    must(stage != NULL);
    stage->rig = rig;
    return stage;
}

void
amqp_stage_free(struct amqp_stage *stage)
{
    mem_free(&stage->rig->world, stage);
}

void
amqp_stage_dribble(struct amqp_stage *stage, bool dribble)
{
    stage->dribble = dribble;
}

const char *
amqp_stage_complaint(const struct amqp_stage *stage)
{
    return stage->complaint;
}
