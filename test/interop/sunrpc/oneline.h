/* What oneline_client and oneline_server agree on. */
enum { ONELINE_PROG = 0x31230001, ONELINE_VERS = 1, TWICE_PROC = 1, UPPER_PROC = 2 };
