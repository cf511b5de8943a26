/* Frames into lines of text. */
#include <stdarg.h>
#include <stdio.h>

#include "base/cursor.h"
#include "base/must.h"
#include "rig/amqp_text.h"
#include "wire/amqp.h"

enum { BODY_SHOWN_MAX = 60 };

/* What does not fit is cut off. */
struct page {
    char *at, *end;
};

__attribute__((format(printf, 2, 3))) static void
say(struct page *page, const char *format, ...)
{
    size_t room = (size_t)(page->end - page->at);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(page->at, room, format, args);
    va_end(args);
    must(n >= 0);
    page->at += (size_t)n < room ? (size_t)n : room - 1;
}

/* ---- texts and tables ----------------------------------------------------------------------------------------- */

static void
say_bytes(struct page *page, struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        say(page, v.data[i] >= 0x20 && v.data[i] < 0x7f ? "%c" : "\\%02x", v.data[i]);
}

static void
say_text(struct page *page, struct view v)
{
    bool quoted = v.len == 0 || view_has_any(v, " ,{}[]\"=");
    say(page, "%s", quoted ? "\"" : "");
    say_bytes(page, v);
    say(page, "%s", quoted ? "\"" : "");
}

static void say_table(struct page *page, struct view table);
static void say_array(struct page *page, struct view array);

static void
say_value(struct page *page, const struct amqp_value *v)
{
    switch (v->type) {
    case 't': say(page, "%s", v->boolean ? "true" : "false"); break;
    case 'S':
    case 'x': say_text(page, v->bytes); break;
    case 'F': say_table(page, v->bytes); break;
    case 'A': say_array(page, v->bytes); break;
    case 'T': say(page, "%llu", (unsigned long long)v->unsigned_number); break;
    case 'f':
    case 'd': say(page, "%g", v->real); break;
    case 'D': say(page, "%u/%d", v->decimal.scale, v->decimal.value); break;
    case 'V': break;
    default: say(page, "%lld", (long long)v->number);
    }
}

/* Text, truth and 32 bits need no type. */
static bool
is_plain(char type)
{
    return type == 'S' || type == 't' || type == 'I';
}

static void
say_table(struct page *page, struct view table)
{
    struct cursor in = cursor_of(table);
    struct amqp_value v;
    struct view key;
    say(page, "{");
    for (const char *gap = ""; amqp_table_next(&in, &key, &v); gap = " ") {
        say(page, "%s", gap);
        say_bytes(page, key);
        if (!is_plain(v.type))
            say(page, ":%c", v.type);
        say(page, "=");
        say_value(page, &v);
    }
    say(page, "%s}", in.torn ? " TORN" : "");
}

static void
say_array(struct page *page, struct view array)
{
    struct cursor in = cursor_of(array);
    struct amqp_value v;
    say(page, "[");
    for (const char *gap = ""; amqp_array_next(&in, &v); gap = " ") {
        say(page, "%s", gap);
        if (!is_plain(v.type))
            say(page, "%c=", v.type);
        say_value(page, &v);
    }
    say(page, "%s]", in.torn ? " TORN" : "");
}

/* ---- methods -------------------------------------------------------------------------------------------------- */

static void
say_name(struct page *page, const char *member)
{
    say(page, " ");
    for (const char *at = strchr(member, '.') + 1; *at != '\0'; at++)
        say(page, "%c", *at == '_' ? '-' : *at);
}

static uint64_t
number_at(enum amqp_kind kind, const void *at)
{
    switch (kind) {
    case AMQP_KIND_OCTET: return *(const uint8_t *)at;
    case AMQP_KIND_SHORT: return *(const uint16_t *)at;
    case AMQP_KIND_LONG: return *(const uint32_t *)at;
    default: return *(const uint64_t *)at;
    }
}

static void
say_argument(struct page *page, const struct amqp_method *m, const struct amqp_argument *a)
{
    const void *at = (const uint8_t *)m + a->offset;
    if (a->kind == AMQP_KIND_BIT) {
        if (*(const bool *)at)
            say_name(page, a->member);
    } else if (a->kind >= AMQP_KIND_SHORTSTR) {
        const struct view *v = at;
        if (v->len == 0)
            return;
        say_name(page, a->member);
        say(page, "=");
        if (a->kind == AMQP_KIND_TABLE)
            say_table(page, *v);
        else
            say_text(page, *v);
    } else if (number_at(a->kind, at) != 0) {
        say_name(page, a->member);
        say(page, "=%llu", (unsigned long long)number_at(a->kind, at));
    }
}

static void
say_method(struct page *page, const struct amqp_method *m)
{
    say(page, "%s", amqp_method_name(m->id));
    for (const struct amqp_argument *a = amqp_method_arguments(m->id); a->kind != AMQP_KIND_NONE; a++)
        if (a->member != NULL)
            say_argument(page, m, a);
}

/* ---- content -------------------------------------------------------------------------------------------------- */

static void
say_properties(struct page *page, struct view props)
{
    struct amqp_properties p;
    struct fault why;
    if (amqp_properties_parse(props, &p, &why) < 0) {
        say(page, " BAD PROPERTIES");
        return;
    }
    const struct {
        const char *name;
        enum amqp_prop prop;
        struct view text;
        uint64_t number;
    } all[] = {
        {"content-type",      AMQP_CONTENT_TYPE,     p.content_type,     0              },
        { "content-encoding", AMQP_CONTENT_ENCODING, p.content_encoding, 0              },
        { "headers",          AMQP_HEADERS,          p.headers,          0              },
        { "delivery-mode",    AMQP_DELIVERY_MODE,    { 0 },              p.delivery_mode},
        { "priority",         AMQP_PRIORITY,         { 0 },              p.priority     },
        { "correlation-id",   AMQP_CORRELATION_ID,   p.correlation_id,   0              },
        { "reply-to",         AMQP_REPLY_TO,         p.reply_to,         0              },
        { "expiration",       AMQP_EXPIRATION,       p.expiration,       0              },
        { "message-id",       AMQP_MESSAGE_ID,       p.message_id,       0              },
        { "timestamp",        AMQP_TIMESTAMP,        { 0 },              p.timestamp    },
        { "type",             AMQP_TYPE,             p.type,             0              },
        { "user-id",          AMQP_USER_ID,          p.user_id,          0              },
        { "app-id",           AMQP_APP_ID,           p.app_id,           0              },
        { "cluster-id",       AMQP_CLUSTER_ID,       p.cluster_id,       0              },
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (!amqp_has(&p, all[i].prop))
            continue;
        say(page, " %s=", all[i].name);
        if (all[i].prop == AMQP_HEADERS)
            say_table(page, all[i].text);
        else if (all[i].prop == AMQP_DELIVERY_MODE || all[i].prop == AMQP_PRIORITY || all[i].prop == AMQP_TIMESTAMP)
            say(page, "%llu", (unsigned long long)all[i].number);
        else
            say_text(page, all[i].text);
    }
}

/* The frames of its content, which must follow, on the same channel.  Their bytes; 0: not all of them are there. */
static size_t
say_content(struct page *page, struct view in, uint16_t channel)
{
    struct amqp_frame frame;
    struct amqp_header header;
    struct fault why;
    size_t need, all = in.len, shown = 0;
    int64_t n = amqp_frame_parse(in, 0, &frame, &need, &why);
    if (n <= 0)
        return 0;
    must(frame.type == AMQP_FRAME_HEADER && frame.channel == channel);
    must(amqp_header_parse(frame.payload, &header, &why) == 0 && header.class_id == AMQP_CLASS_BASIC);
    in = view_from(in, (size_t)n);
    say_properties(page, header.props);
    bool whole = header.body_size <= BODY_SHOWN_MAX;
    say(page, whole ? " '" : " size=%llu", (unsigned long long)header.body_size);
    for (; shown < header.body_size; shown += frame.payload.len) {
        n = amqp_frame_parse(in, 0, &frame, &need, &why);
        if (n <= 0)
            return 0;
        must(frame.type == AMQP_FRAME_BODY && frame.channel == channel && frame.payload.len > 0);
        must(frame.payload.len <= header.body_size - shown);
        if (whole)
            say_bytes(page, frame.payload);
        in = view_from(in, (size_t)n);
    }
    say(page, "%s", whole ? "'" : "");
    return all - in.len;
}

/* ---- frames --------------------------------------------------------------------------------------------------- */

/* All of it, and nothing behind it can be told from it. */
static size_t
say_raw(struct page *page, struct view in)
{
    say(page, "raw");
    for (size_t i = 0; i < in.len; i++)
        say(page, " %02x", in.data[i]);
    return in.len;
}

static size_t
say_header_name(struct page *page, struct view in)
{
    if (in.len < AMQP_PROTOCOL_HEADER_BYTES)
        return 0;
    say(page, "AMQP %u-%u-%u-%u", in.data[4], in.data[5], in.data[6], in.data[7]);
    return AMQP_PROTOCOL_HEADER_BYTES;
}

static size_t
say_method_frame(struct page *page, struct view in, const struct amqp_frame *frame, size_t n)
{
    struct amqp_method m;
    struct fault why;
    if (amqp_method_parse(frame->payload, &m, &why) < 0)
        return say_raw(page, in);
    say_method(page, &m);
    if (!amqp_method_has_content(m.id))
        return n;
    size_t more = say_content(page, view_from(in, n), frame->channel);
    return more == 0 ? 0 : n + more;
}

size_t
amqp_text_print(struct view in, char *ret, size_t room)
{
    struct page page = { .at = ret, .end = ret + room };
    struct amqp_frame frame;
    struct fault why;
    size_t need;
    if (in.len > 0 && in.data[0] == 'A')
        return say_header_name(&page, in);
    int64_t n = amqp_frame_parse(in, 0, &frame, &need, &why);
    if (n == 0)
        return 0;
    if (n < 0)
        return say_raw(&page, in);
    say(&page, "%u ", frame.channel);
    if (frame.type == AMQP_FRAME_METHOD)
        return say_method_frame(&page, in, &frame, (size_t)n);
    if (frame.type == AMQP_FRAME_HEARTBEAT)
        say(&page, "heartbeat");
    else
        say_raw(&page, frame.payload);
    return (size_t)n;
}
