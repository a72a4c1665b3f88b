/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprintd -t: what a start would meet on this machine. It changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/advice.h"
#include "core/base/text.h"
#include "daemon/daemon.h"
#include "input/foreign.h"
#include "sys/log.h"
#include "sys/privs.h"

static void look_at_interfaces(const struct config *config, struct advice_list *list)
{
	struct netdevs netdevs;
	int rc = netdevs_read(&netdevs);

	if (rc < 0) {
		advice_add(list, ADVICE_NOTE, "interfaces", "interfaces cannot be looked at: %s",
			   strerror(-rc));
		return;
	}
	advice_interfaces(config, &netdevs, list);
	netdevs_done(&netdevs);
}

static void take_target(const char *name, const char *reason, void *ctx)
{
	advice_add(ctx, ADVICE_FAULT, "sets", "%s: %s, so nobody is put into it", name, reason);
}

static void look_at_kernel(const struct config *config, struct advice_list *list)
{
	int rc = generation_check_targets(config, take_target, list);

	if (rc == -EPERM || !privs_has_net_admin())
		advice_add(list, ADVICE_NOTE, "rules",
			   "rules and sets of the kernel were not looked at: only root may");
}

static void look_at_files(const struct config *config, const char *name, struct advice_list *list)
{
	struct privs_user user = {.uid = geteuid(), .gid = getegid()};

	if (name && privs_find_user(name, &user) < 0)
		return;
	advice_files(config, user.uid, user.gid, list);
}

/* Of the option -u; the configuration's own is one of its names. */
static void look_at_user(const char *name, struct advice_list *list)
{
	struct privs_user user;

	if (name && privs_find_user(name, &user) < 0)
		advice_add(list, ADVICE_REFUSED, "users", "there is no user '%s'", name);
}

/* The daemon warns of it, too; but who comes from 0.1.0 asks before he starts it. */
static void look_at_conntrack(const struct config *config, struct advice_list *list)
{
	struct foreign foreign = {.uses_conntrack = true};
	struct text_buf names;
	char data[256];
	struct nl *nl = NULL;

	text_buf_init(&names, data, sizeof(data));
	for (unsigned i = 0; i < config->set_count; i++)
		if (config->sets[i].confirm == CONFIG_SERVED)
			text_putf(&names, "%s%s", names.len ? ", " : "", config->sets[i].name);
	if (!names.len || config->conntrack || config->engine == RULES_NONE || nl_open(&nl) < 0)
		return;
	if (foreign_look(nl, config->ct_mark_field, &foreign) == 0 && !foreign.uses_conntrack)
		advice_add(list, ADVICE_NOTE, "sets",
			   "nobody uses conntrack here now, without which no handshake is seen, "
			   "and these sets stay empty: %s. rules.conntrack = true switches it on",
			   data);
	nl_close(nl);
}

/* As version 0.1.0 had it by default, when every rule was what confirm = "syn" is now. */
static void look_at_set(const struct config_set *set, struct advice_list *list)
{
	if (set->filter.flags == VERDICT_SCANNER && set->confirm == CONFIG_SERVED)
		advice_add(
			list, ADVICE_NOTE, "sets",
			"set '%s' takes only scanners that a server has answered, and most never "
			"let it come to that: confirm = \"syn\" takes them at their first SYN, "
			"whose sender anybody can forge",
			set->name);
}

/* What is right, and still easily forgotten. */
static void look_at_rules(const struct config *config, struct advice_list *list)
{
	if (config->engine == RULES_NONE)
		advice_add(list, ADVICE_NOTE, "rules",
			   "rules.engine is \"none\": nothing is diverted before you load rules of "
			   "your own ('synprint rules print' has them)");
	else if (!config->interface_count)
		advice_add(
			list, ADVICE_NOTE, "interfaces",
			"rules.interfaces is empty: SYNs from inside are classified too, and a "
			"host there that scans others becomes a scanner; name what leads outside");
	for (unsigned i = 0; i < config->mark_count; i++)
		advice_add(
			list, ADVICE_NOTE, "marks",
			"SYNs get the mark 0x%x behind the queue (priority -175): rules of yours "
			"that look for it need a later priority",
			config->marks[i].mark);
	for (unsigned i = 0; i < config->set_count; i++)
		look_at_set(&config->sets[i], list);
}

enum daemon_exit daemon_try(const struct generation *generation, const char *user)
{
	const struct config *config = generation->config;
	struct advice_list list = {.count = 0};
	enum daemon_exit code = DAEMON_EXIT_OK;

	look_at_user(user, &list);
	advice_names(config, &list);
	look_at_files(config, user ? user : config->user, &list);
	look_at_rules(config, &list);
	look_at_interfaces(config, &list);
	look_at_kernel(config, &list);
	look_at_conntrack(config, &list);
	for (unsigned i = 0; i < list.count; i++) {
		const struct advice *advice = &list.list[i];

		if (advice->level == ADVICE_NOTE)
			printf("note: %s\n", advice->text);
		else
			log_line(advice->level == ADVICE_REFUSED ? LOG_LEVEL_ERROR
								 : LOG_LEVEL_WARNING,
				 "%s", advice->text);
		if (advice->level == ADVICE_REFUSED)
			code = DAEMON_EXIT_INPUT;
	}
	if (code == DAEMON_EXIT_OK)
		printf("%s: configuration and databases are good\n", config->path);
	return code;
}
