/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list `publish.except`: networks whose clients are never published, anywhere. */
#include <errno.h>

#include "config/config_private.h"

static int read_network(const config_setting_t *setting, struct addr_net *ret_network,
			struct text_error *ret_error)
{
	const char *text = config_setting_get_string(setting);

	if (text && addr_net_parse(text, ret_network) == 0)
		return 0;
	return config_refuse(setting, ret_error,
			     "publish.except is a list of networks and addresses, such as "
			     "\"192.0.2.0/24\" or \"2001:db8::7\"");
}

int config_read_except(const config_setting_t *list, struct config *config,
		       struct text_error *ret_error)
{
	int count = config_setting_length(list);

	if (!config_setting_is_aggregate(list) || config_setting_is_group(list) ||
	    count > CONFIG_NETWORKS_MAX)
		return config_refuse(list, ret_error,
				     "publish.except must be a list of at most %d networks",
				     CONFIG_NETWORKS_MAX);
	for (int i = 0; i < count; i++)
		if (read_network(config_setting_get_elem(list, (unsigned)i), &config->except[i],
				 ret_error) < 0)
			return -EINVAL;
	config->except_count = (unsigned)count;
	return 0;
}

bool config_is_excepted(const struct config *config, const struct addr *addr)
{
	for (unsigned i = 0; i < config->except_count; i++)
		if (addr_net_holds(&config->except[i], addr))
			return true;
	return false;
}
