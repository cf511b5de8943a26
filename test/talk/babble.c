#include "babble.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/cursor.h"

enum { PHRASES_MAX = 64, LINE_BYTES = 512 };

/* %u takes a small number, %t a topic, %f a filter, %x raw bytes. */
static const char *const phrases[] = {
    "connect v=5 clean=%u expiry=%u receive=%u alias=%u will=%t wmsg=w wqos=%u wdelay=%u",
    "connect v=4 clean=%u id=ana",
    "connect v=5 clean=0 expiry=100 max=%u00",
    "connect v=3",
    "subscribe %f qos=%u rh=%u rap=%u sub=%u",
    "subscribe %f %f qos=2 nl=%u",
    "subscribe $share/g/%f qos=%u",
    "unsubscribe %f $share/g/%f",
    "publish %t qos=%u pid=%u retain=%u msg=x",
    "publish %t qos=2 pid=%u alias=%u size=%u000",
    "publish - qos=1 alias=%u pid=%u",
    "publish %t qos=1 pid=%u expiry=%u user=a:b",
    "publish %t retain=1",
    "puback %u",
    "pubrec %u",
    "pubrec %u r=80",
    "pubrel %u",
    "pubcomp %u",
    "ping",
    "disconnect r=0%u expiry=%u",
    "cut",
    "auth method=x data=y",
    "raw %x",
    "raw 30 %x",
    "connect & raw %x",
};

static const char *const topics[] = { "a", "a/b", "b", "$SYS/x", "a//c", "long/topic/with/many/levels" };
static const char *const filters[] = { "a", "a/+", "#", "+/b", "b/#", "$SYS/#", "a//c", "+" };

static void
append(char *line, const char *format, ...)
{
    va_list args;
    size_t n = strlen(line);
    va_start(args, format);
    vsnprintf(line + n, LINE_BYTES - n, format, args);
    va_end(args);
}

static void
append_raw(char *line, struct cursor *c)
{
    for (unsigned i = take_u8(c) % 40u; i > 0; i--)
        append(line, "%02x", take_u8(c));
}

static void
fill(char *line, const char *phrase, struct cursor *c)
{
    line[0] = 0;
    for (; *phrase != 0; phrase++) {
        if (*phrase != '%') {
            append(line, "%c", *phrase);
            continue;
        }
        switch (*++phrase) {
        case 'u': append(line, "%u", take_u8(c) % 4u); break;
        case 't': append(line, "%s", topics[take_u8(c) % COUNT_OF(topics)]); break;
        case 'f': append(line, "%s", filters[take_u8(c) % COUNT_OF(filters)]); break;
        default: append_raw(line, c); break;
        }
    }
}

static void
say_phrase(struct talk *talk, struct cursor *c)
{
    static const char *const names[] = { "ana", "bo", "cy" };
    char line[LINE_BYTES];
    uint8_t choice = take_u8(c);
    fill(line, phrases[choice % COUNT_OF(phrases)], c);
    talk_mumble(talk, names[take_u8(c) % COUNT_OF(names)], line);
}

static void
step(struct talk *talk, struct cursor *c)
{
    uint8_t what = take_u8(c);
    if (what == 255)
        talk_restart(talk, SIM_KILL);
    else if (what == 254)
        talk_restart(talk, SIM_POWER);
    else if (what == 253)
        talk_wait(talk, 3000);
    else
        say_phrase(talk, c);
}

void
babble(struct view bytes)
{
    struct cursor c = cursor_of(bytes);
    uint8_t kind = take_u8(&c);
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = kind & 1, .shards = 1 + (kind >> 1 & 1) });
    for (unsigned i = 0; i < PHRASES_MAX && cursor_left(&c) > 0; i++)
        step(talk, &c);
    talk_close(talk);
}
