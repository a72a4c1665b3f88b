/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a Unix socket, as the kernel saw him connect (unix(7)). */
#ifndef SYNPRINT_CONTROL_PEER_H
#define SYNPRINT_CONTROL_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

/* Whose claims about a client change what is known of it. */
enum peer_claims {
	PEER_CLAIMS_OWN, /* root's, and of the user that synprintd runs as */
	PEER_CLAIMS_GROUP, /* theirs, and those of a group's members */
	PEER_CLAIMS_ALL, /* everybody's who may connect */
};

/** peer_read() - one that cannot be told is nobody, who may ask but not change. */
struct peer peer_read(int fd);

/** peer_is_owner() - root, or the user that this process runs as. */
bool peer_is_owner(const struct peer *peer);

/** peer_may_claim() - @fd: the peer's connection; @group: only with PEER_CLAIMS_GROUP */
bool peer_may_claim(int fd, const struct peer *peer, enum peer_claims claims, gid_t group);

#endif
