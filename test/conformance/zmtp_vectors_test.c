/* Every vector of ZMTP against the codec: each is a test of its own.  What comes in pieces is first fed cut at every
 * byte, and may be refused early but not read early; what is whole is cut as well, and must be read or refused for what
 * it then is.  It always ends at a guard page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "conformance/guard.h"
#include "conformance/zmtp_vector.h"
#include "rig/notation.h"

static const struct zmtp_said nothing;

/* A shorter piece is not read as another thing, and once it is refused it is refused for the same reason. */
static void
check_cuts(const struct guard *guard, enum zmtp_kind kind, struct view in, int64_t whole, const struct fault *fault)
{
    bool judged = false;
    for (size_t n = 0; n < in.len; n++) {
        struct zmtp_said said = nothing;
        struct fault why = { 0 };
        int64_t rc = zmtp_vector_read(kind, guard_place(guard, view_of(in.data, n)), &said, &why);
        if (!zmtp_kind_is_stream(kind))
            continue;
        judged |= rc != 0;
        assert_int_equal(rc, judged ? whole : 0);
        assert_true(rc >= 0 || why.clause == fault->clause);
    }
    assert_true(!judged || whole < 0);
}

static int64_t
read_cut(const struct guard *guard, enum zmtp_kind kind, struct view in, struct zmtp_said *ret, struct fault *why)
{
    struct zmtp_said said = nothing;
    int64_t rc = zmtp_vector_read(kind, guard_place(guard, in), &said, why);
    check_cuts(guard, kind, rc > 0 ? view_of(in.data, (size_t)rc) : in, rc, why);
    return zmtp_vector_read(kind, guard_place(guard, in), ret, why);
}

/* Frame after frame: 0 at the end of the bytes, or the first refusal. */
static int64_t
read_all(const struct guard *guard, const struct zmtp_vector *v, struct zmtp_said *ret, struct fault *why)
{
    uint8_t bytes[ZMTP_VECTOR_BYTES_MAX];
    struct view in = view_of(bytes, notation_bytes(v->bytes, bytes, sizeof(bytes)));
    if (!zmtp_kind_is_stream(v->kind))
        return read_cut(guard, v->kind, in, ret, why);
    while (in.len > 0) {
        int64_t rc = read_cut(guard, v->kind, in, ret, why);
        if (rc < 0)
            return rc;
        assert_true(rc > 0);
        in = view_from(in, (size_t)rc);
    }
    return 0;
}

static void
codec_agrees(void **state)
{
    const struct zmtp_vector *v = *state;
    struct zmtp_said said = nothing;
    struct fault fault = { 0 };
    struct guard guard;
    guard_init(&guard, ZMTP_VECTOR_BYTES_MAX);
    int64_t rc = read_all(&guard, v, &said, &fault);
    guard_fini(&guard);
    if (v->expects != NULL) {
        assert_int_equal(rc, 0);
        assert_string_equal(said.text, v->expects);
    } else if (v->clause == NULL) {
        assert_int_equal(rc, -ERR_TOO_LARGE);
    } else {
        assert_int_equal(rc, -ERR_PROTOCOL);
        assert_string_equal(fault.clause, v->clause);
        assert_true(strlen(fault.text) > 0);
    }
}

static size_t
count_rows(void)
{
    size_t n = 0;
    for (const struct zmtp_vectors *const *table = zmtp_vector_tables; *table != NULL; table++)
        n += (*table)->count;
    return n;
}

static const char *
name_of(const struct zmtp_vector *v)
{
    size_t n = strlen("zmtp:") + strlen(v->name) + 1;
    char *name = malloc(n);
    must(name != NULL);
    snprintf(name, n, "zmtp:%s", v->name);
    return name;
}

int
main(void)
{
    size_t n = 0, count = count_rows();
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    must(tests != NULL);
    for (const struct zmtp_vectors *const *table = zmtp_vector_tables; *table != NULL; table++)
        for (size_t i = 0; i < (*table)->count; i++) {
            const struct zmtp_vector *row = &(*table)->rows[i];
            tests[n++] = (struct CMUnitTest){
                .name = name_of(row),
                .test_func = codec_agrees,
                .initial_state = (void *)(uintptr_t)row,
            };
        }
    int failed = _cmocka_run_group_tests("zmtp_vectors", tests, count, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)tests[i].name);
    free(tests);
    return failed;
}
