/* basic.publish, whole: what may not be published, the envelope, basic.return. */
#include "session/amqp/inner.h"

#include "base/break.h"

/* ---- what may not be published ------------------------------------------------------------------------------ */

static int
check_user(const struct channel *ch, const struct amqp_properties *props, struct refusal *why)
{
    struct view user = conn_user(ch->conn);
    if (!amqp_has(props, AMQP_USER_ID) || view_equal(props->user_id, user))
        return 0;
    return deny(why, AMQP_PRECONDITION_FAILED, "user_id property set to '%.*s' but authenticated user was '%.*s'",
                (int)props->user_id.len, props->user_id.data, (int)user.len, user.data);
}

/* Milliseconds as a decimal string, 0 to TTL_MS_MAX. */
static int
parse_expiration(struct view text, uint64_t *ret, struct refusal *why)
{
    uint64_t ms = 0;
    size_t digits = 0;
    for (; digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9'; digits++)
        if (ms <= TTL_MS_MAX)
            ms = ms * 10 + (text.data[digits] - '0');
    *ret = ms;
    if (digits == text.len && digits > 0 && ms <= TTL_MS_MAX)
        return 0;
    if (digits == 0 && text.len > 1 && text.data[0] == '-' && text.data[1] >= '0' && text.data[1] <= '9')
        return deny(why, AMQP_PRECONDITION_FAILED, "invalid expiration '%.*s': {value_negative,%.*s}", (int)text.len,
                    text.data, (int)text.len, text.data);
    if (digits == 0)
        return deny(why, AMQP_PRECONDITION_FAILED, "invalid expiration '%.*s': no_integer", (int)text.len, text.data);
    if (digits == text.len)
        return deny(why, AMQP_PRECONDITION_FAILED, "invalid expiration '%.*s': {value_too_large,%.*s}", (int)text.len,
                    text.data, (int)text.len, text.data);
    return deny(why, AMQP_PRECONDITION_FAILED, "invalid expiration '%.*s': {leftover_string,\"%.*s\"}", (int)text.len,
                text.data, (int)(text.len - digits), text.data + digits);
}

static int
check_exchange(const struct channel *ch, struct view name, struct xchg **ret, struct refusal *why)
{
    struct view vhost = vhost_name(ch->conn->vhost);
    struct xchg *xchg = xchg_find(ch->conn->vhost, name);
    if (xchg == NULL)
        return deny(why, AMQP_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", (int)name.len, name.data, (int)vhost.len,
                    vhost.data);
    if (xchg_internal(xchg))
        return deny(why, AMQP_ACCESS_REFUSED, "cannot publish to internal exchange '%.*s' in vhost '%.*s'",
                    (int)name.len, name.data, (int)vhost.len, vhost.data);
    *ret = xchg;
    return 0;
}

static int
check(const struct channel *ch, const struct posting *posting, struct xchg **retxchg, struct amqp_properties *props,
      struct refusal *why)
{
    struct fault fault;
    uint64_t ms;
    int rc = check_exchange(ch, posting->exchange, retxchg, why);
    if (rc == 0 && amqp_properties_parse(posting->props, props, &fault) < 0)
        rc = deny_fault(why, &fault);
    if (rc == 0)
        rc = check_user(ch, props, why);
    if (rc == 0 && amqp_has(props, AMQP_EXPIRATION))
        rc = parse_expiration(props->expiration, &ms, why);
    return rc;
}

/* ---- publishing --------------------------------------------------------------------------------------------- */

/* Its properties as the container has them: the exchange's name, then the list as on the wire. */
static int
fill(struct channel *ch, const struct posting *posting, const struct amqp_properties *props, struct envelope *ret)
{
    uint64_t now_ms = io_wall_ms(channel_host(ch)->io), ms;
    struct refusal why;
    size_t n = 1 + posting->exchange.len + posting->props.len;
    uint8_t *room = server_buffer(ch->conn->server, &ch->conn->server->in, n);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(room, n);
    put_u8(&p, (uint8_t)posting->exchange.len);
    put_bytes(&p, posting->exchange);
    put_bytes(&p, posting->props);
    *ret = (struct envelope){ .topic = posting->key,
                              .props = view_of(room, n),
                              .body = posting->body,
                              .published_ms = now_ms,
                              .encoding = ENCODING_AMQP091,
                              .qos = props->delivery_mode == 2 };
    bool expires = amqp_has(props, AMQP_EXPIRATION) && !broken(BREAK_NEVER_EXPIRE);
    if (expires && parse_expiration(props->expiration, &ms, &why) == 0)
        ret->expires_ms = now_ms + ms;
    return 0;
}

static void
publish_now(struct channel *ch, const struct posting *posting, struct xchg *xchg, const struct amqp_properties *props,
            struct published *ret)
{
    struct session_host *host = channel_host(ch);
    struct catalog_publish publish;
    *ret = (struct published){ .rc = xchg == NULL ? -ERR_NOT_FOUND : 0 };
    if (xchg == NULL)
        return;
    if (posting->exchange.len == 0 && amqp_is_reply_address(posting->key)) {
        ret->unrouted =
            !amqp_server_reply(ch->conn->server, ch->conn->vhost, posting->key, posting->props, posting->body);
        return;
    }
    catalog_publish_init(&publish, ch->conn->vhost, xchg);
    publish.headers = props->headers;
    ret->rc = fill(ch, posting, props, &publish.out.pub.env);
    publish.out.severally = true;
    if (ret->rc == 0)
        ret->rc = host->ops->publish(host, &publish.out);
    ret->unrouted = ret->rc == 0 && publish.out.matched == 0 && !publish.delayed;
    ret->waits = publish.out.stored && props->delivery_mode == 2;
    ret->hasty = publish.out.hasty;
    if (ret->rc == 0 && publish.out.rejected)
        ret->rc = -ERR_FULL; /* the others have it */
}

static void
send_back(struct channel *ch, const struct posting *posting)
{
    struct amqp_method m = { .id = AMQP_BASIC_RETURN };
    m.basic_return = (struct amqp_basic_return){ .reply_code = AMQP_NO_ROUTE,
                                                 .reply_text = view_str(amqp_reply_name(AMQP_NO_ROUTE)),
                                                 .exchange = posting->exchange,
                                                 .routing_key = posting->key };
    struct publication pub = {
        .env = {.topic = posting->key, .body = posting->body}
    };
    (void)deliver_write(ch, &m, &pub, posting->props);
}

static void
count(struct channel *ch, const struct posting *posting)
{
    struct session_host *host = channel_host(ch);
    host->counters.publishes_in++;
    host->counters.publish_bytes_in += posting->body.len;
    if (host_is_pressed(host))
        conn_press(ch->conn);
}

/* Routed or managed, and returned if it must be.  `xchg` may be gone since it was kept for the commit: NULL. */
static void
carry_out(struct channel *ch, const struct posting *posting, struct xchg *xchg, const struct amqp_properties *props,
          struct published *ret)
{
    *ret = (struct published){ 0 };
    if (posting->exchange.len == 0 && view_is(posting->key, MANAGEMENT_KEY))
        ret->rc = manage(ch, posting, props);
    else
        publish_now(ch, posting, xchg, props, ret);
    if (ret->rc < 0)
        channel_host(ch)->counters.publishes_refused++;
    if (ret->unrouted && posting->mandatory)
        send_back(ch, posting);
}

void
publish_posting(struct channel *ch, const struct posting *posting, struct published *ret)
{
    struct amqp_properties props;
    struct fault fault;
    must(amqp_properties_parse(posting->props, &props, &fault) == 0); /* it was looked at when it came */
    carry_out(ch, posting, xchg_find(ch->conn->vhost, posting->exchange), &props, ret);
}

/* A header that names further keys is an array of them. */
static int
check_key_headers(struct view headers, struct refusal *why)
{
    static const char *const names[] = { "CC", "BCC" };
    struct amqp_value v;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (amqp_table_find(headers, names[i], &v) && v.type != 'A')
            return deny(why, AMQP_PRECONDITION_FAILED, "invalid message: {unacceptable_type_in_header,\"%s\",%s}",
                        names[i], amqp_type_name(v.type));
    return 0;
}

static int
route(struct channel *ch, const struct posting *posting, struct xchg *xchg, const struct amqp_properties *props,
      struct published *ret, struct refusal *why)
{
    if (ch->relieved)
        channel_feed(ch);
    carry_out(ch, posting, xchg, props, ret);
    if (ret->rc == -ERR_INVALID)
        return check_key_headers(props->headers, why);
    if (ch->confirms != NULL)
        confirm(ch, ret);
    return 0;
}

/* Without confirms nobody would hear that a publication was not stored: it waits for room, as it came, or its publisher
 * is told by the end of his connection.  What a queue's limit refuses is dropped, as RabbitMQ does. */
static int
keep_faith(struct channel *ch, const struct posting *posting, int rc, struct refusal *why)
{
    bool is_short = rc == -ERR_TIGHT || rc == -ERR_DISK_FULL || rc == -ERR_NO_MEMORY;
    if (!is_short && rc != -ERR_DISK && rc != -ERR_TOO_LARGE)
        return 0;
    if (!is_short || (rc == -ERR_NO_MEMORY && !server_is_busy(ch->conn->server)))
        return deny_rc(why, rc);
    struct counters *counters = &channel_host(ch)->counters;
    counters->publishes_refused--; /* nor was it published yet */
    counters->publishes_in--;
    counters->publish_bytes_in -= posting->body.len;
    waiting_posting(ch, posting);
    conn_press(ch->conn);
    return 0;
}

int
publish(struct channel *ch, const struct posting *posting, struct refusal *why)
{
    struct amqp_properties props;
    struct posting mine = *posting;
    struct xchg *xchg = NULL;
    uint8_t *owned = NULL;
    struct published published = { 0 };
    count(ch, posting);
    int rc = check(ch, posting, &xchg, &props, why);
    if (rc == 0 && amqp_has(&props, AMQP_REPLY_TO) && view_is(props.reply_to, REPLY_TO_QUEUE))
        rc = reply_address(ch, &props, &mine.props, &owned, why);
    if (rc == 0 && ch->tx != NULL)
        rc = check_key_headers(props.headers, why); /* else routing finds it */
    if (rc < 0)
        return rc;
    rc = ch->tx != NULL ? transaction_keep(ch, &mine, why) : route(ch, &mine, xchg, &props, &published, why);
    mem_free(channel_mem(ch), owned);
    return rc == 0 && ch->confirms == NULL ? keep_faith(ch, posting, published.rc, why) : rc;
}
