/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "core/base/vocab.h"

static struct vocab *vocab;

static void setup(void)
{
	vocab = vocab_new();
	cr_assert_not_null(vocab);
}

static void teardown(void)
{
	vocab_free(vocab);
}

TestSuite(vocab, .init = setup, .fini = teardown);

static int add(enum vocab_kind kind, const char *word)
{
	return vocab_add(vocab, kind, word, strlen(word));
}

static int find(enum vocab_kind kind, const char *word)
{
	return vocab_find(vocab, kind, word, strlen(word));
}

Test(vocab, every_kind_begins_with_unknown)
{
	for (unsigned i = 0; i < VOCAB_KIND_COUNT; i++) {
		enum vocab_kind kind = (enum vocab_kind)i;

		cr_expect_eq(vocab_count(vocab, kind), 1);
		cr_expect_eq(find(kind, "unknown"), 0);
		cr_expect_eq(add(kind, "unknown"), 0);
		cr_expect_str_eq(vocab_text(vocab, kind, 0), "unknown");
		cr_expect_str_eq(vocab_text(vocab, kind, 1), "unknown", "a number never given");
		cr_expect_str_eq(vocab_text(vocab, kind, 70000), "unknown");
	}
	vocab_free(NULL);
}

Test(vocab, a_word_has_one_number)
{
	cr_expect_eq(add(VOCAB_CLASS, "Linux"), 1);
	cr_expect_eq(add(VOCAB_CLASS, "Windows"), 2);
	cr_expect_eq(add(VOCAB_CLASS, "Linux"), 1);
	cr_expect_eq(add(VOCAB_CLASS, "linux"), 3, "case counts");
	cr_expect_eq(vocab_add(vocab, VOCAB_CLASS, "Linux and more", 5), 1, "the length counts");
	cr_expect_eq(vocab_add(vocab, VOCAB_CLASS, "Linux", 4), 4);
	cr_expect_str_eq(vocab_text(vocab, VOCAB_CLASS, 4), "Linu");
	cr_expect_eq(vocab_count(vocab, VOCAB_CLASS), 5);
	cr_expect_eq(find(VOCAB_CLASS, "Windows"), 2);
	cr_expect_eq(find(VOCAB_CLASS, "Window"), -ENOENT);
	cr_expect_eq(find(VOCAB_FAMILY, "Windows"), -ENOENT, "kinds are apart");
	cr_expect_eq(find(VOCAB_CLASS, ""), -ENOENT);
}

Test(vocab, word_lengths)
{
	char word[VOCAB_WORD_MAX + 2];

	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	cr_expect_eq(vocab_add(vocab, VOCAB_LABEL, word, VOCAB_WORD_MAX), 1);
	cr_expect_eq(strlen(vocab_text(vocab, VOCAB_LABEL, 1)), VOCAB_WORD_MAX);
	cr_expect_eq(vocab_add(vocab, VOCAB_LABEL, word, VOCAB_WORD_MAX + 1), -EINVAL);
	cr_expect_eq(vocab_find(vocab, VOCAB_LABEL, word, VOCAB_WORD_MAX + 1), -ENOENT);
	cr_expect_eq(vocab_add(vocab, VOCAB_LABEL, word, 0), -EINVAL);
	cr_expect_eq(vocab_add(vocab, VOCAB_LABEL, "a\0b", 3), -EINVAL);
	cr_expect_eq(vocab_count(vocab, VOCAB_LABEL), 2);
}

Test(vocab, full_to_the_last_word)
{
	static const unsigned maxima[VOCAB_KIND_COUNT] = {VOCAB_CLASSES_MAX, VOCAB_FAMILIES_MAX,
							  VOCAB_LABELS_MAX, VOCAB_LINKS_MAX,
							  VOCAB_INTERFACES_MAX};
	char word[16];

	for (unsigned i = 0; i < VOCAB_KIND_COUNT; i++) {
		enum vocab_kind kind = (enum vocab_kind)i;

		for (unsigned n = 1; n < maxima[i]; n++) {
			snprintf(word, sizeof(word), "w%u", n);
			cr_assert_eq(add(kind, word), (int)n);
		}
		cr_expect_eq(add(kind, "one more"), -ENOSPC);
		cr_expect_eq(find(kind, "one more"), -ENOENT);
		cr_expect_eq(vocab_count(vocab, kind), maxima[i]);
		for (unsigned n = 1; n < maxima[i]; n++) {
			snprintf(word, sizeof(word), "w%u", n);
			cr_assert_eq(find(kind, word), (int)n);
			cr_assert_str_eq(vocab_text(vocab, kind, n), word);
		}
		cr_expect_eq(add(kind, "w1"), 1, "known words are found in a full kind");
	}
}

Test(vocab, families)
{
	cr_expect_eq(vocab_family_of(vocab, 1), 0);
	vocab_set_family(vocab, 1, 3);
	cr_expect_eq(vocab_family_of(vocab, 1), 3);
	vocab_set_family(vocab, 1, 4);
	cr_expect_eq(vocab_family_of(vocab, 1), 3, "the first statement stands");
	vocab_set_family(vocab, VOCAB_CLASSES_MAX - 1, 5);
	cr_expect_eq(vocab_family_of(vocab, VOCAB_CLASSES_MAX - 1), 5);
	vocab_set_family(vocab, VOCAB_CLASSES_MAX, 5);
	cr_expect_eq(vocab_family_of(vocab, VOCAB_CLASSES_MAX), 0);
}

Test(vocab, out_of_memory)
{
	unsigned failures = 0;
	struct vocab *again;

	for (;; failures++) {
		alloc_fail_after(failures);
		again = vocab_new();
		if (!alloc_has_failed())
			break;
		cr_expect_null(again, "allocation %u", failures);
	}
	cr_expect_eq(failures, 1 + 2 * VOCAB_KIND_COUNT);
	vocab_free(again);
}

static bool is_found(const struct vocab *shared, unsigned id)
{
	char word[16];
	int found;

	snprintf(word, sizeof(word), "w%u", id);
	found = vocab_find(shared, VOCAB_LABEL, word, strlen(word));
	return found == (int)id && strcmp(vocab_text(shared, VOCAB_LABEL, id), word) == 0;
}

/* A reader never sees a number without its word, and never finds one without the other. */
static void *read_words(void *arg)
{
	const struct vocab *shared = arg;
	unsigned count;

	do {
		count = vocab_count(shared, VOCAB_LABEL);
		if (count > 1 && vocab_text(shared, VOCAB_LABEL, count - 1)[0] != 'w')
			return arg;
		if (count > 2 && !is_found(shared, count - 2))
			return arg;
	} while (count < 20000);
	return NULL;
}

Test(vocab, grows_under_a_reader)
{
	pthread_t reader;
	char word[16];
	void *failed;

	cr_assert_eq(pthread_create(&reader, NULL, read_words, vocab), 0);
	for (unsigned n = 1; n < 20000; n++) {
		snprintf(word, sizeof(word), "w%u", n);
		cr_assert_eq(add(VOCAB_LABEL, word), (int)n);
	}
	pthread_join(reader, &failed);
	cr_expect_null(failed);
}
