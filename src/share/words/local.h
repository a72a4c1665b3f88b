/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of our own clients the others are told of: an event of synprintd against the publish rules.
 * Pure.
 */
#ifndef SYNPRINT_SHARE_WORDS_LOCAL_H
#define SYNPRINT_SHARE_WORDS_LOCAL_H

#include "share/words/message.h"

/* Which clients: whom of ours the others are told, or a sink. */
struct local_rule {
	unsigned flags; /* enum verdict_flag, or-ed: one is enough; 0: everybody */
	uint16_t min_permille; /* confidence of the class */
	bool is_served; /* only after a handshake has confirmed the address */
	uint32_t expiry_s; /* without another event */
};

struct cJSON;

enum local_answer {
	LOCAL_NOTHING, /* says nothing about an address */
	LOCAL_TELL, /* the others are to know it */
	LOCAL_TAKE_BACK, /* it meets no rule now */
};

/**
 * local_judge() - what an event means under some rules, of which one is enough.
 * @event: the JSON object of synprint-control(7)
 * @ret_suspect: address, flags, label and confidence; unless LOCAL_NOTHING
 * @ret_expiry_s: with LOCAL_TELL, the longest of the rules that it meets
 */
enum local_answer local_judge(const struct local_rule *rules, unsigned count,
			      const struct cJSON *event, struct message *ret_suspect,
			      uint32_t *ret_expiry_s);

/** local_put_flags() - the member "flags" of a filter that lets all of them through, with a comma before it. */
void local_put_flags(const struct local_rule *rules, unsigned count, struct text_buf *out);

/**
 * local_subscription() - the members of a subscription that sees them.
 * @syns: every SYN, which keeps what is known from expiring
 * @out: at least 512 bytes
 */
void local_subscription(const struct local_rule *rules, unsigned count, bool syns,
			struct text_buf *out);

#endif
