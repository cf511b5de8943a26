/* cmd/log.c - tambo log: looks at a data directory, offline, without changing it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "log/log.h"
#include "queue/message.h"
#include "queue/record.h"

enum { KINDS = RECORD_POLICY_END + 1 };

static const char *const kinds[KINDS] = {
    [RECORD_PUBLISH] = "publish",
    [RECORD_SETTLE] = "settle",
    [RECORD_QUEUE] = "queue",
    [RECORD_PAGE] = "page",
    [RECORD_MOVE] = "move",
    [RECORD_RETAIN] = "retain",
    [RECORD_DELAY] = "delay",
    [RECORD_DELAY_END] = "delay-end",
    [RECORD_RETURN] = "return",
    [RECORD_HELD] = "held",
    [RECORD_COMMIT] = "commit",
    [RECORD_DELIVERED] = "delivered",
    [RECORD_SESSION] = "session",
    [RECORD_SESSION_END] = "session-end",
    [RECORD_SESSION_PARK] = "session-park",
    [RECORD_SUBSCRIBE] = "subscribe",
    [RECORD_UNSUBSCRIBE] = "unsubscribe",
    [RECORD_RECEIVED] = "received",
    [RECORD_FORGET] = "forget",
    [RECORD_DELIVER] = "deliver",
    [RECORD_RELEASE] = "release",
    [RECORD_COMPLETE] = "complete",
    [RECORD_GROUP] = "group",
    [RECORD_GROUP_END] = "group-end",
    [RECORD_SHARD] = "shard",
    [RECORD_RECEIPT] = "receipt",
    [RECORD_RECEIPT_END] = "receipt-end",
    [RECORD_VHOST] = "vhost",
    [RECORD_VHOST_END] = "vhost-end",
    [RECORD_XCHG] = "exchange",
    [RECORD_XCHG_END] = "exchange-end",
    [RECORD_MQ] = "declare",
    [RECORD_MQ_END] = "delete",
    [RECORD_BIND] = "bind",
    [RECORD_UNBIND] = "unbind",
    [RECORD_POLICY] = "policy",
    [RECORD_POLICY_END] = "policy-end",
};

struct log_options {
    const char *data;
    bool records, json;
};

struct looking {
    const struct log_options *options;
    struct io *io;
    char dir[600];
    unsigned shards;
    uint64_t segments, checkpoints, torn_bytes, damaged_bytes, damaged_places;
    uint64_t counts[KINDS], bytes[KINDS];
};

static int
take_data(void *into, char *const *words, struct complaint *complaint)
{
    struct log_options *o = into;
    (void)complaint;
    o->data = words[0];
    return 0;
}

static const struct option_row rows[] = {
    {'r',  "records", NULL, "tell every record",      OPTION_FLAG, offsetof(struct log_options, records)},
    { 'j', "json",    NULL, "one JSON object a line", OPTION_FLAG, offsetof(struct log_options, json)   },
};

static const char *
kind_text(unsigned kind)
{
    return kind < KINDS && kinds[kind] != NULL ? kinds[kind] : "unknown";
}

/* Topics may hold any UTF-8: what would break a line or a JSON string is escaped as JSON does. */
static void
put_text(struct view text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
}

/* ---- records ------------------------------------------------------------------------------------------------ */

/* What a message's record says beside its kind. */
static void
tell_message(const struct looking *l, const struct envelope *env, unsigned targets)
{
    printf(l->options->json ? ",\"topic\":\"" : " topic=\"");
    put_text(env->topic);
    printf(l->options->json ? "\",\"qos\":%u,\"body_bytes\":%zu,\"queues\":%u" : "\" qos=%u body=%zu queues=%u",
           env->qos, env->body.len, targets);
}

static void
tell_details(const struct looking *l, const struct log_scan_item *item)
{
    struct record_publish publish;
    struct envelope env;
    struct cursor c = cursor_of(item->record);
    bool message = item->kind == RECORD_PUBLISH || item->kind == RECORD_MOVE || item->kind == RECORD_HELD;
    if (message && record_publish_parse(item->record, &publish, &env) == 0) {
        tell_message(l, &env, publish.targets);
    } else if (item->kind == RECORD_RETAIN) {
        take_u64(&c);
        if (envelope_parse(take_rest(&c), &env) == 0)
            tell_message(l, &env, 0);
    } else if (!message && item->record.len >= 4) {
        printf(l->options->json ? ",\"id\":%u" : " id=%u",
               item->kind == RECORD_PAGE ? record_page_queue(item->record) : take_u32(&c));
    }
}

static void
tell_record(const struct looking *l, const struct log_scan_item *item)
{
    const char *format = l->options->json ? "{\"file\":\"%s\",\"position\":%" PRIu64
                                            ",\"kind\":\"%s\",\"bytes\":%" PRIu64
                                          : "%s %" PRIu64 " %s bytes=%" PRIu64;
    printf(format, item->file, item->position, kind_text(item->kind), item->bytes);
    tell_details(l, item);
    puts(l->options->json ? "}" : "");
}

static void
tell_place(const struct looking *l, const struct log_scan_item *item, const char *what)
{
    printf(l->options->json ? "{\"file\":\"%s\",\"position\":%" PRIu64 ",\"found\":\"%s\",\"bytes\":%" PRIu64 "}\n"
                            : "%s %" PRIu64 " %s bytes=%" PRIu64 "\n",
           item->file, item->position, what, item->bytes);
}

static int
on_item(void *arg, const struct log_scan_item *item)
{
    struct looking *l = arg;
    unsigned kind = item->kind < KINDS ? item->kind : 0;
    switch (item->what) {
    case LOG_SCAN_SEGMENT: l->segments++; break;
    case LOG_SCAN_CHECKPOINT: l->checkpoints++; break;
    case LOG_SCAN_TORN:
        l->torn_bytes += item->bytes;
        tell_place(l, item, "torn end, to be cut");
        break;
    case LOG_SCAN_DAMAGED:
        l->damaged_bytes += item->bytes;
        l->damaged_places++;
        tell_place(l, item, "DAMAGED");
        break;
    case LOG_SCAN_RECORD:
        l->counts[kind]++;
        l->bytes[kind] += item->bytes;
        if (l->options->records)
            tell_record(l, item);
        break;
    }
    return 0;
}

/* ---- directories --------------------------------------------------------------------------------------------- */

static void
tell_sums(const struct looking *l)
{
    if (l->options->json) {
        printf("{\"shard\":\"%s\",\"segments\":%" PRIu64 ",\"checkpoints\":%" PRIu64 ",\"torn_bytes\":%" PRIu64
               ",\"damaged_places\":%" PRIu64 ",\"records\":{",
               l->dir, l->segments, l->checkpoints, l->torn_bytes, l->damaged_places);
        const char *comma = "";
        for (unsigned k = 0; k < KINDS; k++) {
            if (l->counts[k] == 0)
                continue;
            printf("%s\"%s\":%" PRIu64, comma, kind_text(k), l->counts[k]);
            comma = ",";
        }
        puts("}}");
        return;
    }
    printf("%s: %" PRIu64 " segments, %" PRIu64 " checkpoints, %" PRIu64 " bytes of torn end, %" PRIu64
           " damaged places\n",
           l->dir, l->segments, l->checkpoints, l->torn_bytes, l->damaged_places);
    for (unsigned k = 0; k < KINDS; k++)
        if (l->counts[k] > 0)
            printf("  %-12s %10" PRIu64 " records %12" PRIu64 " bytes\n", kind_text(k), l->counts[k], l->bytes[k]);
}

static void
on_name(void *arg, const char *name)
{
    struct looking *all = arg;
    if (strncmp(name, "shard-", 6) != 0)
        return;
    struct looking one = { .options = all->options, .io = all->io };
    snprintf(one.dir, sizeof(one.dir), "%s/%s", all->options->data, name);
    int rc = log_scan(all->io, one.dir, on_item, &one);
    if (rc < 0) {
        fprintf(stderr, "tambo log: %s: %s\n", one.dir, err_text(rc));
        one.damaged_places++;
    }
    tell_sums(&one);
    all->shards++;
    all->damaged_places += one.damaged_places;
}

static int
look(struct looking *all)
{
    int rc = io_list(all->io, all->options->data, on_name, all);
    if (rc < 0 || all->shards == 0) {
        fprintf(stderr, "tambo log: %s: %s\n", all->options->data,
                rc < 0 ? err_text(rc) : "no data directory: no shard-N in it");
        return 1;
    }
    return all->damaged_places > 0;
}

int
cmd_log(int argc, char *const *argv)
{
    struct log_options options = { .data = "./data" };
    struct mem mem = { 0 };
    struct looking all = { .options = &options };
    int exit_code;
    const struct option_group group = { "Options", rows, COUNT_OF(rows), &options };
    const struct option_spec spec = {
        .usage = "tambo log [OPTION]... [DIR]",
        .about = "Reads a data directory (default ./data) and checks every record, without changing anything.  Exits "
                 "with 1 when something is "
                 "damaged; a torn end, as a loss of power leaves it, is none.",
        .operand = "DIR",
        .on_operand = take_data,
        .operand_into = &options,
        .groups = &group,
        .group_count = 1,
    };
    if (cmd_options("log", &spec, argc, argv, &exit_code) != 0)
        return exit_code;
    if (io_uv_new(&mem, &all.io) < 0) {
        fprintf(stderr, "tambo log: %s\n", err_text(-ERR_NO_MEMORY));
        return 1;
    }
    exit_code = look(&all);
    io_free(all.io);
    return exit_code;
}
