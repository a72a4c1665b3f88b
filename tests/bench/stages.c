/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stages SIGNATURES LINKS SYNS ROUNDS: nanoseconds for each SYN of every stage, alone and all in
 * a row as the worker runs them. SYNS is a file of hex lines, or "made". Each stage is a function
 * of its own that is not inlined, so callgrind counts its instructions under its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "knowledge/knowledge.h"
#include "syns.h"
#include "core/clients/client_table.h"
#include "core/match/match_memo.h"

#define SYNS_MAX 8192
#define PACKET_MAX 128

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t len;
};

static struct packet packets[SYNS_MAX];
static struct syn syns[SYNS_MAX];
static struct match matches[SYNS_MAX];
static struct link links[SYNS_MAX];
static struct verdict verdicts[SYNS_MAX];
static unsigned syn_count;
static const struct knowledge *knowledge;
static struct clients *clients;
static struct match_memo *memo;
static volatile uint64_t sink; /* results that nobody wants are not computed */

__attribute__((noinline)) static void stage_parse(void)
{
	for (unsigned i = 0; i < syn_count; i++)
		sink = syn_parse(packets[i].bytes, packets[i].len, &syns[i]);
}

__attribute__((noinline)) static void stage_signature(void)
{
	struct sig sig;

	for (unsigned i = 0; i < syn_count; i++) {
		sig_from_syn(&syns[i], &sig);
		sink = sig.opt_count;
	}
}

__attribute__((noinline)) static void stage_match(void)
{
	for (unsigned i = 0; i < syn_count; i++)
		match_syn(knowledge->sigdb, &syns[i], &matches[i]);
}

__attribute__((noinline)) static void stage_memo(void)
{
	for (unsigned i = 0; i < syn_count; i++)
		sink = match_memo_syn(memo, &syns[i])->label;
}

__attribute__((noinline)) static void stage_link(void)
{
	for (unsigned i = 0; i < syn_count; i++)
		link_judge(knowledge->linkdb, &syns[i], 0, &links[i]);
}

__attribute__((noinline)) static void stage_decide(void)
{
	for (unsigned i = 0; i < syn_count; i++)
		verdicts[i] = verdict_decide(&syns[i], &matches[i], &links[i], LINK_LIKELY);
}

__attribute__((noinline)) static void stage_observe(void)
{
	static uint64_t now_ms = 1700000000000;
	struct client_key key;
	struct change change;

	now_ms += 1000;
	for (unsigned i = 0; i < syn_count; i++) {
		syns[i].seq += 77; /* else it is a retransmission */
		clients_locate(clients, &syns[i], &key);
		clients_observe(clients, &key, now_ms, &syns[i], &verdicts[i], &change);
	}
}

/* From the packet's bytes to the verdict, in one go, as the worker does it. */
__attribute__((noinline)) static void stage_classify(void)
{
	for (unsigned i = 0; i < syn_count; i++) {
		const struct match *match;
		struct link link;
		struct syn syn;

		if (syn_parse(packets[i].bytes, packets[i].len, &syn) != SYN_OK)
			continue;
		match = match_memo_syn(memo, &syn);
		link_judge(knowledge->linkdb, &syn, 0, &link);
		verdicts[i] = verdict_decide(&syn, match, &link, LINK_LIKELY);
	}
}

/* The same where no shape was seen before. */
__attribute__((noinline)) static void stage_unseen(void)
{
	for (unsigned i = 0; i < syn_count; i++) {
		struct match match;
		struct link link;
		struct syn syn;

		if (syn_parse(packets[i].bytes, packets[i].len, &syn) != SYN_OK)
			continue;
		match_syn(knowledge->sigdb, &syn, &match);
		link_judge(knowledge->linkdb, &syn, 0, &link);
		verdicts[i] = verdict_decide(&syn, &match, &link, LINK_LIKELY);
	}
}

static const struct stage {
	const char *name;
	void (*run)(void);
} stages[] = {
	{"parse", stage_parse},     {"signature", stage_signature}, {"match", stage_match},
	{"memo", stage_memo},       {"link", stage_link},           {"decide", stage_decide},
	{"observe", stage_observe}, {"classify", stage_classify},   {"unseen", stage_unseen},
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void keep(const uint8_t *bytes, size_t len)
{
	struct syn syn;

	if (syn_count == SYNS_MAX || syn_parse(bytes, len, &syn) != SYN_OK)
		return;
	memcpy(packets[syn_count].bytes, bytes, len);
	packets[syn_count++].len = len;
}

static void make_syns(void)
{
	uint8_t bytes[SYNS_BYTES_MAX];

	for (unsigned i = 0; i < SYNS_MAX; i++)
		keep(bytes, syns_make(i % SYNS_KINDS, i, i, bytes));
}

static void read_syns(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];

	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), file)) {
		uint8_t bytes[PACKET_MAX];
		unsigned byte;
		size_t len = 0;

		while (len < PACKET_MAX && sscanf(line + 2 * len, "%2x", &byte) == 1)
			bytes[len++] = (uint8_t)byte;
		keep(bytes, len);
	}
	fclose(file);
}

static void load(const char *signatures, const char *link_table, struct vocab *vocab)
{
	const char *paths[2] = {signatures, strchr(signatures, ',')};
	char first[4096];
	struct knowledge_params params = {.signatures = paths,
					  .signature_count = 1,
					  .links = link_table};
	struct knowledge_error error;
	struct knowledge *loaded;
	char what[512];

	if (paths[1]) { /* two files with a comma between them */
		snprintf(first, sizeof(first), "%.*s", (int)(paths[1] - signatures), signatures);
		paths[0] = first;
		paths[1]++;
		params.signature_count = 2;
	}
	if (knowledge_load(&params, vocab, &error, &loaded) < 0) {
		knowledge_error_format(&error, what, sizeof(what));
		fprintf(stderr, "stages: %s\n", what);
		exit(1);
	}
	knowledge = loaded;
}

int main(int argc, char **argv)
{
	struct vocab *vocab = vocab_new();
	unsigned rounds = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
	struct clients_params params = {.capacity = 65536,
					.recent = 4096,
					.v6_prefix_bits = 128,
					.refresh_s = 30000,
					.vocab = vocab};

	if (!rounds) {
		fprintf(stderr, "usage: stages SIGNATURES[,MORE] LINKS SYNS|made ROUNDS\n");
		return 2;
	}
	load(argv[1], argv[2], vocab);
	clients = clients_new(&params);
	if (strcmp(argv[3], "made") == 0)
		make_syns();
	else
		read_syns(argv[3]);
	memo = match_memo_new(knowledge->sigdb);
	if (!clients || !memo || !syn_count)
		return 1;
	printf("syns %u\n", syn_count);
	for (unsigned s = 0; s < sizeof(stages) / sizeof(stages[0]); s++) {
		uint64_t start_ns;

		if (rounds > 1)
			stages[s].run(); /* warm */
		start_ns = now_ns();
		for (unsigned round = 0; round < rounds; round++)
			stages[s].run();
		printf("%s %.2f\n", stages[s].name,
		       (double)(now_ns() - start_ns) / rounds / syn_count);
	}
	return 0;
}
