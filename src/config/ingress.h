/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the interfaces that conditions name a packet came in by, as its number in the
 * vocabulary. Each worker remembers the few that it sees.
 */
#ifndef SYNPRINT_CONFIG_INGRESS_H
#define SYNPRINT_CONFIG_INGRESS_H

#include "input/interfaces.h"
#include "core/base/vocab.h"

#define INGRESS_SLOTS 16

struct ingress {
	struct ingress_slot {
		uint32_t index, epoch;
		unsigned number;
	} slots[INGRESS_SLOTS];
};

/**
 * ingress_number() - VOCAB_INTERFACE; 0 for an interface that no condition names.
 * @ingress: the calling thread's own, zeroed at first
 * @interfaces: NULL where names cannot be had
 */
unsigned ingress_number(struct ingress *ingress, const struct vocab *vocab,
			struct interfaces *interfaces, uint32_t index);

/** ingress_covers() - true where a word, "eth0" or "wg*", stands for another one or for a name. */
int ingress_covers(const char *word, const char *name);

#endif
