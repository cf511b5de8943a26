/* base/fault.h - what a peer did wrong: the rule it broke, for its answer and for our log line.
 * The texts are constants; nothing is owned. */
#ifndef TAMBO_BASE_FAULT_H
#define TAMBO_BASE_FAULT_H

struct fault {
    unsigned code;      /* the protocol's own reason or reply code, 0 when it has none */
    const char *clause; /* "MQTT-3.3.1-4", or the section where the specification numbers nothing */
    const char *text;   /* what the rule says, in our words */
};

#endif
