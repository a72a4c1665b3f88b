/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint db merge, import and export. What is written is first put together in memory: a bad
 * input leaves no half of an output behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/db.h"
#include "knowledge/knowledge.h"
#include "core/sig/satori.h"
#include "sys/file.h"
#include "core/base/order.h"

struct output {
	FILE *stream;
	char *data;
	size_t len;
	char note[1024]; /* what is told once it is written */
};

static int output_open(struct output *output)
{
	*output = (struct output){0};
	output->stream = open_memstream(&output->data, &output->len);
	return output->stream ? CLI_OK : cli_error(CLI_FAILED, "out of memory");
}

static void output_put(struct output *output, const struct text_buf *buf)
{
	fwrite(buf->data, 1, buf->len, output->stream);
}

/* @r: what has come of it so far; only CLI_OK is written. */
static int output_end(struct output *output, const struct db_call *call, int r)
{
	int failed = ferror(output->stream) | fclose(output->stream);

	if (r == CLI_OK && failed)
		r = cli_error(CLI_FAILED, "out of memory");
	if (r == CLI_OK && !call->output)
		r = cli_write(output->data, output->len);
	else if (r == CLI_OK) {
		int rc = file_replace(call->output, output->data, output->len, true);

		if (rc < 0)
			r = cli_error(CLI_FAILED, "%s: cannot write it: %s", call->output,
				      file_error_text(rc));
	}
	if (r == CLI_OK)
		fputs(output->note, stderr);
	free(output->data);
	return r;
}

typedef int convert_fn(const struct db_call *call, const struct sigdb *db, struct output *output);

static int convert(struct db_call *call, convert_fn *put)
{
	struct output output;
	struct sigdb *db;
	int r = db_load(call, &db);

	if (r != CLI_OK)
		return r;
	r = output_open(&output);
	if (r == CLI_OK)
		r = output_end(&output, call, put(call, db, &output));
	sigdb_free(db);
	return r;
}

static void put_head(const struct sigdb_writer *writer, struct output *output)
{
	char data[SIGDB_WRITE_MAX];
	struct text_buf buf;

	VOCAB_EACH_CLASS (id) {
		text_buf_init(&buf, data, sizeof(data));
		sigdb_put_class(writer, id, &buf);
		output_put(output, &buf);
	}
	text_buf_init(&buf, data, sizeof(data));
	sigdb_put_doubts(writer, &buf);
	sigdb_put_section(writer, &buf);
	output_put(output, &buf);
}

static void put_sig(struct sigdb_writer *writer, size_t index, struct output *output)
{
	char data[SIGDB_WRITE_MAX];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	sigdb_put_sig(writer, index, &buf);
	output_put(output, &buf);
}

/* ---- merge ---- */

/* What tells signatures apart, as text, so that sorting brings equal ones together. */
struct sorted {
	char *key;
	size_t index;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;
	int order = strcmp(left->key, right->key);

	return order ? order : order_up(left->index, right->index);
}

static char *key_of(const struct sigdb *db, size_t index)
{
	struct sigdb_info info = sigdb_info(db, index);
	char data[SIGDB_WRITE_MAX];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	text_putf(&buf, "%u %u %d %d %d %u ", info.class_id, info.label, info.generic, info.tool,
		  (int)info.when, info.when_value);
	sig_format(info.sig, &buf);
	return strdup(data);
}

/* Of equal signatures one stays: the last that has a rate, in the place of the first. */
static void choose(const struct sigdb *db, const struct sorted *sorted, size_t count,
		   size_t *chosen)
{
	for (size_t begin = 0, end; begin < count; begin = end) {
		size_t stays = sorted[begin].index;

		for (end = begin; end < count; end++) {
			if (strcmp(sorted[end].key, sorted[begin].key) != 0)
				break;
			chosen[sorted[end].index] = SIZE_MAX;
			if (sigdb_info(db, sorted[end].index).permille > 0)
				stays = sorted[end].index;
		}
		chosen[sorted[begin].index] = stays;
	}
}

static int choose_all(const struct sigdb *db, size_t count, size_t *chosen)
{
	struct sorted *sorted = calloc(count ? count : 1, sizeof(*sorted));
	int r = sorted ? CLI_OK : CLI_FAILED;

	for (size_t i = 0; i < count && r == CLI_OK; i++) {
		sorted[i] = (struct sorted){key_of(db, i), i};
		r = sorted[i].key ? CLI_OK : CLI_FAILED;
	}
	if (r == CLI_OK) {
		qsort(sorted, count, sizeof(*sorted), compare_sorted);
		choose(db, sorted, count, chosen);
	}
	for (size_t i = 0; sorted && i < count; i++)
		free(sorted[i].key);
	free(sorted);
	return r == CLI_OK ? r : cli_error(r, "out of memory");
}

static int merge(const struct db_call *call, const struct sigdb *db, struct output *output)
{
	struct sigdb_writer writer = {.db = db, .vocab = call->vocab};
	size_t count = db_count(db), written = 0;
	size_t *chosen = calloc(count ? count : 1, sizeof(*chosen));
	int r = chosen ? choose_all(db, count, chosen) : cli_error(CLI_FAILED, "out of memory");

	if (chosen && r == CLI_OK) {
		put_head(&writer, output);
		for (size_t i = 0; i < count; i++)
			if (chosen[i] != SIZE_MAX) {
				put_sig(&writer, chosen[i], output);
				written++;
			}
		snprintf(output->note, sizeof(output->note),
			 "%zu signatures of %zu written, %zu were there twice\n", written, count,
			 count - written);
	}
	free(chosen);
	return r;
}

int db_merge(struct db_call *call)
{
	return convert(call, merge);
}

/* ---- export ---- */

/* p0f refuses a file in which a specific signature leaves nothing for a later one; those that are
 * generic come last. */
static bool is_covered(const struct sigdb *db, const size_t *written, size_t count,
		       const struct sig *sig)
{
	for (size_t i = 0; i < count && !sigdb_info(db, written[i]).generic; i++)
		if (sig_p0f_covers(sigdb_sig(db, written[i], NULL), sig))
			return true;
	return false;
}

struct export
{
	struct sigdb_writer writer;
	struct output *output;
	size_t *written;
	size_t count, covered, lacking;
};

static void export_sigs(struct export *export, bool generic)
{
	const struct sigdb *db = export->writer.db;

	for (size_t i = 0; i < db_count(db); i++) {
		struct sigdb_info info = sigdb_info(db, i);

		if (info.generic != generic)
			continue;
		if (sigdb_p0f_lacks(&info)) {
			export->lacking++;
		} else if (is_covered(db, export->written, export->count, info.sig)) {
			export->covered++;
		} else {
			export->written[export->count++] = i;
			put_sig(&export->writer, i, export->output);
		}
	}
}

static int export_all(const struct db_call *call, const struct sigdb *db, struct output *output)
{
	struct export export = {.writer = {.db = db, .vocab = call->vocab, .for_p0f = true},
				.output = output};

	export.written = calloc(db_count(db) + 1, sizeof(*export.written));
	if (!export.written)
		return cli_error(CLI_FAILED, "out of memory");
	put_head(&export.writer, output);
	export_sigs(&export, false);
	export_sigs(&export, true);
	snprintf(output->note, sizeof(output->note),
		 "%zu signatures written; left out: %zu that p0f has no words for, "
		 "%zu that an earlier one covers; rates and sources are not p0f's\n",
		 export.count, export.lacking, export.covered);
	free(export.written);
	return CLI_OK;
}

int db_export(struct db_call *call)
{
	return convert(call, export_all);
}

/* ---- import ---- */

/* Signatures below sections that are not about SYNs. */
static size_t count_skipped(const char *text)
{
	size_t skipped = 0;
	bool is_ours = false;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strspn(line, " \t");
		if (*line == '[')
			is_ours = strncmp(line, "[tcp:request]", strlen("[tcp:request]")) == 0;
		else if (!is_ours && strncmp(line, "sig", 3) == 0 &&
			 line[3 + strspn(line + 3, " \t")] == '=')
			skipped++;
	}
	return skipped;
}

static int import_p0f(struct db_call *call, const char *text, struct output *output)
{
	struct sigdb_writer writer = {.vocab = call->vocab};
	struct sigdb *db;
	int r = db_load(call, &db);

	if (r != CLI_OK)
		return r;
	writer.db = db;

	put_head(&writer, output);
	for (size_t i = 0; i < db_count(db); i++)
		put_sig(&writer, i, output);
	snprintf(output->note, sizeof(output->note),
		 "%zu signatures converted; left out: %zu that are not about SYNs (SYN+ACK, HTTP, "
		 "MTU)\n",
		 db_count(db), count_skipped(text));
	sigdb_free(db);
	return CLI_OK;
}

/* 63 bytes of the vocabulary, with name and version. */
static void put_satori(const struct satori_test *test, char last_name[SATORI_NAME_MAX],
		       struct output *output)
{
	char name[VOCAB_WORD_MAX + 1], data[SIGDB_WRITE_MAX];
	size_t len;
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	if (strcmp(test->name, last_name) != 0) {
		snprintf(name, sizeof(name), "%s", test->name);
		len = sigdb_name_len(name);
		text_putf(&buf, "\nlabel = s:other:%.*s:%s\n", (int)len, name,
			  name[len] ? name + len + 1 : "");
		snprintf(last_name, SATORI_NAME_MAX, "%s", test->name);
	}
	text_put(&buf, "sig = ");
	sig_format(&test->sig, &buf);
	text_put_char(&buf, '\n');
	output_put(output, &buf);
}

static int import_satori(const char *path, const char *text, size_t len, struct output *output)
{
	struct satori_reader reader = {.text = text, .len = len};
	char last_name[SATORI_NAME_MAX] = "";
	size_t counts[SATORI_RESULT_COUNT] = {0};
	struct satori_test test;
	struct text_buf note;

	fputs("[tcp:request]\n", output->stream);
	while (satori_next(&reader, &test)) {
		counts[test.result]++;
		if (test.result == SATORI_OK)
			put_satori(&test, last_name, output);
	}
	if (!counts[SATORI_OK])
		return cli_error(
			CLI_BAD_INPUT,
			"%s: neither a signature file nor a list with tcpsig=\"...\" of SYNs",
			path);
	text_buf_init(&note, output->note, sizeof(output->note));
	text_putf(&note, "%zu signatures converted\n", counts[SATORI_OK]);
	for (unsigned i = SATORI_OK + 1; i < SATORI_RESULT_COUNT; i++)
		if (counts[i])
			text_putf(&note, "%zu left out: %s\n", counts[i],
				  satori_result_text((enum satori_result)i));
	return CLI_OK;
}

int db_import(struct db_call *call)
{
	const char *path = call->files[0];
	struct output output;
	char *text;
	size_t len;
	int rc = knowledge_read_text(path, &text, &len), r;

	if (rc < 0)
		return cli_error(CLI_BAD_INPUT, "%s: cannot read it: %s", path, strerror(-rc));
	r = output_open(&output);
	if (r == CLI_OK) {
		if (text[strspn(text, " \t\r\n\xef\xbb\xbf")] == '<')
			r = import_satori(path, text, len, &output);
		else
			r = import_p0f(call, text, &output);
		r = output_end(&output, call, r);
	}
	free(text);
	return r;
}
