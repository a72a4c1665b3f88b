/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files beside daemon.c do for it, with all of the daemon's parts. */
#ifndef SYNPRINT_DAEMON_WIRING_H
#define SYNPRINT_DAEMON_WIRING_H

#include "daemon/parts.h"
#include "daemon/packets/generation_marks.h"

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
 * daemon_reload() - begin to read configuration and databases again, or do that behind the load that
 * goes on. What only a restart can change stays, and is named in the new generation's notes.
 * @daemon: struct daemon
 * Return: the number of the load, which answers_reloaded() and the log are told of.
 */
uint64_t daemon_reload(void *daemon);

/** daemon_watch_loader() - have the loop take what was loaded. Return: 0 or -errno. */
int daemon_watch_loader(struct daemon *daemon);

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

/**
 * daemon_forget_candidates() - before rules of the generation that ask for them are there: connections
 * have no bit of ours, or no label. What takes longer than @max_ms is left as it is, and the log says so.
 */
void daemon_forget_candidates(const struct daemon *daemon, unsigned max_ms);

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

/** daemon_tell_figures() - once a second: to the service manager and into the file, when due. */
void daemon_tell_figures(struct daemon *daemon);

/** daemon_end_metrics() - have the file of figures removed, if we have written it. */
void daemon_end_metrics(struct daemon *daemon);

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
