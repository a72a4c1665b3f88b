/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of what was observed. A window has several forms, and its factor is reckoned once, where
 * the first key asks for it.
 */
#include "core/match/match_question.h"

#include "core/sig/sigdb_find.h"

void question_init(struct question *question, const struct index *index, const struct syn *syn)
{
	uint64_t words[LAYOUT_WORDS];

	layout_words(syn->opt_kinds, syn->opt_count, words);
	*question = (struct question){
		.syn = syn,
		.index = index,
		.layout = find_layout(index, words, syn->opt_count, syn->opt_eol_pad),
	};
}

static void reckon_factor(struct question *question)
{
	const struct syn *syn = question->syn;
	unsigned unit = syn->mss;

	/* A server knows already whether each segment will have a timestamp of twelve bytes. */
	if (syn_is_answer(syn) && syn->has_ts && unit > 12)
		unit -= 12;
	question->factor = sig_win_factor(syn, &question->factor_kind);
	question->mss_max = unit && UINT16_MAX / unit * unit == syn->win;
	question->has_factor = true;
}

bool question_window(struct question *question, const struct form *form, uint16_t *ret_win)
{
	enum sig_win_kind kind = (enum sig_win_kind)form->win_kind;

	if (!question->has_factor && kind >= SIG_WIN_MSS)
		reckon_factor(question);
	switch (kind) {
	case SIG_WIN_ANY: *ret_win = 0; return true;
	case SIG_WIN_VALUE: *ret_win = question->syn->win; return true;
	case SIG_WIN_MOD: *ret_win = form->modulus; return question->syn->win % form->modulus == 0;
	case SIG_WIN_MSS:
	case SIG_WIN_MTU:
		*ret_win = (uint16_t)question->factor;
		return question->factor && question->factor_kind == kind;
	case SIG_WIN_MSS_MAX: *ret_win = 0; return question->mss_max;
	}
	return false;
}

const struct node *question_find(struct question *question, enum level level,
				 const struct form *form, uint64_t what)
{
	bool has_wscale = form->has_wscale && level != LEVEL_WINDOW;
	uint16_t win;

	if (!question_window(question, form, &win))
		return NULL;
	return find_node(question->index,
			 key_make(level, what, SIG_ANY, (enum sig_win_kind)form->win_kind, win,
				  has_wscale ? question->syn->wscale : SIG_ANY));
}
