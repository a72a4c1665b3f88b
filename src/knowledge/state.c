/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that writes the state, and the one time that it is read. */
#include "knowledge/state.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "knowledge/put_aside.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

#define PATH_BYTES 4096
#define BUFFER_BYTES (64 * 1024) /* in front of the file: chunks come in three small pieces */

struct state {
	struct state_params params;
	pthread_t thread;
	int write_rc; /* atomic: of the last try */
	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t wake;
	bool must_stop;
};

struct output {
	struct file_writer writer;
	size_t len;
	uint8_t buffer[BUFFER_BYTES];
};

static int flush(struct output *output)
{
	int rc = file_write(&output->writer, output->buffer, output->len);

	output->len = 0;
	return rc;
}

static int put(void *ctx, const void *bytes, size_t len)
{
	struct output *output = ctx;
	int rc = 0;

	if (output->len + len > sizeof(output->buffer))
		rc = flush(output);
	if (rc == 0 && len > sizeof(output->buffer))
		return file_write(&output->writer, bytes, len);
	memcpy(output->buffer + output->len, bytes, len);
	output->len += len;
	return rc;
}

static int write_file(const struct state_params *params, struct output *output)
{
	struct state_sink sink = {.write = put, .ctx = output};
	struct state_tables tables = params->tables;
	int rc = file_begin(params->path, &output->writer);

	if (rc < 0)
		return rc;
	output->len = 0;
	tables.shift_s = clock_shift_s();
	rc = state_export(&tables, &sink);
	if (rc == 0)
		rc = flush(output);
	return file_end(&output->writer, rc);
}

static void note_result(struct state *state, int rc)
{
	static struct log_limit limit;

	__atomic_store_n(&state->write_rc, rc, __ATOMIC_RELAXED);
	if (rc < 0)
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "cannot write %s (%s); what it has is kept, and it is tried again",
			    state->params.path, file_error_text(rc));
}

static void write_state(struct state *state)
{
	struct output *output = malloc(sizeof(*output));

	note_result(state, output ? write_file(&state->params, output) : -ENOMEM);
	free(output);
}

/* A folder that is not ours is told now, and not when a day's clients are to be kept. */
static void try_file(struct state *state)
{
	struct file_writer writer;
	int rc = file_begin(state->params.path, &writer);

	if (rc == 0)
		file_end(&writer, -ECANCELED);
	note_result(state, rc);
}

static void set_aside(const char *path, const char *what)
{
	char why[PATH_BYTES];

	snprintf(why, sizeof(why), "%s: %s", path, what);
	put_aside(path, why, "nothing is taken from it");
}

void state_load(const struct state_params *params)
{
	struct text_error error = {.what = "out of memory"};
	struct state_counts counts;
	char *bytes = NULL;
	size_t len = 0;
	int rc = file_read(params->path, &bytes, &len);

	if (rc == -ENOENT)
		return;
	/* Not to be written over: it may be good, and readable another time. */
	if (rc < 0) {
		snprintf(error.what, sizeof(error.what), "cannot be read: %s", file_error_text(rc));
		set_aside(params->path, error.what);
		return;
	}
	rc = state_import(&params->tables, clock_steady_s(), (const uint8_t *)bytes, len, &error,
			  &counts);
	free(bytes);
	if (rc < 0)
		set_aside(params->path, error.what);
	else if (counts.clients)
		log_line(LOG_LEVEL_INFO, "%s: clients known from before: %zu%s", params->path,
			 counts.clients, counts.dropped ? ", older ones have no room" : "");
}

/* Sleeps for an interval; false where the state is to end. */
static bool wait_interval(struct state *state)
{
	struct timespec until = clock_in_ms(UINT64_C(1000) * state->params.interval_s);
	bool must_stop;

	pthread_mutex_lock(&state->lock);
	while (!state->must_stop &&
	       pthread_cond_timedwait(&state->wake, &state->lock, &until) != ETIMEDOUT)
		continue;
	must_stop = state->must_stop;
	pthread_mutex_unlock(&state->lock);
	return !must_stop;
}

static void *state_main(void *arg)
{
	struct state *state = arg;

	try_file(state);
	while (wait_interval(state))
		write_state(state);
	return NULL;
}

static void state_free(struct state *state)
{
	pthread_cond_destroy(&state->wake);
	pthread_mutex_destroy(&state->lock);
	free(state);
}

int state_start(const struct state_params *params, struct state **ret_state)
{
	struct state *state = calloc(1, sizeof(*state));
	pthread_condattr_t attr;
	int rc;

	if (!state)
		return -ENOMEM;
	state->params = *params;
	pthread_mutex_init(&state->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&state->wake, &attr);
	pthread_condattr_destroy(&attr);
	rc = -pthread_create(&state->thread, NULL, state_main, state);
	if (rc < 0) {
		state_free(state);
		return rc;
	}
	pthread_setname_np(state->thread, "state");
	*ret_state = state;
	return 0;
}

int state_get_error(const struct state *state)
{
	return state ? __atomic_load_n(&state->write_rc, __ATOMIC_RELAXED) : 0;
}

void state_stop(struct state *state)
{
	if (!state)
		return;
	pthread_mutex_lock(&state->lock);
	state->must_stop = true;
	pthread_cond_signal(&state->wake);
	pthread_mutex_unlock(&state->lock);
	pthread_join(state->thread, NULL);
	write_state(state);
	state_free(state);
}
