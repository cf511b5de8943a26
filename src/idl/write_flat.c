/* idl/write_flat.c - runs of fields whose size on the wire is fixed: one question for room, then word by word.
 *
 * A flat struct has functions of its own, write_T(p, value) and read_T(p, ret), for it stands in arrays and other runs.
 */
#include "base/must.h"
#include "idl/writer.h"

/* ---- what is flat ----------------------------------------------------------------------------------------- */

bool
idl_is_flat_def(const struct idl_def *def)
{
    switch (def->kind) {
    case IDL_ENUM: return true;
    case IDL_TYPEDEF: return idl_is_flat(&def->alias);
    case IDL_STRUCT:
        if (def->is_included) /* its functions are another file's */
            return false;
        for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
            if (!idl_is_void(field) && !idl_is_flat(field))
                return false;
        return true;
    default: return false;
    }
}

bool
idl_is_flat(const struct idl_decl *decl)
{
    if (decl->shape == IDL_VECTOR || decl->shape == IDL_POINTER)
        return false;
    switch (decl->type.kind) {
    case IDL_BOOL:
    case IDL_INT:
    case IDL_HYPER:
    case IDL_FLOAT:
    case IDL_DOUBLE:
    case IDL_OPAQUE: return true;
    case IDL_NAMED: return idl_is_flat_def(decl->type.def);
    default: return false;
    }
}

size_t
idl_flat_def_bytes(const struct idl_def *def)
{
    size_t bytes = 0;

    if (def->kind == IDL_ENUM)
        return 4;
    if (def->kind == IDL_TYPEDEF)
        return idl_flat_bytes(&def->alias);
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
        bytes += idl_is_void(field) ? 0 : idl_flat_bytes(field);
    return bytes;
}

static size_t
element_bytes(const struct idl_type *type)
{
    switch (type->kind) {
    case IDL_HYPER:
    case IDL_DOUBLE: return 8;
    case IDL_NAMED: return idl_flat_def_bytes(type->def);
    default: return 4;
    }
}

size_t
idl_flat_bytes(const struct idl_decl *decl)
{
    size_t count = decl->shape == IDL_ARRAY ? (size_t)decl->bound.value : 1;

    if (decl->type.kind == IDL_OPAQUE)
        return (count + 3) / 4 * 4;
    return count * element_bytes(&decl->type);
}

static bool
is_checked_def(const struct idl_def *def)
{
    if (def->kind == IDL_TYPEDEF)
        return idl_is_checked(&def->alias);
    if (def->kind != IDL_STRUCT)
        return false;
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
        if (idl_is_checked(field))
            return true;
    return false;
}

bool
idl_is_checked(const struct idl_decl *decl)
{
    switch (decl->type.kind) {
    case IDL_BOOL: return true;
    case IDL_INT: return decl->type.bits < 32;
    case IDL_OPAQUE: return decl->bound.value % 4 != 0;
    case IDL_NAMED: return is_checked_def(decl->type.def);
    default: return false;
    }
}

/* ---- both ways -------------------------------------------------------------------------------------------- */

static const char *
loop_name(struct idl_body *b)
{
    static const char *const names[] = { "i", "j", "k", "l", "m", "n" };

    return b->loops < COUNT_OF(names) ? names[b->loops] : idl_text_format(b->text, "i%u", b->loops);
}

/* An array's loop, up to its body. */
static const char *
begin_loop(struct idl_body *b, const struct idl_decl *decl, bool braces)
{
    const char *i = loop_name(b);

    idl_text_print(b->text, "for (size_t %s = 0; %s < %s; %s++)%s\n", i, i, idl_c_number(b->w, &decl->bound), i,
                   braces ? " {" : "");
    b->text->indent++;
    b->loops++;
    return i;
}

static void
end_loop(struct idl_body *b, bool braces)
{
    b->loops--;
    b->text->indent--;
    if (braces)
        idl_text_print(b->text, "}\n");
}

static bool
is_struct(const struct idl_decl *decl)
{
    return decl->type.kind == IDL_NAMED && decl->type.def->kind == IDL_STRUCT;
}

/* ---- to bytes --------------------------------------------------------------------------------------------- */

static void
write_word(struct idl_body *b, const struct idl_decl *decl, const char *expr)
{
    const struct idl_type *type = &decl->type;
    const char *word = "u32", *cast = "";

    switch (type->kind) {
    case IDL_INT: cast = type->is_unsigned ? "" : "(uint32_t)"; break;
    case IDL_NAMED: cast = "(uint32_t)"; break;
    case IDL_HYPER:
        word = "u64";
        cast = type->is_unsigned ? "" : "(uint64_t)";
        break;
    case IDL_FLOAT: word = "float"; break;
    case IDL_DOUBLE: word = "double"; break;
    default: break;
    }
    idl_text_print(b->text, "p = tambo_xdr_write_%s(p, %s%s);\n", word, cast, expr);
}

void
idl_write_flat(struct idl_body *b, const struct idl_decl *decl, const char *expr)
{
    struct idl_decl element = idl_element(decl);

    b->uses_p = true;
    if (decl != idl_under(decl)) {
        idl_write_flat(b, idl_under(decl), expr);
    } else if (decl->type.kind == IDL_OPAQUE) {
        idl_text_print(b->text, "p = tambo_xdr_write_fixed(p, %s, %s);\n", expr, idl_c_number(b->w, &decl->bound));
    } else if (decl->shape == IDL_ARRAY) {
        const char *i = begin_loop(b, decl, false);
        idl_write_flat(b, &element, idl_text_format(b->text, "%s[%s]", expr, i));
        end_loop(b, false);
    } else if (is_struct(decl)) {
        const char *name = idl_c_name(b->w, decl->type.def->name);
        if (expr[0] == '*')
            idl_text_print(b->text, "p = write_%s(p, %s);\n", name, expr + 1);
        else
            idl_text_print(b->text, "p = write_%s(p, &%s);\n", name, expr);
    } else {
        write_word(b, decl, expr);
    }
}

/* ---- from bytes ------------------------------------------------------------------------------------------- */

void
idl_return_rc(struct idl_body *b, const char *rc, const char *label, const char *index)
{
    const char *stream = b->decodes ? "in" : "out";

    if (label == NULL && strcmp(index, "-1") == 0) {
        idl_text_print(b->text, "return %s;\n", rc);
        return;
    }
    idl_text_list(b->text, "return tambo_xdr_in_field(");
    idl_text_item(b->text, "&%s->fault", stream);
    idl_text_item(b->text, "%s", rc);
    idl_text_item(b->text, label == NULL ? "NULL" : "\"%s\"", label);
    idl_text_item(b->text, "%s", index);
    idl_text_close(b->text, ");\n");
}

/* `call` may refuse what it reads. */
static void
read_checked(struct idl_body *b, const char *call, const char *label)
{
    const char *index = b->loops == 0 ? "-1" : "(int64_t)i";

    b->uses_rc = true;
    idl_text_print(b->text, "rc = %s;\nif (rc < 0)\n", call);
    b->text->indent++;
    idl_return_rc(b, "rc", label, index);
    b->text->indent--;
}

static const char *
address_of(struct idl_body *b, const char *expr)
{
    return expr[0] == '*' ? expr + 1 : idl_text_format(b->text, "&%s", expr);
}

static void
read_word(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *at)
{
    const struct idl_type *type = &decl->type;
    const char *word = "u32", *cast = "";

    switch (type->kind) {
    case IDL_INT: cast = type->is_unsigned ? "" : "(int32_t)"; break;
    case IDL_NAMED: cast = idl_text_format(b->text, "(%s)", idl_c_def(b->w, type->def)); break;
    case IDL_HYPER:
        word = "u64";
        cast = type->is_unsigned ? "" : "(int64_t)";
        break;
    case IDL_FLOAT: word = "float"; break;
    case IDL_DOUBLE: word = "double"; break;
    default: break;
    }
    idl_text_print(b->text, "%s = %stambo_xdr_read_%s(%s);\n", expr, cast, word, at);
}

static void
read_opaque(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *at, const char *label)
{
    const char *n = idl_c_number(b->w, &decl->bound);

    if (idl_is_checked(decl))
        read_checked(b, idl_text_format(b->text, "tambo_xdr_read_fixed(in, %s, %s, %s)", at, expr, n), label);
    else
        idl_text_print(b->text, "memcpy(%s, %s, %s);\n", expr, at, n);
}

static void
read_one(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *at, const char *label)
{
    const struct idl_type *type = &decl->type;
    const char *to = address_of(b, expr);

    if (is_struct(decl)) {
        const char *name = idl_c_name(b->w, type->def->name);
        if (idl_is_checked(decl))
            read_checked(b, idl_text_format(b->text, "read_%s(in, %s, %s)", name, at, to), label);
        else
            idl_text_print(b->text, "read_%s(%s, %s);\n", name, at, to);
    } else if (type->kind == IDL_BOOL) {
        read_checked(b, idl_text_format(b->text, "tambo_xdr_read_bool(in, %s, %s)", at, to), label);
    } else if (type->kind == IDL_INT && type->bits < 32) {
        const char *call = idl_text_format(b->text, "tambo_xdr_read_%sint%u(in, %s, %s)", type->is_unsigned ? "u" : "",
                                           type->bits, at, to);
        read_checked(b, call, label);
    } else {
        read_word(b, decl, expr, at);
    }
}

/* `at` and `offset` tell together where it lies: "p", and 8 bytes behind that. */
void
idl_read_flat(struct idl_body *b, const struct idl_decl *decl, const char *expr, size_t offset, const char *at,
              const char *label)
{
    const char *here = offset == 0 ? at : idl_text_format(b->text, "%s + %zu", at, offset);
    bool braces = idl_is_checked(decl);

    b->uses_p = true;
    if (decl != idl_under(decl)) {
        idl_read_flat(b, idl_under(decl), expr, offset, at, label);
    } else if (decl->type.kind == IDL_OPAQUE) {
        read_opaque(b, decl, expr, here, label);
    } else if (decl->shape == IDL_ARRAY) {
        struct idl_decl element = idl_element(decl);
        const char *i = begin_loop(b, decl, braces);
        at = idl_text_format(b->text, "%s + %zu * %s", here, element_bytes(&decl->type), i);
        idl_read_flat(b, &element, idl_text_format(b->text, "%s[%s]", expr, i), 0, at, label);
        end_loop(b, braces);
    } else {
        read_one(b, decl, expr, here, label);
    }
}
