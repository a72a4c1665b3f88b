/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers are nft's own (nftables: include/expression.h, src/payload.c, src/hash.c), as its
 * version 1.0.6 writes and reads them.
 */
#include "ruleset/ruleset_udata.h"

#include <linux/netfilter/nf_tables.h>

#define UDATA_BYTES 256

enum { KEY_BYTEORDER_HOST = 1, KEY_BYTEORDER_NONE = 0 };
enum { TYPEOF_EXPR, TYPEOF_DATA }; /* what is in NFTNL_UDATA_SET_KEY_TYPEOF */
enum { EXPR_PAYLOAD = 7, EXPR_CONCAT = 13, EXPR_HASH = 24 };
enum { PAYLOAD_DESC, PAYLOAD_TYPE, PAYLOAD_BASE, PAYLOAD_OFFSET, PAYLOAD_LEN };
enum { HASH_TYPE, HASH_OFFSET, HASH_MODULUS, HASH_SEED, HASH_SEED_SET };

static void put_payload(struct nftnl_udata_buf *buf, const struct field_info *info)
{
	nftnl_udata_put_u32(buf, PAYLOAD_DESC, info->desc);
	nftnl_udata_put_u32(buf, PAYLOAD_TYPE, info->template);
	if (!info->desc) {
		nftnl_udata_put_u32(buf, PAYLOAD_BASE, info->key + 1); /* nft counts from 1 */
		nftnl_udata_put_u32(buf, PAYLOAD_OFFSET, 8 * info->offset);
	}
	if (!info->type_text)
		nftnl_udata_put_u32(buf, PAYLOAD_LEN, 8 * info->len);
}

static void put_hash(struct nftnl_udata_buf *buf, const struct ruleset *ruleset)
{
	nftnl_udata_put_u32(buf, HASH_TYPE, NFT_HASH_SYM);
	nftnl_udata_put_u32(buf, HASH_OFFSET, ruleset->queue_first);
	nftnl_udata_put_u32(buf, HASH_MODULUS, ruleset->queue_count);
	nftnl_udata_put_u32(buf, HASH_SEED, 0);
	nftnl_udata_put_u32(buf, HASH_SEED_SET, 0);
}

static void put_field(struct nftnl_udata_buf *buf, const struct ruleset *ruleset, enum field field)
{
	const struct field_info *info = field_info(field);
	bool is_hash = info->source == FIELD_HASH;
	struct nftnl_udata *data;

	nftnl_udata_put_u32(buf, TYPEOF_EXPR, is_hash ? EXPR_HASH : EXPR_PAYLOAD);
	data = nftnl_udata_nest_start(buf, TYPEOF_DATA);
	if (is_hash)
		put_hash(buf, ruleset);
	else
		put_payload(buf, info);
	nftnl_udata_nest_end(buf, data);
}

static void put_concat(struct nftnl_udata_buf *buf, const struct ruleset *ruleset,
		       const struct rule_key *key)
{
	struct nftnl_udata *data;

	nftnl_udata_put_u32(buf, TYPEOF_EXPR, EXPR_CONCAT);
	data = nftnl_udata_nest_start(buf, TYPEOF_DATA);
	for (unsigned i = 0; i < key->count; i++) {
		struct nftnl_udata *nest = nftnl_udata_nest_start(buf, (uint8_t)i);

		put_field(buf, ruleset, key->fields[i]);
		nftnl_udata_nest_end(buf, nest);
	}
	nftnl_udata_nest_end(buf, data);
}

struct nftnl_udata_buf *ruleset_udata_new(const struct ruleset *ruleset,
					  const struct ruleset_set *set)
{
	struct nftnl_udata_buf *buf = set->is_typeof ? nftnl_udata_buf_alloc(UDATA_BYTES) : NULL;
	struct nftnl_udata *nest;

	if (!buf)
		return NULL;
	nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_KEYBYTEORDER,
			    set->key.count == 1 ? KEY_BYTEORDER_HOST : KEY_BYTEORDER_NONE);
	nest = nftnl_udata_nest_start(buf, NFTNL_UDATA_SET_KEY_TYPEOF);
	if (set->key.count == 1)
		put_field(buf, ruleset, set->key.fields[0]);
	else
		put_concat(buf, ruleset, &set->key);
	nftnl_udata_nest_end(buf, nest);
	return buf;
}

void ruleset_udata_free(struct nftnl_udata_buf *udata)
{
	if (udata)
		nftnl_udata_buf_free(udata);
}
