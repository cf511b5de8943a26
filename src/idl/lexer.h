/* idl/lexer.h - the text as tokens, each with its place and the comments around it.
 * It looks at one token after the other and keeps nothing; a token's views borrow the text. */
#ifndef TAMBO_IDL_LEXER_H
#define TAMBO_IDL_LEXER_H

#include "idl/idl.h"

/* The words that no name may be (RFC 4506, 6.4; RFC 5531, 12.3), and what rpcgen adds. */
#define IDL_WORDS(WORD)        \
    WORD(BOOL, bool)           \
    WORD(CASE, case)           \
    WORD(CHAR, char)           \
    WORD(CONST, const)         \
    WORD(DEFAULT, default)     \
    WORD(DOUBLE, double)       \
    WORD(ENUM, enum)           \
    WORD(FLOAT, float)         \
    WORD(HYPER, hyper)         \
    WORD(INT, int)             \
    WORD(LONG, long)           \
    WORD(OPAQUE, opaque)       \
    WORD(PROGRAM, program)     \
    WORD(QUADRUPLE, quadruple) \
    WORD(SHORT, short)         \
    WORD(STRING, string)       \
    WORD(STRUCT, struct)       \
    WORD(SWITCH, switch)       \
    WORD(TYPEDEF, typedef)     \
    WORD(UNION, union)         \
    WORD(UNSIGNED, unsigned)   \
    WORD(VERSION, version)     \
    WORD(VOID, void)

/* Punctuation is its own character. */
enum idl_token_kind {
    TOKEN_END = 256,
    TOKEN_BAD,
    TOKEN_NAME,
    TOKEN_NUMBER, /* or a character between quotes */
    TOKEN_TEXT,   /* between double quotes */
    TOKEN_VERBATIM,
#define IDL_WORD_KIND(name, spelling) WORD_##name,
    IDL_WORDS(IDL_WORD_KIND)
#undef IDL_WORD_KIND
};

struct idl_token {
    int kind;
    struct view text;    /* as it stands there; of a verbatim line what follows the % */
    int64_t number;      /* TOKEN_NUMBER */
    const char *problem; /* TOKEN_BAD: what is wrong with it */
    struct idl_place place;
    bool is_included;
    struct view trail;  /* comments behind the token before, on its line */
    struct view before; /* comments between that and this token; none when a mark or a verbatim line parts them */
};

struct idl_lexer {
    struct view text;
    struct tambo_arena *arena; /* file names */
    const char *main, *file;   /* the one that was asked for, and where we are */
    unsigned line;
    const uint8_t *at, *line_start;
    bool is_torn; /* no memory */
};

void idl_lexer_init(struct idl_lexer *lexer, struct view text, const char *file, struct tambo_arena *arena);
/* At the end always TOKEN_END again; behind TOKEN_BAD it goes on somehow. */
void idl_lexer_next(struct idl_lexer *lexer, struct idl_token *ret);

/* "true" of a word; "';'" of punctuation; "a name". */
void idl_kind_print(int kind, char *ret, size_t size);
/* As idl_kind_print(), with the token's own text. */
void idl_token_print(const struct idl_token *token, char *ret, size_t size);

#endif
