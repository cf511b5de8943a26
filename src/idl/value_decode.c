/* idl/value_decode.c - XDR to JSON by the tree.  What is made so far is freed where something is wrong. */
#include <math.h>

#include "idl/value_inner.h"
#include "wire/base64.h"
#include "wire/utf8.h"

static int
refuse(struct tambo_xdr_in *in, const char *text)
{
    return tambo_xdr_fail(&in->fault, -ERR_PROTOCOL, text);
}

/* `json` as the result; NULL: there was no memory for it. */
static int
give(struct tambo_xdr_in *in, json_t *json, json_t **ret)
{
    if (json == NULL)
        return tambo_xdr_fail(&in->fault, -ERR_NO_MEMORY, "out of memory");
    *ret = json;
    return 0;
}

static int
take_u64(struct tambo_xdr_in *in, uint64_t *ret)
{
    const uint8_t *p = tambo_xdr_need(in, 8);
    if (p == NULL)
        return in->fault.rc;
    *ret = tambo_xdr_read_u64(p);
    return 0;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static int
decode_bool(struct tambo_xdr_in *in, json_t **ret)
{
    bool x;
    int rc = tambo_xdr_get_bool(in, &x);
    return rc < 0 ? rc : give(in, json_boolean(x), ret);
}

static int
decode_int(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    uint32_t word;
    int rc = tambo_xdr_get_u32(in, &word);
    if (rc < 0)
        return rc;
    int64_t x = value_of_word(decl, word);
    if (x < value_low(&decl->type) || x > value_high(&decl->type))
        return refuse(in, "does not fit its type");
    return give(in, json_integer(x), ret);
}

static int
decode_hyper(const struct idl_type *type, struct tambo_xdr_in *in, json_t **ret)
{
    uint64_t x = 0;
    char digits[24];
    int rc = take_u64(in, &x);
    if (rc < 0)
        return rc;
    if (!type->is_unsigned || x <= INT64_MAX)
        return give(in, json_integer((json_int_t)x), ret);
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)x);
    return give(in, json_string(digits), ret);
}

static json_t *
real_of(double x)
{
    if (isnan(x))
        return json_string("NaN");
    if (isinf(x))
        return json_string(x > 0 ? "Infinity" : "-Infinity");
    return json_real(x);
}

static int
decode_float(struct tambo_xdr_in *in, json_t **ret)
{
    const uint8_t *p = tambo_xdr_need(in, 4);
    return p == NULL ? in->fault.rc : give(in, real_of((double)tambo_xdr_read_float(p)), ret);
}

static int
decode_double(struct tambo_xdr_in *in, json_t **ret)
{
    const uint8_t *p = tambo_xdr_need(in, 8);
    return p == NULL ? in->fault.rc : give(in, real_of(tambo_xdr_read_double(p)), ret);
}

/* A number that has no name is told as it is. */
static int
decode_enum(const struct idl_def *def, struct tambo_xdr_in *in, json_t **ret)
{
    uint32_t word;
    int rc = tambo_xdr_get_u32(in, &word);
    if (rc < 0)
        return rc;
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next)
        if (e->number.value == (int32_t)word)
            return give(in, json_stringn((const char *)e->name.data, e->name.len), ret);
    return give(in, json_integer((int32_t)word), ret);
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

/* `len` bytes and their padding, which must be zeros. */
static int
take_bytes(struct tambo_xdr_in *in, size_t len, struct view *ret)
{
    const uint8_t *p = tambo_xdr_need(in, (len + 3) / 4 * 4);
    if (p == NULL)
        return in->fault.rc;
    for (const uint8_t *pad = p + len; pad < in->at; pad++)
        if (*pad != 0)
            return refuse(in, "its padding is not zero");
    *ret = view_of(p, len);
    return 0;
}

static int
take_counted(struct tambo_xdr_in *in, uint32_t len_max, struct view *ret)
{
    uint32_t len;
    int rc = tambo_xdr_get_u32(in, &len);
    if (rc < 0)
        return rc;
    return len > len_max ? refuse(in, "longer than its limit") : take_bytes(in, len, ret);
}

/* The text in between is of the memory that jansson takes, too. */
static json_t *
base64_of(struct view bytes)
{
    json_malloc_t take;
    json_free_t drop;
    json_get_alloc_funcs(&take, &drop);
    size_t chars = base64_chars(bytes.len);
    char *text = take(chars + 1);
    if (text == NULL)
        return NULL;
    base64_encode(bytes, text);
    json_t *json = json_stringn(text, chars);
    drop(text);
    return json;
}

static int
decode_opaque(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    struct view bytes;
    int rc = decl->shape == IDL_ARRAY ? take_bytes(in, (size_t)decl->bound.value, &bytes)
                                      : take_counted(in, value_limit(decl), &bytes);
    return rc < 0 ? rc : give(in, base64_of(bytes), ret);
}

static int
decode_string(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    struct view text;
    int rc = take_counted(in, value_limit(decl), &text);
    if (rc < 0)
        return rc;
    if (memchr(text.data, '\0', text.len) != NULL)
        return refuse(in, "a string has a NUL inside");
    if (utf8_valid(text))
        return give(in, json_stringn((const char *)text.data, text.len), ret);
    return give(in, json_pack("{so}", "base64", base64_of(text)), ret);
}

/* ---- what is put together -------------------------------------------------------------------------------------- */

/* One member of `object`. */
static int
decode_member(const struct idl_decl *decl, struct view name, struct tambo_xdr_in *in, json_t *object)
{
    json_t *value;
    int rc = idl_value_decode(decl, in, &value);
    if (rc == 0 && json_object_setn_new(object, (const char *)name.data, name.len, value) < 0)
        rc = give(in, NULL, NULL);
    return rc < 0 ? value_in(&in->fault, rc, name) : 0;
}

static int
decode_fields(const struct idl_def *def, struct tambo_xdr_in *in, json_t *object)
{
    int rc = 0;
    for (const struct idl_decl *field = def->fields; field != NULL && rc == 0; field = field->next)
        rc = decode_member(field, field->name, in, object);
    return rc;
}

static int
decode_choice(const struct idl_def *def, struct tambo_xdr_in *in, json_t *object)
{
    struct idl_decl resolved = idl_resolve(&def->choice.discriminant);
    int rc = decode_member(&resolved, view_str("discriminant"), in, object);
    if (rc < 0)
        return rc;
    const struct idl_case *c = idl_case_of(def, value_of_word(&resolved, tambo_xdr_read_u32(in->at - 4)));
    if (c == NULL)
        return value_in(&in->fault, refuse(in, "the union has no such case"), view_str("discriminant"));
    return c->arm.type.kind == IDL_VOID ? 0 : decode_member(&c->arm, view_str("arm"), in, object);
}

typedef int members_fn(const struct idl_def *def, struct tambo_xdr_in *in, json_t *object);

static int
decode_object(const struct idl_def *def, members_fn *members, struct tambo_xdr_in *in, json_t **ret)
{
    json_t *object = json_object();
    int rc = object == NULL ? give(in, NULL, NULL) : members(def, in, object);
    if (rc == 0)
        return give(in, object, ret);
    json_decref(object);
    return rc;
}

static int
decode_def(const struct idl_def *def, struct tambo_xdr_in *in, json_t **ret)
{
    switch (def->kind) {
    case IDL_ENUM: return decode_enum(def, in, ret);
    case IDL_STRUCT: return decode_object(def, decode_fields, in, ret);
    case IDL_UNION: return decode_object(def, decode_choice, in, ret);
    case IDL_TYPEDEF: return idl_value_decode(&def->alias, in, ret);
    default: return refuse(in, "a type that only C knows");
    }
}

static int
decode_named(const struct idl_def *def, struct tambo_xdr_in *in, json_t **ret)
{
    if (in->depth >= IDL_VALUE_DEPTH_MAX)
        return refuse(in, "nested too deeply");
    in->depth++;
    int rc = decode_def(def, in, ret);
    in->depth--;
    return rc;
}

static int
decode_plain(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    switch (decl->type.kind) {
    case IDL_BOOL: return decode_bool(in, ret);
    case IDL_INT: return decode_int(decl, in, ret);
    case IDL_HYPER: return decode_hyper(&decl->type, in, ret);
    case IDL_FLOAT: return decode_float(in, ret);
    case IDL_DOUBLE: return decode_double(in, ret);
    case IDL_STRING: return decode_string(decl, in, ret);
    case IDL_NAMED: return decode_named(decl->type.def, in, ret);
    default: return give(in, json_null(), ret);
    }
}

static int
decode_elements(const struct idl_decl *decl, uint32_t count, struct tambo_xdr_in *in, json_t *array)
{
    struct idl_decl element = value_element(decl);
    for (uint32_t i = 0; i < count; i++) {
        json_t *value;
        int rc = decode_plain(&element, in, &value);
        if (rc == 0 && json_array_append_new(array, value) < 0)
            rc = give(in, NULL, NULL);
        if (rc < 0)
            return tambo_xdr_in_field(&in->fault, rc, NULL, i);
    }
    return 0;
}

/* The elements' number is held against the bytes that are there before the first is made. */
static int
decode_array(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    struct idl_decl element = value_element(decl);
    size_t each = idl_wire_bytes_min(&element);
    uint32_t count = (uint32_t)decl->bound.value;
    int rc = decl->shape == IDL_VECTOR ? tambo_xdr_get_u32(in, &count) : 0;
    if (rc < 0)
        return rc;
    if (decl->shape == IDL_VECTOR && count > value_limit(decl))
        return refuse(in, "longer than its limit");
    if (count > (size_t)(in->end - in->at) / (each > 0 ? each : 1))
        return refuse(in, "the input ends before its elements");
    json_t *array = json_array();
    rc = array == NULL ? give(in, NULL, NULL) : decode_elements(decl, count, in, array);
    if (rc == 0)
        return give(in, array, ret);
    json_decref(array);
    return rc;
}

static int
decode_pointer(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    struct idl_decl element = value_element(decl);
    bool is_there;
    int rc = tambo_xdr_get_bool(in, &is_there);
    if (rc < 0)
        return rc;
    return is_there ? decode_plain(&element, in, ret) : give(in, json_null(), ret);
}

int
idl_value_decode(const struct idl_decl *decl, struct tambo_xdr_in *in, json_t **ret)
{
    if (decl->shape == IDL_PLAIN)
        return decode_plain(decl, in, ret);
    if (decl->shape == IDL_POINTER)
        return decode_pointer(decl, in, ret);
    return decl->type.kind == IDL_OPAQUE ? decode_opaque(decl, in, ret) : decode_array(decl, in, ret);
}

/* ---- arguments ------------------------------------------------------------------------------------------------- */

int
idl_arguments_decode(const struct idl_procedure *procedure, struct tambo_xdr_in *in, json_t **ret)
{
    if (procedure->arg_count == 0)
        return give(in, json_null(), ret);
    if (procedure->arg_count == 1)
        return idl_value_decode(procedure->args, in, ret);
    json_t *object = json_object();
    int rc = object == NULL ? give(in, NULL, NULL) : 0;
    unsigned number = 0;
    for (const struct idl_decl *arg = procedure->args; arg != NULL && rc == 0; arg = arg->next) {
        char room[VALUE_NAME_CHARS];
        rc = decode_member(arg, value_argument(arg, ++number, room), in, object);
    }
    if (rc == 0)
        return give(in, object, ret);
    json_decref(object);
    return rc;
}
