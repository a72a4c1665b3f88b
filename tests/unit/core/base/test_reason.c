/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "core/base/reason.h"

static bool is_code(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!islower((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

Test(reason, each_has_a_code_and_a_clause)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *name = reason_name((enum reason)i), *text = reason_text((enum reason)i);

		cr_assert(name && text, "reason %u has no words", i);
		cr_expect(is_code(name), "%s", name);
		cr_expect(strlen(text) > 5 && strchr(text, ' '), "%s", name);
		cr_expect_neq(text[strlen(text) - 1], '.', "%s", name);
		for (unsigned other = 0; other < i; other++) {
			cr_expect_str_neq(name, reason_name((enum reason)other));
			cr_expect_str_neq(text, reason_text((enum reason)other));
		}
	}
	cr_expect_null(reason_name(REASON_COUNT));
	cr_expect_null(reason_text(REASON_COUNT));
}

/* Codes are an interface: programs test them. */
Test(reason, codes_are_what_programs_know)
{
	static const struct {
		enum reason reason;
		const char *name;
	} cases[] = {{REASON_SIG_SPECIFIC, "sig_specific"},
		     {REASON_TTL_FAR, "ttl_far"},
		     {REASON_SEQ_IS_DST, "seq_is_dst"},
		     {REASON_UA_LIE, "ua_lie"},
		     {REASON_MSS_ABSENT, "mss_absent"},
		     {REASON_MTU_VPN, "mtu_vpn"},
		     {REASON_WIN_CLAMPED, "win_clamped"},
		     {REASON_LOCAL_CLAMP, "local_clamp"},
		     {REASON_BASELINE_RARE, "baseline_rare"},
		     {REASON_SEVERAL_STACKS, "several_stacks"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(reason_name(cases[i].reason), cases[i].name);
}

Test(reason, bits_are_apart)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < REASON_COUNT; i++) {
		cr_expect_eq(all & reason_bit((enum reason)i), 0);
		all |= reason_bit((enum reason)i);
	}
	cr_expect_eq(all, (UINT64_C(1) << REASON_COUNT) - 1);
}
