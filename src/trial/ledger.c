#include "trial/ledger.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

int
ledger_init(struct ledger *ledger, struct mem *mem, unsigned publishers, unsigned subscribers, unsigned keepers,
            unsigned messages)
{
    *ledger = (struct ledger){
        .mem = mem, .publishers = publishers, .subscribers = subscribers, .keepers = keepers, .messages = messages
    };
    size_t seqs = (size_t)messages + 1;
    bool *confirmed = mem_new(mem, publishers * seqs);
    uint8_t *times = mem_new(mem, (size_t)subscribers * publishers * seqs);
    ledger->accounts = mem_new(mem, publishers * sizeof(*ledger->accounts));
    ledger->sights = mem_new(mem, (size_t)subscribers * publishers * sizeof(*ledger->sights));
    ledger->subscriber_qos = mem_new(mem, subscribers);
    ledger->kept_confirmed = mem_new(mem, (size_t)keepers * 3 * sizeof(uint32_t) + 1);
    if (!confirmed || !times || !ledger->accounts || !ledger->sights || !ledger->subscriber_qos ||
        !ledger->kept_confirmed)
        return -ERR_NO_MEMORY;
    ledger->kept_attempted = ledger->kept_confirmed + keepers;
    ledger->kept_seen = ledger->kept_attempted + keepers;
    for (unsigned p = 0; p < publishers; p++)
        ledger->accounts[p].confirmed = confirmed + p * seqs;
    for (unsigned i = 0; i < subscribers * publishers; i++)
        ledger->sights[i].times = times + i * seqs;
    return 0;
}

void
ledger_fini(struct ledger *ledger)
{
    if (ledger->accounts != NULL)
        mem_free(ledger->mem, ledger->accounts[0].confirmed);
    if (ledger->sights != NULL)
        mem_free(ledger->mem, ledger->sights[0].times);
    mem_free(ledger->mem, ledger->accounts);
    mem_free(ledger->mem, ledger->sights);
    mem_free(ledger->mem, ledger->subscriber_qos);
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
    if (seq > a->attempted)
        a->attempted = seq;
}

void
ledger_confirmed(struct ledger *ledger, unsigned publisher, uint32_t seq)
{
    struct account *a = &ledger->accounts[publisher];
    ledger->confirmed += !a->confirmed[seq];
    a->confirmed[seq] = true;
}

void
ledger_received(struct ledger *ledger, unsigned subscriber, unsigned publisher, uint32_t seq)
{
    if (publisher >= ledger->publishers || seq == 0 || seq > ledger->accounts[publisher].attempted) {
        ledger_violated(ledger, "invented", "subscriber %u got message %u of publisher %u", subscriber, seq, publisher);
        return;
    }
    const struct account *a = &ledger->accounts[publisher];
    struct sight *s = &ledger->sights[subscriber * ledger->publishers + publisher];
    ledger->received++;
    if (ledger->closed && !ledger->damaged)
        ledger_violated(ledger, "again", "subscriber %u got message %u of publisher %u after a quiet restart",
                        subscriber, seq, publisher);
    if (s->times[seq]++ > 0) {
        if (a->qos == 2 && ledger->subscriber_qos[subscriber] == 2 && !ledger->damaged)
            ledger_violated(ledger, "twice", "subscriber %u got message %u of publisher %u again", subscriber, seq,
                            publisher);
        return;
    }
    if (!a->refused && s->jumped == 0 && seq != s->newest + 1) {
        s->jumped = seq;
        s->over = s->newest;
    }
    if (seq > s->newest)
        s->newest = seq;
}

/* The first confirmed message of `p` that `s` does not have; 0: none. */
static uint32_t
missing(const struct ledger *ledger, unsigned s, unsigned p)
{
    const struct account *a = &ledger->accounts[p];
    const struct sight *sight = &ledger->sights[s * ledger->publishers + p];
    for (uint32_t seq = 1; seq <= a->attempted; seq++)
        if (a->confirmed[seq] && sight->times[seq] == 0)
            return seq;
    return 0;
}

bool
ledger_complete(const struct ledger *ledger)
{
    for (unsigned s = 0; s < ledger->subscribers; s++)
        for (unsigned p = 0; p < ledger->publishers; p++)
            if (missing(ledger, s, p) != 0)
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
judge_sight(struct ledger *ledger, unsigned s, unsigned p)
{
    const struct sight *sight = &ledger->sights[s * ledger->publishers + p];
    uint32_t lost = missing(ledger, s, p);
    if (lost != 0)
        ledger_violated(ledger, "lost", "subscriber %u never got message %u of publisher %u, which was confirmed", s,
                        lost, p);
    if (sight->jumped != 0 && !ledger->accounts[p].refused)
        ledger_violated(ledger, "disorder", "subscriber %u got message %u of publisher %u after %u", s, sight->jumped,
                        p, sight->over);
}

void
ledger_judge(struct ledger *ledger)
{
    if (ledger->damaged)
        return;
    for (unsigned s = 0; s < ledger->subscribers; s++)
        for (unsigned p = 0; p < ledger->publishers; p++)
            judge_sight(ledger, s, p);
    for (unsigned k = 0; k < ledger->keepers; k++)
        if (!may_stand(ledger, k, ledger->kept_seen[k]))
            ledger_violated(ledger, "retained", "topic r/%u holds version %u; %u was confirmed, %u attempted", k,
                            ledger->kept_seen[k], ledger->kept_confirmed[k], ledger->kept_attempted[k]);
}
