/* party.c - see party.h. */
#include "party.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERIOD = 251, LONG_BYTES = 1000, ANSWER_BYTES = 1000, NAME_BYTES = 32 };

static struct {
    char name[NAME_BYTES];
    void *socket;
} sockets[PARTY_SOCKETS_MAX];

/* ---- parts ------------------------------------------------------------------------------------------------ */

static unsigned char
pattern_byte(unsigned seed, size_t at)
{
    return (unsigned char)(seed + at % PERIOD);
}

void
party_add(struct party_message *message, const void *data, size_t len)
{
    struct party_part *part = &message->parts[message->count++];

    part->data = malloc(len + 1);
    part->len = len;
    if (len > 0)
        memcpy(part->data, data, len);
}

static struct party_part
read_part(const char *word)
{
    struct party_part part = { .len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2 };
    unsigned seed = 0;
    bool patterned = sscanf(word, "*%zu:%u", &part.len, &seed) == 2;

    part.data = malloc(part.len + 1);
    for (size_t i = 0; i < part.len; i++) {
        unsigned byte = pattern_byte(seed, i);
        if (!patterned)
            sscanf(word + 2 * i, "%2x", &byte);
        part.data[i] = (unsigned char)byte;
    }
    return part;
}

static void
write_long_part(const struct party_part *part)
{
    for (size_t i = 0; i < part->len; i++) {
        if (part->data[i] != pattern_byte(part->data[0], i)) {
            printf(" ?%zu", part->len);
            return;
        }
    }
    printf(" *%zu:%u", part->len, part->data[0]);
}

static void
write_part(const struct party_part *part)
{
    if (part->len > LONG_BYTES) {
        write_long_part(part);
        return;
    }
    fputs(part->len == 0 ? " -" : " ", stdout);
    for (size_t i = 0; i < part->len; i++)
        printf("%02x", part->data[i]);
}

static void
free_parts(struct party_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        free(message->parts[i].data);
}

/* ---- verbs ------------------------------------------------------------------------------------------------ */

static void **
slot_of(const char *name)
{
    for (int i = 0; i < PARTY_SOCKETS_MAX; i++) {
        if (sockets[i].socket != NULL && strcmp(sockets[i].name, name) == 0)
            return &sockets[i].socket;
    }
    return NULL;
}

static int
open_socket(const char *name, const char *pattern)
{
    for (int i = 0; i < PARTY_SOCKETS_MAX; i++) {
        if (sockets[i].socket != NULL)
            continue;
        snprintf(sockets[i].name, NAME_BYTES, "%s", name);
        return party_open(pattern, &sockets[i].socket);
    }
    abort();
}

static int
send_words(void *socket, char *const *words, int count)
{
    struct party_message message = { .count = 0 };
    int wait_ms = (int)party_number(words[0]);

    for (int i = 1; i < count; i++)
        message.parts[message.count++] = read_part(words[i]);
    int rc = party_send(socket, &message, wait_ms);
    free_parts(&message);
    return rc;
}

/* Writes the answer itself when there is one. */
static int
recv_words(void *socket, int wait_ms)
{
    struct party_message message = { .count = 0 };
    int rc = party_recv(socket, &message, wait_ms);

    if (rc == 0) {
        fputs("ok", stdout);
        for (size_t i = 0; i < message.count; i++)
            write_part(&message.parts[i]);
        putchar('\n');
    }
    free_parts(&message);
    return rc;
}

static int
subscribe(void *socket, const char *word, bool on)
{
    struct party_part prefix = read_part(word);
    int rc = party_subscribe(socket, &prefix, on);

    free(prefix.data);
    return rc;
}

static int
close_socket(void **slot)
{
    party_close(*slot);
    *slot = NULL;
    return 0;
}

/* What is done with a socket; `words` come after its name. */
static int
act(const char *verb, void **slot, char *const *words, int count, char *answer)
{
    const char *first = count > 0 ? words[0] : "";

    if (strcmp(verb, "set") == 0)
        return party_set(*slot, first, words[1]);
    if (strcmp(verb, "bind") == 0)
        return party_bind(*slot, first, answer, ANSWER_BYTES);
    if (strcmp(verb, "connect") == 0)
        return party_connect(*slot, first);
    if (strcmp(verb, "unbind") == 0)
        return party_unbind(*slot, first);
    if (strcmp(verb, "disconnect") == 0)
        return party_disconnect(*slot, first);
    if (strcmp(verb, "subscribe") == 0 || strcmp(verb, "unsubscribe") == 0)
        return subscribe(*slot, first, verb[0] == 's');
    if (strcmp(verb, "send") == 0)
        return send_words(*slot, words, count);
    if (strcmp(verb, "ask") == 0)
        return party_ask(*slot, words, count, answer, ANSWER_BYTES);
    if (strcmp(verb, "close") == 0)
        return close_socket(slot);
    fprintf(stderr, "no such verb: %s\n", verb);
    abort();
}

static void
tell(int rc, const char *answer)
{
    if (rc != 0)
        printf("error %s\n", party_error(rc));
    else
        printf("ok%s%s\n", answer[0] == '\0' ? "" : " ", answer);
}

static void
obey(char *const *words, int count)
{
    char answer[ANSWER_BYTES] = "";
    void **slot = slot_of(words[1]);

    if (strcmp(words[0], "open") == 0) {
        tell(open_socket(words[1], words[2]), "");
    } else if (strcmp(words[0], "allow") == 0) {
        tell(party_allow(words[1], words[2]), "");
    } else if (slot == NULL) {
        abort();
    } else if (strcmp(words[0], "recv") == 0) {
        int rc = recv_words(*slot, (int)party_number(words[2]));
        if (rc != 0)
            tell(rc, "");
    } else {
        int rc = act(words[0], slot, words + 2, count - 2, answer);
        tell(rc, answer);
    }
}

long long
party_number(const char *text)
{
    return strtoll(text, NULL, 10);
}

int
main(void)
{
    char *line = NULL, *words[PARTY_WORDS_MAX];
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        int count = 0;
        for (char *at = strtok(line, " \n"); at != NULL && count < PARTY_WORDS_MAX; at = strtok(NULL, " \n"))
            words[count++] = at;
        obey(words, count);
        fflush(stdout);
    }
    for (int i = 0; i < PARTY_SOCKETS_MAX; i++) {
        if (sockets[i].socket != NULL)
            party_close(sockets[i].socket);
    }
    party_end();
    free(line);
    return 0;
}
