/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump of rtnetlink's, and what follows from who is a member of whom. */
#include "input/netdevs.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define STEP 64 /* devices that there is room for more */

static int take_kind(const struct nlattr *attr, void *ctx)
{
	struct netdev *device = ctx;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		strncpy(device->kind, mnl_attr_get_str(attr), sizeof(device->kind) - 1);
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attr, void *ctx)
{
	struct netdev *device = ctx;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		strncpy(device->name, mnl_attr_get_str(attr), sizeof(device->name) - 1);
		break;
	case IFLA_MASTER: device->master = mnl_attr_get_u32(attr); break;
	case IFLA_LINKINFO: mnl_attr_parse_nested(attr, take_kind, device); break;
	default: break;
	}
	return MNL_CB_OK;
}

static int take_device(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct netdevs *netdevs = ctx;
	struct netdev *device;

	if (netdevs->count % STEP == 0) {
		struct netdev *list =
			realloc(netdevs->list, (netdevs->count + STEP) * sizeof(*list));

		if (!list)
			return MNL_CB_ERROR;
		netdevs->list = list;
	}
	device = &netdevs->list[netdevs->count++];
	*device = (struct netdev){.index = (unsigned)info->ifi_index};
	mnl_attr_parse(nlh, sizeof(*info), take_attribute, device);
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, struct netdevs *netdevs)
{
	_Alignas(8) char buf[32768]; /* a dump's messages (af_netlink.c: netlink_dump) */
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *family;
	ssize_t len;
	int rc = MNL_CB_OK;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	family = mnl_nlmsg_put_extra_header(nlh, sizeof(*family));
	family->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (rc == MNL_CB_OK) {
		len = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (len < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)len, 1, mnl_socket_get_portid(socket), take_device,
				netdevs);
	}
	return rc < 0 ? -errno : 0;
}

int netdevs_read(struct netdevs *ret_netdevs)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct timeval timeout = {.tv_sec = 1};
	struct netdevs netdevs = {.count = 0};
	int rc;

	if (!socket)
		return -errno;
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	rc = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : ask(socket, &netdevs);
	mnl_socket_close(socket);
	if (rc == 0)
		*ret_netdevs = netdevs;
	else
		netdevs_done(&netdevs);
	return rc;
}

void netdevs_done(struct netdevs *netdevs)
{
	free(netdevs->list);
	*netdevs = (struct netdevs){.count = 0};
}

bool netdevs_matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

static const struct netdev *find(const struct netdevs *netdevs, unsigned index)
{
	for (size_t i = 0; i < netdevs->count; i++)
		if (netdevs->list[i].index == index)
			return &netdevs->list[i];
	return NULL;
}

static const struct netdev *first_member(const struct netdevs *netdevs, unsigned master)
{
	for (size_t i = 0; i < netdevs->count; i++)
		if (netdevs->list[i].master == master)
			return &netdevs->list[i];
	return NULL;
}

static bool is_vrf(const struct netdev *device)
{
	return device && strcmp(device->kind, "vrf") == 0;
}

static enum netdevs_sight sight_of(const struct netdevs *netdevs, const struct netdev *device,
				   const struct netdev **ret_other)
{
	const struct netdev *master = device->master ? find(netdevs, device->master) : NULL;

	*ret_other = NULL;
	if (is_vrf(device)) {
		*ret_other = first_member(netdevs, device->index);
		return NETDEVS_VRF;
	}
	/* A VRF's member is seen by its own name first. */
	if (!master || is_vrf(master))
		return NETDEVS_SEEN;
	*ret_other = master;
	return NETDEVS_MEMBER;
}

enum netdevs_sight netdevs_look(const struct netdevs *netdevs, const char *pattern,
				struct netdev *ret_device, char ret_other[IF_NAMESIZE])
{
	enum netdevs_sight sight = NETDEVS_MISSING;

	for (size_t i = 0; i < netdevs->count && sight != NETDEVS_SEEN; i++) {
		const struct netdev *device = &netdevs->list[i], *other;

		if (!netdevs_matches(pattern, device->name))
			continue;
		sight = sight_of(netdevs, device, &other);
		*ret_device = *device;
		memset(ret_other, 0, IF_NAMESIZE);
		if (other)
			memcpy(ret_other, other->name, IF_NAMESIZE);
	}
	return sight;
}
