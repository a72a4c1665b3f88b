/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire protocol of ipsets: messages, their errors, and what a set is. What is in a set is the
 * business of whoever fills it.
 */
#ifndef SYNPRINT_NL_IPSET_H
#define SYNPRINT_NL_IPSET_H

#include <linux/netfilter/ipset/ip_set.h>

#include "nl/nl.h"

#define IPSET_TYPE_IP "hash:ip"
#define IPSET_TYPE_NET "hash:net"

/* What the kernel says of a set, as far as it says how to fill it. */
struct ipset_header {
	char type[IPSET_MAXNAMELEN];
	uint8_t family;
	bool has_timeout, has_comment;
};

/**
 * ipset_begin() - a message to the kernel.
 * @buf: of NL_MESSAGE_BYTES at least, aligned to 8
 * @protocol: of ipset_ask_protocol(), or IPSET_PROTOCOL_MIN
 * @name: of the set it is about; NULL: none
 */
struct nlmsghdr *ipset_begin(void *buf, uint8_t protocol, enum ipset_cmd command, uint8_t family,
			     const char *name, uint16_t flags);

/** ipset_put_u32() - an attribute in network byte order. @value: in the machine's */
void ipset_put_u32(struct nlmsghdr *nlh, int type, uint32_t value);

/** ipset_put_address() - the attribute of an address. @len: 4 or 16 bytes */
void ipset_put_address(struct nlmsghdr *nlh, const uint8_t *bytes, size_t len);

/**
 * ipset_request() - as nl_request(), with ipset's own errors as errno values.
 * Return: 0; -ENOSPC: the hash set is full, or there are too many sets; -ENOENT: no such set, or no such
 * element in it; -EBUSY: something refers to it; -EOPNOTSUPP; -EPROTO: another of its errors; -EPERM;
 * -errno.
 */
int ipset_request(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *ctx);

/**
 * ipset_ask_protocol() - the newest protocol that both the kernel and we speak.
 * Return: 0; -EOPNOTSUPP: no ipset in this kernel, or one of another age; -errno.
 */
int ipset_ask_protocol(struct nl *nl, uint8_t *ret_protocol);

/** ipset_get_header() - what a set is. Return: as ipset_request(). */
int ipset_get_header(struct nl *nl, uint8_t protocol, const char *name,
		     struct ipset_header *ret_header);

/**
 * ipset_list_elements() - call @fn for each address of a set, and for the first one of each prefix.
 * @fn: @bytes in network order, 4 or 16 of them
 * Return: as ipset_request().
 */
int ipset_list_elements(struct nl *nl, uint8_t protocol, const char *name,
			void (*fn)(const uint8_t *bytes, size_t len, void *ctx), void *ctx);

#endif
