/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the control socket, one function each, and what several of them share. */
#ifndef SYNPRINT_DAEMON_ANSWERS_ANSWERS_OPS_H
#define SYNPRINT_DAEMON_ANSWERS_ANSWERS_OPS_H

#include "core/report/report.h"
#include "daemon/answers/answers.h"

/* An operation puts its whole reply, or an error. */
typedef void answers_op(struct answers *answers, const struct proto_request *req,
			struct text_buf *reply);

answers_op answers_verdict, answers_explain, answers_clients, answers_forget, answers_unknown,
	answers_learn, answers_baseline, answers_report;

/* One connection of a client with everything that can still be said about it. */
struct details {
	struct syn syn;
	struct match match;
	struct link link;
	struct report report; /* points into the others as far as they are known */
	bool is_exact; /* it has the port that was asked for */
	bool has_clocks; /* connections of the client were measured; clocks is what they say */
	struct evidence clocks;
};

/**
 * details_find() - the connection that a request is about, and the client. Where it is not known,
 * the reply says so and is complete; else its members "found", "exact", "confirmed", "newer_differs"
 * and, where it has to be there, "unconfirmable" are put. With port 0, or one of which nothing is remembered, it is the
 * connection that stands for the client.
 * Return: 0 or -ENOENT.
 */
int details_find(const struct answers *answers, const struct proto_request *req,
		 struct client *ret_client, struct details *ret_details, struct text_buf *reply);

/** details_judge() - match and link of details->syn, and the report points to all three. */
void details_judge(const struct answers *answers, struct details *details);

/**
 * details_is_disputed() - several SYNs from the port are remembered, and none of them is confirmed:
 * a stranger may have sent the one that is found by it.
 */
bool details_is_disputed(const struct client *client, uint16_t port);

/** details_put_client() - the members of one listed client, without a SYN, in braces. */
void details_put_client(const struct answers *answers, const struct client *client,
			struct text_buf *reply);

/** details_put_history() - the member "client", with a comma before it. */
void details_put_history(const struct client *client, struct text_buf *reply);

/** details_put_clocks() - the member "clocks", with a comma before it, where connections are measured. */
void details_put_clocks(const struct answers *answers, const struct details *details,
			struct text_buf *reply);

/** answers_put_pair() - what @req->also adds, as the member "pair" with a comma before it. */
void answers_put_pair(const struct answers *answers, const struct proto_request *req,
		      struct text_buf *reply);

/** details_put_reported() - what other gateways say of it, as the member "reported"; nothing: nothing. */
void details_put_reported(const struct answers *answers, const struct addr *addr,
			  struct text_buf *reply);

static inline const struct generation *answers_generation(const struct answers *answers)
{
	return *answers->generation;
}

#endif
