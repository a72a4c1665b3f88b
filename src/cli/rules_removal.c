/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line by line: what was added is deleted, in the order in which nothing is in use any more. */
#include "cli/rules_removal.h"

#include <string.h>

#define CREATED_MAX 512 /* ipsets; publish.sets has room for fewer */

struct line {
	const char *text;
	int len;
};

static const char *next_line(const char *at, struct line *ret_line)
{
	ret_line->text = at;
	ret_line->len = (int)strcspn(at, "\n");
	at += ret_line->len;
	return *at ? at + 1 : at;
}

/* Return: behind the word that the line begins with, or NULL. */
static const char *behind(const struct line *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line->text, word, len) == 0 ? line->text + len : NULL;
}

static int word_len(const char *at)
{
	return (int)strcspn(at, " \n");
}

/* Rules in a chain of ours go with it. */
static void put_iptables(const char *text, struct text_buf *out)
{
	const char *chain = "", *at;
	struct line line;

	while (*text) {
		text = next_line(text, &line);
		if ((at = behind(&line, ":"))) {
			chain = at;
		} else if ((at = behind(&line, "-A "))) {
			if (word_len(at) != word_len(chain) ||
			    strncmp(at, chain, (size_t)word_len(chain)) != 0)
				text_putf(out, "-D %.*s\n", line.len - 3, at);
		} else if (behind(&line, "COMMIT")) {
			text_putf(out, "-F %.*s\n-X %.*s\nCOMMIT\n", word_len(chain), chain,
				  word_len(chain), chain);
		} else if (*line.text == '*') {
			text_putf(out, "%.*s\n", line.len, line.text);
		}
	}
}

/* The newest first: a list is in use by nothing, and its members by the list. */
static void put_ipset(const char *text, struct text_buf *out)
{
	const char *names[CREATED_MAX], *name;
	unsigned count = 0;
	struct line line;

	while (*text) {
		text = next_line(text, &line);
		name = behind(&line, "create ");
		if (name && count < CREATED_MAX)
			names[count++] = name;
	}
	while (count--)
		text_putf(out, "destroy %.*s\n", word_len(names[count]), names[count]);
}

static void put_chains(const char *text, const char *verb, struct text_buf *out)
{
	const char *chain;
	struct line line;

	while (*text) {
		text = next_line(text, &line);
		chain = behind(&line, "flush chain ");
		if (chain)
			text_putf(out, "%s chain %.*s\n", verb, line.len - (int)(chain - line.text),
				  chain);
	}
}

static void put_nft_sets(const char *text, struct text_buf *out)
{
	const char *table = "", *at;
	struct line line;
	int table_len = 0;

	while (*text) {
		text = next_line(text, &line);
		if ((at = behind(&line, "table "))) {
			table = at;
			table_len = (int)strcspn(at, "{\n") - 1;
		} else if ((at = behind(&line, "\tset ")) || (at = behind(&line, "\tmap "))) {
			text_putf(out, "delete %.3s %.*s %.*s\n", line.text + 1, table_len, table,
				  word_len(at), at);
		}
	}
}

void rules_removal_put(enum rules_format format, const char *text, struct text_buf *out)
{
	switch (format) {
	case RULES_FORMAT_NFT:
		text_put(out, "# For nft -f, once synprintd is stopped. The tables stay.\n");
		put_chains(text, "flush", out);
		put_chains(text, "delete", out);
		put_nft_sets(text, out);
		return;
	case RULES_FORMAT_IPTABLES:
		text_put(out, "# For iptables-restore --noflush and for ip6tables-restore "
			      "--noflush. The ipsets go behind them.\n");
		put_iptables(text, out);
		return;
	case RULES_FORMAT_IPSET:
		text_put(out,
			 "# For ipset restore -exist, once synprintd is stopped and no rule refers "
			 "to these.\n");
		put_ipset(text, out);
		return;
	}
}
