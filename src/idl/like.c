/* idl/like.c - what a misspelled name may have meant. */
#include <stdio.h>

#include "idl/inner.h"

enum { LEN_MAX = 40 };

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance: letters to change, to add and to take away.  Both are at most LEN_MAX long. */
static unsigned
distance(struct view a, struct view b)
{
    unsigned row[LEN_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned j = 0; j < b.len; j++) {
            unsigned up = row[j + 1];
            row[j + 1] = least(up + 1, row[j] + 1, diagonal + (a.data[i] != b.data[j]));
            diagonal = up;
        }
    }
    return row[b.len];
}

struct best {
    struct view name, like;
    unsigned distance;
};

static void
compare(struct best *best, struct view like)
{
    if (like.len == 0 || like.len > LEN_MAX)
        return;
    unsigned d = distance(best->name, like);
    if (d < best->distance) {
        best->distance = d;
        best->like = like;
    }
}

bool
idl_names_like(const struct idl_names *names, struct view name, char *ret, size_t size)
{
    static const char *const words[] = {
#define IDL_WORD_TEXT(kind, spelling) #spelling,
        IDL_WORDS(IDL_WORD_TEXT)
#undef IDL_WORD_TEXT
            "uint32_t",
        "uint64_t",
        "int32_t",
        "int64_t",
        "TRUE",
        "FALSE"
    };
    if (name.len < 3 || name.len > LEN_MAX)
        return false;
    struct best best = { .name = name, .distance = name.len < 5 ? 2 : 3 };
    for (size_t i = 0; i < names->size; i++)
        compare(&best, names->entries[i].name);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        compare(&best, view_str(words[i]));
    snprintf(ret, size, "%.*s", IDL_NAME(best.like));
    return best.like.len > 0;
}
