/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user of a connection is asked of the kernel once; the groups only where a right hangs on one. */
#include "control/peer.h"

#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS_HERE 1024 /* who has more is not believed */

struct peer peer_read(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (struct peer){.uid = (uid_t)-1, .gid = (gid_t)-1};
	return (struct peer){.uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
}

bool peer_is_owner(const struct peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}

static bool has_group(int fd, const struct peer *peer, gid_t group)
{
	gid_t groups[GROUPS_HERE];
	socklen_t len = sizeof(groups);

	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool peer_may_claim(int fd, const struct peer *peer, enum peer_claims claims, gid_t group)
{
	switch (claims) {
	case PEER_CLAIMS_OWN: return peer_is_owner(peer);
	case PEER_CLAIMS_GROUP: return peer_is_owner(peer) || has_group(fd, peer, group);
	case PEER_CLAIMS_ALL: return true;
	}
	return false;
}
