/* cmd/get.c - tambo get: take messages from a queue, waiting for them; tambo poll: take what is there.
 *
 * A message is acknowledged when it has been written out, never before.  Of what a consumer is sent nothing may be too
 * much, or it would come back marked as redelivered: get keeps delivered - acknowledged below what it was asked for. */
#include "base/err.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/field.h"
#include "cmd/visit.h"

#include <stdio.h>

enum { PREFETCH_MAX = 1000, FOREVER = 0 };

struct get {
    struct visit visit;
    const char *queue;
    uint64_t count, timeout_ns;
    bool json, no_newline;

    struct io_timer timer;
    uint64_t prefetch, received, acked; /* delivery tags count from 1: these are tags too */
    uint64_t polled;                    /* the tag that poll acknowledges next, 0: none */
};

static int
take_operand(void *into, char *const *words, struct complaint *complaint)
{
    struct get *get = into;

    if (get->queue != NULL)
        return complain(complaint, "unexpected argument '%s'", words[0]);
    get->queue = words[0];
    return 0;
}

#define AT(member) .offset = offsetof(struct get, member)

/* clang-format off */
static const struct option_row output_rows[] = {
    { 'N', "no-newline", NULL, "no end of line after a message", OPTION_FLAG, AT(no_newline) },
    { 0, "json", NULL, "print each message as a JSON object on a line", OPTION_FLAG, AT(json) },
};
static const struct option_row get_rows[] = {
    { 'n', "count", "N", "take N messages; 0: for ever (1)", OPTION_NUMBER, AT(count), 0 },
    { 'W', "timeout", "SECONDS", "exit after so long, with 1 when not all N came", OPTION_SECONDS, AT(timeout_ns) },
};
static const struct option_row poll_rows[] = {
    { 'n', "count", "N", "take N messages at most (1)", OPTION_NUMBER, AT(count), 1 },
};
/* clang-format on */

static void
print(struct get *get, const struct amqp_client_message *message)
{
    if (get->json) {
        json_t *object = message_json(&get->visit.mem, message);
        json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
    } else if (message->body.len > 0) {
        fwrite(message->body.data, 1, message->body.len, stdout);
    }
    if (!get->no_newline)
        putchar('\n');
}

static void
acknowledge(struct get *get, uint64_t tag)
{
    struct amqp_method ack = {
        .id = AMQP_BASIC_ACK, .basic_ack = {tag, true}
    };
    int rc = amqp_client_tell(get->visit.client, VISIT_CHANNEL, &ack);

    if (rc < 0)
        visit_fail(&get->visit, "cannot acknowledge: %s", err_text(rc));
    get->acked = tag;
}

/* ---- get -------------------------------------------------------------------------------------------------- */

static void
begin_get(void *arg)
{
    struct get *get = arg;
    struct amqp_method qos = { .id = AMQP_BASIC_QOS }, consume = { .id = AMQP_BASIC_CONSUME };

    get->prefetch = get->count == FOREVER || get->count > PREFETCH_MAX ? PREFETCH_MAX : get->count;
    qos.basic_qos.prefetch_count = (uint16_t)get->prefetch;
    consume.basic_consume.queue = view_str(get->queue);
    consume.basic_consume.consumer_tag = view_str("get");
    visit_call(&get->visit, &qos, 0);
    visit_call(&get->visit, &consume, 0);
}

static void
on_message(void *arg, const struct amqp_client_message *message)
{
    struct get *get = arg;

    if (get->visit.leaving || (get->count != FOREVER && get->received == get->count))
        return;
    get->received = message->delivery_tag;
    print(get, message);
}

/* The consumer goes before its last messages are acknowledged: nothing more is sent to it. */
static void
on_flushed(void *arg)
{
    struct get *get = arg;
    uint64_t upto = get->received, held = get->count == FOREVER ? UINT64_MAX : get->count - get->prefetch;
    struct amqp_method cancel = { .id = AMQP_BASIC_CANCEL };

    if (get->count != FOREVER && get->received == get->count) {
        cancel.basic_cancel.consumer_tag = view_str("get");
        visit_call(&get->visit, &cancel, 0);
        acknowledge(get, upto);
        visit_leave(&get->visit);
        return;
    }
    if (upto > held)
        upto = held;
    if (upto > get->acked)
        acknowledge(get, upto);
}

static void
on_cancelled(void *arg, uint16_t channel, struct view consumer_tag)
{
    struct get *get = arg;
    (void)channel;
    (void)consumer_tag;
    visit_fail(&get->visit, "queue '%s' was deleted", get->queue);
}

/* What was printed and is not acknowledged yet is so now. */
static void
stop(void *arg)
{
    struct get *get = arg;

    if (get->visit.dialed && get->received > get->acked && !get->visit.leaving && fflush(stdout) == 0)
        acknowledge(get, get->received);
    visit_leave(&get->visit);
}

static void
on_timeout(void *arg)
{
    struct get *get = arg;

    if (get->count != FOREVER) {
        complain(&get->visit.complaint, "timed out after %llu of %llu messages", (unsigned long long)get->received,
                 (unsigned long long)get->count);
        get->visit.exit_code = 1;
    }
    stop(get);
}

static const struct amqp_client_on get_on = { .message = on_message, .cancelled = on_cancelled };

/* ---- poll ------------------------------------------------------------------------------------------------- */

static void
begin_poll(void *arg)
{
    struct get *get = arg;
    struct amqp_method m = { .id = AMQP_BASIC_GET };

    m.basic_get.queue = view_str(get->queue);
    visit_call(&get->visit, &m, 1);
}

static void
on_got(void *arg, uint64_t token, const struct amqp_client_message *message)
{
    struct get *get = arg;
    (void)token;

    print(get, message);
    get->received++;
    get->polled = message->delivery_tag;
}

static void
on_polled(void *arg)
{
    struct get *get = arg;

    if (get->polled == 0)
        return;
    acknowledge(get, get->polled);
    get->polled = 0;
    if (get->received == get->count)
        visit_leave(&get->visit);
    else
        begin_poll(get);
}

static void
on_answered(void *arg, uint16_t channel, uint64_t token, const struct amqp_method *m)
{
    struct get *get = arg;
    (void)channel;

    if (m == NULL || token != 1)
        return;
    if (get->received == 0)
        get->visit.exit_code = 1; /* without a word: that it is empty is an answer */
    visit_leave(&get->visit);
}

static const struct amqp_client_on poll_on = { .got = on_got, .answered = on_answered };

/* ---- the start -------------------------------------------------------------------------------------------- */

static int
start(struct get *get, bool poll)
{
    struct visit *visit = &get->visit;
    int rc = get->queue == NULL ? complain(&visit->complaint, "no queue: say one") : 0;

    if (rc == 0 && get->timeout_ns > 0)
        rc = io_timer_set(visit->io, &get->timer, io_now_ns(visit->io) + get->timeout_ns, on_timeout, get);
    if (rc < 0)
        return rc;
    visit->flushed = poll ? on_polled : on_flushed;
    visit->interrupted = poll ? NULL : stop;
    return visit_dial(visit, poll ? &poll_on : &get_on, poll ? begin_poll : begin_get);
}

static int
take(int argc, char *const *argv, bool poll)
{
    struct get get = { .count = 1 };
    const char *command = poll ? "poll" : "get";
    visit_init(&get.visit, command);
    struct option_group groups[] = {
        {"Messages", poll ? poll_rows : get_rows, poll ? COUNT_OF(poll_rows) : COUNT_OF(get_rows), &get},
        { "Output",  output_rows,                 COUNT_OF(output_rows),                           &get},
        visit_options(&get.visit),
    };
    struct option_spec spec = {
        .usage = poll ? "tambo poll [OPTION]... QUEUE" : "tambo get [OPTION]... QUEUE",
        .about =
            poll ? "Takes the first message of a queue of an AMQP server and prints it; exits with 1 when there is "
                   "none."
                 : "Takes the first message of a queue of an AMQP server and prints it, waiting until there is one.",
        .operand = "QUEUE",
        .on_operand = take_operand,
        .operand_into = &get,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    if (cmd_options(command, &spec, argc, argv, &code) == 0 && (code = visit_open(&get.visit)) == 0)
        code = visit_finish(&get.visit, start(&get, poll));
    return code;
}

int
cmd_get(int argc, char *const *argv)
{
    return take(argc, argv, false);
}

int
cmd_poll(int argc, char *const *argv)
{
    return take(argc, argv, true);
}
