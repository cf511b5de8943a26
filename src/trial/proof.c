/* trial/proof.c - the promises of remote procedure calls as checks (errand.h). */
#include <inttypes.h>

#include "base/err.h"
#include "trial/asker.h"

#define VIOLATED(all, promise, ...) ledger_violated(&(all)->verdicts, promise, __VA_ARGS__)

/* A deadline is met by a timer, and a turn takes its time. */
static const uint64_t LATE_NS = 10 * SIM_NS_A_MS;

void
proof_fill(const struct errands *all, uint32_t asker, uint32_t number, uint8_t *ret)
{
    for (unsigned i = 0; i < all->plan->bytes; i++)
        ret[i] = (uint8_t)(asker * 31 + number * 7 + i);
}

struct deed *
proof_deed(struct errands *all, uint32_t asker, uint32_t number)
{
    if (asker >= all->plan->askers || number == 0 || number > all->askers[asker].newest)
        return NULL;
    return &all->askers[asker].deeds[number];
}

static bool
is_whole(const struct errands *all, const struct note *note)
{
    if (note->filler.len != all->plan->bytes)
        return false;
    for (unsigned i = 0; i < note->filler.len; i++)
        if (note->filler.data[i] != (uint8_t)(note->asker * 31 + note->number * 7 + i))
            return false;
    return true;
}

/* ---- what doers do ---------------------------------------------------------------------------------------------- */

bool
proof_asked(struct doer *doer, const struct note *note)
{
    struct deed *deed = proof_deed(doer->all, note->asker, note->number);
    bool is_asked = deed != NULL && deed->is_begun && is_whole(doer->all, note);
    if (!is_asked)
        VIOLATED(doer->all, "foreign", "doer %u was asked %" PRIu32 ".%" PRIu32 ", which is not what anybody asked",
                 doer->index, note->asker, note->number);
    else
        deed->asked++;
    return is_asked;
}

void
proof_done(struct doer *doer, const struct note *note)
{
    struct errands *all = doer->all;
    struct deed *deed = proof_deed(all, note->asker, note->number);
    deed->done++;
    all->done++;
    sim_note(all->sim, "doer %u does %u.%u", doer->index, note->asker, note->number);
    if (all->plan->is_once && deed->done > 1)
        VIOLATED(all, "twice", "%" PRIu32 ".%" PRIu32 " was done again, by doer %u", note->asker, note->number,
                 doer->index);
    if (deed->is_said && deed->rc < 0 && rpc_outcome(deed->rc) == TAMBO_NOT_EXECUTED)
        VIOLATED(all, "untrue", "%" PRIu32 ".%" PRIu32 " was done after it had been said that it was not: %s",
                 note->asker, note->number, err_text(deed->rc));
}

/* ---- what askers hear ------------------------------------------------------------------------------------------- */

static void
check_truth(struct asker *asker, uint32_t number, const struct deed *deed)
{
    struct errands *all = asker->all;
    if (deed->rc == 0 && deed->form == RPC_FORM_REPLY && deed->done == 0)
        VIOLATED(all, "untrue", "%u.%" PRIu32 " was said to be done, and nobody has done it", asker->index, number);
    if (deed->rc == 0 && deed->form == RPC_FORM_RECEIPT && deed->asked == 0)
        VIOLATED(all, "untrue", "%u.%" PRIu32 " was said to be accepted, and nobody was asked", asker->index, number);
    if (deed->rc < 0 && rpc_outcome(deed->rc) == TAMBO_NOT_EXECUTED && deed->done > 0)
        VIOLATED(all, "untrue", "%u.%" PRIu32 " was said not to be done (%s), and doers have done it", asker->index,
                 number, err_text(deed->rc));
}

static void
check_reply(struct asker *asker, uint32_t number, const struct note *reply)
{
    enum manner_of_doing manner = errand_manner(number);
    bool can_be = number > errand_last(asker->all) || manner == DONE_AT_ONCE || manner == DONE_LATER;
    bool is_own = reply->asker == asker->index && reply->number == number && reply->doer < asker->all->plan->doers;
    if (!can_be || !is_own || !is_whole(asker->all, reply))
        VIOLATED(asker->all, "foreign", "%u.%" PRIu32 " was given the reply to %" PRIu32 ".%" PRIu32, asker->index,
                 number, reply->asker, reply->number);
}

void
proof_said(struct asker *asker, uint32_t number, int rc, const struct note *reply)
{
    struct errands *all = asker->all;
    struct deed *deed = &asker->deeds[number];
    uint64_t took_ns = sim_now(all->sim) - deed->begun_ns;
    sim_note(all->sim, "asker %u hears of %u: %s", asker->index, number, err_text(rc));
    if (deed->is_said)
        VIOLATED(all, "again", "%u.%" PRIu32 " came to its end twice: %s, %s", asker->index, number, err_text(deed->rc),
                 err_text(rc));
    deed->is_said = true;
    deed->rc = rc;
    check_truth(asker, number, deed);
    if (reply != NULL)
        check_reply(asker, number, reply);
    if (took_ns > all->plan->deadline_ms * SIM_NS_A_MS + LATE_NS)
        VIOLATED(all, "late", "%u.%" PRIu32 " took %" PRIu64 " ms", asker->index, number, took_ns / SIM_NS_A_MS);
}

void
proof_judge(struct errands *all)
{
    for (unsigned i = 0; i < all->plan->askers; i++)
        for (uint32_t n = 1; n <= all->askers[i].newest; n++) {
            const struct deed *deed = &all->askers[i].deeds[n];
            if (!deed->is_begun)
                continue;
            if (!deed->is_said)
                VIOLATED(all, "stuck", "%u.%" PRIu32 " never came to an end", i, n);
            else
                check_truth(&all->askers[i], n, deed);
        }
}
