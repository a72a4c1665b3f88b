/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules' parameters and their text. */
#include "input/rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define MARKS                                                                                      \
	{                                                                                          \
		.field = 0xff000000, .diverted = 0x01000000                                        \
	}

static const char *const two[] = {"eth0", "wg*"};

static const char *print(const struct rules_params *params, enum rules_format format)
{
	static char text[65536];
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	rules_print(params, format, &buf);
	cr_assert(!buf.overflow);
	return text;
}

Test(rules, engine_names)
{
	enum rules_engine engine;

	for (int i = RULES_AUTO; i <= RULES_NONE; i++) {
		cr_assert_eq(rules_engine_parse(rules_engine_name((enum rules_engine)i), &engine),
			     0);
		cr_expect_eq((int)engine, i);
	}
	cr_expect_eq(rules_engine_parse("iptables", &engine), -EINVAL);
}

Test(rules, check)
{
	static const struct {
		const char *name;
		unsigned first, count;
		const char *interfaces[3];
		const char *what; /* NULL: accepted */
	} rows[] = {
		{"one queue", 0, 1, {NULL}, NULL},
		{"the last queue", 65535, 1, {NULL}, NULL},
		{"all queues but the first", 1, 65535, {NULL}, NULL},
		{"no queue", 0, 0, {NULL}, "queue numbers"},
		{"beyond the last queue", 65535, 2, {NULL}, "queue numbers"},
		{"names", 0, 4, {"eth0", "wg*", "ppp.5-a_b@c"}, NULL},
		{"longest name", 0, 1, {"abcdefghijklmno"}, NULL},
		{"too long", 0, 1, {"abcdefghijklmnop"}, "no interface name"},
		{"empty", 0, 1, {""}, "no interface name"},
		{"only a star", 0, 1, {"*"}, "no interface name"},
		{"star in the middle", 0, 1, {"e*h"}, "no interface name"},
		{"space", 0, 1, {"eth 0"}, "no interface name"},
		{"quote", 0, 1, {"eth\"0"}, "no interface name"},
		{"iptables' wildcard", 0, 1, {"eth+"}, "no interface name"},
		{"newline", 0, 1, {"eth0\n"}, "no interface name"},
		{"twice", 0, 1, {"eth0", "wg0", "eth0"}, "already covered"},
		{"covered", 0, 1, {"eth0", "eth*"}, "'eth0' is already covered by 'eth*'"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rules_params params = {.queue_first = (uint16_t)rows[i].first,
					      .queue_count = (uint16_t)rows[i].count,
					      .marks = MARKS,
					      .interfaces = rows[i].interfaces};
		struct text_error error = {.what = ""};
		int rc;

		while (params.interface_count < 3 && rows[i].interfaces[params.interface_count])
			params.interface_count++;
		rc = rules_check(&params, &error);
		cr_expect_eq(rc, rows[i].what ? -EINVAL : 0, "%s: %d", rows[i].name, rc);
		cr_expect(strstr(error.what, rows[i].what ? rows[i].what : ""), "%s: '%s'",
			  rows[i].name, error.what);
	}
}

Test(rules, print_nft)
{
	struct rules_params params = {.queue_first = 5, .queue_count = 1, .marks = MARKS};
	const char *text = print(&params, RULES_FORMAT_NFT);

	cr_expect(strstr(text, "\n\t\tmeta l4proto tcp tcp flags & (fin | syn | rst | ack) == syn "
			       "counter goto syn comment \"synprint nft 5-5 * of "),
		  "%s", text);
	cr_expect(strstr(text, "meta mark set meta mark | 0x01000000 queue flags bypass to 5 "),
		  "%s", text);
	params = (struct rules_params){.queue_first = 5,
				       .queue_count = 4,
				       .marks = MARKS,
				       .interfaces = two,
				       .interface_count = 2};
	text = print(&params, RULES_FORMAT_NFT);
	cr_expect(strstr(text, "\tiifname \"eth0\" meta"), "%s", text);
	cr_expect(strstr(text, "\tiifname \"wg*\" meta"), "%s", text);
	cr_expect(strstr(text, "bypass to symhash mod 4 offset 5 "), "%s", text);
	cr_expect(strstr(text, "hook prerouting priority -175; policy accept;"), "%s", text);
}

Test(rules, print_iptables)
{
	struct rules_params params = {.queue_first = 5, .queue_count = 1, .marks = MARKS};
	const char *text = print(&params, RULES_FORMAT_IPTABLES);

	cr_expect_str_eq(
		strstr(text, "\n*raw\n") + 1,
		"*raw\n:SYNPRINT - [0:0]\n"
		"-A SYNPRINT -m set --match-set synprint_alive src -j NFQUEUE "
		"--queue-num 5 --queue-bypass\n"
		"-A PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SYNPRINT\n"
		"COMMIT\n"
		"# With rules.conntrack = true there are also the rules that confirm clients;\n"
		"# they switch conntrack on.\n");
	params = (struct rules_params){.queue_first = 5,
				       .queue_count = 4,
				       .marks = MARKS,
				       .interfaces = two,
				       .interface_count = 2};
	text = print(&params, RULES_FORMAT_IPTABLES);
	cr_expect(strstr(text, "NFQUEUE --queue-balance 5:8 --queue-bypass\n"), "%s", text);
	cr_expect(strstr(text, "-A PREROUTING -i eth0 -p tcp"), "%s", text);
	cr_expect(strstr(text, "-A PREROUTING -i wg+ -p tcp"), "%s", text);
}

Test(rules, iptables_names_the_vrfs_that_are_there)
{
	static const char *const vrfs[] = {"blue", "red"};
	struct rules_params params = {.queue_first = 5,
				      .queue_count = 1,
				      .marks = MARKS,
				      .vrfs = vrfs,
				      .vrf_count = 2};

	cr_expect(strstr(print(&params, RULES_FORMAT_IPTABLES),
			 ":SYNPRINT - [0:0]\n-A SYNPRINT -i blue -j RETURN\n"
			 "-A SYNPRINT -i red -j RETURN\n-A SYNPRINT -m set "));
	cr_expect(strstr(print(&params, RULES_FORMAT_NFT), "meta iifkind \"vrf\" return"));
}

Test(rules, print_limit)
{
	struct rules_params params = {.queue_first = 5,
				      .queue_count = 1,
				      .marks = MARKS,
				      .limit = 50000};

	cr_expect(strstr(print(&params, RULES_FORMAT_NFT),
			 " counter limit rate 50000/second burst 50000 packets goto syn"));
	cr_expect(strstr(print(&params, RULES_FORMAT_IPTABLES),
			 " src -m hashlimit --hashlimit-upto 50000/sec --hashlimit-burst 50000 "
			 "--hashlimit-name synprint -j NFQUEUE "));
}

/* By mark, by label and by counter; never `<= 20`, which connections without a counter are too. */
Test(rules, print_clocks)
{
	struct rules_params params =
		{.queue_first = 5,
		 .queue_count = 1,
		 .marks = MARKS,
		 .clocks = {.is_on = true, .bit = 0x02000000, .limit = 7, .group = 176}};
	const char *text = print(&params, RULES_FORMAT_NFT);

	cr_expect(strstr(text, "hook prerouting priority -170; policy accept;"), "%s", text);
	cr_expect(strstr(text, "limit rate 7/second burst 7 packets ct mark set ct mark | "
			       "0x02000000 "),
		  "%s", text);
	cr_expect(strstr(text, "ct direction 0 ct original packets 1-20 counter log group 176 "
			       "snaplen 128 "),
		  "%s", text);
	cr_expect(strstr(text, "ct mark set ct mark & 0xfdffffff"), "%s", text);
	params.confirm.has_labels = true;
	text = print(&params, RULES_FORMAT_NFT);
	cr_expect(strstr(text, "ct label set 121 ") && !strstr(text, "ct mark set"), "%s", text);
	params.clocks.bit = 0;
	text = print(&params, RULES_FORMAT_NFT);
	cr_expect(strstr(text, "ct original packets & 18446744073709551584 == 0 "
			       "ct original packets 1-20 goto clocks_copy "),
		  "%s", text);
	cr_expect(strstr(text, "limit rate 140/second burst 140 packets counter log"), "%s", text);
	text = print(&params, RULES_FORMAT_IPTABLES);
	cr_expect(strstr(text, "-m limit --limit 140/sec --limit-burst 140 -j NFLOG "
			       "--nflog-group 176 --nflog-size 128 "),
		  "%s", text);
	cr_expect(strstr(text, "--connbytes 1:20 --connbytes-dir original"), "%s", text);
	params.interfaces = two;
	params.interface_count = 2;
	text = print(&params, RULES_FORMAT_NFT);
	cr_expect(strstr(text, "iifname \"wg*\" meta l4proto tcp ct direction 0 ct original"), "%s",
		  text);
	cr_expect(strstr(text,
			 "iifname \"eth0\" meta l4proto tcp tcp flags & (fin | syn | rst | ack) "
			 "== syn goto clocks_begin "),
		  "%s", text);
	params.clocks.is_on = false;
	cr_expect(!strstr(print(&params, RULES_FORMAT_NFT), "clocks"));
}

Test(rules, print_ipset)
{
	const char *text =
		print(&(struct rules_params){.queue_count = 1, .marks = MARKS}, RULES_FORMAT_IPSET);

	cr_expect(strstr(text, "\nadd synprint_all4 128.0.0.0/1\n"), "%s", text);
	cr_expect(strstr(text, "\nadd synprint_all6 8000::/1\n"), "%s", text);
	cr_expect(strstr(text, "\ncreate synprint_alive list:set timeout 1\n"), "%s", text);
}
