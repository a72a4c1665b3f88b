/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status reply: what an administrator looks at first. */
#ifndef SYNPRINT_DAEMON_ANSWERS_STATUS_H
#define SYNPRINT_DAEMON_ANSWERS_STATUS_H

#include "daemon/answers/figures.h"

/** status_put() - its members, each with a comma before it. */
void status_put(const struct figures *figures, struct text_buf *reply);

#endif
