/* idl/write_server.c - FILE_server.c: the table of procedures, from which a server calls its handlers. */
#include "idl/writer.h"

/* ---- the header's part ------------------------------------------------------------------------------------ */

static void
write_handler_type(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (idl_is_null_call(call))
        return;
    idl_text_comment(w->text, call->procedure->comment);
    idl_text_list(w->text, "int (*%s)(", call->name);
    idl_text_item(w->text, "void *arg");
    idl_text_item(w->text, "struct tambo_rpc_request *request");
    idl_item_args(w, call);
    idl_item_ret(w, call);
    idl_text_close(w->text, ");\n");
}

static void
write_handlers_type(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    const char *name = idl_version_name(w, version);

    (void)arg;
    idl_text_print(w->text, "\n");
    idl_text_comment(w->text, version->comment);
    idl_text_print(w->text, "struct %s_handlers {\n", name);
    w->text->indent++;
    idl_each_call_of(w, program, version, write_handler_type, NULL);
    w->text->indent--;
    idl_text_print(w->text, "};\nextern const struct tambo_rpc_program %s_program;\n", name);
}

/* A reply that comes later. */
static void
begin_reply(struct idl_writer *w, const struct idl_call *call, const char *end)
{
    idl_text_list(w->text, "%s_%s_reply(", w->prefix, call->name);
    idl_text_item(w->text, "struct tambo_rpc_request *request");
    if (idl_has_ret(call))
        idl_item_in(w, &call->procedure->ret, "ret");
    idl_text_close(w->text, end);
}

static void
write_reply_prototype(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (idl_is_null_call(call))
        return;
    idl_text_print(w->text, "int ");
    begin_reply(w, call, ");\n");
}

void
idl_write_server_header(struct idl_writer *w)
{
    idl_text_print(w->text, "\n/* ---- for servers: tambo_rpc_serve(server, &..._program, &handlers, arg) ---- */\n");
    idl_each_version(w, write_handlers_type, NULL);
    idl_text_print(w->text, "\n/* What a handler that returned TAMBO_RPC_LATER answers with. */\n");
    idl_each_call(w, write_reply_prototype, NULL);
}

/* ---- handlers --------------------------------------------------------------------------------------------- */

/* The arguments as parameters: out of their struct, or the only one out of its pointer. */
static void
write_unpacked(struct idl_writer *w, const struct idl_call *call)
{
    for (const struct idl_decl *arg = call->procedure->args; arg != NULL; arg = arg->next) {
        const char *name = idl_arg_name(w, call->procedure, arg);
        enum idl_pass pass = idl_pass_of(arg);
        if (call->arguments != NULL)
            idl_text_item(w->text, "%sa->%s", pass == IDL_BY_STRUCT ? "&" : "", name);
        else if (pass == IDL_BY_ARRAY)
            idl_text_item(w->text, "%s", idl_cast_array(w, arg, "args", false));
        else
            idl_text_item(w->text, pass == IDL_BY_STRUCT ? "args" : "*a");
    }
}

/* A pointer to what the arguments are, where they are not passed as they come. */
static void
write_args_local(struct idl_writer *w, const struct idl_call *call)
{
    const struct idl_decl *arg = call->procedure->args;

    if (call->arguments != NULL) {
        idl_text_print(w->text, "    const struct %s *a = args;\n", call->arguments);
        return;
    }
    switch (arg == NULL ? IDL_BY_STRUCT : idl_pass_of(arg)) {
    case IDL_BY_VALUE: idl_text_print(w->text, "    const %s *a = args;\n", idl_c_type(w, &arg->type)); break;
    case IDL_BY_TEXT: idl_text_print(w->text, "    char *const *a = args;\n"); break;
    case IDL_BY_POINTER:
        idl_text_print(w->text, "    %s *const *a = args;\n", idl_c_type(w, &idl_under(arg)->type));
        break;
    default: break;
    }
}

static void
write_handle(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    const char *handlers = idl_version_name(w, call->version);

    (void)arg;
    if (idl_is_null_call(call))
        return;
    idl_text_print(w->text, "\nstatic int\n");
    idl_text_list(w->text, "handle_%s(", call->name);
    idl_text_item(w->text, "const void *handlers");
    idl_text_item(w->text, "void *arg");
    idl_text_item(w->text, "struct tambo_rpc_request *request");
    idl_text_item(w->text, "const void *args");
    idl_text_item(w->text, "void *ret");
    idl_text_close(w->text, ")\n{\n");
    idl_text_print(w->text, "    const struct %s_handlers *h = handlers;\n", handlers);
    write_args_local(w, call);
    idl_text_print(w->text, "\n");
    if (call->procedure->args == NULL)
        idl_text_print(w->text, "    (void)args;\n");
    if (!idl_has_ret(call))
        idl_text_print(w->text, "    (void)ret;\n");
    idl_text_print(w->text, "    if (h->%s == NULL)\n        return -TAMBO_ERR_PROCEDURE;\n", call->name);
    w->text->indent++;
    idl_text_list(w->text, "return h->%s(", call->name);
    idl_text_item(w->text, "arg");
    idl_text_item(w->text, "request");
    write_unpacked(w, call);
    if (idl_has_ret(call))
        idl_text_item(w->text, "ret");
    idl_text_close(w->text, ");\n");
    w->text->indent--;
    idl_text_print(w->text, "}\n");
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static void
write_adapters(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    if (idl_is_null_call(call))
        return;
    idl_write_adapter(w, arg, call, false, true);
    idl_write_adapter(w, arg, call, true, false);
}

static void
write_row(struct idl_writer *w, const struct idl_call *call, struct idl_adapters *adapters)
{
    const char *decode = idl_write_adapter(w, adapters, call, false, true);
    const char *encode = idl_write_adapter(w, adapters, call, true, false);

    idl_text_print(w->text, "    {\n");
    w->text->indent += 2;
    idl_text_print(w->text, ".name = \"%.*s\",\n.number = %s,\n", IDL_VIEW(call->procedure->name),
                   idl_c_number(w, &call->procedure->number));
    idl_write_members(w, call, decode, encode, false);
    idl_text_print(w->text, ".handle = handle_%s,\n", call->name);
    w->text->indent -= 2;
    idl_text_print(w->text, "    },\n");
}

/* By rising number, which need not be the source's order. */
static unsigned
write_rows(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version,
           struct idl_adapters *adapters)
{
    int64_t last = -1;
    unsigned count = 0;

    for (;;) {
        const struct idl_procedure *next = NULL;
        struct idl_call call;
        for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next)
            if (p->number.value > last && (next == NULL || p->number.value < next->number.value))
                next = p;
        if (next == NULL)
            return count;
        last = next->number.value;
        call = idl_call_of(w, program, version, next);
        if (idl_is_null_call(&call))
            continue;
        write_row(w, &call, adapters);
        count++;
    }
}

static void
write_table(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *adapters)
{
    const char *name = idl_version_name(w, version);
    unsigned count;

    idl_text_print(w->text, "\n/* clang-format off */\nstatic const struct tambo_rpc_procedure %s_procedures[] = {\n",
                   name);
    count = write_rows(w, program, version, adapters);
    if (count == 0)
        idl_text_print(w->text, "    { .name = NULL },\n");
    idl_text_print(w->text, "};\n/* clang-format on */\n\nconst struct tambo_rpc_program %s_program = {\n", name);
    w->text->indent++;
    idl_text_print(w->text, ".name = \"%.*s\",\n.program = %s,\n.version = %s,\n", IDL_VIEW(program->name),
                   idl_c_number(w, &program->program.number), idl_c_number(w, &version->number));
    idl_text_print(w->text, ".procedures = %s_procedures,\n.count = %u,\n.idl = interface,\n", name, count);
    w->text->indent--;
    idl_text_print(w->text, "};\n");
}

/* ---- replies ---------------------------------------------------------------------------------------------- */

static void
write_reply(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    const char *ret = "NULL";

    (void)arg;
    if (idl_is_null_call(call))
        return;
    if (idl_has_ret(call)) {
        enum idl_pass pass = idl_pass_of(&call->procedure->ret);
        ret = pass == IDL_BY_STRUCT || pass == IDL_BY_ARRAY ? "ret" : "&ret";
    }
    idl_text_print(w->text, "\nint\n");
    begin_reply(w, call, ")\n{\n");
    idl_text_print(w->text, "    return tambo_rpc_reply(request, %s);\n}\n", ret);
}

/* ---- the interface's text --------------------------------------------------------------------------------- */

enum { INTERFACE_INDENT = 8 }; /* what stands before the first string of it: "static const char interface[] = " */

static void
write_string_line(struct idl_text *text, struct view line)
{
    idl_text_print(text, "\"");
    for (size_t i = 0; i < line.len; i++) {
        char c = (char)line.data[i];
        if (text->column > IDL_TEXT_COLUMN_MAX - 8)
            idl_text_print(text, "\"\n\"");
        if (c == '"' || c == '\\')
            idl_text_print(text, "\\%c", c);
        else if (c == '?' && i > 0 && line.data[i - 1] == '?')
            idl_text_print(text, "\\?"); /* no trigraphs */
        else if (c >= ' ' && c < 127)
            idl_text_print(text, "%c", c);
        else
            idl_text_print(text, "\\%03o", (unsigned char)c);
    }
    idl_text_print(text, "\\n\"");
}

/* Whoever asks the server gets the text that this was made of. */
static void
write_interface(struct idl_writer *w)
{
    struct view left = w->idl->text;
    bool is_long = left.len > 4000; /* C promises no more than 4095 */

    idl_text_print(w->text, "\n/* What the server tells of itself. */\n");
    if (is_long)
        idl_text_print(w->text, "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n");
    idl_text_print(w->text, "static const char interface[] = ");
    w->text->indent = INTERFACE_INDENT;
    while (left.len > 0) {
        const uint8_t *end = memchr(left.data, '\n', left.len);
        size_t n = end == NULL ? left.len : (size_t)(end - left.data);
        write_string_line(w->text, view_of(left.data, n));
        left = view_from(left, end == NULL ? n : n + 1);
        idl_text_print(w->text, left.len > 0 ? "\n" : "");
    }
    w->text->indent = 0;
    idl_text_print(w->text, ";\n");
}

/* ---- the file --------------------------------------------------------------------------------------------- */

void
idl_write_server(struct idl_writer *w)
{
    struct idl_adapters adapters = { .count = 0 };

    idl_write_head(w);
    idl_text_print(w->text, "#include \"%s.h\"\n", w->base);
    write_interface(w);
    idl_each_call(w, write_adapters, &adapters);
    idl_each_call(w, write_handle, NULL);
    idl_each_version(w, write_table, &adapters);
    idl_each_call(w, write_reply, NULL);
}
