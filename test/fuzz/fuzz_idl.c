/* libFuzzer target: an interface, and values by it.
 *
 * What is refused must say why, at a place; what is taken is read again as the same once it is printed, has a schema,
 * and whatever its types decode of the text's own bytes is encoded and decoded to the same value. */
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "idl/idl_rig.h"
#include "idl/schema.h"
#include "idl/value.h"

enum { PRINTED_BYTES_MAX = 1 << 20, VALUE_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_refused(const struct idl_fault *why, int rc)
{
    char said[600];
    must(rc == -ERR_PROTOCOL && why->text[0] != '\0' && why->caret <= strlen(why->line));
    idl_fault_print(why, said, sizeof(said));
}

/* As text, and that as a tree again. */
static void
check_printed(const struct idl *idl, struct tambo_arena *arena)
{
    char *printed = tambo_arena_take(arena, PRINTED_BYTES_MAX), *again = tambo_arena_take(arena, PRINTED_BYTES_MAX);
    struct pen p = pen_of(printed, PRINTED_BYTES_MAX), q = pen_of(again, PRINTED_BYTES_MAX);
    struct idl second;
    struct idl_fault why;
    must(printed != NULL && again != NULL);
    idl_rig_print(idl, &p);
    if (p.torn)
        return;
    int rc = idl_parse(view_of(printed, (size_t)(p.at - (uint8_t *)printed)), "again.x", arena, &second, &why);
    must(rc == 0);
    idl_rig_print(&second, &q);
    must(p.at - (uint8_t *)printed == q.at - (uint8_t *)again);
    must(memcmp(printed, again, (size_t)(p.at - (uint8_t *)printed)) == 0);
}

static void
check_again(const struct idl_decl *decl, const json_t *value)
{
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;
    json_t *again;
    tambo_xdr_out_init(&out, VALUE_BYTES_MAX);
    must(idl_value_encode(decl, value, &out) == 0);
    tambo_xdr_in_init(&in, out.start, tambo_xdr_out_len(&out), NULL);
    must(idl_value_decode(decl, &in, &again) == 0);
    must(in.at == in.end && json_equal(value, again));
    json_decref(again);
    tambo_xdr_out_free(&out);
}

static void
check_values(struct idl_def *def, struct view bytes)
{
    struct idl_decl decl = {
        .type = {.kind = IDL_NAMED, .def = def}
    };
    struct tambo_xdr_in in;
    json_t *value;
    tambo_xdr_in_init(&in, bytes.data, bytes.len, NULL);
    int rc = idl_value_decode(&decl, &in, &value);
    must(rc == 0 || rc == -ERR_PROTOCOL);
    if (rc < 0)
        return;
    must((size_t)(in.at - bytes.data) >= def->wire_bytes_min);
    must(def->wire_bytes == 0 || (size_t)(in.at - bytes.data) == def->wire_bytes);
    check_again(&decl, value);
    json_decref(value);
}

static void
check_taken(struct idl *idl, struct view bytes, struct tambo_arena *arena)
{
    json_t *schema = idl_schema(idl);
    must(schema != NULL);
    json_decref(schema);
    for (struct idl_def *def = idl->defs; def != NULL; def = def->next)
        if (def->kind != IDL_VERBATIM && def->kind != IDL_CONST && def->kind != IDL_PROGRAM)
            for (size_t from = 0; from < 4 && from < bytes.len; from++)
                check_values(def, view_from(bytes, from));
    check_printed(idl, arena);
}

/* Behind the first NUL are bytes for values; the text is before it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tambo_arena arena = { .bytes_max = 64 << 20 };
    struct idl idl;
    struct idl_fault why;
    const uint8_t *nul = size == 0 ? NULL : memchr(data, '\0', size);
    size_t len = nul == NULL ? size : (size_t)(nul - data);
    int rc = idl_parse(view_of(data, len), "fuzz.x", &arena, &idl, &why);
    if (rc < 0)
        check_refused(&why, rc);
    else
        check_taken(&idl, nul == NULL ? view_of(data, size) : view_of(nul + 1, size - len - 1), &arena);
    tambo_arena_free(&arena);
    return 0;
}
