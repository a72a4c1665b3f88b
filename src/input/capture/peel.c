/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Only the innermost packet counts: what carries it is no connection. */
#include "input/capture/peel.h"

#define NS_PER_MS 1000000

/* The protocol of IPv4 that is nearly every packet's: no tunnel, and not worth a look. */
static bool is_plain_tcp(const struct packet *packet)
{
	return packet->len > 9 && packet->data[0] >> 4 == 4 && packet->data[9] == 6;
}

static void open_tunnels(struct peel *peel, struct packet *packet)
{
	struct tunnel tunnel;
	bool is_tunnel = false;

	while (!is_plain_tcp(packet) && packet->tunnel_count < PACKET_TUNNELS_MAX &&
	       tunnels_open(packet->data, packet->len, &tunnel)) {
		is_tunnel = true;
		if (!peel->decaps)
			break;
		packet->tunnels[packet->tunnel_count++] = tunnel;
		packet->data += tunnel.inner_at;
		packet->len -= tunnel.inner_at;
	}
	peel->counts.tunnels += is_tunnel;
}

bool peel_frame(struct peel *peel, const struct frame *frame, struct packet *ret_packet)
{
	enum layers_result result;
	size_t at = 0;

	result = layers_find_ip(frame->link_type, frame->data, frame->len, &at);
	peel->counts.frames++;
	peel->counts.results[result]++;
	if (result == LAYERS_UNKNOWN_LINK)
		peel->counts.unknown_link = frame->link_type;
	if (result != LAYERS_IP)
		return false;
	ret_packet->now_ms = frame->time_ns / NS_PER_MS;
	ret_packet->time_ns = frame->time_ns;
	ret_packet->data = frame->data + at;
	ret_packet->len = frame->len - at;
	ret_packet->tunnel_count = 0;
	open_tunnels(peel, ret_packet);
	return true;
}
