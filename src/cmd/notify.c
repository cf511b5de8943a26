/* cmd/notify.c - tambo notify: run a command for every message of a queue.
 *
 * A message is a job: its body is the command's standard input, its properties are in the environment.  The command's
 * exit code settles it: 0 acknowledges, anything else puts it back (or, with --reject, lets it die).  As many messages
 * are asked for as may run at once, so what waits stays in the queue for others. */
#include <stdio.h>

#include "base/err.h"
#include "base/list.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "cmd/field.h"
#include "cmd/visit.h"

enum { JOBS_MAX = 1000, VARIABLES_MAX = 20, COMMAND_WORDS_MAX = 256 };

struct notify {
    struct visit visit;
    const char *queue;
    char *command[COMMAND_WORDS_MAX + 1];
    unsigned words;
    uint64_t jobs, count;
    bool reject;

    struct list jobs_running;
    unsigned running;
    uint64_t received;
    bool stopping; /* no more messages are taken; what runs may end */
};

struct job {
    struct list link; /* in jobs_running */
    struct notify *notify;
    uint64_t tag;
    uint8_t *body;
    char *env[VARIABLES_MAX + 1];
    unsigned variables;
};

/* ---- options ---------------------------------------------------------------------------------------------- */

static int
take_operand(void *into, char *const *words, struct complaint *complaint)
{
    struct notify *notify = into;

    if (notify->queue == NULL) {
        notify->queue = words[0];
        return 0;
    }
    if (notify->words == COMMAND_WORDS_MAX)
        return complain(complaint, "the command has more than %d words", COMMAND_WORDS_MAX);
    notify->command[notify->words++] = words[0];
    return 0;
}

#define AT(member) .offset = offsetof(struct notify, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'j', "jobs", "N", "run so many at once (1)", OPTION_NUMBER, AT(jobs), 1, JOBS_MAX },
    { 'n', "count", "N", "exit after N messages (never)", OPTION_NUMBER, AT(count), 1 },
    { 0, "reject", NULL, "a message whose command fails dies (is dead-lettered) instead of going back", OPTION_FLAG, AT(reject) },
};
/* clang-format on */

/* ---- the environment -------------------------------------------------------------------------------------- */

/* "TAMBO_NAME=value"; a NUL ends it early, as no environment can hold one.  Without memory it is left out. */
static void
set_variable(struct job *job, const char *name, struct view value)
{
    size_t n = strlen(name);
    char *text = mem_raw(&job->notify->visit.mem, n + value.len + 2);

    must(job->variables < VARIABLES_MAX);
    if (text == NULL)
        return;
    memcpy(text, name, n);
    text[n] = '=';
    if (value.len > 0)
        memcpy(text + n + 1, value.data, value.len);
    text[n + 1 + value.len] = '\0';
    job->env[job->variables++] = text;
}

static void
set_number(struct job *job, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    set_variable(job, name, view_str(text));
}

static void
set_headers(struct job *job, struct view headers)
{
    json_t *object = table_json(&job->notify->visit.mem, headers);
    char text[16 * 1024];
    size_t n = json_dumpb(object, text, sizeof text, JSON_COMPACT);

    if (n > 0 && n <= sizeof text)
        set_variable(job, "TAMBO_HEADERS", view_of(text, n));
    json_decref(object);
}

static void
set_properties(struct job *job, const struct amqp_properties *p)
{
    const struct {
        const char *name;
        enum amqp_prop prop;
        struct view text;
    } texts[] = {
        {"TAMBO_CONTENT_TYPE",      AMQP_CONTENT_TYPE,     p->content_type    },
        { "TAMBO_CONTENT_ENCODING", AMQP_CONTENT_ENCODING, p->content_encoding},
        { "TAMBO_CORRELATION_ID",   AMQP_CORRELATION_ID,   p->correlation_id  },
        { "TAMBO_REPLY_TO",         AMQP_REPLY_TO,         p->reply_to        },
        { "TAMBO_EXPIRATION",       AMQP_EXPIRATION,       p->expiration      },
        { "TAMBO_MESSAGE_ID",       AMQP_MESSAGE_ID,       p->message_id      },
        { "TAMBO_TYPE",             AMQP_TYPE,             p->type            },
        { "TAMBO_USER_ID",          AMQP_USER_ID,          p->user_id         },
        { "TAMBO_APP_ID",           AMQP_APP_ID,           p->app_id          },
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (amqp_has(p, texts[i].prop))
            set_variable(job, texts[i].name, texts[i].text);
    }
    if (amqp_has(p, AMQP_DELIVERY_MODE))
        set_number(job, "TAMBO_DELIVERY_MODE", p->delivery_mode);
    if (amqp_has(p, AMQP_PRIORITY))
        set_number(job, "TAMBO_PRIORITY", p->priority);
    if (amqp_has(p, AMQP_TIMESTAMP))
        set_number(job, "TAMBO_TIMESTAMP", p->timestamp);
    if (amqp_has(p, AMQP_HEADERS))
        set_headers(job, p->headers);
}

/* ---- jobs ------------------------------------------------------------------------------------------------- */

static void
free_job(struct job *job)
{
    struct mem *mem = &job->notify->visit.mem;

    list_cut(&job->link);
    for (unsigned i = 0; i < job->variables; i++)
        mem_free(mem, job->env[i]);
    mem_free(mem, job->body);
    mem_free(mem, job);
}

static void
settle(struct notify *notify, uint64_t tag, bool fine)
{
    struct amqp_method m = {
        .id = AMQP_BASIC_ACK, .basic_ack = {tag, false}
    };

    if (!fine) {
        m.id = AMQP_BASIC_REJECT;
        m.basic_reject = (struct amqp_basic_reject){ tag, !notify->reject };
    }
    int rc = notify->visit.leaving ? 0 : amqp_client_tell(notify->visit.client, VISIT_CHANNEL, &m);
    if (rc < 0)
        visit_fail(&notify->visit, "cannot settle: %s", err_text(rc));
}

static void
leave_when_idle(struct notify *notify)
{
    if (notify->stopping && notify->running == 0)
        visit_leave(&notify->visit);
}

static void
on_exited(void *arg, int status)
{
    struct job *job = arg;
    struct notify *notify = job->notify;

    if (status != 0)
        fprintf(stderr, "tambo notify: %s exited with %d\n", notify->command[0], status);
    settle(notify, job->tag, status == 0);
    free_job(job);
    notify->running--;
    leave_when_idle(notify);
}

static struct job *
make_job(struct notify *notify, const struct amqp_client_message *message)
{
    struct amqp_properties props = { 0 };
    struct fault why;
    struct job *job = MEM_NEW(&notify->visit.mem, struct job);

    if (job == NULL)
        return NULL;
    list_init(&job->link);
    list_push(&notify->jobs_running, &job->link);
    job->notify = notify;
    job->tag = message->delivery_tag;
    job->body = mem_raw(&notify->visit.mem, message->body.len + 1);
    if (job->body == NULL) {
        free_job(job);
        return NULL;
    }
    if (message->body.len > 0)
        memcpy(job->body, message->body.data, message->body.len);
    set_variable(job, "TAMBO_QUEUE", view_str(notify->queue));
    set_variable(job, "TAMBO_EXCHANGE", message->exchange);
    set_variable(job, "TAMBO_ROUTING_KEY", message->routing_key);
    set_number(job, "TAMBO_REDELIVERED", message->redelivered);
    if (amqp_properties_parse(message->props, &props, &why) == 0)
        set_properties(job, &props);
    return job;
}

static void
stop(void *arg)
{
    struct notify *notify = arg;
    struct amqp_method cancel = { .id = AMQP_BASIC_CANCEL };

    if (!notify->stopping && notify->visit.dialed) {
        cancel.basic_cancel.consumer_tag = view_str("notify");
        visit_call(&notify->visit, &cancel, 0);
    }
    notify->stopping = true;
    leave_when_idle(notify);
}

static void
on_message(void *arg, const struct amqp_client_message *message)
{
    struct notify *notify = arg;

    if (notify->stopping) /* on its way when we had enough: it goes back when the channel does */
        return;
    struct job *job = make_job(notify, message);
    struct io_program program = { notify->command, job == NULL ? NULL : job->env,
                                  view_of(job == NULL ? NULL : job->body, message->body.len) };
    int rc = job == NULL ? -ERR_NO_MEMORY : io_spawn(notify->visit.io, &program, on_exited, job);
    if (rc < 0) {
        if (job != NULL)
            free_job(job);
        visit_fail(&notify->visit, "%s: %s", notify->command[0], err_text(rc));
        return;
    }
    notify->running++;
    if (++notify->received == notify->count)
        stop(notify);
}

static void
on_cancelled(void *arg, uint16_t channel, struct view consumer_tag)
{
    struct notify *notify = arg;
    (void)channel;
    (void)consumer_tag;
    visit_fail(&notify->visit, "queue '%s' was deleted", notify->queue);
}

static void
begin(void *arg)
{
    struct notify *notify = arg;
    struct amqp_method qos = { .id = AMQP_BASIC_QOS }, consume = { .id = AMQP_BASIC_CONSUME };
    bool few = notify->count != 0 && notify->count < notify->jobs;

    qos.basic_qos.prefetch_count = (uint16_t)(few ? notify->count : notify->jobs);
    consume.basic_consume.queue = view_str(notify->queue);
    consume.basic_consume.consumer_tag = view_str("notify");
    visit_call(&notify->visit, &qos, 0);
    visit_call(&notify->visit, &consume, 0);
}

static int
start(struct notify *notify)
{
    static const struct amqp_client_on client_on = { .message = on_message, .cancelled = on_cancelled };

    if (notify->queue == NULL)
        return complain(&notify->visit.complaint, "no queue: say one");
    if (notify->words == 0)
        return complain(&notify->visit.complaint, "no command: say one behind --");
    notify->visit.interrupted = stop;
    return visit_dial(&notify->visit, &client_on, begin);
}

int
cmd_notify(int argc, char *const *argv)
{
    struct notify notify = { .jobs = 1 };
    visit_init(&notify.visit, "notify");
    list_init(&notify.jobs_running);
    struct option_group groups[] = {
        {"Jobs", rows, COUNT_OF(rows), &notify},
        visit_options(&notify.visit),
    };
    struct option_spec spec = {
        .usage = "tambo notify [OPTION]... QUEUE -- COMMAND [ARGUMENT]...",
        .about =
            "Runs a command for every message of a queue of an AMQP server: the message on its standard input, its "
            "properties in the environment as TAMBO_*. Exit code 0 acknowledges, any other puts the message back.",
        .operand = "QUEUE",
        .on_operand = take_operand,
        .operand_into = &notify,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    if (cmd_options("notify", &spec, argc, argv, &code) == 0 && (code = visit_open(&notify.visit)) == 0)
        code = visit_finish(&notify.visit, start(&notify));
    /* Those that ran on when the connection was lost: the server gives their messages to others. */
    while (!list_empty(&notify.jobs_running))
        free_job(container_of(notify.jobs_running.next, struct job, link));
    return code;
}
