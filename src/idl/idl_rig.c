#include "idl/idl_rig.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"

void
idl_rig_read(struct idl_rig *rig, const char *text)
{
    *rig = (struct idl_rig){ .rc = 0 };
    rig->rc = idl_parse(view_str(text), "f.x", &rig->arena, &rig->idl, &rig->why);
}

void
idl_rig_fini(struct idl_rig *rig)
{
    tambo_arena_free(&rig->arena);
}

struct idl_def *
idl_rig_def(const struct idl_rig *rig, const char *name)
{
    struct idl_def *def = idl_find(&rig->idl, view_str(name));
    must(def != NULL);
    return def;
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

static void
put(struct pen *p, const char *text)
{
    put_bytes(p, view_str(text));
}

static void
put_number(struct pen *p, const struct idl_number *number)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%" PRId64, number->value);
    if (number->name.len > 0)
        put_bytes(p, number->name);
    else
        put(p, digits);
}

static const char *
integer_name(const struct idl_type *type)
{
    if (type->is_long)
        return "long";
    switch (type->bits) {
    case 8: return "char";
    case 16: return "short";
    case 32: return "int";
    default: return "hyper";
    }
}

static void
put_type(struct pen *p, const struct idl_type *type)
{
    static const char *const words[] = {
        [IDL_VOID] = "void",     [IDL_BOOL] = "bool",     [IDL_FLOAT] = "float",
        [IDL_DOUBLE] = "double", [IDL_STRING] = "string", [IDL_OPAQUE] = "opaque",
    };
    if (type->kind == IDL_NAMED) {
        put_bytes(p, type->def->name);
    } else if (type->kind == IDL_INT || type->kind == IDL_HYPER) {
        put(p, type->is_unsigned ? "unsigned " : "");
        put(p, integer_name(type));
    } else {
        put(p, words[type->kind]);
    }
}

static void
put_decl(struct pen *p, const struct idl_decl *decl)
{
    bool has_angles = decl->shape == IDL_VECTOR || decl->type.kind == IDL_STRING;
    put_type(p, &decl->type);
    put(p, decl->shape == IDL_POINTER ? " *" : decl->name.len > 0 ? " " : "");
    put_bytes(p, decl->name);
    if (decl->shape == IDL_ARRAY || has_angles)
        put(p, decl->shape == IDL_ARRAY ? "[" : "<");
    if (decl->shape == IDL_ARRAY || decl->is_bounded)
        put_number(p, &decl->bound);
    if (decl->shape == IDL_ARRAY || has_angles)
        put(p, decl->shape == IDL_ARRAY ? "]" : ">");
}

static void
put_enum(struct pen *p, const struct idl_def *def)
{
    put(p, " {");
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next) {
        put(p, " ");
        put_bytes(p, e->name);
        put(p, " = ");
        put_number(p, &e->number);
        put(p, e->next == NULL ? " }" : ",");
    }
}

static void
put_struct(struct pen *p, const struct idl_def *def)
{
    put(p, " { ");
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next) {
        put_decl(p, field);
        put(p, "; ");
    }
    put(p, "}");
}

static void
put_case(struct pen *p, const struct idl_case *c)
{
    for (unsigned i = 0; i < c->label_count; i++) {
        put(p, "case ");
        put_number(p, &c->labels[i]);
        put(p, ": ");
    }
    put(p, c->label_count == 0 ? "default: " : "");
    put_decl(p, &c->arm);
    put(p, "; ");
}

static void
put_union(struct pen *p, const struct idl_def *def)
{
    put(p, " switch (");
    put_decl(p, &def->choice.discriminant);
    put(p, ") { ");
    for (const struct idl_case *c = def->choice.cases; c != NULL; c = c->next)
        put_case(p, c);
    if (def->choice.otherwise != NULL)
        put_case(p, def->choice.otherwise);
    put(p, "}");
}

static void
put_procedure(struct pen *p, const struct idl_procedure *procedure)
{
    put_type(p, &procedure->ret.type);
    put(p, " ");
    put_bytes(p, procedure->name);
    put(p, "(");
    for (const struct idl_decl *arg = procedure->args; arg != NULL; arg = arg->next) {
        put_decl(p, arg);
        put(p, arg->next == NULL ? "" : ", ");
    }
    put(p, procedure->args == NULL ? "void) = " : ") = ");
    put_number(p, &procedure->number);
    put(p, "; ");
}

static void
put_program(struct pen *p, const struct idl_def *def)
{
    put(p, " { ");
    for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next) {
        put(p, "version ");
        put_bytes(p, v->name);
        put(p, " { ");
        for (const struct idl_procedure *procedure = v->procedures; procedure != NULL; procedure = procedure->next)
            put_procedure(p, procedure);
        put(p, "} = ");
        put_number(p, &v->number);
        put(p, "; ");
    }
    put(p, "} = ");
    put_number(p, &def->program.number);
}

static void
put_const(struct pen *p, const struct idl_def *def)
{
    put(p, " = ");
    if (def->constant.text.len > 0)
        put_bytes(p, def->constant.text);
    else
        put_number(p, &def->constant.number);
}

static void
put_def(struct pen *p, const struct idl_def *def)
{
    static const struct {
        const char *word;
        void (*put)(struct pen *, const struct idl_def *);
    } rows[] = {
        [IDL_CONST] = {"const ",    put_const  },
          [IDL_ENUM] = { "enum ",    put_enum   },
        [IDL_STRUCT] = { "struct ",  put_struct },
          [IDL_UNION] = { "union ",   put_union  },
        [IDL_PROGRAM] = { "program ", put_program},
    };
    if (def->kind == IDL_VERBATIM) {
        put(p, "%");
        put_bytes(p, def->verbatim);
    } else if (def->kind == IDL_TYPEDEF) {
        put(p, "typedef ");
        put_decl(p, &def->alias);
    } else {
        put(p, rows[def->kind].word);
        put_bytes(p, def->name);
        rows[def->kind].put(p, def);
    }
    put(p, def->kind == IDL_VERBATIM ? "\n" : ";\n");
}

void
idl_rig_print(const struct idl *idl, struct pen *to)
{
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next)
        if (def->kind != IDL_FOREIGN && !def->is_builtin)
            put_def(to, def);
}
