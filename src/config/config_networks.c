/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists `except`: networks whose clients are never published, anywhere or by one rule. */
#include <errno.h>

#include "config/config_private.h"

static int read_network(const config_setting_t *setting, const char *path,
			struct addr_net *ret_network, struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);

	if (text && addr_net_parse(text, ret_network) == 0)
		return 0;
	return source_refuse(setting, ret_error,
			     "%s is a list of networks and addresses, such as \"192.0.2.0/24\" or "
			     "\"2001:db8::7\"",
			     path);
}

int config_read_networks(const config_setting_t *list, const char *path, unsigned max,
			 struct addr_net *ret_networks, unsigned *ret_count,
			 struct text_error *ret_error)
{
	int count = config_setting_length(list);

	if (!config_setting_is_aggregate(list) || config_setting_is_group(list) || count > (int)max)
		return source_refuse(list, ret_error, "%s must be a list of at most %u networks",
				     path, max);
	for (int i = 0; i < count; i++)
		if (read_network(config_setting_get_elem(list, (unsigned)i), path, &ret_networks[i],
				 ret_error) < 0)
			return -EINVAL;
	*ret_count = (unsigned)count;
	return 0;
}

bool config_is_excepted(const struct config *config, const struct addr *addr)
{
	for (unsigned i = 0; i < config->except_count; i++)
		if (addr_net_holds(&config->except[i], addr))
			return true;
	return false;
}
