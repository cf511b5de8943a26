/* trial/witness.c - see meeting.h for what is promised.
 *
 *     | topic | talker | number (4) | the number's lowest byte, repeated |
 */
#include "base/cursor.h"
#include "io/sim/sim.h"
#include "trial/speaker.h"
#include "wire/zmtp.h"

/* What a connection may have taken with it that was not unsent any more: a window, and the chunk that was cut. */
enum { UNDER_WAY_BYTES = 256 * 1024 };

struct mark {
    struct speaker *talker;
    uint32_t number;
    unsigned topic;
};

void
witness_write(const struct speaker *talker, uint32_t number, uint8_t *ret)
{
    size_t len = talker->meeting->plan->message_bytes;
    struct pen pen = pen_of(ret, len);
    put_u8(&pen, (uint8_t)('a' + number % TOPICS));
    put_u8(&pen, (uint8_t)talker->index);
    put_u32(&pen, number);
    memset(ret + MARK_BYTES, (uint8_t)number, len - MARK_BYTES);
}

static bool
is_as_said(const struct meeting *m, const struct mark *mark, struct view body)
{
    if (mark->number == 0 || mark->number > mark->talker->said || mark->topic != mark->number % TOPICS)
        return false;
    for (size_t i = MARK_BYTES; i < body.len; i++)
        if (body.data[i] != (uint8_t)mark->number)
            return false;
    return body.len == m->plan->message_bytes;
}

/* Reads the last part; with a `retfirst`, also the first. */
static bool
read_mark(struct meeting *m, struct view run, struct mark *ret, struct view *retfirst)
{
    struct zmtp_frame frame = { 0 };
    *retfirst = view_of(NULL, 0);
    while (zmtp_frame_next(&run, &frame))
        if (retfirst->data == NULL)
            *retfirst = frame.body;
    struct cursor in = cursor_of(frame.body);
    *ret = (struct mark){ .topic = take_u8(&in) - 'a' };
    unsigned talker = take_u8(&in);
    ret->number = take_u32(&in);
    ret->talker = &m->talkers[talker % SPEAKERS_MAX];
    if (!in.torn && talker < m->plan->talkers && is_as_said(m, ret, frame.body))
        return true;
    ledger_violated(&m->verdicts, "invented", "%zu bytes, number %u of talker %u", frame.body.len, ret->number, talker);
    return false;
}

static void
count(struct meeting *m, const struct mark *mark)
{
    m->received++;
    if (mark->talker->heard[mark->number]++ > 0)
        ledger_violated(&m->verdicts, "twice", "number %u of talker %u", mark->number, mark->talker->index);
}

/* ---- listeners -------------------------------------------------------------------------------------------- */

static void
heard_topic(struct speaker *listener, const struct mark *mark)
{
    struct meeting *m = listener->meeting;
    unsigned from = mark->talker->index;
    bool is_wanted =
        listener->pattern == TAMBO_SUB ? listener->wants[mark->topic] > 0 : listener->has_wanted[mark->topic];
    m->received++;
    if (!is_wanted)
        ledger_violated(&m->verdicts, "unwanted", "listener %u: number %u of talker %u, topic %c", listener->index,
                        mark->number, from, 'a' + (int)mark->topic);
    if (mark->number <= listener->newest[from])
        ledger_violated(&m->verdicts, "disorder", "listener %u: number %u of talker %u after %u", listener->index,
                        mark->number, from, listener->newest[from]);
    listener->newest[from] = mark->number;
    listener->last_words[from] += m->is_last_word && mark->number > mark->talker->owed;
}

static void
check_name(struct meeting *m, const struct mark *mark, struct view name)
{
    bool is_right = name.len == 2 && name.data[1] == 'a' + mark->talker->index;
    if (speaker_is_named(mark->talker) && !is_right)
        ledger_violated(&m->verdicts, "foreign", "number %u of talker %u came from \"%.*s\"", mark->number,
                        mark->talker->index, (int)name.len, (const char *)name.data);
}

void
witness_heard(struct speaker *listener, struct view run)
{
    struct meeting *m = listener->meeting;
    struct mark mark;
    struct view first;
    if (!read_mark(m, run, &mark, &first))
        return;
    switch (m->family->manner) {
    case ONE_WAY: count(m, &mark); break;
    case BY_TOPIC: heard_topic(listener, &mark); break;
    case ECHO:
        if (listener->pattern == TAMBO_ROUTER)
            check_name(m, &mark, first);
        break;
    }
}

/* ---- talkers ---------------------------------------------------------------------------------------------- */

void
witness_answered(struct speaker *talker, struct view run)
{
    struct meeting *m = talker->meeting;
    struct mark mark;
    struct view first;
    if (!read_mark(m, run, &mark, &first))
        return;
    bool is_own = mark.talker == talker && (talker->pattern != TAMBO_REQ || mark.number == talker->said);
    if (!is_own)
        ledger_violated(&m->verdicts, "foreign", "talker %u, having said %u, was answered to number %u of talker %u",
                        talker->index, talker->said, mark.number, mark.talker->index);
    talker->is_asking = false;
    count(m, &mark);
}

void
witness_told(struct speaker *talker, struct view run)
{
    struct meeting *m = talker->meeting;
    struct zmtp_frame frame = { 0 };
    zmtp_frame_next(&run, &frame);
    unsigned topic = frame.body.len == 2 ? frame.body.data[1] - 'a' : TOPICS;
    bool on = frame.body.len > 0 && frame.body.data[0] == 1;
    if (topic >= TOPICS) {
        ledger_violated(&m->verdicts, "invented", "a subscription of %zu bytes", frame.body.len);
        return;
    }
    if (talker->told[topic] == on)
        ledger_violated(&m->verdicts, "miscounted", "talker %u: topic %c is %s already", talker->index,
                        'a' + (int)topic, on ? "wanted" : "unwanted");
    talker->told[topic] = on;
}

/* ---- the end ---------------------------------------------------------------------------------------------- */

static bool
has_last_words(const struct meeting *m, const struct speaker *talker)
{
    for (uint32_t n = talker->owed + 1; n <= talker->owed + LAST_WORDS; n++) {
        if (n > talker->said || (m->family->manner != BY_TOPIC && talker->heard[n] == 0))
            return false;
        for (unsigned i = 0; m->family->manner == BY_TOPIC && i < m->plan->listeners; i++) {
            uint32_t wanted = 0; /* of the last words up to this one */
            for (uint32_t k = talker->owed + 1; k <= n; k++)
                wanted += m->listeners[i].wants[k % TOPICS] > 0;
            if (m->listeners[i].last_words[talker->index] < wanted)
                return false;
        }
    }
    return true;
}

bool
witness_is_content(const struct meeting *m)
{
    for (unsigned i = 0; i < m->plan->talkers; i++)
        if (!has_last_words(m, &m->talkers[i]))
            return false;
    return true;
}

static void
judge_counts(struct meeting *m, const struct speaker *talker)
{
    for (unsigned topic = 0; topic < TOPICS; topic++) {
        bool is_wanted = false;
        for (unsigned i = 0; i < m->plan->listeners; i++)
            is_wanted = is_wanted || m->listeners[i].wants[topic] > 0;
        if (talker->told[topic] != is_wanted)
            ledger_violated(&m->verdicts, "miscounted", "talker %u: topic %c is %s", talker->index, 'a' + (int)topic,
                            is_wanted ? "wanted, and it was not told" : "wanted by nobody, and it was not told");
    }
}

static void
judge_missing(struct meeting *m, const struct speaker *talker)
{
    struct tambo_stats stats;
    uint64_t missing = 0, each = UNDER_WAY_BYTES / m->plan->message_bytes + 2;
    socket_stats(talker->socket, &stats);
    for (uint32_t n = 1; n <= talker->said; n++)
        missing += talker->heard[n] == 0;
    uint64_t excused = stats.lost + stats.dropped + talker->breaks * each;
    if (missing > excused)
        ledger_violated(&m->verdicts, "lost", "talker %u: %u of %u are missing, %u lost, %u connections broken",
                        talker->index, (unsigned)missing, talker->said, (unsigned)stats.lost, (unsigned)talker->breaks);
}

void
witness_judge(struct meeting *m)
{
    bool is_counted = m->family->manner == ONE_WAY && m->plan->deaths == 0 && !m->plan->restless;
    for (unsigned i = 0; i < m->plan->talkers; i++) {
        if (m->talkers[i].pattern == TAMBO_XPUB)
            judge_counts(m, &m->talkers[i]);
        if (is_counted)
            judge_missing(m, &m->talkers[i]);
    }
}
