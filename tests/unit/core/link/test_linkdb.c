/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The link table's text: every way to refuse it, its arithmetic, and the shipped file. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "core/link/link.h"

#define BASES "[base]\nbase = 1500 Ethernet\nbase = 1492 PPPoE\n"
#define MTU BASES "[mtu]\nlabel = A\nkind = vpn\nsource = s\n"
#define ENCAP BASES "[encap]\nlabel = A\nkind = vpn\nsource = s\nover = 1500 1492\n"
#define LONG_50 "12345678901234567890123456789012345678901234567890"

static struct vocab *vocab;
static struct linkdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = linkdb_new(vocab);
	cr_assert_not_null(db);
}

static void teardown(void)
{
	linkdb_free(db);
	vocab_free(vocab);
}

static int load(const char *text)
{
	struct text_error err = {0};
	int r = linkdb_load(db, text, strlen(text), &err);

	cr_expect_eq(r, 0, "%u:%u: %s", err.line, err.column, err.what);
	return r;
}

Test(linkdb, refuses)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *what;
	} cases[] = {
		{"nonsense\n", 1, 1, "neither a section"},
		{"\n; comment\n  [base\n", 3, 3, "no such section"},
		{"[sigs]\n", 1, 1, "no such section"},
		{"colour = red\n", 1, 1, "no such key"},
		{"\001\n", 1, 1, "a control character"},
		{"; seen\n ;\001\n", 2, 3, "a control character"},
		{"base = 1500 Ethernet\n", 1, 1, "does not belong"},
		{"[base]\nmtu = 1500\n", 2, 1, "does not belong"},
		{"[base]\nbase = Ethernet\n", 2, 8, "not a number"},
		{"[base]\nbase =\n", 2, 7, "a number is missing"},
		{"[base]\nbase = 1500\n", 2, 12, "needs a name"},
		{"[base]\nbase = 67 tiny\n", 2, 8, "too small"},
		{"[base]\nbase = 65536 huge\n", 2, 8, "too large"},
		{"[base]\nbase = 99999999999999999999 huge\n", 2, 8, "too large"},
		{BASES "base = 1492 again\n", 4, 8, "already"},
		{BASES "base = 1500 again\n", 4, 8, "already"},
		{"[mtu]\nkind = vpn\n", 2, 1, "no label"},
		{"[mtu]\nlabel =\n", 2, 8, "1 to 63"},
		{"[mtu]\nlabel = " LONG_50 LONG_50 "\n", 2, 9, "1 to 63"},
		{"[mtu]\nlabel = A\nlabel = B\n", 2, 1, "nothing follows"},
		{"[mtu]\nlabel = A\n", 2, 1, "nothing follows"},
		{"[mtu]\nlabel = A\n[encap]\n", 2, 1, "nothing follows"},
		{"[mtu]\nlabel = A\nkind = unknown\n", 3, 8, "no such kind"},
		{"[mtu]\nlabel = A\nsource =\n", 3, 9, "1 to 300"},
		{"[mtu]\nlabel = A\nsource = s" LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50
		 "\n",
		 3, 10, "1 to 300"},
		{"[mtu]\nlabel = A\nip = 5\n", 3, 6, "4 or 6"},
		{"[mtu]\nlabel = A\nsource = s\nmtu = 1500\n", 4, 7, "no kind"},
		{"[mtu]\nlabel = A\nkind = vpn\nmtu = 1500\n", 4, 7, "no source"},
		{MTU "mtu = 1500 x\n", 8, 12, "not a number"},
		{MTU "mtu = 65537\n", 8, 7, "too large"},
		{MTU "mtu =\n", 8, 6, "a number is missing"},
		{MTU "mtu = 1500\nlabel = B\nmtu = 1400\n", 10, 7, "no kind"},
		{MTU "shows = clamp\n", 8, 1, "does not belong"},
		{BASES "[encap]\nlabel = A\nkind = vpn\nsource = s\ncost = IPv4 20\n", 8, 8,
		 "no bases"},
		{BASES "[encap]\nlabel = A\nover = 1400\n", 6, 8, "not declared"},
		{BASES "[encap]\nlabel = A\nshows = maybe\n", 6, 9, "interface or clamp"},
		{ENCAP "cost = IPv4\n", 9, 8, "not a number"},
		{ENCAP "cost = 20\n", 9, 8, "a term is"},
		{ENCAP "cost = IPv4 20 + + UDP 8\n", 9, 18, "a number is missing"},
		{ENCAP "cost = IPv4 20 + " LONG_50 " 8\n", 9, 18, "a term is"},
		{ENCAP "cost = IPv4 1001\n", 9, 13, "too large"},
		{ENCAP "cost = block 0\n", 9, 14, "too small"},
		{ENCAP "cost = a 1+b 1+c 1+d 1+e 1+f 1+g 1+h 1+i 1+j 1+k 1+l 1+m 1\n", 9, 56,
		 "too many"},
		{"[base]\nbase = 1500 \a\n", 2, 13, "control"},
		{"[base]\n; " LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50
			 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50
				 LONG_50 LONG_50 LONG_50 "\n",
		 2, 1, "longer"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_error err = {0};

		setup();
		cr_expect_eq(linkdb_load(db, cases[i].text, strlen(cases[i].text), &err), -EINVAL,
			     "accepted: %s", cases[i].text);
		cr_expect(err.line == cases[i].line && err.column == cases[i].column,
			  "%u:%u instead of %u:%u: %s for %s", err.line, err.column, cases[i].line,
			  cases[i].column, err.what, cases[i].text);
		cr_expect_not_null(strstr(err.what, cases[i].what), "%s for %s", err.what,
				   cases[i].text);
		cr_expect_eq(linkdb_load(db, cases[i].text, strlen(cases[i].text), NULL), -EINVAL);
		teardown();
	}
}

Test(linkdb, a_line_has_1000_bytes_at_the_most, .init = setup, .fini = teardown)
{
	struct text_error err = {0};
	char line[1002];

	memset(line, ';', sizeof(line));
	cr_expect_eq(linkdb_load(db, line, 1000, &err), 0);
	cr_expect_eq(linkdb_load(db, line, 1001, &err), -EINVAL);
	cr_expect_str_eq(err.what, "the line is longer than 1000 bytes");
}

Test(linkdb, refuses_a_nul, .init = setup, .fini = teardown)
{
	static const char text[] = "[base]\nbase = 1500 Ether\0net\n";
	struct text_error err = {0};

	cr_expect_eq(linkdb_load(db, text, sizeof(text) - 1, &err), -EINVAL);
	cr_expect_eq(err.column, 18);
}

static void check_full(const char *text, size_t len, int expected, const char *what)
{
	struct text_error err = {0};

	setup();
	cr_expect_eq(linkdb_load(db, text, len, &err), expected);
	cr_expect_str_eq(err.what, what);
	teardown();
}

Test(linkdb, is_bounded)
{
	static char text[1 << 20];
	size_t len = (size_t)sprintf(text, MTU);

	for (unsigned i = 0; i < 4097; i++)
		len += (size_t)sprintf(text + len, "mtu = 1500\n");
	check_full(text, len, -EINVAL, "too many rows");
	len = (size_t)sprintf(text, "[base]\n");
	for (unsigned i = 0; i < 33; i++)
		len += (size_t)sprintf(text + len, "base = %u x\n", 1000 + i);
	check_full(text, len, -EINVAL, "too many bases");
	len = (size_t)sprintf(text, "[mtu]\n");
	for (unsigned i = 0; i < 300; i++)
		len += (size_t)sprintf(text + len,
				       "label = l%u\nkind = vpn\nsource = s\nmtu = 1500\n", i);
	check_full(text, len, -ENOSPC, "too many labels");
}

static enum link_kind kind_of(unsigned ip_version, unsigned mtu, const char *ret_label[1])
{
	struct syn syn = {.ip_version = (uint8_t)ip_version,
			  .mss = (uint16_t)(mtu - (ip_version == 6 ? 60 : 40))};
	struct link link;

	link_judge(db, &syn, 0, &link);
	*ret_label = vocab_text(vocab, VOCAB_LINK, link.label);
	return link.kind;
}

/* Which rows decide about an MTU: facts before interfaces before clamps, in the file's order. */
Test(linkdb, decides, .init = setup, .fini = teardown)
{
	static const char text[] = BASES
		"[encap]\n"
		"label = Cl\nkind = vpn\nsource = s\nover = 1500\ncost = a 100\ncost = a 80\n"
		"cost = a 60\n"
		"label = If\nkind = tunnel\nsource = s\nshows = interface\nover = 1500\n"
		"cost = b 80\ncost = b 60\ncost = b 40\ncost = b 30\n"
		"label = If2\nkind = vpn\nsource = s\nshows = interface\nover = 1500\n"
		"cost = b 40\n"
		"label = Acc\nkind = access\nsource = s\nover = 1500\ncost = c 30\ncost = c 20\n"
		"[mtu]\n"
		"label = One\nkind = access\nsource = s\nmtu = 1440 1300\n"
		"label = Two\nkind = vpn\nsource = s\nmtu = 1300 1301\n"
		"label = Six\nkind = loopback\nsource = s\nip = 6\nmtu = 1302\n"
		"label = Four\nkind = vpn\nsource = s\nip = 4\nmtu = 1302 1303\n";
	static const struct {
		const char *name;
		unsigned ip_version, mtu;
		const char *label;
		enum link_kind kind;
	} cases[] = {
		{"only a clamp", 4, 1400, "Cl", LINK_AMBIGUOUS},
		{"interface before clamp", 4, 1420, "If", LINK_TUNNEL},
		{"fact before interface", 4, 1440, "One", LINK_ACCESS_NET},
		{"tunnel and vpn", 4, 1460, "If", LINK_TUNNEL},
		{"interface before an access network's clamp", 4, 1470, "If", LINK_TUNNEL},
		{"an access network's clamp", 4, 1480, "Acc", LINK_ACCESS_NET},
		{"facts that differ", 4, 1300, "One", LINK_AMBIGUOUS},
		{"one fact", 4, 1301, "Two", LINK_VPN},
		{"IPv4", 4, 1302, "Four", LINK_VPN},
		{"IPv6", 6, 1302, "Six", LINK_LOOPBACK},
		{"not for IPv6", 6, 1303, "unknown", LINK_UNKNOWN},
		{"nothing", 4, 1304, "unknown", LINK_UNKNOWN},
	};

	load(text);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *label;
		enum link_kind kind = kind_of(cases[i].ip_version, cases[i].mtu, &label);

		cr_expect_eq(kind, cases[i].kind, "%s: %s", cases[i].name, link_kind_name(kind));
		cr_expect_str_eq(label, cases[i].label, "%s", cases[i].name);
	}
}

Test(linkdb, several_texts_add_up, .init = setup, .fini = teardown)
{
	const char *label;

	load(MTU "mtu = 1400\n");
	load("[encap]\nlabel = B\nkind = tunnel\nsource = s\nshows = interface\nover = 1500\n"
	     "cost = x 75\n");
	cr_expect_eq(linkdb_count(db), 2);
	cr_expect_eq(kind_of(4, 1400, &label), LINK_VPN);
	cr_expect_eq(kind_of(4, 1425, &label), LINK_TUNNEL);
}

/* A line may end with CR, the last one without LF, and an encapsulation may eat its base. */
Test(linkdb, accepts, .init = setup, .fini = teardown)
{
	load("");
	load("[base]\r\nbase = 1500 Ethernet II\r\n\t; comment\r\n[mtu]\r\nlabel=A\r\nkind=vpn\r\n"
	     "source=s\r\nmtu = 1400");
	load("[base]\nbase = 100 tiny\n[encap]\nlabel = B\nkind = vpn\nsource = s\nover = 100\n"
	     "cost = x 100\ncost = x 1000\ncost = x 60 + block 64 + y 1\n");
	cr_expect_eq(linkdb_count(db), 4);
	cr_expect_eq(linkdb_candidates(db, 4, 0, false, NULL, 0), 0);
	cr_expect_eq(linkdb_candidates(db, 4, 1400, false, NULL, 0), 1);
}

Test(linkdb, candidates_come_best_first, .init = setup, .fini = teardown)
{
	struct link_candidate cands[2];
	char text[200];
	struct text_buf buf;

	load(ENCAP "cost = IPv4 20 + UDP 8 + ESP 8 + IV 16 + ICV 12 + block 16 + trailer 2\n"
		   "[mtu]\nlabel = B\nkind = access\nsource = elsewhere\nmtu = 1422\n");
	cr_expect_eq(linkdb_candidates(db, 4, 1422, false, NULL, 0), 3);
	cr_assert_eq(linkdb_candidates(db, 6, 1422, false, cands, 2), 3);
	cr_expect(cands[0].listed && cands[0].on_interface && cands[0].kind == LINK_ACCESS_NET);
	cr_expect(!cands[1].listed && !cands[1].on_interface && cands[1].kind == LINK_VPN);
	cr_expect_eq(cands[1].mtu, 1422);
	cr_expect_str_eq(linkdb_source(db, &cands[0]), "elsewhere");
	text_buf_init(&buf, text, sizeof(text));
	linkdb_explain(db, &cands[0], &buf);
	cr_expect_str_eq(text, "1422");
	text_buf_init(&buf, text, sizeof(text));
	linkdb_explain(db, &cands[1], &buf);
	cr_expect_str_eq(text, "Ethernet 1500 - IPv4 20 - UDP 8 - ESP 8 - IV 16 - ICV 12, "
			       "in blocks of 16: 1424 - trailer 2 = 1422");
}

Test(linkdb, clamps_come_first_where_the_mss_was_rewritten, .init = setup, .fini = teardown)
{
	static const char *const usual[] = {"listed", "access", "interface", "clamp"};
	static const char *const clamped[] = {"access", "clamp", "listed", "interface"};
	struct link_candidate cands[4];

	load("[base]\nbase = 1500 Ethernet\n[mtu]\nlabel = listed\nkind = vpn\nsource = s\n"
	     "mtu = 1400\n[encap]\nlabel = interface\nkind = vpn\nshows = interface\nsource = s\n"
	     "over = 1500\ncost = x 100\nlabel = clamp\nkind = vpn\nsource = s\nover = 1500\n"
	     "cost = x 100\n[mtu]\nlabel = access\nkind = access\nsource = s\nmtu = 1400\n");
	cr_assert_eq(linkdb_candidates(db, 4, 1400, true, cands, 4), 4);
	for (unsigned i = 0; i < 4; i++)
		cr_expect_str_eq(vocab_text(vocab, VOCAB_LINK, cands[i].label), clamped[i]);
	cr_assert_eq(linkdb_candidates(db, 4, 1400, false, cands, 4), 4);
	for (unsigned i = 0; i < 4; i++)
		cr_expect_str_eq(vocab_text(vocab, VOCAB_LINK, cands[i].label), usual[i]);
}

static void load_shipped(void)
{
	static char text[1 << 16];
	FILE *file = fopen("conf/links.db", "r");
	size_t len;

	setup();
	cr_assert_not_null(file, "run from the top folder");
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	load(text);
}

/* What a tunnel of this family is known to leave must name the family. */
Test(linkdb, shipped_table_knows, .init = load_shipped, .fini = teardown)
{
	static const struct {
		unsigned mtu;
		const char *label, *why;
	} cases[] = {
		{1500, "Ethernet or modem", "RFC 894"},
		{1492, "DSL", "RFC 2516"},
		{1420, "WireGuard", "1500 - 80"},
		{1412, "WireGuard", "1492 - 80"},
		{1440, "WireGuard", "1500 - 60"},
		{1432, "WireGuard", "1492 - 60"},
		{1440, "OpenVPN", "2.6, UDP, AES-GCM: 1492 - 52"},
		{1426, "OpenVPN", "2.6, TCP, AES-GCM: 1492 - 66"},
		{1419, "OpenVPN", "2.6, UDP, AES-CBC with SHA1"},
		{1398, "OpenVPN", "2.5, AES-GCM: 1450 - 52"},
		{1408, "OpenVPN", "2.3, Blowfish with LZO: 1450 - 42"},
		{1406, "OpenVPN", "2.5, Blowfish: 1450 - 44, seen over IPv4 and IPv6"},
		{1446, "IPsec ESP", "AES-GCM"},
		{1438, "IPsec ESP", "AES-GCM in UDP, AES-CBC"},
		{1422, "IPsec ESP", "AES-CBC in UDP"},
		{1434, "OpenConnect", "DTLS 1.2 with AES-GCM"},
		{1476, "IPSec or GRE", "1500 - 24"},
		{1480, "IPIP or SIT", "1500 - 20"},
		{1450, "VXLAN", "1500 - 50"},
		{1430, "VXLAN", "1500 - 70"},
		{1460, "L2TP", "1500 - 40"},
		{1460, "PPTP", "1500 - 40"},
		{1460, "DS-Lite or MAP-E", "1500 - 40"},
		{1280, "IPv6 minimum", "RFC 8200"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_candidate cands[32];
		size_t count = linkdb_candidates(db, 4, cases[i].mtu, false, cands, 32);
		bool found = false;

		cr_assert_leq(count, 32);
		for (size_t k = 0; k < count; k++) {
			const char *label = vocab_text(vocab, VOCAB_LINK, cands[k].label);

			found |= strcmp(label, cases[i].label) == 0;
		}
		cr_expect(found, "%u is no %s (%s)", cases[i].mtu, cases[i].label, cases[i].why);
	}
}

/* What no row names: an MTU between IPv6's least one and Ethernet's is somebody's, the rest is odd. */
Test(linkdb, unlisted_mtus, .init = setup, .fini = teardown)
{
	static const struct {
		unsigned mtu, win;
		enum link_grade grade;
	} cases[] = {
		{1279, 65535, LINK_NONE},         {1280, 65535, LINK_ACCESS},
		{1499, 65535, LINK_ACCESS},       {1500, 65535, LINK_NONE},
		{1501, 65535, LINK_NONE},         {1299, 1259 * 20, LINK_POSSIBLE},
		{1499, 1459 * 20, LINK_POSSIBLE}, {1501, 1461 * 20, LINK_NONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = {.ip_version = 4,
				  .mss = (uint16_t)(cases[i].mtu - 40),
				  .win = (uint16_t)cases[i].win};
		struct link link;

		link_judge(db, &syn, 0, &link);
		cr_expect_eq(link.grade, cases[i].grade, "%u: %u", cases[i].mtu, link.grade);
	}
}

/* The most and the longest that is allowed. */
Test(linkdb, accepts_limits, .init = setup, .fini = teardown)
{
	static char text[1 << 20];
	size_t len = (size_t)sprintf(text, "[base]\nbase = 68 smallest\nbase = 65535 largest\n");

	for (unsigned i = 0; i < 30; i++)
		len += (size_t)sprintf(text + len, "base = %u %s1234567890123\n", 1000 + i,
				       LONG_50);
	len += (size_t)sprintf(text + len,
			       "[encap]\nlabel = %s1234567890123\nkind = vpn\n"
			       "source = %s%s%s%s%s%s\nover = 68 65535\n"
			       "cost = a 1000+b 1+c 1+d 1+e 1+f 1+g 1+h 1+i 1+j 1+k 1+"
			       "l2345678901234567890123 1\n[mtu]\nlabel = B\nkind = vpn\n"
			       "source = s\nmtu = 68 65536\n",
			       LONG_50, LONG_50, LONG_50, LONG_50, LONG_50, LONG_50, LONG_50);
	for (unsigned i = 3; i < 4096; i++)
		len += (size_t)sprintf(text + len, "mtu = 1500\n");
	load(text);
	cr_expect_eq(linkdb_count(db), 4096);
}

/* Whatever allocation fails, it is said, and all of it can be freed. */
Test(linkdb, out_of_memory)
{
	static const char text[] =
		MTU "mtu = 1400 1500\n[encap]\nlabel = B\nkind = vpn\nsource = s\n"
		    "over = 1500\ncost = x 20\n";
	unsigned failures = 0;
	int r;

	for (;; failures++) {
		vocab = vocab_new();
		alloc_fail_after(failures);
		db = linkdb_new(vocab);
		r = db ? linkdb_load(db, text, strlen(text), NULL) : -ENOMEM;
		linkdb_free(db);
		vocab_free(vocab);
		if (!alloc_has_failed())
			break;
		cr_expect_eq(r, -ENOMEM, "allocation %u: %d", failures, r);
	}
	cr_expect_eq(r, 0);
	cr_expect_geq(failures, 3, "%u", failures);
}

Test(linkdb, free_takes_null)
{
	linkdb_free(NULL);
}
