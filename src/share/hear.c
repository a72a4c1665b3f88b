/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who says it is the topic's, never the payload's; each step that refuses is counted. */
#include "share/hear.h"

#include <string.h>

static void add_word(struct heard *heard, const char *origin, const struct message *message,
		     uint32_t left_s)
{
	struct peers_word *word = &heard->words[heard->word_count++];

	*word = (struct peers_word){.message = *message, .left_s = left_s};
	memcpy(word->origin, origin, strlen(origin) + 1);
}

static void take(const struct hearer *hearer, uint64_t now_s, const struct peers_saying *saying,
		 struct heard *heard)
{
	struct peers_change change;
	enum peers_result result = peers_take(hearer->peers, now_s, saying, &change);

	hearer->counts->taken[result]++;
	if (result != PEERS_NEWS)
		return;
	if (change.has_dropped) {
		struct message dropped = {.addr = change.dropped};

		add_word(heard, saying->origin, &dropped, 0);
	}
	if (!saying->message->is_gone && saying->left_s)
		add_word(heard, saying->origin, saying->message, saying->left_s);
}

static enum accept_result check(const struct letter *letter, const struct share_accept *rule)
{
	if (!rule)
		return ACCEPT_FOREIGN;
	if (!letter->has_expiry)
		return ACCEPT_NO_EXPIRY;
	if (rule->key &&
	    !sign_check(rule->key, letter->topic, letter->payload, letter->len, letter->signature))
		return ACCEPT_UNSIGNED;
	return ACCEPT_OK;
}

/* A word that is not believed still takes the place of the one before it in its slot. */
static void hear_peer(const struct hearer *hearer, uint64_t now_s, const struct letter *letter,
		      const struct message_topic *topic, struct message *message,
		      struct heard *heard)
{
	const struct share_accept *rule = accept_rule(hearer->config, topic->gateway);
	enum accept_result result = check(letter, rule);
	uint32_t left_s = letter->left_s;

	if (result == ACCEPT_OK) {
		result = accept_message(hearer->config, hearer->own, rule, message, &left_s);
		message->is_gone |= result != ACCEPT_OK;
		take(hearer, now_s,
		     &(struct peers_saying){.origin = topic->gateway,
					    .slot = topic->slot,
					    .message = message,
					    .left_s = left_s,
					    .most = (uint32_t)rule->most,
					    .is_refused = result != ACCEPT_OK},
		     heard);
	}
	hearer->counts->accepted[result]++;
}

static bool is_own(const struct hearer *hearer, const struct message_topic *topic)
{
	return strcmp(topic->gateway, hearer->config->gateway) == 0;
}

void hear(const struct hearer *hearer, uint64_t now_s, const struct letter *letter,
	  struct heard *ret_heard)
{
	struct message_topic topic;
	enum message_result result;
	struct message message;

	*ret_heard = (struct heard){.is_mark = false};
	if (message_topic_parse(letter->topic, &topic) < 0 || topic.kind == MESSAGE_STATUS) {
		hearer->counts->topics++;
		return;
	}
	if (topic.kind == MESSAGE_SYNC) {
		ret_heard->is_mark = is_own(hearer, &topic);
		return;
	}
	result = message_parse(letter->payload, letter->len, &message);
	hearer->counts->parsed[result]++;
	if (result != MESSAGE_OK)
		return;
	if (!is_own(hearer, &topic)) {
		hear_peer(hearer, now_s, letter, &topic, &message, ret_heard);
		return;
	}
	ret_heard->slot = topic.slot;
	ret_heard->is_restored = slots_restore(hearer->slots, now_s, topic.slot, &message,
					       letter->has_expiry ? letter->left_s : 0) == 1;
}
