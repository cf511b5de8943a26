/* FILE_clnt.c: a function for each procedure, which calls it. */
#include "idl/sunrpc_c.h"

/* What clnt_call() is given for the arguments; before that, several are put into one. */
static const char *
write_args(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    unsigned at = 0;

    if (!w->style->is_new)
        return "argp";
    if (!sun_has_arg(p))
        return "NULL";
    if (!sun_has_struct(p))
        return idl_text_format(&w->text, "%s%s", sun_is_array(p->args) ? "" : "&", sun_arg_name(w, p->args, 0));
    idl_text_print(&w->text, "%s arg;\n\n", sun_arg_type(w, version, p));
    for (const struct idl_decl *arg = p->args; arg != NULL; arg = arg->next, at++) {
        const char *name = sun_arg_name(w, arg, at);
        if (sun_is_array(arg))
            idl_text_print(&w->text, "memcpy(arg.%s, %s, sizeof arg.%s);\n", name, name, name);
        else
            idl_text_print(&w->text, "arg.%s = %s;\n", name, name);
    }
    return "&arg";
}

static void
write_call(struct sun_writer *w, const char *begin, const struct idl_version *version, const struct idl_procedure *p,
           const char *args, const char *res, const char *end)
{
    struct idl_text *t = &w->text;

    idl_text_list(t, "%sclnt_call(", begin);
    idl_text_item(t, "clnt");
    idl_text_item(t, "%.*s", IDL_VIEW(p->name));
    idl_text_item(t, "(xdrproc_t)%s", sun_arg_xdr(w, version, p));
    idl_text_item(t, "(caddr_t)%s", args);
    idl_text_item(t, "(xdrproc_t)%s", sun_xdr(w, &p->ret.type));
    idl_text_item(t, "(caddr_t)%s", res);
    idl_text_item(t, "TIMEOUT%s", end);
    idl_text_close(t, "\n");
}

/* A static result, NULL for a failed call. */
static void
write_static(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    struct idl_text *t = &w->text;
    const char *type = sun_has_ret(p) ? sun_type(w, &p->ret.type) : "char";
    const char *address = sun_is_array(&p->ret) ? "clnt_res" : "&clnt_res";
    const char *args;

    idl_text_print(t, "static %s%sclnt_res;\n", type, type[0] != 0 && type[strlen(type) - 1] == '*' ? "" : " ");
    args = write_args(w, version, p);
    if (!sun_has_struct(p))
        idl_text_print(t, "\n");
    idl_text_print(t, "memset((char *)&clnt_res, 0, sizeof(clnt_res));\n");
    write_call(w, "if (", version, p, args, address, ") != RPC_SUCCESS)");
    idl_text_print(t, "    return NULL;\nreturn %s%s;\n", sun_has_ret(p) ? "" : "(void *)", address);
}

static void
write_procedure(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    struct idl_text *t = &w->text;
    const char *returns = sun_returns(w, p, false);
    size_t len = strlen(returns);

    while (len > 0 && returns[len - 1] == ' ')
        len--;
    idl_text_print(t, "\n%.*s\n%s%s\n{\n", (int)len, returns, sun_procedure(w, version, p),
                   sun_parameters(w, p, false));
    t->indent++;
    if (w->style->is_safe)
        write_call(w, "return ", version, p, write_args(w, version, p), "clnt_res", ");");
    else
        write_static(w, version, p);
    t->indent--;
    idl_text_print(t, "}\n");
}

void
sun_write_client(struct sun_writer *w)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "/* Made by tambo rpcgen --sunrpc from %s.x; changes belong there. */\n", w->base);
    idl_text_print(t, "#include <string.h>\n\n#include \"%s.h\"\n\n", w->base);
    idl_text_print(t, "/* Another one is set with clnt_control(). */\nstatic struct timeval TIMEOUT = { 25, 0 };\n");
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next) {
        if (def->kind != IDL_PROGRAM || def->is_included)
            continue;
        for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next)
            for (const struct idl_procedure *p = v->procedures; p != NULL; p = p->next)
                write_procedure(w, v, p);
    }
}
