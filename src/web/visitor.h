/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom a request is about, and who asks. Headers about somebody else count only from peers whom
 * the configuration trusts, and of those headers the first that is there: what a client adds
 * itself stands behind what the proxy sets.
 */
#ifndef SYNPRINT_WEB_VISITOR_H
#define SYNPRINT_WEB_VISITOR_H

#include "core/base/text.h"
#include "web/request.h"

#define VISITOR_NETS_MAX 32
#define VISITOR_SOURCES_MAX 3

/* What tells the client's address behind a proxy. */
enum visitor_source {
	VISITOR_REAL_IP, /* X-Real-IP, with X-Real-Port */
	VISITOR_FORWARDED_FOR, /* the last hop of X-Forwarded-For, with its port if it has one */
	VISITOR_FORWARDED, /* the last hop of Forwarded, RFC 7239, likewise */
};

struct visitor_trust {
	bool unix_socket; /* whoever may connect there */
	struct addr_net nets[VISITOR_NETS_MAX];
	unsigned net_count;
	enum visitor_source sources[VISITOR_SOURCES_MAX];
	unsigned source_count;
	bool local; /* whoever asks from this machine may see everything */
};

struct visitor {
	bool is_known; /* there is an address */
	bool is_told; /* by a trusted peer */
	bool is_trusted; /* the peer is */
	bool is_local; /* from this machine, for himself */
	struct addr addr;
	uint16_t port; /* 0: not known */
};

/** visitor_find() - @trust: of the configuration. */
void visitor_find(const struct visitor_trust *trust, const struct request *request,
		  struct visitor *ret_visitor);

/**
 * visitor_parse_node() - an address with or without a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1,
 * [2001:db8::1], [2001:db8::1]:80, with blanks around it.
 * @ret_port: 0 where there is none
 * Return: 0 or -EINVAL.
 */
int visitor_parse_node(const char *text, size_t len, struct addr *ret_addr, uint16_t *ret_port);

/** visitor_trust_net() - add an address or a prefix such as 10.0.0.0/8. Return: 0, -EINVAL, -ENOSPC. */
int visitor_trust_net(struct visitor_trust *trust, const char *text);

#endif
