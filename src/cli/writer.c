/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One buffer is filled, the other one is written or empty; a mutex says whose turn it is. */
#include "cli/writer.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/cli.h"

struct writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *buffers[2];
	size_t size;
	unsigned filling; /* which buffer is the caller's */
	size_t len; /* bytes of the other one that wait to be written; 0: it is empty */
	int result;
	bool must_stop;
};

static void *write_all(void *arg)
{
	struct writer *writer = arg;

	pthread_mutex_lock(&writer->lock);
	while (!writer->must_stop) {
		const char *data = writer->buffers[!writer->filling];
		size_t len = writer->len;
		int result;

		if (!len) {
			pthread_cond_wait(&writer->changed, &writer->lock);
			continue;
		}
		pthread_mutex_unlock(&writer->lock);
		result = cli_write(data, len);
		pthread_mutex_lock(&writer->lock);
		writer->result = result;
		writer->len = 0;
		pthread_cond_signal(&writer->changed);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

struct writer *writer_new(size_t size, struct text_buf *ret_buf)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->size = size;
	writer->result = CLI_OK;
	writer->buffers[0] = malloc(size);
	writer->buffers[1] = malloc(size);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
	if (!writer->buffers[0] || !writer->buffers[1] ||
	    pthread_create(&writer->thread, NULL, write_all, writer) != 0) {
		free(writer->buffers[0]);
		free(writer->buffers[1]);
		free(writer);
		return NULL;
	}
	text_buf_init(ret_buf, writer->buffers[0], size);
	return writer;
}

static int wait_locked(struct writer *writer)
{
	while (writer->len)
		pthread_cond_wait(&writer->changed, &writer->lock);
	return writer->result;
}

int writer_wait(struct writer *writer)
{
	int result;

	pthread_mutex_lock(&writer->lock);
	result = wait_locked(writer);
	pthread_mutex_unlock(&writer->lock);
	return result;
}

int writer_hand(struct writer *writer, struct text_buf *buf)
{
	int result;

	pthread_mutex_lock(&writer->lock);
	result = wait_locked(writer);
	if (result == CLI_OK && buf->len) {
		writer->filling = !writer->filling;
		writer->len = buf->len;
		pthread_cond_signal(&writer->changed);
	}
	text_buf_init(buf, writer->buffers[writer->filling], writer->size);
	pthread_mutex_unlock(&writer->lock);
	return result;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->must_stop = true;
	pthread_cond_signal(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	pthread_mutex_destroy(&writer->lock);
	pthread_cond_destroy(&writer->changed);
	free(writer->buffers[0]);
	free(writer->buffers[1]);
	free(writer);
}
