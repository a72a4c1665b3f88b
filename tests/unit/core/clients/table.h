/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of clients with a few words in its vocabulary, and SYNs for it. */
#ifndef SYNPRINT_TESTS_UNIT_CORE_CLIENTS_TABLE_H
#define SYNPRINT_TESTS_UNIT_CORE_CLIENTS_TABLE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "alloc.h"
#include "core/clients/client_table.h"
#include "numbered.h"

#define NOW_MS UINT64_C(1700000000000)

static struct vocab *vocab;
static unsigned class_linux, class_windows;

static inline void setup(void)
{
	unsigned unix_family, other_family;

	vocab = vocab_new();
	class_linux = (unsigned)vocab_add(vocab, VOCAB_CLASS, "Linux", 5);
	class_windows = (unsigned)vocab_add(vocab, VOCAB_CLASS, "Windows", 7);
	unix_family = (unsigned)vocab_add(vocab, VOCAB_FAMILY, "Linux", 5);
	other_family = (unsigned)vocab_add(vocab, VOCAB_FAMILY, "Windows", 7);
	vocab_set_family(vocab, class_linux, unix_family);
	vocab_set_family(vocab, class_windows, other_family);
}

static inline void teardown(void)
{
	vocab_free(vocab);
}

static inline struct clients *make(size_t capacity, unsigned v6_prefix_bits)
{
	struct clients_params params = {.capacity = capacity,
					.recent = 256,
					.seed = 42,
					.v6_prefix_bits = v6_prefix_bits,
					.refresh_s = 10,
					.vocab = vocab};
	struct clients *clients = clients_new(&params);

	cr_assert_not_null(clients);
	return clients;
}

static inline struct syn syn_from(struct addr src, uint16_t port, uint32_t seq)
{
	struct syn syn = {.src = src,
			  .src_port = port,
			  .dst_port = 443,
			  .seq = seq,
			  .ip_version = 4};

	return syn;
}

static inline struct verdict verdict_of(unsigned class_id, unsigned flags)
{
	struct verdict verdict = {.class_id = class_id & 0x3fu,
				  .flags = flags & VERDICT_FLAGS_MASK,
				  .confidence_permille = 950,
				  .family_permille = 950};

	return verdict;
}

static inline struct change observe(struct clients *clients, uint64_t now_ms, struct syn syn,
				    struct verdict verdict)
{
	struct client_key key;
	struct change change;

	clients_locate(clients, &syn, &key);
	clients_prefetch(clients, &key);
	clients_observe(clients, &key, now_ms, &syn, &verdict, &change);
	return change;
}

/* The server has answered it, too. */
static inline struct change converse(struct clients *clients, uint64_t now_ms, struct syn syn,
				     struct verdict verdict)
{
	struct change change = observe(clients, now_ms, syn, verdict);
	struct client_handshake handshake = {.client = syn.src,
					     .server = syn.dst,
					     .client_port = syn.src_port,
					     .server_port = syn.dst_port};
	struct client_confirmed confirmed;

	cr_assert_eq(clients_confirm(clients, &handshake, (uint32_t)(now_ms / 1000), &confirmed),
		     0);
	return change;
}

static inline int find(struct clients *clients, uint32_t number, struct client *ret_client)
{
	struct addr addr = numbered(number);

	return clients_get(clients, &addr, ret_client);
}

#endif
