/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "core/verdict/filter.h"

enum { LINUX = 1, WINDOWS, MACOS, IOS };

static struct vocab *vocab;

static void setup(void)
{
	static const char *const classes[] = {"Linux", "Windows", "macOS", "iOS"};

	vocab = vocab_new();
	for (int i = 0; i < 4; i++)
		cr_assert_eq(vocab_add(vocab, VOCAB_CLASS, classes[i], strlen(classes[i])), i + 1);
	cr_assert_eq(vocab_add(vocab, VOCAB_FAMILY, "Unix", 4), 1);
	cr_assert_eq(vocab_add(vocab, VOCAB_FAMILY, "Apple", 5), 2);
	vocab_set_family(vocab, LINUX, 1);
	vocab_set_family(vocab, MACOS, 2);
	vocab_set_family(vocab, IOS, 2);
}

static void teardown(void)
{
	vocab_free(vocab);
}

TestSuite(filter, .init = setup, .fini = teardown);

static struct addr addr(const char *text)
{
	struct addr parsed = {{0}};

	cr_assert_eq(addr_parse(text, &parsed), 0, "%s", text);
	return parsed;
}

static bool matches(const struct filter *filter, const char *address, struct verdict verdict)
{
	struct addr parsed = addr(address);

	return filter_match(filter, vocab, &parsed, &verdict);
}

static void add(struct filter *filter, const char *list, const char *word)
{
	cr_assert_eq(filter_add_word(filter, vocab, list, word), 0, "%s %s", list, word);
}

Test(filter, empty_matches_all)
{
	struct filter filter = {0};

	cr_expect(matches(&filter, "192.0.2.1", (struct verdict){0}));
	cr_expect(matches(&filter, "2001:db8::1",
			  (struct verdict){.flags = 0x1ff, .class_id = VOCAB_CLASSES_MAX - 1}));
}

Test(filter, of_a_list_one_word_is_enough)
{
	struct filter filter = {0};

	add(&filter, "flags", "vpn");
	add(&filter, "flags", "scanner");
	cr_expect(matches(&filter, "::1", (struct verdict){.flags = VERDICT_SCANNER}));
	cr_expect(
		matches(&filter, "::1", (struct verdict){.flags = VERDICT_VPN | VERDICT_UNKNOWN}));
	cr_expect_not(matches(&filter, "::1", (struct verdict){.flags = VERDICT_UNKNOWN}));
	cr_expect_not(matches(&filter, "::1", (struct verdict){0}));
}

Test(filter, classes_and_families)
{
	struct filter classes = {0}, families = {0};

	add(&classes, "classes", "Windows");
	add(&classes, "classes", "iOS");
	add(&families, "families", "Apple");
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++) {
		struct verdict verdict = {.class_id = (uint8_t)id};

		cr_expect_eq(matches(&classes, "::1", verdict), id == WINDOWS || id == IOS, "%u",
			     id);
		cr_expect_eq(matches(&families, "::1", verdict), id == MACOS || id == IOS, "%u",
			     id);
	}
}

Test(filter, every_condition_must_hold)
{
	const struct verdict whole = {.flags = VERDICT_VPN,
				      .class_id = LINUX,
				      .grade = LINK_POSSIBLE,
				      .confidence_permille = 800};
	struct filter filter = {.min_confidence_permille = 800};
	struct verdict verdict;

	add(&filter, "flags", "vpn");
	add(&filter, "classes", "Linux");
	add(&filter, "families", "Unix");
	cr_assert_eq(filter_set_grade(&filter, "possible"), 0);
	cr_assert_eq(filter_set_net(&filter, "198.51.100.0/24"), 0);
	cr_expect(matches(&filter, "198.51.100.9", whole));
	cr_expect_not(matches(&filter, "198.51.101.9", whole), "net");
	verdict = whole;
	verdict.flags = VERDICT_TUNNEL;
	cr_expect_not(matches(&filter, "198.51.100.9", verdict), "flags");
	verdict = whole;
	verdict.class_id = MACOS;
	cr_expect_not(matches(&filter, "198.51.100.9", verdict), "class");
	verdict = whole;
	verdict.grade = LINK_ACCESS;
	cr_expect_not(matches(&filter, "198.51.100.9", verdict), "grade");
	verdict = whole;
	verdict.confidence_permille = 799;
	cr_expect_not(matches(&filter, "198.51.100.9", verdict), "confidence");
}

Test(filter, confidence_is_of_what_was_asked_for)
{
	const struct verdict verdict = {.class_id = IOS,
					.confidence_permille = 600,
					.family_permille = 990};
	struct filter family = {.min_confidence_permille = 900}, class = family, both = family;

	add(&family, "families", "Apple");
	add(&class, "classes", "iOS");
	add(&both, "families", "Apple");
	add(&both, "classes", "iOS");
	cr_expect(matches(&family, "::1", verdict));
	cr_expect_not(matches(&class, "::1", verdict));
	cr_expect_not(matches(&both, "::1", verdict));
}

Test(filter, nets)
{
	static const struct {
		const char *net, *inside, *outside;
	} cases[] = {
		{"203.0.113.7", "203.0.113.7", "203.0.113.6"},
		{"203.0.113.7/24", "203.0.113.255", "203.0.112.255"},
		{"203.0.113.128/25", "203.0.113.128", "203.0.113.127"},
		{"0.0.0.0/0", "255.255.255.255", "2001:db8::1"},
		{"::/0", "2001:db8::1", "192.0.2.1"},
		{"2001:db8::1", "2001:db8::1", "2001:db8::2"},
		{"2001:db8:0:40::/58", "2001:db8:0:7f:ffff::1", "2001:db8:0:80::"},
		{"::ffff:203.0.113.0/24", "203.0.113.9", "203.0.114.9"},
		{"203.0.113.0/9", "203.127.0.1", "203.128.0.1"},
		{"128.0.0.0/1", "200.0.0.1", "127.0.0.1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter filter = {0};

		cr_assert_eq(filter_set_net(&filter, cases[i].net), 0, "%s", cases[i].net);
		cr_expect(matches(&filter, cases[i].inside, (struct verdict){0}), "%s in %s",
			  cases[i].inside, cases[i].net);
		cr_expect_not(matches(&filter, cases[i].outside, (struct verdict){0}), "%s in %s",
			      cases[i].outside, cases[i].net);
	}
}

Test(filter, refuses)
{
	static const char *const nets[] = {"",
					   "/",
					   "1.2.3.4/",
					   "1.2.3.4/33",
					   "1.2.3.4/-1",
					   "1.2.3.4/+1",
					   "1.2.3.4/ 8",
					   "1.2.3.4/8x",
					   "1.2.3.4/8/8",
					   "1.2.3.4/:",
					   "1.2.3.4/08:",
					   "::1/129",
					   "host/24",
					   "1.2.3/24",
					   "1.2.3.4/99999999999999999999",
					   "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/64"};
	const struct filter before = {.min_confidence_permille = 5};
	struct filter filter = before;

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		cr_expect_eq(filter_set_net(&filter, nets[i]), -EINVAL, "'%s'", nets[i]);
	cr_expect_eq(filter_set_grade(&filter, "sure"), -EINVAL);
	cr_expect_eq(filter_set_grade(&filter, ""), -EINVAL);
	cr_expect_eq(filter_add_word(&filter, vocab, "flags", "virus"), -ENOENT);
	cr_expect_eq(filter_add_word(&filter, vocab, "flags", ""), -ENOENT);
	cr_expect_eq(filter_add_word(&filter, vocab, "classes", "linux"), -ENOENT);
	cr_expect_eq(filter_add_word(&filter, vocab, "families", "Linux"), -ENOENT);
	cr_expect_eq(filter_add_word(&filter, vocab, "colours", "vpn"), -EINVAL);
	cr_expect_eq(memcmp(&filter, &before, sizeof(filter)), 0, "nothing changed");
}

Test(filter, grades_by_name)
{
	for (unsigned grade = LINK_NONE; grade <= LINK_LIKELY; grade++) {
		struct filter filter = {.min_grade = LINK_LIKELY};

		cr_expect_eq(filter_set_grade(&filter, link_grade_name((enum link_grade)grade)), 0);
		cr_expect_eq(filter.min_grade, grade);
	}
}

Test(filter, labels_and_links)
{
	struct filter filter = {0};
	uint16_t ten = (uint16_t)vocab_add(vocab, VOCAB_LABEL, "Windows 10", 10);
	uint16_t other = (uint16_t)vocab_add(vocab, VOCAB_LABEL, "Linux 6.1", 9);
	uint8_t openvpn = (uint8_t)vocab_add(vocab, VOCAB_LINK, "OpenVPN", 7);
	uint16_t later;

	cr_assert_eq(filter_add_id(&filter, vocab, VOCAB_LABEL, ten), 0);
	later = (uint16_t)vocab_add(vocab, VOCAB_LABEL, "Windows 12", 10);
	cr_expect(matches(&filter, "::1", (struct verdict){.label = ten}));
	cr_expect_not(matches(&filter, "::1", (struct verdict){.label = other}));
	cr_expect_not(matches(&filter, "::1", (struct verdict){.label = later}));
	cr_expect_not(matches(&filter, "::1", (struct verdict){.label = 65535}));
	cr_assert_eq(filter_add_id(&filter, vocab, VOCAB_LINK, openvpn), 0);
	cr_expect_not(matches(&filter, "::1", (struct verdict){.label = ten}));
	cr_expect(matches(&filter, "::1", (struct verdict){.label = ten, .link = openvpn}));
	filter_clear(&filter);
	cr_expect(matches(&filter, "::1", (struct verdict){0}), "cleared, it is the empty one");
}

/* Every number, alone: it and no other one passes. */
Test(filter, each_label_and_link_has_its_bit)
{
	char word[16];

	for (unsigned id = 1; id < 200; id++) {
		snprintf(word, sizeof(word), "w%u", id);
		cr_assert_eq(vocab_add(vocab, VOCAB_LABEL, word, strlen(word)), (int)id);
	}
	for (unsigned id = 0; id < 200; id++) {
		struct filter labels = {0}, links = {0};

		cr_assert_eq(filter_add_id(&labels, vocab, VOCAB_LABEL, id), 0);
		cr_assert_eq(filter_add_id(&links, vocab, VOCAB_LINK, id), 0);
		for (unsigned other = 0; other < 200; other++) {
			struct verdict verdict = {.label = other & 0xffffu, .link = other & 0xffu};

			cr_assert_eq(matches(&labels, "::1", verdict), id == other, "%u %u", id,
				     other);
			cr_assert_eq(matches(&links, "::1", verdict), id == other, "%u %u", id,
				     other);
		}
		filter_clear(&labels);
	}
}

/* The word for what is not known can be asked for like any other. */
Test(filter, unknown_is_a_word)
{
	struct filter classes = {0}, families = {0};

	add(&classes, "classes", "unknown");
	add(&families, "families", "unknown");
	cr_expect(matches(&classes, "::1", (struct verdict){0}));
	cr_expect_not(matches(&classes, "::1", (struct verdict){.class_id = LINUX}));
	cr_expect(matches(&families, "::1", (struct verdict){.class_id = WINDOWS}));
	cr_expect_not(matches(&families, "::1", (struct verdict){.class_id = LINUX}));
}

Test(filter, out_of_memory)
{
	struct filter filter = {0};

	alloc_fail_after(0);
	cr_expect_eq(filter_add_id(&filter, vocab, VOCAB_LABEL, 0), -ENOMEM);
	cr_expect(alloc_has_failed());
	cr_expect_not(filter.has_labels);
	cr_expect_eq(filter_add_id(&filter, vocab, VOCAB_LABEL, 0), 0);
	filter_clear(&filter);
}

Test(filter, interfaces)
{
	struct filter filter = {0};
	struct addr client = addr("192.0.2.1");

	filter_add_interface(&filter, 3);
	filter_add_interface(&filter, 15);
	for (unsigned number = 0; number < VOCAB_INTERFACES_MAX; number++) {
		struct verdict verdict = {.interface = number & 15};

		cr_expect_eq(filter_match(&filter, vocab, &client, &verdict),
			     number == 3 || number == 15, "interface %u", number);
	}
}

Test(filter, networks_that_are_left_out)
{
	struct filter filter = {.except_count = 2};
	const struct verdict verdict = {.class_id = LINUX};
	static const struct {
		const char *addr;
		bool is_met;
	} rows[] = {{"192.0.2.7", false},
		    {"192.0.3.7", true},
		    {"2001:db8:7::1", false},
		    {"2001:db8:8::1", true}};

	cr_assert_eq(addr_net_parse("192.0.2.0/24", &filter.except[0]), 0);
	cr_assert_eq(addr_net_parse("2001:db8:7::/48", &filter.except[1]), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr whose = addr(rows[i].addr);

		cr_expect_eq(filter_match(&filter, vocab, &whose, &verdict), rows[i].is_met, "%s",
			     rows[i].addr);
	}
}
