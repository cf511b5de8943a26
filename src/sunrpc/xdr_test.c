/* XDR's procedures and streams: what they write, what they read, what they refuse. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rpc/rpc.h>

#include "sunrpc/body.h"

/* calloc fails when this comes to 0; the linker brings the library's here. */
static int allocations_left = -1;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *
__wrap_calloc(size_t count, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    return __real_calloc(count, size);
}

/* A value of each type, as rpcgen's xdr functions would have it. */
struct leaf {
    char *name;
    struct leaf *next;
};
struct tree {
    int i;
    u_int u;
    long l;
    u_long ul;
    short s;
    u_short us;
    char c;
    u_char uc;
    bool_t b;
    enum_t e;
    float f;
    double d;
    quad_t h;
    u_quad_t uh;
    char fixed[5];
    u_int bytes_len;
    char *bytes;
    char *text;
    u_int numbers_len;
    int *numbers;
    short vector[3];
    struct leaf *list;
};

static bool_t
xdr_leaf(XDR *xdrs, struct leaf *at)
{
    return xdr_string(xdrs, &at->name, 16) && xdr_pointer(xdrs, (char **)&at->next, sizeof *at, (xdrproc_t)xdr_leaf);
}

static bool_t
xdr_tree(XDR *xdrs, struct tree *at)
{
    return xdr_int(xdrs, &at->i) && xdr_u_int(xdrs, &at->u) && xdr_long(xdrs, &at->l) && xdr_u_long(xdrs, &at->ul) &&
           xdr_short(xdrs, &at->s) && xdr_u_short(xdrs, &at->us) && xdr_char(xdrs, &at->c) &&
           xdr_u_char(xdrs, &at->uc) && xdr_bool(xdrs, &at->b) && xdr_enum(xdrs, &at->e) && xdr_float(xdrs, &at->f) &&
           xdr_double(xdrs, &at->d) && xdr_hyper(xdrs, &at->h) && xdr_u_hyper(xdrs, &at->uh) &&
           xdr_opaque(xdrs, at->fixed, 5) && xdr_bytes(xdrs, &at->bytes, &at->bytes_len, 8) &&
           xdr_string(xdrs, &at->text, 8) &&
           xdr_array(xdrs, (char **)&at->numbers, &at->numbers_len, 4, sizeof(int), (xdrproc_t)xdr_int) &&
           xdr_vector(xdrs, (char *)at->vector, 3, sizeof(short), (xdrproc_t)xdr_short) &&
           xdr_pointer(xdrs, (char **)&at->list, sizeof *at->list, (xdrproc_t)xdr_leaf);
}

/* clang-format off */
static const uint8_t tree_bytes[] = {
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, /* i u l ul */
    0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, /* s us c uc */
    0x00, 0x00, 0x00, 0x01, 0xff, 0xff, 0xff, 0xfd, 0x3f, 0xc0, 0x00, 0x00,                         /* b e f */
    0xc0, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,                                                 /* d */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, /* h uh */
    'a', 'b', 'c', 'd', 'e', 0, 0, 0, 0, 0, 0, 2, 'x', 'y', 0, 0,                                   /* fixed bytes */
    0, 0, 0, 3, 'o', 'n', 'e', 0, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 8,                               /* text numbers */
    0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,                                                             /* vector */
    0, 0, 0, 1, 0, 0, 0, 1, 'p', 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,                       /* list */
};
/* clang-format on */

static struct tree
a_tree(struct leaf leaves[2], int numbers[2])
{
    struct tree tree = {
        .i = -2,
        .u = UINT_MAX,
        .l = INT32_MIN,
        .ul = UINT32_MAX,
        .s = SHRT_MIN,
        .us = USHRT_MAX,
        .c = -1,
        .uc = UCHAR_MAX,
        .b = 5,
        .e = -3,
        .f = 1.5f,
        .d = -2.5,
        .h = -1,
        .uh = 0x0102030405060708,
        .fixed = {'a',  'b', 'c', 'd', 'e' },
        .bytes_len = 2,
        .bytes = (char *)(uintptr_t) "xy",
        .text = (char *)(uintptr_t) "one",
        .numbers_len = 2,
        .numbers = numbers,
        .vector = { 1, 2,   3    },
        .list = &leaves[0],
    };

    numbers[0] = 7;
    numbers[1] = 8;
    leaves[0] = (struct leaf){ (char *)(uintptr_t) "p", &leaves[1] };
    leaves[1] = (struct leaf){ (char *)(uintptr_t) "", NULL };
    return tree;
}

static void
check_tree(const struct tree *tree)
{
    assert_int_equal(tree->i, -2);
    assert_int_equal(tree->u, UINT_MAX);
    assert_int_equal(tree->l, INT32_MIN);
    assert_int_equal(tree->ul, UINT32_MAX);
    assert_int_equal(tree->s, SHRT_MIN);
    assert_int_equal(tree->us, USHRT_MAX);
    assert_int_equal(tree->c, -1);
    assert_int_equal(tree->uc, UCHAR_MAX);
    assert_int_equal(tree->b, 1);
    assert_int_equal(tree->e, -3);
    assert_true(tree->f == 1.5f && tree->d == -2.5);
    assert_int_equal(tree->h, -1);
    assert_int_equal(tree->uh, 0x0102030405060708);
    assert_memory_equal(tree->fixed, "abcde", 5);
    assert_int_equal(tree->bytes_len, 2);
    assert_memory_equal(tree->bytes, "xy", 2);
    assert_string_equal(tree->text, "one");
    assert_int_equal(tree->numbers_len, 2);
    assert_int_equal(tree->numbers[1], 8);
    assert_int_equal(tree->vector[2], 3);
    assert_string_equal(tree->list->name, "p");
    assert_string_equal(tree->list->next->name, "");
    assert_null(tree->list->next->next);
}

static void
test_a_value_of_every_type(void **state)
{
    char bytes[sizeof tree_bytes + 8];
    struct leaf leaves[2];
    int numbers[2];
    struct tree tree = a_tree(leaves, numbers), back;
    XDR xdrs;

    (void)state;
    xdrmem_create(&xdrs, bytes, sizeof bytes, XDR_ENCODE);
    assert_true(xdr_tree(&xdrs, &tree));
    assert_int_equal(xdr_getpos(&xdrs), sizeof tree_bytes);
    assert_memory_equal(bytes, tree_bytes, sizeof tree_bytes);
    assert_int_equal(xdr_sizeof((xdrproc_t)xdr_tree, &tree), sizeof tree_bytes);

    memset(&back, 0, sizeof back);
    xdrmem_create(&xdrs, bytes, sizeof tree_bytes, XDR_DECODE);
    assert_true(xdr_tree(&xdrs, &back));
    check_tree(&back);
    xdr_free((xdrproc_t)xdr_tree, &back);
    assert_null(back.list);
    assert_null(back.text);
    assert_null(back.bytes);
    assert_null(back.numbers);
}

/* No room for the last byte, at every place; no byte more, at every place. */
static void
test_cut_at_every_byte(void **state)
{
    struct leaf leaves[2];
    int numbers[2];
    struct tree tree = a_tree(leaves, numbers), back;
    XDR xdrs;

    (void)state;
    for (u_int len = 0; len < sizeof tree_bytes; len++) {
        char *exact = malloc(len > 0 ? len : 1); /* what is read behind it is seen by the address sanitizer */

        xdrmem_create(&xdrs, exact, len, XDR_ENCODE);
        assert_false(xdr_tree(&xdrs, &tree));
        memcpy(exact, tree_bytes, len);
        memset(&back, 0, sizeof back);
        xdrmem_create(&xdrs, exact, len, XDR_DECODE);
        assert_false(xdr_tree(&xdrs, &back));
        xdr_free((xdrproc_t)xdr_tree, &back);
        free(exact);
    }
}

static void
test_no_memory(void **state)
{
    int needed = 0;

    (void)state;
    for (bool done = false; !done; needed++) {
        struct tree back;
        XDR xdrs;

        memset(&back, 0, sizeof back);
        xdrmem_create(&xdrs, (char *)(uintptr_t)tree_bytes, sizeof tree_bytes, XDR_DECODE);
        allocations_left = needed;
        done = xdr_tree(&xdrs, &back);
        allocations_left = -1;
        xdr_free((xdrproc_t)xdr_tree, &back);
    }
    assert_int_equal(needed, 8); /* bytes, text, numbers, two leaves and their names; and then it is done */
}

/* A length that is too large for its type, or for what is there, takes no memory. */
static void
test_lengths_that_lie(void **state)
{
    uint8_t lies[] = { 0x7f, 0xff, 0xff, 0xfc, 'a', 'b', 'c', 'd' };
    char *at = NULL;
    u_int len = 0;
    XDR xdrs;

    (void)state;
    allocations_left = 0;
    xdrmem_create(&xdrs, (char *)lies, sizeof lies, XDR_DECODE);
    assert_false(xdr_wrapstring(&xdrs, &at));
    xdrmem_create(&xdrs, (char *)lies, sizeof lies, XDR_DECODE);
    assert_false(xdr_bytes(&xdrs, &at, &len, UINT_MAX));
    xdrmem_create(&xdrs, (char *)lies, sizeof lies, XDR_DECODE);
    assert_false(xdr_array(&xdrs, &at, &len, UINT_MAX, sizeof(int), (xdrproc_t)xdr_int));
    allocations_left = -1;
    assert_null(at);

    lies[0] = lies[1] = lies[2] = 0;
    lies[3] = 4;
    xdrmem_create(&xdrs, (char *)lies, sizeof lies, XDR_DECODE);
    assert_false(xdr_string(&xdrs, &at, 3));
    assert_null(at);
    xdrmem_create(&xdrs, (char *)lies, sizeof lies, XDR_DECODE);
    assert_true(xdr_string(&xdrs, &at, 4));
    assert_string_equal(at, "abcd");
    xdr_free((xdrproc_t)xdr_wrapstring, &at);
}

static void
test_what_cannot_be_encoded(void **state)
{
    char bytes[64], *none = NULL, *text = (char *)(uintptr_t) "four";
    int *nothing = NULL;
    XDR xdrs;

    (void)state;
    xdrmem_create(&xdrs, bytes, sizeof bytes, XDR_ENCODE);
    assert_false(xdr_wrapstring(&xdrs, &none));
    assert_false(xdr_string(&xdrs, &text, 3));
    assert_false(xdr_reference(&xdrs, (char **)&nothing, sizeof *nothing, (xdrproc_t)xdr_int));
    assert_int_equal(xdr_getpos(&xdrs), 0);
    assert_int_equal(xdr_sizeof((xdrproc_t)xdr_wrapstring, &none), 0);
}

/* A list as long as a message allows would take all of the stack. */
static void
test_depth(void **state)
{
    enum { LEAVES = 100000, BYTES = LEAVES * 8 };
    char *bytes = calloc(1, BYTES);
    struct leaf *list = NULL;
    XDR xdrs;

    (void)state;
    for (size_t i = 0; i < LEAVES; i++)
        bytes[i * 8 + 3] = 1; /* there is one, its name is empty */
    xdrmem_create(&xdrs, bytes, BYTES, XDR_DECODE);
    assert_false(xdr_pointer(&xdrs, (char **)&list, sizeof *list, (xdrproc_t)xdr_leaf));
    xdrmem_create(&xdrs, bytes, 0, XDR_FREE);
    assert_true(xdr_pointer(&xdrs, (char **)&list, sizeof *list, (xdrproc_t)xdr_leaf));
    assert_null(list);
    free(bytes);
}

/* rpcbind's list goes along itself, and may be long. */
static void
test_a_long_list_of_rpcbind(void **state)
{
    enum { MAPS = 20000, BYTES = MAPS * 20 + 4 };
    char *bytes = calloc(1, BYTES);
    struct pmaplist *list = NULL;
    u_long last = 0;
    size_t count = 0;
    XDR xdrs;

    (void)state;
    for (size_t i = 0; i < MAPS; i++) {
        bytes[i * 20 + 3] = 1;
        bytes[i * 20 + 19] = 111;
    }
    xdrmem_create(&xdrs, bytes, BYTES, XDR_DECODE);
    assert_true(xdr_pmaplist(&xdrs, &list));
    for (struct pmaplist *at = list; at != NULL; at = at->pml_next, count++)
        last = at->pml_map.pm_port;
    assert_int_equal(count, MAPS);
    assert_int_equal(last, 111);
    xdrmem_create(&xdrs, bytes, BYTES, XDR_ENCODE);
    assert_true(xdr_pmaplist(&xdrs, &list));
    assert_int_equal(xdr_getpos(&xdrs), BYTES);
    xdr_free((xdrproc_t)xdr_pmaplist, &list);
    assert_null(list);
    free(bytes);
}

static void
test_unions(void **state)
{
    static const struct xdr_discrim arms[] = {
        {1,  (xdrproc_t)xdr_int},
        { 0, NULL              }
    };
    char bytes[16];
    enum_t on = 1;
    int arm = 77;
    XDR xdrs;

    (void)state;
    xdrmem_create(&xdrs, bytes, sizeof bytes, XDR_ENCODE);
    assert_true(xdr_union(&xdrs, &on, (char *)&arm, arms, NULL_xdrproc_t));
    on = 2;
    assert_false(xdr_union(&xdrs, &on, (char *)&arm, arms, NULL_xdrproc_t));
    assert_true(xdr_union(&xdrs, &on, (char *)&arm, arms, (xdrproc_t)xdr_void));
    xdrmem_create(&xdrs, bytes, 8, XDR_DECODE);
    arm = 0;
    assert_true(xdr_union(&xdrs, &on, (char *)&arm, arms, NULL_xdrproc_t));
    assert_int_equal(on, 1);
    assert_int_equal(arm, 77);
}

static void
test_places_in_a_buffer(void **state)
{
    int32_t words[4] = { 0 };
    int32_t *at;
    long l = 9;
    XDR xdrs;

    (void)state;
    xdrmem_create(&xdrs, (char *)words, sizeof words, XDR_ENCODE);
    at = xdr_inline(&xdrs, 8);
    assert_ptr_equal(at, words);
    IXDR_PUT_LONG(at, -7);
    IXDR_PUT_U_LONG(at, 4000000000u);
    assert_true(xdr_putlong(&xdrs, &l));
    assert_null(xdr_inline(&xdrs, 8)); /* 4 are left */
    assert_true(xdr_setpos(&xdrs, 0));
    assert_int_equal(xdr_getpos(&xdrs), 0);
    assert_false(xdr_setpos(&xdrs, 17));
    at = xdr_inline(&xdrs, 12);
    assert_int_equal(IXDR_GET_LONG(at), -7);
    assert_int_equal(IXDR_GET_U_LONG(at), 4000000000u);
    assert_int_equal(IXDR_GET_ENUM(at, int), 9);
    xdrmem_create(&xdrs, (char *)words + 1, 8, XDR_DECODE);
    assert_null(xdr_inline(&xdrs, 4)); /* not a place for an integer */
}

static void
test_files(void **state)
{
    FILE *file = tmpfile();
    struct leaf leaves[2];
    int numbers[2];
    struct tree tree = a_tree(leaves, numbers), back;
    XDR xdrs;

    (void)state;
    xdrstdio_create(&xdrs, file, XDR_ENCODE);
    assert_true(xdr_tree(&xdrs, &tree));
    assert_int_equal(xdr_getpos(&xdrs), sizeof tree_bytes);
    xdr_destroy(&xdrs);
    memset(&back, 0, sizeof back);
    xdrstdio_create(&xdrs, file, XDR_DECODE);
    assert_true(xdr_setpos(&xdrs, 0));
    assert_true(xdr_tree(&xdrs, &back));
    check_tree(&back);
    xdr_free((xdrproc_t)xdr_tree, &back);
    fclose(file);
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

struct pipe {
    uint8_t bytes[4096];
    size_t len, at;
    int step; /* at most so many bytes at once */
};

static int
pipe_put(void *handle, void *from, int len)
{
    struct pipe *pipe = handle;
    int n = len < pipe->step ? len : pipe->step;

    assert_true(pipe->len + (size_t)n <= sizeof pipe->bytes);
    memcpy(pipe->bytes + pipe->len, from, (size_t)n);
    pipe->len += (size_t)n;
    return n;
}

static int
pipe_get(void *handle, void *to, int len)
{
    struct pipe *pipe = handle;
    int n = len < pipe->step ? len : pipe->step;

    if ((size_t)n > pipe->len - pipe->at)
        n = (int)(pipe->len - pipe->at);
    memcpy(to, pipe->bytes + pipe->at, (size_t)n);
    pipe->at += (size_t)n;
    return n;
}

static void
two_records(struct pipe *pipe, bool_t now)
{
    struct leaf leaves[2];
    int numbers[2];
    struct tree tree = a_tree(leaves, numbers);
    XDR xdrs;

    xdrrec_create(&xdrs, 100, 100, pipe, pipe_get, pipe_put);
    xdrs.x_op = XDR_ENCODE;
    assert_true(xdr_tree(&xdrs, &tree));
    assert_true(xdrrec_endofrecord(&xdrs, now));
    assert_true(xdr_int(&xdrs, &tree.i));
    assert_true(xdrrec_endofrecord(&xdrs, TRUE));
    xdr_destroy(&xdrs);
}

static void
test_records_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (int step = 1; step < 110; step++) {
        struct pipe pipe = { .step = step };
        struct tree back;
        int i = 0;
        XDR xdrs;

        two_records(&pipe, step % 2);
        memset(&back, 0, sizeof back);
        xdrrec_create(&xdrs, 0, 100, &pipe, pipe_get, pipe_put);
        xdrs.x_op = XDR_DECODE;
        assert_true(xdrrec_skiprecord(&xdrs));
        assert_true(xdr_tree(&xdrs, &back));
        check_tree(&back);
        assert_false(xdr_int(&xdrs, &i)); /* the record is at its end */
        assert_true(xdrrec_skiprecord(&xdrs));
        assert_true(xdr_int(&xdrs, &i));
        assert_int_equal(i, -2);
        assert_true(xdrrec_eof(&xdrs));
        xdr_destroy(&xdrs);
        xdr_free((xdrproc_t)xdr_tree, &back);
    }
}

static void
test_records_that_are_not_read_are_passed_over(void **state)
{
    struct pipe pipe = { .step = 7 };
    int i = 0;
    XDR xdrs;

    (void)state;
    two_records(&pipe, TRUE);
    xdrrec_create(&xdrs, 0, 0, &pipe, pipe_get, pipe_put);
    xdrs.x_op = XDR_DECODE;
    assert_true(xdrrec_skiprecord(&xdrs));
    assert_true(xdr_int(&xdrs, &i));
    assert_true(xdrrec_skiprecord(&xdrs)); /* the rest of the first */
    assert_true(xdr_int(&xdrs, &i));
    assert_false(xdrrec_skiprecord(&xdrs) && xdr_int(&xdrs, &i)); /* there is no third */
    xdr_destroy(&xdrs);
}

/* ---- bodies of calls ------------------------------------------------------------------------------------------- */

static void
test_a_body_in_a_message(void **state)
{
    struct leaf leaves[2];
    int numbers[2];
    struct tree tree = a_tree(leaves, numbers), back;
    bool torn = false;
    struct sun_body body = { (xdrproc_t)xdr_tree, &tree, &torn };
    struct tambo_xdr_out out;
    struct tambo_xdr_in in;

    (void)state;
    for (uint32_t before = 1; before < 5; before++) { /* wherever it lies */
        tambo_xdr_out_init(&out, 1 << 20);
        assert_non_null(tambo_xdr_room(&out, before));
        assert_int_equal(sun_body_encode(&out, &body), 0);
        assert_int_equal(tambo_xdr_out_len(&out), before + sizeof tree_bytes);
        assert_memory_equal(out.start + before, tree_bytes, sizeof tree_bytes);
        memset(&back, 0, sizeof back);
        tambo_xdr_in_init(&in, out.start + before, sizeof tree_bytes, NULL);
        assert_int_equal(sun_body_decode(&in, &(struct sun_body){ (xdrproc_t)xdr_tree, &back, &torn }), 0);
        check_tree(&back);
        xdr_free((xdrproc_t)xdr_tree, &back);
        tambo_xdr_out_free(&out);
    }
    assert_false(torn);
    tambo_xdr_out_init(&out, 40);
    assert_int_equal(sun_body_encode(&out, &body), -TAMBO_ERR_ARGUMENTS);
    assert_true(torn);
    tambo_xdr_out_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_of_every_type),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_lengths_that_lie),
        cmocka_unit_test(test_what_cannot_be_encoded),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_a_long_list_of_rpcbind),
        cmocka_unit_test(test_unions),
        cmocka_unit_test(test_places_in_a_buffer),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_records_in_pieces_of_any_size),
        cmocka_unit_test(test_records_that_are_not_read_are_passed_over),
        cmocka_unit_test(test_a_body_in_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
