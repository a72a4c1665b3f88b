/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network devices of this namespace, and whether packets come in under a name: rules see a bridge
 * and not its members, and a VRF's members and not the VRF.
 */
#ifndef SYNPRINT_INPUT_NETDEVS_H
#define SYNPRINT_INPUT_NETDEVS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

struct netdev {
	unsigned index, master; /* master: the index of what it is a member of; 0: of nothing */
	char name[IF_NAMESIZE];
	char kind[16]; /* rtnetlink's: "bridge", "vrf", ...; "": none */
};

struct netdevs {
	size_t count;
	struct netdev *list;
};

/** netdevs_read() - all there are now. @ret_netdevs: to be given back. Return: 0 or -errno. */
int netdevs_read(struct netdevs *ret_netdevs);
void netdevs_done(struct netdevs *netdevs);

/** netdevs_matches() - whether a name is meant. @pattern: a name; a trailing '*' stands for any rest */
bool netdevs_matches(const char *pattern, const char *name);

enum netdevs_sight {
	NETDEVS_SEEN, /* packets come in under such a name */
	NETDEVS_MISSING, /* there is none */
	NETDEVS_MEMBER, /* of a bridge, a bond or the like, which is seen in its place */
	NETDEVS_VRF, /* its members are seen in its place */
};

/**
 * netdevs_look() - what becomes of packets from the devices that a pattern means.
 * @ret_device: what was found, where it is not seen
 * @ret_other: the name to use instead; "": none
 */
enum netdevs_sight netdevs_look(const struct netdevs *netdevs, const char *pattern,
				struct netdev *ret_device, char ret_other[IF_NAMESIZE]);

#endif
