/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SYN+ACKs of servers behind us, by which `servers` tells what they are. */
#ifndef SYNPRINT_DAEMON_PACKETS_SERVERS_H
#define SYNPRINT_DAEMON_PACKETS_SERVERS_H

#include <stdint.h>

#include "daemon/packets/generation.h"
#include "daemon/packets/worker.h"
#include "input/nfqueue.h"

/** servers_note() - of a packet that may be a SYN+ACK; @worker: the number of the one that has it. */
void servers_note(const struct pipeline *pipeline, const struct generation *generation,
		  unsigned worker, uint64_t now_ms, const struct nfqueue_packet *packet);

#endif
