/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publish rules: what they may say, what is refused, and words that the databases resolve. */
#include "config/load_config.h"

Test(config, publish_rules)
{
	struct config *config = must_load(
		"publish: { sets = (\n"
		"{ nftset = \"tv\"; timeout = \"1d\"; size = 10; min_confidence = 0.9; },\n"
		"{ nftset = \"tv\"; table = \"ip filter\"; timeout = 90; },\n"
		"{ nftset = \"own\"; table = \"inet synprint\"; timeout = \"2h\"; },\n"
		"{ ipset = \"tv\"; timeout = \"30m\"; grade = \"access\"; min_confidence = 1; },\n"
		"{ ipset = \"other.set-1\"; timeout = \"5s\"; }\n"
		"); };\n");
	const struct config_set *sets = config->sets;

	cr_assert_eq(config->set_count, 5);
	cr_expect_eq(sets[0].kind, CONFIG_NFTSET);
	cr_expect_str_eq(sets[0].table, "inet synprint");
	cr_expect(sets[0].is_own_table);
	cr_expect_eq(sets[0].timeout_s, 86400);
	cr_expect_eq(sets[0].size, 10);
	cr_expect_eq(sets[0].filter.min_confidence_permille, 900);
	cr_expect_str_eq(sets[1].table, "ip filter");
	cr_expect_not(sets[1].is_own_table);
	cr_expect_eq(sets[1].timeout_s, 90);
	cr_expect(sets[2].is_own_table);
	cr_expect_eq(sets[2].timeout_s, 7200);
	cr_expect_eq(sets[3].kind, CONFIG_IPSET);
	cr_expect_eq(sets[3].timeout_s, 1800);
	cr_expect_eq(sets[3].filter.min_grade, LINK_ACCESS);
	cr_expect_eq(sets[3].filter.min_confidence_permille, 1000);
	cr_expect_eq(sets[4].timeout_s, 5);
	config_free(config);
}

Test(config, targets_of_every_kind)
{
	struct config *config = must_load(
		"publish: { mark_seen = 0x80; sets = (\n"
		"{ nftmap = \"m\"; value = 0xffffffff; key = \"addr . port\"; },\n"
		"{ mark = 0x10; },\n"
		"{ ipset = \"s\"; prefix6 = 64; comment = true; on_change = \"remove\"; },\n"
		"{ mark = 0x21; }\n); };\n");

	cr_assert_eq(config->set_count, 2);
	cr_expect_eq(config->sets[0].kind, CONFIG_NFTMAP);
	cr_expect_eq(config->sets[0].mark, UINT32_MAX);
	cr_expect(config->sets[0].has_port);
	cr_expect_eq(config->sets[0].prefix6, 128);
	cr_expect_not(config->sets[0].removes);
	cr_expect_eq(config->sets[1].prefix6, 64);
	cr_expect(config->sets[1].has_comment);
	cr_expect(config->sets[1].removes);
	cr_assert_eq(config->mark_count, 2);
	cr_expect_eq(config->marks[1].mark, 0x21);
	cr_expect_eq(config->mark_mask, 0xb1, "what the marks need");
	config_free(config);
	config = must_load("publish: { mark_mask = 0xff00; sets = ( { mark = 0x100; } ); };");
	cr_expect_eq(config->mark_mask, 0xff00);
	config_free(config);
}

Test(config, marks_fit_their_mask)
{
	struct text_error error = {0};
	struct config *config = NULL;

	cr_expect_eq(load("publish: { mark_mask = 0xf0; sets = ( { mark = 0x101; } ); };", &error,
			  &config),
		     -EINVAL);
	cr_expect(strstr(error.what, "does not cover the bits 0x101"), "%s", error.what);
}

/* Each rule is refused at its own line, the third. */
Test(config, networks_that_are_never_published)
{
	static const struct {
		const char *addr;
		bool is_excepted;
	} cases[] = {{"192.0.2.0", true},     {"192.0.2.255", true},   {"192.0.3.0", false},
		     {"198.51.100.7", true},  {"198.51.100.8", false}, {"2001:db8:7::1", true},
		     {"2001:db8:8::1", false}};
	const struct config *config = must_load("publish: { except = [ \"192.0.2.77/24\", "
						"\"198.51.100.7\", \"2001:db8:7::/48\" ]; };");

	cr_expect_eq(config->except_count, 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr addr;

		cr_assert_eq(addr_parse(cases[i].addr, &addr), 0);
		cr_expect_eq(config_is_excepted(config, &addr), cases[i].is_excepted, "%s",
			     cases[i].addr);
	}
	config_free(config);
}

Test(config, networks_that_one_rule_leaves_out)
{
	const struct config *config = must_load(
		"publish: { sets = ( { nftset = \"a\"; except = [ \"192.0.2.0/24\", "
		"\"2001:db8::7\" ]; },"
		" { nftset = \"b\"; }, { mark = 16; except = [ \"198.51.100.7\" ]; },"
		" { ipset = \"c\"; origins = [ \"*\" ]; except = [ \"192.0.2.1\" ]; } ); };");
	struct addr in, out;

	addr_parse("192.0.2.1", &in);
	addr_parse("192.0.3.1", &out);
	cr_expect(filter_excepts(&config->sets[0].filter, &in));
	cr_expect_not(filter_excepts(&config->sets[0].filter, &out));
	cr_expect_not(filter_excepts(&config->sets[1].filter, &in));
	cr_expect_not(filter_excepts(&config->marks[0].filter, &in));
	cr_expect(filter_excepts(&config->report_sets[0].set.filter, &in));
	cr_expect_eq(config->except_count, 0);
	config_free(config);
}

Test(config, refuses_bad_publish_rules)
{
	static const struct {
		const char *rule, *word;
	} cases[] = {
		{"{ timeout = 5; }", "needs a target"},
		{"{ nftset = \"a\"; ipset = \"b\"; }", "one target"},
		{"{ nftset = \"\"; }", "letters, digits"},
		{"{ nftset = \"with space\"; }", "letters, digits"},
		{"{ nftset = 5; }", "letters, digits"},
		{"{ nftset = \"4ab\"; }", "begins with a letter"},
		{"{ nftmap = \"-ab\"; value = 1; }", "begins with a letter"},
		{"{ ipset = \"a-name-of-more-than-thirty-bytes\"; }", "letters, digits"},
		{"{ nftset = \"a\"; timeout = 0; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = -5; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = \"5\"; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = \"h\"; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = \"1w\"; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = \"25d\"; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = \"9999999999999999999d\"; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = 2147484; }", "timeout must be"},
		{"{ nftset = \"a\"; timeout = [ 5 ]; }", "timeout must be"},
		{"{ nftset = \"a\"; size = 0; }", "size must be"},
		{"{ nftset = \"a\"; except = \"192.0.2.1\"; }",
		 "except must be a list of at most 16"},
		{"{ mark = 1; except = [ \"192.0.2.0/33\" ]; }", "except is a list of networks"},
		{"{ nftset = \"a\"; size = \"10\"; }", "size must be"},
		{"{ nftset = \"a\"; table = \"filter\"; }", "table must be"},
		{"{ nftset = \"a\"; table = \"bridge filter\"; }", "table must be"},
		{"{ nftset = \"a\"; table = \"inet \"; }", "table must be"},
		{"{ nftset = \"a\"; table = 1; }", "table must be"},
		{"{ ipset = \"a\"; table = \"inet filter\"; }", "in no table"},
		{"{ nftset = \"a\"; grade = \"high\"; }", "grade must be"},
		{"{ nftset = \"a\"; min_confidence = 1.5; }", "0.0 to 1.0"},
		{"{ nftset = \"a\"; min_confidence = -0.1; }", "0.0 to 1.0"},
		{"{ nftset = \"a\"; min_confidence = 4294967296L; }", "0.0 to 1.0"},
		{"{ nftset = \"a\"; min_confidence = \"0.5\"; }", "0.0 to 1.0"},
		{"{ nftmap = \"a\"; }", "has a value"},
		{"{ nftset = \"a\"; value = 1; }", "has a value"},
		{"{ nftmap = \"a\"; value = -1L; }", "0 to 0xffffffff"},
		{"{ nftmap = \"a\"; value = 0x100000000L; }", "0 to 0xffffffff"},
		{"{ mark = \"1\"; }", "0 to 0xffffffff"},
		{"{ mark = 1; nftset = \"a\"; }", "a rule of its own"},
		{"{ nftset = \"a\"; key = \"port\"; }", "key must be"},
		{"{ ipset = \"a\"; key = \"addr . port\"; }", "only nft sets and maps"},
		{"{ ipset = \"a\"; prefix6 = 8; }", "prefix6 must be"},
		{"{ nftset = \"a\"; table = \"inet f\"; prefix6 = 64; }", "prefix6 is for"},
		{"{ nftset = \"a\"; comment = true; }", "for ipsets"},
		{"{ ipset = \"a\"; comment = 1; }", "true or false"},
		{"{ nftset = \"a\"; on_change = \"keep\"; }", "on_change must be"},
		{"{ nftmap = \"first\"; value = 1; }", "same set"},
		{"{ nftset = \"a\"; colour = 1; }", "'colour'"},
		{"\"a\"", "each rule is a group"},
		{"{ nftset = \"first\"; }", "same set"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_error error = {0};
		struct config *config = NULL;
		char text[300];

		snprintf(text, sizeof(text),
			 "publish: { sets = (\n{ nftset = \"first\"; },\n%s); };", cases[i].rule);
		cr_expect_eq(load(text, &error, &config), -EINVAL, "%s", cases[i].rule);
		cr_expect_eq(error.line, 3, "%s: line %u", cases[i].rule, error.line);
		cr_expect(strstr(error.what, cases[i].word), "%s: %s", cases[i].rule, error.what);
	}
}

Test(config, at_most_32_rules)
{
	char text[4096] = "publish: { sets = (";
	struct text_error error = {0};
	struct config *config;

	for (unsigned i = 0; i < CONFIG_SETS_MAX; i++)
		sprintf(text + strlen(text), "%s{ nftset = \"s%u\"; }", i ? "," : "", i);
	strcat(text, "); };");
	config = must_load(text);
	cr_expect_eq(config->set_count, CONFIG_SETS_MAX);
	config_free(config);
	strcpy(strrchr(text, ')'), ", { nftset = \"more\"; }); };");
	cr_expect_eq(load(text, &error, &config), -EINVAL);
	cr_expect(strstr(error.what, "32"), "%s", error.what);
	cr_expect_eq(load("publish: { sets = [ \"vpn\" ]; };", &error, &config), -EINVAL);
}

static struct vocab *small_vocab(void)
{
	struct vocab *vocab = vocab_new();

	vocab_add(vocab, VOCAB_CLASS, "Linux", 5);
	vocab_add(vocab, VOCAB_FAMILY, "Console", 7);
	vocab_add(vocab, VOCAB_LABEL, "Windows 10", 10);
	vocab_add(vocab, VOCAB_LABEL, "Windows 11", 10);
	vocab_add(vocab, VOCAB_LINK, "OpenVPN UDP", 11);
	return vocab;
}

Test(config, resolves_words)
{
	struct config *config =
		must_load("publish: { sets = ( { nftset = \"a\"; flags = [ \"vpn\", \"tunnel\" ];\n"
			  "classes = [ \"Linux\" ]; families = ( \"Console\" );\n"
			  "labels = [ \"Windows *\" ]; links = [ \"OpenVPN*\" ]; } ); };");
	struct vocab *vocab = small_vocab();
	struct text_error error = {0};

	cr_assert_eq(config_resolve(config, vocab, &error), 0, "%s", error.what);
	cr_expect_eq(config->sets[0].filter.flags, VERDICT_VPN | VERDICT_TUNNEL);
	cr_expect_eq(config->sets[0].filter.classes, 2);
	cr_expect_eq(config->sets[0].filter.families, 2);
	cr_assert(config->sets[0].filter.has_labels);
	cr_expect_eq(config->sets[0].filter.labels[0], 6);
	cr_expect_eq(config->sets[0].filter.links[0], 2);
	config_free(config);
	vocab_free(vocab);
}

Test(config, refuses_words_that_nobody_knows)
{
	static const struct {
		const char *list, *word;
	} cases[] = {
		{"flags = [ \"vpn\", \"virus\" ]", "no flag is named 'virus'"},
		{"classes = [ \"linux\" ]", "no class is named 'linux'"},
		{"families = [ \"TV\" ]", "no family is named 'TV'"},
		{"labels = [ \"windows*\" ]", "no label is named 'windows*'"},
		{"labels = [ \"unknow*\" ]", "no label is named 'unknow*'"},
		{"links = [ \"WireGuard\" ]", "no link is named 'WireGuard'"},
		{"links = \"OpenVPN*\"", "are lists"},
		{"flags = [ 5 ]", "no flag is named"},
		{"labels = [ \"Plan 9*\" ]", "no label is named 'Plan 9*'"},
		{"links = [ \"string\" ]", "no link is named 'string'"},
		{"interfaces = [ \"\" ]", "'' is no interface name"},
		{"interfaces = [ \"eth0\", \"w*g\" ]", "'w*g' is no interface name"},
		{"interfaces = [ \"a-name-too-long-\" ]", "is no interface name"},
		{"flags = \"vpn\"", "are lists"},
		{"classes = { a = 1; }", "are lists"},
	};
	struct vocab *vocab = small_vocab();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_error error = {0};
		struct config *config;
		char text[200];

		snprintf(text, sizeof(text), "publish: { sets = (\n{ nftset = \"a\";\n%s; } ); };",
			 cases[i].list);
		config = must_load(text);
		cr_expect_eq(config_resolve(config, vocab, &error), -EINVAL, "%s", cases[i].list);
		cr_expect_eq(error.line, 3, "%s: line %u", cases[i].list, error.line);
		cr_expect(strstr(error.what, cases[i].word), "%s: %s", cases[i].list, error.what);
		config_free(config);
	}
	vocab_free(vocab);
}
