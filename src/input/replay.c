/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Link layers are peeled off by hand, the file formats are libpcap's. */
#include "input/replay.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define DLT_RAW_OPENBSD 14 /* DLT_RAW in files of OpenBSD (pcap/dlt.h); libpcap maps 101 itself */

struct replay {
	pcap_t *pcap;
	int link_type;
	uint64_t packets;
	off_t size; /* 0 where it is not known */
};

static bool is_link_known(int link_type)
{
	switch (link_type) {
	case DLT_EN10MB:
	case DLT_RAW:
	case DLT_RAW_OPENBSD:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
	case DLT_NULL:
	case DLT_LOOP: return true;
	default: return false;
	}
}

/* libpcap begins some of its reasons with the file's name, which our caller says as well. */
static const char *without_path(const char *reason, const char *path)
{
	size_t len = strlen(path);

	return strncmp(reason, path, len) == 0 && strncmp(reason + len, ": ", 2) == 0
		       ? reason + len + 2
		       : reason;
}

int replay_open(const char *path, struct text_error *ret_error, struct replay **ret_replay)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	char reason[PCAP_ERRBUF_SIZE] = "";
	struct stat status;

	if (!replay) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	replay->pcap =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_MICRO, reason);
	if (!replay->pcap) {
		free(replay);
		return text_error_set(ret_error, 0, 0, "cannot read it as a capture: %.150s",
				      without_path(reason, path));
	}
	replay->link_type = pcap_datalink(replay->pcap);
	if (!is_link_known(replay->link_type)) {
		const char *name = pcap_datalink_val_to_name(replay->link_type);

		text_error_set(ret_error, 0, 0,
			       "link type %s (%d) is not read: Ethernet, raw IP, Linux cooked and "
			       "loopback are",
			       name ? name : "unnamed", replay->link_type);
		replay_close(replay);
		return -EINVAL;
	}
	if (fstat(fileno(pcap_file(replay->pcap)), &status) == 0 && S_ISREG(status.st_mode))
		replay->size = status.st_size;
	*ret_replay = replay;
	return 0;
}

void replay_close(struct replay *replay)
{
	if (!replay)
		return;
	pcap_close(replay->pcap);
	free(replay);
}

static unsigned be16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Passes VLAN tags (802.1Q, 802.1ad, and what was used before it); false where no IP follows. */
static bool skip_to_ip(const uint8_t *data, size_t len, unsigned type, size_t *at)
{
	while (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
		if (*at + 4 > len)
			return false;
		type = be16(data + *at + 2);
		*at += 4;
	}
	return (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6) && *at < len;
}

/* Where the IP header begins; false for a frame without one. */
static bool find_ip(int link_type, const uint8_t *data, size_t len, size_t *ret_at)
{
	*ret_at = 0;
	switch (link_type) {
	case DLT_EN10MB:
		*ret_at = 14;
		return len > 14 && skip_to_ip(data, len, be16(data + 12), ret_at);
	case DLT_LINUX_SLL:
		*ret_at = 16;
		return len > 16 && skip_to_ip(data, len, be16(data + 14), ret_at);
	case DLT_LINUX_SLL2:
		*ret_at = 20;
		return len > 20 && skip_to_ip(data, len, be16(data), ret_at);
	case DLT_NULL:
	case DLT_LOOP: *ret_at = 4; break;
	default: break;
	}
	/* The address family of a loopback header differs between systems; the version does not. */
	return len > *ret_at && (data[*ret_at] >> 4 == 4 || data[*ret_at] >> 4 == 6);
}

/* Both fields are unsigned in a pcap file; libpcap 1.10.3 extends their sign. */
static uint64_t time_ms(const struct timeval *time)
{
	uint64_t time_s = time->tv_sec < 0 ? (uint32_t)time->tv_sec : (uint64_t)time->tv_sec;

	return time_s * 1000 + (uint32_t)time->tv_usec / 1000;
}

int replay_next(struct replay *replay, struct text_error *ret_error,
		struct replay_packet *ret_packet)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;
	size_t at;
	int rc;

	while ((rc = pcap_next_ex(replay->pcap, &header, &data)) == 1) {
		replay->packets++;
		if (!find_ip(replay->link_type, data, header->caplen, &at))
			continue;
		ret_packet->now_ms = time_ms(&header->ts);
		ret_packet->data = data + at;
		ret_packet->len = header->caplen - at;
		return 1;
	}
	if (rc == PCAP_ERROR_BREAK)
		return 0;
	text_error_set(ret_error, 0, 0, "behind packet %llu: %.150s",
		       (unsigned long long)replay->packets, pcap_geterr(replay->pcap));
	return -EIO;
}

int replay_progress(const struct replay *replay)
{
	off_t at = replay->size ? ftello(pcap_file(replay->pcap)) : -1;

	return at < 0 ? -1 : (int)(at * 100 / replay->size);
}
