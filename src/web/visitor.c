/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses out of proxies' headers, and out of the connection where no proxy is trusted. */
#include "web/visitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NODE_MAX 80 /* the longest address in brackets, with its port */

static int parse_port(const char *text, uint16_t *ret_port)
{
	size_t digits = strspn(text, "0123456789");
	long port = digits && digits <= 5 ? atol(text) : 0;

	if (text[digits] || port < 1 || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Caddy names the interface of a link-local client, as in fe80::1%eth0; synprintd knows none. */
static void cut_zone(char *node)
{
	char *colon = strchr(node, ':'), *zone = strchr(node, '%');
	const char *after = zone ? strchr(zone, ']') : NULL;

	if (!zone || !colon || colon > zone)
		return;
	if (after)
		memmove(zone, after, strlen(after) + 1);
	else
		*zone = '\0';
}

/* @node: without blanks around it; is changed. */
static int split_node(char *node, const char **ret_addr, const char **ret_port)
{
	char *colon = strchr(node, ':');

	*ret_addr = node;
	*ret_port = NULL;
	if (*node == '[') {
		char *end = strchr(node, ']');

		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		*ret_port = end[1] ? end + 2 : NULL;
		*ret_addr = node + 1;
		*end = '\0';
	} else if (colon && !strchr(colon + 1, ':')) {
		*ret_port = colon + 1;
		*colon = '\0';
	}
	return 0;
}

int visitor_parse_node(const char *text, size_t len, struct addr *ret_addr, uint16_t *ret_port)
{
	char node[NODE_MAX];
	const char *address, *port_text;
	struct addr addr;
	uint16_t port = 0;

	while (len && is_blank(*text)) {
		text++;
		len--;
	}
	while (len && is_blank(text[len - 1]))
		len--;
	if (!len || len >= sizeof(node) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(node, text, len);
	node[len] = '\0';
	cut_zone(node);
	if (split_node(node, &address, &port_text) < 0 || addr_parse(address, &addr) < 0 ||
	    (port_text && parse_port(port_text, &port) < 0))
		return -EINVAL;
	*ret_addr = addr;
	*ret_port = port;
	return 0;
}

int visitor_trust_net(struct visitor_trust *trust, const char *text)
{
	if (trust->net_count == VISITOR_NETS_MAX)
		return -ENOSPC;
	if (addr_net_parse(text, &trust->nets[trust->net_count]) < 0)
		return -EINVAL;
	trust->net_count++;
	return 0;
}

static bool is_trusted(const struct visitor_trust *trust, const struct request_peer *peer)
{
	if (peer->is_unix)
		return trust->unix_socket;
	for (unsigned i = 0; i < trust->net_count; i++)
		if (addr_net_holds(&trust->nets[i], &peer->addr))
			return true;
	return false;
}

static const char *last_hop(const char *list)
{
	const char *comma = strrchr(list, ',');

	return comma ? comma + 1 : list;
}

/* The value of `for` in one hop of Forwarded: for=192.0.2.1;proto=https, or for="[2001:db8::1]:80". */
static int parse_forwarded(const char *hop, struct addr *ret_addr, uint16_t *ret_port)
{
	while (*hop) {
		size_t len;

		hop += strspn(hop, " \t;");
		if (strncasecmp(hop, "for=", 4) != 0) {
			hop += strcspn(hop, ";");
			continue;
		}
		hop += 4;
		if (*hop != '"')
			return visitor_parse_node(hop, strcspn(hop, "; \t"), ret_addr, ret_port);
		len = strcspn(hop + 1, "\"");
		return hop[1 + len] ? visitor_parse_node(hop + 1, len, ret_addr, ret_port)
				    : -EINVAL;
	}
	return -EINVAL;
}

static int parse_real_ip(const struct request *request, struct addr *ret_addr, uint16_t *ret_port)
{
	const char *text = request->headers[REQUEST_REAL_IP];
	const char *port = request->headers[REQUEST_REAL_PORT];
	int rc = visitor_parse_node(text, strlen(text), ret_addr, ret_port);

	return rc == 0 && port ? parse_port(port, ret_port) : rc;
}

/* Return: 1: the header is there; 0: it is not; -EINVAL: it makes no sense. */
static int read_source(enum visitor_source source, const struct request *request,
		       struct visitor *visitor)
{
	const char *list = request->headers[REQUEST_FORWARDED_FOR];
	const char *forwarded = request->headers[REQUEST_FORWARDED];
	int rc = 0;

	switch (source) {
	case VISITOR_REAL_IP:
		if (!request->headers[REQUEST_REAL_IP])
			return 0;
		rc = parse_real_ip(request, &visitor->addr, &visitor->port);
		break;
	case VISITOR_FORWARDED_FOR:
		if (!list)
			return 0;
		list = last_hop(list);
		rc = visitor_parse_node(list, strlen(list), &visitor->addr, &visitor->port);
		break;
	case VISITOR_FORWARDED:
		if (!forwarded)
			return 0;
		rc = parse_forwarded(last_hop(forwarded), &visitor->addr, &visitor->port);
		break;
	}
	return rc < 0 ? rc : 1;
}

static bool is_loopback(const struct addr *addr)
{
	static const struct addr v6 = {{[15] = 1}};

	return addr_is_v4(addr) ? addr->bytes[12] == 127 : addr_equal(addr, &v6);
}

/* A page of somebody else's that has our address in its DNS names another host (DNS rebinding). */
static bool names_loopback(const char *host)
{
	struct addr addr;
	uint16_t port;
	size_t name = host ? strcspn(host, ":") : 0;

	if (name == 9 && strncasecmp(host, "localhost", 9) == 0)
		return true;
	return host && visitor_parse_node(host, strlen(host), &addr, &port) == 0 &&
	       is_loopback(&addr);
}

/* Nothing about it says that a proxy passes somebody else's request on; HTTP/1.0 is nginx's. */
static bool is_own(const struct request *request)
{
	static const enum request_header signs[] = {REQUEST_REAL_IP,
						    REQUEST_REAL_PORT,
						    REQUEST_FORWARDED_FOR,
						    REQUEST_FORWARDED,
						    REQUEST_FORWARDED_HOST,
						    REQUEST_FORWARDED_PROTO,
						    REQUEST_VIA};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (request->headers[signs[i]])
			return false;
	return request->peer.is_unix || (is_loopback(&request->peer.addr) && request->is_http11 &&
					 names_loopback(request->headers[REQUEST_HOST]));
}

void visitor_find(const struct visitor_trust *trust, const struct request *request,
		  struct visitor *ret_visitor)
{
	struct visitor found = {.is_trusted = is_trusted(trust, &request->peer)};
	int rc = 0;

	found.is_local = trust->local && is_own(request);
	for (unsigned i = 0; found.is_trusted && rc == 0 && i < trust->source_count; i++)
		rc = read_source(trust->sources[i], request, &found);
	found.is_told = rc == 1;
	found.is_known = found.is_told || (rc == 0 && !request->peer.is_unix);
	if (rc < 0)
		found.port = 0;
	if (rc == 0) {
		found.addr = request->peer.addr;
		found.port = request->peer.port;
	}
	*ret_visitor = found;
}
