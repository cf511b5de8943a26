/* idl/fault.c - where and what is wrong. */
#include <stdio.h>

#include "base/err.h"
#include "idl/inner.h"

/* The lexer goes over the text again: places of names are asked for once, when something is wrong. */
static struct idl_place
place_of(struct idl_source *source, const uint8_t *at)
{
    struct idl_lexer lexer;
    struct idl_token token;
    idl_lexer_init(&lexer, source->text, source->file, source->arena);
    do
        idl_lexer_next(&lexer, &token);
    while (token.kind != TOKEN_END && token.text.data + token.text.len <= at);
    token.place.column += token.text.data < at ? (unsigned)(at - token.text.data) : 0;
    return token.place;
}

/* The line around `at`, or as much of it as there is room for, with three quarters of that before the place. */
static void
put_line(struct idl_fault *why, struct view text, const uint8_t *at)
{
    const uint8_t *end = text.data + text.len, *start = at, *stop = at;
    size_t room = sizeof(why->line) - 1;
    while (start > text.data && start[-1] != '\n')
        start--;
    while (stop < end && *stop != '\n' && *stop != '\r' && *stop != '\0')
        stop++;
    if ((size_t)(stop - start) > room && (size_t)(at - start) > room * 3 / 4)
        start = at - room * 3 / 4;
    size_t n = (size_t)(stop - start) < room ? (size_t)(stop - start) : room;
    memcpy(why->line, start, n);
    why->line[n] = '\0';
    why->caret = (unsigned)(at - start);
}

void
idl_fault_put(struct idl_source *source, struct idl_place place, const uint8_t *at, const char *format, va_list args)
{
    if (source->rc != 0)
        return;
    source->rc = -ERR_PROTOCOL;
    *source->why = (struct idl_fault){ .place = place };
    vsnprintf(source->why->text, sizeof(source->why->text), format, args);
    put_line(source->why, source->text, at);
}

void
idl_fault_at(struct idl_source *source, const uint8_t *at, const char *format, ...)
{
    va_list args;
    if (source->rc != 0)
        return;
    va_start(args, format);
    idl_fault_put(source, place_of(source, at), at, format, args);
    va_end(args);
}

void *
idl_take(struct idl_source *source, size_t n)
{
    void *p = tambo_arena_take(source->arena, n);
    if (p != NULL)
        memset(p, 0, n);
    else
        source->rc = -ERR_NO_MEMORY;
    return p;
}

void
idl_fault_print(const struct idl_fault *why, char *ret, size_t size)
{
    char blanks[sizeof(why->line)];
    size_t n = why->caret < sizeof(blanks) ? why->caret : 0;
    for (size_t i = 0; i < n; i++)
        blanks[i] = why->line[i] == '\t' ? '\t' : ' ';
    snprintf(ret, size, "%s:%u:%u: %s\n%s\n%.*s^", why->place.file, why->place.line, why->place.column, why->text,
             why->line, (int)n, blanks);
}
