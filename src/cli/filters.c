/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words go to the daemon as they are: it knows which classes there are. */
#include "cli/filters.h"

#include <errno.h>
#include <stdlib.h>

static int add_word(cJSON *request, const char *list_name, const char *word)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(request, list_name);

	if (!list)
		list = cJSON_AddArrayToObject(request, list_name);
	return cJSON_AddItemToArray(list, cJSON_CreateString(word)) ? 0 : -ENOMEM;
}

static int add_number(cJSON *request, const char *name, const char *value)
{
	char *end;
	double number = strtod(value, &end);

	if (end == value || *end)
		return -EINVAL;
	return cJSON_AddNumberToObject(request, name, number) ? 0 : -ENOMEM;
}

/* An option that may be given once: the last one counts. */
static int set_word(cJSON *request, const char *name, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(request, name);
	return cJSON_AddStringToObject(request, name, value) ? 0 : -ENOMEM;
}

int filters_add(cJSON *request, int option, const char *value)
{
	switch (option) {
	case FILTER_OPT_FLAG: return add_word(request, "flags", value);
	case FILTER_OPT_CLASS: return add_word(request, "classes", value);
	case FILTER_OPT_FAMILY: return add_word(request, "families", value);
	case FILTER_OPT_MIN_CONFIDENCE:
		cJSON_DeleteItemFromObjectCaseSensitive(request, "min_confidence");
		return add_number(request, "min_confidence", value);
	case FILTER_OPT_GRADE: return set_word(request, "grade", value);
	case FILTER_OPT_NET: return set_word(request, "net", value);
	default: return -EINVAL;
	}
}

void filters_set(cJSON *request, const char *name)
{
	cJSON_DeleteItemFromObjectCaseSensitive(request, name);
	cJSON_AddTrueToObject(request, name);
}
