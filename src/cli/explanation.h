/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An explanation in words and columns, from the JSON of explain_put_members(). */
#ifndef SYNPRINT_CLI_EXPLANATION_H
#define SYNPRINT_CLI_EXPLANATION_H

#include <cjson/cJSON.h>

#include "core/base/text.h"

/** explanation_put() - append the lines about an object with "os", "link" and "explain". */
void explanation_put(const cJSON *object, struct text_buf *buf);

#endif
