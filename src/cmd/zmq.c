/* cmd/zmq.c - tambo zmq: sockets with patterns from the shell.
 *
 * A role is a row: its pattern, its options and what it does.  A message is a line of text. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "base/view.h"
#include "cmd/cmd.h"
#include "cmd/input.h"
#include "cmd/program.h"
#include "cmd/zmq_message.h"
#include "cmd/zmq_socket.h"

enum { PREFIXES_MAX = 1000, COMMAND_WORDS_MAX = 256 };

struct zmq {
    struct zmq_socket socket;
    struct input input;
    struct zmq_style style;
    const char *message;
    const char *prefixes[PREFIXES_MAX];
    unsigned prefix_count;
    char *program[COMMAND_WORDS_MAX + 1];
    unsigned program_words;
    uint64_t count, received, peers;
    bool reader_gone;
};

/* ---- options ---------------------------------------------------------------------------------------------- */

static int
add_prefix(void *into, char *const *words, struct complaint *complaint)
{
    struct zmq *zmq = into;

    if (zmq->prefix_count == PREFIXES_MAX)
        return complain(complaint, "--subscribe: more than %d", PREFIXES_MAX);
    zmq->prefixes[zmq->prefix_count++] = words[0];
    return 0;
}

static int
add_endpoint(void *into, char *const *words, struct complaint *complaint)
{
    struct zmq_socket *socket = &((struct zmq *)into)->socket;

    if (socket->endpoint_count == ZMQ_ENDPOINTS_MAX)
        return complain(complaint, "more than %d endpoints", ZMQ_ENDPOINTS_MAX);
    socket->endpoints[socket->endpoint_count++] = words[0];
    return 0;
}

/* rep: the first word that is no endpoint begins the command. */
static int
add_endpoint_or_word(void *into, char *const *words, struct complaint *complaint)
{
    struct zmq *zmq = into;

    if (zmq->program_words == 0 && strstr(words[0], "://") != NULL)
        return add_endpoint(into, words, complaint);
    if (zmq->program_words == COMMAND_WORDS_MAX)
        return complain(complaint, "the command has more than %d words", COMMAND_WORDS_MAX);
    zmq->program[zmq->program_words++] = words[0];
    return 0;
}

#define AT(member) .offset = offsetof(struct zmq, member)

/* clang-format off */
static const struct option_row send_rows[] = {
    { 'm', "message", "TEXT", "send this, not standard input", OPTION_TEXT, AT(message) },
};
static const struct option_row pub_rows[] = {
    { 'w', "wait", "N", "send nothing before so many subscribers are there (1)", OPTION_NUMBER, AT(peers), 0, 1 << 20 },
};
static const struct option_row count_rows[] = {
    { 'n', "count", "N", "exit after N messages; 0: never (0)", OPTION_NUMBER, AT(count), 0 },
};
static const struct option_row sub_rows[] = {
    { 's', "subscribe", "PREFIX", "messages that begin with PREFIX; repeatable (all)", OPTION_CALL, .parse = add_prefix },
};
/* clang-format on */

/* ---- sending ---------------------------------------------------------------------------------------------- */

static int
send_text(struct zmq *zmq, struct view text)
{
    struct tambo_part parts[ZMQ_PARTS_MAX];
    int count = zmq_cut(&zmq->style, text, parts);

    if (count < 0)
        complain(&zmq->socket.complaint, "a message has more than %d parts", ZMQ_PARTS_MAX);
    return count < 0 ? count : zmq_socket_send(&zmq->socket, parts, (size_t)count);
}

static int
read_input(struct zmq *zmq)
{
    int rc = zmq_socket_await_input(&zmq->socket);

    if (rc < 0)
        return rc;
    input_wait(&zmq->input);
    if (zmq->input.failed == 0)
        return 0;
    complain(&zmq->socket.complaint, "standard input: %s", err_text(zmq->input.failed));
    return -TAMBO_ERR_IO;
}

static int
send_lines(struct zmq *zmq)
{
    struct view line;
    int rc = 0;

    while (rc == 0) {
        if (input_line(&zmq->input, &line)) {
            rc = send_text(zmq, line);
            input_took(&zmq->input, line);
        } else if (zmq->input.ended) {
            break;
        } else {
            rc = read_input(zmq);
        }
    }
    return rc;
}

static int
run_sender(struct zmq *zmq)
{
    int rc = zmq_socket_await_peers(&zmq->socket, (unsigned)zmq->peers);

    if (rc == 0)
        rc = zmq->message != NULL ? send_text(zmq, view_str(zmq->message)) : send_lines(zmq);
    return rc < 0 ? rc : zmq_socket_drain(&zmq->socket);
}

/* ---- receiving -------------------------------------------------------------------------------------------- */

/* A reader that has gone is no failure: `tambo zmq pull ... | head`. */
static int
check_output(struct zmq *zmq)
{
    if (!ferror(stdout))
        return 0;
    zmq->reader_gone = errno == EPIPE;
    if (zmq->reader_gone)
        return 0;
    complain(&zmq->socket.complaint, "standard output: %s", strerror(errno));
    return -TAMBO_ERR_IO;
}

/* Is it over?  With --timeout that is no failure unless a count was asked for. */
static int
on_timeout(struct zmq *zmq)
{
    if (zmq->count == 0)
        return 0;
    complain(&zmq->socket.complaint, "timed out after %llu of %llu messages", (unsigned long long)zmq->received,
             (unsigned long long)zmq->count);
    return -TAMBO_ERR_TIMEOUT;
}

/* `use` for every message that comes, until all have come or the time is over. */
static int
receive(struct zmq *zmq, int (*use)(struct zmq *zmq, const struct tambo_message *message))
{
    struct tambo_message *message;
    int rc = 0;

    while (rc == 0 && !zmq->reader_gone && (zmq->count == 0 || zmq->received < zmq->count)) {
        rc = zmq_socket_recv(&zmq->socket, &message);
        if (rc == -TAMBO_ERR_TIMEOUT)
            return on_timeout(zmq);
        if (rc < 0)
            break;
        zmq->received++;
        rc = use(zmq, message);
        tambo_message_free(message);
    }
    return rc;
}

static int
use_printed(struct zmq *zmq, const struct tambo_message *message)
{
    zmq_print(&zmq->style, &zmq->socket.mem, message);
    return check_output(zmq);
}

static int
run_receiver(struct zmq *zmq)
{
    int rc = receive(zmq, use_printed);

    fflush(stdout);
    return rc < 0 ? rc : check_output(zmq);
}

static int
run_sub(struct zmq *zmq)
{
    unsigned count = zmq->prefix_count;
    int rc = count == 0 ? tambo_subscribe(zmq->socket.socket, "", 0) : 0;

    for (unsigned i = 0; i < count && rc == 0; i++)
        rc = tambo_subscribe(zmq->socket.socket, zmq->prefixes[i], strlen(zmq->prefixes[i]));
    if (rc < 0)
        complain(&zmq->socket.complaint, "cannot subscribe: %s", tambo_error_text(rc));
    return rc < 0 ? rc : run_receiver(zmq);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static int
run_req(struct zmq *zmq)
{
    struct tambo_message *reply;
    int rc = 0;

    while (zmq->message == NULL && !zmq->input.ended && rc == 0)
        rc = read_input(zmq);
    if (rc == 0)
        rc = send_text(zmq, zmq->message != NULL ? view_str(zmq->message) : input_all(&zmq->input));
    if (rc == 0)
        rc = zmq_socket_recv(&zmq->socket, &reply);
    if (rc < 0)
        return rc;
    zmq_print(&zmq->style, &zmq->socket.mem, reply);
    tambo_message_free(reply);
    fflush(stdout);
    return check_output(zmq);
}

/* Whatever the command wrote is the reply, also when it failed: who asked must not wait for ever. */
static int
use_answered(struct zmq *zmq, const struct tambo_message *message)
{
    struct program_output output = { .mem = &zmq->socket.mem };
    struct view request;
    int rc = zmq_join(&zmq->style, &zmq->socket.mem, message, &request);

    if (rc == 0) {
        rc = program_run(zmq->program, request, &output);
        mem_free(&zmq->socket.mem, (void *)(uintptr_t)request.data);
    }
    if (rc < 0) {
        complain(&zmq->socket.complaint, "%s: %s", zmq->program[0], err_text(rc));
        rc = -TAMBO_ERR_IO;
    } else {
        if (output.status != 0)
            fprintf(stderr, "tambo zmq rep: %s exited with %d\n", zmq->program[0], output.status);
        rc = send_text(zmq, view_of(output.bytes, output.len));
    }
    program_output_fini(&output);
    return rc;
}

static int
run_rep(struct zmq *zmq)
{
    if (zmq->program_words == 0) {
        complain(&zmq->socket.complaint, "no command: say one behind --");
        return -TAMBO_ERR_INVALID;
    }
    int rc = receive(zmq, use_answered);
    return rc < 0 ? rc : zmq_socket_drain(&zmq->socket);
}

/* ---- the roles -------------------------------------------------------------------------------------------- */

/* Which options a role has. */
enum { SENDS = 1, AWAITS = 2, COUNTS = 4, FILTERS = 8, PRINTS = 16 };

struct role {
    const char *name;
    enum tambo_pattern pattern;
    unsigned options;
    option_parse_fn *operand;
    int (*run)(struct zmq *zmq);
    const char *usage, *about;
};

/* clang-format off */
static const struct role roles[] = {
    { "push", TAMBO_PUSH, SENDS, add_endpoint, run_sender,
      "tambo zmq push [OPTION]... ENDPOINT...",
      "Sends every line of standard input as a message, each to one of the peers, and exits when all are handed over." },
    { "pull", TAMBO_PULL, COUNTS | PRINTS, add_endpoint, run_receiver,
      "tambo zmq pull [OPTION]... ENDPOINT...",
      "Prints every message that comes from PUSH sockets on a line." },
    { "pub", TAMBO_PUB, SENDS | AWAITS, add_endpoint, run_sender,
      "tambo zmq pub [OPTION]... ENDPOINT...",
      "Waits for a subscriber, sends every line of standard input as a message, and exits when all are handed over." },
    { "sub", TAMBO_SUB, COUNTS | FILTERS | PRINTS, add_endpoint, run_sub,
      "tambo zmq sub [OPTION]... ENDPOINT...",
      "Prints every message that comes from PUB sockets on a line." },
    { "req", TAMBO_REQ, SENDS | PRINTS, add_endpoint, run_req,
      "tambo zmq req [OPTION]... ENDPOINT...",
      "Sends standard input as one request and prints the reply." },
    { "rep", TAMBO_REP, COUNTS, add_endpoint_or_word, run_rep,
      "tambo zmq rep [OPTION]... ENDPOINT... -- COMMAND [ARGUMENT]...",
      "Runs a command for every request: the request on its standard input, what it writes is the reply." },
};
/* clang-format on */

static const struct option_rows {
    unsigned option;
    const struct option_row *rows;
    unsigned count;
} option_rows[] = {
    {SENDS,    send_rows,  COUNT_OF(send_rows) },
    { AWAITS,  pub_rows,   COUNT_OF(pub_rows)  },
    { COUNTS,  count_rows, COUNT_OF(count_rows)},
    { FILTERS, sub_rows,   COUNT_OF(sub_rows)  },
};
enum { GROUPS_MAX = COUNT_OF(option_rows) + 3 };

/* One of them has the title, the others go on below it. */
static unsigned
gather(struct zmq *zmq, const struct role *role, struct option_group groups[GROUPS_MAX])
{
    unsigned n = 0;

    groups[n++] = (struct option_group){ "Messages", zmq_delimiter_rows, COUNT_OF(zmq_delimiter_rows), &zmq->style };
    for (size_t i = 0; i < COUNT_OF(option_rows); i++) {
        const struct option_rows *r = &option_rows[i];
        if (role->options & r->option)
            groups[n++] = (struct option_group){ NULL, r->rows, r->count, zmq };
    }
    if (role->options & PRINTS)
        groups[n++] = (struct option_group){ NULL, zmq_print_rows, COUNT_OF(zmq_print_rows), &zmq->style };
    groups[n++] = zmq_socket_options(&zmq->socket);
    return n;
}

static int
play(const struct role *role, int argc, char *const *argv)
{
    struct zmq zmq = { .peers = role->pattern == TAMBO_PUB };
    char command[16];
    struct option_group groups[GROUPS_MAX];
    struct option_spec spec = {
        .usage = role->usage,
        .about = role->about,
        .operand = "ENDPOINT",
        .on_operand = role->operand,
        .operand_into = &zmq,
        .groups = groups,
        .group_count = gather(&zmq, role, groups),
    };
    int rc, code;

    snprintf(command, sizeof command, "zmq %s", role->name);
    zmq_socket_init(&zmq.socket, command);
    zmq.input.mem = &zmq.socket.mem;
    if (cmd_options(command, &spec, argc, argv, &code) != 0)
        return code;
    signal(SIGPIPE, SIG_IGN); /* of standard output: check_output() sees it */
    rc = zmq_socket_open(&zmq.socket, role->pattern);
    if (rc == 0)
        rc = zmq_socket_join(&zmq.socket);
    if (rc == 0)
        rc = role->run(&zmq);
    input_fini(&zmq.input);
    return zmq_socket_finish(&zmq.socket, rc);
}

/* Two lines: what all may know, and what only its owner may. */
static int
print_keypair(int argc, char *const *argv)
{
    char public[41], secret[41];
    struct option_spec spec = {
        .usage = "tambo zmq keypair",
        .about = "Prints a new pair of keys for CURVE, as --curve-public-key and --curve-secret-key take them.",
    };
    struct complaint complaint;
    int code;

    if (cmd_options("zmq keypair", &spec, argc, argv, &code) != 0)
        return code;
    int rc = tambo_curve_keypair(public, secret);
    if (rc < 0) {
        complain(&complaint, "%s", tambo_error_text(rc));
        return cmd_fail("zmq keypair", &complaint);
    }
    printf("public %s\nsecret %s\n", public, secret);
    return 0;
}

static int
help(FILE *to)
{
    fputs("Usage: tambo zmq ROLE [OPTION]... ENDPOINT...\n\n"
          "Sockets with patterns on ZeroMQ's wire.  Connects unless --bind is given.\n\nRoles:\n",
          to);
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        fprintf(to, "  %-8s %s\n", roles[i].name, roles[i].about);
    fputs("  keypair  Prints a new pair of keys for CURVE.\n\n'tambo zmq ROLE --help' tells its options.\n", to);
    return to == stdout ? 0 : 1;
}

int
cmd_zmq(int argc, char *const *argv)
{
    if (argc < 1)
        return help(stderr);
    if (strcmp(argv[0], "--help") == 0)
        return help(stdout);
    if (strcmp(argv[0], "keypair") == 0)
        return print_keypair(argc - 1, argv + 1);
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (strcmp(argv[0], roles[i].name) == 0)
            return play(&roles[i], argc - 1, argv + 1);
    }
    fprintf(stderr, "tambo zmq: unknown role '%s'\nTry 'tambo zmq --help'.\n", argv[0]);
    return 1;
}
