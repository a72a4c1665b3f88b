/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "cli/judged.h"

static struct text_buf written(char *data, size_t size)
{
	struct text_buf buf;

	text_buf_init(&buf, data, size);
	return buf;
}

/* Each field that the text shows, changed alone, and then as it was before. */
Test(judged, a_kept_text_is_that_of_the_same_report)
{
	struct vocab *vocab = vocab_new();
	struct judged *judged = judged_new(report_put_judged);
	struct syn syn = {.ip_version = 4, .ttl = 60, .win = 64240, .mss = 1460, .has_mss = true};
	struct match match = {.kind = MATCH_SPECIFIC, .class_prob = {0.25f, 0.75f}};
	struct link link = {.mss = 1460, .mtu = 1500};
	struct report report = {.syn = &syn, .match = &match, .link = &link};

	for (unsigned i = 0; i < 256; i++) {
		char expected[2048], data[2048];
		struct text_buf want = written(expected, sizeof(expected));
		struct text_buf got = written(data, sizeof(data));

		report.verdict.flags = i & 1;
		report.verdict.confidence_permille = i & 2 ? 900 : 400;
		match.class_prob[1] = i & 4 ? 0.75f : 0.5f;
		match.kind = i & 8 ? MATCH_SPECIFIC : MATCH_NONE;
		link.mtu = i & 16 ? 1500 : 1420;
		syn.win = i & 32 ? 64240 : 65535;
		syn.opt_count = i & 64 ? 1 : 0;
		report_put_judged(&report, vocab, &want);
		judged_put(judged, &report, vocab, &got);
		cr_assert_str_eq(data, expected, "change %u", i);
		judged_put(judged, &report, vocab, &got);
		cr_assert_eq(got.len, 2 * want.len);
		cr_assert_str_eq(data + want.len, expected, "change %u, kept", i);
	}
	judged_free(judged);
	vocab_free(vocab);
}
