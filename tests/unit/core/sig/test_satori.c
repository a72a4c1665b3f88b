/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satori's lists: each field of p0f v2's notation, what cannot be converted, and odd XML. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/sig/satori.h"

static const struct {
	const char *text;
	enum satori_result result;
	const char *sig;
} sigs[] = {
	{"5840:64:1:60:M1460,S,T,N,W7:.", SATORI_OK,
	 "4:64:0:1460:5840,7:mss,sok,ts,nop,ws:df,id+:0"},
	{"5840:64:1:60:M1460,S,T,N,W7:Z", SATORI_OK, "4:64:0:1460:5840,7:mss,sok,ts,nop,ws:df:0"},
	{"*:255:0:40:.:Z", SATORI_OK, "4:255:0:0:*,0::id-:0"},
	{"*:255:0:40:.:.", SATORI_OK, "4:255:0:0:*,0:::0"},
	{"S4:64:1:60:M*,S,T0,N,W*:Z", SATORI_OK, "4:64:0:*:mss*4,*:mss,sok,ts,nop,ws:df,ts1-:0"},
	{"T2:64:1:44:M*:Z", SATORI_OK, "4:64:0:*:mtu*2,0:mss:df:0"},
	{"%8192:64:1:44:M*:Z", SATORI_OK, "4:64:0:*:%8192,0:mss:df:0"},
	{"1:64:1:64:M*,N,W3,N,N,T,S,E:PZ", SATORI_OK,
	 "4:64:0:*:1,3:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0"},
	{"1:64:1:44:M9:ZUATD!", SATORI_OK, "4:64:0:9:1,0:mss:df,ack+,uptr+,ts2+,bad:+"},
	{"1:64:1:44:M9:ZI", SATORI_OK, "4:64:*:9:1,0:mss:df:0"},
	{"1:64:1:44:M9,W15:Z", SATORI_OK, "4:64:0:9:1,15:mss,ws:df,exws:0"},
	{"1:64:1:44:M9:F", SATORI_QUIRKS, NULL},
	{"1:64:1:44:M9:X", SATORI_QUIRKS, NULL},
	{"1:64:1:44:M%9:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:?12:.", SATORI_OPTIONS, NULL},
	{"1:64:1:*:M9,E:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M9,E,N:.", SATORI_OPTIONS, NULL},
	{"S:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"65536:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"T1001:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"%1:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"1:0:1:44:M9:.", SATORI_BAD_FIELD, NULL},
	{"1:64:2:44:M9:.", SATORI_BAD_FIELD, NULL},
	{"1:64:1:44", SATORI_BAD_FIELD, NULL},
	{"", SATORI_BAD_FIELD, NULL},
};

Test(satori, signatures)
{
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		struct sig sig = {0};
		char text[SIG_TEXT_MAX];
		struct text_buf buf;

		cr_assert_eq(satori_parse_sig(sigs[i].text, strlen(sigs[i].text), &sig),
			     sigs[i].result, "%s", sigs[i].text);
		if (!sigs[i].sig)
			continue;
		text_buf_init(&buf, text, sizeof(text));
		sig_format(&sig, &buf);
		cr_expect_str_eq(text, sigs[i].sig, "%s: %s", sigs[i].text, text);
	}
}

static const char list[] =
	"<?xml version='1.0'?>\n<!-- <fingerprint name=\"no\"><test tcpsig=\"1:1:1:1:.:.\"/> -->"
	"<test tcpflag=\"S\" tcpsig=\"1:64:1:44:M9:.\"/>"
	"<fingerprint os=\"x\" name=\"A &amp; B: 1\">\n <tests>"
	"<test weight=\"5\" tcpflag=\"S\" tcpsig=\"1:64:1:44:M9:.\"/>"
	"<test flag='SA' tcpsig='1:64:1:44:M9:.'/><test icmp=\"1\"/></tests></fingerprint>"
	"<fingerprint\n name='C'><test\n tcpsig='bad'\n/></fingerprint><test tcpsig=";

Test(satori, a_list_with_names_comments_and_a_torn_end)
{
	static const struct {
		enum satori_result result;
		const char *name;
	} expected[] = {{SATORI_NO_NAME, ""},
			{SATORI_OK, "A & B  1"},
			{SATORI_NOT_SYN, "A & B  1"},
			{SATORI_BAD_FIELD, "C"}};
	struct satori_reader reader = {.text = list, .len = strlen(list)};
	struct satori_test test;

	for (unsigned i = 0; i < 4; i++) {
		cr_assert(satori_next(&reader, &test), "%u", i);
		cr_assert_eq(test.result, expected[i].result, "%u: %d", i, test.result);
		cr_assert_str_eq(test.name, expected[i].name);
	}
	cr_assert_not(satori_next(&reader, &test));
	cr_assert_not(satori_next(&reader, &test));
}

/* Under the sanitizers: nothing beyond the end is read, wherever it is. */
Test(satori, any_prefix_ends)
{
	for (size_t len = 0; len <= strlen(list); len++) {
		char *copy = malloc(len + 1);
		struct satori_reader reader = {.text = copy, .len = len};
		struct satori_test test;
		unsigned count = 0;

		cr_assert_not_null(copy);
		memcpy(copy, list, len);
		while (satori_next(&reader, &test))
			count++;
		cr_assert_leq(count, 4);
		free(copy);
	}
}
