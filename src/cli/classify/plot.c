/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of time are merged in pairs when a SYN comes behind the last one, so nothing has to be
 * known of a capture before it is read. gnuplot gets a script with the figures in it.
 */
#include "cli/classify/plot.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

#define STEPS 256
#define MTU_STEP 20 /* bytes; what is larger than an Ethernet's is in the last row */
#define MTU_ROWS 80
#define TTL_ROWS 256
#define CLASSES_DRAWN 8 /* the most common ones; the others are one */

extern char **environ;

struct plot {
	uint64_t begin_ms, step_ms; /* of the first step; 0: nothing was counted */
	uint32_t classes[STEPS][VOCAB_CLASSES_MAX];
	uint32_t mtus[STEPS][MTU_ROWS];
	uint32_t ttls[STEPS][TTL_ROWS];
};

struct plot *plot_new(void)
{
	return calloc(1, sizeof(struct plot));
}

void plot_free(struct plot *plot)
{
	free(plot);
}

static void merge_rows(uint32_t *cells, size_t rows)
{
	for (size_t step = 0; step < STEPS / 2; step++)
		for (size_t row = 0; row < rows; row++)
			cells[step * rows + row] =
				cells[2 * step * rows + row] + cells[(2 * step + 1) * rows + row];
	memset(cells + STEPS / 2 * rows, 0, STEPS / 2 * rows * sizeof(*cells));
}

static void merge_steps(struct plot *plot)
{
	plot->step_ms *= 2;
	merge_rows(plot->classes[0], VOCAB_CLASSES_MAX);
	merge_rows(plot->mtus[0], MTU_ROWS);
	merge_rows(plot->ttls[0], TTL_ROWS);
}

void plot_add(struct plot *plot, const struct report *report)
{
	unsigned mtu = report->link->mtu / MTU_STEP;
	size_t step;

	if (!plot->step_ms) {
		plot->begin_ms = report->now_ms;
		plot->step_ms = 1;
	}
	if (report->now_ms < plot->begin_ms) /* out of order: it belongs to the first step */
		step = 0;
	else {
		while ((report->now_ms - plot->begin_ms) / plot->step_ms >= STEPS)
			merge_steps(plot);
		step = (report->now_ms - plot->begin_ms) / plot->step_ms;
	}
	plot->classes[step][report->verdict.class_id]++;
	if (mtu)
		plot->mtus[step][mtu < MTU_ROWS ? mtu : MTU_ROWS - 1]++;
	plot->ttls[step][report->syn->ttl]++;
}

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len > end_len && strcmp(path + len - end_len, end) == 0;
}

bool plot_is_path(const char *path)
{
	return ends_with(path, ".svg") || ends_with(path, ".png");
}

/* ---- the script ---- */

/*
 * All data comes first, in blocks with names: gnuplot 6 reads none between the plots of a multiplot.
 */
static void put_points(FILE *script, const struct plot *plot, const uint32_t *cells, size_t rows,
		       unsigned unit)
{
	for (size_t step = 0; step < STEPS; step++)
		for (size_t row = 0; row < rows; row++)
			if (cells[step * rows + row])
				fprintf(script, "%.3f %zu %u\n",
					(double)(plot->begin_ms + step * plot->step_ms) / 1000,
					row * unit, cells[step * rows + row]);
	fputs("EOD\n", script);
}

static uint64_t class_total(const struct plot *plot, unsigned id)
{
	uint64_t total = 0;

	for (size_t step = 0; step < STEPS; step++)
		total += plot->classes[step][id];
	return total;
}

/* The most common first. Return: how many there are. */
static unsigned rank_classes(const struct plot *plot, unsigned ret_ids[VOCAB_CLASSES_MAX])
{
	uint64_t totals[VOCAB_CLASSES_MAX] = {0};
	unsigned count = 0, at;

	VOCAB_EACH_CLASS (id) {
		uint64_t total = class_total(plot, id);

		if (!total)
			continue;
		for (at = count++; at && totals[at - 1] < total; at--) {
			totals[at] = totals[at - 1];
			ret_ids[at] = ret_ids[at - 1];
		}
		totals[at] = total;
		ret_ids[at] = id;
	}
	return count;
}

/* A line of @count classes together. */
static void put_class(FILE *script, const struct plot *plot, const unsigned *ids, unsigned count)
{
	for (size_t step = 0; step < STEPS; step++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < count; i++)
			sum += plot->classes[step][ids[i]];
		fprintf(script, "%.3f %llu\n",
			(double)(plot->begin_ms + step * plot->step_ms) / 1000,
			(unsigned long long)sum);
	}
	fputs("EOD\n", script);
}

/* A word within single quotes of gnuplot; a quote in it is doubled. */
static void put_word(FILE *script, const char *word)
{
	fputc('\'', script);
	for (; *word; word++) {
		if (*word == '\'')
			fputc('\'', script);
		fputc(*word < ' ' ? ' ' : *word, script);
	}
	fputc('\'', script);
}

static unsigned put_data(FILE *script, const struct plot *plot, const unsigned *ids, unsigned count)
{
	unsigned drawn = count < CLASSES_DRAWN ? count : CLASSES_DRAWN;

	for (unsigned i = 0; i < drawn; i++) {
		fprintf(script, "$class%u << EOD\n", i);
		put_class(script, plot, ids + i,
			  i == CLASSES_DRAWN - 1 ? count - CLASSES_DRAWN + 1 : 1);
	}
	fputs("$mtu << EOD\n", script);
	put_points(script, plot, plot->mtus[0], MTU_ROWS, MTU_STEP);
	fputs("$ttl << EOD\n", script);
	put_points(script, plot, plot->ttls[0], TTL_ROWS, 1);
	return drawn;
}

static void put_classes(FILE *script, const struct vocab *vocab, const unsigned *ids,
			unsigned drawn, bool has_others)
{
	fputs("set ylabel 'SYNs'\nset yrange [0:*]\nplot ", script);
	for (unsigned i = 0; i < drawn; i++) {
		bool is_rest = i == drawn - 1 && has_others;

		fprintf(script, "%s$class%u using 1:2 with lines lw 2 title ", i ? ", " : "", i);
		put_word(script, is_rest ? "others" : vocab_text(vocab, VOCAB_CLASS, ids[i]));
	}
	fputc('\n', script);
}

/* A little more than from the smallest to the largest, which may be one; [ret_low, ret_high]. */
static void find_mtus(const struct plot *plot, size_t *ret_low, size_t *ret_high)
{
	size_t low = MTU_ROWS, high = 0;

	for (size_t step = 0; step < STEPS; step++)
		for (size_t row = 0; row < MTU_ROWS; row++)
			if (plot->mtus[step][row]) {
				low = row < low ? row : low;
				high = row > high ? row : high;
			}
	*ret_low = low > high ? 0 : low * MTU_STEP - low * MTU_STEP / 20;
	*ret_high = low > high ? 1500 : high * MTU_STEP + high * MTU_STEP / 20;
}

static void put_script(FILE *script, const struct plot *plot, const struct vocab *vocab,
		       const char *path)
{
	unsigned ids[VOCAB_CLASSES_MAX], count = rank_classes(plot, ids);
	unsigned drawn = put_data(script, plot, ids, count);
	double begin = (double)plot->begin_ms / 1000;
	size_t low, high;

	fprintf(script, "set terminal %s size 1200,1000\nset output ",
		ends_with(path, ".svg") ? "svg" : "png");
	put_word(script, path);
	fprintf(script,
		"\nset multiplot layout 3,1\nset xdata time\nset timefmt '%%s'\n"
		"set format x '%%Y-%%m-%%d\\n%%H:%%M:%%S'\nset xrange ['%.3f':'%.3f']\n"
		"set grid\nset key outside right top\n",
		begin, begin + (double)(plot->step_ms * STEPS) / 1000);
	put_classes(script, vocab, ids, drawn, count > CLASSES_DRAWN);
	find_mtus(plot, &low, &high);
	fprintf(script,
		"set ylabel 'MTU'\nset yrange [%zu:%zu]\n"
		"plot $mtu using 1:2:(0.3+0.25*log10($3)) with points pt 7 ps variable notitle\n",
		low, high);
	fputs("set ylabel 'TTL'\nset yrange [0:256]\n"
	      "plot $ttl using 1:2:(0.3+0.25*log10($3)) with points pt 7 ps variable notitle\n",
	      script);
}

/* ---- gnuplot ---- */

static int start_gnuplot(int script_fd, pid_t *ret_pid)
{
	char name[] = "gnuplot";
	char *argv[] = {name, NULL};
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, script_fd, STDIN_FILENO);
	rc = posix_spawnp(ret_pid, name, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* gnuplot does not tell that the disk was full: a picture ends as SVG and PNG end. */
static bool is_whole(const char *path)
{
	FILE *picture = fopen(path, "re");
	char end[17] = "";

	if (!picture)
		return false;
	if (fseek(picture, -(long)(sizeof(end) - 1), SEEK_END) == 0)
		end[fread(end, 1, sizeof(end) - 1, picture)] = '\0';
	fclose(picture);
	return memmem(end, sizeof(end), "</svg>", 6) || memmem(end, sizeof(end), "IEND", 4);
}

static int run_gnuplot(int script_fd, const char *path)
{
	int status = 0, rc;
	pid_t pid;

	rc = start_gnuplot(script_fd, &pid);
	if (rc != 0)
		return cli_error(CLI_FAILED,
				 "%s is not drawn: gnuplot does not start (%s); Debian has it in "
				 "gnuplot-nox",
				 path, strerror(rc));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cli_error(CLI_FAILED, "%s is not drawn: gnuplot failed", path);
	if (!is_whole(path))
		return cli_error(CLI_FAILED, "%s is not whole: is the disk full?", path);
	return CLI_OK;
}

int plot_draw(const struct plot *plot, const struct vocab *vocab, const char *path)
{
	FILE *script;
	int r;

	if (!plot->step_ms)
		return cli_error(CLI_FAILED, "%s is not drawn: there was no SYN", path);
	script = tmpfile();
	if (!script)
		return cli_error(CLI_FAILED, "%s is not drawn: %s", path, strerror(errno));
	put_script(script, plot, vocab, path);
	if (fflush(script) != 0 || fseek(script, 0, SEEK_SET) != 0)
		r = cli_error(CLI_FAILED, "%s is not drawn: %s", path, strerror(errno));
	else
		r = run_gnuplot(fileno(script), path);
	fclose(script);
	return r;
}
