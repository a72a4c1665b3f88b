/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An example of libsynprint-client: what is known of an address, or, without one, every client
 * with a VPN or a scanner as it comes.
 *
 *   cc -o ask ask.c $(pkg-config --cflags --libs synprint-client)
 */
#include <stdio.h>
#include <string.h>

#include <synprint/client.h>

static void print(const struct synprint_verdict *verdict)
{
	printf("%s: %s (%u %%), %s%s%s\n", verdict->ip, verdict->os_label,
	       verdict->confidence_permille / 10, verdict->link,
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

int main(int argc, char **argv)
{
	struct synprint *synprint;
	int rc = synprint_connect(argc > 1 ? argv[1] : NULL, 0, &synprint);

	if (rc < 0) {
		fprintf(stderr, "no synprintd: %s\n", strerror(-rc));
		return 1;
	}
	rc = argc > 2 ? ask(synprint, argv[2]) : follow(synprint);
	if (rc < 0)
		fprintf(stderr, "%s\n", synprint_error(synprint));
	synprint_close(synprint);
	return rc < 0;
}
