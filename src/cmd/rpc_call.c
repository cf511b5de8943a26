/* cmd/rpc_call.c - tambo rpc call: one call, its arguments and results as JSON by the interface. */
#include <jansson.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/input.h"
#include "cmd/interface.h"
#include "cmd/rpc.h"
#include "cmd/rpc_target.h"
#include "cmd/rpc_visit.h"
#include "idl/value.h"
#include "rpc/extra.h"

enum { WORDS_MAX = 3, FLAGS_MAX = 64, CALL_BYTES_MAX = 1 << 30 };

struct calling {
    struct rpc_visit visit;
    struct mem mem;
    struct io *io;
    const char *words[WORDS_MAX]; /* where, what, arguments */
    unsigned word_count;
    const char *idl;
    const char *flags[FLAGS_MAX];
    unsigned flag_count;
    bool pretty;
    struct interface interface;
    struct rpc_target target;
    struct input input;
    json_t *args;
};

/* ---- options -------------------------------------------------------------------------------------------------- */

static int
take_word(void *into, char *const *words, struct complaint *complaint)
{
    struct calling *c = into;
    if (c->word_count == WORDS_MAX)
        return complain(complaint, "unexpected argument '%s'", words[0]);
    c->words[c->word_count++] = words[0];
    return 0;
}

static int
add_flag(struct calling *c, const char *letter, const char *word, struct complaint *complaint)
{
    if (c->flag_count == FLAGS_MAX)
        return complain(complaint, "-D and -I: more than %d", FLAGS_MAX);
    size_t n = strlen(word) + 3;
    char *flag = mem_raw(&c->mem, n);
    if (flag == NULL)
        return complain(complaint, "%s", err_text(-ERR_NO_MEMORY));
    snprintf(flag, n, "%s%s", letter, word);
    c->flags[c->flag_count++] = flag;
    return 0;
}

static int
add_define(void *into, char *const *words, struct complaint *complaint)
{
    return add_flag(into, "-D", words[0], complaint);
}

static int
add_directory(void *into, char *const *words, struct complaint *complaint)
{
    return add_flag(into, "-I", words[0], complaint);
}

#define AT(member) .offset = offsetof(struct calling, member)

/* clang-format off */
static const struct option_row rows[] = {
    { 'x', "idl", "FILE.x", "the interface; without it a server of ours is asked for its own", OPTION_TEXT, AT(idl) },
    { 'D', "define", "NAME[=VALUE]", "for the preprocessor, through which the interface goes; repeatable", OPTION_CALL, .parse = add_define },
    { 'I', "include", "DIRECTORY", "the same; repeatable", OPTION_CALL, .parse = add_directory },
    { 0, "pretty", NULL, "print the result over several lines", OPTION_FLAG, AT(pretty) },
};
/* clang-format on */

/* ---- the interface -------------------------------------------------------------------------------------------- */

struct which {
    uint32_t program, version;
};

static int
encode_which(struct tambo_xdr_out *out, const void *value)
{
    const struct which *which = value;
    int rc = tambo_xdr_put_u32(out, which->program);
    return rc < 0 ? rc : tambo_xdr_put_u32(out, which->version);
}

static int
decode_text(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_string(in, ret, UINT32_MAX);
}

/* The server is asked at the port where the program is, for there it answers such questions. */
static int
ask_interface(struct calling *c)
{
    static const struct tambo_rpc_procedure ask = { "INTERFACE",
                                                    RPC_EXTRA_INTERFACE,
                                                    .encode_args = encode_which,
                                                    .decode_ret = decode_text,
                                                    .args_size = sizeof(struct which),
                                                    .ret_size = sizeof(char *) };
    struct which which = { 0 };
    struct tambo_arena arena = { 0 };
    char *text = NULL;

    if (!rpc_target_number(c->target.words[0], &which.program))
        return complain(&c->visit.complaint, "what '%s' is, is not known: say --idl FILE.x, or the program's number",
                        c->target.words[0]);
    (void)rpc_target_number(c->target.words[1], &which.version); /* a name: of the newest version's text */
    int rc = rpc_visit_find_port(&c->visit, which.program, which.version);
    if (rc == 0)
        rc = rpc_visit_meet(&c->visit, TAMBO_RPC_PROGRAM, TAMBO_RPC_VERSION);
    if (rc < 0)
        return rc;
    rc = tambo_rpc_call(c->visit.client, &ask, &which, &arena, &text);
    if (rc < 0 || text[0] == '\0')
        rc = complain(&c->visit.complaint, "the server does not tell its interface (%s): say --idl FILE.x",
                      rc < 0 ? tambo_error_text(rc) : "it has no text");
    else
        rc = interface_parse(&c->interface, &c->mem, view_str(text), "the server's interface");
    tambo_arena_free(&arena);
    return rc;
}

/* Procedure 0 of a program that is said in numbers needs no interface. */
static bool
needs_no_interface(struct rpc_target *t)
{
    return rpc_target_number(t->words[0], &t->program) && rpc_target_number(t->words[1], &t->version) &&
           rpc_target_number(t->words[2], &t->number) && t->number == 0;
}

static int
find_interface(struct calling *c)
{
    if (c->idl == NULL && needs_no_interface(&c->target))
        return 0;
    int rc = c->idl == NULL ? ask_interface(c) : interface_read(&c->interface, c->io, c->idl, c->flags, c->flag_count);
    if (rc < 0 && c->interface.why[0] != '\0') {
        fprintf(stderr, "%s\n", c->interface.why); /* with the line that is wrong: longer than a complaint may be */
        rc = complain(&c->visit.complaint, "there is no interface to call by");
    }
    if (rc < 0)
        return rc;
    return rpc_target_find(&c->target, &c->interface.idl, c->idl == NULL ? "the server's interface" : c->idl,
                           &c->visit.complaint);
}

/* ---- arguments ------------------------------------------------------------------------------------------------ */

static int
read_arguments(struct calling *c)
{
    const char *word = c->words[2];
    struct view text = view_str(word == NULL ? "null" : word);
    json_error_t error;

    if (word != NULL && strcmp(word, "-") == 0) {
        while (!c->input.ended)
            input_wait(&c->input);
        if (c->input.failed != 0)
            return complain(&c->visit.complaint, "standard input: %s", err_text(c->input.failed));
        text = input_all(&c->input);
    }
    c->args = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (c->args == NULL)
        return complain(&c->visit.complaint, "the arguments are not JSON: line %d, column %d: %s", error.line,
                        error.column, error.text);
    return 0;
}

static int
encode_arguments(struct calling *c, struct tambo_xdr_out *out)
{
    char why[sizeof(c->visit.complaint.text) / 2 + 64];

    if (c->target.procedure == NULL)
        return json_is_null(c->args) ? 0 : complain(&c->visit.complaint, "arguments: procedure 0 takes none");
    int rc = idl_arguments_encode(c->target.procedure, c->args, out);
    if (rc == 0)
        return 0;
    tambo_xdr_why(&out->fault, why, sizeof(why));
    complain(&c->visit.complaint, "arguments: %s", why);
    return -TAMBO_ERR_ARGUMENTS;
}

/* ---- the call ------------------------------------------------------------------------------------------------- */

static int
encode_bytes(struct tambo_xdr_out *out, const void *value)
{
    const struct tambo_bytes *bytes = value;
    return tambo_xdr_put_fixed(out, bytes->data, bytes->len);
}

struct answer {
    const struct idl_procedure *procedure;
    json_t *json;
    char why[128];
};

static int
decode_json(struct tambo_xdr_in *in, void *ret)
{
    struct answer *answer = ret;
    int rc = idl_value_decode(&answer->procedure->ret, in, &answer->json);
    if (rc < 0)
        tambo_xdr_why(&in->fault, answer->why, sizeof(answer->why));
    return rc;
}

static int
call(struct calling *c, const struct tambo_xdr_out *encoded, struct answer *ret)
{
    const struct tambo_bytes args = { encoded->start, (uint32_t)tambo_xdr_out_len(encoded) };
    const struct tambo_rpc_procedure procedure = { .name = c->target.words[2],
                                                   .number = c->target.number,
                                                   .encode_args = encode_bytes,
                                                   .decode_ret = ret->procedure == NULL ? NULL : decode_json };
    struct tambo_arena arena = { 0 };
    int rc = rpc_visit_meet(&c->visit, c->target.program, c->target.version);

    if (rc < 0)
        return rc;
    rc = tambo_rpc_set(c->visit.client, TAMBO_RPC_CALL_BYTES_MAX, CALL_BYTES_MAX);
    if (rc == 0)
        rc = tambo_rpc_set(c->visit.client, TAMBO_RPC_REPLY_BYTES_MAX, CALL_BYTES_MAX);
    if (rc == 0)
        rc = tambo_rpc_call(c->visit.client, &procedure, &args, &arena, ret);
    tambo_arena_free(&arena);
    if (rc == -TAMBO_ERR_RESULTS && ret->why[0] != '\0')
        complain(&c->visit.complaint, "results: %s", ret->why);
    else if (rc < 0)
        (void)rpc_visit_failed(&c->visit, rc);
    return rc;
}

static int
print(const struct calling *c, json_t *result)
{
    json_dumpf(result == NULL ? json_null() : result, stdout,
               JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) | (c->pretty ? JSON_INDENT(2) : JSON_COMPACT));
    putchar('\n');
    return fflush(stdout) == 0 ? 0 : -ERR_IO;
}

static int
run(struct calling *c)
{
    struct tambo_xdr_out out;
    struct answer answer = { 0 };
    int rc = find_interface(c);

    if (rc == 0)
        rc = read_arguments(c);
    if (rc < 0)
        return rc;
    tambo_xdr_out_init(&out, CALL_BYTES_MAX);
    rc = encode_arguments(c, &out);
    answer.procedure = c->target.procedure;
    if (rc == 0)
        rc = call(c, &out, &answer);
    if (rc == 0 && print(c, answer.json) < 0)
        rc = complain(&c->visit.complaint, "standard output: %s", err_text(-ERR_IO));
    json_decref(answer.json);
    tambo_xdr_out_free(&out);
    return rc;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static int
begin(struct calling *c)
{
    if (c->word_count < 2)
        return complain(&c->visit.complaint, "say where and what: HOST PROG.VERS.PROC");
    if (c->idl == NULL && c->flag_count > 0)
        return complain(&c->visit.complaint, "-D and -I go with --idl");
    int rc = rpc_target_parse(c->words[1], 3, &c->target, &c->visit.complaint);
    if (rc == 0)
        rc = rpc_visit_at(&c->visit, c->words[0]);
    if (rc == 0 && io_uv_new(&c->mem, &c->io) < 0)
        rc = complain(&c->visit.complaint, "%s", err_text(-ERR_NO_MEMORY));
    return rc;
}

static int
finish(struct calling *c, int rc)
{
    json_decref(c->args);
    input_fini(&c->input);
    interface_fini(&c->interface);
    for (unsigned i = 0; i < c->flag_count; i++)
        mem_free(&c->mem, (void *)(uintptr_t)c->flags[i]);
    io_free(c->io);
    return rpc_visit_finish(&c->visit, rc);
}

int
cmd_rpc_call(int argc, char *const *argv)
{
    struct calling c = { 0 };
    const struct option_group groups[] = {
        {"Interface", rows, COUNT_OF(rows), &c},
        rpc_visit_options(&c.visit)
    };
    const struct option_spec spec = {
        .usage = "tambo rpc call [OPTION]... HOST[:PORT]|ADDRESS PROG.VERS.PROC [JSON|-]",
        .about =
            "Calls a procedure and prints its result as JSON.  Exits with 1 when the call was not executed, 2 when "
            "its result cannot be read, and 3 when nobody can know.",
        .operand = "HOST",
        .on_operand = take_word,
        .operand_into = &c,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    c.input.mem = &c.mem;
    rpc_visit_init(&c.visit, "rpc call");
    if (cmd_options("rpc call", &spec, argc, argv, &code) != 0)
        return code;
    int rc = begin(&c);
    return finish(&c, rc < 0 ? rc : run(&c));
}
