/* FILE_svc.c: a dispatch function for each version, and main().
 *
 * Each procedure has a wrapper of one type, _bin_date_1(), so that the dispatch function can call them all alike. */
#include "idl/sunrpc_c.h"

/* What bin_date_1_svc() is given for its arguments, that lie at argp. */
static const char *
args_at(struct sun_writer *w, const struct idl_procedure *p, const char *type)
{
    const char *all = "";
    unsigned at = 0;

    if (!w->style->is_new)
        return "argp, ";
    if (sun_has_struct(p)) {
        for (const struct idl_decl *arg = p->args; arg != NULL; arg = arg->next, at++)
            all = idl_text_format(&w->text, "%s((%s *)argp)->%s, ", all, type, sun_arg_name(w, arg, at));
        return all;
    }
    return sun_has_arg(p) ? idl_text_format(&w->text, "*(%s *)argp, ", type) : "";
}

static void
write_wrapper(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    struct idl_text *t = &w->text;
    const char *name = sun_procedure(w, version, p), *args = args_at(w, p, sun_arg_type(w, version, p));
    bool is_used = !w->style->is_new || sun_has_arg(p);

    if (w->style->is_safe)
        idl_text_print(t, "\nstatic bool_t\n_%s(void *argp, void *result, struct svc_req *rqstp)\n{\n", name);
    else
        idl_text_print(t, "\nstatic void *\n_%s(void *argp, struct svc_req *rqstp)\n{\n", name);
    t->indent++;
    if (!is_used)
        idl_text_print(t, "(void)argp;\n");
    if (w->style->is_safe)
        idl_text_print(t, "return %s_svc(%sresult, rqstp);\n", name, args);
    else
        idl_text_print(t, "return %s_svc(%srqstp);\n", name, args);
    t->indent--;
    idl_text_print(t, "}\n");
}

/* A union with room for any of them. */
static void
write_room(struct sun_writer *w, const struct idl_version *version, bool is_result)
{
    struct idl_text *t = &w->text;
    bool is_any = false;

    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next) {
        const char *type, *blank;
        if (is_result ? !sun_has_ret(p) : !sun_has_arg(p))
            continue;
        if (!is_any)
            idl_text_print(t, "union {\n");
        is_any = true;
        type = is_result ? sun_type(w, &p->ret.type) : sun_arg_type(w, version, p);
        blank = type[0] != 0 && type[strlen(type) - 1] == '*' ? "" : " ";
        idl_text_print(t, "    %s%s%s_%s;\n", type, blank, sun_procedure(w, version, p), is_result ? "res" : "arg");
    }
    if (is_any)
        idl_text_print(t, "} %s;\n", is_result ? "result" : "argument");
    else
        idl_text_print(t, "int %s;\n", is_result ? "result" : "argument"); /* they are all void */
}

static void
write_locals(struct sun_writer *w, const struct idl_version *version)
{
    struct idl_text *t = &w->text;

    write_room(w, version, false);
    if (w->style->is_safe) {
        write_room(w, version, true);
        idl_text_print(t, "bool_t (*local)(void *, void *, struct svc_req *);\nbool_t done;\n");
    } else {
        idl_text_print(t, "void *(*local)(void *, struct svc_req *);\nvoid *result;\n");
    }
    idl_text_print(t, "xdrproc_t xdr_argument, xdr_result;\n\n");
}

/* Some interfaces say themselves that procedure 0 does nothing. */
static bool
has_null(const struct idl_version *version)
{
    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next)
        if (p->number.value == 0)
            return true;
    return false;
}

static void
write_cases(struct sun_writer *w, const struct idl_version *version)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "switch (rqstp->rq_proc) {\n");
    if (!has_null(version))
        idl_text_print(t, "case NULLPROC:\n"
                          "    svc_sendreply(transp, (xdrproc_t)xdr_void, NULL);\n"
                          "    return;\n");
    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next) {
        idl_text_print(t, "case %.*s:\n", IDL_VIEW(p->name));
        idl_text_print(t, "    xdr_argument = (xdrproc_t)%s;\n", sun_arg_xdr(w, version, p));
        idl_text_print(t, "    xdr_result = (xdrproc_t)%s;\n", sun_xdr(w, &p->ret.type));
        idl_text_print(t, "    local = _%s;\n    break;\n", sun_procedure(w, version, p));
    }
    idl_text_print(t, "default:\n    svcerr_noproc(transp);\n    return;\n}\n");
}

static void
write_body(struct sun_writer *w, const char *dispatcher)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "memset((char *)&argument, 0, sizeof argument);\n"
                      "if (!svc_getargs(transp, xdr_argument, (caddr_t)&argument)) {\n"
                      "    svcerr_decode(transp);\n"
                      "    svc_freeargs(transp, xdr_argument, (caddr_t)&argument);\n"
                      "    return;\n"
                      "}\n");
    if (w->style->is_safe)
        idl_text_print(t, "memset((char *)&result, 0, sizeof result);\n"
                          "done = local(&argument, &result, rqstp);\n"
                          "if (done && !svc_sendreply(transp, xdr_result, (caddr_t)&result))\n"
                          "    svcerr_systemerr(transp);\n");
    else
        idl_text_print(t, "result = local(&argument, rqstp);\n"
                          "if (result != NULL && !svc_sendreply(transp, xdr_result, result))\n"
                          "    svcerr_systemerr(transp);\n");
    idl_text_print(t, "if (!svc_freeargs(transp, xdr_argument, (caddr_t)&argument)) {\n"
                      "    fprintf(stderr, \"unable to free arguments\");\n"
                      "    exit(1);\n"
                      "}\n");
    if (w->style->is_safe)
        idl_text_print(t,
                       "if (!%s_freeresult(transp, xdr_result, (caddr_t)&result))\n"
                       "    fprintf(stderr, \"unable to free results\");\n",
                       dispatcher);
}

static void
write_version(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version)
{
    const char *name = sun_dispatcher(w, program, version);

    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next)
        write_wrapper(w, version, p);
    idl_text_print(&w->text, "\n%svoid\n%s(struct svc_req *rqstp, SVCXPRT *transp)\n{\n",
                   w->style->is_mainless ? "" : "static ", name);
    w->text.indent++;
    write_locals(w, version);
    write_cases(w, version);
    write_body(w, name);
    w->text.indent--;
    idl_text_print(&w->text, "}\n");
}

typedef void version_fn(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version);

static void
each_version(struct sun_writer *w, version_fn *fn)
{
    for (const struct idl_def *def = w->idl->defs; def != NULL; def = def->next)
        if (def->kind == IDL_PROGRAM && !def->is_included)
            for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next)
                fn(w, def, v);
}

static void
write_unset(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version)
{
    idl_text_print(&w->text, "pmap_unset(%.*s, %.*s);\n", IDL_VIEW(program->name), IDL_VIEW(version->name));
}

static void
write_serve(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version, const char *upper,
            const char *lower)
{
    idl_text_print(&w->text, "serve(transp, %.*s, %.*s, %s, IPPROTO_%s, \"%.*s, %.*s, %s\");\n",
                   IDL_VIEW(program->name), IDL_VIEW(version->name), sun_dispatcher(w, program, version), upper,
                   IDL_VIEW(program->name), IDL_VIEW(version->name), lower);
}

static void
write_udp(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version)
{
    write_serve(w, program, version, "UDP", "udp");
}

static void
write_tcp(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version)
{
    write_serve(w, program, version, "TCP", "tcp");
}

static void
write_transport(struct sun_writer *w, const char *create, const char *name, version_fn *serve)
{
    idl_text_print(&w->text, "\ntransp = %s;\nif (transp == NULL)\n    give_up(\"cannot create %s service.\");\n",
                   create, name);
    each_version(w, serve);
}

static void
write_main(struct sun_writer *w)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "\nstatic void\ngive_up(const char *why)\n{\n"
                      "    fprintf(stderr, \"%%s\\n\", why);\n    exit(1);\n}\n"
                      "\nstatic void\nserve(SVCXPRT *transp, u_long program, u_long version, "
                      "void (*dispatch)(struct svc_req *, SVCXPRT *),\n      int protocol, const char *what)\n{\n"
                      "    if (svc_register(transp, program, version, dispatch, protocol))\n        return;\n"
                      "    fprintf(stderr, \"unable to register (%%s).\\n\", what);\n    exit(1);\n}\n"
                      "\nint\nmain(void)\n{\n    SVCXPRT *transp;\n\n");
    t->indent++;
    each_version(w, write_unset);
    write_transport(w, "svcudp_create(RPC_ANYSOCK)", "udp", write_udp);
    write_transport(w, "svctcp_create(RPC_ANYSOCK, 0, 0)", "tcp", write_tcp);
    idl_text_print(t, "\nsvc_run();\ngive_up(\"svc_run returned\");\nreturn 1;\n");
    t->indent--;
    idl_text_print(t, "}\n");
}

void
sun_write_server(struct sun_writer *w)
{
    struct idl_text *t = &w->text;

    idl_text_print(t, "/* Made by tambo rpcgen --sunrpc from %s.x; changes belong there. */\n", w->base);
    idl_text_print(t,
                   "#include <rpc/pmap_clnt.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n"
                   "#include \"%s.h\"\n",
                   w->base);
    each_version(w, write_version);
    if (!w->style->is_mainless)
        write_main(w);
}
