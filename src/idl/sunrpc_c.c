#include "idl/sunrpc_c.h"

const char *
sun_number(struct sun_writer *w, const struct idl_number *number)
{
    if (number->name.len > 0)
        return idl_text_format(&w->text, "%.*s", IDL_VIEW(number->name));
    if (number->text.len > 0)
        return idl_text_format(&w->text, "%.*s", IDL_VIEW(number->text));
    return idl_text_format(&w->text, "%lld", (long long)number->value);
}

/* ---- types ------------------------------------------------------------------------------------------------------ */

/* Of a plain type, without its sign: "int" and what xdr functions are called. */
static const char *
word(const struct idl_type *type)
{
    switch (type->kind) {
    case IDL_HYPER: return "quad_t";
    case IDL_INT:
        switch (type->bits) {
        case 8: return "char";
        case 16: return "short";
        default: return type->is_long ? "long" : "int";
        }
    default: return "";
    }
}

const char *
sun_type(struct sun_writer *w, const struct idl_type *type)
{
    switch (type->kind) {
    case IDL_VOID: return "void";
    case IDL_BOOL: return "bool_t";
    case IDL_INT:
    case IDL_HYPER: return idl_text_format(&w->text, "%s%s", type->is_unsigned ? "u_" : "", word(type));
    case IDL_FLOAT: return "float";
    case IDL_DOUBLE: return "double";
    case IDL_STRING: return "char *";
    case IDL_OPAQUE: return "char";
    case IDL_NAMED: return idl_text_format(&w->text, "%.*s", IDL_VIEW(type->def->name));
    case IDL_PROGRAM_REF: break; /* the checker refuses it */
    }
    return "";
}

const char *
sun_type_early(struct sun_writer *w, const struct idl_type *type)
{
    const char *name = sun_type(w, type);

    if (type->kind == IDL_NAMED && !type->def->is_builtin &&
        (type->def->kind == IDL_STRUCT || type->def->kind == IDL_UNION))
        return idl_text_format(&w->text, "struct %s", name);
    return name;
}

const char *
sun_xdr(struct sun_writer *w, const struct idl_type *type)
{
    switch (type->kind) {
    case IDL_BOOL: return "xdr_bool";
    case IDL_STRING: return "xdr_wrapstring";
    default: return idl_text_format(&w->text, "xdr_%s", sun_type(w, type));
    }
}

const struct idl_decl *
sun_under(const struct idl_decl *decl)
{
    /* (What a built-in one is in C, <rpc/rpc.h> knows; on the wire a des_block is an array, here it is a union.) */
    while (decl->shape == IDL_PLAIN && decl->type.kind == IDL_NAMED && decl->type.def->kind == IDL_TYPEDEF &&
           !decl->type.def->is_builtin)
        decl = &decl->type.def->alias;
    return decl;
}

bool
sun_is_array(const struct idl_decl *decl)
{
    return sun_under(decl)->shape == IDL_ARRAY;
}

/* "int *arr_val": between a type's words and a name stands a blank, but behind a star. */
static const char *
pair(struct sun_writer *w, const char *type, const char *star, const char *name)
{
    size_t len = strlen(type);

    return idl_text_format(&w->text, "%s%s%s%s", type, len > 0 && type[len - 1] == '*' ? "" : " ", star, name);
}

void
sun_field(struct sun_writer *w, const struct idl_decl *decl, const char *name)
{
    struct idl_text *t = &w->text;
    const char *type = sun_type_early(w, &decl->type);

    switch (decl->shape) {
    case IDL_PLAIN: idl_text_print(t, "%s;\n", pair(w, type, "", name)); break;
    case IDL_POINTER: idl_text_print(t, "%s;\n", pair(w, type, "*", name)); break;
    case IDL_ARRAY: idl_text_print(t, "%s[%s];\n", pair(w, type, "", name), sun_number(w, &decl->bound)); break;
    case IDL_VECTOR:
        idl_text_print(t, "struct {\n");
        t->indent++;
        idl_text_print(t, "u_int %s_len;\n", name);
        idl_text_print(t, "%s_val;\n", pair(w, type, "*", name));
        t->indent--;
        idl_text_print(t, "} %s;\n", name);
        break;
    }
}

/* ---- xdr -------------------------------------------------------------------------------------------------------- */

static const char *
bound(struct sun_writer *w, const struct idl_decl *decl)
{
    return decl->is_bounded ? sun_number(w, &decl->bound) : "~0u";
}

/* The call for a declaration whose value is `value` and stands at `at`; a variable array is the two fields `parts`_len
 * and `parts`_val. */
static void
xdr_call(struct sun_writer *w, const struct idl_decl *decl, const char *value, const char *at, const char *parts)
{
    struct idl_text *t = &w->text;
    const char *type = sun_type(w, &decl->type), *xdr = sun_xdr(w, &decl->type);
    bool is_opaque = decl->type.kind == IDL_OPAQUE;

    switch (decl->shape) {
    case IDL_PLAIN:
        if (decl->type.kind == IDL_STRING)
            idl_text_print(t, "if (!xdr_string(xdrs, %s, %s))\n", at, bound(w, decl));
        else
            idl_text_print(t, "if (!%s(xdrs, %s))\n", xdr, sun_is_array(decl) ? value : at);
        break;
    case IDL_POINTER:
        idl_text_print(t, "if (!xdr_pointer(xdrs, (char **)%s, sizeof(%s), (xdrproc_t)%s))\n", at, type, xdr);
        break;
    case IDL_ARRAY:
        if (is_opaque)
            idl_text_print(t, "if (!xdr_opaque(xdrs, %s, %s))\n", value, sun_number(w, &decl->bound));
        else
            idl_text_print(t, "if (!xdr_vector(xdrs, (char *)%s, %s, sizeof(%s), (xdrproc_t)%s))\n", value,
                           sun_number(w, &decl->bound), type, xdr);
        break;
    case IDL_VECTOR:
        if (is_opaque)
            idl_text_print(t, "if (!xdr_bytes(xdrs, &%s_val, &%s_len, %s))\n", parts, parts, bound(w, decl));
        else
            idl_text_print(t,
                           "if (!xdr_array(xdrs, (char **)&%s_val, &%s_len, %s, sizeof(%s),\n"
                           "                   (xdrproc_t)%s))\n",
                           parts, parts, bound(w, decl), type, xdr);
        break;
    }
    idl_text_print(t, "    return FALSE;\n");
}

void
sun_xdr_field(struct sun_writer *w, const struct idl_decl *decl, const char *within, const char *name)
{
    const char *value = idl_text_format(&w->text, "%s%s", within, name);

    xdr_call(w, decl, value, idl_text_format(&w->text, "&%s", value), idl_text_format(&w->text, "%s.%s", value, name));
}

void
sun_xdr_alias(struct sun_writer *w, const struct idl_decl *decl, const char *name)
{
    xdr_call(w, decl, "objp", "objp", idl_text_format(&w->text, "objp->%s", name));
}
