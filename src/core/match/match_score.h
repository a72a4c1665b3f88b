/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How well one signature fits a SYN. */
#ifndef SYNPRINT_CORE_MATCH_MATCH_SCORE_H
#define SYNPRINT_CORE_MATCH_MATCH_SCORE_H

#include "core/match/match_question.h"

/** score_sig() - 0 to 10. */
float score_sig(struct question *question, const struct sig *sig);

#endif
