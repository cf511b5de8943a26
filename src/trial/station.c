/* A node on a simulated machine. */
#include <stdio.h>

#include "base/err.h"
#include "base/prng.h"
#include "trial/stage.h"

enum { MQTT_PORT = 1883 };

static void
on_say(void *arg, const struct line *line)
{
    struct station *s = arg;
    sim_note(s->trial->sim, "%s %s %s: %s", s->name, severity_text(line->severity), line->event, line->text);
}

static void
on_stopped(void *arg)
{
    (void)arg;
}

static int
on_start(void *arg, struct io *io)
{
    struct station *s = arg;
    const struct node_owner owner = { .arg = s, .say = on_say, .stopped = on_stopped };
    struct settings_fault fault;
    int rc = node_new(io, &s->settings, &owner, &s->node);
    if (rc < 0)
        return rc;
    rc = node_open(s->node, s->trial->plan->shards, &fault);
    if (rc < 0)
        sim_note(s->trial->sim, "%s cannot start: %s: %s", s->name, fault.setting, fault.text);
    return rc < 0 ? rc : node_start(s->node);
}

static void
on_died(void *arg, enum sim_death how)
{
    static const char *const texts[] = { [SIM_EXIT] = "exited", [SIM_KILL] = "was killed", [SIM_POWER] = "lost power" };
    struct station *s = arg;
    sim_note(s->trial->sim, "%s %s", s->name, texts[how]);
    node_free(s->node);
    s->node = NULL;
    s->down = true;
    s->deaths++;
    s->trial->ledger.deaths++;
    tally_died(&s->trial->tally);
    s->boot_at_ns = sim_now(s->trial->sim) + SIM_NS_A_MS * (10 + prng_below(&s->trial->prng, 500));
}

static void
choose_settings(struct station *s)
{
    settings_default(&s->settings);
    snprintf(s->settings.data, sizeof(s->settings.data), "data");
    s->settings.shards = s->trial->plan->shards;
    s->settings.segment_bytes = KIB(64);
    s->settings.checkpoint_bytes = KIB(64);
    s->settings.log_batch_bytes_max = KIB(64);
    s->settings.disk_free_bytes_min = 0;
    s->settings.log_level = LOG_INFO;
    s->settings.listen_count = 1;
    must(io_address_parse("tcp://*", MQTT_PORT, &s->settings.listen[0]) == 0);
}

int
station_init(struct station *s, struct trial *trial, unsigned index)
{
    s->trial = trial;
    snprintf(s->name, sizeof(s->name), "n%u", index + 1);
    choose_settings(s);
    const struct sim_program program = { .start = on_start, .died = on_died, .arg = s, .mem = &s->mem };
    int rc = sim_machine_new(trial->sim, s->name, &program, &s->machine);
    if (rc == 0)
        sim_boot(s->machine);
    return rc;
}

void
station_die(struct station *s, bool power)
{
    if (s->down)
        return;
    if (power)
        sim_power_cut(s->machine);
    else
        sim_kill(s->machine);
}

void
station_tend(struct station *s)
{
    if (!s->down || s->keep_down || sim_now(s->trial->sim) < s->boot_at_ns)
        return;
    s->down = false;
    sim_boot(s->machine);
}
