/* zmtp/babble.h - a senseless conversation with a peer, out of any bytes: for fuzzing, and for tests with fixed seeds.
 */
#ifndef TAMBO_ZMTP_BABBLE_H
#define TAMBO_ZMTP_BABBLE_H

#include "base/view.h"

/* Whatever the bytes say: nothing is left over, every peer that was begun is closed once, and memory is bounded. */
void zmtp_babble(struct view bytes);

#endif
