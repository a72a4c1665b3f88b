/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules by origin, and the never-list: own, special and private networks, and what is configured. */
#include "share/accept.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#define V4(a, b, bits_)                                                                            \
	{                                                                                          \
		.addr = {{[10] = 0xff, 0xff, a, b}}, .bits = bits_                                 \
	}
#define V6(a, b, bits_)                                                                            \
	{                                                                                          \
		.addr = {{a, b}}, .bits = bits_                                                    \
	}

/* Of the IANA registries for special-purpose addresses (RFC 6890): no suspect has one of these. */
static const struct addr_net
	special
		[] =
			{
				V4(0, 0, 8), /* this network */
				V4(127, 0, 8),      V4(169, 254, 16),
				V4(224, 0, 3), /* multicast, reserved and broadcast */
				V6(0, 0, 127), /* :: and ::1 */
				V6(0xfe, 0x80, 10), V6(0xff, 0, 8),
				V4(10, 0, 8), /* from here on private ones, which a private net of gateways may want */
				V4(172, 16, 12),    V4(192, 168, 16),
				V4(100, 64, 10),    V6(0xfc, 0, 7),
};
#define SPECIAL_COUNT (sizeof(special) / sizeof(special[0]))
#define PRIVATE_COUNT 5

const struct share_accept *accept_rule(const struct share_config *config, const char *origin)
{
	for (unsigned i = 0; i < config->accept_count; i++)
		if (strcmp(config->accept[i].origin, "*") == 0 ||
		    strcmp(config->accept[i].origin, origin) == 0)
			return &config->accept[i];
	return NULL;
}

static bool is_special(const struct addr *addr, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (addr_net_holds(&special[i], addr))
			return true;
	return false;
}

bool accept_is_never(const struct share_config *config, const struct accept_own *own,
		     const struct addr *addr)
{
	for (unsigned i = 0; i < own->count; i++)
		if (addr_equal(&own->addrs[i], addr))
			return true;
	for (unsigned i = 0; i < config->never_count; i++)
		if (addr_net_holds(&config->never[i], addr))
			return true;
	return is_special(addr, SPECIAL_COUNT - (config->accepts_private ? PRIVATE_COUNT : 0));
}

enum accept_result accept_message(const struct share_config *config, const struct accept_own *own,
				  const struct share_accept *rule, struct message *message,
				  uint32_t *left_s)
{
	if (*left_s > rule->expiry_s)
		*left_s = rule->expiry_s;
	if (message->is_gone)
		return ACCEPT_OK;
	message->flags &= rule->flags;
	if (!message->flags)
		return ACCEPT_FLAGS;
	return accept_is_never(config, own, &message->addr) ? ACCEPT_NEVER : ACCEPT_OK;
}

static bool addr_of(const struct sockaddr *address, struct addr *ret_addr)
{
	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		*ret_addr = addr_from_v4((const uint8_t *)&in->sin_addr);
		return true;
	}
	if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		*ret_addr = addr_from_v6(in6->sin6_addr.s6_addr);
		return true;
	}
	return false;
}

void accept_find_own(struct accept_own *ret_own)
{
	const unsigned most = sizeof(ret_own->addrs) / sizeof(ret_own->addrs[0]);
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return; /* as they were */
	ret_own->count = 0;
	for (const struct ifaddrs *at = all; at && ret_own->count < most; at = at->ifa_next)
		ret_own->count += addr_of(at->ifa_addr, &ret_own->addrs[ret_own->count]);
	freeifaddrs(all);
}

const char *accept_result_name(enum accept_result result)
{
	static const char *const names[ACCEPT_RESULT_COUNT] = {
		[ACCEPT_OK] = "ok",
		[ACCEPT_FOREIGN] = "foreign",
		[ACCEPT_NO_EXPIRY] = "no_expiry",
		[ACCEPT_UNSIGNED] = "unsigned",
		[ACCEPT_FLAGS] = "flags",
		[ACCEPT_NEVER] = "never",
	};

	return names[result];
}
