#include "trial/tally.h"

#include "base/err.h"
#include "base/mem.h"
#include "io/sim/sim.h"

int
tally_init(struct tally *tally, struct ledger *ledger, unsigned senders, unsigned messages)
{
    *tally = (struct tally){ .ledger = ledger, .mem = ledger->mem, .senders = senders, .messages = messages };
    tally->items = mem_new(tally->mem, (senders * ((size_t)messages + 1) + 1) * sizeof(*tally->items));
    return tally->items == NULL ? -ERR_NO_MEMORY : 0;
}

void
tally_fini(struct tally *tally)
{
    if (tally->ledger == NULL)
        return;
    mem_free(tally->mem, tally->items);
    mem_free(tally->mem, tally->deals);
    mem_free(tally->mem, tally->scroll.entries);
}

struct item *
tally_item(const struct tally *tally, unsigned sender, uint32_t seq)
{
    return &tally->items[sender * (tally->messages + 1) + seq];
}

bool
tally_knows(const struct tally *tally, unsigned sender, uint32_t seq)
{
    return sender < tally->senders && seq > 0 && seq <= tally->messages && tally_item(tally, sender, seq)->attempts > 0;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

void
tally_put(struct tally *tally, unsigned sender, uint32_t seq, enum place place)
{
    struct item *item = tally_item(tally, sender, seq);
    if (item->attempts++ == 0) {
        item->deaths = tally->ledger->deaths;
        item->put_ns = sim_now(tally->sim);
    }
    item->place = (uint8_t)place;
}

void
tally_confirmed(struct tally *tally, unsigned sender, uint32_t seq)
{
    struct item *item = tally_item(tally, sender, seq);
    tally->ledger->confirmed += !item->confirmed;
    item->confirmed = true;
    item->confirmed_ns = sim_now(tally->sim);
    scroll_confirmed(tally, item);
}

bool
tally_is_confirmed(const struct tally *tally, unsigned sender, uint32_t seq)
{
    return tally_item(tally, sender, seq)->confirmed;
}

void
tally_rejected(struct tally *tally, unsigned sender, uint32_t seq)
{
    tally_item(tally, sender, seq)->rejected = true;
}

void
tally_witness(struct tally *tally, uint32_t tick)
{
    if (tick > tally->witnessed)
        tally->witnessed = tick;
}

void
tally_has_room(struct tally *tally)
{
    tally->room_ns = sim_now(tally->sim);
}

void
tally_parted(struct tally *tally)
{
    tally->parted_ns = sim_now(tally->sim);
}

static void
forgive(const struct tally *tally, struct fresh *fresh)
{
    if (fresh->tick >= tally->witnessed || !tally->roomy_disk)
        fresh->count = (uint8_t)(fresh->count - fresh->unsure);
    fresh->unsure = 0;
}

void
tally_died(struct tally *tally)
{
    for (size_t i = 0; i < tally->senders * ((size_t)tally->messages + 1); i++)
        forgive(tally, &tally->items[i].fresh[0]);
    for (unsigned i = 0; i < tally->deal_count; i++) {
        forgive(tally, &tally->deals[i].fresh[0]);
        forgive(tally, &tally->deals[i].fresh[1]);
    }
    scroll_died(tally);
}

void
tally_settled(struct tally *tally, unsigned sender, uint32_t seq)
{
    tally_item(tally, sender, seq)->settled = true;
}

/* ---- transactions ------------------------------------------------------------------------------------------- */

unsigned
tally_deal(struct tally *tally, unsigned sender, uint32_t seq)
{
    if (tally->deal_count == tally->deal_room) {
        unsigned room = tally->deal_room == 0 ? 64 : tally->deal_room * 2;
        struct deal *deals = mem_grow(tally->mem, tally->deals, room * sizeof(*deals));
        if (deals == NULL)
            return 0;
        tally->deals = deals;
        tally->deal_room = room;
    }
    tally->deals[tally->deal_count] = (struct deal){ .sender = sender, .seq = seq, .deaths = tally->ledger->deaths };
    return ++tally->deal_count;
}

void
tally_deal_ended(struct tally *tally, unsigned deal, enum deal_end end)
{
    tally->deals[deal - 1].end = end;
}

void
tally_got_deal(struct tally *tally, const struct arrival *a)
{
    struct deal *deal = a->number > 0 && a->number <= tally->deal_count ? &tally->deals[a->number - 1] : NULL;
    if (deal == NULL || deal->end == DEAL_ROLLED_BACK) {
        ledger_violated(tally->ledger, "invented", "transaction %u came from place %u", a->number, a->place);
        return;
    }
    bool right = a->place == PLACE_RIGHT;
    if (tally->ledger->closed && !tally->ledger->damaged)
        ledger_violated(tally->ledger, "again", "transaction %u came after a quiet restart", a->number);
    deal->seen[right] = true;
    deal->later |= a->life > deal->deaths;
    if (!fresh_count(tally, &deal->fresh[right], a, 1))
        ledger_violated(tally->ledger, "unflagged", "transaction %u came again from place %u", a->number, a->place);
}

/* What nobody can take back any more. */
static bool
is_done(const struct tally *tally, const struct deal *deal)
{
    bool seen = deal->seen[0] || deal->seen[1];
    return deal->end == DEAL_COMMITTED || deal->later || (seen && deal->deaths == tally->ledger->deaths);
}

static bool
is_whole(const struct tally *tally, const struct deal *deal)
{
    return deal->end == DEAL_REFUSED || !is_done(tally, deal) || (deal->seen[0] && deal->seen[1]);
}

/* How many transactions have consumed it for sure; or may have, by what was seen of them before a node died. */
static unsigned
times_consumed(const struct tally *tally, unsigned sender, uint32_t seq, bool perhaps)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tally->deal_count; i++) {
        const struct deal *deal = &tally->deals[i];
        bool done = is_done(tally, deal) || (perhaps && deal->seen[0] && deal->seen[1]);
        n += deal->sender == sender && deal->seq == seq && deal->end != DEAL_REFUSED && done;
    }
    return n;
}

/* ---- judgement ---------------------------------------------------------------------------------------------- */

static bool
is_lost(const struct tally *tally, unsigned sender, uint32_t seq)
{
    const struct item *item = tally_item(tally, sender, seq);
    if (!item->confirmed || item->place == PLACE_BRIEF)
        return false;
    return item->place == PLACE_ORDERS ? times_consumed(tally, sender, seq, true) == 0 : !item->settled;
}

bool
tally_complete(const struct tally *tally)
{
    for (unsigned s = 0; s < tally->senders; s++)
        for (uint32_t seq = 1; seq <= tally->messages; seq++)
            if (is_lost(tally, s, seq))
                return false;
    for (unsigned i = 0; i < tally->deal_count; i++)
        if (!is_whole(tally, &tally->deals[i]))
            return false;
    return true;
}

static void
judge_item(struct tally *tally, unsigned sender, uint32_t seq)
{
    const struct item *item = tally_item(tally, sender, seq);
    if (is_lost(tally, sender, seq))
        ledger_violated(tally->ledger, "lost", "message %u/%u, confirmed at place %u, was never acknowledged", sender,
                        seq, item->place);
    unsigned consumed = item->place == PLACE_ORDERS ? times_consumed(tally, sender, seq, false) : 0;
    if (consumed > item->attempts)
        ledger_violated(tally->ledger, "undone", "message %u/%u was put %u times and consumed %u times", sender, seq,
                        item->attempts, consumed);
}

void
tally_judge(struct tally *tally)
{
    if (tally->ledger->damaged)
        return;
    for (unsigned s = 0; s < tally->senders; s++)
        for (uint32_t seq = 1; seq <= tally->messages; seq++)
            judge_item(tally, s, seq);
    for (unsigned i = 0; i < tally->deal_count; i++)
        if (!is_whole(tally, &tally->deals[i]))
            ledger_violated(tally->ledger, "torn", "transaction %u: left %d, right %d", i + 1, tally->deals[i].seen[0],
                            tally->deals[i].seen[1]);
}
