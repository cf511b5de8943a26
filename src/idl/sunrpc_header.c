/* FILE.h: types, numbers, prototypes. */
#include "idl/sunrpc_c.h"

static void
write_const(struct sun_writer *w, const struct idl_def *def)
{
    if (def->constant.text.len > 0)
        idl_text_print(&w->text, "#define %.*s %.*s\n\n", IDL_VIEW(def->name), IDL_VIEW(def->constant.text));
    else
        idl_text_print(&w->text, "#define %.*s %s\n\n", IDL_VIEW(def->name), sun_number(w, &def->constant.number));
}

static void
write_enum(struct sun_writer *w, const struct idl_def *def)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "enum %.*s {\n", IDL_VIEW(def->name));
    t->indent++;
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next) {
        idl_text_comment(t, e->comment);
        if (e->number.name.len > 0 || e->number.text.len > 0)
            idl_text_print(t, "%.*s = %s,\n", IDL_VIEW(e->name), sun_number(w, &e->number));
        else
            idl_text_print(t, "%.*s,\n", IDL_VIEW(e->name));
    }
    t->indent--;
    idl_text_print(t, "};\ntypedef enum %.*s %.*s;\n\n", IDL_VIEW(def->name), IDL_VIEW(def->name));
}

static void
write_field(struct sun_writer *w, const struct idl_decl *field)
{
    idl_text_comment(&w->text, field->comment);
    sun_field(w, field, idl_text_format(&w->text, "%.*s", IDL_VIEW(field->name)));
}

static void
close_struct(struct sun_writer *w, const struct idl_def *def)
{
    w->text.indent--;
    idl_text_print(&w->text, "};\ntypedef struct %.*s %.*s;\n\n", IDL_VIEW(def->name), IDL_VIEW(def->name));
}

static void
write_struct(struct sun_writer *w, const struct idl_def *def)
{
    idl_text_print(&w->text, "struct %.*s {\n", IDL_VIEW(def->name));
    w->text.indent++;
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
        write_field(w, field);
    close_struct(w, def);
}

static bool
has_arms(const struct idl_def *def)
{
    for (const struct idl_case *c = def->choice.cases; c != NULL; c = c->next)
        if (c->arm.type.kind != IDL_VOID)
            return true;
    return def->choice.otherwise != NULL && def->choice.otherwise->arm.type.kind != IDL_VOID;
}

static void
write_arm(struct sun_writer *w, const struct idl_case *c)
{
    if (c != NULL && c->arm.type.kind != IDL_VOID)
        write_field(w, &c->arm);
}

static void
write_union(struct sun_writer *w, const struct idl_def *def)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "struct %.*s {\n", IDL_VIEW(def->name));
    t->indent++;
    write_field(w, &def->choice.discriminant);
    if (has_arms(def)) {
        idl_text_print(t, "union {\n");
        t->indent++;
        for (const struct idl_case *c = def->choice.cases; c != NULL; c = c->next)
            write_arm(w, c);
        write_arm(w, def->choice.otherwise);
        t->indent--;
        idl_text_print(t, "} %.*s_u;\n", IDL_VIEW(def->name));
    }
    close_struct(w, def);
}

static void
write_typedef(struct sun_writer *w, const struct idl_def *def)
{
    idl_text_print(&w->text, "typedef ");
    sun_field(w, &def->alias, idl_text_format(&w->text, "%.*s", IDL_VIEW(def->name)));
    idl_text_print(&w->text, "\n");
}

/* Its arguments as one struct, and its xdr function. */
static void
write_argument(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    const char *name = sun_arg_type(w, version, p);
    struct idl_text *t = &w->text;
    unsigned at = 0;

    idl_text_print(t, "struct %s {\n", name);
    t->indent++;
    for (const struct idl_decl *arg = p->args; arg != NULL; arg = arg->next, at++)
        sun_field(w, arg, sun_arg_name(w, arg, at));
    t->indent--;
    idl_text_print(t, "};\ntypedef struct %s %s;\nextern bool_t xdr_%s(XDR *, %s *);\n\n", name, name, name, name);
}

/* Was the name given its number by a version before? */
static bool
is_known(const struct idl_def *program, const struct idl_version *until, const struct idl_procedure *p)
{
    for (const struct idl_version *v = program->program.versions; v != until; v = v->next)
        for (const struct idl_procedure *q = v->procedures; q != NULL; q = q->next)
            if (view_equal(p->name, q->name))
                return true;
    return false;
}

static void
write_version(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version)
{
    struct idl_text *t = &w->text;

    idl_text_comment(t, version->comment);
    idl_text_print(t, "#define %.*s %s\n\n", IDL_VIEW(version->name), sun_number(w, &version->number));
    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next) {
        const char *name = sun_procedure(w, version, p);

        if (sun_has_struct(p))
            write_argument(w, version, p);
        idl_text_comment(t, p->comment);
        if (!is_known(program, version, p))
            idl_text_print(t, "#define %.*s %s\n", IDL_VIEW(p->name), sun_number(w, &p->number));
        idl_text_print(t, "extern %s%s%s;\n", sun_returns(w, p, false), name, sun_parameters(w, p, false));
        idl_text_print(t, "extern %s%s_svc%s;\n", sun_returns(w, p, true), name, sun_parameters(w, p, true));
    }
    idl_text_print(t, "extern int %s_freeresult(SVCXPRT *, xdrproc_t, caddr_t);\n\n",
                   sun_dispatcher(w, program, version));
}

static void
write_program(struct sun_writer *w, const struct idl_def *def)
{
    idl_text_print(&w->text, "#define %.*s %s\n", IDL_VIEW(def->name), sun_number(w, &def->program.number));
    for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next)
        write_version(w, def, v);
}

static void
write_def(struct sun_writer *w, const struct idl_def *def)
{
    if (def->kind != IDL_VERBATIM)
        idl_text_comment(&w->text, def->comment);
    switch (def->kind) {
    case IDL_CONST: write_const(w, def); break;
    case IDL_ENUM: write_enum(w, def); break;
    case IDL_STRUCT: write_struct(w, def); break;
    case IDL_UNION: write_union(w, def); break;
    case IDL_TYPEDEF: write_typedef(w, def); break;
    case IDL_PROGRAM: write_program(w, def); break;
    case IDL_VERBATIM: idl_text_print(&w->text, "%.*s\n", IDL_VIEW(def->verbatim)); break;
    case IDL_FOREIGN: break;
    }
}

/* "int arr" of an array is its address already. */
static void
write_prototype(struct sun_writer *w, const struct idl_def *def)
{
    const char *star = "*";

    switch (def->kind) {
    case IDL_TYPEDEF: star = sun_is_array(&def->alias) ? "" : "*"; break;
    case IDL_ENUM:
    case IDL_STRUCT:
    case IDL_UNION: break;
    default: return;
    }
    idl_text_print(&w->text, "extern bool_t xdr_%.*s(XDR *, %.*s%s%s);\n", IDL_VIEW(def->name), IDL_VIEW(def->name),
                   star[0] != 0 ? " " : "", star);
}

/* What is neither included nor <rpc/rpc.h>'s own. */
static bool
is_ours(const struct idl_def *def)
{
    return !def->is_included && !def->is_builtin;
}

void
sun_write_header(struct sun_writer *w)
{
    struct idl_text *t = &w->text;
    const char *guard = idl_text_upper(t, view_str(w->base));
    const struct idl_def *def;

    idl_text_print(t, "/* Made by tambo rpcgen --sunrpc from %s.x; changes belong there. */\n", w->base);
    idl_text_print(t, "#ifndef _%s_H_RPCGEN\n#define _%s_H_RPCGEN\n\n", guard, guard);
    idl_text_print(t, "#include <rpc/rpc.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    /* A program may stand before the types that it uses. */
    for (def = w->idl->defs; def != NULL; def = def->next)
        if (is_ours(def) && def->kind != IDL_PROGRAM)
            write_def(w, def);
    for (def = w->idl->defs; def != NULL; def = def->next)
        if (is_ours(def) && def->kind == IDL_PROGRAM)
            write_def(w, def);
    for (def = w->idl->defs; def != NULL; def = def->next)
        if (is_ours(def))
            write_prototype(w, def);
    idl_text_print(t, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
