/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers on the p0f socket. Names are spelled as p0f spells them where it has one, so that
 * patterns written for p0f match; where it has none they are ours.
 */
#include <string.h>

#include "daemon/answers/answers.h"
#include "sys/clock.h"

/* As in the database that p0f 3.09b comes with. */
static const struct name {
	const char *ours, *p0fs;
	const char *flavor; /* p0f's for the whole class; NULL: the label's */
} names[] = {
	{"macOS", "Mac OS X", NULL},
	{"Android", "Linux", "(Android)"},
	{"nmap", "NMap", NULL},
	{"BlackBerry", "Blackberry", NULL},
};

static const struct name *find_name(const char *class_name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].ours, class_name) == 0)
			return &names[i];
	return NULL;
}

static void copy(char ret_text[P0F_TEXT_MAX + 1], const char *text)
{
	size_t len = strnlen(text, P0F_TEXT_MAX);

	memcpy(ret_text, text, len);
	ret_text[len] = '\0';
}

/* A label is the class and what it is in detail. */
static const char *detail_of(const char *label, const char *class_name)
{
	size_t len = strlen(class_name);

	if (strncmp(label, class_name, len) != 0)
		return label;
	return label[len] == ' ' ? label + len + 1 : label + len;
}

static void put_system(const struct vocab *vocab, const struct verdict *verdict,
		       struct p0f_reply *reply)
{
	const char *class_name = vocab_text(vocab, VOCAB_CLASS, verdict->class_id);
	const struct name *name = find_name(class_name);

	if (verdict->flags & VERDICT_UNKNOWN)
		return;
	copy(reply->os_name, name ? name->p0fs : class_name);
	copy(reply->os_flavor,
	     name && name->flavor
		     ? name->flavor
		     : detail_of(vocab_text(vocab, VOCAB_LABEL, verdict->label), class_name));
	switch ((enum match_kind)verdict->match) {
	case MATCH_FUZZY: reply->os_match_q = P0F_FUZZY; break;
	case MATCH_GENERIC: reply->os_match_q = P0F_GENERIC; break;
	case MATCH_NONE:
	case MATCH_SPECIFIC: break;
	}
}

/* What we are sure of is what p0f's one label for all of them stands for. */
static void put_link(const struct vocab *vocab, const struct verdict *verdict,
		     struct p0f_reply *reply)
{
	if (verdict->flags & VERDICT_VPN)
		copy(reply->link_type, "generic tunnel or VPN");
	else if (verdict->flags & VERDICT_PROXY)
		copy(reply->link_type, "generic proxy");
	else
		copy(reply->link_type, vocab_text(vocab, VOCAB_LINK, verdict->link));
}

static void lookup(void *ctx, const struct addr *addr, struct p0f_reply *ret_reply)
{
	const struct answers *answers = ctx;
	struct evidence evidence;
	struct verdict *verdict, shown;
	struct client client;

	ret_reply->status = P0F_NO_MATCH;
	if (clients_get(answers->clients, addr, &client) < 0)
		return;
	shown = client_conn_find(&client, 0)->verdict;
	verdict = &shown;
	answers_find_clocks(answers, addr, NULL, verdict, &evidence);
	*ret_reply = (struct p0f_reply){.status = P0F_OK,
					.first_seen_s = clock_shown_s(client.first_seen_s),
					.last_seen_s = clock_shown_s(client.last_seen_s),
					.total_conn = client.syn_count,
					.last_chg_s = clock_shown_s(client.chg_seen_s),
					.distance = verdict->dist_hops == VERDICT_DIST_UNKNOWN
							    ? P0F_DISTANCE_UNKNOWN
							    : (int16_t)verdict->dist_hops,
					.bad_sw = verdict->flags & VERDICT_OS_MISMATCH ? 2 : 0};
	if (verdict->flags & VERDICT_SHARED)
		ret_reply->last_nat_s =
			clock_shown_s(client.chg_seen_s ? client.chg_seen_s : client.last_seen_s);
	put_system(answers->vocab, verdict, ret_reply);
	put_link(answers->vocab, verdict, ret_reply);
}

struct p0f_server_params answers_p0f(struct answers *answers)
{
	return (struct p0f_server_params){.lookup = lookup, .ctx = answers};
}
