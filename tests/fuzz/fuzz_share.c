/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what brokers bring: messages behind each other, each a line with its topic, one with
 * its Message Expiry ("-": none), one with its signature, and the payload, up to a byte 0x1e.
 * Whatever they are: nobody on the never-list is named, no limit is passed, and synprintd takes
 * every word that is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/proto.h"
#include "core/verdict/verdict.h"
#include "memory_file.h"
#include "share/hear.h"
#include "share/reports.h"

#define RECORDS 64
#define SEPARATOR 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
				 "-----END PUBLIC KEY-----\n"; /* of RFC 8032 section 7.1, test 1 */

static struct share_config config =
	{.gateway = "me",
	 .accept = {{.origin = "gw1", .flags = VERDICT_VPN, .most = 4, .expiry_s = 50},
		    {.origin = "signed", .flags = VERDICT_SCANNER, .most = 4, .expiry_s = 50},
		    {.origin = "*",
		     .flags = VERDICT_SCANNER | VERDICT_VPN,
		     .most = 8,
		     .expiry_s = 9}},
	 .accept_count = 3,
	 .never_count = 1};
static struct accept_own own;

static void set_up(void)
{
	if (own.count)
		return;
	if (sign_key_load(memory_file((const uint8_t *)public_key, sizeof(public_key) - 1), false,
			  &config.accept[1].key) < 0 ||
	    addr_net_parse("203.0.113.0/24", &config.never[0]) < 0 ||
	    addr_parse("198.51.100.1", &own.addrs[0]) < 0)
		abort();
	own.count = 1;
}

/* Up to @end or the end; both are stepped over. */
static size_t take_until(const uint8_t **data, size_t *size, char end, const uint8_t **ret_part)
{
	const uint8_t *found = memchr(*data, end, *size);
	size_t len = found ? (size_t)(found - *data) : *size, step = found ? len + 1 : len;

	*ret_part = *data;
	*data += step;
	*size -= step;
	return len;
}

static void copy_text(char *to, size_t room, const uint8_t *from, size_t len)
{
	len = len < room ? len : room - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void read_letter(const uint8_t **data, size_t *size, struct letter *letter)
{
	char number[16];
	const uint8_t *part;
	size_t len = take_until(data, size, '\n', &part);

	memset(letter, 0, sizeof(*letter));
	letter->kind = LETTER_MESSAGE;
	copy_text(letter->topic, sizeof(letter->topic), part, len);
	len = take_until(data, size, '\n', &part);
	copy_text(number, sizeof(number), part, len);
	letter->has_expiry = number[0] != '-';
	letter->left_s = (uint32_t)strtoul(number, NULL, 10);
	len = take_until(data, size, '\n', &part);
	copy_text(letter->signature, sizeof(letter->signature), part, len);
	letter->len = take_until(data, size, SEPARATOR, &part);
	memcpy(letter->payload, part,
	       letter->len < sizeof(letter->payload) ? letter->len : sizeof(letter->payload));
}

/* What is asked of synprintd is what was heard. */
static void check_request(const struct peers_word *word)
{
	static struct vocab *vocab;
	struct proto_request req;
	struct proto_error error;
	char request[REPORTS_REQUEST_MAX];
	struct text_buf buf;

	if (!vocab)
		vocab = vocab_new();
	text_buf_init(&buf, request, sizeof(request));
	reports_put(word, &buf);
	if (buf.overflow || proto_parse(request, buf.len, vocab, &req, &error) < 0)
		abort();
	if (req.op != PROTO_REPORT || !addr_equal(&req.addr, &word->message.addr) ||
	    strcmp(req.word.origin, word->origin) != 0 || req.word.left_s != word->left_s ||
	    (word->left_s && req.filter.flags != word->message.flags))
		abort();
}

static void check_word(const struct peers_word *word)
{
	const struct share_accept *rule = accept_rule(&config, word->origin);

	if (!rule || strcmp(word->origin, config.gateway) == 0 ||
	    !message_is_gateway(word->origin) || word->left_s > rule->expiry_s)
		abort();
	if (word->left_s && (!word->message.flags || word->message.flags & ~rule->flags ||
			     accept_is_never(&config, &own, &word->message.addr)))
		abort();
	check_request(word);
}

/* What we say of a slot is read again as the same. */
static void check_own(const struct slots *slots, uint64_t now_s, uint16_t slot)
{
	char payload[MESSAGE_PAYLOAD_MAX];
	struct message message, again;
	struct text_buf buf;
	uint32_t left_s;

	if (slots_get(slots, now_s, slot, &message, &left_s) < 0)
		abort();
	text_buf_init(&buf, payload, sizeof(payload));
	message_format(&message, &buf);
	if (buf.overflow || message_parse(payload, buf.len, &again) != MESSAGE_OK ||
	    again.epoch != message.epoch || again.seq != message.seq ||
	    again.is_gone != message.is_gone || again.flags != message.flags)
		abort();
}

static void hear_all(const struct hearer *hearer, const uint8_t *data, size_t size)
{
	uint64_t now_s = 1000;
	struct letter letter;
	struct heard heard;

	for (; size; now_s += 7) {
		read_letter(&data, &size, &letter);
		hear(hearer, now_s, &letter, &heard);
		if (heard.word_count > 2 || peers_count(hearer->peers) > RECORDS)
			abort();
		for (unsigned i = 0; i < heard.word_count; i++)
			check_word(&heard.words[i]);
		if (heard.is_restored)
			check_own(hearer->slots, now_s, heard.slot);
		peers_expire(hearer->peers, now_s);
	}
}

/* The tables are large: they are emptied, not made anew. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct slots *slots;
	static struct peers *peers;
	struct share_counts counts = {.topics = 0};
	struct hearer hearer = {.config = &config, .own = &own, .counts = &counts};

	set_up();
	slots = slots ? slots : slots_new(1);
	peers = peers ? peers : peers_new(RECORDS, 1);
	slots_set_epoch(slots, 1000);
	hearer.slots = slots;
	hearer.peers = peers;
	hear_all(&hearer, data, size);
	slots_expire(slots, UINT64_MAX);
	peers_expire(peers, UINT64_MAX);
	if (peers_count(peers))
		abort();
	return 0;
}
