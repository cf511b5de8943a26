/* idl/write_name.c - names and types as C has them. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "idl/writer.h"

/* Words of C++, of what the header includes, and of C: an interface may not use C's own but in upper case, as a
 * procedure's name. */
static const char *const taken[] = {
    "alignas", "alignof", "and",      "asm",      "auto",     "bool",      "break",     "case",     "catch",
    "char",    "class",   "const",    "continue", "decltype", "default",   "delete",    "do",       "double",
    "else",    "enum",    "explicit", "export",   "extern",   "false",     "float",     "for",      "friend",
    "goto",    "if",      "inline",   "int",      "long",     "mutable",   "namespace", "new",      "noexcept",
    "not",     "nullptr", "operator", "or",       "private",  "protected", "public",    "register", "restrict",
    "return",  "short",   "signed",   "sizeof",   "static",   "struct",    "switch",    "template", "this",
    "throw",   "true",    "try",      "typedef",  "typeid",   "typename",  "union",     "unsigned", "using",
    "virtual", "void",    "volatile", "while",    "xor",
};

const char *
idl_c_name(struct idl_writer *w, struct view name)
{
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        if (view_is(name, taken[i]))
            return idl_text_format(w->text, "%.*s_", IDL_VIEW(name));
    return idl_text_format(w->text, "%.*s", IDL_VIEW(name));
}

/* "dir/date.x" is "date": what names may be made of, in lower case. */
static const char *
prefix_of_file(struct idl_writer *w, const char *file)
{
    const char *slash = strrchr(file, '/'), *dot;
    const char *name = slash == NULL ? file : slash + 1;
    size_t n;
    char *prefix;

    dot = strrchr(name, '.');
    n = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    prefix = tambo_arena_take(w->arena, n + 2);
    if (prefix == NULL) {
        w->text->torn = true;
        return "";
    }
    prefix[0] = '_';
    for (size_t i = 0; i < n; i++)
        prefix[1 + i] = (char)(isalnum((unsigned char)name[i]) ? tolower((unsigned char)name[i]) : '_');
    prefix[1 + n] = '\0';
    return isdigit((unsigned char)name[0]) ? prefix : prefix + 1;
}

const char *
idl_c_prefix(struct idl_writer *w, const struct idl_def *def)
{
    if (def == NULL)
        return prefix_of_file(w, w->base);
    return def->is_included && def->place.file != NULL ? prefix_of_file(w, def->place.file) : w->prefix;
}

const char *
idl_c_def(struct idl_writer *w, const struct idl_def *def)
{
    const char *tag = def->kind == IDL_STRUCT || def->kind == IDL_UNION ? "struct "
                      : def->kind == IDL_ENUM                           ? "enum "
                                                                        : "";

    return idl_text_format(w->text, "%s%s", tag, idl_c_name(w, def->name));
}

const char *
idl_c_type(struct idl_writer *w, const struct idl_type *type)
{
    switch (type->kind) {
    case IDL_BOOL: return "bool";
    case IDL_INT: return idl_text_format(w->text, "%sint%u_t", type->is_unsigned ? "u" : "", type->bits);
    case IDL_HYPER: return type->is_unsigned ? "uint64_t" : "int64_t";
    case IDL_FLOAT: return "float";
    case IDL_DOUBLE: return "double";
    case IDL_STRING: return "char *";
    case IDL_OPAQUE: return "uint8_t";
    case IDL_NAMED: return idl_c_def(w, type->def);
    default: return "void";
    }
}

const char *
idl_c_number(struct idl_writer *w, const struct idl_number *number)
{
    if (view_is(number->name, "TRUE"))
        return "true";
    if (view_is(number->name, "FALSE"))
        return "false";
    if (number->name.len > 0)
        return idl_c_name(w, number->name);
    if (number->text.len > 0)
        return idl_text_format(w->text, "%.*s", IDL_VIEW(number->text));
    return idl_text_format(w->text, "%" PRId64, number->value);
}

const char *
idl_c_bound(struct idl_writer *w, const struct idl_decl *decl)
{
    return decl->is_bounded ? idl_c_number(w, &decl->bound) : "UINT32_MAX";
}

/* "struct point " or "char *": what stands before a name. */
static const char *
before_name(struct idl_writer *w, const struct idl_type *type, const char *star)
{
    const char *name = idl_c_type(w, type);

    return idl_text_format(w->text, "%s%s%s", name, name[strlen(name) - 1] == '*' ? "" : " ", star);
}

void
idl_c_field(struct idl_writer *w, const struct idl_decl *decl, const char *name)
{
    struct idl_text *text = w->text;
    bool is_opaque = decl->type.kind == IDL_OPAQUE;

    switch (decl->shape) {
    case IDL_PLAIN: idl_text_print(text, "%s%s;\n", before_name(w, &decl->type, ""), name); break;
    case IDL_POINTER: idl_text_print(text, "%s%s;\n", before_name(w, &decl->type, "*"), name); break;
    case IDL_ARRAY:
        idl_text_print(text, "%s%s[%s];\n", before_name(w, &decl->type, ""), name, idl_c_number(w, &decl->bound));
        break;
    case IDL_VECTOR:
        if (is_opaque) {
            idl_text_print(text, "struct tambo_bytes %s;\n", name);
            break;
        }
        idl_text_print(text, "struct {\n");
        text->indent++;
        idl_text_print(text, "%sitems;\nuint32_t count;\n", before_name(w, &decl->type, "*"));
        text->indent--;
        idl_text_print(text, "} %s;\n", name);
        break;
    }
}

const struct idl_decl *
idl_under(const struct idl_decl *decl)
{
    while (decl->shape == IDL_PLAIN && decl->type.kind == IDL_NAMED && decl->type.def->kind == IDL_TYPEDEF)
        decl = &decl->type.def->alias;
    return decl;
}

struct idl_decl
idl_element(const struct idl_decl *decl)
{
    struct idl_decl element = *decl;

    element.shape = IDL_PLAIN;
    return element;
}

bool
idl_is_array(const struct idl_decl *decl)
{
    return idl_under(decl)->shape == IDL_ARRAY;
}

bool
idl_is_void(const struct idl_decl *decl)
{
    return decl->type.kind == IDL_VOID;
}

bool
idl_has_pointers(const struct idl_decl *decl)
{
    if (decl->shape == IDL_VECTOR || decl->shape == IDL_POINTER || decl->type.kind == IDL_STRING)
        return true;
    return decl->type.kind == IDL_NAMED && decl->type.def->has_pointers;
}

bool
idl_has_programs(const struct idl *idl)
{
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next)
        if (def->kind == IDL_PROGRAM && !def->is_included)
            return true;
    return false;
}

void
idl_refuse(struct idl_writer *w, const struct idl_place *place, const char *format, ...)
{
    va_list args;

    if (w->rc < 0)
        return;
    w->rc = -ERR_INVALID;
    *w->why = (struct idl_fault){ .place = *place };
    va_start(args, format);
    vsnprintf(w->why->text, sizeof(w->why->text), format, args);
    va_end(args);
}
