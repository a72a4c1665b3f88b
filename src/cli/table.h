/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects of a reply in columns that fit the screen. */
#ifndef SYNPRINT_CLI_TABLE_H
#define SYNPRINT_CLI_TABLE_H

#include <cjson/cJSON.h>

#include "core/base/text.h"

#define TABLE_COLUMNS_MAX 32

/**
 * table_put_members() - each member that is no list, as "name value", side by side where there is room;
 * those of an object in it as "object.name value".
 * @columns: of the screen; 0: there is none, and each has a line of its own
 */
void table_put_members(const cJSON *object, unsigned columns, unsigned indent,
		       struct text_buf *out);

/**
 * table_put_rows() - a list of objects, a line for each below one line of names. Objects in them are
 * columns of their own; a text behind the first member that is not empty gets lines of its own. Where
 * the screen is too narrow each object is as table_put_members() has it.
 */
void table_put_rows(const cJSON *list, unsigned columns, unsigned indent, struct text_buf *out);

#endif
