/* client/amqp_channel.c - a channel: what it has asked, and what it has published unconfirmed. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "client/amqp_core.h"

enum { ASKS_MIN = 8, CHANNELS_MIN = 4 };

struct amqp_channel *
amqp_channel_find(const struct amqp_client *client, uint16_t number)
{
    return number == 0 || number > client->channel_room ? NULL : client->channels[number - 1];
}

static int
make_room(struct amqp_client *client, uint16_t number)
{
    unsigned room = client->channel_room == 0 ? CHANNELS_MIN : client->channel_room;

    while (room < number)
        room *= 2;
    if (room == client->channel_room)
        return 0;
    struct amqp_channel **channels = mem_grow(client->mem, client->channels, room * sizeof(struct amqp_channel *));
    if (channels == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned i = client->channel_room; i < room; i++)
        channels[i] = NULL;
    client->channels = channels;
    client->channel_room = room;
    return 0;
}

int
amqp_channel_make(struct amqp_client *client, uint16_t number, struct amqp_channel **ret)
{
    struct amqp_channel *channel = amqp_channel_find(client, number);

    if (channel == NULL) {
        if (make_room(client, number) < 0)
            return -ERR_NO_MEMORY;
        channel = MEM_NEW(client->mem, struct amqp_channel);
        if (channel == NULL)
            return -ERR_NO_MEMORY;
        channel->number = number;
        confirms_init(&channel->confirms, client->mem);
        client->channels[number - 1] = channel;
    }
    *ret = channel;
    return 0;
}

void
amqp_channel_reset(struct amqp_client *client, struct amqp_channel *channel)
{
    client->unconfirmed -= channel->confirms.unsettled;
    channel->confirming = channel->stopped = false;
    confirms_fini(&channel->confirms);
    amqp_content_drop(client, channel);
}

void
amqp_channel_end(struct amqp_client *client, struct amqp_channel *channel)
{
    channel->state = CHANNEL_FREE;
    amqp_channel_reset(client, channel);
    /* A callback may open the channel again and ask anew: only what is there now goes unanswered. */
    for (unsigned left = channel->ask_count; left > 0; left--) {
        uint64_t token = amqp_channel_answered(channel);
        if (client->on.answered != NULL)
            client->on.answered(client->arg, channel->number, token, NULL);
    }
}

void
amqp_channels_free(struct amqp_client *client)
{
    for (unsigned i = 0; i < client->channel_room; i++) {
        struct amqp_channel *channel = client->channels[i];
        if (channel == NULL)
            continue;
        amqp_channel_reset(client, channel);
        mem_free(client->mem, channel->asks);
        mem_free(client->mem, channel);
    }
    mem_free(client->mem, client->channels);
    client->channels = NULL;
    client->channel_room = 0;
}

/* ---- what it has asked ------------------------------------------------------------------------------------ */

static int
grow_asks(struct amqp_client *client, struct amqp_channel *channel)
{
    unsigned room = channel->ask_room == 0 ? ASKS_MIN : 2 * channel->ask_room;
    struct amqp_ask *asks = mem_raw(client->mem, room * sizeof *asks);

    if (asks == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned i = 0; i < channel->ask_count; i++)
        asks[i] = channel->asks[(channel->ask_first + i) % channel->ask_room];
    mem_free(client->mem, channel->asks);
    channel->asks = asks;
    channel->ask_room = room;
    channel->ask_first = 0;
    return 0;
}

int
amqp_channel_ask(struct amqp_client *client, struct amqp_channel *channel, uint32_t ok, uint64_t token)
{
    if (channel->ask_count == channel->ask_room && grow_asks(client, channel) < 0)
        return -ERR_NO_MEMORY;
    channel->asks[(channel->ask_first + channel->ask_count++) % channel->ask_room] =
        (struct amqp_ask){ .ok = ok, .token = token };
    return 0;
}

void
amqp_channel_unask(struct amqp_channel *channel)
{
    must(channel->ask_count > 0);
    channel->ask_count--;
}

const struct amqp_ask *
amqp_channel_asked(const struct amqp_channel *channel)
{
    return channel->ask_count == 0 ? NULL : &channel->asks[channel->ask_first];
}

uint64_t
amqp_channel_answered(struct amqp_channel *channel)
{
    uint64_t token = channel->asks[channel->ask_first].token;

    must(channel->ask_count > 0);
    channel->ask_first = (channel->ask_first + 1) % channel->ask_room;
    channel->ask_count--;
    return token;
}
