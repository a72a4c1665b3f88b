/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table CAPACITY THREADS SECONDS known|mixed|full: the client table alone. It is filled with
 * CAPACITY clients, then the threads observe SYNs, in bursts as workers do: all of known
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
#include "core/clients/client_table.h"

#define THREADS_MAX 16
#define BURST 64
#define PREFETCH_AHEAD 16 /* as the workers */
#define NOW_MS 1700000000000

static struct clients *clients;
static uint32_t capacity;
static unsigned new_percent;
static bool must_stop; /* atomic */

struct load {
	pthread_t thread;
	uint32_t number;
	uint64_t done;
} __attribute__((aligned(128)));

static void set_client(struct syn *syn, uint32_t client, uint32_t number)
{
	syn->src.bytes[12] = (uint8_t)(client >> 24);
	syn->src.bytes[13] = (uint8_t)(client >> 16);
	syn->src.bytes[14] = (uint8_t)(client >> 8);
	syn->src.bytes[15] = (uint8_t)client;
	syn->seq = number;
	syn->src_port = (uint16_t)number;
}

/* As a worker does with a burst. */
static void observe_burst(const struct syn *syns, uint64_t now_ms)
{
	struct verdict verdict = {.class_id = 1, .confidence_permille = 900};
	struct client_key keys[BURST];
	struct change change;

	for (unsigned i = 0; i < BURST; i++)
		clients_locate(clients, &syns[i], &keys[i]);
	for (unsigned i = 0; i < BURST + PREFETCH_AHEAD; i++) {
		if (i < BURST)
			clients_prefetch(clients, &keys[i]);
		if (i >= PREFETCH_AHEAD)
			clients_observe(clients, &keys[i - PREFETCH_AHEAD], now_ms,
					&syns[i - PREFETCH_AHEAD], &verdict, &change);
	}
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

static void make_burst(struct syn *ret_syns)
{
	for (unsigned i = 0; i < BURST; i++)
		parse_one(&ret_syns[i]);
}

static void *run(void *arg)
{
	struct load *load = arg;
	uint64_t state = load->number * 7919 + 1;
	uint32_t fresh = 0x40000000u * (load->number + 1);
	struct syn syns[BURST];

	make_burst(syns);
	while (!__atomic_load_n(&must_stop, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < BURST; i++) {
			bool is_new = next_random(&state) % 100 < new_percent;

			set_client(&syns[i], is_new ? fresh++ : next_random(&state) % capacity,
				   (uint32_t)load->done++);
		}
		observe_burst(syns, NOW_MS + load->done / 1000);
	}
	return NULL;
}

static void fill(void)
{
	struct syn syns[BURST];

	make_burst(syns);
	for (uint32_t client = 0; client < capacity; client += BURST) {
		for (uint32_t i = 0; i < BURST; i++)
			set_client(&syns[i], client + i, client + i);
		observe_burst(syns, NOW_MS + client / 1000);
	}
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
	fill();
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
