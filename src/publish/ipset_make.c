/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of a pair: found, made, made anew after a reload, and deleted. What is in them is ipset.c's.
 */
#include "publish/ipset_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Every kernel has these, and every ipset(8) lists them: with timeouts, and with comments. */
#define REVISION_IP 0
#define REVISION_NET 1
#define REVISION_IP_COMMENT 2
#define REVISION_NET_COMMENT 4
/*
 * Buckets at the beginning. From the kernel's 1,024 on a set doubles them again and again while it
 * fills, and takes half as many elements a second (Linux 6.18, bench-publish). 2 MiB at the most.
 */
#define ELEMENTS_PER_BUCKET 4
#define BUCKETS_MAX (1u << 18)

static int explain(int rc, struct text_error *ret_error)
{
	const char *what = strerror(-rc);

	if (rc == -EPERM)
		what = "CAP_NET_ADMIN is missing; run as root";
	else if (rc == -EOPNOTSUPP)
		what = "the kernel has no ipset of type " IPSET_TYPE_IP " or " IPSET_TYPE_NET;
	else if (rc == -ENOSPC)
		what = "the kernel has no room for another ipset";
	text_error_set(ret_error, 0, 0, "%s", what);
	return rc;
}

bool ipset_is_net(const struct ipset_header *header)
{
	return strcmp(header->type, IPSET_TYPE_NET) == 0;
}

int ipset_check_header(const struct ipset *set, int version, const struct ipset_header *header,
		       struct text_error *ret_error)
{
	bool is_v4 = version == SETOPS_V4;
	bool needs_net = !is_v4 && set->prefix6 < 128;

	if (header->family == ipset_family(version) &&
	    (ipset_is_net(header) || (!needs_net && strcmp(header->type, IPSET_TYPE_IP) == 0)))
		return 0;
	return text_error_set(ret_error, 0, 0, "ipset %s must be of type %s and family %s",
			      set->names[version],
			      needs_net ? IPSET_TYPE_NET : IPSET_TYPE_IP " or " IPSET_TYPE_NET,
			      is_v4 ? "inet" : "inet6");
}

/* Where the kernel forgets nothing by itself, we have to. */
static int take_header(struct ipset *set, int version, const struct ipset_header *header)
{
	set->headers[version] = *header;
	if (!header->has_timeout && !set->expiries[version])
		set->expiries[version] = expiry_new(set->size);
	return header->has_timeout || set->expiries[version] ? 0 : -ENOMEM;
}

static uint32_t buckets_for(uint32_t size)
{
	uint32_t buckets = size / ELEMENTS_PER_BUCKET;

	return buckets < BUCKETS_MAX ? buckets : BUCKETS_MAX;
}

static bool wants_nets(const struct ipset *set, int version)
{
	return version == SETOPS_V6 && set->prefix6 < 128;
}

static int create(struct ipset *set, int version)
{
	struct nlmsghdr *nlh = ipset_start(set, IPSET_CMD_CREATE, version, NLM_F_ACK | NLM_F_EXCL);
	bool has_nets = wants_nets(set, version);
	struct ipset_header header = {.has_timeout = true, .has_comment = set->has_comment};
	struct nlattr *nest;
	int rc;

	strcpy(header.type, has_nets ? IPSET_TYPE_NET : IPSET_TYPE_IP);
	mnl_attr_put_strz(nlh, IPSET_ATTR_TYPENAME, header.type);
	mnl_attr_put_u8(nlh, IPSET_ATTR_REVISION,
			has_nets ? (header.has_comment ? REVISION_NET_COMMENT : REVISION_NET)
				 : (header.has_comment ? REVISION_IP_COMMENT : REVISION_IP));
	mnl_attr_put_u8(nlh, IPSET_ATTR_FAMILY, ipset_family(version));
	nest = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	ipset_put_u32(nlh, IPSET_ATTR_TIMEOUT, set->timeout_s);
	ipset_put_u32(nlh, IPSET_ATTR_MAXELEM, set->size);
	ipset_put_u32(nlh, IPSET_ATTR_HASHSIZE, buckets_for(set->size));
	if (header.has_comment)
		ipset_put_u32(nlh, IPSET_ATTR_CADT_FLAGS, IPSET_FLAG_WITH_COMMENT);
	mnl_attr_nest_end(nlh, nest);
	rc = ipset_send(set, nlh);
	if (rc < 0)
		return rc;
	__atomic_store_n(&set->is_made[version], true, __ATOMIC_RELAXED);
	return take_header(set, version, &header);
}

static int destroy(struct ipset *set, int version, const char *name)
{
	return ipset_send(set, ipset_begin(set->message, set->protocol, IPSET_CMD_DESTROY,
					   ipset_family(version), name, NLM_F_ACK));
}

/* What rules refer to stays what they refer to, and is of the same type: the new one takes its name. */
static int swap(struct ipset *set, int version, const char *name)
{
	struct nlmsghdr *nlh = ipset_start(set, IPSET_CMD_SWAP, version, NLM_F_ACK);

	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME2, name);
	return ipset_send(set, nlh);
}

/*
 * A set of ours that is to be another: made anew beside the old one, which then goes. One that is to
 * be of another type can only be deleted before, and not while rules refer to it.
 */
static int remake(struct ipset *set, int version, struct text_error *ret_error)
{
	char name[IPSET_MAXNAMELEN], beside[IPSET_MAXNAMELEN];
	int rc;

	memcpy(name, set->names[version], sizeof(name));
	snprintf(beside, sizeof(beside), "%.*s.new", (int)sizeof(beside) - 5, name);
	destroy(set, version, beside);
	memcpy(set->names[version], beside, sizeof(beside));
	rc = create(set, version);
	memcpy(set->names[version], name, sizeof(name));
	if (rc == 0)
		rc = swap(set, version, beside);
	destroy(set, version, beside);
	if (rc < 0 && destroy(set, version, name) == 0)
		rc = create(set, version);
	if (rc == 0) {
		set->is_stale[version] = false;
		return 0;
	}
	text_error_set(ret_error, 0, 0,
		       "ipset %s cannot be made anew as the configuration has it now while rules "
		       "refer to it",
		       name);
	return -EBUSY;
}

static int ensure_set(void *pair, enum setops_version version, bool *is_created,
		      struct text_error *ret_error)
{
	struct ipset *set = pair;
	struct ipset_header header;
	int rc;

	if (!ipset_is_published(set, version))
		return 1;
	rc = ipset_get_header(set->nl, set->protocol, set->names[version], &header);

	if (rc == 0 && set->is_stale[version]) {
		*is_created = true;
		return remake(set, version, ret_error);
	}
	if (rc == 0) {
		rc = ipset_check_header(set, version, &header, ret_error);
		return rc < 0 ? rc : take_header(set, version, &header);
	}
	if (rc == -ENOENT && set->is_foreign) {
		text_error_set(ret_error, 0, 0, "there is no ipset %s", set->names[version]);
		return rc;
	}
	if (rc == -ENOENT) {
		rc = create(set, version);
		*is_created = true;
	}
	return rc < 0 ? explain(rc, ret_error) : 0;
}

int ipset_ensure(struct target *target, bool *ret_created, struct text_error *ret_error)
{
	struct ipset *set = ipset_from_target(target);
	bool is_created = false;
	int rc = ipset_know_protocol(set);

	if (rc < 0)
		return explain(rc, ret_error);
	rc = setops_ensure(ensure_set, set, set->is_out, &is_created, ret_error);
	if (rc == 0)
		*ret_created = is_created;
	return rc;
}

/* Of sets without timeouts, when who is to go out of them. */
static void inherit_expiries(struct ipset *set, const struct ipset *before, int version)
{
	if (before->expiries[version] && !set->expiries[version])
		set->expiries[version] = expiry_share(before->expiries[version]);
}

void ipset_inherit(struct target *target, const struct target *old)
{
	const struct ipset *before = (const struct ipset *)old;
	struct ipset *set = ipset_from_target(target);

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		set->is_made[v] = __atomic_load_n(&before->is_made[v], __ATOMIC_RELAXED);
		set->is_stale[v] =
			set->is_made[v] && (before->is_stale[v] || before->size != set->size ||
					    before->has_comment != set->has_comment ||
					    wants_nets(before, v) != wants_nets(set, v) ||
					    before->prefix6 != set->prefix6);
		inherit_expiries(set, before, v);
	}
}

void ipset_adopt(struct target *target, const struct target *old)
{
	const struct ipset *before = (const struct ipset *)old;
	struct ipset *set = ipset_from_target(target);

	for (int v = 0; v < SETOPS_VERSIONS; v++)
		if (before->is_made[v])
			__atomic_store_n(&set->is_made[v], true, __ATOMIC_RELAXED);
}

int ipset_remove(struct target *target)
{
	struct ipset *set = ipset_from_target(target);
	int first_rc = 0;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		int rc;

		if (!set->is_made[v])
			continue;
		rc = ipset_send(set, ipset_start(set, IPSET_CMD_DESTROY, v, NLM_F_ACK));
		if (rc == 0 || rc == -ENOENT)
			set->is_made[v] = false;
		else if (rc != -EBUSY && first_rc == 0)
			first_rc = rc;
	}
	return first_rc;
}
