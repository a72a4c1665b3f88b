/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line for eyes, or an object for --json; and the status that all checks look at. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "cli/flow.h"
#include "cli/screen.h"
#include "cli/selftest/selftest.h"

#define INDENT 9 /* behind the outcome */

void selftest_sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* On a terminal the text is broken between its words. */
static void put_line(const char *outcome, const char *what, const char *text)
{
	unsigned columns = screen_columns();
	char data[2048], head[32];
	struct text_buf out;
	struct flow flow;

	text_buf_init(&out, data, sizeof(data));
	snprintf(head, sizeof(head), "%-8s %-14s", outcome, what);
	flow_begin(&flow, &out, columns ? columns - 1 : 0, INDENT);
	flow_put(&flow, head, "");
	flow_put_words(&flow, text);
	flow_end(&flow);
	fputs(data, stdout);
	fflush(stdout);
}

void selftest_tell(struct selftest *test, enum outcome outcome, const char *what, const char *fmt,
		   ...)
{
	static const char *const names[] = {"ok", "FAILED", "skipped"};
	char text[512];
	cJSON *result;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	test->has_failed |= outcome == OUTCOME_FAILED;
	if (!test->cli->json) {
		put_line(names[outcome], what, text);
		return;
	}
	result = cJSON_CreateObject();
	cJSON_AddStringToObject(result, "check", what);
	cJSON_AddStringToObject(result, "result", names[outcome]);
	cJSON_AddStringToObject(result, "text", text);
	cJSON_AddItemToArray(test->results, result);
}

/* The daemon's status anew; false where it does not answer. */
bool selftest_read_status(struct selftest *test)
{
	const char *line;

	cJSON_Delete(test->status);
	test->status = NULL;
	if (synprint_request(test->ask.synprint, "{\"op\":\"status\"}", &line) == 0)
		test->status = cJSON_Parse(line);
	return test->status != NULL;
}
