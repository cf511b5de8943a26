/* idl/write_call.c - procedures as clients and servers see them: their names, parameters, and what passes them on. */
#include "base/must.h"
#include "idl/writer.h"

/* ---- walking ---------------------------------------------------------------------------------------------- */

/* How many versions or programs have a procedure of this name; and is another program among them? */
static unsigned
count_name(struct idl_writer *w, const struct idl_def *program, struct view name, bool *retelsewhere)
{
    unsigned count = 0;

    *retelsewhere = false;
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        if (def->kind != IDL_PROGRAM || def->is_included)
            continue;
        for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next)
            for (const struct idl_procedure *p = v->procedures; p != NULL; p = p->next)
                if (view_equal(p->name, name)) {
                    count += def == program;
                    *retelsewhere |= def != program;
                }
    }
    return count;
}

struct idl_call
idl_call_of(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
            const struct idl_procedure *procedure)
{
    struct idl_call call = { .program = program, .version = version, .procedure = procedure };
    bool elsewhere;
    unsigned count = count_name(w, program, procedure->name, &elsewhere);

    call.name = idl_text_lower(w->text, procedure->name);
    if (elsewhere)
        call.name = idl_text_format(w->text, "%s_%s", idl_text_lower(w->text, program->name), call.name);
    if (count > 1)
        call.name = idl_text_format(w->text, "%s_%u", call.name, (unsigned)version->number.value);
    call.name = idl_c_name(w, view_str(call.name));
    if (procedure->arg_count > 1)
        call.arguments = idl_text_format(w->text, "%s_%s_arguments", w->prefix, call.name);
    return call;
}

void
idl_each_call_of(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
                 idl_call_fn *fn, void *arg)
{
    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next) {
        struct idl_call call = idl_call_of(w, program, version, p);
        fn(w, &call, arg);
    }
}

void
idl_each_version(struct idl_writer *w, idl_version_fn *fn, void *arg)
{
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        if (def->kind != IDL_PROGRAM || def->is_included)
            continue;
        for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next)
            fn(w, def, v, arg);
    }
}

struct each_call {
    idl_call_fn *fn;
    void *arg;
};

static void
each_call_of_version(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    const struct each_call *each = arg;

    idl_each_call_of(w, program, version, each->fn, each->arg);
}

void
idl_each_call(struct idl_writer *w, idl_call_fn *fn, void *arg)
{
    struct each_call each = { fn, arg };

    idl_each_version(w, each_call_of_version, &each);
}

bool
idl_has_ret(const struct idl_call *call)
{
    return !idl_is_void(&call->procedure->ret);
}

bool
idl_is_null_call(const struct idl_call *call)
{
    return call->procedure->number.value == 0 && call->procedure->arg_count == 0 && !idl_has_ret(call);
}

const char *
idl_version_name(struct idl_writer *w, const struct idl_version *version)
{
    return idl_text_format(w->text, "%s_%s", w->prefix, idl_text_lower(w->text, version->name));
}

/* ---- parameters ------------------------------------------------------------------------------------------- */

enum idl_pass
idl_pass_of(const struct idl_decl *decl)
{
    const struct idl_decl *under = idl_under(decl);

    if (under->shape == IDL_POINTER)
        return IDL_BY_POINTER;
    if (under->shape == IDL_ARRAY)
        return IDL_BY_ARRAY;
    if (under->shape == IDL_VECTOR)
        return IDL_BY_STRUCT;
    if (under->type.kind == IDL_STRING)
        return IDL_BY_TEXT;
    if (under->type.kind == IDL_NAMED && under->type.def->kind != IDL_ENUM)
        return IDL_BY_STRUCT;
    return IDL_BY_VALUE;
}

/* A shape of several words has no type that a parameter could have. */
static void
check_shape(struct idl_writer *w, const struct idl_decl *decl)
{
    if (decl->shape == IDL_ARRAY || decl->shape == IDL_VECTOR)
        idl_refuse(w, &decl->place, "an argument or a result that is an array needs a typedef");
    if (decl->type.kind == IDL_NAMED && decl->type.def->kind == IDL_FOREIGN)
        idl_refuse(w, &decl->place, "only C knows the type '%.*s': its fields are needed here",
                   IDL_VIEW(decl->type.def->name));
}

/* Names that the stubs' own parameters have. */
static const char *const reserved[] = {
    "client", "clients", "count",   "policy", "arena", "answers",  "ret",
    "rc",     "call",    "request", "arg",    "args",  "handlers",
};

const char *
idl_arg_name(struct idl_writer *w, const struct idl_procedure *procedure, const struct idl_decl *arg)
{
    unsigned at = 1;

    if (arg->name.len == 0) {
        for (const struct idl_decl *a = procedure->args; a != arg && a != NULL; a = a->next)
            at++;
        return procedure->arg_count == 1 ? "value" : idl_text_format(w->text, "value%u", at);
    }
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (view_is(arg->name, reserved[i]))
            return idl_text_format(w->text, "%.*s_", IDL_VIEW(arg->name));
    return idl_c_name(w, arg->name);
}

void
idl_item_in(struct idl_writer *w, const struct idl_decl *decl, const char *name)
{
    const char *type = idl_c_type(w, &decl->type);

    check_shape(w, decl);
    switch (idl_pass_of(decl)) {
    case IDL_BY_VALUE: idl_text_item(w->text, "%s %s", type, name); break;
    case IDL_BY_TEXT: idl_text_item(w->text, "const char *%s", name); break;
    case IDL_BY_STRUCT: idl_text_item(w->text, "const %s *%s", type, name); break;
    case IDL_BY_ARRAY: idl_text_item(w->text, "const %s %s", type, name); break;
    case IDL_BY_POINTER: idl_text_item(w->text, "const %s *%s", idl_c_type(w, &idl_under(decl)->type), name); break;
    }
}

void
idl_item_args(struct idl_writer *w, const struct idl_call *call)
{
    for (const struct idl_decl *arg = call->procedure->args; arg != NULL; arg = arg->next)
        idl_item_in(w, arg, idl_arg_name(w, call->procedure, arg));
}

void
idl_item_arg_names(struct idl_writer *w, const struct idl_call *call)
{
    for (const struct idl_decl *arg = call->procedure->args; arg != NULL; arg = arg->next)
        idl_text_item(w->text, "%s", idl_arg_name(w, call->procedure, arg));
}

void
idl_item_ret(struct idl_writer *w, const struct idl_call *call)
{
    const struct idl_decl *ret = &call->procedure->ret;
    const char *type = idl_c_type(w, &ret->type);

    if (!idl_has_ret(call))
        return;
    check_shape(w, ret);
    switch (idl_pass_of(ret)) {
    case IDL_BY_TEXT: idl_text_item(w->text, "char **ret"); break;
    case IDL_BY_ARRAY: idl_text_item(w->text, "%s ret", type); break;
    case IDL_BY_POINTER: idl_text_item(w->text, "%s **ret", idl_c_type(w, &idl_under(ret)->type)); break;
    default: idl_text_item(w->text, "%s *ret", type); break;
    }
}

/* ---- several arguments ------------------------------------------------------------------------------------ */

struct idl_def
idl_arguments_def(struct idl_writer *w, const struct idl_call *call)
{
    struct idl_def def = { .kind = IDL_STRUCT, .place = call->procedure->place };
    struct idl_decl *fields = tambo_arena_take(w->arena, call->procedure->arg_count * sizeof(*fields));
    unsigned n = 0;

    if (fields == NULL) {
        w->text->torn = true;
        return def;
    }
    for (const struct idl_decl *arg = call->procedure->args; arg != NULL; arg = arg->next, n++) {
        fields[n] = *arg;
        fields[n].name = view_str(idl_arg_name(w, call->procedure, arg));
        fields[n].comment = view_of(NULL, 0);
        fields[n].next = arg->next == NULL ? NULL : &fields[n + 1];
    }
    def.name = view_str(call->arguments);
    def.fields = fields;
    return def;
}

/* ---- adapters --------------------------------------------------------------------------------------------- */

/* "int32", "text_255", "point": what tells the types apart that are passed on alike. */
static const char *
adapter_noun(struct idl_writer *w, const struct idl_decl *decl)
{
    const struct idl_type *type = &decl->type;
    const char *noun;

    switch (type->kind) {
    case IDL_STRING:
        noun = decl->is_bounded ? idl_text_format(w->text, "text_%s", idl_c_number(w, &decl->bound)) : "text";
        break;
    case IDL_INT: noun = idl_text_format(w->text, "%sint%u", type->is_unsigned ? "u" : "", type->bits); break;
    case IDL_HYPER: noun = type->is_unsigned ? "uint64" : "int64"; break;
    case IDL_NAMED: noun = idl_c_name(w, type->def->name); break;
    default: noun = idl_c_type(w, type); break;
    }
    return decl->shape == IDL_POINTER ? idl_text_format(w->text, "%s_pointer", noun) : noun;
}

const char *
idl_cast_array(struct idl_writer *w, const struct idl_decl *decl, const char *expr, bool is_changed)
{
    struct idl_decl element = idl_element(idl_under(decl));

    if (is_changed || !idl_is_array(decl) || !idl_is_array(&element))
        return expr;
    return idl_text_format(w->text, "(const %s *)%s", idl_c_type(w, &element.type), expr);
}

/* The body for a type without a name: the value stands behind a pointer of its type. */
static void
write_adapter_body(struct idl_writer *w, const struct idl_decl *decl, bool decodes)
{
    struct idl_text text = idl_text_of(w->arena);
    struct idl_body b = idl_body_of(w, &text, decodes);
    const char *type = idl_c_type(w, &decl->type), *stars = decl->shape == IDL_POINTER ? " **" : " *";
    const char *name = decodes ? "value" : "at";

    if (decl->type.kind == IDL_STRING)
        stars = "*";
    text.indent = 1;
    if (decodes)
        idl_text_print(w->text, "    %s%svalue = ret;\n", type, stars);
    else if (strcmp(stars, " *") == 0)
        idl_text_print(w->text, "    const %s *at = value;\n", type);
    else
        idl_text_print(w->text, "    %s%sconst *at = value;\n", type, decl->type.kind == IDL_STRING ? "" : " *");
    idl_write_return(&b, decl, idl_text_format(w->text, "*%s", name));
    idl_write_body(w, &b);
}

static void
write_adapter(struct idl_writer *w, const char *name, const char *function, const struct idl_decl *decl, bool decodes)
{
    const char *stream = decodes ? "in" : "out", *value = decodes ? "ret" : "value";

    idl_text_print(w->text, "\nstatic int\n%s(struct tambo_xdr_%s *%s, %svoid *%s)\n{\n", name, stream, stream,
                   decodes ? "" : "const ", value);
    if (function != NULL)
        idl_text_print(w->text, "    return %s(%s, %s);\n", function, stream, idl_cast_array(w, decl, value, decodes));
    else
        write_adapter_body(w, decl, decodes);
    idl_text_print(w->text, "}\n");
}

static bool
is_there(struct idl_writer *w, struct idl_adapters *adapters, const char *name)
{
    for (unsigned i = 0; i < adapters->count; i++)
        if (strcmp(adapters->names[i], name) == 0)
            return true;
    if (adapters->count == COUNT_OF(adapters->names))
        w->text->torn = true;
    else
        adapters->names[adapters->count++] = name;
    return false;
}

const char *
idl_write_adapter(struct idl_writer *w, struct idl_adapters *adapters, const struct idl_call *call, bool is_ret,
                  bool decodes)
{
    const struct idl_decl *decl = is_ret ? &call->procedure->ret : call->procedure->args;
    const char *verb = decodes ? "decode" : "encode", *name, *function = NULL;

    if (is_ret ? !idl_has_ret(call) : decl == NULL)
        return "NULL";
    if (!is_ret && call->arguments != NULL) {
        name = idl_text_format(w->text, "%s_%s", verb, call->arguments);
        function = idl_text_format(w->text, "%s_%s_%s", w->prefix, verb, call->arguments);
    } else {
        name = idl_text_format(w->text, "%s_%s", verb, adapter_noun(w, decl));
        if (decl->type.kind == IDL_NAMED && decl->shape == IDL_PLAIN)
            function = idl_text_format(w->text, "%s_%s_%s", idl_c_prefix(w, decl->type.def), verb,
                                       idl_c_name(w, decl->type.def->name));
    }
    if (!is_there(w, adapters, name))
        write_adapter(w, name, function, decl, decodes);
    return name;
}

/* "sizeof(struct point)". */
static const char *
size_of(struct idl_writer *w, const struct idl_call *call, bool is_ret)
{
    const struct idl_decl *decl = is_ret ? &call->procedure->ret : call->procedure->args;
    const char *type;

    if (is_ret ? !idl_has_ret(call) : decl == NULL)
        return NULL;
    if (!is_ret && call->arguments != NULL)
        return idl_text_format(w->text, "sizeof(struct %s)", call->arguments);
    type = idl_c_type(w, &decl->type);
    if (decl->shape == IDL_POINTER)
        return idl_text_format(w->text, "sizeof(%s *)", type);
    return idl_text_format(w->text, "sizeof(%s)", type);
}

void
idl_write_members(struct idl_writer *w, const struct idl_call *call, const char *args, const char *ret, bool is_client)
{
    const char *size = size_of(w, call, false);

    if (size != NULL)
        idl_text_print(w->text, ".%s_args = %s,\n.args_size = %s,\n", is_client ? "encode" : "decode", args, size);
    size = size_of(w, call, true);
    if (size != NULL)
        idl_text_print(w->text, ".%s_ret = %s,\n.ret_size = %s,\n", is_client ? "decode" : "encode", ret, size);
}
