/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs that the benchmarks make: the shapes of a few usual systems, a tunnel, a scanner and an
 * unknown, with addresses, ports and sequence numbers counted up. The same numbers always give
 * the same bytes.
 */
#ifndef SYNPRINT_BENCH_SYNS_H
#define SYNPRINT_BENCH_SYNS_H

#include <stdint.h>

#define SYNS_KINDS 8 /* the last one is IPv6 */
#define SYNS_BYTES_MAX 100
#define SYNS_SUBNETS                                                                               \
	0x100 /* added to a kind of IPv6: each client is in a /64 of its own, anywhere in a /32 */

/**
 * syns_make() - a SYN with right checksums.
 * @kind: below SYNS_KINDS; 0 is a usual Linux; with SYNS_SUBNETS
 * @src: the client, as a number that is added to 10.0.0.0 or 2001:db8::
 * @number: gives port and sequence number, so that no two SYNs are a retransmission
 * @buf: SYNS_BYTES_MAX bytes
 * Return: its length.
 */
unsigned syns_make(unsigned kind, uint32_t src, uint32_t number, uint8_t *buf);

#endif
