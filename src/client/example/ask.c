/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An example of libsynprint-client: what is known of an address, or, without one, every client
 * with a VPN or a scanner as it comes.
 *
 *   cc -o ask ask.c $(pkg-config --cflags --libs synprint-client)
 *   ./ask 203.0.113.7
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <synprint/client.h>

static void print(const struct synprint_verdict *verdict)
{
	printf("%s: %s (%u %%), %s%s%s\n", verdict->ip, verdict->os_label,
	       (verdict->confidence_permille + 5) / 10, verdict->link,
	       verdict->flags & SYNPRINT_VPN ? ", VPN" : "",
	       verdict->flags & SYNPRINT_SCANNER ? ", scanner" : "");
	fflush(stdout);
}

static int ask(struct synprint *synprint, const char *ip)
{
	struct synprint_verdict verdict;
	int rc = synprint_verdict(synprint, ip, 0, NULL, &verdict);

	if (rc < 0)
		return rc;
	if (verdict.is_found)
		print(&verdict);
	else
		printf("%s: nothing is known\n", ip);
	return 0;
}

static int follow(struct synprint *synprint)
{
	struct synprint_event event;
	int rc = synprint_subscribe(synprint, "\"flags\":[\"vpn\",\"scanner\"]");

	while (rc >= 0) {
		rc = synprint_next_event(synprint, -1, &event);
		if (rc > 0 && event.kind == SYNPRINT_EVENT_GAP)
			printf("%llu events missed\n", (unsigned long long)event.missed);
		else if (rc > 0)
			print(&event.verdict);
	}
	return rc;
}

static int usage(void)
{
	fputs("usage: ask [-s SOCKET] [ADDRESS]\n"
	      "  what is known of an address; without one, VPNs and scanners as they come\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct synprint *synprint;
	const char *path = NULL; /* the default */
	int option, rc;

	while ((option = getopt(argc, argv, "s:")) == 's')
		path = optarg;
	if (option != -1 || argc - optind > 1)
		return usage();
	rc = synprint_connect(path, 0, &synprint);
	if (rc < 0) {
		fprintf(stderr, "no synprintd at %s: %s\n", path ? path : SYNPRINT_DEFAULT_SOCKET,
			strerror(-rc));
		return 1;
	}
	rc = optind < argc ? ask(synprint, argv[optind]) : follow(synprint);
	if (rc < 0)
		fprintf(stderr, "%s\n", synprint_error(synprint));
	synprint_close(synprint);
	return rc < 0;
}
