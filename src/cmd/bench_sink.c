/* cmd/bench_sink.c - see bench_sink.h. */
#include "cmd/bench_sink.h"

#include <stdio.h>

#include "base/mem.h"

int
sink_init(struct sink *sink, const struct sink_settings *settings)
{
    *sink = (struct sink){ .settings = *settings, .slots = plan_slots(settings->plan) };
    return check_init(&sink->check, settings->mem, sink->slots.count);
}

void
sink_fini(struct sink *sink)
{
    link_fini(&sink->link);
    check_fini(&sink->check);
}

/* ---- subscribing ------------------------------------------------------------------------------------------ */

unsigned
sink_filter_count(const struct sink *sink)
{
    return sink->settings.style == FILTER_HASH ? 1 : sink->settings.share.count;
}

struct view
sink_filter(const struct sink *sink, unsigned nth, char *ret)
{
    const struct sink_settings *s = &sink->settings;
    const struct topic_form *form = &s->form;
    unsigned topic = s->share.first + (sink->asked + nth) * s->share.stride;

    if (s->style == FILTER_HASH)
        return view_of(ret, (size_t)snprintf(ret, TOPIC_ROOM, "%s%c#", form->prefix, form->separator));
    return view_of(ret, topic_print(form, s->style == FILTER_PLUS ? s->protocol->any_level : 't', topic, ret));
}

bool
sink_is_subscribed(const struct sink *sink)
{
    return sink->granted == sink_filter_count(sink);
}

/* ---- messages --------------------------------------------------------------------------------------------- */

/* Messages of another run (retained ones, say) are counted and left alone. */
static bool
is_ours(const struct sink *sink, const struct stamp *stamp)
{
    const struct sink_settings *s = &sink->settings;
    return stamp->run == s->run && stamp->topic < s->plan->topics && stamp->publisher < s->plan->publishers;
}

void
sink_count(struct sink *sink, struct view payload)
{
    struct stamp stamp = { 0 };

    if (payload.len >= sizeof stamp)
        memcpy(&stamp, payload.data, sizeof stamp);
    if (!is_ours(sink, &stamp)) {
        sink->foreign++;
        return;
    }
    unsigned slot = plan_slot(sink->settings.plan, sink->slots, stamp.topic, stamp.publisher);
    *sink->settings.unique_total -= sink->check.unique;
    check_take(&sink->check, slot, stamp.number);
    *sink->settings.unique_total += sink->check.unique;
    if (sink->settings.latency != NULL)
        histogram_add(sink->settings.latency, io_exact_ns(sink->link.io) - stamp.sent_ns);
}
