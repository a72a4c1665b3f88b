/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words and their numbers. Storage is as large from the beginning as it may become, so that a
 * word never moves under a reader; a count is published after the word that it counts, and what
 * finds the word after both.
 */
#include "core/base/vocab.h"
#include "core/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct word {
	char text[VOCAB_WORD_MAX + 1];
};

struct shelf {
	unsigned max, slots; /* slots: a power of two over twice max */
	unsigned count; /* atomic */
	struct word *words;
	uint32_t *index; /* number + 1, or 0; atomic */
};

struct vocab {
	struct shelf shelves[VOCAB_KIND_COUNT];
	uint8_t families[VOCAB_CLASSES_MAX]; /* atomic; 0 until said */
};

static const unsigned max_words[VOCAB_KIND_COUNT] = {
	[VOCAB_CLASS] = VOCAB_CLASSES_MAX,        [VOCAB_FAMILY] = VOCAB_FAMILIES_MAX,
	[VOCAB_LABEL] = VOCAB_LABELS_MAX,         [VOCAB_LINK] = VOCAB_LINKS_MAX,
	[VOCAB_INTERFACE] = VOCAB_INTERFACES_MAX,
};

struct vocab *vocab_new(void)
{
	struct vocab *vocab = calloc(1, sizeof(*vocab));

	if (!vocab)
		return NULL;
	for (unsigned kind = 0; kind < VOCAB_KIND_COUNT; kind++) {
		struct shelf *shelf = &vocab->shelves[kind];

		shelf->max = max_words[kind];
		shelf->slots = (unsigned)hash_slots_for(shelf->max);
		shelf->words = calloc(shelf->max, sizeof(*shelf->words));
		shelf->index = calloc(shelf->slots, sizeof(*shelf->index));
		if (!shelf->words || !shelf->index ||
		    vocab_add(vocab, (enum vocab_kind)kind, "unknown", 7) < 0) {
			vocab_free(vocab);
			return NULL;
		}
	}
	return vocab;
}

void vocab_free(struct vocab *vocab)
{
	if (!vocab)
		return;
	for (unsigned kind = 0; kind < VOCAB_KIND_COUNT; kind++) {
		free(vocab->shelves[kind].words);
		free(vocab->shelves[kind].index);
	}
	free(vocab);
}

static uint32_t read_slot(const uint32_t *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

/* The index slot of a word, or the empty one where it would go. */
static uint32_t *find_slot(const struct shelf *shelf, const char *text, size_t len)
{
	unsigned slot = (unsigned)XXH3_64bits(text, len) & (shelf->slots - 1);
	uint32_t number;

	for (; (number = read_slot(&shelf->index[slot])); slot = (slot + 1) & (shelf->slots - 1)) {
		const char *word = shelf->words[number - 1].text;

		if (strlen(word) == len && memcmp(word, text, len) == 0)
			break;
	}
	return &shelf->index[slot];
}

int vocab_add(struct vocab *vocab, enum vocab_kind kind, const char *text, size_t len)
{
	struct shelf *shelf = &vocab->shelves[kind];
	uint32_t *slot;

	if (len < 1 || len > VOCAB_WORD_MAX || memchr(text, '\0', len))
		return -EINVAL;
	slot = find_slot(shelf, text, len);
	if (*slot)
		return (int)*slot - 1;
	if (shelf->count == shelf->max)
		return -ENOSPC;
	memcpy(shelf->words[shelf->count].text, text, len);
	__atomic_store_n(&shelf->count, shelf->count + 1, __ATOMIC_RELEASE);
	__atomic_store_n(slot, shelf->count, __ATOMIC_RELEASE);
	return (int)*slot - 1;
}

int vocab_find(const struct vocab *vocab, enum vocab_kind kind, const char *text, size_t len)
{
	uint32_t number = read_slot(find_slot(&vocab->shelves[kind], text, len));

	return number ? (int)number - 1 : -ENOENT;
}

const char *vocab_text(const struct vocab *vocab, enum vocab_kind kind, unsigned id)
{
	return vocab->shelves[kind].words[id < vocab_count(vocab, kind) ? id : 0].text;
}

unsigned vocab_count(const struct vocab *vocab, enum vocab_kind kind)
{
	return __atomic_load_n(&vocab->shelves[kind].count, __ATOMIC_ACQUIRE);
}

void vocab_set_family(struct vocab *vocab, unsigned class_id, unsigned family_id)
{
	if (class_id < VOCAB_CLASSES_MAX && !vocab_family_of(vocab, class_id))
		__atomic_store_n(&vocab->families[class_id], (uint8_t)family_id, __ATOMIC_RELAXED);
}

unsigned vocab_family_of(const struct vocab *vocab, unsigned class_id)
{
	return class_id < VOCAB_CLASSES_MAX
		       ? __atomic_load_n(&vocab->families[class_id], __ATOMIC_RELAXED)
		       : 0;
}
