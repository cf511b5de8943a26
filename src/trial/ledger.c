#include "trial/ledger.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

static bool
take_memory(struct ledger *ledger)
{
    const struct ledger_size *size = &ledger->size;
    struct mem *mem = ledger->mem;
    size_t seqs = (size_t)size->messages + 1;
    ledger->accounts = mem_new(mem, size->publishers * sizeof(*ledger->accounts));
    ledger->sights = mem_new(mem, (size_t)ledger->receivers * size->publishers * sizeof(*ledger->sights));
    ledger->qos = mem_new(mem, ledger->receivers);
    ledger->kept_confirmed = mem_new(mem, (size_t)size->keepers * 3 * sizeof(uint32_t) + 1);
    if (!ledger->accounts || !ledger->sights || !ledger->qos || !ledger->kept_confirmed)
        return false;
    ledger->accounts[0].confirmed = mem_new(mem, size->publishers * seqs);
    ledger->accounts[0].deaths = mem_new(mem, size->publishers * seqs * sizeof(uint16_t));
    ledger->sights[0].times = mem_new(mem, (size_t)ledger->receivers * size->publishers * seqs);
    return ledger->accounts[0].confirmed && ledger->accounts[0].deaths && ledger->sights[0].times;
}

int
ledger_init(struct ledger *ledger, struct mem *mem, const struct ledger_size *size)
{
    *ledger = (struct ledger){ .mem = mem, .size = *size, .receivers = size->subscribers + size->groups };
    size_t seqs = (size_t)size->messages + 1;
    if (!take_memory(ledger))
        return -ERR_NO_MEMORY;
    ledger->kept_attempted = ledger->kept_confirmed + size->keepers;
    ledger->kept_seen = ledger->kept_attempted + size->keepers;
    for (unsigned p = 1; p < size->publishers; p++) {
        ledger->accounts[p].confirmed = ledger->accounts[0].confirmed + p * seqs;
        ledger->accounts[p].deaths = ledger->accounts[0].deaths + p * seqs;
    }
    for (unsigned i = 1; i < ledger->receivers * size->publishers; i++)
        ledger->sights[i].times = ledger->sights[0].times + i * seqs;
    return 0;
}

void
ledger_fini(struct ledger *ledger)
{
    if (ledger->accounts != NULL) {
        mem_free(ledger->mem, ledger->accounts[0].confirmed);
        mem_free(ledger->mem, ledger->accounts[0].deaths);
    }
    if (ledger->sights != NULL)
        mem_free(ledger->mem, ledger->sights[0].times);
    mem_free(ledger->mem, ledger->accounts);
    mem_free(ledger->mem, ledger->sights);
    mem_free(ledger->mem, ledger->qos);
    mem_free(ledger->mem, ledger->kept_confirmed);
}

void
ledger_violated(struct ledger *ledger, const char *promise, const char *format, ...)
{
    va_list args;
    if (ledger->verdict.violated)
        return;
    ledger->verdict.violated = true;
    int n = snprintf(ledger->verdict.text, sizeof(ledger->verdict.text), "violated: %s: ", promise);
    va_start(args, format);
    vsnprintf(ledger->verdict.text + n, sizeof(ledger->verdict.text) - (size_t)n, format, args);
    va_end(args);
}

void
ledger_attempted(struct ledger *ledger, unsigned publisher, uint32_t seq)
{
    struct account *a = &ledger->accounts[publisher];
    if (seq <= a->attempted)
        return;
    a->attempted = seq;
    a->deaths[seq] = ledger->deaths;
}

void
ledger_confirmed(struct ledger *ledger, unsigned publisher, uint32_t seq)
{
    struct account *a = &ledger->accounts[publisher];
    ledger->confirmed += !a->confirmed[seq];
    a->confirmed[seq] = true;
}

static bool
is_group(const struct ledger *ledger, unsigned receiver)
{
    return receiver >= ledger->size.subscribers;
}

/* For a verdict: "group 0 ..." */
static const char *
kind_of(const struct ledger *ledger, unsigned receiver)
{
    return is_group(ledger, receiver) ? "group" : "subscriber";
}

static unsigned
number_of(const struct ledger *ledger, unsigned receiver)
{
    return is_group(ledger, receiver) ? receiver - ledger->size.subscribers : receiver;
}

static bool
may_repeat(const struct ledger *ledger, unsigned receiver, unsigned publisher, uint32_t seq)
{
    const struct account *a = &ledger->accounts[publisher];
    if (a->qos < 2 || ledger->qos[receiver] < 2 || ledger->damaged)
        return true;
    return is_group(ledger, receiver) && ledger->spread && a->deaths[seq] != ledger->deaths;
}

void
ledger_received(struct ledger *ledger, unsigned receiver, unsigned publisher, uint32_t seq)
{
    const char *kind = kind_of(ledger, receiver);
    unsigned number = number_of(ledger, receiver);
    if (publisher >= ledger->size.publishers || seq == 0 || seq > ledger->accounts[publisher].attempted) {
        ledger_violated(ledger, "invented", "%s %u got message %u of publisher %u", kind, number, seq, publisher);
        return;
    }
    const struct account *a = &ledger->accounts[publisher];
    struct sight *s = &ledger->sights[receiver * ledger->size.publishers + publisher];
    ledger->received++;
    if (ledger->closed && !ledger->damaged)
        ledger_violated(ledger, "again", "%s %u got message %u of publisher %u after a quiet restart", kind, number,
                        seq, publisher);
    if (s->times[seq]++ > 0) {
        if (!may_repeat(ledger, receiver, publisher, seq))
            ledger_violated(ledger, "twice", "%s %u got message %u of publisher %u again", kind, number, seq,
                            publisher);
        return;
    }
    if (!is_group(ledger, receiver) && !a->refused && s->jumped == 0 && seq != s->newest + 1) {
        s->jumped = seq;
        s->over = s->newest;
    }
    if (seq > s->newest)
        s->newest = seq;
}

/* The first confirmed message of publisher `p` that receiver `r` does not have; 0: none. */
static uint32_t
missing(const struct ledger *ledger, unsigned r, unsigned p)
{
    const struct account *a = &ledger->accounts[p];
    const struct sight *sight = &ledger->sights[r * ledger->size.publishers + p];
    for (uint32_t seq = 1; seq <= a->attempted; seq++)
        if (a->confirmed[seq] && sight->times[seq] == 0)
            return seq;
    return 0;
}

static unsigned
node_of(const struct ledger *ledger, unsigned index, unsigned each)
{
    unsigned node = each == 0 ? 0 : index / each;
    return node < ledger->size.nodes ? node : 0;
}

static bool
neighbours(const struct ledger *ledger, unsigned r, unsigned p)
{
    const struct ledger_size *size = &ledger->size;
    unsigned home = r < size->subscribers ? node_of(ledger, r, size->subscribers_each)
                                          : node_of(ledger, r - size->subscribers, size->groups_each);
    return home == node_of(ledger, p, size->publishers_each);
}

bool
ledger_complete(const struct ledger *ledger)
{
    for (unsigned r = 0; r < ledger->receivers; r++)
        for (unsigned p = 0; p < ledger->size.publishers; p++)
            if (neighbours(ledger, r, p) && missing(ledger, r, p) != 0)
                return false;
    return true;
}

static bool
deletes(uint32_t version)
{
    return version % VERSION_DELETES == 0;
}

/* Any version from the last confirmed one to the last attempted one may stand; version 0 is "never set". */
static bool
may_stand(const struct ledger *ledger, unsigned k, uint32_t seen)
{
    for (uint32_t v = ledger->kept_confirmed[k]; v <= ledger->kept_attempted[k]; v++)
        if (deletes(v) ? seen == 0 : seen == v)
            return true;
    return false;
}

static void
judge_sight(struct ledger *ledger, unsigned r, unsigned p)
{
    const struct sight *sight = &ledger->sights[r * ledger->size.publishers + p];
    const char *kind = kind_of(ledger, r);
    unsigned number = number_of(ledger, r);
    uint32_t lost = neighbours(ledger, r, p) ? missing(ledger, r, p) : 0;
    if (lost != 0)
        ledger_violated(ledger, "lost", "%s %u never got message %u of publisher %u, which was confirmed", kind, number,
                        lost, p);
    if (sight->jumped != 0 && !ledger->accounts[p].refused)
        ledger_violated(ledger, "disorder", "%s %u got message %u of publisher %u after %u", kind, number,
                        sight->jumped, p, sight->over);
}

void
ledger_judge(struct ledger *ledger)
{
    if (ledger->damaged)
        return;
    for (unsigned r = 0; r < ledger->receivers; r++)
        for (unsigned p = 0; p < ledger->size.publishers; p++)
            judge_sight(ledger, r, p);
}

void
ledger_judge_retained(struct ledger *ledger)
{
    for (unsigned k = 0; k < ledger->size.keepers && !ledger->damaged; k++)
        if (!may_stand(ledger, k, ledger->kept_seen[k]))
            ledger_violated(ledger, "retained", "topic r/%u holds version %u; %u was confirmed, %u attempted", k,
                            ledger->kept_seen[k], ledger->kept_confirmed[k], ledger->kept_attempted[k]);
}
