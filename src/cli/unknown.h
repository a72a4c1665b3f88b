/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shapes that nothing looks like, as a signature file to be labelled. */
#ifndef SYNPRINT_CLI_UNKNOWN_H
#define SYNPRINT_CLI_UNKNOWN_H

#include <stdbool.h>

#include "core/learn/tally.h"

/** unknown_put_tally() - append all of them, as the daemon tells its own. */
void unknown_put_tally(struct tally *tally, bool json, struct text_buf *out);

#endif
