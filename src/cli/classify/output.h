/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One judgement as a line, or several, in the form that was asked for. */
#ifndef SYNPRINT_CLI_CLASSIFY_OUTPUT_H
#define SYNPRINT_CLI_CLASSIFY_OUTPUT_H

#include "cli/classify/judge.h"
#include "cli/line.h"

#define OUTPUT_LINE_BYTES 32768 /* room for one SYN: 1,300 bytes as JSON, explained about 8,000 */

enum output_format {
	OUTPUT_TABLE,
	OUTPUT_JSON,
	OUTPUT_CSV,
	OUTPUT_P0F,
	OUTPUT_ECS,
	OUTPUT_ZARDAXT,
	OUTPUT_FORMAT_COUNT
};

struct output_params {
	enum output_format format;
	bool explains; /* table and JSON: the facts for and against below or in it */
	const struct knowledge *knowledge;
	const struct vocab *vocab;
	const struct line_layout *layout;
};

struct output;

/** output_new() - NULL: no memory. */
struct output *output_new(const struct output_params *params);
void output_free(struct output *output);

/** output_begin() - what comes before the first line. @is_terminal: names of columns are wanted */
void output_begin(struct output *output, bool is_terminal, struct text_buf *out);

/** output_put() - append a judgement; @out has room for OUTPUT_LINE_BYTES. */
void output_put(struct output *output, const struct judgement *judgement, struct text_buf *out);

/** output_format_parse() - "table", "json", "csv", "p0f", "ecs" or "zardaxt". Return: 0 or -EINVAL. */
int output_format_parse(const char *text, enum output_format *ret_format);

#endif
