/* cmd/queue.c - tambo queue: list, show, declare, purge, delete. */
#include <stdio.h>

#include "base/must.h"
#include "cmd/admin.h"
#include "cmd/cmd.h"

struct queue {
    struct admin admin;
    bool transient, auto_delete, passive, if_unused, if_empty;
};

#define AT(member) .offset = offsetof(struct queue, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 0, "transient", NULL, "declare: it does not outlive a restart of the server", OPTION_FLAG, AT(transient) },
    { 0, "auto-delete", NULL, "declare: it goes with its last consumer", OPTION_FLAG, AT(auto_delete) },
    { 0, "passive", NULL, "declare: only see whether it is there", OPTION_FLAG, AT(passive) },
    { 0, "if-unused", NULL, "delete: only without consumers", OPTION_FLAG, AT(if_unused) },
    { 0, "if-empty", NULL, "delete: only without messages", OPTION_FLAG, AT(if_empty) },
};
/* clang-format on */

static void
on_list(struct admin *admin, const json_t *ok)
{
    static const struct admin_column columns[] = {
        {"name",                     "NAME"     },
        { "messages_ready",          "READY"    },
        { "messages_unacknowledged", "UNACKED"  },
        { "consumers",               "CONSUMERS"},
        { "durable",                 "DURABLE"  },
        { "policy",                  "POLICY"   },
        { "arguments",               "ARGUMENTS"},
    };
    admin_print_list(admin, ok, columns, COUNT_OF(columns));
}

static void
begin_list(void *arg)
{
    admin_ask(arg, json_pack("{s:s}", "do", "list-queues"), on_list);
}

static void
begin_show(void *arg)
{
    struct admin *admin = arg;
    admin_ask(admin, json_pack("{s:s, s:s}", "do", "show", "queue", admin->words[0]), admin_print_object);
}

static void
on_declared(struct admin *admin, const struct amqp_method *m)
{
    const struct amqp_queue_declare_ok *ok = &m->queue_declare_ok;
    json_t *object = json_pack("{s:s%, s:I, s:I}", "queue", ok->queue.data, ok->queue.len, "messages",
                               (json_int_t)ok->message_count, "consumers", (json_int_t)ok->consumer_count);
    if (admin->json)
        admin_print_object(admin, object);
    else
        printf("%.*s\n", (int)ok->queue.len, (const char *)ok->queue.data);
    json_decref(object);
}

static void
begin_declare(void *arg)
{
    struct queue *queue = arg;
    struct amqp_method m = { .id = AMQP_QUEUE_DECLARE };

    m.queue_declare = (struct amqp_queue_declare){
        .queue = view_str(queue->admin.word_count > 0 ? queue->admin.words[0] : ""),
        .passive = queue->passive,
        .durable = !queue->transient,
        .auto_delete = queue->auto_delete,
        .arguments = field_table_view(&queue->admin.arguments),
    };
    queue->admin.done = on_declared;
    admin_call(&queue->admin, &m);
}

/* How many messages went; purge-ok and delete-ok are alike. */
static void
on_gone(struct admin *admin, const struct amqp_method *m)
{
    unsigned count = m->id == AMQP_QUEUE_PURGE_OK ? m->queue_purge_ok.message_count : m->queue_delete_ok.message_count;

    if (admin->json)
        printf("{\"messages\":%u}\n", count);
    else
        printf("%u messages\n", count);
}

static void
begin_purge(void *arg)
{
    struct admin *admin = arg;
    struct amqp_method m = { .id = AMQP_QUEUE_PURGE };

    m.queue_purge.queue = view_str(admin->words[0]);
    admin->done = on_gone;
    admin_call(admin, &m);
}

static void
begin_delete(void *arg)
{
    struct queue *queue = arg;
    struct amqp_method m = { .id = AMQP_QUEUE_DELETE };

    m.queue_delete = (struct amqp_queue_delete){
        .queue = view_str(queue->admin.words[0]),
        .if_unused = queue->if_unused,
        .if_empty = queue->if_empty,
    };
    queue->admin.done = on_gone;
    admin_call(&queue->admin, &m);
}

int
cmd_queue(int argc, char *const *argv)
{
    static const struct admin_verb verbs[] = {
        {"list",     "",        0, 0, begin_list   },
        { "show",    "QUEUE",   1, 1, begin_show   },
        { "declare", "[QUEUE]", 0, 1, begin_declare},
        { "purge",   "QUEUE",   1, 1, begin_purge  },
        { "delete",  "QUEUE",   1, 1, begin_delete },
    };
    struct queue queue = { 0 };
    struct option_group options = { "Queue", rows, COUNT_OF(rows), &queue };
    struct admin_spec spec = {
        "Lists, shows, declares, empties and deletes queues of an AMQP server; list and show need "
        "a Tambo.",
        verbs, COUNT_OF(verbs), &options
    };
    return admin_run(&queue.admin, "queue", &spec, argc, argv);
}
