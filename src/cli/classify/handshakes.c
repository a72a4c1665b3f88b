/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A place for each hash of a connection, and the newest SYN in it. */
#include "cli/classify/handshakes.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PLACES 32768

struct place {
	struct handshake handshake;
	bool is_there, was_answered;
};

struct handshakes {
	struct place places[PLACES];
};

struct handshakes *handshakes_new(void)
{
	return calloc(1, sizeof(struct handshakes));
}

void handshakes_free(struct handshakes *handshakes)
{
	free(handshakes);
}

static struct place *place_of(struct handshakes *handshakes, const struct addr *client,
			      const struct addr *server, unsigned client_port, unsigned server_port)
{
	struct {
		struct addr client, server;
		uint32_t ports;
	} key = {*client, *server, (uint32_t)client_port << 16 | server_port};

	return &handshakes->places[XXH3_64bits(&key, sizeof(key)) % PLACES];
}

void handshakes_put(struct handshakes *handshakes, const struct syn *syn, uint64_t now_ms)
{
	struct place *place =
		place_of(handshakes, &syn->src, &syn->dst, syn->src_port, syn->dst_port);

	*place = (struct place){.handshake = {.syn = *syn, .now_ms = now_ms}, .is_there = true};
}

static bool is_answered_by(const struct syn *syn, const struct syn *answer)
{
	return addr_equal(&syn->src, &answer->dst) && addr_equal(&syn->dst, &answer->src) &&
	       syn->src_port == answer->dst_port && syn->dst_port == answer->src_port &&
	       answer->ack - syn->seq - 1 <=
		       syn->payload_len; /* with Fast Open, more is acknowledged */
}

const struct handshake *handshakes_take(struct handshakes *handshakes, struct syn *answer)
{
	struct place *place = place_of(handshakes, &answer->dst, &answer->src, answer->dst_port,
				       answer->src_port);
	bool is_first = !place->was_answered;

	if (!place->is_there || !is_answered_by(&place->handshake.syn, answer))
		return NULL;
	answer->offers = syn_offers(&place->handshake.syn) | SYN_OFFER_KNOWN;
	place->was_answered = true;
	return is_first ? &place->handshake : NULL;
}
