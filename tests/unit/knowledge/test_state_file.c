/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state that is larger than any database: it is read back, and never lost. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knowledge/state.h"

#define CLIENTS 520000 /* 140 bytes each: more than 64 MiB */

static char dir[] = "/tmp/synprint-state-XXXXXX";
static char path[64], aside[80];
static struct vocab *vocab;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	vocab = vocab_new();
}

static void teardown(void)
{
	unlink(path);
	rmdir(path);
	unlink(aside);
	rmdir(aside);
	rmdir(dir);
	vocab_free(vocab);
}

TestSuite(state_file, .init = setup, .fini = teardown, .timeout = 120);

static struct clients *new_clients(size_t capacity)
{
	struct clients_params params = {.capacity = capacity,
					.recent = 64,
					.v6_prefix_bits = 128,
					.refresh_s = 60,
					.vocab = vocab};
	struct clients *clients = clients_new(&params);

	cr_assert_not_null(clients);
	return clients;
}

static struct state_params params_of(struct clients *clients)
{
	return (struct state_params){.path = path,
				     .interval_s = 3600,
				     .tables = {.clients = clients, .vocab = vocab}};
}

Test(state_file, of_half_a_million_clients_is_read_back)
{
	struct clients *clients = new_clients(CLIENTS);
	struct state_params params = params_of(clients);
	struct clients_stats stats;
	struct state *state;
	struct stat status;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client client = {.first_seen_s = 1, .last_seen_s = 1, .syn_count = 1};
		uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

		client.addr = addr_from_v4(bytes);
		client.conn_count = 4; /* as large as a record gets */
		clients_restore(clients, &client);
	}
	cr_assert_eq(state_start(&params, &state), 0);
	state_stop(state);
	clients_free(clients);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_gt(status.st_size, 64 << 20);
	clients = new_clients(CLIENTS);
	params = params_of(clients);
	state_load(&params);
	clients_get_stats(clients, &stats);
	cr_assert_gt(stats.used, CLIENTS / 100 * 99, "%zu clients", stats.used);
	clients_free(clients);
}

static void expect_nothing_kept(int error)
{
	struct clients *clients = new_clients(64);
	struct state_params params = params_of(clients);
	struct stat before, after;
	struct state *state;

	cr_assert_eq(lstat(path, &before), 0);
	state_load(&params);
	cr_assert_eq(state_start(&params, &state), 0);
	while (state_get_error(state) != error)
		usleep(1000); /* the suite has a limit */
	state_stop(state);
	cr_assert_eq(lstat(path, &after), 0);
	cr_assert_eq(after.st_ino, before.st_ino);
	cr_assert_eq(after.st_mode, before.st_mode);
	cr_assert_lt(access(aside, F_OK), 0);
	clients_free(clients);
}

/* A device or a folder is the administrator's: it stays where it is. */
Test(state_file, what_is_no_file_is_not_written_over)
{
	cr_assert_eq(mkdir(path, 0755), 0);
	expect_nothing_kept(-EISDIR);
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(symlink("/dev/null", path), 0);
	expect_nothing_kept(-EINVAL);
}
