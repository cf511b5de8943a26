/* cmd/bench_source.c - see bench_source.h. */
#include "cmd/bench_source.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

/* A batch fills most of one chunk of the outbox (OUTBOX_CHUNK_BYTES); an outbox holds some of them. */
enum { BATCH_BYTES = 60 * 1024, UNSENT_BYTES = 256 * 1024 };

/* ---- topics ----------------------------------------------------------------------------------------------- */

struct topic_form
topic_form_of(const char *prefix, char separator, unsigned topics)
{
    unsigned digits = 1;
    for (unsigned n = topics - 1; n >= 10; n /= 10)
        digits++;
    return (struct topic_form){ .prefix = prefix, .separator = separator, .digits = digits };
}

size_t
topic_print(const struct topic_form *form, char level, unsigned topic, char *ret)
{
    int n = snprintf(ret, TOPIC_ROOM, "%s%c%c%c%0*u", form->prefix, form->separator, level, form->separator,
                     (int)form->digits, topic);
    must(n > 0 && n < TOPIC_ROOM);
    return (size_t)n;
}

static void
put_digits(uint8_t *at, unsigned digits, unsigned x)
{
    for (; digits-- > 0; x /= 10)
        at[digits] = (uint8_t)('0' + x % 10);
}

/* ---- the publisher ---------------------------------------------------------------------------------------- */

int
source_init(struct source *source, const struct source_settings *settings)
{
    must(settings->payload_bytes >= sizeof(struct stamp) && settings->share.count > 0);
    *source = (struct source){ .settings = *settings, .topic = settings->share.first };
    int rc = settings->protocol->make_frame(source);
    if (rc < 0)
        return rc;
    source->unsent_max = UNSENT_BYTES + source->frame_bytes;
    if (settings->qos == 0)
        return 0;
    must(settings->window > 0 && settings->window <= UINT16_MAX);
    source->flight = mem_new(settings->mem, settings->window * sizeof *source->flight);
    return source->flight == NULL ? -ERR_NO_MEMORY : 0;
}

void
source_fini(struct source *source)
{
    link_fini(&source->link);
    mem_free(source->settings.mem, source->frame);
    mem_free(source->settings.mem, source->flight);
}

/* ---- sending ---------------------------------------------------------------------------------------------- */

uint64_t
source_room(const struct source *source)
{
    if (!source->link.is_open || source->link.leaving)
        return 0;
    size_t unsent = io_unsent(source->link.stream);
    uint64_t room = unsent >= UNSENT_BYTES ? 0 : (source->unsent_max - unsent) / source->frame_bytes;
    uint64_t window = source->settings.window - (source->sent - source->settled);

    return source->settings.qos > 0 && window < room ? window : room;
}

static void
next_topic(struct source *source)
{
    const struct plan_share *share = &source->settings.share;

    source->topic += share->stride;
    if (source->topic >= share->first + share->stride * share->count) {
        source->topic = share->first;
        source->number++;
    }
}

static void
put_frame(struct source *source, uint8_t *at, uint64_t now_ns)
{
    const struct source_settings *s = &source->settings;
    struct stamp stamp = {
        .run = s->run,
        .publisher = s->publisher,
        .topic = source->topic,
        .number = source->number,
        .sent_ns = now_ns,
    };

    memcpy(at, source->frame, source->frame_bytes);
    memcpy(at + source->payload_at, &stamp, sizeof stamp);
    if (s->share.count > 1 || s->share.first > 0)
        put_digits(at + source->digits_at, s->form.digits, source->topic);
    if (s->qos > 0)
        source->flight[source->sent % s->window].sent_ns = now_ns;
    if (source->id_at > 0) {
        unsigned id = (unsigned)(source->sent % s->window) + 1;
        at[source->id_at] = (uint8_t)(id >> 8);
        at[source->id_at + 1] = (uint8_t)id;
    }
    source->sent++;
    next_topic(source);
}

uint64_t
source_send(struct source *source, uint64_t n, uint64_t now_ns)
{
    uint64_t batch = BATCH_BYTES / source->frame_bytes, left = n;
    if (batch == 0)
        batch = 1;

    while (left > 0) {
        uint64_t some = left < batch ? left : batch;
        uint8_t *at = io_put_room(source->link.stream, some * source->frame_bytes);
        if (at == NULL)
            break;
        for (uint64_t i = 0; i < some; i++, at += source->frame_bytes)
            put_frame(source, at, now_ns);
        io_put_done(source->link.stream, some * source->frame_bytes);
        left -= some;
    }
    if (source->settings.qos == 0)
        source->settled = source->sent;
    return n - left;
}

/* ---- acknowledgements ------------------------------------------------------------------------------------- */

bool
source_settle(struct source *source, uint64_t number)
{
    unsigned window = source->settings.window;
    uint64_t behind = (number % window + window - source->settled % window) % window;
    struct flight *flight = &source->flight[number % window];

    if (behind >= source->sent - source->settled || flight->acked)
        return false;
    if (source->settings.confirm != NULL)
        histogram_add(source->settings.confirm, source->link.read_ns - flight->sent_ns);
    flight->acked = true;
    while ((flight = &source->flight[source->settled % window])->acked) {
        flight->acked = false;
        source->settled++;
    }
    return true;
}
