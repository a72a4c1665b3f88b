/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of interfaces against the words of conditions, and a small memory of the answers. */
#include "config/ingress.h"

#include <string.h>

int ingress_covers(const char *word, const char *name)
{
	size_t len = strlen(word);

	if (len && word[len - 1] == '*')
		return strncmp(word, name, len - 1) == 0;
	return strcmp(word, name) == 0;
}

/* Of several words the longest, which says most. */
static unsigned find_number(const struct vocab *vocab, const char *name)
{
	unsigned found = 0;
	size_t longest = 0;

	for (unsigned id = 1; id < vocab_count(vocab, VOCAB_INTERFACE); id++) {
		const char *word = vocab_text(vocab, VOCAB_INTERFACE, id);

		if (strlen(word) > longest && ingress_covers(word, name)) {
			found = id;
			longest = strlen(word);
		}
	}
	return found;
}

unsigned ingress_number(struct ingress *ingress, const struct vocab *vocab,
			struct interfaces *interfaces, uint32_t index)
{
	struct ingress_slot *slot = &ingress->slots[index % INGRESS_SLOTS];
	unsigned words = vocab_count(vocab, VOCAB_INTERFACE);
	char name[IF_NAMESIZE];
	uint32_t epoch;

	if (words == 1 || !interfaces || !index)
		return 0;
	epoch = interfaces_epoch(interfaces) * VOCAB_INTERFACES_MAX + words - 1;
	if (slot->index == index && slot->epoch == epoch)
		return slot->number;
	*slot = (struct ingress_slot){.index = index, .epoch = epoch};
	if (interfaces_name(interfaces, index, name) == 0)
		slot->number = find_number(vocab, name);
	return slot->number;
}
