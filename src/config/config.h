/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: read from a libconfig file, checked to the last key, then immutable. What
 * names classes of the database is resolved once the database is there.
 */
#ifndef SYNPRINT_CONFIG_CONFIG_H
#define SYNPRINT_CONFIG_CONFIG_H

#include <sys/types.h>

#include "config/config_set.h"
#include "core/base/text.h"
#include "input/rules.h"
#include "knowledge/knowledge.h"
#include "sys/log.h"

#define CONFIG_DEFAULT_REPORTS_USER "synprint-share"
#define CONFIG_DEFAULT_PATH SYNPRINT_SYSCONFDIR "/synprint.conf"
#define CONFIG_DEFAULT_SOCKET "/run/synprint/control.sock"
#define CONFIG_QUEUES_MAX 16
#define CONFIG_INTERFACES_MAX 64
#define CONFIG_FILES_MAX 16
#define CONFIG_NETWORKS_MAX 64

/* How the packets of connections that are measured are told apart. */
enum config_match { CONFIG_MATCH_MARK, CONFIG_MATCH_COUNTER };

struct config {
	const char *path; /* "built-in defaults" where there is no file */
	uint16_t queue_first;
	unsigned queue_count;
	uint32_t queue_length, receive_buffer;
	enum rules_engine engine;
	const char *interfaces[CONFIG_INTERFACES_MAX];
	unsigned interface_count;
	bool defragments; /* SYNs in fragments are put together */
	bool conntrack; /* confirmations may switch it on */
	uint32_t ct_mark_field; /* bits of the connection mark that may be ours */
	uint16_t nflog_group;
	bool clocks_enabled;
	unsigned clocks_match; /* enum config_match */
	unsigned clocks_limit; /* connections a second that are measured at the most */
	uint16_t clocks_group; /* of NFLOG */
	unsigned clocks_clients; /* whose evidence is kept, at the most */
	uint32_t rules_limit; /* SYNs/s; 0: none */
	uint32_t mark_field; /* bits of the packet mark that are ours behind the queue */
	uint32_t skip_known_s; /* so long a known client's shape passes unasked; 0: never */
	const char *signatures[CONFIG_FILES_MAX]; /* absolute, or from the working directory */
	unsigned signatures_count;
	const char *links;
	struct knowledge_prior priors[VOCAB_CLASSES_MAX];
	unsigned prior_count;
	const char *addresses[SIGDB_ADDRESSES_MAX]; /* IPv4, that stand for this host outside */
	unsigned address_count;
	bool learn_enabled;
	const char *learn_file;
	unsigned learn_shapes;
	unsigned clients, recent, ipv6_prefix;
	enum link_grade link_threshold;
	uint16_t local_clamp;
	bool servers_enabled; /* SYN+ACKs are looked at too */
	const char *servers_db;
	unsigned servers; /* at the most */
	uint16_t community_seed;
	bool baseline_enabled;
	unsigned baseline_prefixes, baseline_v4_prefix, baseline_v6_prefix;
	unsigned baseline_half_life; /* hours */
	const char *baseline_names; /* file; NULL: networks have no names */
	unsigned deadline_ms;
	unsigned once_percent; /* of a set, for clients that were seen once */
	unsigned network_percent; /* of a set, for the clients of one network */
	struct addr_net except[CONFIG_NETWORKS_MAX]; /* whose clients are never published */
	unsigned except_count;
	struct config_set sets[CONFIG_SETS_MAX];
	unsigned set_count;
	struct config_report_set report_sets[CONFIG_REPORT_SETS_MAX];
	unsigned report_set_count;
	struct config_mark marks[CONFIG_SETS_MAX];
	unsigned mark_count;
	uint32_t mark_mask; /* bits of a packet's mark that are ours */
	uint32_t mark_seen; /* set on every packet that was classified */
	const char *socket;
	mode_t socket_mode;
	const char *socket_group; /* NULL: as it comes */
	const char *reports_user; /* who may report besides root */
	unsigned reports; /* words of other gateways at the most */
	const char *claims; /* whose are believed: "root", "everybody" or a group's name */
	bool state_enabled;
	const char *state_file;
	unsigned state_interval_s;
	const char *metrics_file; /* NULL: none is written */
	unsigned metrics_interval_s;
	bool p0f_enabled;
	const char *p0f_socket;
	mode_t p0f_mode;
	const char *p0f_group; /* NULL: as it comes */
	const char *user; /* whom to become; NULL: nobody else */
	enum log_level log_level;
	struct config_storage *storage; /* private: owns the strings */
};

/**
 * config_load() - read and check a file.
 * @path: NULL for the built-in defaults, whose databases are looked for beside CONFIG_DEFAULT_PATH
 * @ret_error: the line (0 where there is none) and what to do
 * @ret_config: to be freed with config_free()
 * Return: 0, -ENOENT and the like where the file cannot be read, -EINVAL for what is in it, -ENOMEM.
 */
int config_load(const char *path, struct text_error *ret_error, struct config **ret_config);

/** config_ref() - one more that uses it, from any thread; to be given back by config_free(). */
const struct config *config_ref(const struct config *config);

/** config_free() - give a reference back; the last one frees. NULL is allowed. */
void config_free(const struct config *config);

/** config_file() - the file it came from, or NULL for the built-in defaults. */
const char *config_file(const struct config *config);

/** config_is_changed() - whether its file is another one now than the one that was read. */
bool config_is_changed(const struct config *config);

/**
 * config_keep() - give the keys that only a restart can change the values of the start.
 * @boot: outlives @config
 * @ret_keys: receives up to @max keys whose values differed, static text
 * Return: how many it wrote.
 */
unsigned config_keep(struct config *config, const struct config *boot, const char **ret_keys,
		     unsigned max);

/**
 * config_resolve() - turn the words of all publish rules into numbers of the vocabulary.
 * Interfaces that rules name become words of it.
 * Return: 0, or -EINVAL with the line for a word that the databases do not have.
 */
int config_resolve(struct config *config, struct vocab *vocab, struct text_error *ret_error);

/** config_is_excepted() - is the address in a network of publish.except? */
bool config_is_excepted(const struct config *config, const struct addr *addr);

/** config_knowledge_params() - which databases are to be read; points into @config. */
struct knowledge_params config_knowledge_params(const struct config *config);

#endif
