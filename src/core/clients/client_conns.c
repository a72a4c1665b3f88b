/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections an entry keeps, and what the confirmed ones say; see client_conns.h. */
#include "core/clients/client_conns.h"

#include <sys/param.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/link/link_weigh.h"
#include "core/sig/sig.h"

/* A SYN is retransmitted for 127 s at the longest (Linux, tcp_syn_retries 6). */
#define REPEAT_WINDOW_S 130

/* Connections that are further apart may be of a network that has changed meanwhile. */
#define CLOSE_S 300

/* Several stacks: an alternation weighs as much as this many SYNs of one and the same stack. */
#define MIX_STEP 48
#define MIX_SHARED (2 * MIX_STEP - 16)
#define MIX_MAX 255
#define MIX_MIN_CONFIDENCE 700

/* When a client was confirmed, in 11 bits: they wrap after 72 hours, and what is older stays at half of that. */
#define TICK_S 128
#define TICKS 2048u
#define CLOSE_TICKS (CLOSE_S / TICK_S + 1)
#define ASK_AGAIN_TICKS (86400 / TICK_S)
#define TICKS_OLD (TICKS / 2)

/*
 * Of destination, sequence number and shape: another shape is another SYN, whatever its numbers.
 * A retransmission leaves all of it as it was; a decoy that is to die behind us cannot have the TTL
 * with which systems begin. Stacks may drop options when they send again (BSDs do), so these are
 * not in it.
 */
uint8_t conns_tuple(const struct clients *clients, const struct syn *syn)
{
	struct {
		struct addr dst;
		uint32_t seq;
		uint16_t dst_port, win, mss, initial_ttl;
	} of = {syn->dst, syn->seq, syn->dst_port, syn->win, syn->mss, sig_initial_ttl(syn->ttl)};

	_Static_assert(sizeof(of) == 28, "no padding, which nobody would have set");
	return (uint8_t)XXH3_64bits_withSeed(&of, sizeof(of), clients->params.seed);
}

static bool is_confirmed(const struct entry *entry, unsigned at)
{
	return entry->confirmed >> at & 1;
}

int conns_find(const struct entry *entry, uint16_t port)
{
	int newest = -1;

	for (unsigned i = 0; i < entry->conn_count; i++) {
		if (port && entry->ports[i] != port)
			continue;
		if (is_confirmed(entry, i))
			return (int)i;
		if (newest < 0)
			newest = (int)i;
	}
	return newest;
}

int conns_find_repeat(const struct entry *entry, const struct syn *syn, uint8_t tuple,
		      uint32_t now_s)
{
	if (now_s - entry->last_seen_s > REPEAT_WINDOW_S)
		return -1;
	for (int i = 0; i < entry->conn_count; i++)
		if (entry->ports[i] == syn->src_port && entry->tuples[i] == tuple)
			return i;
	return -1;
}

static void drop(struct entry *entry, unsigned at)
{
	uint32_t below = (1u << at) - 1;

	for (unsigned i = at; i + 1 < entry->conn_count; i++) {
		entry->verdicts[i] = entry->verdicts[i + 1];
		entry->ports[i] = entry->ports[i + 1];
		entry->tuples[i] = entry->tuples[i + 1];
	}
	entry->confirmed =
		((entry->confirmed & below) | ((uint32_t)entry->confirmed >> 1 & ~below)) & 0xfu;
	entry->conn_count = (entry->conn_count - 1u) & 7u;
}

static void insert(struct entry *entry, unsigned at, const struct syn *syn, uint8_t tuple,
		   const struct verdict *verdict)
{
	uint32_t below = (1u << at) - 1;

	for (unsigned i = entry->conn_count; i > at; i--) {
		entry->verdicts[i] = entry->verdicts[i - 1];
		entry->ports[i] = entry->ports[i - 1];
		entry->tuples[i] = entry->tuples[i - 1];
	}
	entry->confirmed = ((entry->confirmed & below) | (entry->confirmed & ~below) << 1) & 0xfu;
	entry->verdicts[at] = *verdict;
	entry->ports[at] = syn->src_port;
	entry->tuples[at] = tuple;
	entry->conn_count = (entry->conn_count + 1u) & 7u;
}

/* The oldest that is not confirmed, or -1. */
static int find_oldest(const struct entry *entry)
{
	for (unsigned i = entry->conn_count; i--;)
		if (!is_confirmed(entry, i))
			return (int)i;
	return -1;
}

void conns_push(struct entry *entry, const struct syn *syn, uint8_t tuple,
		const struct verdict *verdict, bool is_rival)
{
	int first = is_rival ? conns_find(entry, syn->src_port) : -1;

	if (entry->conn_count == CLIENT_CONNS) {
		int oldest = find_oldest(entry);

		if (oldest == first)
			return;
		drop(entry, (unsigned)oldest);
		first -= oldest < first;
	}
	insert(entry, (unsigned)(first + 1), syn, tuple, verdict);
}

static unsigned confirmed_ticks(const struct entry *entry)
{
	return (unsigned)entry->confirmed_high << 8 | entry->confirmed_low;
}

/* How long ago the newest confirmation was; at least TICKS_OLD where there was none of late. */
static unsigned ticks_since(const struct entry *entry, uint32_t now_s)
{
	unsigned ticks = (now_s / TICK_S - confirmed_ticks(entry)) % TICKS;

	if (!entry->is_confirmed || now_s - entry->last_seen_s > TICKS_OLD * TICK_S)
		return TICKS_OLD;
	return ticks;
}

static void set_ticks(struct entry *entry, unsigned ticks)
{
	entry->confirmed_high = ticks >> 8 & 7;
	entry->confirmed_low = ticks & 0xff;
}

/* Behind a NAT each system has a line of its own; what nothing is known of is no system. */
static bool is_same_system(const struct verdict *a, const struct verdict *b)
{
	return a->class_id == b->class_id && a->label == b->label &&
	       !((a->flags | b->flags) & VERDICT_UNKNOWN);
}

void conns_weigh_link(const struct clients *clients, const struct entry *entry, uint32_t now_s,
		      struct verdict *verdict)
{
	uint16_t mss[CLIENT_CONNS + 1] = {(uint16_t)verdict->mss};
	unsigned close = ticks_since(entry, now_s) <= CLOSE_TICKS ? entry->close_count : 0;
	uint64_t several;

	for (unsigned i = 0; i < entry->conn_count && close; i++) {
		if (!is_confirmed(entry, i))
			continue;
		close--;
		if (is_same_system(&entry->verdicts[i], verdict))
			mss[1 + i] = (uint16_t)entry->verdicts[i].mss;
	}
	several = link_several(!addr_is_v4(&entry->addr), mss, CLIENT_CONNS + 1);
	verdict->reasons = (verdict->reasons | several) & VERDICT_REASONS_MASK;
	verdict_weigh(verdict, __atomic_load_n(&clients->threshold, __ATOMIC_RELAXED));
}

static bool is_clear(const struct verdict *verdict)
{
	return verdict->family_permille >= MIX_MIN_CONFIDENCE &&
	       !(verdict->flags & (VERDICT_UNKNOWN | VERDICT_SCANNER));
}

static void note_mix(const struct clients *clients, struct entry *entry, const struct verdict *last,
		     const struct verdict *verdict)
{
	unsigned mix = entry->mix;

	if (!is_clear(last) || !is_clear(verdict))
		return;
	if (vocab_family_of(clients->params.vocab, last->class_id) !=
	    vocab_family_of(clients->params.vocab, verdict->class_id))
		mix = MIN(mix + MIX_STEP, MIX_MAX);
	else if (mix)
		mix--;
	entry->mix = mix & 0xff;
}

/* Neither the client nor an earlier connection from the port says this already. */
static bool is_new(const struct entry *entry, uint16_t port, const struct verdict *verdict)
{
	int last = conns_find(entry, 0), same = conns_find(entry, port);

	return !entry->confirmed || !verdict_is_same(&entry->verdicts[last], verdict) ||
	       (same >= 0 && !verdict_is_same(&entry->verdicts[same], verdict));
}

bool conns_asks(struct entry *entry, uint32_t now_s, uint16_t port, const struct verdict *verdict)
{
	unsigned since = ticks_since(entry, now_s);

	if (since >= TICKS_OLD)
		set_ticks(entry, (now_s / TICK_S - TICKS_OLD) % TICKS);
	return entry->mix || since >= ASK_AGAIN_TICKS || is_new(entry, port, verdict);
}

bool conns_agree(const struct entry *entry, const struct verdict *verdict)
{
	for (unsigned i = 0; i < entry->conn_count; i++)
		if (!verdict_is_same(&entry->verdicts[i], verdict))
			return false;
	return true;
}

void conns_forget_time(struct entry *entry)
{
	set_ticks(entry, (entry->last_seen_s / TICK_S - TICKS_OLD) % TICKS);
}

static void note_time(struct entry *entry, uint32_t now_s)
{
	if (ticks_since(entry, now_s) > CLOSE_TICKS)
		entry->close_count = 0;
	entry->is_confirmed = true;
	set_ticks(entry, now_s / TICK_S);
}

void conns_weigh_mix(const struct entry *entry, struct verdict *verdict)
{
	if (entry->mix < MIX_SHARED)
		return;
	verdict->flags |= VERDICT_SHARED;
	verdict->reasons =
		(verdict->reasons | reason_bit(REASON_SEVERAL_STACKS)) & VERDICT_REASONS_MASK;
}

/* Beside what was confirmed before it, if anything was. */
static void compare(const struct clients *clients, struct entry *entry, unsigned last, unsigned at,
		    uint32_t now_s)
{
	if (!entry->confirmed)
		return;
	note_mix(clients, entry, &entry->verdicts[last], &entry->verdicts[at]);
	if (entry->verdicts[last].class_id != entry->verdicts[at].class_id)
		entry->chg_seen_s = now_s;
	conns_weigh_mix(entry, &entry->verdicts[at]);
}

const struct verdict *conns_confirm(const struct clients *clients, struct entry *entry, unsigned at,
				    uint32_t now_s)
{
	unsigned oldest = CLIENT_CONNS - 1;

	note_time(entry, now_s);
	if (is_confirmed(entry, at))
		return &entry->verdicts[at];
	compare(clients, entry, (unsigned)conns_find(entry, 0), at, now_s);
	entry->confirmed = (entry->confirmed | 1u << at) & 0xfu;
	if (entry->close_count < CLIENT_CONNS - 1)
		entry->close_count = (entry->close_count + 1u) & 3u;
	if (__builtin_popcount(entry->confirmed) == CLIENT_CONNS) {
		oldest = at == oldest ? oldest - 1 : oldest;
		drop(entry, oldest);
		at -= at > oldest;
	}
	return &entry->verdicts[at];
}
