/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table's interpreter, and the types of values. */
#include "fields/fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/verdict/verdict.h"
#include "fields/source.h"

int fields_refuse(const config_setting_t *setting, struct text_error *ret_error,
		  const char *expected)
{
	const char *name = config_setting_name(setting);

	if (name)
		return source_refuse(setting, ret_error, "%s: expected %s", name, expected);
	/* A group of a list has none. */
	name = config_setting_name(config_setting_parent(setting));
	return source_refuse(setting, ret_error, "each of %s: expected %s", name, expected);
}

static int read_int(const config_setting_t *setting, const struct field *field, int *ret_value,
		    struct text_error *ret_error)
{
	char expected[80];
	int value = config_setting_get_int(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_INT || value < field->min ||
	    value > field->max) {
		snprintf(expected, sizeof(expected), "a whole number from %d to %d", field->min,
			 field->max);
		return fields_refuse(setting, ret_error, expected);
	}
	*ret_value = value;
	return 0;
}

static unsigned seconds_of(const char *unit)
{
	static const struct {
		const char *name;
		unsigned seconds;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].seconds;
	return 0;
}

static int read_seconds(const config_setting_t *setting, const struct field *field,
			uint32_t *ret_value, struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char expected[80], *unit = NULL;
	unsigned long number;

	errno = 0;
	number = text && *text >= '0' && *text <= '9' ? strtoul(text, &unit, 10) : 0;
	number = errno || !unit || number > INT32_MAX ? 0 : number * seconds_of(unit);
	if (number < (unsigned)field->min || number > (unsigned)field->max) {
		snprintf(expected, sizeof(expected),
			 "a time such as \"10m\" or \"2h\", from %d to %d seconds", field->min,
			 field->max);
		return fields_refuse(setting, ret_error, expected);
	}
	*ret_value = (uint32_t)number;
	return 0;
}

static int read_text(const config_setting_t *setting, const struct field *field,
		     const char **ret_text, struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char expected[80];

	if (!text || !*text)
		return fields_refuse(setting, ret_error, "a string");
	snprintf(expected, sizeof(expected), "a string of at most %d bytes", field->max);
	if (field->max && strlen(text) > (size_t)field->max)
		return fields_refuse(setting, ret_error, expected);
	*ret_text = text;
	return 0;
}

static int read_chars(const config_setting_t *setting, const struct field *field, char *ret_text,
		      struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);
	char expected[80];

	snprintf(expected, sizeof(expected), "a string of at most %d bytes", field->max - 1);
	if (!text || strlen(text) >= (size_t)field->max)
		return fields_refuse(setting, ret_error, expected);
	memcpy(ret_text, text, strlen(text) + 1);
	return 0;
}

static int read_bool(const config_setting_t *setting, bool *ret_value, struct text_error *ret_error)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return fields_refuse(setting, ret_error, "true or false");
	*ret_value = config_setting_get_bool(setting);
	return 0;
}

static int read_share(const config_setting_t *setting, uint16_t *ret_permille,
		      struct text_error *ret_error)
{
	double value = config_setting_type(setting) == CONFIG_TYPE_INT
			       ? config_setting_get_int(setting)
			       : config_setting_get_float(setting);

	if (!config_setting_is_number(setting) || !(value >= 0 && value <= 1))
		return fields_refuse(setting, ret_error, "a number from 0 to 1");
	*ret_permille = (uint16_t)lround(value * 1000);
	return 0;
}

static int add_flag(void *flags, const char *name)
{
	unsigned flag = verdict_flag_parse(name, strlen(name));

	*(unsigned *)flags |= flag;
	return flag ? 0 : -EINVAL;
}

static int read_flags(const config_setting_t *setting, const struct field *field,
		      unsigned *ret_flags, struct text_error *ret_error)
{
	int rc;

	*ret_flags = 0;
	rc = fields_read_words(setting, add_flag, ret_flags,
			       "flags, such as [ \"vpn\", \"scanner\" ]", ret_error);
	if (rc == 0 && !*ret_flags && field->min)
		return fields_refuse(setting, ret_error, "a list of flags, at least one");
	return rc;
}

static int read_field(const config_setting_t *setting, const struct field *field, void *into,
		      struct text_error *ret_error)
{
	void *at = (char *)into + field->offset;

	switch (field->kind) {
	case FIELD_TEXT: return read_text(setting, field, at, ret_error);
	case FIELD_CHARS: return read_chars(setting, field, at, ret_error);
	case FIELD_INT: return read_int(setting, field, at, ret_error);
	case FIELD_SECONDS: return read_seconds(setting, field, at, ret_error);
	case FIELD_BOOL: return read_bool(setting, at, ret_error);
	case FIELD_SHARE: return read_share(setting, at, ret_error);
	case FIELD_FLAGS: return read_flags(setting, field, at, ret_error);
	case FIELD_SPECIAL: return field->read(setting, at, ret_error);
	}
	return -EINVAL;
}

int fields_read(const config_setting_t *group, const struct field *fields, size_t count, void *into,
		struct text_error *ret_error)
{
	if (!config_setting_is_group(group))
		return fields_refuse(group, ret_error, "a group: { ... }");
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		size_t at = 0;
		int rc;

		while (at < count && strcmp(fields[at].name, config_setting_name(setting)) != 0)
			at++;
		if (at == count)
			return source_refuse(setting, ret_error, "unknown key '%s'",
					     config_setting_name(setting));
		rc = read_field(setting, &fields[at], into, ret_error);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int fields_read_list(const config_setting_t *list, unsigned most,
		     int (*read)(const config_setting_t *group, void *into, unsigned number,
				 struct text_error *ret_error),
		     void *into, struct text_error *ret_error)
{
	int count = config_setting_length(list);
	char expected[64];

	snprintf(expected, sizeof(expected), "a list of at most %u groups: ( { ... } )", most);
	if (!config_setting_is_list(list) || count > (int)most)
		return fields_refuse(list, ret_error, expected);
	for (int i = 0; i < count; i++) {
		int rc = read(config_setting_get_elem(list, (unsigned)i), into, (unsigned)i,
			      ret_error);

		if (rc < 0)
			return rc;
	}
	return count;
}

int fields_read_words(const config_setting_t *list, int (*read)(void *into, const char *word),
		      void *into, const char *expected, struct text_error *ret_error)
{
	const char *name = config_setting_name(list);

	if (!config_setting_is_array(list) && !config_setting_is_list(list))
		return source_refuse(list, ret_error, "%s: expected a list of %s", name, expected);
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *word = config_setting_get_string_elem(list, i);

		if (!word || read(into, word) < 0)
			return source_refuse(list, ret_error,
					     "%s: expected a list of %s; \"%.80s\" is none", name,
					     expected, word ? word : "");
	}
	return 0;
}

int fields_read_file(config_t *tree, const char *path, const struct field *fields, size_t count,
		     void *into, struct text_error *ret_error)
{
	struct stat status;
	int rc = source_read(tree, path, &status, ret_error);

	if (rc == 0)
		rc = fields_read(config_root_setting(tree), fields, count, into, ret_error);
	return rc < 0 ? rc : source_check_numbers(tree, ret_error);
}
