/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For accuracy.py: reads SYNs as hex, one a line, and writes what the given database says, one
 * line each: class, P(class), family, P(family), kind, P(macOS or iOS), tool or system, label.
 * An unusable line gives "-".
 */
#include "core/match/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX 512

static char *read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	long size;

	if (!file)
		return NULL;
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0) {
		rewind(file);
		text = malloc((size_t)size);
		*ret_len = text ? fread(text, 1, (size_t)size, file) : 0;
	}
	fclose(file);
	return text;
}

static struct sigdb *load_db(const char *path, struct vocab *vocab)
{
	struct text_error error = {0};
	struct sigdb *db = sigdb_new(vocab);
	size_t len = 0;
	char *text = read_file(path, &len);

	if (!text || !db || sigdb_load(db, text, len, &error) < 0 || sigdb_build(db) < 0) {
		fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.what);
		exit(1);
	}
	free(text);
	return db;
}

static size_t parse_hex(const char *line, uint8_t *buf)
{
	size_t len = 0;
	unsigned byte;

	while (len < PACKET_MAX && sscanf(line + 2 * len, "%2x", &byte) == 1)
		buf[len++] = (uint8_t)byte;
	return len;
}

static double class_prob(const struct vocab *vocab, const struct match *match, const char *name)
{
	int id = vocab_find(vocab, VOCAB_CLASS, name, strlen(name));

	return id < 0 ? 0 : (double)match->class_prob[id];
}

static void print_match(const struct vocab *vocab, const struct match *match)
{
	printf("%s\t%.4f\t%s\t%.4f\t%s\t%.4f\t%s\t%s\n",
	       vocab_text(vocab, VOCAB_CLASS, match->class_id), (double)match->confidence,
	       vocab_text(vocab, VOCAB_FAMILY, match->family_id), (double)match->family_confidence,
	       match_kind_name(match->kind),
	       class_prob(vocab, match, "macOS") + class_prob(vocab, match, "iOS"),
	       match->tool ? "tool" : "system", vocab_text(vocab, VOCAB_LABEL, match->label));
}

int main(int argc, char **argv)
{
	struct vocab *vocab = vocab_new();
	char line[2 * PACKET_MAX + 2];
	uint8_t packet[PACKET_MAX];
	struct match match;
	struct sigdb *db;
	struct syn syn;

	if (argc != 2 || !vocab)
		return 2;
	db = load_db(argv[1], vocab);
	while (fgets(line, sizeof(line), stdin)) {
		if (syn_parse(packet, parse_hex(line, packet), &syn) != SYN_OK) {
			puts("-");
			continue;
		}
		match_syn(db, &syn, &match);
		print_match(vocab, &match);
	}
	sigdb_free(db);
	vocab_free(vocab);
	return 0;
}
