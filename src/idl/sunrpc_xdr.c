/* FILE_xdr.c: a function for each type, which encodes, decodes and frees. */
#include "idl/sunrpc_c.h"

static void
begin(struct sun_writer *w, const char *name, const char *star)
{
    idl_text_print(&w->text, "\nbool_t\nxdr_%s(XDR *xdrs, %s %sobjp)\n{\n", name, name, star);
    w->text.indent++;
}

static void
end(struct sun_writer *w)
{
    idl_text_print(&w->text, "return TRUE;\n");
    w->text.indent--;
    idl_text_print(&w->text, "}\n");
}

static void
write_fields(struct sun_writer *w, const struct idl_decl *fields)
{
    for (const struct idl_decl *field = fields; field != NULL; field = field->next)
        sun_xdr_field(w, field, "objp->", idl_text_format(&w->text, "%.*s", IDL_VIEW(field->name)));
}

static void
write_arm(struct sun_writer *w, const struct idl_def *def, const struct idl_case *c)
{
    w->text.indent++;
    if (c->arm.type.kind != IDL_VOID)
        sun_xdr_field(w, &c->arm, idl_text_format(&w->text, "objp->%.*s_u.", IDL_VIEW(def->name)),
                      idl_text_format(&w->text, "%.*s", IDL_VIEW(c->arm.name)));
    idl_text_print(&w->text, "break;\n");
    w->text.indent--;
}

static void
write_union(struct sun_writer *w, const struct idl_def *def)
{
    const struct idl_decl *on = &def->choice.discriminant;
    struct idl_text *t = &w->text;

    sun_xdr_field(w, on, "objp->", idl_text_format(&w->text, "%.*s", IDL_VIEW(on->name)));
    idl_text_print(t, "switch (objp->%.*s) {\n", IDL_VIEW(on->name));
    for (const struct idl_case *c = def->choice.cases; c != NULL; c = c->next) {
        for (unsigned i = 0; i < c->label_count; i++)
            idl_text_print(t, "case %s:\n", sun_number(w, &c->labels[i]));
        write_arm(w, def, c);
    }
    idl_text_print(t, "default:\n");
    if (def->choice.otherwise != NULL)
        write_arm(w, def, def->choice.otherwise);
    else
        idl_text_print(t, "    return FALSE;\n");
    idl_text_print(t, "}\n");
}

static void
write_def(struct sun_writer *w, const struct idl_def *def)
{
    const char *name = idl_text_format(&w->text, "%.*s", IDL_VIEW(def->name));

    switch (def->kind) {
    case IDL_ENUM:
        begin(w, name, "*");
        idl_text_print(&w->text, "if (!xdr_enum(xdrs, (enum_t *)objp))\n    return FALSE;\n");
        break;
    case IDL_STRUCT:
        begin(w, name, "*");
        write_fields(w, def->fields);
        break;
    case IDL_UNION:
        begin(w, name, "*");
        write_union(w, def);
        break;
    case IDL_TYPEDEF:
        begin(w, name, sun_is_array(&def->alias) ? "" : "*");
        sun_xdr_alias(w, &def->alias, name);
        break;
    default: return;
    }
    end(w);
}

static void
write_argument(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    unsigned at = 0;

    begin(w, sun_arg_type(w, version, p), "*");
    for (const struct idl_decl *arg = p->args; arg != NULL; arg = arg->next, at++)
        sun_xdr_field(w, arg, "objp->", sun_arg_name(w, arg, at));
    end(w);
}

static void
write_arguments(struct sun_writer *w, const struct idl_def *program)
{
    for (const struct idl_version *v = program->program.versions; v != NULL; v = v->next)
        for (const struct idl_procedure *p = v->procedures; p != NULL; p = p->next)
            if (sun_has_struct(p))
                write_argument(w, v, p);
}

void
sun_write_xdr(struct sun_writer *w)
{
    idl_text_print(&w->text, "/* Made by tambo rpcgen --sunrpc from %s.x; changes belong there. */\n", w->base);
    idl_text_print(&w->text, "#include \"%s.h\"\n", w->base);
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        if (def->is_included || def->is_builtin)
            continue;
        if (def->kind == IDL_PROGRAM)
            write_arguments(w, def);
        else
            write_def(w, def);
    }
}
