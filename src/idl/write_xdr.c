/* idl/write_xdr.c - FILE_xdr.c: each type of the interface to XDR and back. */
#include "idl/writer.h"

/* ---- functions -------------------------------------------------------------------------------------------- */

/* "int\ndate_encode_point(struct tambo_xdr_out *out, const struct point *value)\n{\n" */
static void
begin_function(struct idl_writer *w, const struct idl_def *def, const char *name, bool is_static, bool decodes)
{
    const char *type = idl_c_def(w, def);
    bool is_array = def->kind == IDL_TYPEDEF && idl_is_array(&def->alias);

    idl_text_print(w->text, "\n%sint\n", is_static ? "static " : "");
    idl_text_list(w->text, "%s(", name);
    idl_text_item(w->text, decodes ? "struct tambo_xdr_in *in" : "struct tambo_xdr_out *out");
    idl_text_item(w->text, "%s%s%s%s", decodes ? "" : "const ", type,
                  is_array || type[strlen(type) - 1] == '*' ? " " : " *", decodes ? "ret" : "value");
    idl_text_close(w->text, ")\n{\n");
}

static void
end_function(struct idl_writer *w, struct idl_body *b)
{
    idl_text_print(b->text, "return 0;\n");
    idl_write_body(w, b);
    idl_text_print(w->text, "}\n");
}

static const char *
function_of(struct idl_writer *w, const struct idl_def *def, bool decodes)
{
    return idl_text_format(w->text, "%s_%s_%s", idl_c_prefix(w, def), decodes ? "decode" : "encode",
                           idl_c_name(w, def->name));
}

static struct idl_text
body_text(struct idl_writer *w)
{
    struct idl_text text = idl_text_of(w->arena);

    text.indent = 1;
    return text;
}

/* ---- structs ---------------------------------------------------------------------------------------------- */

/* The field that makes a list of it: the last one, a pointer to the same struct.  It is followed in a loop, so that a
 * list may be as long as it likes.  NULL: there is none. */
static const struct idl_decl *
tail_of(const struct idl_def *def)
{
    const struct idl_decl *last = def->fields, *under;

    if (def->kind != IDL_STRUCT || last == NULL)
        return NULL;
    while (last->next != NULL)
        last = last->next;
    under = idl_under(last);
    if (under->shape != IDL_POINTER || under->type.kind != IDL_NAMED || under->type.def != def)
        return NULL;
    return last;
}

static void
write_body(struct idl_writer *w, const struct idl_def *def, const struct idl_decl *end, bool decodes)
{
    struct idl_text text = body_text(w);
    struct idl_body b = idl_body_of(w, &text, decodes);

    idl_write_fields(&b, def->fields, end, decodes ? "ret->" : "value->");
    if (text.len == 0)
        idl_text_print(&text, "(void)%s;\n(void)%s;\n", decodes ? "in" : "out", decodes ? "ret" : "value");
    end_function(w, &b);
}

static void
write_list(struct idl_writer *w, const struct idl_def *def, const struct idl_decl *tail, bool decodes)
{
    const char *one = idl_text_format(w->text, "%s_one_%s", decodes ? "decode" : "encode", idl_c_name(w, def->name));
    const char *next = idl_c_name(w, tail->name), *stream = decodes ? "in" : "out", *value = decodes ? "ret" : "value";

    begin_function(w, def, one, true, decodes);
    write_body(w, def, tail, decodes);
    begin_function(w, def, function_of(w, def, decodes), false, decodes);
    idl_text_print(w->text,
                   "    for (int64_t i = 0;; i++) {\n"
                   "        int rc = %s(%s, %s);\n\n"
                   "        if (rc == 0) {\n",
                   one, stream, value);
    if (decodes)
        idl_text_print(w->text, "            rc = tambo_xdr_get_pointer(in, sizeof(*ret->%s), &ret->%s);\n", next,
                       next);
    else
        idl_text_print(w->text, "            rc = tambo_xdr_put_pointer(out, value->%s);\n", next);
    idl_text_print(w->text,
                   "            if (rc < 0)\n"
                   "                tambo_xdr_in_field(&%s->fault, rc, \"%.*s\", -1);\n"
                   "        }\n"
                   "        if (rc < 0 && i > 0)\n"
                   "            tambo_xdr_in_field(&%s->fault, rc, \"%.*s\", i);\n"
                   "        if (rc <= 0)\n"
                   "            return rc;\n"
                   "        tambo_xdr_%s(%s);\n"
                   "        %s = %s->%s;\n"
                   "    }\n"
                   "}\n",
                   stream, IDL_VIEW(tail->name), stream, IDL_VIEW(tail->name), decodes ? "in_up" : "up", stream, value,
                   value, next);
}

/* ---- structs of fixed size -------------------------------------------------------------------------------- */

static void
write_fields_flat(struct idl_body *b, const struct idl_def *def)
{
    size_t offset = 0;

    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next) {
        const char *expr, *label = idl_text_format(b->text, "%.*s", IDL_VIEW(field->name));
        if (idl_is_void(field))
            continue;
        expr = idl_text_format(b->text, "%s%s", b->decodes ? "ret->" : "value->", idl_c_name(b->w, field->name));
        if (b->decodes)
            idl_read_flat(b, field, expr, offset, "p", label);
        else
            idl_write_flat(b, field, expr);
        offset += idl_flat_bytes(field);
    }
    b->uses_p = false; /* it is a parameter */
}

static bool
is_checked_struct(const struct idl_def *def)
{
    struct idl_decl decl = {
        .type = {.kind = IDL_NAMED, .def = (struct idl_def *)def}
    };

    return idl_is_checked(&decl);
}

static void
write_flat_bodies(struct idl_writer *w, const struct idl_def *def)
{
    const char *name = idl_c_name(w, def->name);
    bool checked = is_checked_struct(def);
    struct idl_text text = body_text(w);
    struct idl_body b = idl_body_of(w, &text, false);

    idl_text_print(w->text, "\nstatic uint8_t *\nwrite_%s(uint8_t *p, const struct %s *value)\n{\n", name, name);
    write_fields_flat(&b, def);
    idl_text_print(&text, "return p;\n");
    idl_write_body(w, &b);
    idl_text_print(w->text, "}\n\nstatic %s\n", checked ? "int" : "void");

    text = body_text(w);
    b = idl_body_of(w, &text, true);
    idl_text_print(w->text, "read_%s(%sconst uint8_t *p, struct %s *ret)\n{\n", name,
                   checked ? "struct tambo_xdr_in *in, " : "", name);
    write_fields_flat(&b, def);
    if (checked)
        idl_text_print(&text, "return 0;\n");
    idl_write_body(w, &b);
    idl_text_print(w->text, "}\n");
}

static void
write_flat_struct(struct idl_writer *w, const struct idl_def *def)
{
    const char *name = idl_c_name(w, def->name);
    size_t bytes = idl_flat_def_bytes(def);

    write_flat_bodies(w, def);
    begin_function(w, def, function_of(w, def, false), false, false);
    idl_text_print(w->text,
                   "    uint8_t *p = tambo_xdr_room(out, %zu);\n\n"
                   "    if (p == NULL)\n        return out->fault.rc;\n    write_%s(p, value);\n    return 0;\n}\n",
                   bytes, name);
    begin_function(w, def, function_of(w, def, true), false, true);
    idl_text_print(w->text,
                   "    const uint8_t *p = tambo_xdr_need(in, %zu);\n\n"
                   "    if (p == NULL)\n        return in->fault.rc;\n",
                   bytes);
    if (is_checked_struct(def))
        idl_text_print(w->text, "    return read_%s(in, p, ret);\n}\n", name);
    else
        idl_text_print(w->text, "    read_%s(p, ret);\n    return 0;\n}\n", name);
}

static void
write_struct(struct idl_writer *w, const struct idl_def *def)
{
    const struct idl_decl *tail = tail_of(def);

    if (idl_is_flat_def(def) && idl_flat_def_bytes(def) > 0) {
        write_flat_struct(w, def);
        return;
    }
    for (int decodes = 0; decodes < 2; decodes++) {
        if (tail != NULL) {
            write_list(w, def, tail, decodes);
        } else {
            begin_function(w, def, function_of(w, def, decodes), false, decodes);
            write_body(w, def, NULL, decodes);
        }
    }
}

/* ---- unions ----------------------------------------------------------------------------------------------- */

static void
write_arm(struct idl_body *b, const struct idl_case *arm)
{
    bool is_empty = idl_is_void(&arm->arm);

    for (unsigned i = 0; i < arm->label_count; i++) {
        bool is_last = i + 1 == arm->label_count;
        idl_text_print(b->text, "case %s:%s", idl_c_number(b->w, &arm->labels[i]), is_last && is_empty ? " " : "\n");
    }
    if (arm->label_count == 0)
        idl_text_print(b->text, "default:%s", is_empty ? " " : "\n");
    if (is_empty) {
        idl_text_print(b->text, "return 0;\n");
        return;
    }
    b->text->indent++;
    idl_write_fields(b, &arm->arm, arm->arm.next, b->decodes ? "ret->u." : "value->u.");
    idl_text_print(b->text, "return 0;\n");
    b->text->indent--;
}

static void
write_no_arm(struct idl_body *b, const char *label)
{
    const char *stream = b->decodes ? "in" : "out";

    b->uses_rc = true;
    idl_text_print(b->text, "default:\n");
    b->text->indent++;
    idl_text_print(b->text, "rc = tambo_xdr_fail(&%s->fault, -TAMBO_ERR_%s, \"no arm has this number\");\n", stream,
                   b->decodes ? "PROTOCOL" : "ARGUMENTS");
    idl_return_rc(b, "rc", label, "-1");
    b->text->indent--;
}

/* A switch over a bool, or with a number that an enum does not name, is one over an int. */
static bool
wants_cast(const struct idl_def *def)
{
    const struct idl_decl *under = idl_under(&def->choice.discriminant);

    if (under->type.kind != IDL_NAMED)
        return under->type.kind == IDL_BOOL;
    for (const struct idl_case *arm = def->choice.cases; arm != NULL; arm = arm->next)
        for (unsigned i = 0; i < arm->label_count; i++)
            if (arm->labels[i].name.len == 0)
                return true;
    return false;
}

static void
write_union_body(struct idl_writer *w, const struct idl_def *def, bool decodes)
{
    const struct idl_decl *discriminant = &def->choice.discriminant;
    const char *owner = decodes ? "ret->" : "value->";
    struct idl_text text = body_text(w);
    struct idl_body b = idl_body_of(w, &text, decodes);

    idl_write_fields(&b, discriminant, discriminant->next, owner);
    idl_text_print(&text, "switch (%s%s%s) {\n", wants_cast(def) ? "(int)" : "", owner,
                   idl_c_name(w, discriminant->name));
    for (const struct idl_case *arm = def->choice.cases; arm != NULL; arm = arm->next)
        write_arm(&b, arm);
    if (def->choice.otherwise != NULL)
        write_arm(&b, def->choice.otherwise);
    else
        write_no_arm(&b, idl_text_format(&text, "%.*s", IDL_VIEW(discriminant->name)));
    idl_text_print(&text, "}\n");
    idl_write_body(w, &b);
    idl_text_print(w->text, "}\n");
}

static void
write_union(struct idl_writer *w, const struct idl_def *def)
{
    for (int decodes = 0; decodes < 2; decodes++) {
        begin_function(w, def, function_of(w, def, decodes), false, decodes);
        write_union_body(w, def, decodes);
    }
}

/* ---- other types ------------------------------------------------------------------------------------------ */

/* An enum, or a typedef: one value. */
static void
write_alias(struct idl_writer *w, const struct idl_def *def)
{
    struct idl_decl self = {
        .type = {.kind = IDL_NAMED, .def = (struct idl_def *)def}
    };
    const struct idl_decl *decl = def->kind == IDL_TYPEDEF ? &def->alias : &self;

    for (int decodes = 0; decodes < 2; decodes++) {
        struct idl_text text = body_text(w);
        struct idl_body b = idl_body_of(w, &text, decodes);
        const char *expr = idl_text_format(w->text, "%s%s", idl_is_array(decl) ? "" : "*", decodes ? "ret" : "value");
        begin_function(w, def, function_of(w, def, decodes), false, decodes);
        idl_write_return(&b, decl, expr);
        idl_write_body(w, &b);
        idl_text_print(w->text, "}\n");
    }
}

static void
write_arguments(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (call->arguments != NULL) {
        struct idl_def def = idl_arguments_def(w, call);
        write_struct(w, &def);
    }
}

void
idl_write_xdr(struct idl_writer *w)
{
    idl_write_head(w);
    idl_text_print(w->text, "#include \"%s.h\"\n", w->base);
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        if (def->is_included)
            continue;
        switch (def->kind) {
        case IDL_ENUM:
        case IDL_TYPEDEF: write_alias(w, def); break;
        case IDL_STRUCT: write_struct(w, def); break;
        case IDL_UNION: write_union(w, def); break;
        default: break;
        }
    }
    idl_each_call(w, write_arguments, NULL);
}
