/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a packet: parsing stays within them, and a SYN's signature and report can always
 * be written and read back. At the end it says how many inputs were SYNs.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/report/report.h"
#include "core/sig/sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long counts[SYN_RESULT_COUNT];
static struct vocab *vocab;

static void print_counts(void)
{
	for (unsigned i = 0; i < SYN_RESULT_COUNT; i++)
		if (counts[i])
			printf("%s %lu ", syn_result_name((enum syn_result)i), counts[i]);
	printf("\n");
	vocab_free(vocab);
}

static void check_sig(const struct syn *syn)
{
	struct sig sig, again;
	char text[SIG_TEXT_MAX];
	struct text_buf buf;

	sig_from_syn(syn, &sig);
	text_buf_init(&buf, text, sizeof(text));
	sig_format(&sig, &buf);
	if (buf.overflow || sig_parse(buf.data, buf.len, NULL, &again) < 0 ||
	    !sig_equal(&sig, &again))
		abort();
}

static void check_report(const struct syn *syn)
{
	struct report report = {.now_ms = 1,
				.addr = syn->src,
				.port = syn->src_port,
				.syn = syn,
				.verdict.mss = syn->mss};
	char json[8192];
	struct text_buf buf;
	cJSON *object;

	text_buf_init(&buf, json, sizeof(json));
	text_put_char(&buf, '{');
	report_put_members(&report, vocab, &buf);
	text_put_char(&buf, '}');
	object = cJSON_ParseWithLength(buf.data, buf.len);
	if (buf.overflow || !cJSON_IsObject(object))
		abort();
	cJSON_Delete(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct syn syn;
	enum syn_result result = syn_parse(data, size, &syn);

	if (!vocab) {
		vocab = vocab_new();
		if (!vocab || atexit(print_counts) != 0)
			abort();
	}
	counts[result]++;
	if (result == SYN_OK) {
		if (syn_has_good_sum(data, size, &syn) && size < syn.total_len)
			abort();
		check_sig(&syn);
		check_report(&syn);
	}
	return 0;
}
