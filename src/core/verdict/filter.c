/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions on verdicts: words are turned into bits once, so that matching is a few ands. */
#include "core/verdict/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(VOCAB_CLASSES_MAX <= 64 && VOCAB_FAMILIES_MAX <= 32, "one bit for each word");

static bool has_bit(const uint64_t *bits, unsigned id)
{
	return bits[id / 64] >> id % 64 & 1;
}

/* Labels that the vocabulary got later than the filter are none of the filter's. */
static bool is_named(const struct filter *filter, const struct verdict *verdict)
{
	if (filter->has_links && !has_bit(filter->links, verdict->link))
		return false;
	return !filter->has_labels ||
	       (verdict->label < filter->label_count && has_bit(filter->labels, verdict->label));
}

/* Who asks for Apple and not for iOS wants to be sure of Apple. */
static unsigned confidence_asked(const struct filter *filter, const struct verdict *verdict)
{
	return filter->families && !filter->classes ? verdict->family_permille
						    : verdict->confidence_permille;
}

bool filter_excepts(const struct filter *filter, const struct addr *addr)
{
	for (unsigned i = 0; i < filter->except_count; i++)
		if (addr_net_holds(&filter->except[i], addr))
			return true;
	return false;
}

bool filter_match(const struct filter *filter, const struct vocab *vocab, const struct addr *addr,
		  const struct verdict *verdict)
{
	if (filter->flags && !(filter->flags & verdict->flags))
		return false;
	if (verdict->grade < filter->min_grade ||
	    confidence_asked(filter, verdict) < filter->min_confidence_permille)
		return false;
	if (filter->classes && !(filter->classes >> verdict->class_id & 1))
		return false;
	if (filter->families &&
	    !(filter->families >> vocab_family_of(vocab, verdict->class_id) & 1))
		return false;
	if (filter->interfaces && !(filter->interfaces >> verdict->interface & 1))
		return false;
	return is_named(filter, verdict) && !filter_excepts(filter, addr) &&
	       (!filter->has_net || addr_net_holds(&filter->net, addr));
}

int filter_add_word(struct filter *filter, const struct vocab *vocab, const char *list,
		    const char *word)
{
	size_t len = strlen(word);
	int id;

	if (strcmp(list, "flags") == 0) {
		unsigned flag = verdict_flag_parse(word, len);

		filter->flags = (uint16_t)(filter->flags | flag);
		return flag ? 0 : -ENOENT;
	}
	if (strcmp(list, "classes") == 0) {
		id = vocab_find(vocab, VOCAB_CLASS, word, len);
		if (id >= 0)
			filter->classes |= UINT64_C(1) << id;
	} else if (strcmp(list, "families") == 0) {
		id = vocab_find(vocab, VOCAB_FAMILY, word, len);
		if (id >= 0)
			filter->families |= UINT32_C(1) << id;
	} else {
		return -EINVAL;
	}
	return id < 0 ? -ENOENT : 0;
}

/* Room for the labels that there are by now. */
static int make_labels(struct filter *filter, const struct vocab *vocab)
{
	unsigned count = vocab_count(vocab, VOCAB_LABEL);

	if (filter->labels)
		return 0;
	filter->labels = calloc(count / 64 + 1, sizeof(*filter->labels));
	if (!filter->labels)
		return -ENOMEM;
	filter->label_count = count;
	filter->has_labels = true;
	return 0;
}

int filter_add_id(struct filter *filter, const struct vocab *vocab, enum vocab_kind kind,
		  unsigned id)
{
	if (kind == VOCAB_LINK) {
		filter->links[id / 64] |= UINT64_C(1) << id % 64;
		filter->has_links = true;
		return 0;
	}
	if (make_labels(filter, vocab) < 0)
		return -ENOMEM;
	if (id < filter->label_count)
		filter->labels[id / 64] |= UINT64_C(1) << id % 64;
	return 0;
}

void filter_add_interface(struct filter *filter, unsigned number)
{
	filter->interfaces = (uint16_t)(filter->interfaces | 1u << number);
}

void filter_clear(struct filter *filter)
{
	free(filter->labels);
	*filter = (struct filter){0};
}

int filter_set_net(struct filter *filter, const char *text)
{
	if (addr_net_parse(text, &filter->net) < 0)
		return -EINVAL;
	filter->has_net = true;
	return 0;
}

int filter_set_grade(struct filter *filter, const char *text)
{
	for (enum link_grade grade = LINK_NONE; grade <= LINK_LIKELY; grade++)
		if (strcmp(text, link_grade_name(grade)) == 0) {
			filter->min_grade = grade;
			return 0;
		}
	return -EINVAL;
}
