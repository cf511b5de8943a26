/* talk/life.h - a life of some protocol's clients in which each of the node's allocations fails in turn: the work at
 * hand is refused, the node lives, and nothing is leaked. */
#ifndef TAMBO_TEST_LIFE_H
#define TAMBO_TEST_LIFE_H

#include "talk.h"

struct life {
    void (*settings)(struct settings *settings); /* NULL: as they are */
    void (*live)(struct talk *talk);
    void (*still_works)(struct talk *talk); /* asserts that a new client is served */
};

/* In memory, and once more on the log: two tests, the program's exit code. */
int life_main(const struct life *life);

#endif
