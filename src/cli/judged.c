/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A slot for each hash, and the newest text in it. What the text is made of is compared whole, so
 * nothing depends on what the classification looks at.
 */
#include "cli/judged.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/sig/sig.h"

#define SLOTS 1024
#define TEXT_MAX 1000 /* a longer one is written each time */

struct slot {
	struct sig sig;
	struct verdict verdict;
	enum match_kind kind;
	float class_prob[VOCAB_CLASSES_MAX];
	uint16_t mtu, len; /* 0: empty */
	char text[TEXT_MAX];
};

struct judged {
	judged_write_fn *write;
	struct slot slots[SLOTS];
};

struct judged *judged_new(judged_write_fn *write)
{
	struct judged *judged = calloc(1, sizeof(*judged));

	if (judged)
		judged->write = write;
	return judged;
}

void judged_free(struct judged *judged)
{
	free(judged);
}

static struct slot *slot_of(struct judged *judged, const struct report *report,
			    const struct sig *sig)
{
	uint64_t seed = (uint64_t)sig->mss << 32 ^ (uint64_t)sig->win << 16 ^ sig->wscale ^
			(uint64_t)sig->quirks << 40;

	return &judged->slots[XXH3_64bits_withSeed(&report->verdict, sizeof(report->verdict),
						   seed) %
			      SLOTS];
}

static bool slot_is(const struct slot *slot, const struct report *report, const struct sig *sig)
{
	return slot->len && slot->mtu == report->link->mtu && slot->kind == report->match->kind &&
	       memcmp(&slot->verdict, &report->verdict, sizeof(slot->verdict)) == 0 &&
	       sig_equal(&slot->sig, sig) &&
	       /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): the same bits, not values */
	       memcmp(slot->class_prob, report->match->class_prob, sizeof(slot->class_prob)) == 0;
}

static void slot_fill(struct slot *slot, const struct report *report, const struct sig *sig,
		      const char *text, size_t len)
{
	slot->sig = *sig;
	slot->verdict = report->verdict;
	slot->kind = report->match->kind;
	slot->mtu = report->link->mtu;
	memcpy(slot->class_prob, report->match->class_prob, sizeof(slot->class_prob));
	memcpy(slot->text, text, len);
	slot->len = (uint16_t)len;
}

void judged_put(struct judged *judged, const struct report *report, const struct vocab *vocab,
		struct text_buf *buf)
{
	size_t start = buf->len;
	struct slot *slot;
	struct sig sig;

	sig_from_syn(report->syn, &sig);
	slot = slot_of(judged, report, &sig);
	if (slot_is(slot, report, &sig)) {
		text_put_len(buf, slot->text, slot->len);
		return;
	}
	judged->write(report, vocab, buf);
	if (!buf->overflow && buf->len - start <= TEXT_MAX)
		slot_fill(slot, report, &sig, buf->data + start, buf->len - start);
}
