/* idl/value_encode.c - JSON to XDR by the tree. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "idl/value_inner.h"
#include "wire/base64.h"

static int
refuse(struct tambo_xdr_out *out, const char *text)
{
    return tambo_xdr_fail(&out->fault, -ERR_ARGUMENTS, text);
}

static struct view
text_of(const json_t *json)
{
    return view_of(json_string_value(json), json_string_length(json));
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static int
encode_bool(const json_t *json, struct tambo_xdr_out *out)
{
    if (!json_is_boolean(json))
        return refuse(out, "true or false was expected");
    return tambo_xdr_put_u32(out, json_is_true(json));
}

static int
encode_int(const struct idl_type *type, const json_t *json, struct tambo_xdr_out *out)
{
    json_int_t x = json_integer_value(json);
    if (!json_is_integer(json))
        return refuse(out, "an integer was expected");
    if (x < value_low(type) || x > value_high(type))
        return refuse(out, "out of the range of its type");
    return tambo_xdr_put_u32(out, (uint32_t)x);
}

/* What JSON's integers cannot hold here: only digits. */
static bool
take_digits(struct view text, uint64_t *ret)
{
    char *end;
    if (text.len == 0 || text.len > 20 || strspn((const char *)text.data, "0123456789") != text.len)
        return false;
    errno = 0;
    *ret = strtoull((const char *)text.data, &end, 10);
    return errno == 0;
}

static int
encode_hyper(const struct idl_type *type, const json_t *json, struct tambo_xdr_out *out)
{
    uint64_t x;
    if (json_is_string(json) && type->is_unsigned)
        return take_digits(text_of(json), &x) ? tambo_xdr_put_u64(out, x) : refuse(out, "digits were expected");
    if (!json_is_integer(json))
        return refuse(out, "an integer was expected");
    if (type->is_unsigned && json_integer_value(json) < 0)
        return refuse(out, "out of the range of its type");
    return tambo_xdr_put_u64(out, (uint64_t)json_integer_value(json));
}

/* A number, or the name of one that JSON does not have. */
static bool
real_of(const json_t *json, double *ret)
{
    static const struct {
        const char *name;
        double value;
    } rows[] = {
        {"NaN",        NAN      },
        { "Infinity",  INFINITY },
        { "-Infinity", -INFINITY},
    };
    *ret = json_number_value(json);
    for (size_t i = 0; json_is_string(json) && i < COUNT_OF(rows); i++)
        if (view_is(text_of(json), rows[i].name)) {
            *ret = rows[i].value;
            return true;
        }
    return json_is_number(json);
}

static int
encode_double(const json_t *json, struct tambo_xdr_out *out)
{
    double x;
    uint64_t bits;
    if (!real_of(json, &x))
        return refuse(out, "a number was expected");
    memcpy(&bits, &x, sizeof(bits));
    return tambo_xdr_put_u64(out, bits);
}

static int
encode_float(const json_t *json, struct tambo_xdr_out *out)
{
    double x;
    uint32_t bits;
    if (!real_of(json, &x))
        return refuse(out, "a number was expected");
    float y = (float)x;
    if (isinf(y) && !isinf(x))
        return refuse(out, "out of the range of its type");
    memcpy(&bits, &y, sizeof(bits));
    return tambo_xdr_put_u32(out, bits);
}

static int
encode_enum(const struct idl_def *def, const json_t *json, struct tambo_xdr_out *out)
{
    json_int_t x = json_integer_value(json);
    if (json_is_integer(json))
        return x < INT32_MIN || x > INT32_MAX ? refuse(out, "out of the range of its type")
                                              : tambo_xdr_put_u32(out, (uint32_t)x);
    if (!json_is_string(json))
        return refuse(out, "the name of an enumerator or its number was expected");
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next)
        if (view_equal(e->name, text_of(json)))
            return tambo_xdr_put_u32(out, (uint32_t)e->number.value);
    return refuse(out, "the enum has no such name");
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

/* How many bytes a text in base64 stands for, if it is one. */
static size_t
bytes_in(struct view text)
{
    size_t n = text.len / 4 * 3;
    for (size_t i = 0; i < 2 && i < text.len; i++)
        n -= text.data[text.len - 1 - i] == '=';
    return n;
}

static int
put_base64(struct tambo_xdr_out *out, uint8_t *p, struct view text, size_t len)
{
    if (base64_decode(text, p) != (ptrdiff_t)len)
        return refuse(out, "not base64");
    memset(p + len, 0, (4 - len % 4) % 4);
    return 0;
}

static int
encode_bytes(struct view text, uint32_t len_max, struct tambo_xdr_out *out)
{
    size_t len = bytes_in(text);
    if (len > len_max)
        return refuse(out, "longer than its limit");
    uint8_t *p = tambo_xdr_room(out, 4 + (len + 3) / 4 * 4);
    if (p == NULL)
        return out->fault.rc;
    return put_base64(out, tambo_xdr_write_u32(p, (uint32_t)len), text, len);
}

static int
encode_fixed(struct view text, size_t len, struct tambo_xdr_out *out)
{
    if (bytes_in(text) != len)
        return refuse(out, "not as long as it must be");
    uint8_t *p = tambo_xdr_room(out, (len + 3) / 4 * 4);
    return p == NULL ? out->fault.rc : put_base64(out, p, text, len);
}

static int
encode_opaque(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    if (!json_is_string(json))
        return refuse(out, "a string in base64 was expected");
    if (decl->shape == IDL_ARRAY)
        return encode_fixed(text_of(json), (size_t)decl->bound.value, out);
    return encode_bytes(text_of(json), value_limit(decl), out);
}

static int
encode_string(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    const json_t *raw = json_object_get(json, "base64");
    if (json_is_string(raw) && json_object_size(json) == 1)
        return encode_bytes(text_of(raw), value_limit(decl), out);
    if (!json_is_string(json))
        return refuse(out, "a string was expected");
    struct view text = text_of(json);
    if (memchr(text.data, '\0', text.len) != NULL)
        return refuse(out, "a string has a NUL inside");
    if (text.len > value_limit(decl))
        return refuse(out, "longer than its limit");
    return tambo_xdr_put_opaque(out, text.data, (uint32_t)text.len, value_limit(decl));
}

/* ---- what is put together -------------------------------------------------------------------------------------- */

/* An optional field may be left out; what is there must be a field. */
static int
encode_field(const struct idl_decl *field, const json_t *object, size_t *seen, struct tambo_xdr_out *out)
{
    const json_t *json = json_object_getn(object, (const char *)field->name.data, field->name.len);
    bool is_optional = idl_resolve(field).shape == IDL_POINTER;
    *seen += json != NULL;
    int rc = json == NULL && !is_optional ? refuse(out, "it is missing") : idl_value_encode(field, json, out);
    return rc < 0 ? value_in(&out->fault, rc, field->name) : 0;
}

static bool
has_field(const struct idl_def *def, struct view name)
{
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next)
        if (view_equal(field->name, name))
            return true;
    return false;
}

static int
refuse_stranger(const struct idl_def *def, const json_t *object, struct tambo_xdr_out *out)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) if (!has_field(def, view_str(key))) break;
    return value_in(&out->fault, refuse(out, "there is no such field"), view_str(key));
}

static int
encode_struct(const struct idl_def *def, const json_t *json, struct tambo_xdr_out *out)
{
    size_t seen = 0;
    if (!json_is_object(json))
        return refuse(out, "an object was expected");
    for (const struct idl_decl *field = def->fields; field != NULL; field = field->next) {
        int rc = encode_field(field, json, &seen, out);
        if (rc < 0)
            return rc;
    }
    return seen < json_object_size(json) ? refuse_stranger(def, json, out) : 0;
}

static int
encode_union(const struct idl_def *def, const json_t *json, struct tambo_xdr_out *out)
{
    const json_t *discriminant = json_object_get(json, "discriminant"), *arm = json_object_get(json, "arm");
    struct idl_decl resolved = idl_resolve(&def->choice.discriminant);
    if (discriminant == NULL || json_object_size(json) != 1u + (arm != NULL))
        return refuse(out, "an object of \"discriminant\" and \"arm\" was expected");
    int rc = idl_value_encode(&resolved, discriminant, out);
    if (rc < 0)
        return value_in(&out->fault, rc, view_str("discriminant"));
    const struct idl_case *c = idl_case_of(def, value_of_word(&resolved, tambo_xdr_read_u32(out->at - 4)));
    if (c == NULL)
        return value_in(&out->fault, refuse(out, "the union has no such case"), view_str("discriminant"));
    bool is_missing = arm == NULL && c->arm.type.kind != IDL_VOID && idl_resolve(&c->arm).shape != IDL_POINTER;
    rc = is_missing ? refuse(out, "it is missing") : idl_value_encode(&c->arm, arm, out);
    return rc < 0 ? value_in(&out->fault, rc, view_str("arm")) : 0;
}

static int
encode_def(const struct idl_def *def, const json_t *json, struct tambo_xdr_out *out)
{
    switch (def->kind) {
    case IDL_ENUM: return encode_enum(def, json, out);
    case IDL_STRUCT: return encode_struct(def, json, out);
    case IDL_UNION: return encode_union(def, json, out);
    case IDL_TYPEDEF: return idl_value_encode(&def->alias, json, out);
    default: return refuse(out, "a type that only C knows");
    }
}

static int
encode_named(const struct idl_def *def, const json_t *json, struct tambo_xdr_out *out)
{
    if (out->depth >= IDL_VALUE_DEPTH_MAX)
        return refuse(out, "nested too deeply");
    out->depth++;
    int rc = encode_def(def, json, out);
    out->depth--;
    return rc;
}

static int
encode_plain(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    switch (decl->type.kind) {
    case IDL_BOOL: return encode_bool(json, out);
    case IDL_INT: return encode_int(&decl->type, json, out);
    case IDL_HYPER: return encode_hyper(&decl->type, json, out);
    case IDL_FLOAT: return encode_float(json, out);
    case IDL_DOUBLE: return encode_double(json, out);
    case IDL_STRING: return encode_string(decl, json, out);
    case IDL_NAMED: return encode_named(decl->type.def, json, out);
    default: return json == NULL || json_is_null(json) ? 0 : refuse(out, "nothing was expected");
    }
}

static int
encode_elements(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    struct idl_decl element = value_element(decl);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(json); i++) {
        rc = encode_plain(&element, json_array_get(json, i), out);
        if (rc < 0)
            tambo_xdr_in_field(&out->fault, rc, NULL, (int64_t)i);
    }
    return rc;
}

static int
encode_array(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    size_t n = json_array_size(json);
    int rc = 0;
    if (!json_is_array(json))
        return refuse(out, "an array was expected");
    if (decl->shape == IDL_ARRAY && n != (size_t)decl->bound.value)
        return refuse(out, "not as long as it must be");
    if (decl->shape == IDL_VECTOR && n > value_limit(decl))
        return refuse(out, "longer than its limit");
    if (decl->shape == IDL_VECTOR)
        rc = tambo_xdr_put_u32(out, (uint32_t)n);
    return rc < 0 ? rc : encode_elements(decl, json, out);
}

static int
encode_pointer(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    struct idl_decl element = value_element(decl);
    bool is_there = json != NULL && !json_is_null(json);
    int rc = tambo_xdr_put_u32(out, is_there);
    return rc < 0 || !is_there ? rc : encode_plain(&element, json, out);
}

int
idl_value_encode(const struct idl_decl *decl, const json_t *json, struct tambo_xdr_out *out)
{
    if (decl->shape == IDL_PLAIN)
        return encode_plain(decl, json, out);
    if (decl->shape == IDL_POINTER)
        return encode_pointer(decl, json, out);
    return decl->type.kind == IDL_OPAQUE ? encode_opaque(decl, json, out) : encode_array(decl, json, out);
}

/* ---- arguments ------------------------------------------------------------------------------------------------- */

static int
encode_argument(const struct idl_decl *arg, const json_t *json, unsigned i, size_t *seen, struct tambo_xdr_out *out)
{
    char room[VALUE_NAME_CHARS];
    struct view name = value_argument(arg, i + 1, room);
    const json_t *value =
        json_is_array(json) ? json_array_get(json, i) : json_object_getn(json, (const char *)name.data, name.len);
    *seen += value != NULL;
    bool is_optional = idl_resolve(arg).shape == IDL_POINTER;
    int rc = value == NULL && !is_optional ? refuse(out, "it is missing") : idl_value_encode(arg, value, out);
    return rc < 0 ? value_in(&out->fault, rc, name) : 0;
}

static int
encode_arguments(const struct idl_procedure *procedure, const json_t *json, struct tambo_xdr_out *out)
{
    size_t seen = 0, given = json_is_array(json) ? json_array_size(json) : json_object_size(json);
    unsigned i = 0;
    if (!json_is_array(json) && !json_is_object(json))
        return refuse(out, "an array or an object of the arguments was expected");
    for (const struct idl_decl *arg = procedure->args; arg != NULL; arg = arg->next) {
        int rc = encode_argument(arg, json, i++, &seen, out);
        if (rc < 0)
            return rc;
    }
    return seen < given ? refuse(out, "more than the arguments were given") : 0;
}

int
idl_arguments_encode(const struct idl_procedure *procedure, const json_t *json, struct tambo_xdr_out *out)
{
    bool is_empty = json == NULL || json_is_null(json) || (json_is_array(json) && json_array_size(json) == 0) ||
                    (json_is_object(json) && json_object_size(json) == 0);
    if (procedure->arg_count == 0)
        return is_empty ? 0 : refuse(out, "the procedure takes no arguments");
    if (procedure->arg_count > 1)
        return encode_arguments(procedure, json, out);
    if (json == NULL && idl_resolve(procedure->args).shape != IDL_POINTER)
        return refuse(out, "the procedure takes an argument");
    return idl_value_encode(procedure->args, json, out);
}
