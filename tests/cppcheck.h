/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loops whose macros stand in system headers, which cppcheck does not read. */
#define cJSON_ArrayForEach(element, array)                                                         \
	for (element = (array)->child; element; element = element->next)
#define LIST_FOREACH(var, head, field) for (var = (head)->lh_first; var; var = var->field.le_next)
