/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The link table: read from text (format: synprint-db(5)), then immutable. Listed MTUs are
 * facts and decide; arithmetic over the base MTUs fills the gaps and explains. Everything a
 * packet needs is worked out here, once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/grow.h"
#include "core/link/linkdb.h"

#define SPACE_64K 65535 /* the largest unscaled window; half of Linux' tcp_rmem since 4.20 */
#define SPACE_43K 43690 /* half of 87380, the tcp_rmem that tuning guides have kept from before */

enum rank { RANK_FIRST, RANK_SECOND, RANK_THIRD, RANK_LAST, RANKS }; /* of candidates */

/* A counting sort by remainder: @windows comes zeroed. */
static void windows_init(struct link_windows *windows, uint16_t space)
{
	uint16_t *first = windows->first, next[LINK_MSS_MAX_V4];

	windows->space = space;
	for (unsigned mss = LINK_MSS_MIN_V4; mss <= LINK_MSS_MAX_V4; mss++)
		first[space % mss + 1]++;
	for (unsigned below = 0; below < LINK_MSS_MAX_V4; below++) {
		next[below] = first[below];
		first[below + 1] = (uint16_t)(first[below + 1] + first[below]);
	}
	for (uint16_t mss = LINK_MSS_MIN_V4; mss <= LINK_MSS_MAX_V4; mss++)
		windows->mss[next[space % mss]++] = mss;
}

struct linkdb *linkdb_new(struct vocab *vocab)
{
	struct linkdb *db = calloc(1, sizeof(*db));

	if (!db)
		return NULL;
	db->vocab = vocab;
	windows_init(&db->win_64k, SPACE_64K);
	windows_init(&db->win_43k, SPACE_43K);
	return db;
}

void linkdb_free(struct linkdb *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->row_count; i++)
		free(db->rows[i].source);
	for (unsigned i = 0; i < db->base_count; i++)
		free(db->bases[i].name);
	free(db->rows);
	free(db->cands);
	free(db);
}

size_t linkdb_count(const struct linkdb *db)
{
	return db->row_count;
}

int linkdb_add_row(struct linkdb *db, const struct linkdb_row *row, const char *source,
		   size_t source_len)
{
	struct linkdb_row *new_row;

	if (grow((void **)&db->rows, &db->row_alloc, db->row_count, sizeof(*row)) < 0)
		return -ENOMEM;
	new_row = &db->rows[db->row_count];
	*new_row = *row;
	new_row->source = strndup(source, source_len);
	if (!new_row->source)
		return -ENOMEM;
	db->row_count++;
	return 0;
}

int linkdb_add_base(struct linkdb *db, uint16_t mtu, const char *name, size_t name_len)
{
	char *copy = strndup(name, name_len);

	if (!copy)
		return -ENOMEM;
	db->bases[db->base_count++] = (struct linkdb_base){.name = copy, .mtu = mtu};
	return 0;
}

/* What a term leaves of that many bytes; 0 where nothing is left. */
static unsigned apply_term(const struct linkdb_term *term, unsigned left)
{
	if (term->is_block)
		return left - left % term->bytes;
	return term->bytes < left ? left - term->bytes : 0;
}

static unsigned mtu_inside(const struct linkdb_row *row, unsigned base_mtu)
{
	unsigned left = base_mtu;

	for (unsigned i = 0; i < row->term_count; i++)
		left = apply_term(&row->terms[i], left);
	return left;
}

static void add_candidate(struct linkdb *db, size_t row_index, unsigned base, unsigned mtu)
{
	const struct linkdb_row *row = &db->rows[row_index];

	if (mtu == 0)
		return;
	db->cands[db->cand_count++] = (struct link_candidate){
		.mtu = mtu,
		.label = row->label,
		.kind = (enum link_kind)row->kind,
		.listed = row->mtu != 0,
		.on_interface = row->on_interface,
		.row = (uint32_t)row_index,
		.base = base,
	};
}

/* A fact before arithmetic, an interface before a clamp; then in the order of the file. */
static int rank(const struct link_candidate *cand)
{
	return cand->listed ? RANK_FIRST : cand->on_interface ? RANK_SECOND : RANK_THIRD;
}

/*
 * The same for a window that tells of a rewritten MSS: what only ever shows as a clamp comes
 * before what an interface has. What is known of networks stays in front: their routers clamp.
 */
static int rank_clamped(const struct link_candidate *cand)
{
	if (!cand->listed)
		return cand->on_interface ? RANK_LAST : RANK_SECOND;
	return cand->kind == LINK_VPN || cand->kind == LINK_TUNNEL ? RANK_THIRD : RANK_FIRST;
}

static int rank_of(const struct link_candidate *cand, bool is_clamped)
{
	return is_clamped ? rank_clamped(cand) : rank(cand);
}

static int compare_unsigned(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

static int compare_candidates(const void *left, const void *right)
{
	const struct link_candidate *a = left, *b = right;
	int order = compare_unsigned(a->mtu, b->mtu);

	if (order == 0)
		order = rank(a) - rank(b);
	if (order == 0)
		order = compare_unsigned(a->row, b->row);
	return order ? order : compare_unsigned(a->base, b->base);
}

static bool is_tunnel(enum link_kind kind)
{
	return kind == LINK_TUNNEL || kind == LINK_VPN;
}

/* Can @version's packets have come by the MTU this way? */
static bool carries(const struct linkdb *db, const struct link_candidate *cand, bool is_v6)
{
	const struct linkdb_row *row = &db->rows[cand->row];

	return is_v6 ? row->ip6 : row->ip4;
}

/* Sum up the candidates of one MTU. Only those of the best rank count, and a tunnel that shows
 * only as a clamp is never more than ambiguous: routers clamp to anything. */
static struct linkdb_mtu sum_up(const struct linkdb *db, const struct link_candidate *cands,
				size_t count, bool is_v6, bool is_clamped)
{
	const struct link_candidate *best = NULL;
	struct linkdb_mtu sum = {0};

	for (size_t i = 0; i < count; i++) {
		if (!carries(db, &cands[i], is_v6))
			continue;
		if (!best || rank_of(&cands[i], is_clamped) < rank_of(best, is_clamped)) {
			best = &cands[i];
			sum.label = best->label;
			sum.kind = (uint8_t)best->kind;
		} else if (rank_of(&cands[i], is_clamped) == rank_of(best, is_clamped) &&
			   cands[i].kind != best->kind &&
			   !(is_tunnel(cands[i].kind) && is_tunnel(best->kind))) {
			sum.kind = LINK_AMBIGUOUS;
		}
	}
	sum.by_clamp = best && is_tunnel(best->kind) && !best->listed && !best->on_interface;
	if (sum.by_clamp)
		sum.kind = LINK_AMBIGUOUS;
	return sum;
}

static void sum_up_all(struct linkdb *db)
{
	size_t next;

	memset(db->mtus, 0, sizeof(db->mtus));
	for (size_t i = 0; i < db->cand_count; i = next) {
		unsigned mtu = db->cands[i].mtu;

		for (next = i + 1; next < db->cand_count && db->cands[next].mtu == mtu; next++)
			;
		for (unsigned which = 0; which < 4; which++)
			db->mtus[which / 2][mtu][which % 2] =
				sum_up(db, &db->cands[i], next - i, which / 2, which % 2);
	}
}

int linkdb_index(struct linkdb *db)
{
	size_t max = 0;

	for (size_t i = 0; i < db->row_count; i++)
		max += db->rows[i].mtu ? 1 : db->base_count;
	free(db->cands);
	db->cand_count = 0;
	db->cands = calloc(max, sizeof(*db->cands));
	if (!db->cands)
		return -ENOMEM;
	for (size_t i = 0; i < db->row_count; i++) {
		const struct linkdb_row *row = &db->rows[i];

		if (row->mtu)
			add_candidate(db, i, 0, row->mtu);
		for (unsigned base = 0; base < db->base_count; base++) {
			if (row->bases & 1u << base)
				add_candidate(db, i, base, mtu_inside(row, db->bases[base].mtu));
		}
	}
	qsort(db->cands, db->cand_count, sizeof(*db->cands), compare_candidates);
	sum_up_all(db);
	return 0;
}

size_t linkdb_candidates(const struct linkdb *db, unsigned ip_version, unsigned mtu,
			 bool is_clamped, struct link_candidate *ret_cands, size_t max)
{
	size_t count = 0;

	for (int rank = RANK_FIRST; rank < RANKS; rank++) {
		for (size_t i = 0; i < db->cand_count; i++) {
			const struct link_candidate *cand = &db->cands[i];

			if (cand->mtu != mtu || rank_of(cand, is_clamped) != rank ||
			    !carries(db, cand, ip_version == 6))
				continue;
			if (count < max)
				ret_cands[count] = *cand;
			count++;
		}
	}
	return count;
}

void linkdb_explain(const struct linkdb *db, const struct link_candidate *cand,
		    struct text_buf *out)
{
	const struct linkdb_row *row = &db->rows[cand->row];
	unsigned left;

	if (row->mtu) {
		text_putf(out, "%u", cand->mtu);
		return;
	}
	left = db->bases[cand->base].mtu;
	text_putf(out, "%s %u", db->bases[cand->base].name, left);
	for (unsigned i = 0; i < row->term_count; i++) {
		const struct linkdb_term *term = &row->terms[i];

		left = apply_term(term, left);
		if (term->is_block)
			text_putf(out, ", in blocks of %u: %u", term->bytes, left);
		else
			text_putf(out, " - %s %u", term->name, term->bytes);
	}
	text_putf(out, " = %u", left);
}

const char *linkdb_source(const struct linkdb *db, const struct link_candidate *cand)
{
	return db->rows[cand->row].source;
}
