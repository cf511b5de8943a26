/* Readers of streams: everything from where they began, in order, once; retention; restarts (queue_rig.h). */
#include "queue/queue_rig.h"
#include "queue/stream.h"

struct page_turner {
    struct stream_reader reader;
    struct rig *rig;
    uint64_t first, last, count;
    bool greedy;
};

static void
on_deliver(struct stream_reader *reader, uint64_t seq, struct publication *pub, struct entry_meta meta)
{
    struct page_turner *t = container_of(reader, struct page_turner, reader);
    const struct fact *fact = &t->rig->queues[0].facts[seq];
    assert_true(seq > t->last);
    assert_int_equal(pub->env.body.len, fact->len);
    assert_int_equal(entry_meta_pack(meta), fact->meta);
    t->first = t->count == 0 ? seq : t->first;
    t->last = seq;
    t->count++;
    if (t->greedy)
        stream_credit(reader, 1);
}

static const struct stream_reader_ops ops = { .deliver = on_deliver };

static struct queue *
stream(struct rig *rig)
{
    return rig->queues[0].queue;
}

static struct rig *
stream_rig(uint64_t seed, bool durable)
{
    struct rig *rig = rig_new(seed, durable);
    queue_keep(stream(rig));
    return rig;
}

static void
begin(struct rig *rig, struct page_turner *t, enum stream_from from, uint64_t value, uint32_t credit)
{
    *t = (struct page_turner){ .rig = rig };
    assert_int_equal(stream_attach(&t->reader, stream(rig), &ops, from, value), 0);
    stream_credit(&t->reader, credit);
}

static void
push_many(struct rig *rig, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(rig_push(rig, 1, i % 50, 0), 0);
        if (i % 200 == 199)
            rig_turn(rig);
    }
}

static void
read_all(struct rig *rig, struct page_turner *t)
{
    t->greedy = true;
    stream_credit(&t->reader, 10);
    for (unsigned n = 0; t->reader.next < queue_next_seq(stream(rig)); n++) {
        assert_true(n < 20000);
        rig_turn(rig);
    }
}

static void
test_all_readers_get_everything_in_order(void **state)
{
    (void)state;
    for (unsigned durable = 0; durable <= 1; durable++) {
        struct rig *rig = stream_rig(1, durable);
        struct page_turner early, late, slow;
        begin(rig, &early, STREAM_FIRST, 0, 1000000);
        push_many(rig, 9000);
        rig_settle(rig);
        assert_int_equal(early.count, 9000);
        begin(rig, &late, STREAM_FIRST, 0, 0);
        begin(rig, &slow, STREAM_FIRST, 0, 700);
        read_all(rig, &late);
        assert_int_equal(late.count, 9000);
        rig_settle(rig);
        assert_int_equal(slow.count, 700);
        assert_int_equal(queue_ready(stream(rig)), 9000);
        stream_detach(&slow.reader);
        stream_detach(&late.reader);
        push_many(rig, 1);
        rig_settle(rig);
        assert_int_equal(early.last, 9001);
        rig_free(rig);
        assert_null(early.reader.queue);
    }
}

static void
test_readers_begin_where_they_want(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(2, true);
    struct page_turner last, next, seq, time;
    push_many(rig, 4000);
    rig_pass(rig, 100);
    uint64_t noon = io_wall_ms(rig->io);
    push_many(rig, 3000);
    begin(rig, &last, STREAM_LAST, 0, 1000000);
    begin(rig, &next, STREAM_NEXT, 0, 1000000);
    begin(rig, &seq, STREAM_SEQ, 2500, 1000000);
    begin(rig, &time, STREAM_TIME, noon, 1000000);
    push_many(rig, 10);
    rig_settle(rig);
    assert_int_equal(last.first, 7000);
    assert_int_equal(next.first, 7001);
    assert_int_equal(seq.first, 2500);
    assert_int_equal(time.first, 4001);
    assert_int_equal(last.count, 11);
    assert_int_equal(next.count, 10);
    assert_int_equal(seq.count, 7010 - 2499);
    assert_int_equal(time.count, 3010);
    rig_free(rig);
}

static void
test_streams_outlive_power(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(3, true);
    struct page_turner t;
    push_many(rig, 6000);
    begin(rig, &t, STREAM_FIRST, 0, 0);
    read_all(rig, &t);
    rig_checkpoint_all(rig);
    push_many(rig, 500);
    rig_settle(rig);
    rig_crash(rig, true);
    rig_boot(rig);
    queue_keep(stream(rig));
    begin(rig, &t, STREAM_SEQ, 5000, 0);
    read_all(rig, &t);
    assert_int_equal(t.first, 5000);
    assert_int_equal(t.count, 6500 - 4999);
    rig_free(rig);
}

static void
test_the_head_goes_by_size_and_age(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(4, true);
    struct page_turner t;
    struct queue_limits limits = {
        .count_max = UINT64_MAX, .bytes_max = 200000, .overflow = QUEUE_DROP_OLDEST, .ttl_ms = 2000
    };
    rig->limits = limits;
    queue_limit(stream(rig), limits);
    push_many(rig, 8000);
    rig_settle(rig);
    push_many(rig, 1);
    uint64_t ready = queue_ready(stream(rig));
    assert_in_range(queue_bytes(stream(rig)), 100000, 200000 + 100); /* the newest counts without its head */
    begin(rig, &t, STREAM_FIRST, 0, 0);
    read_all(rig, &t);
    assert_int_equal(t.count, ready);
    assert_int_equal(t.last, 8001);
    rig_pass(rig, 2500);
    assert_int_equal(queue_ready(stream(rig)), 0);
    rig_free(rig);
}

/* Pages leave again behind the readers. */
static void
test_reading_takes_little_memory(void **state)
{
    (void)state;
    enum { DEPTH = 50000 };
    struct rig *rig = stream_rig(5, true);
    struct page_turner t;
    push_many(rig, DEPTH);
    rig_settle(rig);
    size_t before = rig->queue_mem.used_bytes;
    begin(rig, &t, STREAM_FIRST, 0, 0);
    t.greedy = true;
    stream_credit(&t.reader, 10);
    while (t.count < DEPTH) {
        rig_turn(rig);
        assert_true(rig->queue_mem.used_bytes < before + 512 * 1024);
    }
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_readers_get_everything_in_order),
        cmocka_unit_test(test_readers_begin_where_they_want),
        cmocka_unit_test(test_streams_outlive_power),
        cmocka_unit_test(test_the_head_goes_by_size_and_age),
        cmocka_unit_test(test_reading_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
