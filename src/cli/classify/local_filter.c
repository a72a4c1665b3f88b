/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words into the core's filter; labels are patterns, as in publish rules. */
#include "cli/classify/local_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "cli/filters.h"

int local_filter_add(struct local_filter *words, int option, const char *value)
{
	if (words->count == LOCAL_FILTER_MAX)
		return -E2BIG;
	words->words[words->count].option = option;
	words->words[words->count++].value = value;
	return 0;
}

static int add_labels(struct filter *filter, const struct vocab *vocab, const char *pattern)
{
	int r = -ENOENT;

	for (unsigned id = 0; id < vocab_count(vocab, VOCAB_LABEL); id++) {
		if (fnmatch(pattern, vocab_text(vocab, VOCAB_LABEL, id), 0) != 0)
			continue;
		r = filter_add_id(filter, vocab, VOCAB_LABEL, id);
		if (r < 0)
			return r;
	}
	return r;
}

static int set_confidence(struct filter *filter, const char *value)
{
	char *end;
	double number = strtod(value, &end);

	if (end == value || *end || !(number >= 0 && number <= 1))
		return -EINVAL;
	filter->min_confidence_permille = (uint16_t)(number * 1000 + 0.5);
	return 0;
}

static int apply(struct filter *filter, const struct vocab *vocab, int option, const char *value)
{
	switch (option) {
	case FILTER_OPT_FLAG: return filter_add_word(filter, vocab, "flags", value);
	case FILTER_OPT_CLASS: return filter_add_word(filter, vocab, "classes", value);
	case FILTER_OPT_FAMILY: return filter_add_word(filter, vocab, "families", value);
	case FILTER_OPT_MIN_CONFIDENCE: return set_confidence(filter, value);
	case FILTER_OPT_GRADE: return filter_set_grade(filter, value);
	case FILTER_OPT_NET: return filter_set_net(filter, value);
	default: return add_labels(filter, vocab, value);
	}
}

int local_filter_make(const struct local_filter *words, const struct vocab *vocab,
		      struct filter *ret_filter, const char **ret_value)
{
	struct filter filter = {0};
	int r = 0;

	for (unsigned i = 0; r == 0 && i < words->count; i++) {
		*ret_value = words->words[i].value;
		r = apply(&filter, vocab, words->words[i].option, words->words[i].value);
	}
	if (r < 0)
		filter_clear(&filter);
	else
		*ret_filter = filter;
	return r;
}
