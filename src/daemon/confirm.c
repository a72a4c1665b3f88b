/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether and how clients are confirmed here. Conntrack is never switched on by us unless the
 * administrator says so: one rule that asks for a connection's state does that to a whole
 * namespace, with its cost, and with drops where its table is full. So others' rules are looked at,
 * at the start and when somebody has changed the ruleset.
 */
#include <string.h>

#include "daemon/wiring.h"
#include "input/conntrack.h"
#include "sys/log.h"

#define LOOK_S 5 /* between two looks, however often the ruleset changes */
#define FORGET_MS 4000 /* everybody waits meanwhile; systemd does for 10 s (WatchdogSec=) */

static void tell(void *ctx, const struct client_confirmed *confirmed, uint16_t port)
{
	const struct daemon *daemon = ctx;

	answers_tell_confirmed(&daemon->answers, confirmed, port);
}

enum daemon_exit daemon_start_confirmer(struct daemon *daemon)
{
	struct confirmer_params params = {.pipeline = &daemon->pipeline,
					  .group = daemon->boot->nflog_group,
					  .tell = tell,
					  .ctx = daemon};
	struct text_error error = {.what = ""};

	if (confirmer_open(&params, &error, &daemon->confirmer) < 0)
		log_line(LOG_LEVEL_WARNING,
			 "%s. Until then nobody is told who is confirmed: answers, the baseline "
			 "and sets that rules do not fill have no confirmed clients",
			 error.what);
	return DAEMON_EXIT_OK;
}

static void on_log(void *ctx)
{
	struct daemon *daemon = ctx;

	confirmer_dispatch(daemon->confirmer);
}

int daemon_watch_confirmer(struct daemon *daemon)
{
	if (!daemon->confirmer)
		return 0;
	return loop_add_fd(daemon->loop, confirmer_fd(daemon->confirmer), on_log, daemon);
}

/* What is seen stays what was seen where it cannot be looked at. */
static void look(struct daemon *daemon)
{
	struct nl *nl = NULL;

	if (nl_open(&nl) == 0)
		foreign_look(nl, daemon->boot->ct_mark_field, &daemon->foreign);
	nl_close(nl);
	daemon->looked_s = clock_boot_s();
}

static void decide(struct daemon *daemon, struct generation *generation)
{
	const struct config *config = generation->config;

	generation->confirms = config->engine != RULES_NONE &&
			       (config->conntrack || daemon->foreign.uses_conntrack);
	generation->has_labels = daemon->foreign.takes_mark;
	generation->has_log = daemon->confirmer != NULL;
	daemon_plan_clocks(daemon, generation);
}

/* Names of sets that wait for confirmations. Return: whether there are any. */
static bool name_served(const struct generation *generation, struct text_buf *out)
{
	for (unsigned i = 0; i < generation->config->set_count; i++)
		if (generation->served_sets >> i & 1)
			text_putf(out, "%s%s", out->len ? ", " : "",
				  generation->config->sets[i].name);
	return out->len > 0;
}

/* Without one nobody is confirmed. */
static bool has_bits(const struct generation *generation)
{
	return generation->marks.ask && generation->ct.ask;
}

void daemon_explain_confirm(const struct daemon *daemon, const struct generation *generation,
			    char *ret_text, size_t size)
{
	char data[256];
	struct text_buf names, text;

	text_buf_init(&names, data, sizeof(data));
	text_buf_init(&text, ret_text, size);
	if (generation->confirms && generation->has_labels)
		text_putf(&text,
			  "%s takes the whole connection mark for its own, so connection labels "
			  "mark the candidates",
			  daemon->foreign.mark_where);
	if (generation->confirms && daemon->foreign.offloads)
		text_putf(&text,
			  "%s%s takes connections into a flowtable before they can be confirmed: "
			  "'synprint rules print' shows what to add",
			  text.len ? "; " : "", daemon->foreign.offload_where);
	if (generation->confirms && !has_bits(generation) && name_served(generation, &names))
		text_putf(&text,
			  "%sno bit of rules.mark_field or of rules.ct_mark_field is left to ask "
			  "for confirmations, so these sets stay empty: %s. Give both two bits or "
			  "more",
			  text.len ? "; " : "", data);
	if (!generation->confirms && generation->config->engine != RULES_NONE &&
	    name_served(generation, &names))
		text_putf(
			&text,
			"nobody uses conntrack here, so no handshake is seen, and these sets stay "
			"empty: %s. Set rules.conntrack = true, or confirm = \"syn\" for a set "
			"that strangers may fill",
			data);
}

void daemon_say_confirm(const struct daemon *daemon, const struct generation *generation)
{
	enum log_level level =
		generation->confirms && has_bits(generation) && !daemon->foreign.offloads
			? LOG_LEVEL_INFO
			: LOG_LEVEL_WARNING;
	char text[512];

	daemon_explain_confirm(daemon, generation, text, sizeof(text));
	if (text[0])
		log_line(level, "%s", text);
}

/* Candidates of an earlier process: its bits, or labels, may have meant other sets. */
void daemon_forget_candidates(const struct daemon *daemon, unsigned max_ms)
{
	uint32_t bits = daemon->boot->ct_mark_field;
	unsigned cleared = 0;
	struct nl *nl = NULL;
	int rc;

	if (!daemon->generation->confirms || !bits)
		return;
	rc = nl_open(&nl);
	if (rc == 0)
		rc = conntrack_clear(nl, bits, daemon->generation->has_labels, max_ms, &cleared);
	nl_close(nl);
	if (rc < 0)
		log_line(LOG_LEVEL_WARNING,
			 "bits of rules.ct_mark_field, or labels, that connections may still have "
			 "of an earlier synprintd cannot be cleared (%s)",
			 strerror(-rc));
	else if (cleared)
		log_line(LOG_LEVEL_DEBUG, "%u connections had bits of an earlier synprintd",
			 cleared);
}

void daemon_plan_confirm(struct daemon *daemon, struct generation *generation)
{
	look(daemon);
	decide(daemon, generation);
}

static bool is_same(const struct generation *a, bool confirms, bool has_labels)
{
	return a->confirms == confirms && (a->has_labels == has_labels || !confirms);
}

/*
 * An element that somebody took out, or that found no room, is for the client's next connection to
 * bring: so where that may have been, no client counts as renewed any more.
 */
static void forget_renewed(struct daemon *daemon)
{
	uint32_t ruleset = keeper_ruleset(daemon->keeper);
	struct keeper_stats stats;

	keeper_get_stats(daemon->keeper, &stats);
	if (ruleset == daemon->renewed.ruleset && stats.refused == daemon->renewed.refused)
		return;
	daemon->renewed.ruleset = ruleset;
	daemon->renewed.refused = stats.refused;
	if (daemon->generation->renewed)
		renewed_forget(daemon->generation->renewed, clock_steady_ms());
}

/*
 * Somebody has changed the ruleset: another way of confirming may be due. What the rules do stays
 * what is said of them: where they cannot be changed, it is tried again at the next look.
 */
void daemon_follow_ruleset(struct daemon *daemon)
{
	static struct log_limit limit;
	struct generation *generation = daemon->generation;
	uint32_t ruleset = keeper_ruleset(daemon->keeper);
	bool confirms = generation->confirms, has_labels = generation->has_labels;
	struct rules_params params;
	struct text_error error = {.what = ""};

	forget_renewed(daemon);
	if (ruleset == daemon->ruleset || clock_boot_s() < daemon->looked_s + LOOK_S ||
	    !keeper_is_settled(daemon->keeper))
		return;
	look(daemon);
	decide(daemon, generation);
	generation_rules_params(generation, true, &params);
	if (!is_same(generation, confirms, has_labels))
		daemon_forget_candidates(daemon, FORGET_MS);
	if (!is_same(generation, confirms, has_labels) &&
	    keeper_change(daemon->keeper, generation->config, &params, &error) < 0) {
		generation->confirms = confirms;
		generation->has_labels = has_labels;
		log_limited(&limit, LOG_LEVEL_ERROR,
			    "cannot change the rules (%s): clients are confirmed as before",
			    error.what);
		return;
	}
	daemon->ruleset = ruleset;
	if (!is_same(generation, confirms, has_labels))
		daemon_say_confirm(daemon, generation);
}
