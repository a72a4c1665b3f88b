/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of verdicts. Classes, families, labels and link names are small numbers in every
 * struct; a vocabulary gives each word its number once and keeps it for the life of the
 * process, so a verdict stays readable after the databases were reloaded. It only grows, up
 * to fixed limits. One thread at a time adds words; any thread may look for them and read them.
 */
#ifndef SYNPRINT_CORE_BASE_VOCAB_H
#define SYNPRINT_CORE_BASE_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#define VOCAB_CLASSES_MAX 64 /* class ids are below this; 0 is "unknown" */
#define VOCAB_EACH_CLASS(id) for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
#define VOCAB_FAMILIES_MAX 32
#define VOCAB_LABELS_MAX 65535
#define VOCAB_LINKS_MAX 255
#define VOCAB_INTERFACES_MAX 16 /* that conditions name; 0 is every other one */
#define VOCAB_WORD_MAX 63 /* bytes of a word at the most */

enum vocab_kind {
	VOCAB_CLASS,
	VOCAB_FAMILY,
	VOCAB_LABEL,
	VOCAB_LINK,
	VOCAB_INTERFACE,
	VOCAB_KIND_COUNT
};

struct vocab;

/** vocab_new() - a vocabulary in which every kind has the word "unknown" as number 0; NULL: no memory. */
struct vocab *vocab_new(void);
void vocab_free(struct vocab *vocab);

/**
 * vocab_add() - the number of a word, which is added where it is new. Case counts.
 * @text, @len: 1 to VOCAB_WORD_MAX bytes
 * Return: the number, -EINVAL for a word of the wrong length, -ENOSPC where the kind is full,
 * -ENOMEM.
 */
int vocab_add(struct vocab *vocab, enum vocab_kind kind, const char *text, size_t len);

/** vocab_find() - the number of a word, or -ENOENT. */
int vocab_find(const struct vocab *vocab, enum vocab_kind kind, const char *text, size_t len);

/** vocab_text() - the word of a number, owned by the vocabulary; "unknown" for one never given. */
const char *vocab_text(const struct vocab *vocab, enum vocab_kind kind, unsigned id);

/** vocab_count() - how many words of a kind there are; their numbers are below it. */
unsigned vocab_count(const struct vocab *vocab, enum vocab_kind kind);

/** vocab_set_family() - say to which family a class belongs; the first statement stands. */
void vocab_set_family(struct vocab *vocab, unsigned class_id, unsigned family_id);
unsigned vocab_family_of(const struct vocab *vocab, unsigned class_id);

#endif
