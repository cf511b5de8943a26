/* test/talk/babble.h - conversations made of arbitrary bytes: for the fuzzer and for random tests.
 * Clients say well-formed things in senseless order, sometimes raw bytes, go and come back; the node dies and is
 * started again.  Whatever happens, the node lives, says nothing malformed, and gives all its memory back. */
#ifndef TAMBO_TEST_BABBLE_H
#define TAMBO_TEST_BABBLE_H

#include "talk.h"

/* The first byte chooses the kind of node, each of the others adds a phrase or fills one. */
void babble(struct view bytes);

#endif
