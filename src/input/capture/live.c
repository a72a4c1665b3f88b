/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's filter lets through is every SYN and what may hide one: tags, labels and
 * sessions, extension headers, and with `decaps` what tunnels are made of.
 */
#include "input/capture/live.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAP_BYTES 1024 /* headers of any encapsulation; a payload is of no use */
#define RING_BYTES (8 << 20) /* 2,000 SYN/s for two seconds, in slots of a whole frame */

/* IPv6: next headers 0, 43, 44, 60, 51 and 135 may be followed by TCP. */
#define SYNS                                                                                       \
	"(tcp[tcpflags] & tcp-syn != 0) or (ip6 and ip6[6] = 6 and ip6[53] & 2 != 0) or "          \
	"(ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 60 or ip6[6] = 51 or "     \
	"ip6[6] = 135))"
#define ON_ETHERNET                                                                                \
	" or ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x8864 or "                   \
	"ether proto 0x8847 or ether proto 0x8848 or (ether[12:2] <= 1500 and ether[14:2] = "      \
	"0xaaaa)"
#define IN_TUNNELS                                                                                 \
	" or ip proto 4 or ip proto 41 or ip proto 47 or ip proto 137 or udp port 4789 or "        \
	"udp port 4790 or udp port 8472 or udp port 6081 or udp port 2152 or udp port 6635 or "    \
	"(ip6 and (ip6[6] = 4 or ip6[6] = 41 or ip6[6] = 47))"

struct live {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	int link_type;
};

static int refuse(const struct live_params *params, int rc, const char *why,
		  struct text_error *ret_error)
{
	switch (rc) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		text_error_set(ret_error, 0, 0,
			       "listening on %.40s takes CAP_NET_RAW: run it as root, or "
			       "`setcap cap_net_raw=ep` on synprint",
			       params->interface);
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		text_error_set(ret_error, 0, 0, "there is no interface %.40s (ip link lists them)",
			       params->interface);
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		text_error_set(ret_error, 0, 0, "the interface %.40s is down", params->interface);
		return -EIO;
	default:
		text_error_set(ret_error, 0, 0, "cannot listen on %.40s: %.100s", params->interface,
			       *why ? why : pcap_statustostr(rc));
		return -EIO;
	}
}

/* Cooked, on "any", and on raw devices there is no EtherType to ask for. */
static void choose_filter(const struct live *live, const struct live_params *params, char *buf,
			  size_t size)
{
	snprintf(buf, size, "%s%s%s", SYNS, live->link_type == DLT_EN10MB ? ON_ETHERNET : "",
		 params->decaps ? IN_TUNNELS : "");
}

static int set_filter(struct live *live, const struct live_params *params,
		      struct text_error *ret_error)
{
	char text[1024];
	struct bpf_program program;
	int rc;

	choose_filter(live, params, text, sizeof(text));
	rc = pcap_compile(live->pcap, &program, params->expression ? params->expression : text, 1,
			  PCAP_NETMASK_UNKNOWN);
	if (rc < 0 && !params->expression)
		return 0; /* a link type without such fields: everything comes, and is looked at */
	if (rc == 0) {
		rc = pcap_setfilter(live->pcap, &program);
		pcap_freecode(&program);
	}
	if (rc == 0)
		return 0;
	text_error_set(ret_error, 0, 0, "the filter '%.60s': %.100s",
		       params->expression ? params->expression : text, pcap_geterr(live->pcap));
	return -EINVAL;
}

/* The second version of cooked frames tells the interface, by which doubles are known. */
static void choose_link_type(struct live *live)
{
	if (pcap_datalink(live->pcap) == DLT_LINUX_SLL)
		(void)pcap_set_datalink(live->pcap, DLT_LINUX_SLL2);
	live->link_type = pcap_datalink(live->pcap);
}

static int activate(struct live *live, const struct live_params *params,
		    struct text_error *ret_error)
{
	int rc;

	pcap_set_snaplen(live->pcap, SNAP_BYTES);
	pcap_set_promisc(live->pcap, params->is_promiscuous);
	pcap_set_immediate_mode(live->pcap, 1);
	pcap_set_buffer_size(live->pcap, RING_BYTES);
	pcap_set_timeout(live->pcap, 100);
	rc = pcap_activate(live->pcap);
	if (rc < 0)
		return refuse(params, rc, pcap_geterr(live->pcap), ret_error);
	choose_link_type(live);
	return 0;
}

static int begin_file(struct live *live, const struct live_params *params,
		      struct text_error *ret_error)
{
	if (!params->write_path)
		return 0;
	live->dumper = pcap_dump_open(live->pcap, params->write_path);
	if (live->dumper)
		return 0;
	text_error_set(ret_error, 0, 0, "%.150s", pcap_geterr(live->pcap));
	return -EIO;
}

int live_open(const struct live_params *params, struct text_error *ret_error,
	      struct live **ret_live)
{
	struct live *live = calloc(1, sizeof(*live));
	char reason[PCAP_ERRBUF_SIZE] = "";
	int r;

	if (!live) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	live->pcap = pcap_create(params->interface, reason);
	r = live->pcap ? activate(live, params, ret_error)
		       : refuse(params, PCAP_ERROR, reason, ret_error);
	if (r == 0)
		r = set_filter(live, params, ret_error);
	if (r == 0)
		r = begin_file(live, params, ret_error);
	if (r == 0 && pcap_setnonblock(live->pcap, 1, reason) < 0)
		r = refuse(params, PCAP_ERROR, reason, ret_error);
	if (r < 0) {
		live_close(live);
		return r;
	}
	*ret_live = live;
	return 0;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->dumper)
		pcap_dump_close(live->dumper);
	if (live->pcap)
		pcap_close(live->pcap);
	free(live);
}

/* At once, so that who reads along sees it. Return: -1 with errno. */
static int keep(struct live *live, const struct pcap_pkthdr *header, const uint8_t *data)
{
	errno = EIO; /* where the C library does not say */
	pcap_dump((u_char *)live->dumper, header, data);
	return pcap_dump_flush(live->dumper);
}

int live_next(struct live *live, struct text_error *ret_error, struct frame *ret_frame)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;
	int rc = pcap_next_ex(live->pcap, &header, &data);

	if (rc == 0)
		return 0;
	if (rc < 0) {
		text_error_set(ret_error, 0, 0, "%.150s", pcap_geterr(live->pcap));
		return -EIO;
	}
	if (live->dumper && keep(live, header, data) < 0) {
		text_error_set(ret_error, 0, 0, "the file of --write cannot be written: %s",
			       strerror(errno));
		return -EIO;
	}
	*ret_frame = (struct frame){
		.time_ns = (uint64_t)header->ts.tv_sec * 1000000000u +
			   (uint64_t)header->ts.tv_usec * 1000u,
		.link_type = live->link_type,
		.data = data,
		.len = header->caplen,
	};
	return 1;
}

int live_fd(const struct live *live)
{
	return pcap_get_selectable_fd(live->pcap);
}

void live_get_stats(struct live *live, struct live_stats *ret_stats)
{
	struct pcap_stat stat = {0};

	if (pcap_stats(live->pcap, &stat) == 0)
		*ret_stats = (struct live_stats){.received = stat.ps_recv,
						 .dropped = stat.ps_drop + stat.ps_ifdrop};
}
