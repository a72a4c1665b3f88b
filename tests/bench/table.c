/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table CAPACITY THREADS SECONDS known|mixed|full: the client table alone. It is filled with
 * CAPACITY clients (full: with twice as many), then the threads observe SYNs: all of known
 * clients, or one in ten of a new one (mixed), or all of new ones (full), which evict. Prints
 * operations a second, bytes for each client of the capacity, and how many were evicted.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "syns.h"
#include "synprint/clients.h"

#define THREADS_MAX 16
#define BATCH 256

static struct clients *clients;
static uint32_t capacity;
static unsigned new_percent;
static bool must_stop; /* atomic */

struct load {
	pthread_t thread;
	uint32_t number;
	uint64_t done;
} __attribute__((aligned(128)));

static void observe(struct syn *syn, uint32_t client, uint32_t number)
{
	struct verdict verdict = {.class_id = 1, .confidence_permille = 900};
	struct change change;

	syn->src.bytes[12] = (uint8_t)(client >> 24);
	syn->src.bytes[13] = (uint8_t)(client >> 16);
	syn->src.bytes[14] = (uint8_t)(client >> 8);
	syn->src.bytes[15] = (uint8_t)client;
	syn->seq = number;
	syn->src_port = (uint16_t)number;
	clients_observe(clients, 1700000000000 + number / 1000, syn, &verdict, &change);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void parse_one(struct syn *ret_syn)
{
	uint8_t bytes[SYNS_BYTES_MAX];

	if (syn_parse(bytes, syns_make(0, 0, 0, bytes), ret_syn) != SYN_OK)
		abort();
}

static void *run(void *arg)
{
	struct load *load = arg;
	uint64_t state = load->number * 7919 + 1;
	uint32_t fresh = 0x40000000u * (load->number + 1);
	struct syn syn;

	parse_one(&syn);
	while (!__atomic_load_n(&must_stop, __ATOMIC_RELAXED))
		for (unsigned i = 0; i < BATCH; i++) {
			bool is_new = next_random(&state) % 100 < new_percent;

			observe(&syn, is_new ? fresh++ : next_random(&state) % capacity,
				(uint32_t)load->done++);
		}
	return NULL;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct load loads[THREADS_MAX];
	struct vocab *vocab = vocab_new();
	struct clients_params params = {.recent = 4096,
					.seed = 1,
					.v6_prefix_bits = 128,
					.refresh_s = 30000,
					.vocab = vocab};
	struct clients_stats stats;
	unsigned threads;
	struct timespec pause;
	double start_s, seconds;
	uint64_t sum = 0;
	struct syn syn;

	if (argc != 5 || (threads = (unsigned)atoi(argv[2])) < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: table CAPACITY THREADS SECONDS known|mixed|full\n");
		return 2;
	}
	capacity = (uint32_t)strtoul(argv[1], NULL, 10);
	seconds = strtod(argv[3], NULL);
	new_percent = strcmp(argv[4], "full") == 0 ? 100 : strcmp(argv[4], "mixed") == 0 ? 10 : 0;
	params.capacity = capacity;
	clients = clients_new(&params);
	if (!clients)
		return 1;
	parse_one(&syn);
	for (uint32_t i = 0; i < capacity; i++)
		observe(&syn, i, i);
	start_s = now_s();
	for (unsigned i = 0; i < threads; i++) {
		loads[i].number = i;
		if (pthread_create(&loads[i].thread, NULL, run, &loads[i]) != 0)
			return 1;
	}
	pause = (struct timespec){(time_t)seconds,
				  (long)((seconds - (double)(time_t)seconds) * 1e9)};
	nanosleep(&pause, NULL);
	__atomic_store_n(&must_stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(loads[i].thread, NULL);
		sum += loads[i].done;
	}
	seconds = now_s() - start_s;
	clients_get_stats(clients, &stats);
	printf("%.0f %.2f %llu\n", (double)sum / seconds, (double)stats.memory_bytes / capacity,
	       (unsigned long long)stats.evicted);
	return 0;
}
