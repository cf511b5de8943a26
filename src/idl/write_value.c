/* idl/write_value.c - the code that encodes or decodes one value, whatever its type: flat fields in runs, each other
 * one by a call. */
#include "idl/writer.h"

struct idl_body
idl_body_of(struct idl_writer *w, struct idl_text *text, bool decodes)
{
    return (struct idl_body){ .w = w, .text = text, .decodes = decodes };
}

void
idl_write_body(struct idl_writer *w, const struct idl_body *b)
{
    w->text->indent++;
    if (b->uses_p)
        idl_text_print(w->text, "%suint8_t *p;\n", b->decodes ? "const " : "");
    if (b->uses_rc)
        idl_text_print(w->text, "int rc;\n");
    if (b->uses_p || b->uses_rc)
        idl_text_print(w->text, "\n");
    w->text->indent--;
    w->text->torn |= b->text->torn;
    idl_text_put(w->text, idl_text_view(b->text));
}

static const char *
stream(const struct idl_body *b)
{
    return b->decodes ? "in" : "out";
}

/* "if (rc < 0) return ...;" */
static void
check(struct idl_body *b, const char *label, const char *index)
{
    b->uses_rc = true;
    idl_text_print(b->text, "if (rc < 0)\n");
    b->text->indent++;
    idl_return_rc(b, "rc", label, index);
    b->text->indent--;
}

/* ---- runs ------------------------------------------------------------------------------------------------- */

/* p = so many bytes. */
static void
ask_for(struct idl_body *b, const char *bytes, const char *label)
{
    b->uses_p = true;
    idl_text_print(b->text, "p = tambo_xdr_%s(%s, %s);\nif (p == NULL)\n", b->decodes ? "need" : "room", stream(b),
                   bytes);
    b->text->indent++;
    idl_return_rc(b, idl_text_format(b->text, "%s->fault.rc", stream(b)), label, "-1");
    b->text->indent--;
}

static const char *
member(struct idl_body *b, const char *owner, const struct idl_decl *field)
{
    return idl_text_format(b->text, "%s%s", owner, idl_c_name(b->w, field->name));
}

static const char *
label_of(struct idl_body *b, const struct idl_decl *field)
{
    return idl_text_format(b->text, "%.*s", IDL_VIEW(field->name));
}

/* Flat fields from `first` on; returns the one behind them. */
static const struct idl_decl *
write_run(struct idl_body *b, const struct idl_decl *first, const struct idl_decl *end, const char *owner)
{
    const struct idl_decl *field;
    size_t bytes = 0, offset = 0;

    for (field = first; field != end && idl_is_flat(field); field = field->next)
        bytes += idl_flat_bytes(field);
    end = field;
    ask_for(b, idl_text_format(b->text, "%zu", bytes), first->next == end ? label_of(b, first) : NULL);
    for (field = first; field != end; field = field->next) {
        if (b->decodes)
            idl_read_flat(b, field, member(b, owner, field), offset, "p", label_of(b, field));
        else
            idl_write_flat(b, field, member(b, owner, field));
        offset += idl_flat_bytes(field);
    }
    return end;
}

void
idl_write_fields(struct idl_body *b, const struct idl_decl *first, const struct idl_decl *end, const char *owner)
{
    while (first != end) {
        if (idl_is_void(first)) {
            first = first->next;
        } else if (idl_is_flat(first)) {
            first = write_run(b, first, end, owner);
        } else {
            idl_write_value(b, first, member(b, owner, first), label_of(b, first));
            first = first->next;
        }
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

/* "date_encode_point(out, &value->x)" for a type that has a name. */
static const char *
call_of(struct idl_body *b, const struct idl_decl *decl, const char *expr)
{
    const struct idl_def *def = decl->type.def;
    const char *address = idl_is_array(decl) ? "" : "&";

    if (expr[0] == '*' && address[0] == '&') {
        expr++;
        address = "";
    }
    return idl_text_format(b->text, "%s_%s_%s(%s, %s%s)", idl_c_prefix(b->w, def), b->decodes ? "decode" : "encode",
                           idl_c_name(b->w, def->name), stream(b), address, expr);
}

/* "value->x", or "(*ret)": what stands before ".items". */
static const char *
owner_of(struct idl_body *b, const char *expr)
{
    if (expr[0] == '*')
        return idl_text_format(b->text, "%s->", expr + 1);
    return idl_text_format(b->text, "%s.", expr);
}

/* A string, an opaque of any length, a type that has a name: the one call that does it.  NULL: there is none. */
static const char *
one_call(struct idl_body *b, const struct idl_decl *decl, const char *expr)
{
    const char *owner = owner_of(b, expr), *to = expr[0] == '*' ? expr + 1 : idl_text_format(b->text, "&%s", expr);
    bool is_opaque = decl->type.kind == IDL_OPAQUE && decl->shape == IDL_VECTOR;
    const char *bound = idl_c_bound(b->w, decl);

    if (is_opaque && b->decodes)
        return idl_text_format(b->text, "tambo_xdr_get_opaque(in, %s, %s)", to, bound);
    if (is_opaque)
        return idl_text_format(b->text, "tambo_xdr_put_opaque(out, %sdata, %slen, %s)", owner, owner, bound);
    if (decl->type.kind == IDL_STRING && b->decodes)
        return idl_text_format(b->text, "tambo_xdr_get_string(in, %s, %s)", to, bound);
    if (decl->type.kind == IDL_STRING)
        return idl_text_format(b->text, "tambo_xdr_put_string(out, %s, %s)", expr, bound);
    if (decl->type.kind == IDL_NAMED && decl->shape == IDL_PLAIN)
        return call_of(b, decl, expr);
    return NULL;
}

static void
write_call(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *label, const char *index)
{
    idl_text_print(b->text, "rc = %s;\n", one_call(b, decl, expr));
    check(b, label, index);
}

/* ---- arrays ----------------------------------------------------------------------------------------------- */

static bool
is_recursive(const struct idl_decl *decl)
{
    return decl->type.kind == IDL_NAMED && decl->type.def->is_recursive;
}

/* The count, and what it takes: memory, or a level. */
static void
write_count(struct idl_body *b, const struct idl_decl *decl, const char *owner, const char *label)
{
    struct idl_decl element = idl_element(decl);
    const char *bound = idl_c_bound(b->w, decl);

    if (b->decodes) {
        idl_text_list(b->text, "rc = tambo_xdr_get_array(");
        idl_text_item(b->text, "in");
        idl_text_item(b->text, "%s", bound);
        idl_text_item(b->text, "%zu", idl_wire_bytes_min(&element));
        idl_text_item(b->text, "sizeof(*%sitems)", owner);
        idl_text_item(b->text, "&%scount", owner);
        idl_text_item(b->text, "&%sitems", owner);
        idl_text_close(b->text, ");\n");
    } else {
        idl_text_print(b->text, "rc = tambo_xdr_put_count(out, %scount, %s, %sitems);\n", owner, bound, owner);
    }
    if (is_recursive(decl))
        idl_text_print(b->text, b->decodes ? "if (rc == 0)\n    rc = tambo_xdr_in_down(in);\n"
                                           : "if (rc == 0)\n    rc = tambo_xdr_down(out, NULL);\n");
    check(b, label, "-1");
}

static void
write_flat_items(struct idl_body *b, const struct idl_decl *element, const char *owner, const char *label)
{
    const char *item = idl_text_format(b->text, "%sitems[i]", owner);
    bool braces = b->decodes && idl_is_checked(element);
    size_t bytes = idl_flat_bytes(element);

    ask_for(b, idl_text_format(b->text, "(size_t)%scount * %zu", owner, bytes), label);
    idl_text_print(b->text, "for (size_t i = 0; i < %scount; i++)%s\n", owner, braces ? " {" : "");
    b->text->indent++;
    b->loops++;
    if (b->decodes)
        idl_read_flat(b, element, item, 0, idl_text_format(b->text, "p + %zu * i", bytes), label);
    else
        idl_write_flat(b, element, item);
    b->loops--;
    b->text->indent--;
    if (braces)
        idl_text_print(b->text, "}\n");
}

static void
write_items(struct idl_body *b, const struct idl_decl *element, const char *count, const char *items, const char *label)
{
    idl_text_print(b->text, "for (size_t i = 0; i < %s; i++) {\n", count);
    b->text->indent++;
    write_call(b, element, idl_text_format(b->text, "%s[i]", items), label, "(int64_t)i");
    b->text->indent--;
    idl_text_print(b->text, "}\n");
}

static void
write_vector(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *label)
{
    struct idl_decl element = idl_element(decl);
    const char *owner = owner_of(b, expr);

    write_count(b, decl, owner, label);
    if (idl_is_flat(&element)) {
        write_flat_items(b, &element, owner, label);
        return;
    }
    write_items(b, &element, idl_text_format(b->text, "%scount", owner), idl_text_format(b->text, "%sitems", owner),
                label);
    if (is_recursive(decl))
        idl_text_print(b->text, b->decodes ? "tambo_xdr_in_up(in);\n" : "tambo_xdr_up(out);\n");
}

/* ---- pointers --------------------------------------------------------------------------------------------- */

static void
write_pointer(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *label)
{
    struct idl_decl element = idl_element(decl);
    const char *target =
        idl_text_format(b->text, "*%s%s%s", expr[0] == '*' ? "(" : "", expr, expr[0] == '*' ? ")" : "");

    if (b->decodes)
        idl_text_print(b->text, "rc = tambo_xdr_get_pointer(in, sizeof(%s), %s%s);\n", target,
                       expr[0] == '*' ? "" : "&", expr[0] == '*' ? expr + 1 : expr);
    else
        idl_text_print(b->text, "rc = tambo_xdr_put_pointer(out, %s);\n", expr);
    idl_text_print(b->text, "if (rc > 0) {\n");
    b->text->indent++;
    if (decl->type.kind == IDL_NAMED)
        idl_text_print(b->text, "rc = %s;\n", one_call(b, &element, target));
    else
        idl_write_value(b, &element, target, label);
    idl_text_print(b->text, b->decodes ? "tambo_xdr_in_up(in);\n" : "tambo_xdr_up(out);\n");
    b->text->indent--;
    idl_text_print(b->text, "}\n");
    check(b, label, "-1");
}

/* ---- any value -------------------------------------------------------------------------------------------- */

static void
write_flat_value(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *label)
{
    ask_for(b, idl_text_format(b->text, "%zu", idl_flat_bytes(decl)), label);
    if (b->decodes)
        idl_read_flat(b, decl, expr, 0, "p", label);
    else
        idl_write_flat(b, decl, expr);
}

void
idl_write_value(struct idl_body *b, const struct idl_decl *decl, const char *expr, const char *label)
{
    struct idl_decl element = idl_element(decl);

    if (idl_is_flat(decl))
        write_flat_value(b, decl, expr, label);
    else if (decl->shape == IDL_POINTER)
        write_pointer(b, decl, expr, label);
    else if (decl->shape == IDL_VECTOR && decl->type.kind != IDL_OPAQUE)
        write_vector(b, decl, expr, label);
    else if (decl->shape == IDL_ARRAY)
        write_items(b, &element, idl_c_number(b->w, &decl->bound), expr, label);
    else
        write_call(b, decl, expr, label, "-1");
}

void
idl_write_return(struct idl_body *b, const struct idl_decl *decl, const char *expr)
{
    const char *call = idl_is_flat(decl) ? NULL : one_call(b, decl, expr);

    if (call != NULL) {
        idl_text_print(b->text, "return %s;\n", call);
        return;
    }
    idl_write_value(b, decl, expr, NULL);
    idl_text_print(b->text, "return 0;\n");
}
