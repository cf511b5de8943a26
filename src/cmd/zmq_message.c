/* cmd/zmq_message.c - see zmq_message.h. */
#include "cmd/zmq_message.h"

#include <jansson.h>
#include <stdio.h>

#include "cmd/json.h"

#define AT(member) .offset = offsetof(struct zmq_style, member)

/* clang-format off */
const struct option_row zmq_delimiter_rows[] = {
    { 'd', "delimiter", "TEXT", "what stands between the parts of a message: cuts what is sent (not at all without it), "
      "is printed between those that came (a tab)", OPTION_TEXT, AT(delimiter) },
};
const struct option_row zmq_print_rows[] = {
    { 'N', "no-newline", NULL, "no end of line after a message", OPTION_FLAG, AT(no_newline) },
    { 0, "hex", NULL, "print parts in hexadecimal", OPTION_FLAG, AT(hex) },
    { 0, "json", NULL, "print each message as a JSON object on a line", OPTION_FLAG, AT(json) },
};
/* clang-format on */

static const char *
between(const struct zmq_style *style)
{
    return style->delimiter == NULL ? "\t" : style->delimiter;
}

int
zmq_cut(const struct zmq_style *style, struct view text, struct tambo_part parts[ZMQ_PARTS_MAX])
{
    size_t n = style->delimiter == NULL ? 0 : strlen(style->delimiter);
    const uint8_t *found;
    int count = 0;

    while (n > 0 && text.len > 0 && (found = memmem(text.data, text.len, style->delimiter, n)) != NULL) {
        if (count == ZMQ_PARTS_MAX - 1)
            return -TAMBO_ERR_TOO_LARGE;
        size_t len = (size_t)(found - text.data);
        parts[count++] = (struct tambo_part){ text.data, len };
        text = view_from(text, len + n);
    }
    parts[count++] = (struct tambo_part){ text.data, text.len };
    return count;
}

static uint8_t *
append(uint8_t *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

int
zmq_join(const struct zmq_style *style, struct mem *mem, const struct tambo_message *message, struct view *ret)
{
    size_t n = strlen(between(style)), len = 1, count = tambo_message_count(message);

    for (size_t i = 0; i < count; i++)
        len += tambo_message_part(message, i).len + n;
    uint8_t *bytes = mem_raw(mem, len), *at = bytes;
    if (bytes == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct tambo_part part = tambo_message_part(message, i);
        at = append(at, between(style), i == 0 ? 0 : n);
        at = append(at, part.data, part.len);
    }
    *ret = view_of(bytes, (size_t)(at - bytes));
    return 0;
}

/* ---- printing --------------------------------------------------------------------------------------------- */

static void
print_json(struct mem *mem, const struct tambo_message *message)
{
    json_t *list = json_array(), *object = json_pack("{s:o}", "parts", list);

    for (size_t i = 0; i < tambo_message_count(message); i++) {
        struct tambo_part part = tambo_message_part(message, i);
        json_t *item = json_object();
        json_set_bytes(mem, item, "data", view_of(part.data, part.len));
        json_array_append_new(list, item);
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
}

static void
print_part(const struct zmq_style *style, struct tambo_part part)
{
    const uint8_t *bytes = part.data;

    if (!style->hex && part.len > 0)
        fwrite(bytes, 1, part.len, stdout);
    for (size_t i = 0; style->hex && i < part.len; i++)
        printf("%02x", bytes[i]);
}

void
zmq_print(const struct zmq_style *style, struct mem *mem, const struct tambo_message *message)
{
    if (style->json)
        print_json(mem, message);
    for (size_t i = 0; !style->json && i < tambo_message_count(message); i++) {
        if (i > 0)
            fputs(between(style), stdout);
        print_part(style, tambo_message_part(message, i));
    }
    if (!style->no_newline)
        putchar('\n');
}
