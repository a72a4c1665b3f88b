/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The learned file: whole or not at all, whenever the power fails. */
#include "knowledge/learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "knowledge/knowledge.h"
#include "knowledge/put_aside.h"
#include "sys/clerk.h"
#include "sys/clock.h"

#define WRITE_EVERY_MS 60000
#define CLOSE_MAX_MS 4000 /* systemd waits for 15 s */
#define ENTRY_BYTES_MAX (SIG_TEXT_MAX + 32)
#define LABELS_BYTES (VOCAB_CLASSES_MAX * 128 + 512) /* a label line for each class, and the head */

struct learned {
	const char *path;
	struct vocab *vocab;
	struct learn *learn;
	size_t text_size;
	uint64_t written_ms; /* CLOCK_MONOTONIC */
	bool is_new; /* there is something to write */
	struct clerk *clerk;
};

static void take_file(struct learned *learned)
{
	struct knowledge_error error;
	struct sigdb *db = NULL;
	char why[512];
	int rc = knowledge_load_file(learned->path, learned->vocab, &error, &db);

	if (rc == 0) {
		learn_take(learned->learn, clock_steady_ms(), db);
		sigdb_free(db);
		return;
	}
	if (rc == -ENOENT)
		return;
	knowledge_error_format(&error, why, sizeof(why));
	put_aside(learned->path, why, KNOWLEDGE_LEARNED_LOSS);
}

int learned_open(const char *path, size_t max_shapes, struct vocab *vocab,
		 struct learned **ret_learned)
{
	struct learn_params params = {.max_shapes = max_shapes, .vocab = vocab};
	struct learned *learned = calloc(1, sizeof(*learned));

	if (!learned)
		return -ENOMEM;
	if (getrandom(&params.seed, sizeof(params.seed), 0) != sizeof(params.seed))
		params.seed = clock_unix_s();
	learned->path = path;
	learned->vocab = vocab;
	learned->text_size = max_shapes * ENTRY_BYTES_MAX + LABELS_BYTES;
	learned->learn = learn_new(&params);
	learned->clerk = clerk_new(true);
	if (!learned->learn || !learned->clerk) {
		learned_close(learned);
		return -ENOMEM;
	}
	take_file(learned);
	*ret_learned = learned;
	return 0;
}

void learned_close(struct learned *learned)
{
	if (!learned)
		return;
	learned_write(learned);
	clerk_close(learned->clerk, CLOSE_MAX_MS);
	learn_free(learned->learn);
	free(learned);
}

struct learn *learned_learn(struct learned *learned)
{
	return learned->learn;
}

void learned_touch(struct learned *learned)
{
	learned->is_new = true;
}

static bool has_news(const struct learned *learned)
{
	return learned->is_new || clerk_get_error(learned->clerk) < 0;
}

void learned_write(struct learned *learned)
{
	struct text_buf buf;
	char *text;

	if (!has_news(learned))
		return;
	learned->written_ms = clock_monotonic_ms();
	text = malloc(learned->text_size);
	if (!text)
		return;
	text_buf_init(&buf, text, learned->text_size);
	if (learn_put_text(learned->learn, &buf) < 0 || buf.overflow)
		free(text);
	else if (clerk_write(learned->clerk, learned->path, buf.data, buf.len) == 0)
		learned->is_new = false;
}

void learned_wait(struct learned *learned)
{
	clerk_wait(learned->clerk, -1);
}

int learned_get_error(const struct learned *learned)
{
	return learned ? clerk_get_error(learned->clerk) : 0;
}

void learned_write_due(struct learned *learned)
{
	if (learned && clock_monotonic_ms() >= learned->written_ms + WRITE_EVERY_MS)
		learned_write(learned);
}
