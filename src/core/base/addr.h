/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IP address of either version as 16 bytes in network order. IPv4 is kept as
 * ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so every address has one form and the
 * mapped spelling of a client is the same key as its plain one.
 */
#ifndef SYNPRINT_CORE_BASE_ADDR_H
#define SYNPRINT_CORE_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR_TEXT_MAX 46 /* INET6_ADDRSTRLEN, with its terminating NUL */

struct addr {
	uint8_t bytes[16];
};

/** addr_from_v4() - the address of four bytes in network order. */
struct addr addr_from_v4(const uint8_t bytes_be[4]);

/** addr_from_v6() - the address of sixteen bytes in network order. */
struct addr addr_from_v6(const uint8_t bytes_be[16]);

/** addr_is_v4() - true for an IPv4 address, in either spelling. */
bool addr_is_v4(const struct addr *addr);

/** addr_equal() - true where both are the same address. */
bool addr_equal(const struct addr *a, const struct addr *b);

/**
 * addr_mask() - the address with all bits behind the prefix cleared.
 * @prefix_bits: 0 to 32 for IPv4, 0 to 128 for IPv6; more keeps the whole address
 */
struct addr addr_mask(const struct addr *addr, unsigned prefix_bits);

/**
 * addr_network() - the network of an address that one party is taken to hold: the /24 of IPv4, the
 * longest prefix that is routed, and the /48 of IPv6, which is a site (RFC 6177). Who has a site
 * has 65,536 subnets of /64, so these would be no bound.
 */
struct addr addr_network(const struct addr *addr);

/**
 * addr_is_nobodys() - whether no packet on a wire can be a host's with this source: this machine's own
 * (127.0.0.0/8, ::1), "this network" (0.0.0.0/8, ::), multicast and broadcast (RFC 1122 section
 * 3.2.1.3, RFC 4291 section 2.5).
 */
bool addr_is_nobodys(const struct addr *addr);

/**
 * addr_parse() - read an address in dotted or RFC 4291 text.
 * @text: NUL-terminated; "::ffff:192.0.2.1" gives the IPv4 address
 * @ret_addr: untouched on failure
 * Return: 0, or -EINVAL where the text is no address.
 */
int addr_parse(const char *text, struct addr *ret_addr);

/* A network: all addresses that begin with these bits. */
struct addr_net {
	struct addr addr; /* with all other bits cleared */
	uint8_t bits; /* length of the prefix, in the address's own version */
};

/**
 * addr_net_parse() - read a network as text, such as "192.0.2.0/24". Without a length it is one
 * address; bits behind the prefix are cleared.
 * @ret_net: untouched on failure
 * Return: 0, or -EINVAL.
 */
int addr_net_parse(const char *text, struct addr_net *ret_net);

/** addr_net_holds() - true for an address of the network. */
bool addr_net_holds(const struct addr_net *net, const struct addr *addr);

/**
 * addr_format() - write the address as text (RFC 5952 for IPv6), NUL-terminated.
 * @buf: at least ADDR_TEXT_MAX bytes
 * Return: the length without the NUL.
 */
size_t addr_format(const struct addr *addr, char buf[ADDR_TEXT_MAX]);

#endif
