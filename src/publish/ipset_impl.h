/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the target ipset share: ipset_make.c makes the sets, ipset.c fills them. */
#ifndef SYNPRINT_PUBLISH_IPSET_IMPL_H
#define SYNPRINT_PUBLISH_IPSET_IMPL_H

#include <linux/netfilter.h>

#include "nl/ipset.h"
#include "publish/expiry.h"
#include "publish/ipset.h"
#include "publish/setops.h"

#define IPSET_COMMENT_MAX 64 /* of the 255 bytes that ipset takes; labels are shorter */
/* An IPv6 address and a timeout are 36 bytes, a prefix length 8, a comment up to 72. */
#define IPSET_ADT_BYTES (SETOPS_MAX * (36 + 8 + 8 + IPSET_COMMENT_MAX) + NL_MESSAGE_BYTES)

struct ipset {
	struct target target;
	struct nl *nl;
	uint8_t protocol; /* 0: not asked yet */
	bool is_foreign, has_comment;
	unsigned prefix6;
	uint32_t timeout_s, size;
	char names[SETOPS_VERSIONS][IPSET_MAXNAMELEN]; /* "": not published */
	/* Missing, or not as it must be: the other one goes on alone. */
	bool is_out[SETOPS_VERSIONS];
	bool is_made[SETOPS_VERSIONS]; /* by us */
	bool is_stale[SETOPS_VERSIONS]; /* by us, before a reload, and not as it is to be now */
	struct ipset_header headers[SETOPS_VERSIONS]; /* as ensure() found them */
	struct expiry *expiries[SETOPS_VERSIONS]; /* of sets without timeouts */
	struct witnesses witnesses[SETOPS_VERSIONS];
	char target_name[2 * IPSET_MAXNAMELEN + 16];
	_Alignas(8) char message[IPSET_ADT_BYTES];
};

static inline struct ipset *ipset_from_target(struct target *target)
{
	return (struct ipset *)target;
}

static inline uint8_t ipset_family(int version)
{
	return version == SETOPS_V4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

static inline bool ipset_is_published(const struct ipset *set, int version)
{
	return set->names[version][0];
}

/* Begins a message about one set. */
static inline struct nlmsghdr *ipset_start(struct ipset *set, enum ipset_cmd command, int version,
					   uint16_t flags)
{
	return ipset_begin(set->message, set->protocol, command, ipset_family(version),
			   set->names[version], flags);
}

static inline int ipset_send(struct ipset *set, struct nlmsghdr *nlh)
{
	return ipset_request(set->nl, nlh, NULL, NULL);
}

static inline int ipset_know_protocol(struct ipset *set)
{
	return set->protocol ? 0 : ipset_ask_protocol(set->nl, &set->protocol);
}

bool ipset_is_net(const struct ipset_header *header);

/** ipset_check_header() - can the set with this header be ours? Return: 0; -EINVAL and why. */
int ipset_check_header(const struct ipset *set, int version, const struct ipset_header *header,
		       struct text_error *ret_error);

/* As struct target_type's. */
int ipset_ensure(struct target *target, bool *ret_created, struct text_error *ret_error);
void ipset_inherit(struct target *target, const struct target *old);
void ipset_adopt(struct target *target, const struct target *old);
int ipset_remove(struct target *target);

#endif
