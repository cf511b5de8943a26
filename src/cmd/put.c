/* cmd/put.c - tambo put: append messages to a queue, and wait until the server has them. */
#include "base/err.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/field.h"
#include "cmd/input.h"
#include "cmd/visit.h"

enum { PROPERTIES_ROOM = 14 * 260 };

struct put {
    struct visit visit;
    const char *queue, *message, *file, *exchange, *key;
    const char *content_type, *content_encoding, *correlation_id, *reply_to, *expiration, *message_id, *type, *app_id;
    struct field_table headers;
    uint64_t priority;
    bool whole_stdin, lines, null, persistent, transient, mandatory;

    struct input input;
    uint8_t *props;
    size_t props_len;
    uint64_t sent;
    bool begun;
};

/* ---- options ---------------------------------------------------------------------------------------------- */

static int
parse_header(void *into, char *const *words, struct complaint *complaint)
{
    struct put *put = into;
    return field_table_add(&put->headers, "--header", words[0], true, complaint);
}

static int
take_operand(void *into, char *const *words, struct complaint *complaint)
{
    struct put *put = into;

    if (put->queue != NULL && put->message != NULL)
        return complain(complaint, "unexpected argument '%s'", words[0]);
    *(put->queue == NULL ? &put->queue : &put->message) = words[0];
    return 0;
}

#define AT(member) .offset = offsetof(struct put, member)

/* clang-format off */
static const struct option_row message_rows[] = {
    { 'm', "message", "TEXT", "the message", OPTION_TEXT, AT(message) },
    { 'f', "file", "FILE", "the message is what FILE holds", OPTION_TEXT, AT(file) },
    { 's', "stdin-file", NULL, "the message is all of standard input", OPTION_FLAG, AT(whole_stdin) },
    { 'l', "stdin-line", NULL, "every line of standard input is a message", OPTION_FLAG, AT(lines) },
    { 'n', "null-message", NULL, "an empty message", OPTION_FLAG, AT(null) },
    { 0, "exchange", "NAME", "publish to this exchange, not straight to a queue", OPTION_TEXT, AT(exchange) },
    { 0, "key", "KEY", "with this routing key (the queue's name)", OPTION_TEXT, AT(key) },
    { 0, "mandatory", NULL, "fail when no queue gets it (always so without --exchange)", OPTION_FLAG, AT(mandatory) },
};
static const struct option_row property_rows[] = {
    { 0, "content-type", "TYPE", "such as text/plain", OPTION_TEXT, AT(content_type) },
    { 0, "content-encoding", "NAME", "such as gzip", OPTION_TEXT, AT(content_encoding) },
    { 0, "header", "KEY=VALUE", "a header; numbers, true and false are typed; repeatable", OPTION_CALL, .parse = parse_header },
    { 0, "priority", "N", "0 to 255", OPTION_NUMBER, AT(priority), 0, 255 },
    { 0, "expiration", "MS", "the message dies after so many milliseconds", OPTION_TEXT, AT(expiration) },
    { 0, "correlation-id", "TEXT", "what it answers", OPTION_TEXT, AT(correlation_id) },
    { 0, "reply-to", "QUEUE", "where answers go", OPTION_TEXT, AT(reply_to) },
    { 0, "message-id", "TEXT", "its id", OPTION_TEXT, AT(message_id) },
    { 0, "type", "TEXT", "its type", OPTION_TEXT, AT(type) },
    { 0, "app-id", "TEXT", "who sends it", OPTION_TEXT, AT(app_id) },
    { 0, "persistent", NULL, "it outlives a restart of the server (the default)", OPTION_FLAG, AT(persistent) },
    { 0, "transient", NULL, "it need not", OPTION_FLAG, AT(transient) },
};
/* clang-format on */

static void
set_text(struct amqp_properties *props, enum amqp_prop prop, struct view *at, const char *text)
{
    if (text == NULL)
        return;
    props->present |= (uint16_t)(1 << prop);
    *at = view_str(text);
}

/* Written once: they are the same for every line. */
static int
write_props(struct put *put)
{
    struct amqp_properties p = { .present = 1 << AMQP_DELIVERY_MODE, .delivery_mode = put->transient ? 1 : 2 };
    size_t room = PROPERTIES_ROOM + put->headers.len;

    set_text(&p, AMQP_CONTENT_TYPE, &p.content_type, put->content_type);
    set_text(&p, AMQP_CONTENT_ENCODING, &p.content_encoding, put->content_encoding);
    set_text(&p, AMQP_CORRELATION_ID, &p.correlation_id, put->correlation_id);
    set_text(&p, AMQP_REPLY_TO, &p.reply_to, put->reply_to);
    set_text(&p, AMQP_EXPIRATION, &p.expiration, put->expiration);
    set_text(&p, AMQP_MESSAGE_ID, &p.message_id, put->message_id);
    set_text(&p, AMQP_TYPE, &p.type, put->type);
    set_text(&p, AMQP_APP_ID, &p.app_id, put->app_id);
    if (put->headers.len > 0) {
        p.present |= 1 << AMQP_HEADERS;
        p.headers = field_table_view(&put->headers);
    }
    if (put->priority != UINT64_MAX) {
        p.present |= 1 << AMQP_PRIORITY;
        p.priority = (uint8_t)put->priority;
    }
    put->props = mem_raw(&put->visit.mem, room);
    if (put->props == NULL)
        return complain(&put->visit.complaint, "%s", err_text(-ERR_NO_MEMORY));
    struct pen pen = pen_of(put->props, room);
    amqp_properties_put(&pen, &p);
    if (pen.torn)
        return complain(&put->visit.complaint, "a property is longer than %d bytes", AMQP_SHORTSTR_MAX);
    put->props_len = (size_t)(pen.at - put->props);
    return 0;
}

/* ---- publishing ------------------------------------------------------------------------------------------- */

static int
publish(struct put *put, struct view body)
{
    struct amqp_basic_publish publish = {
        .exchange = view_str(put->exchange == NULL ? "" : put->exchange),
        .routing_key = view_str(put->key != NULL     ? put->key
                                : put->queue != NULL ? put->queue
                                                     : ""),
        .mandatory = put->mandatory || put->exchange == NULL,
    };
    int rc = amqp_client_publish(put->visit.client, VISIT_CHANNEL, &publish, view_of(put->props, put->props_len), body,
                                 put->sent);
    if (rc == 0)
        put->sent++;
    else if (rc != -ERR_AGAIN)
        visit_fail(&put->visit, "cannot publish: %s", err_text(rc));
    return rc;
}

static void
push_lines(struct put *put)
{
    struct view line;

    while (!put->visit.leaving && input_line(&put->input, &line)) {
        if (publish(put, line) < 0) {
            input_pause(&put->input, true);
            return;
        }
        input_took(&put->input, line);
    }
    input_pause(&put->input, false);
}

/* Publishes what is there and fits, and leaves when everything is confirmed. */
static void
push(void *arg)
{
    struct put *put = arg;
    bool all;

    if (!put->begun || put->visit.leaving)
        return;
    if (put->lines) {
        push_lines(put);
        all = put->input.ended && input_all(&put->input).len == 0;
    } else {
        if (put->sent == 0)
            (void)publish(put, put->message != NULL ? view_str(put->message) : input_all(&put->input));
        all = put->sent > 0;
    }
    if (all && amqp_client_unconfirmed(put->visit.client) == 0)
        visit_leave(&put->visit);
}

static void
begin(void *arg)
{
    struct put *put = arg;

    visit_call(&put->visit, &(struct amqp_method){ .id = AMQP_CONFIRM_SELECT }, 0);
    put->begun = true;
    push(put);
}

static void
on_confirmed(void *arg, uint16_t channel, uint64_t token, bool acked)
{
    struct put *put = arg;
    (void)channel;

    if (!acked)
        visit_fail(&put->visit, "message %llu was refused by the server", (unsigned long long)token + 1);
    push(put);
}

static void
on_returned(void *arg, const struct amqp_client_message *message, unsigned code, struct view text)
{
    struct put *put = arg;
    (void)code;

    if (put->exchange == NULL)
        visit_fail(&put->visit, "%.*s: no queue '%.*s' in vhost '%s'", (int)text.len, (const char *)text.data,
                   (int)message->routing_key.len, (const char *)message->routing_key.data, put->visit.vhost);
    else
        visit_fail(&put->visit, "%.*s: no queue is bound to exchange '%s' for '%.*s'", (int)text.len,
                   (const char *)text.data, put->exchange, (int)message->routing_key.len,
                   (const char *)message->routing_key.data);
}

static void
on_interrupt(void *arg)
{
    struct put *put = arg;
    uint64_t unconfirmed = amqp_client_unconfirmed(put->visit.client);

    visit_fail(&put->visit, "interrupted with %llu messages unconfirmed", (unsigned long long)unconfirmed);
}

/* ---- the start -------------------------------------------------------------------------------------------- */

static void
on_input(void *arg)
{
    struct put *put = arg;

    if (put->input.ended && put->input.failed != 0)
        visit_fail(&put->visit, "standard input: %s", err_text(put->input.failed));
    else
        push(put);
}

static const struct amqp_client_on client_on = { .confirmed = on_confirmed, .returned = on_returned, .ready = push };

static int
check(struct put *put)
{
    struct complaint *complaint = &put->visit.complaint;
    bool given = put->file != NULL || put->whole_stdin || put->lines || put->null;

    /* tambo put --exchange X MESSAGE */
    if (put->exchange != NULL && put->message == NULL && !given) {
        put->message = put->queue;
        put->queue = NULL;
    }
    int sources = (put->message != NULL) + (put->file != NULL) + put->whole_stdin + put->lines + put->null;

    if (put->queue == NULL && put->exchange == NULL)
        return complain(complaint, "no queue: say one, or --exchange");
    if (sources != 1)
        return complain(complaint, "say what to put by exactly one of MESSAGE, -f, -s, -l and -n");
    if (put->persistent && put->transient)
        return complain(complaint, "--persistent and --transient do not go together");
    return write_props(put);
}

/* Standard input as a whole is read before anything is dialed. */
static void
on_whole_input(void *arg)
{
    struct put *put = arg;

    if (!put->input.ended)
        return;
    if (put->input.failed != 0)
        visit_fail(&put->visit, "standard input: %s", err_text(put->input.failed));
    else if (visit_dial(&put->visit, &client_on, begin) < 0) {
        put->visit.exit_code = 1;
        visit_leave(&put->visit);
    }
}

static int
start(struct put *put)
{
    struct visit *visit = &put->visit;
    int rc = check(put);

    if (rc == 0 && put->file != NULL)
        rc = input_file(&put->input, put->file, &visit->complaint);
    if (rc == 0 && (put->lines || put->whole_stdin)) {
        rc = input_stdin(&put->input, put->lines ? on_input : on_whole_input, put);
        if (rc < 0)
            return complain(&visit->complaint, "%s", err_text(rc));
    }
    return rc < 0 || put->whole_stdin ? rc : visit_dial(visit, &client_on, begin);
}

int
cmd_put(int argc, char *const *argv)
{
    struct put put = { .priority = UINT64_MAX };
    visit_init(&put.visit, "put");
    put.visit.interrupted = on_interrupt;
    put.headers.mem = &put.visit.mem;
    struct option_group groups[] = {
        {"Message",     message_rows,  COUNT_OF(message_rows),  &put},
        { "Properties", property_rows, COUNT_OF(property_rows), &put},
        visit_options(&put.visit),
    };
    struct option_spec spec = {
        .usage = "tambo put [OPTION]... QUEUE {MESSAGE | -f FILE | -s | -l | -n}",
        .about = "Appends messages to a queue of an AMQP server and exits when the server has confirmed them.",
        .operand = "MESSAGE",
        .on_operand = take_operand,
        .operand_into = &put,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    if (cmd_options("put", &spec, argc, argv, &code) == 0 && (code = visit_open(&put.visit)) == 0) {
        input_init(&put.input, put.visit.io);
        code = visit_finish(&put.visit, start(&put));
        input_fini(&put.input);
    }
    mem_free(&put.visit.mem, put.props);
    field_table_fini(&put.headers);
    return code;
}
