/* rpcgen/call_test.c - stubs on both sides of a connection: each kind of argument and result goes there and comes back,
 * in every way of calling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "every.h"

enum { PATIENCE_MS = 30000 };

struct world {
    struct tambo *near, *far;
    struct tambo_rpc_server *server;
    struct tambo_rpc_client *client, *second, *other;
    _Atomic unsigned stored;
    int32_t last;
};

/* ---- handlers ----------------------------------------------------------------------------------------------- */

static int
on_add_1(void *arg, struct tambo_rpc_request *request, int32_t value1, int32_t value2, int32_t *ret)
{
    (void)arg;
    (void)request;
    *ret = value1 - value2; /* so that their order shows */
    return 0;
}

static int
on_echo(void *arg, struct tambo_rpc_request *request, const struct everything *value, struct everything *ret)
{
    (void)arg;
    (void)request;
    *ret = *value;
    return 0;
}

static int
on_name_of(void *arg, struct tambo_rpc_request *request, const cookie value1, enum color value2, const char *value3,
           char **ret)
{
    (void)arg;
    *ret = tambo_arena_take(tambo_rpc_arena(request), NAME_MAX_BYTES + 1);
    if (*ret == NULL || value2 != GREEN || value1[COOKIE_BYTES - 1] != 9)
        return -TAMBO_ERR_DENIED;
    strcpy(*ret, value3);
    strcat(*ret, "!");
    return 0;
}

static int
on_store(void *arg, struct tambo_rpc_request *request, const struct point *value1, const struct entry *value2,
         const blob *value3, const char *value4, bool value5)
{
    struct world *world = arg;
    bool as_sent = value1->x == 3 && value1->y == -3 && value2->number == 5 && value2->next->number == 6 &&
                   value2->next->next == NULL && value3->len == 2 && memcmp(value3->data, "ab", 2) == 0;

    (void)request;
    if (!as_sent || !value5 || strcmp(value4, "text") != 0)
        return -TAMBO_ERR_DENIED;
    atomic_fetch_add(&world->stored, 1);
    return 0;
}

static int
on_cookie_of(void *arg, struct tambo_rpc_request *request, double value, cookie ret)
{
    (void)arg;
    (void)request;
    memset(ret, (int)value, COOKIE_BYTES);
    return 0;
}

/* Answered later: here at once, by the function for that. */
static int
on_list(void *arg, struct tambo_rpc_request *request, const titles *value, struct entry **ret)
{
    struct entry list[3];

    (void)arg;
    (void)ret;
    for (uint32_t i = 0; i < value->count; i++) {
        list[i].name = value->items[i];
        list[i].number = (int32_t)i;
        list[i].next = i + 1 < value->count ? &list[i + 1] : NULL;
    }
    every_list_reply(request, value->count == 0 ? NULL : list);
    return TAMBO_RPC_LATER;
}

static int
on_sign(void *arg, struct tambo_rpc_request *request, const table value, struct maybe *ret)
{
    (void)arg;
    (void)request;
    ret->there = value[1][2] != 0;
    ret->u.value = value[1][2];
    return 0;
}

static int
on_add_2(void *arg, struct tambo_rpc_request *request, int64_t value1, int64_t value2, int64_t *ret)
{
    (void)arg;
    (void)request;
    *ret = value1 + value2;
    return 0;
}

static int
on_mix(void *arg, struct tambo_rpc_request *request, enum color value, enum color *ret)
{
    (void)arg;
    (void)request;
    *ret = value == RED ? GREEN : BLUE;
    return 0;
}

static int
on_other_store(void *arg, struct tambo_rpc_request *request, int32_t value)
{
    struct world *world = arg;

    (void)request;
    world->last = value;
    return 0;
}

/* TICK has no handler. */
static const struct every_every_v1_handlers first = {
    .add_1 = on_add_1,
    .echo = on_echo,
    .name_of = on_name_of,
    .every_prog_store = on_store,
    .cookie_of = on_cookie_of,
    .list = on_list,
    .sign = on_sign,
};
static const struct every_every_v2_handlers second = { .add_2 = on_add_2, .mix = on_mix };
static const struct every_other_v1_handlers other = { .other_prog_store = on_other_store };

static int
begin(void **state)
{
    static struct world world;
    char address[128];

    world = (struct world){ .last = 0 };
    assert_int_equal(tambo_new(&world.near), 0);
    assert_int_equal(tambo_new(&world.far), 0);
    assert_int_equal(tambo_rpc_server(world.far, &world.server), 0);
    assert_int_equal(tambo_rpc_server_set(world.server, TAMBO_RPC_SERVER_REGISTER, 0), 0);
    assert_int_equal(tambo_rpc_serve(world.server, &every_every_v1_program, &first, &world), 0);
    assert_int_equal(tambo_rpc_serve(world.server, &every_every_v2_program, &second, &world), 0);
    assert_int_equal(tambo_rpc_serve(world.server, &every_other_v1_program, &other, &world), 0);
    assert_int_equal(tambo_rpc_listen(world.server, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(tambo_rpc_address(world.server, address, sizeof(address)), 0);
    assert_int_equal(every_every_v1_client(world.near, address, &world.client), 0);
    assert_int_equal(every_every_v2_client(world.near, address, &world.second), 0);
    assert_int_equal(every_other_v1_client(world.near, address, &world.other), 0);
    *state = &world;
    return 0;
}

static int
end(void **state)
{
    struct world *world = *state;

    tambo_rpc_client_free(world->client);
    tambo_rpc_client_free(world->second);
    tambo_rpc_client_free(world->other);
    tambo_rpc_server_free(world->server);
    tambo_free(world->near);
    tambo_free(world->far);
    return 0;
}

/* ---- arguments and results ------------------------------------------------------------------------------------ */

static void
test_numbers(void **state)
{
    struct world *world = *state;
    int32_t difference;
    int64_t sum;
    enum color color;
    uint64_t tick;

    assert_int_equal(every_every_null(world->client), 0);
    assert_int_equal(every_add_1(world->client, 5, 7, &difference), 0);
    assert_int_equal(difference, -2);
    assert_int_equal(every_add_2(world->second, INT64_MAX, -1, &sum), 0);
    assert_true(sum == INT64_MAX - 1);
    assert_int_equal(every_mix(world->second, RED, &color), 0);
    assert_int_equal(color, GREEN);
    assert_int_equal(every_other_prog_store(world->other, -77), 0);
    assert_int_equal(world->last, -77);
    assert_int_equal(every_tick(world->client, &tick), -TAMBO_ERR_PROCEDURE);
}

static void
test_texts_and_arrays(void **state)
{
    struct world *world = *state;
    struct tambo_arena arena = { 0 };
    cookie jar = { [COOKIE_BYTES - 1] = 9 };
    table cells = {
        {0  },
        { 0, 0, 42 }
    };
    struct maybe perhaps;
    char *name;

    assert_int_equal(every_name_of(world->client, jar, GREEN, "eve", &arena, &name), 0);
    assert_string_equal(name, "eve!");
    assert_int_equal(every_name_of(world->client, jar, RED, "eve", &arena, &name), -TAMBO_ERR_DENIED);
    assert_int_equal(every_name_of(world->client, jar, GREEN, "123456789012345678901", &arena, &name),
                     -TAMBO_ERR_ARGUMENTS);
    assert_int_equal(every_cookie_of(world->client, 7.0, jar), 0);
    assert_int_equal(jar[0], 7);
    assert_int_equal(every_sign(world->client, (const grid *)cells, &perhaps), 0);
    assert_true(perhaps.there && perhaps.u.value == 42);
    tambo_arena_free(&arena);
}

static void
test_pointers(void **state)
{
    struct world *world = *state;
    struct tambo_arena arena = { 0 };
    struct entry tail = { .name = (char *)"b", .number = 6 },
                 list = { .name = (char *)"a", .number = 5, .next = &tail };
    struct point point = { 3, -3 };
    blob bytes = { (const uint8_t *)"ab", 2 };
    title names[3] = { (char *)"x", (char *)"y", (char *)"z" };
    titles three = { names, 3 }, none = { NULL, 0 };
    struct entry *got;

    assert_int_equal(every_every_prog_store(world->client, &point, &list, &bytes, "text", true), 0);
    assert_int_equal(world->stored, 1);
    assert_int_equal(every_list(world->client, &three, &arena, &got), 0);
    for (int32_t i = 0; i < 3; i++, got = got->next) {
        assert_int_equal(got->number, i);
        assert_string_equal(got->name, names[i]);
    }
    assert_null(got);
    assert_int_equal(every_list(world->client, &none, &arena, &got), 0);
    assert_null(got);
    tail.next = &list; /* a cycle */
    assert_int_equal(every_every_prog_store(world->client, &point, &list, &bytes, "text", true), -TAMBO_ERR_ARGUMENTS);
    assert_int_equal(world->stored, 1);
    tambo_arena_free(&arena);
}

/* ---- ways of calling ---------------------------------------------------------------------------------------- */

static void
test_deferred(void **state)
{
    enum { CALLS = 50 };
    struct world *world = *state;
    struct tambo_rpc_call *calls[CALLS];
    struct tambo_arena arena = { 0 };
    cookie jar = { [COOKIE_BYTES - 1] = 9 };
    int32_t difference;
    char *name;

    for (int32_t i = 0; i < CALLS; i++)
        assert_int_equal(every_add_1_begin(world->client, i, 100, &calls[i]), 0);
    for (int32_t i = CALLS - 1; i >= 0; i--) {
        assert_int_equal(every_add_1_end(calls[i], &difference), 0);
        assert_int_equal(difference, i - 100);
    }
    assert_int_equal(every_name_of_begin(world->client, jar, GREEN, "eve", &calls[0]), 0);
    memset(jar, 0, sizeof(jar)); /* it was encoded */
    assert_int_equal(tambo_rpc_wait(calls[0], PATIENCE_MS), 0);
    assert_int_equal(every_name_of_end(calls[0], &arena, &name), 0);
    assert_string_equal(name, "eve!");
    tambo_arena_free(&arena);
}

/* On one connection a call comes behind what was sent before it. */
static void
test_sent_and_cast(void **state)
{
    struct world *world = *state;
    struct entry tail = { .name = (char *)"b", .number = 6 },
                 list = { .name = (char *)"a", .number = 5, .next = &tail };
    struct point point = { 3, -3 };
    blob bytes = { (const uint8_t *)"ab", 2 };

    assert_int_equal(every_every_prog_store_send(world->client, &point, &list, &bytes, "text", true), 0);
    assert_int_equal(every_every_prog_store_cast(world->client, &point, &list, &bytes, "text", true), 0);
    assert_int_equal(every_every_null(world->client), 0);
    assert_int_equal(world->stored, 2);
}

static void
test_each(void **state)
{
    struct world *world = *state;
    struct tambo_rpc_client *clients[3] = { world->client, world->client, world->client };
    struct tambo_rpc_policy all = { .enough = 0 };
    struct tambo_rpc_answer answers[3];
    struct tambo_arena arena = { 0 };
    cookie jar = { [COOKIE_BYTES - 1] = 9 };

    assert_int_equal(every_add_1_each(clients, 3, &all, 9, 4, &arena, answers), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(answers[i].rc, 0);
        assert_int_equal(*(const int32_t *)answers[i].ret, 5);
    }
    assert_int_equal(every_name_of_each(clients, 3, &all, jar, GREEN, "eve", &arena, answers), 0);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(*(char *const *)answers[i].ret, "eve!");
    tambo_arena_free(&arena);
}

/* What the server was made of, to the letter. */
static void
test_interface(void **state)
{
    (void)state;
    assert_int_equal(every_every_v1_program.program, 0x20000099);
    assert_int_equal(every_every_v1_program.count, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(every_every_v1_program.procedures[i].number, i + 1);
    assert_string_equal(every_every_v1_program.procedures[6].name, "NAME_OF");
    assert_non_null(strstr(every_every_v1_program.idl, "/* One that goes both ways. */\nstruct node {\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, begin, end),
        cmocka_unit_test_setup_teardown(test_texts_and_arrays, begin, end),
        cmocka_unit_test_setup_teardown(test_pointers, begin, end),
        cmocka_unit_test_setup_teardown(test_deferred, begin, end),
        cmocka_unit_test_setup_teardown(test_sent_and_cast, begin, end),
        cmocka_unit_test_setup_teardown(test_each, begin, end),
        cmocka_unit_test(test_interface),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
