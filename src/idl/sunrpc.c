#include "idl/sunrpc.h"

#include <stdio.h>

#include "base/err.h"
#include "idl/sunrpc_c.h"

static int
refuse(const struct idl_procedure *p, const char *what, struct idl_fault *why)
{
    *why = (struct idl_fault){ .place = p->place };
    snprintf(why->text, sizeof why->text, "'%.*s' %s", IDL_VIEW(p->name), what);
    return -ERR_INVALID;
}

/* A declarator without a name has no type's name in C. */
static bool
is_shaped(const struct idl_decl *decl)
{
    return decl->shape != IDL_PLAIN;
}

static int
check_procedure(const struct idl_procedure *p, const struct idl_sunrpc_style *style, struct idl_fault *why)
{
    if (p->arg_count > 1 && !style->is_new)
        return refuse(p, "has several arguments: Sun's stubs take one, but in the new style", why);
    if (is_shaped(&p->ret))
        return refuse(p, "returns what has no name: say it with a typedef", why);
    for (const struct idl_decl *arg = p->args; arg != NULL; arg = arg->next)
        if (is_shaped(arg))
            return refuse(p, "takes what has no name: say it with a typedef", why);
    return 0;
}

/* What this language can say and Sun's cannot. */
static int
check(const struct idl *idl, const struct idl_sunrpc_style *style, struct idl_fault *why)
{
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next) {
        if (def->kind != IDL_PROGRAM || def->is_included)
            continue;
        for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next) {
            for (const struct idl_procedure *p = v->procedures; p != NULL; p = p->next) {
                int rc = check_procedure(p, style, why);
                if (rc < 0)
                    return rc;
            }
        }
    }
    return 0;
}

static bool
has_programs(const struct idl *idl)
{
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next)
        if (def->kind == IDL_PROGRAM && !def->is_included)
            return true;
    return false;
}

int
idl_sunrpc_write(const struct idl *idl, const char *base, const struct idl_sunrpc_style *style,
                 struct tambo_arena *arena, const struct idl_sink *sink, struct idl_fault *why)
{
    static const struct row {
        const char *ending;
        void (*write)(struct sun_writer *w);
        bool is_programs; /* only where there are some */
    } rows[] = {
        {".h",       sun_write_header, false},
        { "_xdr.c",  sun_write_xdr,    false},
        { "_clnt.c", sun_write_client, true },
        { "_svc.c",  sun_write_server, true },
    };
    int rc = check(idl, style, why);

    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof rows[0]; i++) {
        struct sun_writer w = { idl, style, base, idl_text_of(arena) };
        const char *name;

        if (rows[i].is_programs && !has_programs(idl))
            continue;
        name = idl_text_format(&w.text, "%s%s", base, rows[i].ending);
        rows[i].write(&w);
        rc = w.text.torn ? -ERR_NO_MEMORY : sink->file(sink->arg, name, idl_text_view(&w.text));
    }
    return rc;
}
