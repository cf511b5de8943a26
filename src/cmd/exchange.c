/* cmd/exchange.c - tambo exchange: list, declare, delete; tambo bind and unbind. */
#include <stdio.h>

#include "base/must.h"
#include "cmd/admin.h"
#include "cmd/cmd.h"

struct exchange {
    struct admin admin;
    const char *type, *key;
    bool transient, auto_delete, internal, passive, if_unused, between;
};

#define AT(member) .offset = offsetof(struct exchange, member)

/* clang-format off */
static const struct option_row exchange_rows[] = {
    { 't', "type", "TYPE", "declare: direct, fanout, topic, headers, ... (direct)", OPTION_TEXT, AT(type) },
    { 0, "transient", NULL, "declare: it does not outlive a restart of the server", OPTION_FLAG, AT(transient) },
    { 0, "auto-delete", NULL, "declare: it goes with its last binding", OPTION_FLAG, AT(auto_delete) },
    { 0, "internal", NULL, "declare: only other exchanges publish to it", OPTION_FLAG, AT(internal) },
    { 0, "passive", NULL, "declare: only see whether it is there", OPTION_FLAG, AT(passive) },
    { 0, "if-unused", NULL, "delete: only without bindings", OPTION_FLAG, AT(if_unused) },
};
/* clang-format on */

static int
parse_header(void *into, char *const *words, struct complaint *complaint)
{
    struct exchange *exchange = into;
    return field_table_add(&exchange->admin.arguments, "--header", words[0], true, complaint);
}

/* clang-format off */
static const struct option_row bind_rows[] = {
    { 'k', "key", "KEY", "routing key or pattern (empty)", OPTION_TEXT, AT(key) },
    { 0, "header", "KEY=VALUE", "a header that messages must have, as --arg; x-match=any: one of them; repeatable",
      OPTION_CALL, .parse = parse_header },
    { 0, "exchange-to-exchange", NULL, "the destination is an exchange, not a queue", OPTION_FLAG, AT(between) },
};
/* clang-format on */

/* ---- exchanges -------------------------------------------------------------------------------------------- */

static void
on_list(struct admin *admin, const json_t *ok)
{
    static const struct admin_column columns[] = {
        {"name",         "NAME"       },
        { "type",        "TYPE"       },
        { "durable",     "DURABLE"    },
        { "auto_delete", "AUTO-DELETE"},
        { "internal",    "INTERNAL"   },
        { "policy",      "POLICY"     },
        { "arguments",   "ARGUMENTS"  },
    };
    admin_print_list(admin, ok, columns, COUNT_OF(columns));
}

static void
begin_list(void *arg)
{
    admin_ask(arg, json_pack("{s:s}", "do", "list-exchanges"), on_list);
}

static void
on_bindings(struct admin *admin, const json_t *ok)
{
    static const struct admin_column columns[] = {
        {"source",            "SOURCE"     },
        { "destination",      "DESTINATION"},
        { "destination_type", "TYPE"       },
        { "routing_key",      "KEY"        },
        { "arguments",        "ARGUMENTS"  },
    };
    admin_print_list(admin, ok, columns, COUNT_OF(columns));
}

static void
begin_bindings(void *arg)
{
    admin_ask(arg, json_pack("{s:s}", "do", "list-bindings"), on_bindings);
}

static void
begin_declare(void *arg)
{
    struct exchange *exchange = arg;
    struct amqp_method m = { .id = AMQP_EXCHANGE_DECLARE };

    m.exchange_declare = (struct amqp_exchange_declare){
        .exchange = view_str(exchange->admin.words[0]),
        .type = view_str(exchange->type),
        .passive = exchange->passive,
        .durable = !exchange->transient,
        .auto_delete = exchange->auto_delete,
        .internal = exchange->internal,
        .arguments = field_table_view(&exchange->admin.arguments),
    };
    admin_call(&exchange->admin, &m);
}

static void
begin_delete(void *arg)
{
    struct exchange *exchange = arg;
    struct amqp_method m = { .id = AMQP_EXCHANGE_DELETE };

    m.exchange_delete.exchange = view_str(exchange->admin.words[0]);
    m.exchange_delete.if_unused = exchange->if_unused;
    admin_call(&exchange->admin, &m);
}

int
cmd_exchange(int argc, char *const *argv)
{
    static const struct admin_verb verbs[] = {
        {"list",      "",         0, 0, begin_list    },
        { "bindings", "",         0, 0, begin_bindings},
        { "declare",  "EXCHANGE", 1, 1, begin_declare },
        { "delete",   "EXCHANGE", 1, 1, begin_delete  },
    };
    struct exchange exchange = { .type = "direct" };
    struct option_group options = { "Exchange", exchange_rows, COUNT_OF(exchange_rows), &exchange };
    struct admin_spec spec = { "Lists, declares and deletes exchanges of an AMQP server, and lists what is bound to "
                               "them; the lists need a Tambo.",
                               verbs, COUNT_OF(verbs), &options };
    return admin_run(&exchange.admin, "exchange", &spec, argc, argv);
}

/* ---- bindings --------------------------------------------------------------------------------------------- */

static struct amqp_method
exchange_method(const struct exchange *exchange, uint32_t id)
{
    struct amqp_method m = { .id = id };

    m.exchange_bind = (struct amqp_exchange_bind){
        .destination = view_str(exchange->admin.words[1]),
        .source = view_str(exchange->admin.words[0]),
        .routing_key = view_str(exchange->key),
        .arguments = field_table_view(&exchange->admin.arguments),
    };
    return m;
}

static void
begin_bind(void *arg)
{
    struct exchange *exchange = arg;
    struct amqp_method m = exchange_method(exchange, AMQP_EXCHANGE_BIND);

    if (!exchange->between) {
        m.id = AMQP_QUEUE_BIND;
        m.queue_bind = (struct amqp_queue_bind){
            .queue = view_str(exchange->admin.words[1]),
            .exchange = view_str(exchange->admin.words[0]),
            .routing_key = view_str(exchange->key),
            .arguments = field_table_view(&exchange->admin.arguments),
        };
    }
    admin_call(&exchange->admin, &m);
}

static void
begin_unbind(void *arg)
{
    struct exchange *exchange = arg;
    struct amqp_method m = exchange_method(exchange, AMQP_EXCHANGE_UNBIND);

    if (!exchange->between) {
        m.id = AMQP_QUEUE_UNBIND;
        m.queue_unbind = (struct amqp_queue_unbind){
            .queue = view_str(exchange->admin.words[1]),
            .exchange = view_str(exchange->admin.words[0]),
            .routing_key = view_str(exchange->key),
            .arguments = field_table_view(&exchange->admin.arguments),
        };
    }
    admin_call(&exchange->admin, &m);
}

static int
bind_or_unbind(const char *command, const char *about, void (*begin)(void *arg), int argc, char *const *argv)
{
    struct exchange exchange = { .key = "" };
    struct admin_verb verb = { NULL, "SOURCE DESTINATION", 2, 2, begin };
    struct option_group options = { "Binding", bind_rows, COUNT_OF(bind_rows), &exchange };
    struct admin_spec spec = { about, &verb, 1, &options };

    return admin_run(&exchange.admin, command, &spec, argc, argv);
}

int
cmd_bind(int argc, char *const *argv)
{
    return bind_or_unbind("bind", "Binds a queue, or an exchange, to an exchange of an AMQP server.", begin_bind, argc,
                          argv);
}

int
cmd_unbind(int argc, char *const *argv)
{
    return bind_or_unbind("unbind", "Takes a binding away.", begin_unbind, argc, argv);
}
