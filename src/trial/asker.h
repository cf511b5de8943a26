/* trial/asker.h - who takes part in errands, and what is known of each. */
#ifndef TAMBO_TRIAL_ASKER_H
#define TAMBO_TRIAL_ASKER_H

#include "base/mem.h"
#include "base/prng.h"
#include "rpc/client.h"
#include "rpc/server.h"
#include "trial/errand.h"

enum { ASKERS_MAX = 3, DOERS_MAX = 3, QUESTIONS_MAX = 16, PENDING_MAX = 256, LAST_WORDS = 6, LAST_TRIES_MAX = 200 };

struct errands;

/* A machine, with the doers and askers that are there. */
struct desk {
    struct errands *all;
    struct sim_machine *machine;
    struct mem mem;
    struct rpc_world *world; /* NULL: it is down */
    uint64_t boot_at_ns;
};

/* What travels, there and back. */
struct note {
    uint32_t asker, number, doer;
    struct tambo_bytes filler;
};
extern const struct tambo_rpc_program errand_program;

/* How an errand is done, by its number. */
enum manner_of_doing { DONE_AT_ONCE, DONE_LATER, DONE_IN_SILENCE, DONE_IN_VAIN, REFUSED, TURNED_AWAY };
enum manner_of_doing errand_manner(uint32_t number);

/* The truth about one. */
struct deed {
    enum rpc_form form;
    bool is_begun, is_said; /* said: it has come to its end, with `rc` */
    int rc;
    uint64_t begun_ns;
    unsigned asked, done; /* how often of doers, by doers */
};

struct doer {
    struct errands *all;
    struct desk *desk;
    unsigned index;
    struct rpc_server *server;
    struct pending {
        struct rpc_request *request;
        const struct note *note;
        uint64_t at_ns;
    } pending[PENDING_MAX];
    unsigned pending_count;
};

struct asker {
    struct errands *all;
    struct desk *desk;
    unsigned index;
    struct rpc_client *client; /* NULL: it is away */
    uint64_t open_at_ns;       /* again */
    uint32_t newest;           /* numbers from 1 */
    unsigned last_words;       /* that were heard */
    struct deed *deeds;
    struct question {
        struct rpc_call call;
        struct asker *asker;
        uint32_t number; /* 0: free */
    } questions[QUESTIONS_MAX];
};

struct errands {
    const struct errand_plan *plan;
    struct mem mem;
    struct sim *sim;
    struct prng prng;
    struct ledger verdicts; /* of it only the verdict */
    struct desk desks[ASKERS_MAX + DOERS_MAX];
    unsigned desk_count;
    struct doer doers[DOERS_MAX];
    struct asker askers[ASKERS_MAX];
    bool is_first_act, is_last_word;
    uint64_t done, deaths, steps, sent_bytes; /* the last two: of the first act */
};

/* Numbers above it are last words: of an asker, in the second act. */
static inline uint32_t
errand_last(const struct errands *all)
{
    return all->plan->errands;
}

/* ---- asker.c ---- */

/* Opens, asks and cancels what it can. */
void asker_prompt(struct asker *asker);
/* Its machine has died, or it leaves. */
void asker_leave(struct asker *asker);
bool asker_is_idle(const struct asker *asker);

/* ---- doer.c ---- */

/* 0 or -err. */
int doer_open(struct doer *doer);
/* Answers what is due. */
void doer_tend(struct doer *doer);
void doer_close(struct doer *doer);

/* ---- proof.c: what was done and said, held against each other ---- */

/* Zeroed memory of plan->bytes: what a note carries. */
void proof_fill(const struct errands *all, uint32_t asker, uint32_t number, uint8_t *ret);
struct deed *proof_deed(struct errands *all, uint32_t asker, uint32_t number);
/* A doer was asked; is it what somebody asked?  Then it may look at its manner. */
bool proof_asked(struct doer *doer, const struct note *note);
void proof_done(struct doer *doer, const struct note *note);
/* It has come to its end for its asker.  `reply`: what came, or NULL. */
void proof_said(struct asker *asker, uint32_t number, int rc, const struct note *reply);
/* All have come to an end. */
void proof_judge(struct errands *all);

#endif
