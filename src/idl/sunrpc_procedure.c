/* Procedures: their names and prototypes in the four styles of rpcgen (-N, -M). */
#include "idl/sunrpc_c.h"

const char *
sun_procedure(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    return idl_text_format(&w->text, "%s_%lld", idl_text_lower(&w->text, p->name), (long long)version->number.value);
}

const char *
sun_dispatcher(struct sun_writer *w, const struct idl_def *program, const struct idl_version *version)
{
    return idl_text_format(&w->text, "%s_%lld", idl_text_lower(&w->text, program->name),
                           (long long)version->number.value);
}

bool
sun_has_struct(const struct idl_procedure *p)
{
    return p->arg_count > 1;
}

bool
sun_has_arg(const struct idl_procedure *p)
{
    return p->arg_count > 0;
}

bool
sun_has_ret(const struct idl_procedure *p)
{
    return p->ret.type.kind != IDL_VOID;
}

const char *
sun_arg_name(struct sun_writer *w, const struct idl_decl *arg, unsigned at)
{
    return arg->name.len > 0 ? idl_text_format(&w->text, "%.*s", IDL_VIEW(arg->name))
                             : idl_text_format(&w->text, "arg%u", at + 1);
}

const char *
sun_arg_type(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    if (sun_has_struct(p))
        return idl_text_format(&w->text, "%s_argument", sun_procedure(w, version, p));
    return sun_has_arg(p) ? sun_type(w, &p->args->type) : "void";
}

const char *
sun_arg_xdr(struct sun_writer *w, const struct idl_version *version, const struct idl_procedure *p)
{
    if (sun_has_struct(p))
        return idl_text_format(&w->text, "xdr_%s_argument", sun_procedure(w, version, p));
    return sun_has_arg(p) ? sun_xdr(w, &p->args->type) : "xdr_void";
}

const char *
sun_address_type(struct sun_writer *w, const struct idl_decl *decl)
{
    const struct idl_decl *under = sun_under(decl);
    const char *type = sun_type(w, under->shape == IDL_ARRAY ? &under->type : &decl->type);

    return idl_text_format(&w->text, "%s%s*", type, type[0] != 0 && type[strlen(type) - 1] == '*' ? "" : " ");
}

/* "long arg1, ", one after the other. */
static const char *
args_as_they_are(struct sun_writer *w, const struct idl_procedure *p)
{
    const char *all = "";
    unsigned at = 0;

    for (const struct idl_decl *arg = p->args; arg != NULL; arg = arg->next, at++) {
        const char *type = sun_type(w, &arg->type);
        const char *blank = type[0] != 0 && type[strlen(type) - 1] == '*' ? "" : " ";
        all = idl_text_format(&w->text, "%s%s%s%s, ", all, type, blank, sun_arg_name(w, arg, at));
    }
    return all;
}

static const char *
arg_by_address(struct sun_writer *w, const struct idl_procedure *p)
{
    return idl_text_format(&w->text, "%sargp, ", sun_has_arg(p) ? sun_address_type(w, p->args) : "void *");
}

const char *
sun_parameters(struct sun_writer *w, const struct idl_procedure *p, bool is_server)
{
    const char *args = w->style->is_new ? args_as_they_are(w, p) : arg_by_address(w, p);
    const char *ret = "";

    if (w->style->is_safe)
        ret = idl_text_format(&w->text, "%s%s, ", sun_address_type(w, &p->ret), is_server ? "result" : "clnt_res");
    return idl_text_format(&w->text, "(%s%s%s)", args, ret, is_server ? "struct svc_req *rqstp" : "CLIENT *clnt");
}

const char *
sun_returns(struct sun_writer *w, const struct idl_procedure *p, bool is_server)
{
    if (w->style->is_safe)
        return is_server ? "bool_t " : "enum clnt_stat ";
    return sun_address_type(w, &p->ret);
}
