/* idl/schema.c - see schema.h.  Sticky: what there is no memory for is noticed once, at the end. */
#include "idl/schema.h"

#include <stdio.h>

#include "wire/base64.h"

struct maker {
    bool is_torn;
};

static void
put(struct maker *m, json_t *object, struct view key, json_t *value)
{
    if (json_object_setn_new(object, (const char *)key.data, key.len, value) < 0)
        m->is_torn = true;
}

static void
set(struct maker *m, json_t *object, const char *key, json_t *value)
{
    put(m, object, view_str(key), value);
}

static void
append(struct maker *m, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0)
        m->is_torn = true;
}

static json_t *
text_of(struct view v)
{
    return json_stringn((const char *)v.data, v.len);
}

/* ---- comments -------------------------------------------------------------------------------------------------- */

static struct view
strip(struct view line)
{
    while (line.len > 0 && strchr(" \t\r/*", line.data[0]) != NULL && line.data[0] != '\0')
        line = view_from(line, 1);
    while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]) != NULL)
        line.len--;
    if (line.len >= 2 && memcmp(line.data + line.len - 2, "*/", 2) == 0)
        line.len -= 2;
    while (line.len > 0 && strchr(" \t\r*", line.data[line.len - 1]) != NULL)
        line.len--;
    return line;
}

/* Its lines without marks and blanks around them, empty ones left out.  `ret` has room for as many bytes. */
static size_t
clean(struct view comment, char *ret)
{
    size_t n = 0;
    while (comment.len > 0) {
        const uint8_t *end = memchr(comment.data, '\n', comment.len);
        size_t len = end == NULL ? comment.len : (size_t)(end - comment.data) + 1;
        struct view line = strip(view_of(comment.data, end == NULL ? len : len - 1));
        if (line.len > 0 && n > 0)
            ret[n++] = '\n';
        if (line.len > 0)
            memcpy(ret + n, line.data, line.len);
        n += line.len;
        comment = view_from(comment, len);
    }
    return n;
}

/* What is not UTF-8 is left out: no description is an error. */
static void
describe(struct maker *m, json_t *object, struct view comment)
{
    json_malloc_t take;
    json_free_t drop;
    if (comment.len == 0)
        return;
    json_get_alloc_funcs(&take, &drop);
    char *text = take(comment.len);
    if (text == NULL) {
        m->is_torn = true;
        return;
    }
    json_t *description = json_stringn(text, clean(comment, text));
    drop(text);
    if (description != NULL)
        set(m, object, "description", description);
}

/* ---- declarations ---------------------------------------------------------------------------------------------- */

static json_t *
base64_schema(struct maker *m, const struct idl_decl *decl)
{
    json_t *schema = json_pack("{ss, ss}", "type", "string", "contentEncoding", "base64");
    json_int_t chars = (json_int_t)base64_chars((size_t)decl->bound.value);
    if (decl->is_bounded || decl->shape == IDL_ARRAY)
        set(m, schema, "maxLength", json_integer(chars));
    if (decl->shape == IDL_ARRAY)
        set(m, schema, "minLength", json_integer(chars));
    return schema;
}

/* A byte may be a character, so that many characters are possible at the most. */
static json_t *
string_schema(struct maker *m, const struct idl_decl *decl)
{
    json_t *text = json_pack("{ss}", "type", "string");
    if (decl->is_bounded)
        set(m, text, "maxLength", json_integer(decl->bound.value));
    return json_pack("{s[o,{ss,s{so},s[s],sb}]}", "anyOf", text, "type", "object", "properties", "base64",
                     base64_schema(m, decl), "required", "base64", "additionalProperties", 0);
}

static json_t *
integer_schema(const struct idl_type *type)
{
    int64_t high = type->bits == 64 ? INT64_MAX : (INT64_C(1) << (type->bits - (type->is_unsigned ? 0u : 1u))) - 1;
    json_t *schema = json_pack("{ss,sI,sI}", "type", "integer", "minimum",
                               (json_int_t)(type->is_unsigned ? 0 : -high - 1), "maximum", (json_int_t)high);
    if (type->bits == 64 && type->is_unsigned)
        return json_pack("{s[o,{ss,ss}]}", "anyOf", schema, "type", "string", "pattern", "^[0-9]{1,20}$");
    return schema;
}

static json_t *
plain_schema(struct maker *m, const struct idl_decl *decl)
{
    switch (decl->type.kind) {
    case IDL_BOOL: return json_pack("{ss}", "type", "boolean");
    case IDL_INT:
    case IDL_HYPER: return integer_schema(&decl->type);
    case IDL_FLOAT:
    case IDL_DOUBLE:
        return json_pack("{s[{ss},{s[sss]}]}", "anyOf", "type", "number", "enum", "NaN", "Infinity", "-Infinity");
    case IDL_STRING: return string_schema(m, decl);
    case IDL_OPAQUE: return base64_schema(m, decl);
    case IDL_NAMED:
        return json_pack("{so}", "$ref",
                         json_sprintf("#/$defs/%.*s", (int)decl->type.def->name.len, decl->type.def->name.data));
    default: return json_pack("{ss}", "type", "null");
    }
}

static json_t *
decl_schema(struct maker *m, const struct idl_decl *decl)
{
    json_t *plain = plain_schema(m, decl);
    if (decl->shape == IDL_POINTER)
        return json_pack("{s[{ss},o]}", "anyOf", "type", "null", plain);
    if (decl->shape == IDL_PLAIN || decl->type.kind == IDL_OPAQUE)
        return plain;
    json_t *array = json_pack("{ss,so}", "type", "array", "items", plain);
    if (decl->shape == IDL_ARRAY)
        set(m, array, "minItems", json_integer(decl->bound.value));
    if (decl->shape == IDL_ARRAY || decl->is_bounded)
        set(m, array, "maxItems", json_integer(decl->bound.value));
    return array;
}

/* ---- definitions ----------------------------------------------------------------------------------------------- */

static json_t *
enum_schema(struct maker *m, const struct idl_def *def)
{
    json_t *names = json_array();
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next)
        append(m, names, text_of(e->name));
    return json_pack("{s[{so},{ss}]}", "anyOf", "enum", names, "type", "integer");
}

static void
put_member(struct maker *m, json_t *properties, json_t *required, const struct idl_decl *decl, struct view name)
{
    json_t *schema = decl_schema(m, decl);
    describe(m, schema, decl->comment);
    put(m, properties, name, schema);
    if (idl_resolve(decl).shape != IDL_POINTER)
        append(m, required, text_of(name));
}

static json_t *
object_schema(json_t *properties, json_t *required)
{
    return json_pack("{ss,so,so,sb}", "type", "object", "properties", properties, "required", required,
                     "additionalProperties", 0);
}

static json_t *
struct_schema(struct maker *m, const struct idl_def *def)
{
    json_t *properties = json_object(), *required = json_array();
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
        put_member(m, properties, required, field, field->name);
    return object_schema(properties, required);
}

/* Every way to say a discriminant of this value: true; "NFS_OK" and 0. */
static void
append_label(struct maker *m, json_t *labels, const struct idl_type *type, int64_t value)
{
    if (type->kind == IDL_BOOL) {
        append(m, labels, json_boolean(value != 0));
        return;
    }
    append(m, labels, json_integer(value));
    if (type->kind != IDL_NAMED)
        return;
    for (const struct idl_enumerator *e = type->def->enumerators; e != NULL; e = e->next)
        if (e->number.value == value)
            append(m, labels, text_of(e->name));
}

static void
append_labels(struct maker *m, json_t *labels, const struct idl_type *type, const struct idl_case *c)
{
    for (unsigned i = 0; i < c->label_count; i++)
        append_label(m, labels, type, c->labels[i].value);
}

static json_t *
case_schema(struct maker *m, const struct idl_case *c, json_t *discriminant)
{
    json_t *properties = json_object(), *required = json_pack("[s]", "discriminant");
    set(m, properties, "discriminant", discriminant);
    if (c->arm.type.kind == IDL_VOID)
        set(m, properties, "arm", plain_schema(m, &c->arm));
    else
        put_member(m, properties, required, &c->arm, view_str("arm"));
    json_t *schema = object_schema(properties, required);
    if (c->arm.name.len > 0)
        set(m, schema, "title", text_of(c->arm.name));
    return schema;
}

static json_t *
union_schema(struct maker *m, const struct idl_def *def)
{
    struct idl_decl discriminant = idl_resolve(&def->choice.discriminant);
    json_t *cases = json_array(), *all = json_array();
    for (const struct idl_case *c = def->choice.cases; c != NULL; c = c->next) {
        json_t *labels = json_array();
        append_labels(m, labels, &discriminant.type, c);
        append_labels(m, all, &discriminant.type, c);
        append(m, cases, case_schema(m, c, json_pack("{so}", "enum", labels)));
    }
    if (def->choice.otherwise != NULL)
        append(m, cases,
               case_schema(m, def->choice.otherwise,
                           json_pack("{s[o,{s{sO}}]}", "allOf", decl_schema(m, &discriminant), "not", "enum", all)));
    json_decref(all);
    return json_pack("{so}", "oneOf", cases);
}

static json_t *
def_schema(struct maker *m, const struct idl_def *def)
{
    switch (def->kind) {
    case IDL_ENUM: return enum_schema(m, def);
    case IDL_STRUCT: return struct_schema(m, def);
    case IDL_UNION: return union_schema(m, def);
    case IDL_TYPEDEF: return decl_schema(m, &def->alias);
    default: return json_pack("{sb}", "not", 1); /* never: only C knows what it is */
    }
}

/* ---- programs -------------------------------------------------------------------------------------------------- */

static json_t *
arguments_schema(struct maker *m, const struct idl_procedure *procedure)
{
    json_t *properties = json_object(), *required = json_array(), *items = json_array();
    unsigned number = 0;
    for (const struct idl_decl *arg = procedure->args; arg != NULL; arg = arg->next) {
        char name[24];
        snprintf(name, sizeof(name), "arg%u", ++number);
        put_member(m, properties, required, arg, arg->name.len > 0 ? arg->name : view_str(name));
        append(m, items, decl_schema(m, arg));
    }
    return json_pack("{s[o,{ss,so,si,si}]}", "anyOf", object_schema(properties, required), "type", "array",
                     "prefixItems", items, "minItems", (int)number, "maxItems", (int)number);
}

static json_t *
procedure_schema(struct maker *m, const struct idl_procedure *procedure)
{
    json_t *arguments = procedure->arg_count == 0   ? json_pack("{ss}", "type", "null")
                        : procedure->arg_count == 1 ? decl_schema(m, procedure->args)
                                                    : arguments_schema(m, procedure);
    json_t *schema = json_pack("{sI,so,so}", "number", (json_int_t)procedure->number.value, "arguments", arguments,
                               "result", decl_schema(m, &procedure->ret));
    describe(m, schema, procedure->comment);
    return schema;
}

static json_t *
version_schema(struct maker *m, const struct idl_version *version)
{
    json_t *procedures = json_object();
    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next)
        put(m, procedures, p->name, procedure_schema(m, p));
    json_t *schema = json_pack("{sI,so}", "number", (json_int_t)version->number.value, "procedures", procedures);
    describe(m, schema, version->comment);
    return schema;
}

static json_t *
program_schema(struct maker *m, const struct idl_def *def)
{
    json_t *versions = json_object();
    for (const struct idl_version *v = def->program.versions; v != NULL; v = v->next)
        put(m, versions, v->name, version_schema(m, v));
    return json_pack("{sI,so}", "number", (json_int_t)def->program.number.value, "versions", versions);
}

static bool
is_type(const struct idl_def *def)
{
    return def->kind != IDL_CONST && def->kind != IDL_VERBATIM && def->kind != IDL_PROGRAM;
}

json_t *
idl_schema(const struct idl *idl)
{
    struct maker m = { false };
    json_t *defs = json_object(), *programs = json_object();
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next) {
        bool is_program = def->kind == IDL_PROGRAM;
        if (!is_program && !is_type(def))
            continue;
        json_t *schema = is_program ? program_schema(&m, def) : def_schema(&m, def);
        describe(&m, schema, def->comment);
        put(&m, is_program ? programs : defs, def->name, schema);
    }
    json_t *whole = json_pack("{ss,so,so}", "$schema", "https://json-schema.org/draft/2020-12/schema", "$defs", defs,
                              "programs", programs);
    if (!m.is_torn)
        return whole;
    json_decref(whole);
    return NULL;
}
