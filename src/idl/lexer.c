/* idl/lexer.c - see lexer.h.
 *
 *     % anything                  to the end of the line, at its very beginning: verbatim
 *     # 12 "file"  #line 12 ...   where the next line comes from (other # lines are the preprocessor's, and refused)
 *     / * ... * /   // ...        comments
 */
#include "idl/lexer.h"

#include <stdio.h>

#include "base/must.h"

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int
digit_of(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* The character `n` ahead, or -1 behind the end. */
static int
look(const struct idl_lexer *lexer, size_t n)
{
    const uint8_t *end = lexer->text.data + lexer->text.len;
    return (size_t)(end - lexer->at) > n ? lexer->at[n] : -1;
}

static void
step(struct idl_lexer *lexer)
{
    if (*lexer->at++ == '\n') {
        lexer->line++;
        lexer->line_start = lexer->at;
    }
}

static struct view
since(const struct idl_lexer *lexer, const uint8_t *start)
{
    return view_of(start, (size_t)(lexer->at - start));
}

/* ---- marks of the preprocessor ------------------------------------------------------------------------------- */

/* Up to the end of the line, which stays; a backslash before it goes on with the next. */
static struct view
take_line(struct idl_lexer *lexer)
{
    const uint8_t *start = lexer->at;
    int c;
    while ((c = look(lexer, 0)) != -1 && c != '\n') {
        if (c == '\\' && look(lexer, 1) == '\n')
            step(lexer);
        step(lexer);
    }
    return since(lexer, start);
}

static void
skip_blanks(struct view *line)
{
    while (line->len > 0 && (line->data[0] == ' ' || line->data[0] == '\t'))
        *line = view_from(*line, 1);
}

/* The name between double quotes, without what escapes them; NULL: none, or no memory. */
static const char *
file_of(struct idl_lexer *lexer, struct view line)
{
    if (line.len == 0 || line.data[0] != '"')
        return NULL;
    char *name = tambo_arena_take(lexer->arena, line.len);
    if (name == NULL) {
        lexer->is_torn = true;
        return NULL;
    }
    size_t n = 0;
    for (size_t i = 1; i < line.len && line.data[i] != '"'; i++) {
        i += line.data[i] == '\\' && i + 1 < line.len;
        name[n++] = (char)line.data[i];
    }
    name[n] = '\0';
    return name;
}

/* Behind "#" and "#line": the number of the next line, and perhaps its file. */
static void
obey_mark(struct idl_lexer *lexer, struct view line)
{
    bool is_first = lexer->line_start == lexer->text.data;
    unsigned number = 0;
    while (line.len > 0 && is_digit(line.data[0]) && number < 100000000) {
        number = number * 10 + (unsigned)(line.data[0] - '0');
        line = view_from(line, 1);
    }
    skip_blanks(&line);
    const char *file = file_of(lexer, line);
    if (file != NULL)
        lexer->file = file;
    if (file != NULL && is_first)
        lexer->main = file;
    lexer->line = number - 1; /* its own end counts one */
}

/* A line that begins with '#'; false: it is not for us. */
static bool
take_mark(struct idl_lexer *lexer)
{
    struct view line = take_line(lexer);
    line = view_from(line, 1);
    skip_blanks(&line);
    bool is_line = view_starts(line, "line");
    if (is_line) {
        line = view_from(line, 4);
        skip_blanks(&line);
    }
    if (line.len > 0 && is_digit(line.data[0])) {
        obey_mark(lexer, line);
        return true;
    }
    return !is_line && (line.len == 0 || view_starts(line, "pragma") || view_starts(line, "ident"));
}

/* ---- between tokens ------------------------------------------------------------------------------------------ */

static bool
at_comment(const struct idl_lexer *lexer)
{
    return look(lexer, 0) == '/' && (look(lexer, 1) == '*' || look(lexer, 1) == '/');
}

/* False: it does not end. */
static bool
take_comment(struct idl_lexer *lexer)
{
    if (look(lexer, 1) == '/') {
        take_line(lexer);
        return true;
    }
    lexer->at += 2;
    while (look(lexer, 0) != -1) {
        if (look(lexer, 0) == '*' && look(lexer, 1) == '/') {
            lexer->at += 2;
            return true;
        }
        step(lexer);
    }
    return false;
}

static void
extend(struct view *comments, const uint8_t *start, const uint8_t *end)
{
    if (comments->len == 0)
        comments->data = start;
    comments->len = (size_t)(end - comments->data);
}

/* What only blanks stand before on its line. */
static bool
begins_line(const struct idl_lexer *lexer)
{
    for (const uint8_t *p = lexer->line_start; p < lexer->at; p++)
        if (*p != ' ' && *p != '\t')
            return false;
    return true;
}

static void
spoil(struct idl_token *token, const char *problem)
{
    token->kind = TOKEN_BAD;
    token->problem = problem;
}

static void
put_place(const struct idl_lexer *lexer, struct idl_token *token)
{
    token->place = (struct idl_place){ lexer->file, lexer->line, (unsigned)(lexer->at - lexer->line_start) + 1 };
    token->is_included = strcmp(lexer->file, lexer->main) != 0;
}

/* One comment, which belongs to what stands before it on its line, or to what follows. */
static void
pass_comment(struct idl_lexer *lexer, struct idl_token *ret, bool trails)
{
    const uint8_t *start = lexer->at;
    put_place(lexer, ret);
    if (!take_comment(lexer)) {
        ret->text = view_of(start, 2);
        spoil(ret, "this comment does not end");
    }
    extend(trails ? &ret->trail : &ret->before, start, lexer->at);
}

static void
pass_mark(struct idl_lexer *lexer, struct idl_token *ret)
{
    const uint8_t *start = lexer->at;
    put_place(lexer, ret);
    ret->before.len = 0;
    if (!take_mark(lexer)) {
        ret->text = since(lexer, start);
        spoil(ret, "this line is for the preprocessor: put the file through cpp first, as 'tambo rpcgen' does");
    }
}

/* Blanks, comments and marks; TOKEN_BAD when one of them is bad. */
static void
pass_between(struct idl_lexer *lexer, struct idl_token *ret)
{
    const uint8_t *line = lexer->at == lexer->text.data ? NULL : lexer->line_start;
    while (ret->kind != TOKEN_BAD) {
        int c = look(lexer, 0);
        if (c == ' ' || (c >= '\t' && c <= '\r'))
            step(lexer);
        else if (at_comment(lexer))
            pass_comment(lexer, ret, lexer->line_start == line);
        else if (c == '#' && begins_line(lexer))
            pass_mark(lexer, ret);
        else
            return;
    }
}

/* ---- tokens -------------------------------------------------------------------------------------------------- */

static void
take_name(struct idl_lexer *lexer, struct idl_token *ret)
{
    static const struct word {
        const char *spelling;
        int kind;
    } words[] = {
#define IDL_WORD_ROW(name, spelling) { #spelling, WORD_##name },
        IDL_WORDS(IDL_WORD_ROW)
#undef IDL_WORD_ROW
    };
    const uint8_t *start = lexer->at;
    while (is_letter(look(lexer, 0)) || is_digit(look(lexer, 0)))
        lexer->at++;
    ret->kind = TOKEN_NAME;
    ret->text = since(lexer, start);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (view_is(ret->text, words[i].spelling))
            ret->kind = words[i].kind;
}

/* The digits of a number; false: it has more than 63 bits. */
static bool
take_digits(struct idl_lexer *lexer, int base, uint64_t *ret)
{
    uint64_t x = 0;
    bool fits = true;
    for (int digit; (digit = digit_of(look(lexer, 0))) < base; lexer->at++) {
        fits = fits && x <= ((uint64_t)INT64_MAX - (uint64_t)digit) / (uint64_t)base;
        x = x * (uint64_t)base + (uint64_t)digit;
    }
    *ret = x;
    return fits;
}

static bool
is_suffix(int c)
{
    return c == 'u' || c == 'U' || c == 'l' || c == 'L';
}

/* 12, 0x1f, 017, -1; suffixes of C are passed over. */
static void
take_number(struct idl_lexer *lexer, struct idl_token *ret)
{
    const uint8_t *start = lexer->at;
    bool is_negative = look(lexer, 0) == '-';
    uint64_t x;
    lexer->at += is_negative;
    bool is_hex = look(lexer, 0) == '0' && (look(lexer, 1) == 'x' || look(lexer, 1) == 'X');
    int base = is_hex ? 16 : look(lexer, 0) == '0' ? 8 : 10;
    lexer->at += is_hex ? 2 : 0;
    const uint8_t *digits = lexer->at;
    bool fits = take_digits(lexer, base, &x);
    bool is_empty = lexer->at == digits;
    while (is_suffix(look(lexer, 0)))
        lexer->at++;
    bool is_odd = is_letter(look(lexer, 0)) || is_digit(look(lexer, 0));
    while (is_letter(look(lexer, 0)) || is_digit(look(lexer, 0)))
        lexer->at++;
    ret->kind = TOKEN_NUMBER;
    ret->text = since(lexer, start);
    ret->number = is_negative ? -(int64_t)x : (int64_t)x;
    if (is_odd || is_empty)
        spoil(ret, base == 8 ? "not a number: one that begins with 0 is octal" : "not a number");
    else if (!fits)
        spoil(ret, "this number is too large");
}

/* What stands for a character behind a backslash. */
static int
escape_of(int c)
{
    static const char from[] = "abfnrtv0", to[] = "\a\b\f\n\r\t\v\0";
    const char *at = c == '\0' ? NULL : strchr(from, c);
    return at == NULL ? c : to[at - from];
}

static void
take_character(struct idl_lexer *lexer, struct idl_token *ret)
{
    const uint8_t *start = lexer->at;
    bool is_escaped = look(lexer, 1) == '\\';
    size_t quote = is_escaped ? 3 : 2;
    int c = look(lexer, quote - 1);
    ret->kind = TOKEN_NUMBER;
    ret->number = is_escaped ? escape_of(c) : c;
    if (look(lexer, quote) != '\'' || c == '\n') {
        lexer->at++;
        spoil(ret, "a quote goes around a single character: 'a', '\\n'");
    } else {
        lexer->at += quote + 1;
    }
    ret->text = since(lexer, start);
}

static void
take_text(struct idl_lexer *lexer, struct idl_token *ret)
{
    const uint8_t *start = lexer->at++;
    int c;
    while ((c = look(lexer, 0)) != -1 && c != '"' && c != '\n')
        lexer->at += c == '\\' && look(lexer, 1) != '\n' && look(lexer, 1) != -1 ? 2 : 1;
    ret->kind = TOKEN_TEXT;
    if (c == '"')
        lexer->at++;
    ret->text = since(lexer, start);
    if (c != '"')
        spoil(ret, "this text does not end on its line");
}

static void
take_mark_of_its_own(struct idl_lexer *lexer, struct idl_token *ret)
{
    int c = look(lexer, 0);
    ret->text = view_of(lexer->at, 1);
    lexer->at++;
    ret->kind = c;
    if (strchr("{}()[]<>=,;:*", c) == NULL || c == '\0')
        spoil(ret, "this character means nothing here");
}

static void
take_verbatim(struct idl_lexer *lexer, struct idl_token *ret)
{
    ret->kind = TOKEN_VERBATIM;
    ret->text = view_from(take_line(lexer), 1);
    if (ret->text.len > 0 && ret->text.data[ret->text.len - 1] == '\\')
        spoil(ret, "this line goes on behind the end of the file");
}

void
idl_lexer_init(struct idl_lexer *lexer, struct view text, const char *file, struct tambo_arena *arena)
{
    *lexer = (struct idl_lexer){
        .text = text,
        .arena = arena,
        .main = file,
        .file = file,
        .line = 1,
        .at = text.data,
        .line_start = text.data,
    };
}

void
idl_lexer_next(struct idl_lexer *lexer, struct idl_token *ret)
{
    *ret = (struct idl_token){ .kind = TOKEN_END };
    pass_between(lexer, ret);
    if (ret->kind == TOKEN_BAD)
        return;
    int c = look(lexer, 0);
    put_place(lexer, ret);
    ret->text = view_of(lexer->at, 0);
    if (c == -1)
        return;
    if (c == '%' && lexer->at == lexer->line_start)
        take_verbatim(lexer, ret);
    else if (is_letter(c))
        take_name(lexer, ret);
    else if (is_digit(c) || (c == '-' && is_digit(look(lexer, 1))))
        take_number(lexer, ret);
    else if (c == '\'')
        take_character(lexer, ret);
    else if (c == '"')
        take_text(lexer, ret);
    else
        take_mark_of_its_own(lexer, ret);
}

/* ---- words for faults ---------------------------------------------------------------------------------------- */

void
idl_kind_print(int kind, char *ret, size_t size)
{
    static const char *const words[] = {
#define IDL_WORD_TEXT(name, spelling) #spelling,
        IDL_WORDS(IDL_WORD_TEXT)
#undef IDL_WORD_TEXT
    };
    switch (kind) {
    case TOKEN_END: snprintf(ret, size, "the end of the file"); break;
    case TOKEN_NAME: snprintf(ret, size, "a name"); break;
    case TOKEN_NUMBER: snprintf(ret, size, "a number"); break;
    case TOKEN_TEXT: snprintf(ret, size, "a text"); break;
    default:
        if (kind >= WORD_BOOL)
            snprintf(ret, size, "'%s'", words[kind - WORD_BOOL]);
        else
            snprintf(ret, size, "'%c'", kind);
    }
}

void
idl_token_print(const struct idl_token *token, char *ret, size_t size)
{
    int len = token->text.len < 40 ? (int)token->text.len : 40;
    switch (token->kind) {
    case TOKEN_NAME: snprintf(ret, size, "the name '%.*s'", len, (const char *)token->text.data); break;
    case TOKEN_NUMBER: snprintf(ret, size, "the number %.*s", len, (const char *)token->text.data); break;
    case TOKEN_TEXT: snprintf(ret, size, "the text %.*s", len, (const char *)token->text.data); break;
    default: idl_kind_print(token->kind, ret, size);
    }
}
