/* trial/speaker.h - one socket of a meeting, the machine it is on, and what is known of it. */
#ifndef TAMBO_TRIAL_SPEAKER_H
#define TAMBO_TRIAL_SPEAKER_H

#include "base/mem.h"
#include "base/prng.h"
#include "client/socket.h"
#include "trial/meeting.h"

enum { SPEAKERS_MAX = 3, TOPICS = 4, LAST_WORDS = 8, MARK_BYTES = 6 };

/* What listeners do: take it, send it back, or choose by its first byte. */
enum manner { ONE_WAY, ECHO, BY_TOPIC };

struct family {
    enum tambo_pattern talker, listener;
    enum manner manner;
    bool has_envelope; /* an empty part before the message, that a REP wants */
};

struct meeting;

/* A machine with its sockets. */
struct seat {
    struct meeting *meeting;
    struct sim_machine *machine;
    struct mem mem;
    struct socket_world *world; /* NULL: it is down */
    uint64_t boot_at_ns;
};

struct speaker {
    struct meeting *meeting;
    struct seat *seat;
    unsigned index; /* among the talkers, or the listeners */
    bool is_talker, is_binder;
    enum tambo_pattern pattern;
    struct socket *socket; /* NULL: closed */
    uint64_t open_at_ns;   /* again */

    /* Talker: numbers from 1. */
    uint32_t said, owed; /* those above `owed` are its last words */
    uint8_t *heard;      /* by number: how often it arrived; with ECHO: came back */
    bool is_asking;      /* REQ: the newest has no answer yet */
    bool told[TOPICS];   /* XPUB: that somebody wants it */
    uint64_t breaks;     /* connections that were lost */

    /* Listener. */
    struct zmtp_slice echo;                                  /* chunk NULL: nothing is to be sent back */
    uint32_t newest[SPEAKERS_MAX], last_words[SPEAKERS_MAX]; /* by talker */
    unsigned wants[TOPICS];                                  /* how often subscribed */
    bool has_wanted[TOPICS];                                 /* ever */
};

struct meeting {
    const struct meeting_plan *plan;
    const struct family *family;
    struct mem mem;
    struct sim *sim;
    struct prng prng;
    struct ledger verdicts; /* of it only the verdict */
    struct seat seats[2 * SPEAKERS_MAX];
    unsigned seat_count;
    struct speaker talkers[SPEAKERS_MAX], listeners[SPEAKERS_MAX];
    bool is_restless;  /* the first act */
    bool is_last_word; /* the second, when everybody has found everybody */
    uint64_t received, deaths;
};

/* ---- speaker.c ---- */

/* Opens, says and hears what it can. */
void speaker_prompt(struct speaker *speaker);
/* Its machine has died, or it leaves. */
void speaker_gone(struct speaker *speaker);
/* It has a routing id: "sa", "sb", ... */
bool speaker_is_named(const struct speaker *speaker);
/* Everybody of the other side is a peer. */
bool speaker_is_met(const struct speaker *speaker);

/* ---- witness.c: what came, held against what was said ---- */

/* A talker of that number has been heard by a listener. */
void witness_heard(struct speaker *listener, struct view run);
/* What came back to a talker. */
void witness_answered(struct speaker *talker, struct view run);
/* An XPUB was told of a subscription. */
void witness_told(struct speaker *talker, struct view run);
/* All last words are where they belong. */
bool witness_is_content(const struct meeting *meeting);
void witness_judge(struct meeting *meeting);

/* The bytes of a talker's message; `ret` has plan->message_bytes. */
void witness_write(const struct speaker *talker, uint32_t number, uint8_t *ret);

#endif
