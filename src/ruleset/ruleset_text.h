/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset as text for `nft -f`. */
#ifndef SYNPRINT_RULESET_RULESET_TEXT_H
#define SYNPRINT_RULESET_RULESET_TEXT_H

#include "core/base/text.h"
#include "ruleset/ruleset.h"

/**
 * ruleset_put_text() - the whole table; loading it again replaces the rules and nothing else.
 * @tag: the comment of sets and rules, before what each rule says of itself
 */
void ruleset_put_text(const struct ruleset *ruleset, const char *table, const char *tag,
		      struct text_buf *out);

#endif
