/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A conversation with the kernel's nfnetlink: requests with acknowledgement, and dumps. Every
 * wait for an answer is bounded, and an answer to an older request is never taken for the one
 * awaited. A connection belongs to one thread at a time.
 */
#ifndef SYNPRINT_NL_NL_H
#define SYNPRINT_NL_NL_H

#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

#define NL_MESSAGE_BYTES 1024 /* names have at most 255 bytes (nf_tables.h: NFT_NAME_MAXLEN) */

struct nl;

/** nl_open() - a netfilter netlink socket; needs no privileges yet. Return: 0 or -errno. */
int nl_open(struct nl **ret_nl);

/** nl_close() - it may be kept for the next nl_open(). NULL is allowed. */
void nl_close(struct nl *nl);

/**
 * nl_header() - begin a nfnetlink message.
 * @buf: the caller's, aligned to 4 bytes; NL_MESSAGE_BYTES hold a message with two names and a few numbers
 * @type: subsystem << 8 | message
 * @flags: beside NLM_F_REQUEST
 */
struct nlmsghdr *nl_header(void *buf, uint16_t type, uint8_t family, uint16_t flags);

/**
 * nl_request() - send one message and run @cb for each message of the answer.
 * @nlh: with NLM_F_ACK or NLM_F_DUMP among its flags; gets its sequence number here
 * @cb: as libmnl's, or NULL; an error of it does not end the conversation
 * Return: 0; the kernel's -errno (an ipset's may be above 4096: enum ipset_errno); -ETIMEDOUT;
 * -errno of the socket or of @cb.
 */
int nl_request(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *ctx);

/** nl_next_seq() - a sequence number that no earlier message of the connection had. */
uint32_t nl_next_seq(struct nl *nl);

/**
 * nl_send_batch() - send messages that have their numbers, and wait for the last one's answer.
 * A failure in answer to the first one ends it too: the batch was refused as a whole.
 * @ret_failed_seq: the first message that failed, on failure only; may be NULL
 * Return: 0, the first failure's -errno, -ETIMEDOUT, or -errno of the socket.
 */
int nl_send_batch(struct nl *nl, const void *buf, size_t len, uint32_t first_seq, uint32_t last_seq,
		  uint32_t *ret_failed_seq);

#endif
