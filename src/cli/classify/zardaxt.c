/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Python's way to print a dictionary: keys in order, values below each other. */
#include "cli/classify/zardaxt.h"

#include <stdlib.h>

#define GUESSES_MAX 3

struct average {
	const char *name;
	float score;
	unsigned count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct average *)a)->name, ((const struct average *)b)->name);
}

static unsigned find_averages(const struct report *report, const struct explain_bases *bases,
			      struct average ret_averages[VOCAB_CLASSES_MAX])
{
	struct match_average averages[VOCAB_CLASSES_MAX];
	unsigned count = 0;

	match_averages(bases->sigdb, report->syn, averages);
	VOCAB_EACH_CLASS (id)
		if (averages[id].sigs)
			ret_averages[count++] =
				(struct average){vocab_text(bases->vocab, VOCAB_CLASS, id),
						 averages[id].score, averages[id].sigs};
	qsort(ret_averages, count, sizeof(ret_averages[0]), compare_names);
	return count;
}

static void put_averages(const struct report *report, const struct explain_bases *bases,
			 struct text_buf *out)
{
	struct average averages[VOCAB_CLASSES_MAX];
	unsigned count = find_averages(report, bases, averages);

	text_put(out, "{'avgScoreOsClass': {");
	for (unsigned i = 0; i < count; i++)
		text_putf(out, "%s'%s': 'avg=%.2f, N=%u'", i ? ",\n                     " : "",
			  averages[i].name, (double)averages[i].score, averages[i].count);
	text_put(out, "},\n");
}

static void put_guesses(const struct report *report, const struct explain_bases *bases,
			struct text_buf *out)
{
	struct match_guess guesses[MATCH_BEST_MAX];
	unsigned count = match_guesses(bases->sigdb, report->syn, guesses);

	text_put(out, " 'bestNGuesses': [");
	for (unsigned i = 0; i < count && i < GUESSES_MAX; i++)
		text_putf(out, "%s{'os': '%s', 'score': '%.1f/10'}",
			  i ? ",\n                  " : "",
			  vocab_text(bases->vocab, VOCAB_CLASS, guesses[i].class_id),
			  (double)guesses[i].score);
	text_put(out, "]}\n");
}

static void put_end(const struct addr *addr, unsigned port, struct text_buf *out)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	text_putf(out, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u", text, port);
}

void zardaxt_put(const struct report *report, const struct explain_bases *bases,
		 struct text_buf *out)
{
	const struct syn *syn = report->syn;

	text_putf(out, "%llu: ", (unsigned long long)(report->now_ms / 1000));
	put_end(&syn->src, syn->src_port, out);
	text_put(out, " -> ");
	put_end(&syn->dst, syn->dst_port, out);
	text_put(out, syn_is_answer(syn) ? " [SYN+ACK]\n" : " [SYN]\n");
	if (syn_is_answer(syn))
		return;
	put_averages(report, bases, out);
	put_guesses(report, bases, out);
}
