/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for people. */
#include "cli/scale.h"

#include <stdio.h>
#include <string.h>

#define EXACT_MAX 10000 /* what is smaller is read as it is */

/* Three digits and a unit; @base: between two units */
static void scale(double number, double base, const char *const *units, unsigned count,
		  char ret_text[SCALE_BYTES])
{
	unsigned unit = 0;

	while (unit + 1 < count && number >= base * 0.9995) {
		number /= base;
		unit++;
	}
	snprintf(ret_text, SCALE_BYTES, "%.*f %s",
		 number < 9.995   ? 2
		 : number < 99.95 ? 1
				  : 0,
		 number, units[unit]);
}

void scale_count(double number, char ret_text[SCALE_BYTES])
{
	static const char *const units[] = {"k", "M", "G", "T", "P"};

	if (number < EXACT_MAX)
		snprintf(ret_text, SCALE_BYTES,
			 number == (double)(long long)number ? "%.0f" : "%.3g", number);
	else
		scale(number / 1000, 1000, units, sizeof(units) / sizeof(units[0]), ret_text);
}

void scale_bytes(double bytes, char ret_text[SCALE_BYTES])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};

	if (bytes < 1024)
		snprintf(ret_text, SCALE_BYTES, "%.0f B", bytes);
	else
		scale(bytes / 1024, 1024, units, sizeof(units) / sizeof(units[0]), ret_text);
}

void scale_us(double us, char ret_text[SCALE_BYTES])
{
	static const char *const units[] = {"ms", "s"};

	if (us < 1000)
		snprintf(ret_text, SCALE_BYTES, "%.0f us", us);
	else
		scale(us / 1000, 1000, units, sizeof(units) / sizeof(units[0]), ret_text);
}

void scale_seconds(double seconds, char ret_text[SCALE_BYTES])
{
	unsigned long long s = (unsigned long long)seconds;
	unsigned long long days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;

	if (s < 60)
		snprintf(ret_text, SCALE_BYTES, "%llu s", s);
	else if (days)
		snprintf(ret_text, SCALE_BYTES, "%llu d %02llu:%02llu:%02llu", days, hours, minutes,
			 s % 60);
	else
		snprintf(ret_text, SCALE_BYTES, "%llu:%02llu:%02llu", hours, minutes, s % 60);
}

const char *scale_unit(const char *name)
{
	const char *end = strrchr(name, '_');

	return end && (strcmp(end, "_s") == 0 || strcmp(end, "_us") == 0 ||
		       strcmp(end, "_bytes") == 0)
		       ? end
		       : "";
}

/* Numbers that are names. */
static bool is_name(const char *name)
{
	return strcmp(name, "pid") == 0 || strcmp(name, "queue") == 0 || strcmp(name, "port") == 0;
}

const char *scale_member(const char *name, const cJSON *value, char buf[SCALE_BYTES])
{
	const char *unit = scale_unit(name);

	if (cJSON_IsString(value))
		return value->valuestring;
	if (cJSON_IsBool(value))
		return cJSON_IsTrue(value) ? "yes" : "no";
	if (!cJSON_IsNumber(value))
		return "-";
	if (is_name(name))
		snprintf(buf, SCALE_BYTES, "%.0f", value->valuedouble);
	else if (strcmp(unit, "_bytes") == 0)
		scale_bytes(value->valuedouble, buf);
	else if (strcmp(unit, "_us") == 0)
		scale_us(value->valuedouble, buf);
	else if (*unit)
		scale_seconds(value->valuedouble, buf);
	else
		scale_count(value->valuedouble, buf);
	return buf;
}
