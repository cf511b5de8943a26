/* What is checked when a message comes out of a queue, beside whether it may be there at all. */
#include "io/sim/sim.h"
#include "trial/tally.h"

enum {
    GRACE_NS = 50 * 1000 * 1000, /* until a quiet net's other side knows, and has acted */
    NS_A_MS = 1000 * 1000,
};

/* ---- the flag ----------------------------------------------------------------------------------------------- */

/* What came over a connection to a dead node is nobody's promise. */
bool
fresh_count(struct tally *tally, struct fresh *fresh, const struct arrival *arrival, unsigned copies)
{
    if (arrival->redelivered || arrival->life != tally->ledger->deaths)
        return true;
    if (fresh->tick < tally->witnessed)
        fresh->unsure = 0;
    fresh->tick = tally->tick;
    fresh->unsure++;
    return ++fresh->count <= copies || tally->ledger->damaged;
}

/* Have deliveries to somebody gone back since, perhaps? */
static bool
was_parted(const struct tally *tally, uint64_t since_ns)
{
    return tally->parted_ns != 0 && tally->parted_ns + GRACE_NS >= since_ns;
}

/* It was put once, in this life, and has been on its way to nobody. */
static bool
is_untouched(const struct tally *tally, const struct item *item)
{
    return tally->quiet_net && item->attempts == 1 && item->deaths == tally->ledger->deaths &&
           !was_parted(tally, item->put_ns);
}

static void
check_flag(struct tally *tally, struct item *item, const struct arrival *a)
{
    bool dead = a->place == PLACE_MORGUE;
    bool first = item->deliveries[dead]++ == 0;
    /* A death may make two letters of one. */
    unsigned copies = dead && item->deaths != tally->ledger->deaths ? UINT8_MAX : item->attempts;
    if (!fresh_count(tally, &item->fresh[dead], a, copies))
        ledger_violated(tally->ledger, "unflagged", "message %u/%u came again from place %u", a->of, a->number,
                        a->place);
    if (a->redelivered && first && is_untouched(tally, item))
        ledger_violated(tally->ledger, "flagged", "message %u/%u came first from place %u", a->of, a->number, a->place);
}

/* ---- time, returns, rank ------------------------------------------------------------------------------------ */

static void
check_time(struct tally *tally, const struct item *item, const struct arrival *a)
{
    uint64_t ttl_ns = (uint64_t)place_ttl_ms(a->place, a->number) * NS_A_MS;
    bool old = a->life != tally->ledger->deaths; /* written before the node died, read when it is up again */
    if (ttl_ns == 0 || item->confirmed_ns == 0 || !tally->quiet_net || old)
        return;
    uint64_t last_ns = item->confirmed_ns + ttl_ns + GRACE_NS, now_ns = sim_now(tally->sim);
    if (now_ns > last_ns)
        ledger_violated(tally->ledger, "late", "message %u/%u came %u ms late", a->of, a->number,
                        (unsigned)((now_ns - last_ns) / NS_A_MS));
}

static void
check_returns(struct tally *tally, const struct item *item, const struct arrival *a)
{
    if (a->place != PLACE_TRIES)
        return;
    bool lived = item->deaths == tally->ledger->deaths;
    if (a->returns > TRIES_RETURNS_MAX || (lived && item->deliveries[0] > (TRIES_RETURNS_MAX + 1u) * item->attempts))
        ledger_violated(tally->ledger, "returned", "message %u/%u came for the %uth time", a->of, a->number,
                        item->deliveries[0]);
}

/* Was it surely ready at that time?  It was in the queue, and on its way to nobody. */
static bool
was_ready(const struct item *item, uint64_t at_ns)
{
    return item->place == PLACE_RANKED && item->confirmed && item->deliveries[0] == 0 && item->confirmed_ns < at_ns;
}

/* With one consumer only: what is on its way to another is not seen yet. */
static void
check_rank(struct tally *tally, const struct item *item, const struct arrival *a)
{
    uint64_t at_ns = item->put_ns > tally->room_ns ? item->put_ns : tally->room_ns; /* or later: its delivery */
    bool known = tally->one_taker && tally->quiet_net && a->life == tally->ledger->deaths;
    if (a->place != PLACE_RANKED || !known || was_parted(tally, at_ns))
        return;
    for (unsigned s = 0; s < tally->senders; s++)
        for (uint32_t seq = 1; seq <= tally->messages; seq++)
            if (place_rank(seq) > place_rank(a->number) && was_ready(tally_item(tally, s, seq), at_ns))
                ledger_violated(tally->ledger, "rank", "message %u/%u came before %u/%u", a->of, a->number, s, seq);
}

/* ---- dead letters ------------------------------------------------------------------------------------------- */

static bool
may_die_of(const struct tally *tally, const struct item *item, const struct arrival *a)
{
    uint64_t due_ns = item->put_ns + (uint64_t)place_ttl_ms(item->place, a->number) * NS_A_MS;
    if (view_is(a->dead_of, "rejected"))
        return item->rejected;
    switch (item->place) {
    case PLACE_SHORT: return view_is(a->dead_of, "maxlen");
    case PLACE_TIMED: return view_is(a->dead_of, "expired") && sim_now(tally->sim) >= due_ns;
    case PLACE_TRIES: return view_is(a->dead_of, "delivery_limit");
    default: return false;
    }
}

static void
check_death(struct tally *tally, const struct item *item, const struct arrival *a)
{
    if (a->place != PLACE_MORGUE)
        return;
    if (!may_die_of(tally, item, a) || !view_equal(a->died_from, place_name(item->place)))
        ledger_violated(tally->ledger, "dead", "message %u/%u of place %u died of %.*s in %.*s", a->of, a->number,
                        item->place, (int)a->dead_of.len, a->dead_of.data, (int)a->died_from.len, a->died_from.data);
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

static bool
may_be_there(const struct item *item, enum place place)
{
    bool dies = item->place == PLACE_WORK || item->place == PLACE_SHORT || item->place == PLACE_TIMED ||
                item->place == PLACE_TRIES;
    return item->attempts > 0 && (item->place == place || (place == PLACE_MORGUE && dies));
}

void
tally_got(struct tally *tally, const struct arrival *a)
{
    struct item *item = tally_knows(tally, a->of, a->number) ? tally_item(tally, a->of, a->number) : NULL;
    if (item == NULL || !may_be_there(item, a->place)) {
        ledger_violated(tally->ledger, "invented", "message %u/%u came from place %u", a->of, a->number, a->place);
        return;
    }
    tally->ledger->received++;
    if (tally->ledger->damaged)
        return;
    if (tally->ledger->closed)
        ledger_violated(tally->ledger, "again", "message %u/%u came after a quiet restart", a->of, a->number);
    check_flag(tally, item, a);
    check_time(tally, item, a);
    check_returns(tally, item, a);
    check_rank(tally, item, a);
    check_death(tally, item, a);
}
