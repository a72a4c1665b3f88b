/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_share LINKS_DB SIGNATURES_DB P0F_FP FILE...: which share of real SYNs comes out as a
 * likely tunnel, next to what p0f's MTU labels and a bare table of tunnel MTUs would flag, what
 * it is where they all come from few addresses of one network, as behind a carrier's NAT, and
 * what judging one costs. A file has one SYN a line, as hex or as "raw" in a JSON object.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/baseline/baseline.h"
#include "core/clients/client_table.h"
#include "core/link/link.h"

#define MTU_MAX 65536
#define ROUNDS 2000000
#define SYNS_MAX 65536
#define NAT_TURNS 3 /* how often each SYN of a file comes through the NAT */
#define NOW_S 1700000000u

struct counts {
	unsigned syns, with_mss, mss_other, p0f_generic, p0f_tunnel, table, possible, likely, own,
		clamped;
};

static struct linkdb *db;
static struct sigdb *sigdb;
static struct vocab *vocab;
static struct syn syns[SYNS_MAX];
static unsigned syn_count;
static bool p0f_generic[MTU_MAX + 1], p0f_tunnel[MTU_MAX + 1];

static void die(const char *what)
{
	fprintf(stderr, "link_share: %s: %s\n", what, strerror(errno));
	exit(1);
}

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file)
		die(path);
	return file;
}

static void load_links(const char *path)
{
	static char text[1 << 20];
	struct text_error err = {0};
	FILE *file = open_file(path);
	size_t len = fread(text, 1, sizeof(text), file);

	fclose(file);
	vocab = vocab_new();
	db = linkdb_new(vocab);
	if (!vocab || !db)
		die("no memory");
	if (linkdb_load(db, text, len, &err) < 0) {
		fprintf(stderr, "%s:%u:%u: %s\n", path, err.line, err.column, err.what);
		exit(1);
	}
}

static void load_signatures(const char *path)
{
	static char text[4 << 20];
	struct text_error err = {0};
	FILE *file = open_file(path);
	size_t len = fread(text, 1, sizeof(text), file);

	fclose(file);
	sigdb = sigdb_new(vocab);
	if (!sigdb || sigdb_load(sigdb, text, len, &err) < 0 || sigdb_build(sigdb) < 0) {
		fprintf(stderr, "%s:%u:%u: %s\n", path, err.line, err.column, err.what);
		exit(1);
	}
}

/* p0f's own table: the lines of its [mtu] section that name a tunnel. */
static void load_p0f(const char *path)
{
	static const char *const tunnels[] = {"tunnel", "VPN", "GIF", "IPSec", "IPIP", "PPTP"};
	bool in_mtu = false, generic = false, tunnel = false;
	FILE *file = open_file(path);
	char line[512];
	unsigned mtu;

	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '[')
			in_mtu = strncmp(line, "[mtu]", 5) == 0;
		if (in_mtu && strncmp(line, "label", 5) == 0) {
			generic = strstr(line, "generic tunnel or VPN") != NULL;
			tunnel = false;
			for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++)
				tunnel |= strstr(line, tunnels[i]) != NULL;
		}
		if (in_mtu && sscanf(line, "sig = %u", &mtu) == 1 && mtu <= MTU_MAX) {
			p0f_generic[mtu] = generic;
			p0f_tunnel[mtu] = tunnel;
		}
	}
	fclose(file);
}

static size_t unhex(const char *text, uint8_t *bytes, size_t max)
{
	size_t len = 0;
	unsigned byte;

	while (len < max && sscanf(text + 2 * len, "%2x", &byte) == 1)
		bytes[len++] = (uint8_t)byte;
	return len;
}

static void load_syns(const char *path)
{
	static char line[16384];
	FILE *file = open_file(path);

	while (fgets(line, sizeof(line), file) && syn_count < SYNS_MAX) {
		const char *raw = strstr(line, "\"raw\": \"");
		uint8_t bytes[256];
		size_t len = unhex(raw ? raw + strlen("\"raw\": \"") : line, bytes, sizeof(bytes));

		if (syn_parse(bytes, len, &syns[syn_count]) == SYN_OK)
			syn_count++;
	}
	fclose(file);
}

/* What a table without grades would flag: any MTU with a tunnel among its candidates. */
static bool table_flags(const struct syn *syn, unsigned mtu)
{
	struct link_candidate cands[32];
	size_t count = linkdb_candidates(db, syn->ip_version, mtu, false, cands, 32);

	for (size_t i = 0; i < count && i < 32; i++) {
		enum link_kind kind = cands[i].kind;

		if (cands[i].listed &&
		    (kind == LINK_VPN || kind == LINK_TUNNEL || kind == LINK_AMBIGUOUS))
			return true;
	}
	return false;
}

static struct counts count_syns(unsigned from, unsigned to)
{
	struct counts counts = {.syns = to - from};

	for (unsigned i = from; i < to; i++) {
		struct link link;

		if (!syns[i].has_mss)
			continue;
		link_judge(db, &syns[i], 0, &link);
		counts.with_mss++;
		counts.mss_other += link.mtu != 1500;
		counts.p0f_generic += p0f_generic[link.mtu];
		counts.p0f_tunnel += p0f_tunnel[link.mtu];
		counts.table += table_flags(&syns[i], link.mtu);
		counts.possible += link.grade == LINK_POSSIBLE;
		counts.likely += link.grade == LINK_LIKELY;
		counts.own += link.mss_own;
		counts.clamped += link.mss_clamped;
		if (link.grade == LINK_LIKELY)
			printf("  likely: IPv%u MSS %u window %u: %s\n", syns[i].ip_version,
			       link.mss, syns[i].win, vocab_text(vocab, VOCAB_LINK, link.label));
	}
	return counts;
}

static void print_line(const char *what, unsigned count, const struct counts *counts)
{
	printf("  %-44s %5u  %6.2f %% of SYNs with an MSS\n", what, count,
	       counts->with_mss ? 100.0 * count / counts->with_mss : 0);
}

static void report(const char *path, unsigned from)
{
	struct counts counts = count_syns(from, syn_count);

	printf("%s: %u SYNs, %u with an MSS\n", path, counts.syns, counts.with_mss);
	print_line("MSS other than Ethernet's", counts.mss_other, &counts);
	print_line("p0f: generic tunnel or VPN", counts.p0f_generic, &counts);
	print_line("p0f: any tunnel's label", counts.p0f_tunnel, &counts);
	print_line("MTU table without grades", counts.table, &counts);
	print_line("synprint: possible", counts.possible, &counts);
	print_line("synprint: likely", counts.likely, &counts);
	print_line("window of this MSS", counts.own, &counts);
	print_line("window of a larger MSS (clamped)", counts.clamped, &counts);
	if (counts.likely)
		printf("  p0f's generic label over likely: %.1f times; bare table: %.1f times\n",
		       (double)counts.p0f_generic / counts.likely,
		       (double)counts.table / counts.likely);
}

/* One SYN through everything that a worker does with it; the address is one of the NAT's. */
static enum link_grade observe(struct clients *clients, struct baseline *baseline, struct syn syn,
			       unsigned number, unsigned addresses)
{
	unsigned at = number * 2654435761u % addresses;
	struct verdict verdict;
	struct client_key key;
	struct change change;
	struct match match;
	struct link link;

	syn.src = addr_from_v4((uint8_t[]){10, 1, (uint8_t)(at >> 8), (uint8_t)at});
	syn.src_port = (uint16_t)number;
	syn.seq = number;
	match_syn(sigdb, &syn, &match);
	link_judge(db, &syn, 0, &link);
	if (link.grade != LINK_NONE)
		link.reasons |=
			baseline_judge(baseline, NULL, NOW_S, &syn.src, link.mtu, link.grade);
	verdict = verdict_decide(&syn, &match, &link, LINK_LIKELY);
	clients_locate(clients, &syn, &key);
	clients_observe(clients, &key, NOW_S * 1000ull + number, &syn, &verdict, &change);
	if (change.kind == CHANGE_NEW)
		baseline_note(baseline, NULL, NOW_S, &syn.src, link.mtu);
	return (enum link_grade)change.verdict.grade;
}

static void report_nat(unsigned from, unsigned addresses)
{
	struct clients_params params = {.capacity = 65536,
					.recent = 64,
					.v6_prefix_bits = 128,
					.refresh_s = 60,
					.vocab = vocab};
	struct baseline_params baseline_params = {.prefixes = 64,
						  .v4_prefix_bits = 16,
						  .v6_prefix_bits = 32,
						  .half_life_s = 604800};
	struct clients *clients = clients_new(&params);
	struct baseline *baseline = baseline_new(&baseline_params);
	unsigned syns_seen = 0, likely = 0;

	if (!clients || !baseline)
		die("no memory");
	for (unsigned i = 0; i < NAT_TURNS * (syn_count - from); i++) {
		const struct syn *syn = &syns[from + i % (syn_count - from)];

		if (!syn->has_mss || syn->ip_version != 4)
			continue;
		syns_seen++;
		likely += observe(clients, baseline, *syn, i, addresses) == LINK_LIKELY;
	}
	printf("  likely, all from %4u addresses of a network %6.2f %%\n", addresses,
	       syns_seen ? 100.0 * likely / syns_seen : 0);
	clients_free(clients);
	baseline_free(baseline);
}

static void report_cost(void)
{
	struct timespec start, end;
	uint64_t sum = 0;
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct link link;

		link_judge(db, &syns[i % syn_count], 0, &link);
		sum += link.reasons;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
	printf("link_judge: %.1f ns a SYN (checksum %llu)\n", ns / ROUNDS, (unsigned long long)sum);
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: link_share LINKS_DB SIGNATURES_DB P0F_FP FILE...\n");
		return 2;
	}
	load_links(argv[1]);
	load_signatures(argv[2]);
	load_p0f(argv[3]);
	for (int i = 4; i < argc; i++) {
		unsigned from = syn_count;

		load_syns(argv[i]);
		report(argv[i], from);
		for (unsigned addresses = 1; syn_count > from && addresses <= 4096; addresses *= 8)
			report_nat(from, addresses);
	}
	if (syn_count)
		report_cost();
	sigdb_free(sigdb);
	linkdb_free(db);
	vocab_free(vocab);
	return 0;
}
