/* idl/write_client.c - FILE_client.c: a function a procedure and a way of calling. */
#include "base/must.h"
#include "idl/writer.h"

/* ---- ways of calling ---------------------------------------------------------------------------------------- */

/* What stands in a way's list of parameters, in this order. */
enum { TO_CLIENT = 1, TO_CLIENTS = 2, TO_CALL = 4, ARGS = 8, RET_CALL = 16, RESULTS = 32, ANSWERS = 64 };

static const struct way {
    const char *suffix, *runtime;
    unsigned has;
} ways[] = {
    {"",        "tambo_rpc_call",      TO_CLIENT | ARGS | RESULTS },
    { "_begin", "tambo_rpc_begin",     TO_CLIENT | ARGS | RET_CALL},
    { "_end",   "tambo_rpc_end",       TO_CALL | RESULTS          },
    { "_send",  "tambo_rpc_send",      TO_CLIENT | ARGS           },
    { "_cast",  "tambo_rpc_cast",      TO_CLIENT | ARGS           },
    { "_each",  "tambo_rpc_multicast", TO_CLIENTS | ARGS | ANSWERS},
};

static bool
takes_arena(const struct idl_call *call)
{
    return idl_has_ret(call) && idl_has_pointers(&call->procedure->ret);
}

static void
write_parameters(struct idl_writer *w, const struct idl_call *call, const struct way *way)
{
    struct idl_text *text = w->text;

    if (way->has & TO_CLIENT)
        idl_text_item(text, "struct tambo_rpc_client *client");
    if (way->has & TO_CALL)
        idl_text_item(text, "struct tambo_rpc_call *call");
    if (way->has & TO_CLIENTS) {
        idl_text_item(text, "struct tambo_rpc_client *const *clients");
        idl_text_item(text, "size_t count");
        idl_text_item(text, "const struct tambo_rpc_policy *policy");
    }
    if (way->has & ARGS)
        idl_item_args(w, call);
    if (way->has & RET_CALL)
        idl_text_item(text, "struct tambo_rpc_call **ret");
    if (way->has & ANSWERS || (way->has & RESULTS && takes_arena(call)))
        idl_text_item(text, "struct tambo_arena *arena");
    if (way->has & RESULTS)
        idl_item_ret(w, call);
    if (way->has & ANSWERS)
        idl_text_item(text, "struct tambo_rpc_answer *answers");
}

/* ---- the header's part ------------------------------------------------------------------------------------ */

static void
write_prototypes(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    idl_text_print(w->text, "\n");
    idl_text_comment(w->text, call->procedure->comment);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        idl_text_list(w->text, "int %s_%s%s(", w->prefix, call->name, ways[i].suffix);
        write_parameters(w, call, &ways[i]);
        idl_text_close(w->text, ");\n");
    }
}

static void
write_client_prototype(struct idl_writer *w, const struct idl_version *version, const char *end)
{
    idl_text_list(w->text, "%s_client(", idl_version_name(w, version));
    idl_text_item(w->text, "struct tambo *context");
    idl_text_item(w->text, "const char *addresses");
    idl_text_item(w->text, "struct tambo_rpc_client **ret");
    idl_text_close(w->text, end);
}

static void
write_version_prototype(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
                        void *arg)
{
    (void)arg;
    idl_text_print(w->text, "\n");
    if (version == program->program.versions)
        idl_text_comment(w->text, program->comment);
    idl_text_comment(w->text, version->comment);
    idl_text_print(w->text, "int ");
    write_client_prototype(w, version, ");\n");
}

void
idl_write_client_header(struct idl_writer *w)
{
    idl_text_print(w->text, "\n/* ---- for clients: tambo/rpc.h tells of each way of calling ---- */\n");
    idl_each_version(w, write_version_prototype, NULL);
    idl_each_call(w, write_prototypes, NULL);
}

/* ---- a procedure ------------------------------------------------------------------------------------------ */

static void
write_procedure(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    const char *encode = idl_write_adapter(w, arg, call, false, false);
    const char *decode = idl_write_adapter(w, arg, call, true, true);
    struct idl_text *text = w->text;

    idl_text_print(text, "\nstatic const struct tambo_rpc_procedure %s_procedure = {\n", call->name);
    text->indent++;
    idl_text_print(text, ".name = \"%.*s\",\n.number = %s,\n", IDL_VIEW(call->procedure->name),
                   idl_c_number(w, &call->procedure->number));
    idl_write_members(w, call, encode, decode, true);
    text->indent--;
    idl_text_print(text, "};\n");
}

/* ---- its stubs -------------------------------------------------------------------------------------------- */

static void
write_packed(struct idl_writer *w, const struct idl_decl *arg, const char *name)
{
    const char *type = idl_c_type(w, &arg->type);

    switch (idl_pass_of(arg)) {
    case IDL_BY_VALUE: idl_text_print(w->text, "    args.%s = %s;\n", name, name); break;
    case IDL_BY_TEXT: idl_text_print(w->text, "    args.%s = (char *)%s;\n", name, name); break;
    case IDL_BY_STRUCT: idl_text_print(w->text, "    args.%s = *%s;\n", name, name); break;
    case IDL_BY_ARRAY: idl_text_print(w->text, "    memcpy(args.%s, %s, sizeof(%s));\n", name, name, type); break;
    case IDL_BY_POINTER:
        type = idl_c_type(w, &idl_under(arg)->type);
        idl_text_print(w->text, "    args.%s = (%s *)%s;\n", name, type, name);
        break;
    }
}

/* Several arguments into their struct. */
static void
write_pack(struct idl_writer *w, const struct idl_call *call)
{
    idl_text_print(w->text, "\nstatic struct %s\n", call->arguments);
    idl_text_list(w->text, "pack_%s(", call->name);
    idl_item_args(w, call);
    idl_text_close(w->text, ")\n{\n");
    idl_text_print(w->text, "    struct %s args;\n\n", call->arguments);
    for (const struct idl_decl *arg = call->procedure->args; arg != NULL; arg = arg->next)
        write_packed(w, arg, idl_arg_name(w, call->procedure, arg));
    idl_text_print(w->text, "    return args;\n}\n");
}

/* What the runtime gets as the arguments. */
static const char *
arguments_of(struct idl_writer *w, const struct idl_call *call)
{
    const struct idl_decl *arg = call->procedure->args;
    const char *name;

    if (arg == NULL)
        return "NULL";
    if (call->arguments != NULL)
        return "&args";
    name = idl_arg_name(w, call->procedure, arg);
    switch (idl_pass_of(arg)) {
    case IDL_BY_STRUCT:
    case IDL_BY_ARRAY: return name;
    default: return idl_text_format(w->text, "&%s", name);
    }
}

static void
write_call(struct idl_writer *w, const struct idl_call *call, const struct way *way)
{
    struct idl_text *text = w->text;

    text->indent++;
    idl_text_list(text, "return %s(", way->runtime);
    if (way->has & TO_CLIENT)
        idl_text_item(text, "client");
    if (way->has & TO_CALL)
        idl_text_item(text, "call");
    if (way->has & TO_CLIENTS) {
        idl_text_item(text, "clients");
        idl_text_item(text, "count");
    }
    if (way->has & ARGS) {
        idl_text_item(text, "&%s_procedure", call->name);
        idl_text_item(text, "%s", arguments_of(w, call));
    }
    if (way->has & TO_CLIENTS)
        idl_text_item(text, "policy");
    if (way->has & (RESULTS | ANSWERS))
        idl_text_item(text, way->has & ANSWERS || takes_arena(call) ? "arena" : "NULL");
    if (way->has & ANSWERS)
        idl_text_item(text, "answers");
    if (way->has & (RESULTS | RET_CALL))
        idl_text_item(text, way->has & RET_CALL || idl_has_ret(call) ? "ret" : "NULL");
    idl_text_close(text, ");\n");
    text->indent--;
}

static void
write_stub(struct idl_writer *w, const struct idl_call *call, const struct way *way)
{
    struct idl_text *text = w->text;

    idl_text_print(text, "\nint\n");
    idl_text_list(text, "%s_%s%s(", w->prefix, call->name, way->suffix);
    write_parameters(w, call, way);
    idl_text_close(text, ")\n{\n");
    if (way->has & ARGS && call->arguments != NULL) {
        text->indent++;
        idl_text_list(text, "struct %s args = pack_%s(", call->arguments, call->name);
        idl_item_arg_names(w, call);
        idl_text_close(text, ");\n\n");
        text->indent--;
    }
    write_call(w, call, way);
    idl_text_print(text, "}\n");
}

static void
write_stubs(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (call->arguments != NULL)
        write_pack(w, call);
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        write_stub(w, call, &ways[i]);
}

/* ---- the file --------------------------------------------------------------------------------------------- */

static void
write_version_client(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    (void)arg;
    idl_text_print(w->text, "\nint\n");
    write_client_prototype(w, version, ")\n{\n");
    w->text->indent++;
    idl_text_list(w->text, "return tambo_rpc_client(");
    idl_text_item(w->text, "context");
    idl_text_item(w->text, "addresses");
    idl_text_item(w->text, "%s", idl_c_number(w, &program->program.number));
    idl_text_item(w->text, "%s", idl_c_number(w, &version->number));
    idl_text_item(w->text, "ret");
    idl_text_close(w->text, ");\n");
    w->text->indent--;
    idl_text_print(w->text, "}\n");
}

void
idl_write_client(struct idl_writer *w)
{
    struct idl_adapters adapters = { .count = 0 };

    idl_write_head(w);
    idl_text_print(w->text, "#include \"%s.h\"\n", w->base);
    idl_each_call(w, write_procedure, &adapters);
    idl_each_version(w, write_version_client, NULL);
    idl_each_call(w, write_stubs, NULL);
}
