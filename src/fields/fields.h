/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of a libconfig file into structs, by a table of fields. What the table does not name is an
 * error with its line, and so is a value of another type or range.
 */
#ifndef SYNPRINT_FIELDS_FIELDS_H
#define SYNPRINT_FIELDS_FIELDS_H

#include <libconfig.h>
#include <stddef.h>

#include "core/base/text.h"

enum field_kind {
	FIELD_TEXT, /* const char *, owned by the libconfig tree; 1 to max bytes, 0: any number */
	FIELD_CHARS, /* an array of max chars: a string that ends in it */
	FIELD_INT, /* int, from min to max */
	FIELD_SECONDS, /* uint32_t, from min to max; "90s", "5m", "2h", "1d" */
	FIELD_BOOL, /* bool */
	FIELD_SHARE, /* uint16_t, permille of a number from 0 to 1 */
	FIELD_FLAGS, /* unsigned, enum verdict_flag or-ed, of a list of names; min 1: one at least */
	FIELD_SPECIAL, /* by @read */
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset; /* in the struct */
	int min, max;
	/* FIELD_SPECIAL: Return: 0, or -EINVAL with the reason. */
	int (*read)(const config_setting_t *setting, void *into, struct text_error *ret_error);
};

/** fields_read() - read a group into a struct; @count of @fields. Return: 0, or -EINVAL with the line. */
int fields_read(const config_setting_t *group, const struct field *fields, size_t count, void *into,
		struct text_error *ret_error);

/**
 * fields_read_list() - read a list of groups, "( { ... }, { ... } )", each by @read.
 * @most: more are refused
 * Return: how many, or -EINVAL.
 */
int fields_read_list(const config_setting_t *list, unsigned most,
		     int (*read)(const config_setting_t *group, void *into, unsigned number,
				 struct text_error *ret_error),
		     void *into, struct text_error *ret_error);

/**
 * fields_read_words() - read a list of strings, each by @read, which says 0 or is negative.
 * @expected: of what the list is, such as "networks"
 */
int fields_read_words(const config_setting_t *list, int (*read)(void *into, const char *word),
		      void *into, const char *expected, struct text_error *ret_error);

/**
 * fields_read_file() - read a file into @tree, which is initialised, and its groups into a struct.
 * Return: 0; -ENOENT and others where it cannot be read; -EINVAL with the line.
 */
int fields_read_file(config_t *tree, const char *path, const struct field *fields, size_t count,
		     void *into, struct text_error *ret_error);

/** fields_refuse() - Return: -EINVAL with the setting's line, its name and what was expected. */
int fields_refuse(const config_setting_t *setting, struct text_error *ret_error,
		  const char *expected);

#endif
