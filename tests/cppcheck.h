/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Macros of system headers, which cppcheck does not read. */
#define LIST_HEAD(name, type)                                                                      \
	struct name {                                                                              \
		struct type *lh_first;                                                             \
	}
#define cJSON_ArrayForEach(element, array)                                                         \
	for (element = (array)->child; element; element = element->next)
#define LIST_FOREACH(var, head, field) for (var = (head)->lh_first; var; var = var->field.le_next)
#define mnl_attr_for_each(attr, nlh, offset)                                                       \
	for (attr = mnl_nlmsg_get_payload_offset(nlh, offset);                                     \
	     mnl_attr_ok(attr, nlh->nlmsg_len - offset); attr = mnl_attr_next(attr))
#define mnl_attr_for_each_nested(attr, nest)                                                       \
	for (attr = mnl_attr_get_payload(nest); mnl_attr_ok(attr, nest->nla_len);                  \
	     attr = mnl_attr_next(attr))
