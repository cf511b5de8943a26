/* wire/zmtp_command.c - commands and what is in them: metadata, heartbeats, ERROR, PLAIN.
 *
 *     command    u8 name length | name | data                                  37/3.2
 *     metadata   (u8 name length | name | u32 value length | value)*           37/3.8
 *     PING       u16 time to live | context      PONG   context                37/5
 *     ERROR      u8 reason length | reason                                     37/3.8
 *     HELLO      u8 length | user name | u8 length | password                  24/3
 */
#include "base/must.h"
#include "wire/zmtp.h"
#include "wire/zmtp_rule.h"

enum { VALUE_BYTES_MAX = INT32_MAX };

static struct view
take_name(struct cursor *in)
{
    return take_bytes(in, take_u8(in));
}

static bool
is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* One or more letters; with `others`, also digits and these. */
static bool
is_name(struct view name, const char *others)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_letter(name.data[i]) && (name.data[i] == 0 || strchr(others, name.data[i]) == NULL))
            return false;
    return name.len > 0;
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

int
zmtp_command_parse(struct view body, struct zmtp_command *ret, struct fault *why)
{
    struct cursor in = cursor_of(body);
    struct zmtp_command c = { .name = take_name(&in) };
    c.data = take_rest(&in);
    if (in.torn)
        return zmtp_breach(why, ZMTP_RULE_COMMAND_TORN);
    if (!is_name(c.name, ""))
        return zmtp_breach(why, ZMTP_RULE_COMMAND_NAME);
    *ret = c;
    return 0;
}

size_t
zmtp_command_write(uint8_t *ret, const char *name, struct view a, struct view b)
{
    size_t name_bytes = strlen(name), body = 1 + name_bytes + a.len + b.len;
    must(name_bytes <= ZMTP_NAME_MAX);
    size_t head = zmtp_frame_head(ret, ZMTP_COMMAND, body);
    struct pen p = pen_of(ret + head, body);
    put_u8(&p, (uint8_t)name_bytes);
    put_bytes(&p, view_of(name, name_bytes));
    put_bytes(&p, a);
    put_bytes(&p, b);
    return head + body;
}

/* ---- metadata -------------------------------------------------------------------------------------------------- */

int
zmtp_property_next(struct view *data, struct zmtp_property *ret, struct fault *why)
{
    struct cursor in = cursor_of(*data);
    if (data->len == 0)
        return 0;
    struct zmtp_property p = { .name = take_name(&in) };
    uint32_t size = take_u32(&in);
    if (!in.torn && size > VALUE_BYTES_MAX)
        return zmtp_breach(why, ZMTP_RULE_PROPERTY_SIZE);
    p.value = take_bytes(&in, size);
    if (in.torn)
        return zmtp_breach(why, ZMTP_RULE_PROPERTY_TORN);
    if (!is_name(p.name, "0123456789-_.+"))
        return zmtp_breach(why, ZMTP_RULE_PROPERTY_NAME);
    *ret = p;
    *data = view_of(in.at, cursor_left(&in));
    return 1;
}

int
zmtp_identity_check(struct view identity, struct fault *why)
{
    bool fine = identity.len <= ZMTP_IDENTITY_MAX && (identity.len == 0 || identity.data[0] != 0);
    return fine ? 0 : zmtp_breach(why, ZMTP_RULE_IDENTITY);
}

/* Names of such characters, with a slash between two. */
static bool
is_resource(struct view v)
{
    bool in_name = false;
    for (size_t i = 0; i < v.len; i++) {
        bool slash = v.data[i] == '/';
        if (slash ? !in_name : !is_name(view_of(v.data + i, 1), "0123456789$-_@.&+"))
            return false;
        in_name = !slash;
    }
    return in_name || v.len == 0;
}

static int
note_property(const struct zmtp_property *p, struct zmtp_metadata *m, struct fault *why)
{
    if (zmtp_property_is(p->name, "Socket-Type")) {
        m->pattern = zmtp_pattern_of(p->value);
        return m->pattern < 0 ? zmtp_breach(why, ZMTP_RULE_PATTERN) : 0;
    }
    if (zmtp_property_is(p->name, "Identity")) {
        m->identity = p->value;
        return zmtp_identity_check(p->value, why);
    }
    if (zmtp_property_is(p->name, "Resource")) {
        m->resource = p->value;
        return is_resource(p->value) ? 0 : zmtp_breach(why, ZMTP_RULE_RESOURCE);
    }
    return 0;
}

int
zmtp_metadata_parse(struct view data, struct zmtp_metadata *ret, struct fault *why)
{
    struct zmtp_metadata m = { .pattern = -1 };
    struct zmtp_property p;
    int rc;
    while ((rc = zmtp_property_next(&data, &p, why)) > 0) {
        rc = note_property(&p, &m, why);
        if (rc < 0)
            return rc;
    }
    if (rc == 0)
        *ret = m;
    return rc;
}

size_t
zmtp_property_write(uint8_t *ret, const char *name, struct view value)
{
    size_t name_bytes = strlen(name), size = 1 + name_bytes + 4 + value.len;
    must(name_bytes <= ZMTP_NAME_MAX && value.len <= VALUE_BYTES_MAX);
    struct pen p = pen_of(ret, size);
    put_u8(&p, (uint8_t)name_bytes);
    put_bytes(&p, view_of(name, name_bytes));
    put_long(&p, value);
    return size;
}

static uint8_t
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool
zmtp_property_is(struct view name, const char *what)
{
    if (name.len != strlen(what))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (lower(name.data[i]) != lower((uint8_t)what[i]))
            return false;
    return true;
}

/* ---- heartbeats ------------------------------------------------------------------------------------------------ */

int
zmtp_ping_parse(struct view data, struct zmtp_ping *ret, struct fault *why)
{
    struct cursor in = cursor_of(data);
    struct zmtp_ping p = { .ttl_ds = take_u16(&in) };
    if (in.torn)
        return zmtp_breach(why, ZMTP_RULE_PING_TORN);
    int rc = zmtp_pong_parse(take_rest(&in), &p.context, why);
    if (rc < 0)
        return rc;
    *ret = p;
    return 0;
}

int
zmtp_pong_parse(struct view data, struct view *retcontext, struct fault *why)
{
    if (data.len > ZMTP_PING_CONTEXT_MAX)
        return zmtp_breach(why, ZMTP_RULE_PING_CONTEXT);
    *retcontext = data;
    return 0;
}

/* ---- ERROR and PLAIN ------------------------------------------------------------------------------------------- */

/* Blanks are in the reasons of everybody, though the grammar knows none. */
static size_t
text_bytes(struct view v)
{
    size_t n = 0;
    while (n < v.len && v.data[n] >= ' ' && v.data[n] <= '~')
        n++;
    return n;
}

int
zmtp_error_parse(struct view data, struct view *retreason, struct fault *why)
{
    struct cursor in = cursor_of(data);
    struct view reason = take_name(&in);
    if (in.torn || cursor_left(&in) > 0)
        return zmtp_breach(why, ZMTP_RULE_ERROR_SIZE);
    *retreason = view_of(reason.data, text_bytes(reason));
    return 0;
}

int
zmtp_hello_parse(struct view data, struct view *retuser, struct view *retpassword, struct fault *why)
{
    struct cursor in = cursor_of(data);
    struct view user = take_name(&in), password = take_name(&in);
    if (in.torn || cursor_left(&in) > 0)
        return zmtp_breach(why, ZMTP_RULE_HELLO_SIZE);
    *retuser = user;
    *retpassword = password;
    return 0;
}

int
zmtp_welcome_parse(struct view data, struct fault *why)
{
    return data.len == 0 ? 0 : zmtp_breach(why, ZMTP_RULE_WELCOME_SIZE);
}
