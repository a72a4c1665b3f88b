/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates, which are made by hand; the rest is in tests/golden/test_outputs.py. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "core/report/report_ecs.h"

/* A whole era of the calendar is over then; a libc with 32 bits for it counts to 2038. */
#define DAYS (sizeof(time_t) == 4 ? 24855 : 158000)

Test(report_ecs, tags)
{
	struct vocab *vocab = vocab_new();
	struct syn syn = {.ip_version = 4, .tcp_flags = SYN_TCP_SYN};
	struct report report = {.syn = &syn, .verdict.flags = VERDICT_VPN | VERDICT_SCANNER};
	char data[8192];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	report_ecs(&report, vocab, &buf);
	cr_expect_not_null(strstr(data, ",\"tags\":[\"vpn\",\"scanner\"]"), "%s", data);
	vocab_free(vocab);
}

/* Each day has another time of the day. */
Test(report_ecs, every_day_has_its_date)
{
	struct vocab *vocab = vocab_new();
	struct syn syn = {.ip_version = 4, .tcp_flags = SYN_TCP_SYN};
	struct report report = {.syn = &syn};
	char data[8192], expected[64];

	for (time_t day = 0; day < DAYS; day++) {
		time_t now_s = day * 86400 + day * 37 % 86400;
		struct text_buf buf;
		struct tm tm;

		gmtime_r(&now_s, &tm);
		strftime(expected, sizeof(expected), "{\"@timestamp\":\"%Y-%m-%dT%H:%M:%S.007Z\"",
			 &tm);
		report.now_ms = (uint64_t)now_s * 1000 + 7;
		text_buf_init(&buf, data, sizeof(data));
		report_ecs(&report, vocab, &buf);
		cr_assert_eq(strncmp(data, expected, strlen(expected)), 0, "%s: %.60s", expected,
			     data);
	}
	vocab_free(vocab);
}
