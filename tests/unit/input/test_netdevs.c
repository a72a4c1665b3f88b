/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "config/advice.h"
#include "input/netdevs.h"

static struct netdev devices[] = {
	{.index = 1, .name = "lo"},
	{.index = 2, .name = "eth0"},
	{.index = 3, .name = "eth1", .master = 4},
	{.index = 4, .name = "br0", .kind = "bridge"},
	{.index = 5, .name = "eth2", .master = 6},
	{.index = 6, .name = "blue", .kind = "vrf"},
	{.index = 7, .name = "red", .kind = "vrf"},
	{.index = 8, .name = "eth3", .master = 99}, /* in another namespace */
};
static const struct netdevs all = {sizeof(devices) / sizeof(devices[0]), devices};

Test(netdevs, what_rules_see)
{
	static const struct {
		const char *pattern;
		enum netdevs_sight sight;
		const char *device, *other;
	} rows[] = {
		{"eth0", NETDEVS_SEEN, NULL, NULL},      {"eth*", NETDEVS_SEEN, NULL, NULL},
		{"*", NETDEVS_SEEN, NULL, NULL},         {"br0", NETDEVS_SEEN, NULL, NULL},
		{"eth2", NETDEVS_SEEN, NULL, NULL},      {"eth3", NETDEVS_SEEN, NULL, NULL},
		{"eth", NETDEVS_MISSING, NULL, NULL},    {"eth00", NETDEVS_MISSING, NULL, NULL},
		{"ppp*", NETDEVS_MISSING, NULL, NULL},   {"", NETDEVS_MISSING, NULL, NULL},
		{"eth1", NETDEVS_MEMBER, "eth1", "br0"}, {"eth1*", NETDEVS_MEMBER, "eth1", "br0"},
		{"blue", NETDEVS_VRF, "blue", "eth2"},   {"red", NETDEVS_VRF, "red", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char other[IF_NAMESIZE];
		struct netdev device;

		cr_expect_eq(netdevs_look(&all, rows[i].pattern, &device, other), rows[i].sight,
			     "%s", rows[i].pattern);
		if (!rows[i].device)
			continue;
		cr_expect_str_eq(device.name, rows[i].device);
		cr_expect_str_eq(other, rows[i].other);
	}
}

Test(netdevs, this_machine)
{
	struct netdevs here;
	struct netdev device;
	char other[IF_NAMESIZE];

	cr_assert_eq(netdevs_read(&here), 0);
	cr_assert_gt(here.count, 0);
	cr_expect_eq(netdevs_look(&here, "lo", &device, other), NETDEVS_SEEN);
	netdevs_done(&here);
}

static const struct advice_list *advise(const char *a, const char *b)
{
	static struct advice_list list;
	struct config config = {.engine = RULES_NFT, .interfaces = {a, b}, .interface_count = 2};

	list.count = 0;
	advice_interfaces(&config, &all, &list);
	return &list;
}

/* A pattern is for what comes and goes, as long as something else is seen. */
Test(netdevs, advice)
{
	const struct advice_list *list = advise("eth0", "ppp*");

	cr_assert_eq(list->count, 1);
	cr_expect_eq(list->list[0].level, ADVICE_NOTE);
	cr_expect(strstr(list->list[0].text, "'ppp*'"));
	list = advise("wan*", "ppp*");
	cr_assert_eq(list->count, 2);
	cr_expect_eq(list->list[0].level, ADVICE_FAULT);
	list = advise("eth0", "wan0");
	cr_assert_eq(list->count, 1);
	cr_expect_eq(list->list[0].level, ADVICE_FAULT);
	cr_expect(strstr(list->list[0].text, "no interface 'wan0'"));
	list = advise("eth1", "blue");
	cr_assert_eq(list->count, 2);
	cr_expect(strstr(list->list[0].text, "name 'br0' instead"), "%s", list->list[0].text);
	cr_expect(strstr(list->list[1].text, "members instead, such as eth2"), "%s",
		  list->list[1].text);
}

Test(netdevs, more_advice_than_there_is_room_for)
{
	static struct advice_list list;

	for (unsigned i = 0; i < ADVICE_MAX + 3; i++)
		advice_add(&list, ADVICE_NOTE, "something rather long", "%0999d", (int)i);
	cr_expect_eq(list.count, ADVICE_MAX);
	cr_expect_str_eq(list.list[0].about, "something rathe");
}
