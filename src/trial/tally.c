#include "trial/tally.h"

#include "base/err.h"
#include "base/mem.h"

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
}

static struct item *
item_of(const struct tally *tally, unsigned sender, uint32_t seq)
{
    return &tally->items[sender * (tally->messages + 1) + seq];
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

void
tally_put(struct tally *tally, unsigned sender, uint32_t seq, enum place place)
{
    struct item *item = item_of(tally, sender, seq);
    if (item->attempts++ == 0)
        item->deaths = tally->ledger->deaths;
    item->place = (uint8_t)place;
}

void
tally_confirmed(struct tally *tally, unsigned sender, uint32_t seq)
{
    struct item *item = item_of(tally, sender, seq);
    tally->ledger->confirmed += !item->confirmed;
    item->confirmed = true;
}

bool
tally_is_confirmed(const struct tally *tally, unsigned sender, uint32_t seq)
{
    return item_of(tally, sender, seq)->confirmed;
}

static bool
may_be_there(const struct item *item, enum place place)
{
    bool dies = item->place == PLACE_WORK || item->place == PLACE_SHORT;
    return item->attempts > 0 && (item->place == place || (place == PLACE_MORGUE && dies));
}

/* More copies without the flag than were put: only a death takes the flag away. */
static bool
lacks_flag(const struct tally *tally, unsigned fresh, unsigned copies, uint16_t deaths)
{
    return fresh > copies && deaths == tally->ledger->deaths && !tally->ledger->damaged;
}

static void
check_closed(const struct tally *tally, const char *what, unsigned of, unsigned number)
{
    if (tally->ledger->closed && !tally->ledger->damaged)
        ledger_violated(tally->ledger, "again", "%s %u/%u came after a quiet restart", what, of, number);
}

void
tally_got(struct tally *tally, enum place place, unsigned sender, uint32_t seq, bool redelivered)
{
    bool known = sender < tally->senders && seq > 0 && seq <= tally->messages;
    struct item *item = known ? item_of(tally, sender, seq) : NULL;
    if (item == NULL || !may_be_there(item, place)) {
        ledger_violated(tally->ledger, "invented", "message %u/%u came from place %u", sender, seq, place);
        return;
    }
    tally->ledger->received++;
    check_closed(tally, "message", sender, seq);
    uint8_t *fresh = &item->fresh[place == PLACE_MORGUE];
    *fresh = (uint8_t)(*fresh + !redelivered);
    if (lacks_flag(tally, *fresh, item->attempts, item->deaths))
        ledger_violated(tally->ledger, "unflagged", "message %u/%u came again from place %u", sender, seq, place);
}

void
tally_settled(struct tally *tally, unsigned sender, uint32_t seq)
{
    item_of(tally, sender, seq)->settled = true;
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
tally_got_deal(struct tally *tally, enum place place, unsigned number, uint16_t life, bool redelivered)
{
    struct deal *deal = number > 0 && number <= tally->deal_count ? &tally->deals[number - 1] : NULL;
    if (deal == NULL || deal->end == DEAL_ROLLED_BACK) {
        ledger_violated(tally->ledger, "invented", "transaction %u came from place %u", number, place);
        return;
    }
    bool right = place == PLACE_RIGHT;
    check_closed(tally, "transaction", right, number);
    deal->seen[right] = true;
    deal->later |= life > deal->deaths;
    deal->fresh[right] = (uint8_t)(deal->fresh[right] + !redelivered);
    if (lacks_flag(tally, deal->fresh[right], 1, deal->deaths))
        ledger_violated(tally->ledger, "unflagged", "transaction %u came again from place %u", number, place);
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
    const struct item *item = item_of(tally, sender, seq);
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
    const struct item *item = item_of(tally, sender, seq);
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
