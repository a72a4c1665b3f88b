/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signature: the reference that a SYN is compared with, in p0f v3's notation
 * `ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass`, both ways. A raw signature is the
 * same text made from an observation, with no wildcard in it.
 */
#ifndef SYNPRINT_CORE_SIG_SIG_H
#define SYNPRINT_CORE_SIG_SIG_H

#include "core/syn/syn.h"
#include "core/base/text.h"

#define SIG_ANY UINT32_MAX /* the wildcard '*' of a numeric field */
#define SIG_TEXT_MAX 384 /* bytes of any signature's text, with its NUL */
#define SIG_FACTOR_MAX 1000 /* of mss*n and mtu*n, as in p0f 3.09b */

enum sig_win_kind {
	SIG_WIN_ANY, /* '*' */
	SIG_WIN_VALUE, /* 64240 */
	SIG_WIN_MOD, /* %8192 */
	SIG_WIN_MSS, /* mss*20 */
	SIG_WIN_MTU, /* mtu*4 */
	SIG_WIN_MSS_MAX, /* mss*max: the largest multiple of the MSS that fits 16 bits; ours */
};

/* Layout and quirks may be '*' too, which p0f does not know: for tools that send anything. */
struct sig {
	uint8_t ip_version; /* 4, 6 or 0 for any */
	uint8_t initial_ttl; /* 1 to 255 */
	bool bad_ttl; /* '64-': random or otherwise unusable TTL; no distance from it */
	enum sig_win_kind win_kind;
	uint16_t win; /* value, modulus or factor; 0 where the kind needs none */
	uint32_t ip_opt_len; /* or SIG_ANY */
	uint32_t mss; /* 0 where there is none, or SIG_ANY */
	uint32_t wscale; /* 0 where there is none, or SIG_ANY */
	uint32_t quirks; /* enum syn_quirk, or-ed, or SIG_ANY */
	uint8_t payload; /* 0 none, 1 some, 2 any */
	bool opt_any; /* any layout; the next three are 0 then */
	uint8_t opt_count;
	uint8_t opt_eol_pad; /* the n of 'eol+n' */
	uint8_t opt_kinds[SYN_OPTS_MAX]; /* zero behind opt_count */
};

/**
 * sig_parse() - read a signature.
 * @text, @len: one line without its key; spaces around fields are allowed
 * @ret_error: the column and the reason on failure; may be NULL
 * @ret_sig: untouched on failure
 * Return: 0 or -EINVAL.
 */
int sig_parse(const char *text, size_t len, struct text_error *ret_error, struct sig *ret_sig);

/** sig_format() - append the canonical text: sig_parse() of it gives an equal signature. */
void sig_format(const struct sig *sig, struct text_buf *buf);

/**
 * sig_quirks_seen() - the quirks that count when a signature for either version meets a SYN of
 * one: df, id+, id- and 0+ say nothing about IPv6, flow says nothing about IPv4 (p0f's rule).
 */
uint32_t sig_quirks_seen(uint32_t quirks, uint8_t ip_version);

/**
 * sig_win_factor() - the window as a multiple, in the order in which p0f 3.09b tries them: of
 * the MSS, of 1460 (Ethernet's), of the MTU, of 1500; twelve bytes less with timestamps.
 * @ret_kind: SIG_WIN_MSS or SIG_WIN_MTU; untouched where there is no multiple
 * Return: the factor, or 0.
 */
unsigned sig_win_factor(const struct syn *syn, enum sig_win_kind *ret_kind);

/** sig_equal() - true where both stand for the same SYNs. */
bool sig_equal(const struct sig *a, const struct sig *b);

/**
 * sig_from_syn() - the raw signature of an observation: no wildcards, the window as its value
 * or, as p0f writes it, as `mss*n` or `mtu*n` where sig_win_factor() says so.
 * The initial TTL is the next of 32, 64, 128, 255 at or above what was seen.
 */
void sig_from_syn(const struct syn *syn, struct sig *ret_sig);

/** sig_initial_ttl() - the usual initial TTL (32, 64, 128 or 255) from which @ttl counted down. */
uint8_t sig_initial_ttl(uint8_t ttl);

#endif
