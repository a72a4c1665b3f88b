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
#include "daemon/loader.h"
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
	struct changes *changes; /* what subscribers were told of clients of late */
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
	struct clerk *clerk; /* who writes the file of figures */
	int metrics_rc; /* of the last try to hand them over */
	struct learned *learned; /* NULL where nothing is learned */
	struct state *state; /* NULL where none is kept */
	uint64_t started_s; /* clock_boot_s() */
	struct loader loader;
	uint64_t loads; /* begun */
	bool must_load; /* again, as soon as the one that goes on has ended */
	unsigned waited_ms; /* for the reload before it to be over */
	uint64_t reloads; /* that succeeded */
	uint64_t others_swept; /* as struct keeper_stats' others, when sets were swept for that */
	char refused[320]; /* why the last reload was; "": it was not */
	unsigned seconds; /* of the housekeeping */
};

#endif
