/* idl/text.c - text that grows; see text.h. */
#include "idl/text.h"

#include <stdarg.h>
#include <stdio.h>

struct idl_text
idl_text_of(struct tambo_arena *arena)
{
    return (struct idl_text){ .arena = arena };
}

/* ---- bytes ------------------------------------------------------------------------------------------------ */

static bool
make_room(struct idl_text *text, size_t n)
{
    size_t size = text->size == 0 ? 4096 : text->size;
    char *bytes;

    while (size - text->len < n)
        size *= 2;
    if (size == text->size)
        return true;
    bytes = tambo_arena_take(text->arena, size);
    if (bytes == NULL) {
        text->torn = true;
        return false;
    }
    if (text->len > 0)
        memcpy(bytes, text->bytes, text->len);
    text->bytes = bytes;
    text->size = size;
    return true;
}

static void
put_blanks(struct idl_text *text, unsigned n)
{
    if (text->torn || !make_room(text, n))
        return;
    memset(text->bytes + text->len, ' ', n);
    text->len += n;
    text->column += n;
}

static void
put_line(struct idl_text *text, struct view bytes)
{
    if (bytes.len == 0)
        return;
    if (text->column == 0 && bytes.data[0] != '\n')
        put_blanks(text, text->indent * IDL_TEXT_INDENT);
    if (text->torn || !make_room(text, bytes.len))
        return;
    memcpy(text->bytes + text->len, bytes.data, bytes.len);
    text->len += bytes.len;
    text->column = bytes.data[bytes.len - 1] == '\n' ? 0 : text->column + (unsigned)bytes.len;
}

void
idl_text_put(struct idl_text *text, struct view bytes)
{
    while (bytes.len > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
        size_t n = end == NULL ? bytes.len : (size_t)(end - bytes.data) + 1;
        put_line(text, view_of(bytes.data, n));
        bytes = view_from(bytes, n);
    }
}

/* ---- formats ---------------------------------------------------------------------------------------------- */

static const char *
format_string(struct idl_text *text, const char *format, va_list args)
{
    va_list again;
    char *string;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    string = n < 0 ? NULL : tambo_arena_take(text->arena, (size_t)n + 1);
    if (string == NULL) {
        text->torn = true;
        return "";
    }
    vsnprintf(string, (size_t)n + 1, format, args);
    return string;
}

const char *
idl_text_format(struct idl_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *string = format_string(text, format, args);
    va_end(args);
    return string;
}

void
idl_text_print(struct idl_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    idl_text_put(text, view_str(format_string(text, format, args)));
    va_end(args);
}

static const char *
change_case(struct idl_text *text, struct view name, char from, char to)
{
    char *string = tambo_arena_take(text->arena, name.len + 1);

    if (string == NULL) {
        text->torn = true;
        return "";
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = (char)name.data[i];
        string[i] = c >= from && c < from + 26 ? (char)(c - from + to) : c;
    }
    string[name.len] = '\0';
    return string;
}

const char *
idl_text_lower(struct idl_text *text, struct view name)
{
    return change_case(text, name, 'A', 'a');
}

const char *
idl_text_upper(struct idl_text *text, struct view name)
{
    return change_case(text, name, 'a', 'A');
}

/* ---- lists ------------------------------------------------------------------------------------------------ */

void
idl_text_list(struct idl_text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    idl_text_put(text, view_str(format_string(text, format, args)));
    va_end(args);
    text->list_column = text->column;
    text->list_has_items = false;
    text->item = NULL;
}

/* Writes the item that waited, with what follows it. */
static void
put_item(struct idl_text *text, const char *follows)
{
    size_t n = text->item == NULL ? 0 : strlen(text->item);

    if (n > 0) {
        if (text->list_has_items && text->column + 1 + n + strcspn(follows, "\n") > IDL_TEXT_COLUMN_MAX) {
            idl_text_put(text, view_str("\n"));
            put_blanks(text, text->list_column);
        } else if (text->list_has_items) {
            put_blanks(text, 1);
        }
        text->list_has_items = true;
        put_line(text, view_of(text->item, n));
        text->item = NULL;
    }
    idl_text_put(text, view_str(follows));
}

void
idl_text_item(struct idl_text *text, const char *format, ...)
{
    va_list args;

    if (text->item != NULL)
        put_item(text, ",");
    va_start(args, format);
    text->item = format_string(text, format, args);
    va_end(args);
}

void
idl_text_close(struct idl_text *text, const char *close)
{
    put_item(text, close);
}

/* ---- comments --------------------------------------------------------------------------------------------- */

static struct view
strip(struct view line)
{
    while (line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
        line = view_from(line, 1);
    while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]) != NULL)
        line.len--;
    return line;
}

/* How much of a line fits: cut at a blank, where there is one. */
static size_t
fits(struct view line, size_t room)
{
    size_t n = room;

    if (line.len <= room)
        return line.len;
    while (n > 0 && line.data[n] != ' ')
        n--;
    return n == 0 ? line.len : n;
}

/* A line of a comment behind `lead`, broken where it is too long. */
static void
put_comment_line(struct idl_text *text, const char *lead, const char *again, struct view line)
{
    do {
        size_t room = IDL_TEXT_COLUMN_MAX - text->indent * IDL_TEXT_INDENT - strlen(lead);
        size_t n = fits(line, room);
        struct view piece = strip(view_of(line.data, n));
        if (piece.len == 0)
            while (*lead == ' ')
                lead++; /* no blanks at the end of a line */
        idl_text_print(text, "%s%.*s\n", lead, IDL_VIEW(piece));
        line = strip(view_from(line, n));
        lead = again;
    } while (line.len > 0);
}

void
idl_text_comment(struct idl_text *text, struct view comment)
{
    bool is_first = true;

    while (comment.len > 0) {
        const uint8_t *end = memchr(comment.data, '\n', comment.len);
        size_t n = end == NULL ? comment.len : (size_t)(end - comment.data);
        struct view line = strip(view_of(comment.data, n));
        bool has_star = line.len > 0 && line.data[0] == '*', has_slashes = view_starts(line, "//");
        const char *lead = is_first || has_slashes ? "" : has_star ? " " : "   ";
        put_comment_line(text, lead, has_slashes ? "// " : has_star ? " * " : "   ", line);
        comment = view_from(comment, end == NULL ? n : n + 1);
        is_first = false;
    }
}
