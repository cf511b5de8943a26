/* cmd/rpc_ping.c - tambo rpc ping: does a program answer? */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/rpc.h"
#include "cmd/rpc_target.h"
#include "cmd/rpc_visit.h"
#include "io/io.h"

enum { WORDS_MAX = 2 };

struct pinging {
    struct rpc_visit visit;
    struct mem mem;
    struct io *io; /* for its clock */
    const char *words[WORDS_MAX];
    unsigned word_count;
    uint64_t count;
    struct rpc_target target;
};

static int
take_word(void *into, char *const *words, struct complaint *complaint)
{
    struct pinging *p = into;
    if (p->word_count == WORDS_MAX)
        return complain(complaint, "unexpected argument '%s'", words[0]);
    p->words[p->word_count++] = words[0];
    return 0;
}

static const struct option_row rows[] = {
    {'n', "count", "N", "so many calls, one after the other (1)", OPTION_NUMBER, offsetof(struct pinging, count), 1,
     1000000},
};

static int
begin(struct pinging *p)
{
    struct rpc_target *t = &p->target;

    if (p->word_count < WORDS_MAX)
        return complain(&p->visit.complaint, "say where and what: HOST PROG.VERS");
    int rc = rpc_target_parse(p->words[1], 2, t, &p->visit.complaint);
    if (rc == 0 && (t->words[2][0] != '\0' || !rpc_target_number(t->words[0], &t->program) ||
                    !rpc_target_number(t->words[1], &t->version)))
        rc = complain(&p->visit.complaint, "'%s' is not PROG.VERS in numbers", p->words[1]);
    if (rc == 0)
        rc = rpc_visit_at(&p->visit, p->words[0]);
    if (rc == 0 && io_uv_new(&p->mem, &p->io) < 0)
        rc = complain(&p->visit.complaint, "%s", err_text(-ERR_NO_MEMORY));
    return rc < 0 ? rc : rpc_visit_meet(&p->visit, t->program, t->version);
}

static int
ping(struct pinging *p)
{
    uint64_t begun_ns = io_exact_ns(p->io);
    int rc = tambo_rpc_ping(p->visit.client);

    if (rc < 0)
        return rpc_visit_failed(&p->visit, rc);
    printf("program %u version %u answers: %.3f ms\n", p->target.program, p->target.version,
           (double)(io_exact_ns(p->io) - begun_ns) / 1e6);
    fflush(stdout);
    return 0;
}

int
cmd_rpc_ping(int argc, char *const *argv)
{
    struct pinging p = { .count = 1 };
    const struct option_group groups[] = {
        {"Calls", rows, COUNT_OF(rows), &p},
        rpc_visit_options(&p.visit)
    };
    const struct option_spec spec = {
        .usage = "tambo rpc ping [OPTION]... HOST[:PORT]|ADDRESS PROG.VERS",
        .about = "Calls procedure 0, which does nothing, and tells how long that took.",
        .operand = "HOST",
        .on_operand = take_word,
        .operand_into = &p,
        .groups = groups,
        .group_count = COUNT_OF(groups),
    };
    int code;

    rpc_visit_init(&p.visit, "rpc ping");
    if (cmd_options("rpc ping", &spec, argc, argv, &code) != 0)
        return code;
    int rc = begin(&p);
    for (uint64_t i = 0; i < p.count && rc == 0; i++)
        rc = ping(&p);
    io_free(p.io);
    return rpc_visit_finish(&p.visit, rc);
}
