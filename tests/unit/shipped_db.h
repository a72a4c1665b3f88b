/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shipped signature database in tests, and SYNs that its signatures describe. */
#ifndef SYNPRINT_TESTS_SHIPPED_DB_H
#define SYNPRINT_TESTS_SHIPPED_DB_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sig/sigdb.h"

#define SHIPPED_DB "conf/signatures.db"
#define SHIPPED_SERVERS "conf/servers.db"
#define SHIPPED_DB_MAX (1 << 20)

static inline char *shipped_db_read(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(SHIPPED_DB_MAX);

	cr_assert(file && text, "%s: cannot be read", path);
	*ret_len = fread(text, 1, SHIPPED_DB_MAX, file);
	fclose(file);
	return text;
}

static inline struct sigdb *shipped_load(struct vocab *vocab, const char *path, bool of_answers)
{
	struct text_error error = {0};
	struct sigdb *db = sigdb_new(vocab);
	size_t len;
	char *text = shipped_db_read(path, &len);

	cr_assert_not_null(db);
	if (of_answers)
		sigdb_read_answers(db);
	cr_assert_eq(sigdb_load(db, text, len, &error), 0, "%u:%u: %s", error.line, error.column,
		     error.what);
	cr_assert_eq(sigdb_build(db), 0);
	free(text);
	return db;
}

static inline struct sigdb *shipped_db_load(struct vocab *vocab)
{
	return shipped_load(vocab, SHIPPED_DB, false);
}

/** shipped_servers_load() - the signatures of SYN+ACKs. */
static inline struct sigdb *shipped_servers_load(struct vocab *vocab)
{
	return shipped_load(vocab, SHIPPED_SERVERS, true);
}

static inline size_t shipped_db_count(const struct sigdb *db)
{
	struct sigdb_stats stats;

	sigdb_get_stats(db, &stats);
	return stats.sigs;
}

static inline uint16_t win_of_sig(const struct sig *sig, uint16_t mss)
{
	switch (sig->win_kind) {
	case SIG_WIN_ANY: return 23456;
	case SIG_WIN_VALUE: return sig->win;
	case SIG_WIN_MOD: return sig->win;
	case SIG_WIN_MSS: return (uint16_t)(sig->win * mss);
	case SIG_WIN_MTU: return (uint16_t)(sig->win * (mss + 40u));
	case SIG_WIN_MSS_MAX: return (uint16_t)(65535u / mss * mss);
	}
	return 0;
}

static inline void options_of_sig(const struct sig *sig, struct syn *syn)
{
	syn->opt_count = sig->opt_count;
	syn->opt_eol_pad = sig->opt_eol_pad;
	memcpy(syn->opt_kinds, sig->opt_kinds, sizeof(syn->opt_kinds));
	for (unsigned i = 0; i < sig->opt_count; i++) {
		syn->has_mss |= sig->opt_kinds[i] == SYN_OPT_MSS;
		syn->has_wscale |= sig->opt_kinds[i] == SYN_OPT_WSCALE;
		syn->has_ts |= sig->opt_kinds[i] == SYN_OPT_TS;
		syn->has_sack_ok |= sig->opt_kinds[i] == SYN_OPT_SACK_OK;
	}
}

/* The SYN that a raw signature was made of, as it left; its timestamp is not zero. */
static inline struct syn syn_of_text(const char *text)
{
	struct syn syn = {.ts_val = 1};
	struct text_error error = {0};
	struct sig sig;

	cr_assert_eq(sig_parse(text, strlen(text), &error, &sig), 0, "%s: %s", text, error.what);
	options_of_sig(&sig, &syn);
	syn.ip_version = sig.ip_version;
	syn.ip_header_len = sig.ip_version == 4 ? 20 : 40;
	syn.ttl = sig.initial_ttl;
	syn.mss = (uint16_t)sig.mss;
	syn.win = sig.win;
	syn.wscale = (uint8_t)sig.wscale;
	syn.quirks = sig.quirks;
	return syn;
}

/* A SYN that signature @index describes, seen some hops away; false for a layout of '*'. */
static inline bool syn_from_sig(const struct sigdb *db, size_t index, uint8_t hops,
				struct syn *ret_syn)
{
	struct sigdb_info info = sigdb_info(db, index);
	const struct sig *sig = info.sig;
	struct syn syn = {.ip_version = sig->ip_version ? sig->ip_version : 4};

	if (sig->opt_any)
		return false;
	options_of_sig(sig, &syn);
	syn.ttl = (uint8_t)(sig->initial_ttl - hops);
	syn.ip_id = info.when == SIG_WHEN_IP_ID ? info.when_value : 4711;
	syn.seq = 0x01020304;
	syn.dst_port = 443;
	if (info.when == SIG_WHEN_ID_IS_MIX)
		syn.ip_id = 0x0201 ^ 443 ^ 0x0304;
	syn.dst = addr_from_v4((const uint8_t[]){192, 0, 2, 1});
	syn.ip_header_len = syn.ip_version == 4 ? 20 : 40;
	syn.tcp_header_len = 40;
	syn.mss = !syn.has_mss ? 0 : sig->mss == SIG_ANY ? 1240 : (uint16_t)sig->mss;
	if (info.when == SIG_WHEN_MSS)
		syn.mss = info.when_value;
	while (syn.mss > 100 && sig->win_kind == SIG_WIN_MSS && syn.mss * sig->win > 65535)
		syn.mss--;
	syn.win = win_of_sig(sig, syn.mss ? syn.mss : 1460);
	syn.wscale = !syn.has_wscale ? 0 : sig->wscale == SIG_ANY ? 3 : (uint8_t)sig->wscale;
	syn.quirks = sig->quirks == SIG_ANY ? 0 : sig_quirks_seen(sig->quirks, syn.ip_version);
	syn.payload_len = sig->payload == 1 ? 1 : 0;
	syn.ts_val = syn.has_ts && !(syn.quirks & QUIRK_TS_ZERO) ? 123456 : 0;
	*ret_syn = syn;
	return true;
}

#endif
