/* From a peer into a queue: a publication to the default exchange. */
#include "session/zmtp/role.h"

enum { PROPS_BYTES_MAX = 1024 };

static void
put_props(struct pen *p, const struct posting *posting)
{
    struct amqp_properties props = { .delivery_mode = posting->persistent ? 2 : 1,
                                     .present = 1 << AMQP_DELIVERY_MODE,
                                     .reply_to = posting->reply_to,
                                     .correlation_id = posting->correlation_id };
    if (posting->parts.framed) {
        props.content_type = view_str(PARTS_CONTENT_TYPE);
        props.present |= 1 << AMQP_CONTENT_TYPE;
    }
    if (posting->reply_to.len > 0)
        props.present |= 1 << AMQP_REPLY_TO;
    if (posting->correlation_id.len > 0)
        props.present |= 1 << AMQP_CORRELATION_ID;
    put_u8(p, 0); /* the exchange's name */
    amqp_properties_put(p, &props);
    must(!p->torn);
}

static void
wait_is_told(struct guest *g, int rc)
{
    if (g->told)
        return;
    g->told = true;
    host_say(g->server->host, LOG_INFO, "zmtp", "%s %s waits: %s", g->address, g->role->name, err_text(rc));
}

int
posting_publish(struct guest *g, const struct posting *posting, bool *retrouted)
{
    struct session_host *host = g->server->host;
    struct vhost *vhost = zmtp_vhost(g->server);
    struct catalog_publish publish;
    uint8_t room[PROPS_BYTES_MAX];
    struct pen p = pen_of(room, sizeof(room));
    *retrouted = false;
    if (vhost == NULL)
        return 0;
    put_props(&p, posting);
    struct view props = view_of(room, sizeof(room) - pen_left(&p));
    if (amqp_is_reply_address(posting->key)) {
        *retrouted = amqp_server_reply(g->server->amqp, vhost, posting->key, view_from(props, 1), posting->parts.body);
        return 0;
    }
    catalog_publish_init(&publish, vhost, xchg_find(vhost, view_of(NULL, 0)));
    publish.out.pub.env = (struct envelope){ .topic = posting->key,
                                             .props = props,
                                             .body = posting->parts.body,
                                             .published_ms = io_wall_ms(host->io),
                                             .encoding = ENCODING_AMQP091,
                                             .qos = posting->persistent };
    int rc = host->ops->publish(host, &publish.out);
    if (rc < 0) {
        wait_is_told(g, rc);
        return rc;
    }
    host->counters.publishes_in++;
    host->counters.publish_bytes_in += posting->parts.body.len;
    *retrouted = publish.out.matched > 0;
    return 0;
}

/* ---- into its own queue ------------------------------------------------------------------------------------ */

/* The queue was deleted since it came: it is declared again, or the peer is left. */
static bool
is_lost(struct guest *g, bool routed)
{
    if (routed)
        return false;
    if (guest_mq(g) != NULL)
        return true;
    guest_leave(g, "its queue '%.*s' is gone, and what it has sent with it", (int)g->queue_len, g->queue);
    return false;
}

/* Is there no use in waiting for a full queue?  One that dead-letters what it refuses has taken it, in its way; one
 * that is empty will never have the room. */
static bool
is_final(struct guest *g, int rc)
{
    struct mq_facts facts;
    struct mq *mq = rc == -ERR_FULL ? guest_mq(g) : NULL;
    if (mq == NULL)
        return false;
    mq_facts(mq, &facts);
    if (facts.spurns || facts.ready > 0)
        return facts.spurns;
    g->server->host->counters.publishes_refused++;
    host_say(g->server->host, LOG_WARNING, "zmtp", "%s %s: a message is dropped that is too large for queue '%.*s'",
             g->address, g->role->name, (int)g->queue_len, g->queue);
    return true;
}

int
posting_enqueue(struct guest *g, const struct posting *posting)
{
    bool routed = false;
    int rc = posting_publish(g, posting, &routed);
    if (rc < 0 && is_final(g, rc))
        return 0;
    if (rc == 0 && is_lost(g, routed))
        rc = posting_publish(g, posting, &routed);
    return rc;
}

/* ---- out of the container ----------------------------------------------------------------------------------- */

bool
posting_properties(const struct envelope *env, struct amqp_properties *ret)
{
    struct cursor in = cursor_of(env->props);
    struct fault why;
    *ret = (struct amqp_properties){ 0 };
    if (env->encoding != ENCODING_AMQP091)
        return false;
    (void)take_bytes(&in, take_u8(&in)); /* the exchange */
    return !in.torn && amqp_properties_parse(take_rest(&in), ret, &why) == 0;
}
