/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One NFQUEUE of the kernel, read and answered by one thread. Packets come in bursts; the only
 * answer there is to give is NF_ACCEPT for the whole burst. Whatever goes wrong, the kernel is
 * asked to let packets pass: fail-open on a full queue, no error on a full socket buffer.
 */
#ifndef SYNPRINT_INPUT_NFQUEUE_H
#define SYNPRINT_INPUT_NFQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

#define NFQUEUE_BURST_MAX 64

struct nfqueue;

struct nfqueue_params {
	uint16_t queue; /* number, 0 to 65535 */
	uint32_t length; /* packets that wait in the kernel at the most */
	uint32_t receive_buffer; /* bytes */
};

struct nfqueue_packet {
	const uint8_t *
		data; /* the first bytes of the packet from its IP header on; valid until the next receive */
	size_t len;
	uint32_t place; /* among those that wait for their verdict */
	uint32_t mark; /* as the rules before us have set it */
	uint32_t in_ifindex; /* 0: it came in nowhere */
	bool needs_sum; /* nobody has verified its checksum yet; else a device has, or will make it */
};

/**
 * nfqueue_open() - bind to a queue.
 * @ret_error: on failure says in words what to do; tells a queue that another program reads
 * from a missing CAP_NET_ADMIN, for which the kernel has the same EPERM
 * Return: 0, -EBUSY (another program's queue), -EPERM (no privileges), or another -errno.
 */
int nfqueue_open(const struct nfqueue_params *params, struct text_error *ret_error,
		 struct nfqueue **ret_nfq);

/** nfqueue_close() - unbind; what is still held is dropped by the kernel, so drain first. NULL is allowed. */
void nfqueue_close(struct nfqueue *nfq);

/**
 * nfqueue_receive() - wait for packets and take up to NFQUEUE_BURST_MAX of them.
 * @timeout_ms: how long to wait for the first; -1: until there is one, or somebody wakes us
 * @ret_packets: NFQUEUE_BURST_MAX entries
 * Return: the number of packets, 0 on timeout, -errno on a failure of the socket.
 */
int nfqueue_receive(struct nfqueue *nfq, int timeout_ms, struct nfqueue_packet *ret_packets);

/** nfqueue_set_length() - from now on, how many packets wait in the kernel at the most. Return: 0 or -errno. */
int nfqueue_set_length(struct nfqueue *nfq, uint32_t length);

/** nfqueue_is_dry() - whether the queue was empty just before or just behind the last receive. */
bool nfqueue_is_dry(const struct nfqueue *nfq);

/** nfqueue_wake() - end the wait without a timeout in nfqueue_receive(), or the next. Any thread may. */
void nfqueue_wake(struct nfqueue *nfq);

/**
 * nfqueue_mark() - this packet of the last receive is to go on with a mark of its own. The mark is
 * metadata: no byte of the packet changes.
 */
void nfqueue_mark(struct nfqueue *nfq, const struct nfqueue_packet *packet, uint32_t mark);

/**
 * nfqueue_accept() - nf_verdict NF_ACCEPT for all that was received so far: one batch verdict for
 * each run of packets that go on with the same mark.
 * Return: 0, or -errno; the packets then wait for the next call, which covers them too.
 */
int nfqueue_accept(struct nfqueue *nfq);

/** nfqueue_must_accept() - true while something received has not been accepted. */
bool nfqueue_must_accept(const struct nfqueue *nfq);

#endif
