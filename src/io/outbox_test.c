/* The outbox against a flat buffer, on random puts and sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/prng.h"
#include "io/outbox.h"

enum { FLAT_BYTES = 1 << 20 };

struct model {
    struct mem mem;
    struct outbox_pool pool;
    struct outbox *outbox;
    struct prng prng;
    uint8_t flat[FLAT_BYTES]; /* what is unsent */
    size_t len;
    uint8_t elsewhere[64 * 1024];
    unsigned referred, released;
};

static int
set_up(void **state)
{
    struct model *m = test_calloc(1, sizeof(*m));
    outbox_pool_init(&m->pool, &m->mem);
    prng_init(&m->prng, 7);
    prng_fill(&m->prng, m->elsewhere, sizeof(m->elsewhere));
    *state = m;
    return 0;
}

static int
tear_down(void **state)
{
    struct model *m = *state;
    outbox_drop(&m->outbox, &m->pool);
    outbox_pool_fini(&m->pool);
    assert_int_equal(m->referred, m->released);
    assert_int_equal(m->mem.used_bytes, 0);
    test_free(m);
    return 0;
}

static void
release(void *arg)
{
    ((struct model *)arg)->released++;
}

/* Mostly little, sometimes a lot. */
static size_t
some(struct model *m)
{
    size_t most = prng_once_in(&m->prng, 20) ? sizeof(m->elsewhere) : 200;
    return prng_below(&m->prng, most + 1);
}

static void
put_copied(struct model *m, size_t n)
{
    size_t asked = n + prng_below(&m->prng, 9); /* room is asked for generously */
    uint8_t *at = outbox_room(&m->outbox, &m->pool, asked);
    if (at == NULL)
        return;
    memcpy(at, m->elsewhere, n);
    outbox_grow(m->outbox, n);
    memcpy(m->flat + m->len, m->elsewhere, n);
    m->len += n;
}

static void
put_referred(struct model *m, size_t n)
{
    size_t from = prng_below(&m->prng, sizeof(m->elsewhere) - n + 1);
    if (outbox_refer(&m->outbox, &m->pool, view_of(m->elsewhere + from, n), release, m) < 0)
        return;
    m->referred++;
    memcpy(m->flat + m->len, m->elsewhere + from, n);
    m->len += n;
}

/* Sends a random part of what the views show, which must be the front of the flat buffer. */
static void
send_some(struct model *m)
{
    struct view views[8];
    size_t shown = 0;
    if (m->outbox == NULL)
        return;
    assert_int_equal(m->outbox->unsent, m->len);
    unsigned n = outbox_views(m->outbox, views, COUNT_OF(views));
    for (unsigned i = 0; i < n; i++) {
        assert_true(views[i].len > 0);
        assert_memory_equal(views[i].data, m->flat + shown, views[i].len);
        shown += views[i].len;
    }
    assert_true(shown > 0 || m->len == 0);
    size_t sent = prng_once_in(&m->prng, 3) ? shown : prng_below(&m->prng, shown + 1);
    outbox_sent(&m->outbox, &m->pool, sent);
    memmove(m->flat, m->flat + sent, m->len - sent);
    m->len -= sent;
    assert_true((m->outbox == NULL) == (m->len == 0));
}

static void
walk(struct model *m, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        size_t n = some(m);
        bool fits = m->len + n <= FLAT_BYTES;
        if (fits && prng_once_in(&m->prng, 4))
            put_referred(m, n);
        else if (fits && !prng_once_in(&m->prng, 3))
            put_copied(m, n);
        else
            send_some(m);
    }
}

static void
outbox_says_what_was_put(void **state)
{
    struct model *m = *state;
    walk(m, 20000);
    while (m->outbox != NULL)
        send_some(m);
    assert_int_equal(m->len, 0);
    assert_int_equal(m->referred, m->released);
}

static void
failed_puts_leave_no_trace(void **state)
{
    struct model *m = *state;
    for (unsigned i = 0; i < 200; i++) {
        m->mem.fail_at = m->mem.calls + 1 + prng_below(&m->prng, 4);
        walk(m, 50);
    }
    m->mem.fail_at = 0;
    while (m->outbox != NULL)
        send_some(m);
    assert_int_equal(m->len, 0);
}

static void
references_share_the_arena(void **state)
{
    struct model *m = *state;
    for (unsigned i = 0; i < 1000; i++) {
        put_copied(m, 10);
        put_referred(m, 100);
    }
    assert_true(m->mem.used_bytes < 4 * OUTBOX_CHUNK_BYTES);
}

static void
steady_traffic_allocates_nothing(void **state)
{
    struct model *m = *state;
    uint64_t calls = 0;
    for (unsigned turn = 0; turn < 100; turn++) {
        for (unsigned i = 0; i < 100; i++)
            put_copied(m, 500);
        outbox_sent(&m->outbox, &m->pool, m->len);
        m->len = 0;
        assert_null(m->outbox);
        if (turn > 0)
            assert_int_equal(m->mem.calls, calls);
        calls = m->mem.calls;
    }
}

static void
short_answers_cost_little(void **state)
{
    struct model *m = *state;
    put_copied(m, 4);
    assert_true(m->mem.used_bytes < 1100);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outbox_says_what_was_put, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_puts_leave_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(references_share_the_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steady_traffic_allocates_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_answers_cost_little, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
