/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint status: how the daemon does, as the daemon tells it: what needs the administrator first,
 * then figures with units in tables that fit the screen. --json has the same figures as they are.
 */
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/flow.h"
#include "cli/screen.h"
#include "cli/table.h"

#define INDENT 2
#define TEXT_BYTES (512 * 1024) /* twice what a reply can have */

/* What is wrong, and what to do. */
static void put_advice(const cJSON *list, unsigned columns, struct text_buf *out)
{
	const cJSON *advice;

	text_put(out, "advice\n");
	cJSON_ArrayForEach (advice, list) {
		struct flow flow;

		text_put(out, cJSON_IsTrue(ask_member(advice, "fault")) ? "! " : "  ");
		flow_begin(&flow, out, columns, 2 * INDENT);
		flow.at = INDENT;
		flow_put_words(&flow, ask_text(advice, "about"));
		flow_put_words(&flow, "-");
		flow_put_words(&flow, ask_text(advice, "text"));
		flow_end(&flow);
	}
}

/* Its name, and what is in it. */
static void put_words(const cJSON *list, unsigned columns, struct text_buf *out)
{
	const cJSON *word;
	struct flow flow;

	text_putf(out, "%*s", INDENT, "");
	flow_begin(&flow, out, columns, 2 * INDENT);
	flow.at = INDENT;
	flow_put_words(&flow, list->string);
	cJSON_ArrayForEach (word, list)
		flow_put_words(&flow, word->valuestring);
	flow_end(&flow);
}

static bool is_list_of_objects(const cJSON *value)
{
	return cJSON_IsArray(value) && cJSON_IsObject(value->child);
}

static void put_section(const cJSON *section, unsigned columns, struct text_buf *out)
{
	const cJSON *value;

	text_put(out, section->string);
	text_put_char(out, '\n');
	if (cJSON_IsArray(section)) {
		table_put_rows(section, columns, INDENT, out);
		return;
	}
	table_put_members(section, columns, INDENT, out);
	cJSON_ArrayForEach (value, section) {
		if (cJSON_IsArray(value) && cJSON_IsString(value->child))
			put_words(value, columns, out);
		if (!is_list_of_objects(value))
			continue;
		text_putf(out, "%*s%s\n", INDENT, "", value->string);
		table_put_rows(value, columns, 2 * INDENT, out);
	}
}

/* For a reference, which changes nothing. */
static cJSON *unconst(const cJSON *value)
{
	return (cJSON *)(uintptr_t)value;
}

static void put_status(const cJSON *reply, unsigned columns, struct text_buf *out)
{
	const cJSON *advice = ask_member(reply, "advice"), *value;
	cJSON *head = cJSON_CreateObject();

	cJSON_ArrayForEach (value, reply)
		if (!cJSON_IsObject(value) && !cJSON_IsArray(value) &&
		    strcmp(value->string, "ok") != 0)
			cJSON_AddItemReferenceToObject(head, value->string, unconst(value));
	table_put_members(head, columns, 0, out);
	cJSON_Delete(head);
	if (cJSON_GetArraySize(advice))
		put_advice(advice, columns, out);
	cJSON_ArrayForEach (value, reply)
		if ((cJSON_IsObject(value) || is_list_of_objects(value)) && value != advice)
			put_section(value, columns, out);
}

static int print_reply(const cJSON *reply)
{
	char *data = malloc(TEXT_BYTES);
	unsigned columns = screen_columns();
	struct text_buf text;
	int r;

	if (!data)
		return cli_error(CLI_FAILED, "out of memory");
	text_buf_init(&text, data, TEXT_BYTES);
	put_status(reply, columns ? columns - 1 : 0, &text);
	r = cli_write(text.data, text.len);
	free(data);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "status",
		.takes = "no argument",
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_status = {
	.name = "status",
	.arguments = "",
	.summary = "Show how the daemon does",
	.help = "Options:\n",
	.run = run,
};
