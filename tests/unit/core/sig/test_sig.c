/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures as text: every form p0f documents, every way to refuse one, and back again. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "core/sig/sig.h"

static const char *format(const struct sig *sig)
{
	static char text[SIG_TEXT_MAX];
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	sig_format(sig, &buf);
	cr_expect_not(buf.overflow);
	return text;
}

static int parse(const char *text, struct text_error *error, struct sig *sig)
{
	return sig_parse(text, strlen(text), error, sig);
}

Test(sig, reads_and_writes)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"*:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0", NULL},
		{"4:54+10:0:1460:64240,7:mss:df:0", "4:64:0:1460:64240,7:mss:df:0"},
		{"6:64-:0:1440:mtu*4,*:mss,eol+0:flow:+", NULL},
		{"*:255:40:0:%8192,0::0+:*", NULL},
		{"*:1:0:*:*,*:::0", NULL},
		{"4:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+,ecn:0", NULL},
		{"4:64:0:65535:65535,14:nop,?77,sack,ws,eol+18:seq-,ack+,uptr+,urgf+,pushf+:0",
		 NULL},
		{"*:64:0:536:0,255:ts:ts1-,ts2+,opt+,exws,bad:0", NULL},
		{"4:255-:*:*:*,*:*:*:*", NULL},
		{"*:64:0:*:mss*max,7:mss:df:0", NULL},
		{" * : 64 : 0 : * : mss*4 , 6 : mss , sok : df , id+ : 0 ",
		 "*:64:0:*:mss*4,6:mss,sok:df,id+:0"},
		{"\t*\t:64:0:*:mss*4\t,\t6:mss:df\t:0\t", "*:64:0:*:mss*4,6:mss:df:0"},
		{"4:1+254:0:*:mss*1000,0:mss:df:0", "4:255:0:*:mss*1000,0:mss:df:0"},
		{"4:64+0:0:*:%2,0:?255,eol+39:df:0", "4:64:0:*:%2,0:?255,eol+39:df:0"},
		{"4:64:255:*:mtu*1,0:mss:df:0", NULL},
		{"4:64:0:1460:1024,0:?2,?1:df,df:0", "4:64:0:1460:1024,0:mss,nop:df:0"},
	};
	struct text_error error;
	struct sig sig, again;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *want = cases[i].canonical ? cases[i].canonical : cases[i].text;

		cr_assert_eq(parse(cases[i].text, &error, &sig), 0, "%s: %u %s", cases[i].text,
			     error.column, error.what);
		cr_expect_str_eq(format(&sig), want);
		cr_assert_eq(parse(want, NULL, &again), 0);
		cr_expect(sig_equal(&sig, &again), "%s", want);
	}
}

Test(sig, refuses)
{
	static const struct {
		const char *text;
		unsigned column;
		const char *what;
	} cases[] = {
		{"", 1, "IP version"},
		{"5:64:0:*:*,*:mss:df:0", 1, "IP version"},
		{"4:0:0:*:*,*:mss:df:0", 3, "TTL is not in 1 to 255"},
		{"4:256:0:*:*,*:mss:df:0", 3, "TTL is not in 1 to 255"},
		{"4:200+56:0:*:*,*:mss:df:0", 3, "more than 255 together"},
		{"4:64+:0:*:*,*:mss:df:0", 6, "distance is missing"},
		{"4:1+255:0:*:*,*:mss:df:0", 5, "distance is not in 0 to 254"},
		{"4:-:0:*:*,*:mss:df:0", 3, "TTL is missing"},
		{"4:64:0:*:mtu*1001,0:mss:df:0", 14, "window is not in 1 to 1000"},
		{"4:64:0:*:%65536,0:mss:df:0", 11, "window is not in 2 to 65535"},
		{"4:64:0:*:1,0:a_name_of_more_than_thirty-two_letters:df:0", 14,
		 "no option is called 'a_name_of_more_than_thirty-two_l'"},
		{"4:64:0:*:1,0:mss:a_name_of_more_than_thirty-two_letters:0", 18,
		 "no quirk is called 'a_name_of_more_than_thirty-two_l'"},
		{"4:6x:0:*:*,*:mss:df:0", 4, "TTL is no number"},
		{"4::0:*:*,*:mss:df:0", 3, "TTL is missing"},
		{"4:64:256:*:*,*:mss:df:0", 6, "length of IP options"},
		{"4:64:0:65536:*,*:mss:df:0", 8, "MSS is not in 0 to 65535"},
		{"4:64:0:99999999999999999999:*,*:mss:df:0", 8, "MSS is not in"},
		{"4:64:0:*:65536,*:mss:df:0", 10, "window is not in 0 to 65535"},
		{"4:64:0:*:64240:mss:df:0", 10, "size,scale"},
		{"4:64:0:*:%1,0:mss:df:0", 11, "window is not in 2 to"},
		{"4:64:0:*:mss*0,0:mss:df:0", 14, "window is not in 1 to 1000"},
		{"4:64:0:*:mss*1001,0:mss:df:0", 14, "window is not in 1 to 1000"},
		{"4:64:0:*:mss*,0:mss:df:0", 10, "no number"},
		{"4:64:0:*:1,256:mss:df:0", 12, "scale is not in 0 to 255"},
		{"4:64:0:*:1,0:mss,,ws:df:0", 18, "no option is called ''"},
		{"4:64:0:*:1,0:maximum:df:0", 14, "no option is called 'maximum'"},
		{"4:64:0:*:1,0:eol+1,mss:df:0", 14, "not the last"},
		{"4:64:0:*:1,0:eol+40:df:0", 18, "padding is not in 0 to 39"},
		{"4:64:0:*:1,0:?256:df:0", 15, "option kind is not in 1 to 255"},
		{"4:64:0:*:1,0:?0:df:0", 15, "option kind is not in 1 to 255"},
		{"4:64:0:*:1,0:mss:dont:0", 18, "no quirk is called 'dont'"},
		{"6:64:0:*:1,0:mss:df:0", 18, "IPv6 has no quirk 'df'"},
		{"4:64:0:*:1,0:mss:flow:0", 18, "IPv4 has no quirk 'flow'"},
		{"4:64:0:*:1,0:mss:df:2", 21, "payload"},
		{"4:64:0:*:1,0:mss:df", 20, "fewer than eight"},
		{"4:64:0:*:1,0:mss:df:0:0", 22, "more than eight"},
	};
	struct sig sig = {.initial_ttl = 77}, untouched = sig;
	struct text_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error = (struct text_error){0};
		cr_expect_eq(parse(cases[i].text, &error, &sig), -EINVAL, "%s", cases[i].text);
		cr_expect_eq(error.line, 1, "%s", cases[i].text);
		cr_expect_eq(error.column, cases[i].column, "%s: column %u, %s", cases[i].text,
			     error.column, error.what);
		cr_expect_not_null(strstr(error.what, cases[i].what), "%s: %s", cases[i].text,
				   error.what);
	}
	cr_expect_eq(memcmp(&sig, &untouched, sizeof(sig)), 0);
}

Test(sig, refuses_too_many_options)
{
	char text[300] = "4:64:0:*:1,0:nop";
	struct text_error error = {0};
	struct sig sig;

	for (unsigned i = 1; i < SYN_OPTS_MAX; i++)
		strcat(text, ",nop");
	strcat(text, ":df:0");
	cr_expect_eq(parse(text, NULL, &sig), 0);
	text[strlen(text) - strlen(":df:0")] = '\0';
	strcat(text, ",nop:df:0");
	cr_expect_eq(parse(text, &error, &sig), -EINVAL);
	cr_expect_eq(error.line, 1);
	cr_expect_eq(error.column, 14 + 4 * SYN_OPTS_MAX);
}

static unsigned random_below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

static struct sig random_sig(void)
{
	struct sig sig = {
		.ip_version = (uint8_t)(2 * random_below(4)),
		.initial_ttl = (uint8_t)(1 + random_below(255)),
		.bad_ttl = random_below(2),
		.win_kind = (enum sig_win_kind)random_below(SIG_WIN_MSS_MAX + 1),
		.ip_opt_len = random_below(3) ? random_below(256) : SIG_ANY,
		.mss = random_below(3) ? random_below(65536) : SIG_ANY,
		.wscale = random_below(3) ? random_below(256) : SIG_ANY,
		.quirks = random_below(9) ? random_below(1u << QUIRK_COUNT) : SIG_ANY,
		.payload = (uint8_t)random_below(3),
		.opt_any = random_below(9) == 0,
	};

	if (sig.ip_version == 2)
		sig.ip_version = 0;
	if (sig.win_kind != SIG_WIN_ANY && sig.win_kind != SIG_WIN_MSS_MAX)
		sig.win = (uint16_t)(2 + random_below(999));
	if (sig.quirks != SIG_ANY && sig.ip_version)
		sig.quirks = sig_quirks_seen(sig.quirks, sig.ip_version);
	sig.opt_count = sig.opt_any ? 0 : (uint8_t)random_below(SYN_OPTS_MAX + 1);
	for (unsigned i = 0; i < sig.opt_count; i++)
		sig.opt_kinds[i] = (uint8_t)(1 + random_below(255));
	if (sig.opt_count && random_below(2)) {
		sig.opt_kinds[sig.opt_count - 1] = SYN_OPT_EOL;
		sig.opt_eol_pad = (uint8_t)random_below(SYN_OPTS_MAX);
	}
	return sig;
}

Test(sig, parse_of_format_is_the_same)
{
	struct text_error error = {0};
	struct sig sig, again;

	srand(20231);
	for (unsigned i = 0; i < 20000; i++) {
		sig = random_sig();
		cr_assert_eq(parse(format(&sig), &error, &again), 0, "%s: %u %s", format(&sig),
			     error.column, error.what);
		cr_assert(sig_equal(&sig, &again), "%s", format(&sig));
	}
}

Test(sig, differ_in_each_field)
{
	const char *base = "4:64:0:1460:64240,7:mss,sok:df:0";
	static const char *const others[] = {
		"*:64:0:1460:64240,7:mss,sok:df:0",  "4:65:0:1460:64240,7:mss,sok:df:0",
		"4:64-:0:1460:64240,7:mss,sok:df:0", "4:64:4:1460:64240,7:mss,sok:df:0",
		"4:64:0:1459:64240,7:mss,sok:df:0",  "4:64:0:1460:64241,7:mss,sok:df:0",
		"4:64:0:1460:%64240,7:mss,sok:df:0", "4:64:0:1460:64240,8:mss,sok:df:0",
		"4:64:0:1460:64240,7:mss,nop:df:0",  "4:64:0:1460:64240,7:mss,sok,nop:df:0",
		"4:64:0:1460:64240,7:*:df:0",        "4:64:0:1460:64240,7:mss,sok:df,id+:0",
		"4:64:0:1460:64240,7:mss,sok:df:+",  "4:64:0:1460:64240,7:mss,eol+1:df:0",
	};
	struct sig sig, other;

	cr_assert_eq(parse(base, NULL, &sig), 0);
	cr_expect(sig_equal(&sig, &sig));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cr_assert_eq(parse(others[i], NULL, &other), 0, "%s", others[i]);
		cr_expect_not(sig_equal(&sig, &other), "%s", others[i]);
	}
}

/* As p0f 3.09b writes them; checked against its -o log on the same packets. */
Test(sig, raw_signatures)
{
	static const struct {
		const char *options;
		uint16_t win;
		uint8_t ttl;
		const char *expected;
	} cases[] = {
		{"020405b4 0402 080a 0000000a 00000000 01 030307", 64240, 54,
		 "4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df:0"},
		{"02040550 0402 080a 0000000a 00000000 01 030307", 64240, 64,
		 "4:64:0:1360:mss*44,7:mss,sok,ts,nop,ws:df:0"},
		{"020405b4 01 030308 01 01 0402", 8192, 110,
		 "4:128:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df:0"},
		{"020405b4 01 030306 01 01 080a 0000000a 00000000 0402 0000", 65535, 64,
		 "4:64:0:1460:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0"},
		{"02040578 0402 080a 0000000a 00000000 01 030307", 13880, 64,
		 "4:64:0:1400:mss*10,7:mss,sok,ts,nop,ws:df:0"},
		{"02040578 0402 01 01", 13880, 64, "4:64:0:1400:13880,0:mss,sok,nop,nop:df:0"},
		{"020405b4", 3000, 20, "4:32:0:1460:mtu*2,0:mss:df:0"},
		{"02040400", 2048, 255, "4:255:0:1024:mss*2,0:mss:df:0"},
		{"", 65535, 129, "4:255:0:0:65535,0::df:0"},
		{"0204ffff 01 030307", 65535, 64, "4:64:0:65535:mss*1,7:mss,nop,ws:df:0"},
	};
	struct sig sig, again;
	struct syn syn;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet packet = packet_v4("", cases[i].options, "");

		packet.bytes[8] = cases[i].ttl;
		packet_set16(&packet, packet.tcp_at + 14, cases[i].win);
		cr_assert_eq(syn_parse(packet.bytes, packet.len, &syn), SYN_OK);
		sig_from_syn(&syn, &sig);
		cr_expect_str_eq(format(&sig), cases[i].expected);
		cr_assert_eq(parse(format(&sig), NULL, &again), 0);
		cr_expect(sig_equal(&sig, &again));
	}
}

/* What p0f divides the window by, in its order; a divisor that is no possible one is left out. */
Test(sig, window_factors)
{
	static const struct {
		const char *name;
		uint8_t version;
		uint16_t win, mss;
		bool has_ts;
		int kind; /* -1: no multiple */
		unsigned factor;
	} cases[] = {
		{"own MSS", 4, 1400 * 7, 1400, false, SIG_WIN_MSS, 7},
		{"own MSS less timestamps", 4, 1388 * 7, 1400, true, SIG_WIN_MSS, 7},
		{"which were not sent", 4, 1388 * 7, 1400, false, -1, 0},
		{"Ethernet's MSS", 4, 1460 * 7, 1400, false, SIG_WIN_MSS, 7},
		{"Ethernet's less timestamps", 4, 1448 * 7, 1400, false, SIG_WIN_MSS, 7},
		{"Ethernet's of IPv6", 6, 1440 * 7, 1300, false, SIG_WIN_MSS, 7},
		{"not of IPv4", 4, 1440 * 7, 1300, false, -1, 0},
		{"that less timestamps", 6, 1428 * 7, 1300, false, SIG_WIN_MSS, 7},
		{"neither of IPv4", 4, 1428 * 7, 1300, false, -1, 0},
		{"own MTU", 4, 1340 * 3, 1300, false, SIG_WIN_MTU, 3},
		{"own MTU of IPv6", 6, 1360 * 3, 1300, false, SIG_WIN_MTU, 3},
		{"with IPv4's headers, as p0f", 6, 1340 * 3, 1300, false, SIG_WIN_MTU, 3},
		{"Ethernet's MTU", 4, 1500 * 3, 1300, false, SIG_WIN_MTU, 3},
		{"the least MSS", 4, 700, 100, false, SIG_WIN_MSS, 7},
		{"below it", 4, 693, 99, false, -1, 0},
		{"no window", 4, 0, 1400, false, -1, 0},
		{"no multiple", 4, 9999, 1400, true, -1, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = {.ip_version = cases[i].version,
				  .ip_header_len = cases[i].version == 4 ? 20 : 40,
				  .tcp_header_len = 20,
				  .win = cases[i].win,
				  .mss = cases[i].mss,
				  .ts_val = cases[i].has_ts};
		enum sig_win_kind kind = SIG_WIN_ANY;

		cr_expect_eq(sig_win_factor(&syn, &kind), cases[i].factor, "%s", cases[i].name);
		cr_expect_eq(kind, cases[i].kind < 0 ? SIG_WIN_ANY : cases[i].kind, "%s",
			     cases[i].name);
	}
}

/* With options the headers are longer, and so is the MTU that p0f means. */
Test(sig, window_of_the_whole_packet)
{
	struct syn syn = {.ip_version = 4, .ip_header_len = 24, .tcp_header_len = 32, .mss = 1300};
	enum sig_win_kind kind = SIG_WIN_ANY;

	syn.win = 3 * (1300 + 24 + 32);
	cr_expect_eq(sig_win_factor(&syn, &kind), 3);
	cr_expect_eq(kind, SIG_WIN_MTU);
}

/* Two that differ in one member only, which no text can say. */
Test(sig, equal_looks_at_each_member)
{
	struct sig base, other;

	cr_assert_eq(parse("4:64:0:*:*,7:mss,eol+1:df:0", NULL, &base), 0);
	other = base;
	other.win = 1;
	cr_expect_not(sig_equal(&base, &other));
	other = base;
	other.opt_eol_pad = 2;
	cr_expect_not(sig_equal(&base, &other));
	other = base;
	other.opt_count--;
	cr_expect_not(sig_equal(&base, &other));
	other = base;
	other.opt_any = true;
	cr_expect_not(sig_equal(&base, &other));
	other = base;
	other.opt_kinds[other.opt_count] = SYN_OPT_NOP; /* behind the last one */
	cr_expect(sig_equal(&base, &other));
}

Test(sig, initial_ttls)
{
	static const struct {
		uint8_t seen, initial;
	} cases[] = {{0, 32},   {1, 32},    {32, 32},   {33, 64},  {64, 64},
		     {65, 128}, {128, 128}, {129, 255}, {255, 255}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(sig_initial_ttl(cases[i].seen), cases[i].initial);
}
