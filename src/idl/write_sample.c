/* idl/write_sample.c - FILE_client_main.c, FILE_server_main.c and FILE.mk: a pair that builds and runs, to begin with.
 */
#include "idl/writer.h"

static void
write_sample_head(struct idl_writer *w)
{
    idl_text_print(w->text,
                   "/* Made by tambo rpcgen --sample from %s.x, to be changed. */\n"
                   "#include <stdio.h>\n#include <string.h>\n\n#include \"%s.h\"\n",
                   w->base, w->base);
}

/* ---- the client ------------------------------------------------------------------------------------------- */

/* A local of an argument, empty. */
static void
write_local(struct idl_writer *w, const struct idl_decl *decl, const char *name)
{
    const char *type = idl_c_type(w, &decl->type);

    switch (idl_pass_of(decl)) {
    case IDL_BY_VALUE: idl_text_print(w->text, "    %s %s = (%s)0;\n", type, name, type); break;
    case IDL_BY_TEXT: idl_text_print(w->text, "    const char *%s = \"\";\n", name); break;
    case IDL_BY_POINTER:
        idl_text_print(w->text, "    const %s *%s = NULL;\n", idl_c_type(w, &idl_under(decl)->type), name);
        break;
    default: idl_text_print(w->text, "    %s %s;\n", type, name); break;
    }
}

static void
write_empty(struct idl_writer *w, const struct idl_decl *decl, const char *name)
{
    enum idl_pass pass = idl_pass_of(decl);

    if (pass == IDL_BY_STRUCT || pass == IDL_BY_ARRAY)
        idl_text_print(w->text, "    memset(&%s, 0, sizeof(%s));\n", name, name);
}

static void
write_ret_local(struct idl_writer *w, const struct idl_decl *ret)
{
    const char *type = idl_c_type(w, &ret->type);

    switch (idl_pass_of(ret)) {
    case IDL_BY_TEXT: idl_text_print(w->text, "    char *ret;\n"); break;
    case IDL_BY_POINTER: idl_text_print(w->text, "    %s *ret;\n", idl_c_type(w, &idl_under(ret)->type)); break;
    default: idl_text_print(w->text, "    %s ret;\n", type); break;
    }
}

static void
write_try_call(struct idl_writer *w, const struct idl_call *call, bool takes_arena)
{
    w->text->indent++;
    idl_text_list(w->text, "rc = %s_%s(", w->prefix, call->name);
    idl_text_item(w->text, "client");
    for (const struct idl_decl *arg = call->procedure->args; arg != NULL; arg = arg->next)
        idl_text_item(w->text, "%s%s", idl_pass_of(arg) == IDL_BY_STRUCT ? "&" : "",
                      idl_cast_array(w, arg, idl_arg_name(w, call->procedure, arg), false));
    if (takes_arena)
        idl_text_item(w->text, "&arena");
    if (idl_has_ret(call))
        idl_text_item(w->text, idl_pass_of(&call->procedure->ret) == IDL_BY_ARRAY ? "ret" : "&ret");
    idl_text_close(w->text, ");\n");
    w->text->indent--;
}

static void
write_try(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    const struct idl_procedure *procedure = call->procedure;
    bool takes_arena = idl_has_ret(call) && idl_has_pointers(&procedure->ret);

    (void)arg;
    idl_text_print(w->text, "\nstatic void\ntry_%s(struct tambo_rpc_client *client)\n{\n", call->name);
    for (const struct idl_decl *a = procedure->args; a != NULL; a = a->next)
        write_local(w, a, idl_arg_name(w, procedure, a));
    if (takes_arena)
        idl_text_print(w->text, "    struct tambo_arena arena = { 0 };\n");
    if (idl_has_ret(call))
        write_ret_local(w, &procedure->ret);
    idl_text_print(w->text, "    int rc;\n\n");
    for (const struct idl_decl *a = procedure->args; a != NULL; a = a->next)
        write_empty(w, a, idl_arg_name(w, procedure, a));
    write_try_call(w, call, takes_arena);
    idl_text_print(w->text, "    printf(\"%.*s: %%s\\n\", tambo_error_text(rc));\n", IDL_VIEW(procedure->name));
    if (takes_arena)
        idl_text_print(w->text, "    tambo_arena_free(&arena);\n");
    idl_text_print(w->text, "}\n");
}

static void
write_try_of(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    idl_text_print(w->text, "    try_%s(client);\n", call->name);
}

static void
write_use(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    const char *name = idl_version_name(w, version);

    (void)arg;
    idl_text_print(w->text,
                   "\nstatic int\nuse_%s(struct tambo *context, const char *address)\n{\n"
                   "    struct tambo_rpc_client *client;\n"
                   "    int rc = %s_client(context, address, &client);\n\n"
                   "    if (rc < 0)\n        return rc;\n",
                   name, name);
    idl_each_call_of(w, program, version, write_try_of, NULL);
    idl_text_print(w->text, "    tambo_rpc_client_free(client);\n    return 0;\n}\n");
}

static void
write_use_of(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    (void)program;
    (void)arg;
    idl_text_print(w->text, "    if (rc == 0)\n        rc = use_%s(context, argv[1]);\n", idl_version_name(w, version));
}

static void
write_main_begin(struct idl_writer *w)
{
    idl_text_print(w->text, "\nint\nmain(int argc, char **argv)\n{\n    struct tambo *context = NULL;\n");
}

static void
write_usage(struct idl_writer *w)
{
    idl_text_print(w->text, "    if (argc != 2) {\n"
                            "        fprintf(stderr, \"Usage: %%s ADDRESS\\n\", argv[0]);\n"
                            "        return 2;\n"
                            "    }\n");
}

static void
write_main_end(struct idl_writer *w)
{
    idl_text_print(w->text, "    if (rc < 0)\n"
                            "        fprintf(stderr, \"%%s: %%s\\n\", argv[0], tambo_error_text(rc));\n"
                            "    tambo_free(context);\n"
                            "    return rc < 0;\n"
                            "}\n");
}

void
idl_write_client_main(struct idl_writer *w)
{
    write_sample_head(w);
    idl_each_call(w, write_try, NULL);
    idl_each_version(w, write_use, NULL);
    write_main_begin(w);
    idl_text_print(w->text, "    int rc;\n\n");
    write_usage(w);
    idl_text_print(w->text, "    rc = tambo_new(&context);\n");
    idl_each_version(w, write_use_of, NULL);
    write_main_end(w);
}

/* ---- the server ------------------------------------------------------------------------------------------- */

static void
write_answer(struct idl_writer *w, const struct idl_call *call)
{
    const struct idl_decl *ret = &call->procedure->ret;
    enum idl_pass pass = idl_has_ret(call) ? idl_pass_of(ret) : IDL_BY_VALUE;

    if (pass == IDL_BY_TEXT) {
        idl_text_print(w->text, "    *ret = (char *)\"\";\n");
    } else if (pass == IDL_BY_POINTER) {
        idl_text_print(w->text, "    *ret = NULL;\n");
    } else if (idl_has_ret(call) && !idl_has_pointers(ret)) {
        idl_text_print(w->text, "    memset(ret, 0, sizeof(%s));\n", idl_c_type(w, &ret->type));
    } else if (idl_has_ret(call)) {
        idl_text_print(w->text, "    (void)ret;\n    return -TAMBO_ERR_FAILED; /* yours to fill, and to return 0 */\n");
        return;
    }
    idl_text_print(w->text, "    return 0;\n");
}

static void
write_handler(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (idl_is_null_call(call))
        return;
    idl_text_print(w->text, "\nstatic int\n");
    idl_text_list(w->text, "on_%s(", call->name);
    idl_text_item(w->text, "void *arg");
    idl_text_item(w->text, "struct tambo_rpc_request *request");
    idl_item_args(w, call);
    idl_item_ret(w, call);
    idl_text_close(w->text, ")\n{\n");
    idl_text_print(w->text, "    (void)arg;\n    (void)request;\n");
    for (const struct idl_decl *a = call->procedure->args; a != NULL; a = a->next)
        idl_text_print(w->text, "    (void)%s;\n", idl_arg_name(w, call->procedure, a));
    write_answer(w, call);
    idl_text_print(w->text, "}\n");
}

static void
write_handler_member(struct idl_writer *w, const struct idl_call *call, void *arg)
{
    (void)arg;
    if (!idl_is_null_call(call))
        idl_text_print(w->text, "    .%s = on_%s,\n", call->name, call->name);
}

static void
write_handlers(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    const char *name = idl_version_name(w, version);

    (void)arg;
    idl_text_print(w->text, "\nstatic const struct %s_handlers %s_handlers = {\n", name, name);
    idl_each_call_of(w, program, version, write_handler_member, NULL);
    idl_text_print(w->text, "};\n");
}

static void
write_serve(struct idl_writer *w, const struct idl_def *program, const struct idl_version *version, void *arg)
{
    const char *name = idl_version_name(w, version);

    (void)program;
    (void)arg;
    idl_text_print(w->text, "    if (rc == 0)\n");
    w->text->indent = 2;
    idl_text_list(w->text, "rc = tambo_rpc_serve(");
    idl_text_item(w->text, "server");
    idl_text_item(w->text, "&%s_program", name);
    idl_text_item(w->text, "&%s_handlers", name);
    idl_text_item(w->text, "NULL");
    idl_text_close(w->text, ");\n");
    w->text->indent = 0;
}

void
idl_write_server_main(struct idl_writer *w)
{
    write_sample_head(w);
    idl_each_call(w, write_handler, NULL);
    idl_each_version(w, write_handlers, NULL);
    write_main_begin(w);
    idl_text_print(w->text,
                   "    struct tambo_rpc_server *server = NULL;\n    char address[256] = \"\";\n    int rc;\n\n");
    write_usage(w);
    idl_text_print(w->text, "    rc = tambo_new(&context);\n"
                            "    if (rc == 0)\n        rc = tambo_rpc_server(context, &server);\n");
    idl_each_version(w, write_serve, NULL);
    idl_text_print(w->text, "    if (rc == 0)\n        rc = tambo_rpc_listen(server, argv[1]);\n"
                            "    if (rc == 0)\n        rc = tambo_rpc_address(server, address, sizeof(address));\n"
                            "    if (rc == 0) {\n"
                            "        printf(\"%%s\\n\", address);\n"
                            "        fflush(stdout);\n"
                            "        rc = tambo_rpc_run(server, TAMBO_FOREVER);\n"
                            "    }\n"
                            "    tambo_rpc_server_free(server);\n");
    write_main_end(w);
}

/* ---- the makefile ----------------------------------------------------------------------------------------- */

void
idl_write_makefile(struct idl_writer *w)
{
    const char *b = w->base;

    idl_text_print(w->text,
                   "# Made by tambo rpcgen --sample from %s.x, to be changed: make -f %s.mk\n"
                   "CFLAGS = -std=c17 -O2 -Wall -Wextra\n"
                   "TAMBO = $(shell pkg-config --cflags --libs tambo)\n\n"
                   "all: %s_client %s_server\n\n",
                   b, b, b, b);
    for (int i = 0; i < 2; i++) {
        const char *side = i == 0 ? "client" : "server";
        idl_text_print(w->text,
                       "%s_%s: %s_%s_main.c %s_%s.c %s_xdr.c %s.h\n"
                       "\t$(CC) $(CFLAGS) -o $@ $(filter %%.c,$^) $(TAMBO)\n\n",
                       b, side, b, side, b, side, b, b);
    }
    idl_text_print(w->text,
                   "%s.h %s_xdr.c %s_client.c %s_server.c: %s.x\n\ttambo rpcgen %s.x\n\n"
                   "clean:\n\trm -f %s_client %s_server\n\n.PHONY: all clean\n",
                   b, b, b, b, b, b, b, b);
}
