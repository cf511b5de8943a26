/* catalog/field_text.h - a field of a table as text.  Pure: writes into the caller's room. */
#ifndef TAMBO_CATALOG_FIELD_TEXT_H
#define TAMBO_CATALOG_FIELD_TEXT_H

#include "wire/amqp.h"

enum { FIELD_CHARS_MAX = 32 };
/* A number or a boolean as text, in `room`; false: it is neither. */
bool field_scalar(const struct amqp_value *v, char room[FIELD_CHARS_MAX], struct view *ret);
/* As JSON, with all that is nested in it: at most FIELD_JSON_GROWTH times its bytes in the table.  Bytes that are no
 * UTF-8 are shown with `?`, what JSON has no word for as null. */
enum { FIELD_JSON_GROWTH = 8 };
void field_json_text(struct pen *p, const struct amqp_value *v);

#endif
