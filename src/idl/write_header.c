/* idl/write_header.c - FILE.h: constants, types, and what there is to call. */
#include "idl/writer.h"

void
idl_write_head(struct idl_writer *w)
{
    idl_text_print(w->text, "/* Made by tambo rpcgen from %s.x: changes will be lost. */\n", w->base);
}

/* ---- constants -------------------------------------------------------------------------------------------- */

static bool
is_number(const struct idl_def *def)
{
    return def != NULL && def->kind == IDL_CONST && !def->is_included;
}

static size_t
constant_width(struct idl_writer *w, const struct idl_def *def)
{
    return strlen(idl_c_name(w, def->name));
}

/* Those that follow each other are aligned; each with a comment begins anew. */
static const struct idl_def *
write_constants(struct idl_writer *w, const struct idl_def *first)
{
    const struct idl_def *end = first;
    size_t width = 0;

    do {
        size_t n = constant_width(w, end);
        width = n > width ? n : width;
        end = end->next;
    } while (is_number(end) && end->comment.len == 0);
    idl_text_print(w->text, "\n");
    idl_text_comment(w->text, first->comment);
    for (const struct idl_def *def = first; def != end; def = def->next) {
        idl_text_print(w->text, "#define %-*s ", (int)width, idl_c_name(w, def->name));
        if (def->constant.text.len > 0)
            idl_text_print(w->text, "%.*s\n", IDL_VIEW(def->constant.text));
        else if (def->constant.number.value < 0 && def->constant.number.name.len == 0)
            idl_text_print(w->text, "(%s)\n", idl_c_number(w, &def->constant.number));
        else
            idl_text_print(w->text, "%s\n", idl_c_number(w, &def->constant.number));
    }
    return end;
}

/* ---- types ------------------------------------------------------------------------------------------------ */

static void
check_foreign(struct idl_writer *w, const struct idl_decl *decl)
{
    if (decl->type.kind == IDL_NAMED && decl->type.def->kind == IDL_FOREIGN)
        idl_refuse(w, &decl->place, "only C knows the type '%.*s': its fields are needed here",
                   IDL_VIEW(decl->type.def->name));
}

static void
write_fields(struct idl_writer *w, const struct idl_decl *first, const struct idl_decl *end)
{
    w->text->indent++;
    for (const struct idl_decl *field = first; field != end; field = field->next) {
        if (idl_is_void(field))
            continue;
        check_foreign(w, field);
        idl_text_comment(w->text, field->comment);
        idl_c_field(w, field, idl_c_name(w, field->name));
    }
    w->text->indent--;
}

static void
write_struct(struct idl_writer *w, const struct idl_def *def)
{
    idl_text_print(w->text, "struct %s {\n", idl_c_name(w, def->name));
    write_fields(w, def->fields, NULL);
    idl_text_print(w->text, "};\n");
}

static void
write_enum(struct idl_writer *w, const struct idl_def *def)
{
    idl_text_print(w->text, "enum %s {\n", idl_c_name(w, def->name));
    w->text->indent++;
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next) {
        const char *name = idl_c_name(w, e->name);
        idl_text_comment(w->text, e->comment);
        if (e->number.text.len > 0 || e->number.name.len > 0)
            idl_text_print(w->text, "%s = %s,\n", name, idl_c_number(w, &e->number));
        else
            idl_text_print(w->text, "%s,\n", name);
    }
    w->text->indent--;
    idl_text_print(w->text, "};\n");
}

static bool
has_arms(const struct idl_def *def)
{
    for (const struct idl_case *arm = def->choice.cases; arm != NULL; arm = arm->next)
        if (!idl_is_void(&arm->arm))
            return true;
    return def->choice.otherwise != NULL && !idl_is_void(&def->choice.otherwise->arm);
}

static void
write_union(struct idl_writer *w, const struct idl_def *def)
{
    const struct idl_decl *discriminant = &def->choice.discriminant;

    idl_text_print(w->text, "struct %s {\n", idl_c_name(w, def->name));
    write_fields(w, discriminant, discriminant->next);
    if (has_arms(def)) {
        w->text->indent++;
        idl_text_print(w->text, "union {\n");
        for (const struct idl_case *arm = def->choice.cases; arm != NULL; arm = arm->next)
            write_fields(w, &arm->arm, arm->arm.next);
        if (def->choice.otherwise != NULL)
            write_fields(w, &def->choice.otherwise->arm, def->choice.otherwise->arm.next);
        idl_text_print(w->text, "} u;\n");
        w->text->indent--;
    }
    idl_text_print(w->text, "};\n");
}

static void
write_typedef(struct idl_writer *w, const struct idl_def *def)
{
    check_foreign(w, &def->alias);
    idl_text_print(w->text, "typedef ");
    idl_c_field(w, &def->alias, idl_c_name(w, def->name));
}

/* One that nobody defines, but everybody knows from <rpc/rpc.h>, may stand in several headers. */
static void
write_type(struct idl_writer *w, const struct idl_def *def)
{
    const char *guard = def->is_builtin ? idl_text_upper(w->text, def->name) : NULL;

    idl_text_print(w->text, "\n");
    if (guard != NULL)
        idl_text_print(w->text, "#ifndef TAMBO_IDL_%s\n#define TAMBO_IDL_%s\n", guard, guard);
    idl_text_comment(w->text, def->comment);
    switch (def->kind) {
    case IDL_ENUM: write_enum(w, def); break;
    case IDL_STRUCT: write_struct(w, def); break;
    case IDL_UNION: write_union(w, def); break;
    default: write_typedef(w, def); break;
    }
    if (guard != NULL)
        idl_text_print(w->text, "#endif\n");
}

static void
write_arguments(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (call->arguments != NULL) {
        struct idl_def def = idl_arguments_def(w, call);
        idl_text_print(w->text, "\n/* The arguments of %.*s. */\n", IDL_VIEW(call->procedure->name));
        write_struct(w, &def);
    }
}

static const struct idl_def *
write_verbatim(struct idl_writer *w, const struct idl_def *def)
{
    idl_text_print(w->text, "\n");
    for (; def != NULL && def->kind == IDL_VERBATIM; def = def->next)
        if (!def->is_included)
            idl_text_print(w->text, "%.*s\n", IDL_VIEW(def->verbatim));
    return def;
}

static void
write_types(struct idl_writer *w)
{
    const struct idl_def *def = w->idl->defs;

    while (def != NULL) {
        if (def->is_included || def->kind == IDL_PROGRAM || def->kind == IDL_FOREIGN) {
            def = def->next;
        } else if (def->kind == IDL_CONST) {
            def = write_constants(w, def);
        } else if (def->kind == IDL_VERBATIM) {
            def = write_verbatim(w, def);
        } else {
            write_type(w, def);
            def = def->next;
        }
    }
    idl_each_call(w, write_arguments, NULL);
}

/* ---- functions -------------------------------------------------------------------------------------------- */

static void
write_function(struct idl_writer *w, const struct idl_def *def, bool decodes)
{
    bool is_array = def->kind == IDL_TYPEDEF && idl_is_array(&def->alias);

    idl_text_list(w->text, "int %s_%s_%s(", w->prefix, decodes ? "decode" : "encode", idl_c_name(w, def->name));
    idl_text_item(w->text, decodes ? "struct tambo_xdr_in *in" : "struct tambo_xdr_out *out");
    idl_text_item(w->text, "%s%s %s%s", decodes ? "" : "const ", idl_c_def(w, def), is_array ? "" : "*",
                  decodes ? "ret" : "value");
    idl_text_close(w->text, ");\n");
}

static void
write_arguments_functions(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (call->arguments != NULL) {
        struct idl_def def = idl_arguments_def(w, call);
        write_function(w, &def, false);
        write_function(w, &def, true);
    }
}

static bool
is_type(const struct idl_def *def)
{
    bool has_functions =
        def->kind == IDL_ENUM || def->kind == IDL_STRUCT || def->kind == IDL_UNION || def->kind == IDL_TYPEDEF;

    return has_functions && !def->is_included;
}

static void
note_arguments(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)w;
    *(bool *)arg |= call->arguments != NULL;
}

static bool
has_types(struct idl_writer *w)
{
    bool found = false;

    idl_each_call(w, note_arguments, &found);
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next)
        found |= is_type(def);
    return found;
}

static void
write_functions(struct idl_writer *w)
{
    idl_text_print(w->text, "\n/* ---- to XDR and back (tambo/xdr.h) ---- */\n\n");
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next)
        if (is_type(def)) {
            write_function(w, def, false);
            write_function(w, def, true);
        }
    idl_each_call(w, write_arguments_functions, NULL);
}

/* ---- the file --------------------------------------------------------------------------------------------- */

/* Of each file that something is defined in: once. */
static void
write_includes(struct idl_writer *w)
{
    const char *last = "";

    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        const char *slash, *name, *dot;
        if (!def->is_included || def->place.file == NULL || strcmp(def->place.file, last) == 0)
            continue;
        last = def->place.file;
        slash = strrchr(last, '/');
        name = slash == NULL ? last : slash + 1;
        dot = strrchr(name, '.');
        idl_text_print(w->text, "#include \"%.*s.h\"\n", dot == NULL ? (int)strlen(name) : (int)(dot - name), name);
    }
}

void
idl_write_header(struct idl_writer *w)
{
    const char *guard = idl_text_upper(w->text, view_str(w->prefix));
    bool has_programs = idl_has_programs(w->idl);

    idl_write_head(w);
    idl_text_print(w->text, "#ifndef %s_X_H\n#define %s_X_H\n\n#include <tambo/%s.h>\n", guard, guard,
                   has_programs ? "rpc" : "xdr");
    write_includes(w);
    idl_text_print(w->text, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    write_types(w);
    if (has_programs) {
        idl_write_client_header(w);
        idl_write_server_header(w);
    }
    if (has_types(w))
        write_functions(w);
    idl_text_print(w->text, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
