/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end, and what is believed of him. */
#include <criterion/criterion.h>
#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/peer.h"

Test(peer, is_read_from_the_socket)
{
	struct peer peer;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer = peer_read(fds[0]);
	cr_expect_eq(peer.uid, geteuid());
	cr_expect_eq(peer.gid, getegid());
	cr_expect_eq(peer.pid, getpid());
	cr_assert_eq(pipe(fds), 0);
	peer = peer_read(fds[0]);
	cr_expect_eq(peer.uid, (uid_t)-1, "of no socket nothing is known");
	cr_expect_eq(peer.gid, (gid_t)-1);
}

Test(peer, owners)
{
	cr_expect(peer_is_owner(&(struct peer){.uid = 0}));
	cr_expect(peer_is_owner(&(struct peer){.uid = geteuid()}));
	cr_expect_not(peer_is_owner(&(struct peer){.uid = geteuid() + 4321}));
	cr_expect_not(peer_is_owner(&(struct peer){.uid = (uid_t)-1}));
}

Test(peer, claims)
{
	const struct peer root = {.uid = 0, .gid = 0}, other = {.uid = 4321, .gid = 4321};
	const gid_t groups[] = {5001, 5002, 5003};
	int fds[2], pipes[2];

	if (geteuid() != 0)
		cr_skip_test("needs root, to be of other groups");
	cr_assert_eq(setgroups(3, groups), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	cr_assert_eq(pipe(pipes), 0);
	cr_expect(peer_may_claim(fds[0], &other, PEER_CLAIMS_ALL, 1));
	cr_expect(peer_may_claim(fds[0], &root, PEER_CLAIMS_OWN, 1));
	cr_expect(peer_may_claim(fds[0], &root, PEER_CLAIMS_GROUP, 1));
	cr_expect_not(peer_may_claim(fds[0], &other, PEER_CLAIMS_OWN, 4321));
	cr_expect(peer_may_claim(fds[0], &other, PEER_CLAIMS_GROUP, 4321), "his own group");
	cr_expect_not(peer_may_claim(fds[0], &other, PEER_CLAIMS_GROUP, 4322));
	for (unsigned i = 0; i < 3; i++)
		cr_expect(peer_may_claim(fds[0], &other, PEER_CLAIMS_GROUP, groups[i]), "group %u",
			  i);
	cr_expect_not(peer_may_claim(fds[0], &other, PEER_CLAIMS_GROUP, 5004));
	cr_expect_not(peer_may_claim(pipes[0], &other, PEER_CLAIMS_GROUP, 5001));
}
