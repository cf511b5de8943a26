/* idl/text.h - text that grows, for whoever writes C (or JSON) by the tree.  Pure: its memory is an arena's.
 *
 * A line's indentation is put before its first character, four blanks a level.  Lists (arguments, parameters) are
 * broken where clang-format breaks them: behind a comma, at column 120, below what stands behind the bracket.  Errors
 * are sticky: once there is no memory nothing more is written, and `torn` tells at the end. */
#ifndef TAMBO_IDL_TEXT_H
#define TAMBO_IDL_TEXT_H

#include "base/view.h"
#include "tambo/xdr.h"

enum { IDL_TEXT_COLUMN_MAX = 120, IDL_TEXT_INDENT = 4 };

struct idl_text {
    struct tambo_arena *arena;
    char *bytes;
    size_t len, size;
    unsigned indent, column; /* levels; characters of the line so far */
    unsigned list_column;    /* where a broken list goes on */
    bool list_has_items;
    const char *item; /* the last one, which waits to know what follows it */
    bool torn;
};

/* For "%.*s". */
#define IDL_VIEW(v) (int)(v).len, (const char *)(v).data

struct idl_text idl_text_of(struct tambo_arena *arena);
static inline struct view
idl_text_view(const struct idl_text *text)
{
    return view_of(text->bytes, text->len);
}

/* As it is, newlines included. */
void idl_text_put(struct idl_text *text, struct view bytes);
void idl_text_print(struct idl_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "int f(" begins a list; its items stand behind commas, each on a new line when it would not fit with what follows it;
 * ");" closes it, and the line goes on behind that. */
void idl_text_list(struct idl_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void idl_text_item(struct idl_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void idl_text_close(struct idl_text *text, const char *close);

/* A comment as it stands in the source, with its marks, indented anew; nothing for an empty one. */
void idl_text_comment(struct idl_text *text, struct view comment);

/* A string from the text's arena.  Never NULL: "" when the text is torn. */
const char *idl_text_format(struct idl_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A name in lower case, or upper case, likewise. */
const char *idl_text_lower(struct idl_text *text, struct view name);
const char *idl_text_upper(struct idl_text *text, struct view name);

/* What a writer writes: one file after the other. */
struct idl_sink {
    /* `name` is the file's, without a directory.  0, or -err, which ends the writing. */
    int (*file)(void *arg, const char *name, struct view text);
    void *arg;
};

#endif
