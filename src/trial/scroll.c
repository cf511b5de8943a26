/* What is known of the stream: which message stands at which offset.
 *
 * The log is whole up to where it ends, so what stands before something confirmed is on disk too. */
#include "base/err.h"
#include "base/mem.h"
#include "trial/tally.h"

static bool
grow(struct tally *tally)
{
    struct scroll *s = &tally->scroll;
    if (s->count < s->room)
        return true;
    unsigned room = s->room == 0 ? 64 : s->room * 2;
    struct entry_seen *entries = mem_grow(tally->mem, s->entries, room * sizeof(*entries));
    if (entries == NULL)
        return false;
    s->entries = entries;
    s->room = room;
    return true;
}

/* The first copy of it that is there stands at or before the one that was confirmed. */
void
scroll_confirmed(struct tally *tally, const struct item *item)
{
    if (item->stands > tally->scroll.durable)
        tally->scroll.durable = item->stands;
}

/* One more, at the end of what is known. */
static void
learn(struct tally *tally, const struct arrival *a)
{
    struct scroll *s = &tally->scroll;
    struct item *item = tally_item(tally, a->of, a->number);
    if (!grow(tally))
        return;
    s->entries[s->count++] = (struct entry_seen){ .sender = a->of, .seq = a->number };
    if (item->stands == 0)
        item->stands = s->count;
    if (item->confirmed)
        scroll_confirmed(tally, item);
    item->settled = true;
}

void
tally_read(struct tally *tally, const struct arrival *a)
{
    const struct scroll *s = &tally->scroll;
    bool now = a->life == tally->ledger->deaths;
    if (!tally_knows(tally, a->of, a->number) || tally_item(tally, a->of, a->number)->place != PLACE_STREAM) {
        ledger_violated(tally->ledger, "invented", "message %u/%u came from the stream", a->of, a->number);
        return;
    }
    tally->ledger->received++;
    if (a->offset < (now ? s->count : s->durable)) {
        const struct entry_seen *e = &s->entries[a->offset];
        if ((e->sender != a->of || e->seq != a->number) && !tally->ledger->damaged)
            ledger_violated(tally->ledger, "rewritten", "offset %u held message %u/%u, and now %u/%u",
                            (unsigned)a->offset, e->sender, e->seq, a->of, a->number);
    } else if (now && a->offset == s->count) {
        learn(tally, a);
    }
}

/* What was seen and may not have been on disk may be gone, and other messages in its place. */
void
scroll_died(struct tally *tally)
{
    struct scroll *s = &tally->scroll;
    for (; s->count > s->durable; s->count--) {
        struct item *item = tally_item(tally, s->entries[s->count - 1].sender, s->entries[s->count - 1].seq);
        if (item->stands == s->count)
            item->stands = 0;
    }
    s->read = 0;
}

void
tally_judge_stream(struct tally *tally)
{
    const struct scroll *s = &tally->scroll;
    for (unsigned sender = 0; sender < tally->senders && !tally->ledger->damaged; sender++)
        for (uint32_t seq = 1; seq <= tally->messages; seq++) {
            const struct item *item = tally_item(tally, sender, seq);
            bool read = item->stands != 0 && item->stands <= s->read;
            if (item->place == PLACE_STREAM && item->confirmed && !read)
                ledger_violated(tally->ledger, "lost", "message %u/%u is not in the stream, of which %u were read",
                                sender, seq, s->read);
        }
}
