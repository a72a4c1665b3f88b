/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What takes away what `synprint rules print` prints. */
#ifndef SYNPRINT_CLI_RULES_REMOVAL_H
#define SYNPRINT_CLI_RULES_REMOVAL_H

#include "core/base/text.h"
#include "input/rules.h"

/**
 * rules_removal_put() - for the same tool in the same form.
 * @text: what was printed; it is made of that, so that nothing is left out
 */
void rules_removal_put(enum rules_format format, const char *text, struct text_buf *out);

#endif
