/* cmd/admin.c - see admin.h. */
#include "cmd/admin.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/cmd.h"

enum { TOKEN_DONE = 1, PROPERTIES_ROOM = 128, USAGE_ROOM = 512, CELL_ROOM = 64 };

/* ---- methods ---------------------------------------------------------------------------------------------- */

void
admin_call(struct admin *admin, const struct amqp_method *m)
{
    visit_call(&admin->visit, m, TOKEN_DONE);
}

static void
on_answered(void *arg, uint16_t channel, uint64_t token, const struct amqp_method *m)
{
    struct admin *admin = arg;
    (void)channel;

    if (token != TOKEN_DONE || m == NULL)
        return;
    if (admin->done != NULL)
        admin->done(admin, m);
    visit_leave(&admin->visit);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void
publish_request(struct admin *admin)
{
    struct amqp_basic_publish publish = { .routing_key = view_str("$tambo"), .mandatory = true };
    struct amqp_properties props = { .present = 1 << AMQP_REPLY_TO | 1 << AMQP_CONTENT_TYPE,
                                     .content_type = view_str("application/json"),
                                     .reply_to = view_str("amq.rabbitmq.reply-to") };
    uint8_t room[PROPERTIES_ROOM];
    struct pen pen = pen_of(room, sizeof room);
    size_t n = json_dumpb(admin->request, NULL, 0, JSON_COMPACT);
    char *text = n == 0 ? NULL : mem_raw(&admin->visit.mem, n);
    int rc = -ERR_NO_MEMORY;

    amqp_properties_put(&pen, &props);
    must(!pen.torn);
    if (text != NULL) {
        json_dumpb(admin->request, text, n, JSON_COMPACT);
        rc = amqp_client_publish(admin->visit.client, VISIT_CHANNEL, &publish,
                                 view_of(room, sizeof room - pen_left(&pen)), view_of(text, n), 0);
    }
    mem_free(&admin->visit.mem, text);
    if (rc < 0)
        visit_fail(&admin->visit, "cannot ask: %s", err_text(rc));
}

void
admin_ask(struct admin *admin, json_t *request, void (*answer)(struct admin *admin, const json_t *ok))
{
    struct amqp_method consume = { .id = AMQP_BASIC_CONSUME };

    consume.basic_consume.queue = view_str("amq.rabbitmq.reply-to");
    consume.basic_consume.no_ack = true;
    admin->request = request;
    admin->answer = answer;
    visit_call(&admin->visit, &consume, 0);
    if (!admin->visit.leaving)
        publish_request(admin);
}

static void
on_message(void *arg, const struct amqp_client_message *message)
{
    struct admin *admin = arg;
    json_t *said = json_loadb((const char *)message->body.data, message->body.len, JSON_ALLOW_NUL, NULL);
    const json_t *ok = json_object_get(said, "ok"), *error = json_object_get(said, "error");
    int code = (int)json_integer_value(json_object_get(error, "code"));
    const char *text = json_string_value(json_object_get(error, "text"));

    if (ok != NULL && admin->answer != NULL)
        admin->answer(admin, ok);
    else if (ok == NULL && text != NULL && amqp_reply_name((unsigned)code) != NULL)
        visit_fail(&admin->visit, "%s - %s", amqp_reply_name((unsigned)code), text);
    else if (ok == NULL)
        visit_fail(&admin->visit, "the server's answer cannot be read");
    json_decref(said);
    visit_leave(&admin->visit);
}

static void
on_returned(void *arg, const struct amqp_client_message *message, unsigned code, struct view text)
{
    (void)message;
    (void)code;
    (void)text;
    visit_fail(arg, "this server takes no requests of ours: is it a Tambo?");
}

/* ---- printing --------------------------------------------------------------------------------------------- */

static void
print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
}

struct cell {
    char room[CELL_ROOM];
};

/* Text as it is, numbers and flags as people write them, all else as JSON. */
static const char *
print_cell(const json_t *value, struct cell *cell)
{
    if (value == NULL || json_is_null(value))
        return "";
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (json_is_integer(value)) {
        snprintf(cell->room, sizeof cell->room, "%lld", (long long)json_integer_value(value));
        return cell->room;
    }
    size_t n = json_dumpb(value, cell->room, sizeof cell->room - 1, JSON_COMPACT | JSON_ENCODE_ANY);
    cell->room[n < sizeof cell->room ? n : 0] = '\0';
    return n < sizeof cell->room ? cell->room : "...";
}

static int
widest(const json_t *list, const struct admin_column *column)
{
    size_t width = strlen(column->title), i;
    const json_t *row;

    json_array_foreach(list, i, row)
    {
        struct cell cell;
        size_t n = strlen(print_cell(json_object_get(row, column->key), &cell));
        if (n > width)
            width = n;
    }
    return (int)width;
}

/* Numbers stand to the right, and nothing is padded at the end of a line. */
static void
print_padded(const char *text, const json_t *value, int width, bool last)
{
    if (json_is_integer(value))
        printf("%*s", width, text);
    else
        printf("%-*s", last ? 0 : width, text);
    fputs(last ? "\n" : "  ", stdout);
}

void
admin_print_list(const struct admin *admin, const json_t *list, const struct admin_column *columns, unsigned count)
{
    int widths[ADMIN_COLUMNS_MAX];
    const json_t *row, *first = json_array_get(list, 0);
    size_t i;

    must(count <= ADMIN_COLUMNS_MAX);
    for (unsigned c = 0; c < count && !admin->json; c++)
        widths[c] = widest(list, &columns[c]);
    for (unsigned c = 0; c < count && !admin->json; c++)
        print_padded(columns[c].title, json_object_get(first, columns[c].key), widths[c], c + 1 == count);
    json_array_foreach(list, i, row)
    {
        for (unsigned c = 0; c < count && !admin->json; c++) {
            const json_t *value = json_object_get(row, columns[c].key);
            struct cell cell;
            print_padded(print_cell(value, &cell), value, widths[c], c + 1 == count);
        }
        if (admin->json)
            print_json(row);
    }
}

void
admin_print_object(struct admin *admin, const json_t *object)
{
    const char *key;
    json_t *value;

    if (admin->json) {
        print_json(object);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        struct cell cell;
        printf("%-24s %s\n", key, print_cell(value, &cell));
    }
}

/* ---- the command line ------------------------------------------------------------------------------------- */

static int
parse_argument(void *into, char *const *words, struct complaint *complaint)
{
    struct admin *admin = into;
    return field_table_add(&admin->arguments, "--arg", words[0], true, complaint);
}

static int
parse_text_argument(void *into, char *const *words, struct complaint *complaint)
{
    struct admin *admin = into;
    return field_table_add(&admin->arguments, "--arg-string", words[0], false, complaint);
}

/* clang-format off */
static const struct option_row rows[] = {
    { 0, "arg", "KEY=VALUE", "an argument, such as x-max-length=10; numbers, true and false are typed; repeatable",
      OPTION_CALL, .parse = parse_argument },
    { 0, "arg-string", "KEY=VALUE", "an argument that is text whatever it looks like; repeatable", OPTION_CALL,
      .parse = parse_text_argument },
    { 0, "json", NULL, "print JSON, an object a line", OPTION_FLAG, .offset = offsetof(struct admin, json) },
};
/* clang-format on */

static int
take_word(void *into, char *const *words, struct complaint *complaint)
{
    struct admin *admin = into;

    if (admin->word_count == ADMIN_WORDS_MAX)
        return complain(complaint, "unexpected argument '%s'", words[0]);
    admin->words[admin->word_count++] = words[0];
    return 0;
}

static void
print_usage(char *room, size_t len, const char *command, const struct admin_spec *spec)
{
    size_t n = 0;

    for (unsigned i = 0; i < spec->verb_count && n < len; i++) {
        const struct admin_verb *verb = &spec->verbs[i];
        n += (size_t)snprintf(room + n, len - n, "%stambo %s%s%s [OPTION]...%s%s", i == 0 ? "" : "\n       ", command,
                              verb->name == NULL ? "" : " ", verb->name == NULL ? "" : verb->name,
                              verb->words[0] == '\0' ? "" : " ", verb->words);
    }
}

/* The verb is the first word, and is taken away. */
static const struct admin_verb *
find_verb(struct admin *admin, const struct admin_spec *spec)
{
    const char *name = admin->word_count == 0 ? NULL : admin->words[0];

    if (spec->verbs[0].name == NULL)
        return &spec->verbs[0];
    for (unsigned i = 0; i < spec->verb_count && name != NULL; i++) {
        if (strcmp(spec->verbs[i].name, name) != 0)
            continue;
        admin->word_count--;
        memmove(admin->words, admin->words + 1, admin->word_count * sizeof admin->words[0]);
        return &spec->verbs[i];
    }
    return NULL;
}

static int
start(struct admin *admin, const struct admin_spec *spec)
{
    static const struct amqp_client_on client_on = {
        .answered = on_answered,
        .message = on_message,
        .returned = on_returned,
    };
    const struct admin_verb *verb = find_verb(admin, spec);
    struct complaint *complaint = &admin->visit.complaint;

    if (verb == NULL && admin->word_count == 0)
        return complain(complaint, "say what to do: see --help");
    if (verb == NULL)
        return complain(complaint, "'%s' is nothing that can be done: see --help", admin->words[0]);
    if (admin->word_count < verb->words_min || admin->word_count > verb->words_max)
        return complain(complaint, "%s%swants %s", verb->name == NULL ? "" : verb->name, verb->name == NULL ? "" : " ",
                        verb->words[0] == '\0' ? "no more words" : verb->words);
    return visit_dial(&admin->visit, &client_on, verb->begin);
}

int
admin_run(struct admin *admin, const char *command, const struct admin_spec *spec, int argc, char *const *argv)
{
    char usage[USAGE_ROOM];
    visit_init(&admin->visit, command);
    admin->arguments.mem = &admin->visit.mem;
    struct option_group groups[3] = {
        {"Options", rows, COUNT_OF(rows), admin},
        visit_options(&admin->visit),
    };
    unsigned group_count = 2;
    int code;

    if (spec->options != NULL)
        groups[group_count++] = *spec->options;
    print_usage(usage, sizeof usage, command, spec);
    struct option_spec options = {
        .usage = usage,
        .about = spec->about,
        .operand = "WORD",
        .on_operand = take_word,
        .operand_into = admin,
        .groups = groups,
        .group_count = group_count,
    };
    if (cmd_options(command, &options, argc, argv, &code) == 0 && (code = visit_open(&admin->visit)) == 0)
        code = visit_finish(&admin->visit, start(admin, spec));
    field_table_fini(&admin->arguments);
    json_decref(admin->request);
    return code;
}
