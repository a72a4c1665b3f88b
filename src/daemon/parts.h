/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon is made of, for the files that wire it: daemon.c, sockets.c, confine.c, reload.c,
 * gather.c. Whoever does the work below them takes the parts that he uses.
 */
#ifndef SYNPRINT_DAEMON_PARTS_H
#define SYNPRINT_DAEMON_PARTS_H

#include "config/advice.h"
#include "daemon/answers/answers.h"
#include "daemon/daemon.h"
#include "daemon/packets/confirmer.h"
#include "daemon/packets/timing.h"
#include "daemon/service.h"
#include "input/foreign.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/privs.h"

#define DAEMON_RETIRED_MAX 4

#define ADVISED_CHAINS_MAX 64

struct state;

/* What daemon_advise() knows. */
struct advised {
	struct advice_list list; /* as it was looked at last */
	struct advice_list interfaces; /* what of it is about them */
	struct known_chain {
		char name[64];
		bool is_there;
	} chains[ADVISED_CHAINS_MAX]; /* the administrator's, in our table */
	unsigned chain_count;
	uint32_t ruleset; /* its generation when chains were looked at */
	bool must_look;
	uint64_t looked_s; /* clock_boot_s() */
};

struct daemon {
	const struct config *boot; /* the first configuration: what only a restart changes */
	struct generation *generation; /* the newest; workers read it atomically */
	struct generation *retired[DAEMON_RETIRED_MAX]; /* replaced, and maybe still in use */
	struct vocab *vocab;
	struct pipeline pipeline;
	struct answers answers;
	struct loop *loop;
	struct privs_user user; /* whom to become */
	bool has_user; /* else we stay who we are */
	int lock_rc; /* of lock_namespace() */
	int lock_fd; /* of this network namespace; -1 without */
	struct service service;
	struct server *server;
	int proc_fd; /* nfqueue_proc_open(); -1 where it may not be read */
	struct p0f_server *p0f; /* NULL where it is off */
	struct worker *workers[CONFIG_QUEUES_MAX];
	struct keeper *keeper;
	struct reported *reported; /* what other gateways say */
	struct confirmer *confirmer; /* NULL where the kernel tells nobody */
	struct timing *timing; /* NULL where no connection was ever to be measured */
	struct evidence_table *evidence; /* likewise */
	struct foreign foreign; /* others' rules as they were last seen */
	uint64_t looked_s; /* when, clock_boot_s() */
	uint32_t ruleset; /* the ruleset's generation then */
	struct {
		uint32_t ruleset;
		uint64_t refused; /* elements, by full sets */
	} renewed; /* when generation->renewed was last known to be right */
	struct advised advised;
	int metrics_rc; /* of the last try to write the file */
	struct learned *learned; /* NULL where nothing is learned */
	struct state *state; /* NULL where none is kept */
	uint64_t started_s; /* clock_boot_s() */
	uint64_t reloads;
	unsigned seconds; /* of the housekeeping */
};

/* ---- confine.c ---- */

/** daemon_find_user() - before anything is made, so that it can be made for them; NULL: nobody. */
enum daemon_exit daemon_find_user(struct daemon *daemon, const char *name);

/**
 * daemon_confine() - become the user, with CAP_NET_ADMIN and the system calls that are needed from
 * here on; their directories are handed over first. Every thread is started after it.
 */
enum daemon_exit daemon_confine(const struct daemon *daemon);

/* ---- reload.c ---- */

/**
 * daemon_reload() - read configuration and databases again. What only a restart can change stays,
 * and is named in the new generation's notes.
 * @daemon: struct daemon
 * Return: 0, or -EINVAL with the reason; then all stays.
 */
int daemon_reload(void *daemon, struct text_error *ret_error);

/** daemon_free_unused() - give the generations back that no worker can be using any more. */
void daemon_free_unused(struct daemon *daemon);

/** daemon_refresh_s() - how often an element must be renewed so that none of the sets loses it. */
unsigned daemon_refresh_s(const struct config *config);

/* ---- confirm.c ---- */

/** daemon_start_confirmer() - listen to the kernel's log of confirmed connections. */
enum daemon_exit daemon_start_confirmer(struct daemon *daemon);

/** daemon_watch_confirmer() - have the loop serve it. Return: 0 or -errno. */
int daemon_watch_confirmer(struct daemon *daemon);

/** daemon_plan_confirm() - before a generation's rules are made: how clients are confirmed here. */
void daemon_plan_confirm(struct daemon *daemon, struct generation *generation);

/** daemon_forget_candidates() - at the start, before the rules: connections have no bit of ours. */
void daemon_forget_candidates(const struct daemon *daemon);

/** daemon_explain_confirm() - what the administrator should know of it, in words; "": nothing. */
void daemon_explain_confirm(const struct daemon *daemon, const struct generation *generation,
			    char *ret_text, size_t size);

/** daemon_say_confirm() - the log says it, too. */
void daemon_say_confirm(const struct daemon *daemon, const struct generation *generation);

/** daemon_follow_ruleset() - once a second: whether somebody's new rules change that. */
void daemon_follow_ruleset(struct daemon *daemon);

/* ---- advise.c ---- */

/** daemon_advise() - once a second: what has changed that the administrator should know. */
void daemon_advise(struct daemon *daemon);

/** daemon_advise_anew() - after the start and after a reload: chains that are gone are forgotten. */
void daemon_advise_anew(struct daemon *daemon);

/** daemon_note_interfaces() - some have changed. */
void daemon_note_interfaces(struct daemon *daemon);

/* ---- clocks.c ---- */

/** daemon_plan_clocks() - whether a generation measures connections, once it is known who confirms. */
void daemon_plan_clocks(struct daemon *daemon, struct generation *generation);

/** daemon_explain_clocks() - why nothing is measured although it should be, in words; "": it is. */
const char *daemon_explain_clocks(const struct generation *generation);

/** daemon_clocks_by() - "mark", "label", "counter", "rules" of the administrator, or "nothing". */
const char *daemon_clocks_by(const struct generation *generation);

/* ---- gather.c ---- */

/** daemon_gather() - all figures as they are now. @daemon: struct daemon */
void daemon_gather(const void *daemon, struct figures *ret_figures);

/* ---- sockets.c ---- */

/**
 * daemon_open_sockets() - listen where the configuration says; what is wrong is logged.
 * daemon_watch_sockets() - have the loop serve them. Return: 0 or -errno.
 */
enum daemon_exit daemon_open_sockets(struct daemon *daemon);
int daemon_watch_sockets(struct daemon *daemon);

/** daemon_tidy_sockets() - once a second: files that somebody deleted, memory of many that left. */
void daemon_tidy_sockets(struct daemon *daemon);
void daemon_close_sockets(struct daemon *daemon);

#endif
