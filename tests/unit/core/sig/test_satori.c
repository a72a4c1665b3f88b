/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Satori's lists: each field of p0f v2's notation, what cannot be converted, and odd XML. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sig/satori.h"

#define TEN_NOPS "N,N,N,N,N,N,N,N,N,N"
#define FORTY_NOPS TEN_NOPS "," TEN_NOPS "," TEN_NOPS "," TEN_NOPS
#define TEN_NOP_WORDS "nop,nop,nop,nop,nop,nop,nop,nop,nop,nop"
#define FORTY_NOP_WORDS TEN_NOP_WORDS "," TEN_NOP_WORDS "," TEN_NOP_WORDS "," TEN_NOP_WORDS

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
	{"65535:255:1:65535:M65535,W255:Z", SATORI_OK, "4:255:0:65535:65535,255:mss,ws:df,exws:0"},
	{"%2:1:0:*:M*:.", SATORI_OK, "4:1:0:*:%2,0:mss::0"},
	{"%65535:1:0:*:M*:.", SATORI_OK, "4:1:0:*:%65535,0:mss::0"},
	{"S1:1:0:*:M*:.", SATORI_OK, "4:1:0:*:mss*1,0:mss::0"},
	{"S1000:1:0:*:M*:.", SATORI_OK, "4:1:0:*:mss*1000,0:mss::0"},
	{"T1:1:0:*:M*:.", SATORI_OK, "4:1:0:*:mtu*1,0:mss::0"},
	{"0:1:0:*:M*:.", SATORI_OK, "4:1:0:*:0,0:mss::0"},
	{"1:64:1:48:M9,W14:Z", SATORI_OK, "4:64:0:9:1,14:mss,ws:df:0"},
	{"1:64:1:45:M9,E:Z", SATORI_OK, "4:64:0:9:1,0:mss,eol+0:df:0"},
	{"1:64:1:48:M9,E:Z", SATORI_OK, "4:64:0:9:1,0:mss,eol+3:df:0"},
	{"1:64:1:49:M9,E:Z", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M9,E:Z", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M65536:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M9,W256:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M9,T1:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M9,N0:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:M9,,N:.", SATORI_OPTIONS, NULL},
	{"1:64:1:44:" FORTY_NOPS ":.", SATORI_OK, "4:64:0:0:1,0:" FORTY_NOP_WORDS ":df,id+:0"},
	{"1:64:1:44:" FORTY_NOPS ",N:.", SATORI_OPTIONS, NULL},
	{"000001:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{":64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"5/:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"5;:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"%65536:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"S0:64:1:44:M9:.", SATORI_WINDOW, NULL},
	{"1:256:1:44:M9:.", SATORI_BAD_FIELD, NULL},
	{"1:64:1:65536:M9:.", SATORI_BAD_FIELD, NULL},
	{"1:64:1:44::.", SATORI_BAD_FIELD, NULL},
	{"1:64:1:44:M9:", SATORI_BAD_FIELD, NULL},
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

#define TEST "<test tcpsig='1:64:1:44:M9:.'/>"

/* How a name is read, and which tags are seen; NULL: no test is found. */
Test(satori, names_and_tags)
{
	static const struct {
		const char *xml, *name;
	} cases[] = {
		{"<fingerprint name='A'>" TEST, "A"},
		{"<fingerprint\tname='A'>" TEST, "A"},
		{"<fingerprint\r\nname=\"A'\">" TEST, "A'"},
		{"<fingerprint name=''>" TEST, ""},
		{"<fingerprint name='A>" TEST, ""},
		{"<fingerprint xname='no' name='A'>" TEST, "A"},
		{"<fingerprint name ='no' name='A'>" TEST, "A"},
		{"<fingerprint name=no name='A'>" TEST, "A"},
		{"<fingerprints name='no'>" TEST, ""},
		{"<fingerprint name='A'/>" TEST, "A"},
		{"<fingerprint name='A'></fingerprint>" TEST, ""},
		{"<fingerprint name='a&lt;b&gt;&quot;&apos;&amp;&amp;x&'>" TEST, "a<b>\"'&&x&"},
		{"<fingerprint name='a\tb\x1f c\x20'>" TEST, "a b  c "},
		{"<fingerprint name='\xc3\xa9'>" TEST, "\xc3\xa9"},
		{"<?fingerprint name='no'?>" TEST, ""},
		{"<!fingerprint name='no'>" TEST, ""},
		{"<!---->" TEST, ""},
		{"<!-- > --><fingerprint name='A'>" TEST, "A"},
		{"<!--><fingerprint name='A'>--><fingerprint name='B'>" TEST, "B"},
		{"<!---><fingerprint name='A'>--><fingerprint name='B'>" TEST, "B"},
		{"<!-- never ends " TEST, NULL},
		{"no tag at all", NULL},
		{"<tests tcpsig='1:64:1:44:M9:.'/>", NULL},
		{"<test/>", NULL},
		{"<test tcpsig=''/>", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct satori_reader reader = {.text = cases[i].xml, .len = strlen(cases[i].xml)};
		struct satori_test test;

		cr_assert_eq(satori_next(&reader, &test), cases[i].name != NULL, "%s",
			     cases[i].xml);
		if (!cases[i].name)
			continue;
		cr_expect_str_eq(test.name, cases[i].name, "%s", cases[i].xml);
		cr_expect_eq(test.result, *cases[i].name ? SATORI_OK : SATORI_NO_NAME, "%s",
			     cases[i].xml);
		cr_expect_not(satori_next(&reader, &test), "%s", cases[i].xml);
	}
}

Test(satori, a_long_name_is_cut)
{
	char xml[400];
	struct satori_test test;

	for (size_t len = SATORI_NAME_MAX - 2; len < SATORI_NAME_MAX + 2; len++) {
		struct satori_reader reader = {.text = xml};

		reader.len = (size_t)snprintf(xml, sizeof(xml), "<fingerprint name='%0*d'>" TEST,
					      (int)len, 7);
		cr_assert(satori_next(&reader, &test));
		cr_expect_eq(strlen(test.name), len < SATORI_NAME_MAX ? len : SATORI_NAME_MAX - 1);
	}
}

Test(satori, results_have_texts)
{
	for (unsigned i = 0; i < SATORI_RESULT_COUNT; i++)
		for (unsigned k = 0; k <= i; k++)
			cr_expect_eq(strcmp(satori_result_text((enum satori_result)i),
					    satori_result_text((enum satori_result)k)) == 0,
				     i == k);
	cr_expect_str_eq(satori_result_text(SATORI_RESULT_COUNT), "");
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
