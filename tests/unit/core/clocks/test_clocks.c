/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clocks/clocks.h"

#include <criterion/criterion.h>

#include "alloc.h"
#include "segments.h"

static struct clocks *new_clocks(unsigned segments_max)
{
	struct clocks_params params = {.capacity = 64, .segments_max = segments_max, .seed = 7};
	struct clocks *clocks = clocks_new(&params);

	cr_assert(clocks);
	return clocks;
}

static uint64_t count_of(const struct clocks *clocks, enum clocks_result result)
{
	struct clocks_stats stats;

	clocks_get_stats(clocks, &stats);
	return stats.results[result];
}

#define NEAR(actual, expected)                                                                     \
	cr_assert((actual) + 1 >= (expected) && (actual) <= (expected) + 1, "%u, not %u",          \
		  (unsigned)(actual), (unsigned)(expected))

Test(clocks, out_of_memory)
{
	struct clocks_params params = {.capacity = 1};
	struct clocks *clocks;
	unsigned failures = 0;

	for (;; failures++) {
		alloc_fail_after(failures);
		clocks = clocks_new(&params);
		if (!alloc_has_failed())
			break;
		cr_assert_null(clocks, "%u", failures);
	}
	cr_assert_eq(failures, 4);
	clocks_free(clocks);
	clocks_free(NULL);
}

/* Both clocks, over round trips to the client and with every way to acknowledge. */
Test(clocks, measures)
{
	static const struct {
		double rtt_ms, c1_ms, c2_ms;
		bool delays, has_ts;
	} cases[] = {
		{5, 0, 0, false, true},     {120, 0, 0, false, true},   {5, 50, 50, false, true},
		{120, 20, 21, false, true}, {30, 50, 60, true, true},   {120, 0, 40, true, true},
		{5, 0, 0, true, true},      {30, 50, 51, false, false}, {5, 0, 0, false, false},
	};
	struct clocks *clocks = new_clocks(20);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_conn conn = wire_conn_new(clocks, (uint16_t)(1000 + i));

		conn.ts_per_ms = cases[i].has_ts;
		cr_assert_eq(wire_whole(&conn, cases[i].rtt_ms, cases[i].c1_ms, cases[i].c2_ms,
					cases[i].delays),
			     CLOCKS_MEASURED, "case %u", i);
		NEAR(conn.measure.c1_ms, cases[i].c1_ms);
		NEAR(conn.measure.c2_ms, cases[i].c2_ms);
		cr_assert_eq(conn.measure.is_by_arrival, !cases[i].has_ts);
		cr_assert_eq(conn.measure.client_port, 1000 + i);
		cr_assert_eq(conn.measure.shape, clocks_shape(&conn.client));
		cr_assert(addr_equal(&conn.measure.server, &conn.client.dst));
	}
	cr_assert_eq(count_of(clocks, CLOCKS_MEASURED), sizeof(cases) / sizeof(cases[0]));
	cr_assert_eq(count_of(clocks, CLOCKS_PENDING), 0);
	clocks_free(clocks);
}

/* Without timestamps a delayed ACK hides the second clock, and nothing is made up. */
Test(clocks, delayed_ack_without_timestamps)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	conn.ts_per_ms = 0;
	cr_assert_eq(wire_whole(&conn, 30, 50, 50, true), CLOCKS_MEASURED);
	NEAR(conn.measure.c1_ms, 50);
	cr_assert_eq(conn.measure.c2_ms, 0);
	clocks_free(clocks);
}

/* The path's jitter changes when segments come by, and not what the client's clock says. */
Test(clocks, jitter)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);
	struct syn data = wire_segment_of(&conn, 31, 0, 0, 517, 1);
	struct syn heard = wire_segment_of(&conn, 62, 517, 3000, 0, 32);

	wire_syn(&conn, 0);
	wire_answer(&conn, 1);
	wire_send(&conn, 31, 0, 0, 0, 1);
	wire_feed(&conn, 51, &data);
	wire_feed(&conn, 82, &heard);
	cr_assert_eq(wire_send(&conn, 83, 517, 3000, 64, 52), CLOCKS_MEASURED);
	cr_assert_eq(conn.measure.c1_ms, 0);
	cr_assert(!conn.measure.is_by_arrival);
	clocks_free(clocks);
}

/* A clock that does not tick at 1 kHz is known by when its segments come by. */
Test(clocks, other_rates)
{
	static const struct {
		double per_ms;
		bool is_trusted;
	} cases[] = {{1, true},     {1.05, true},  {0.1, false},
		     {0.25, false}, {1000, false}, {10, false}};
	struct clocks *clocks = new_clocks(20);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_conn conn = wire_conn_new(clocks, (uint16_t)(1000 + i));

		conn.ts_per_ms = cases[i].per_ms;
		cr_assert_eq(wire_whole(&conn, 40, 50, 50, false), CLOCKS_MEASURED);
		cr_assert_eq(conn.measure.is_by_arrival, !cases[i].is_trusted, "case %u", i);
		cr_assert(conn.measure.c1_ms >= 49 && conn.measure.c1_ms <= 53, "case %u", i);
	}
	clocks_free(clocks);
}

/* How far the client's clock may be from ours, to the tick: 45 to 165 in 100 ms, 9 to 90 in 40. */
Test(clocks, trusted_ticks)
{
	static const struct {
		unsigned answer_ms, ticks;
		bool is_trusted;
	} cases[] = {{100, 165, true}, {100, 166, false}, {100, 45, true}, {100, 44, false},
		     {40, 90, true},   {40, 91, false},   {40, 9, true},   {40, 8, false}};
	struct clocks *clocks = new_clocks(20);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_conn conn = wire_conn_new(clocks, (uint16_t)(1000 + i));
		struct syn answer = wire_segment_of(&conn, cases[i].ticks, 517, 3000, 64, 1);

		wire_syn(&conn, 0);
		wire_answer(&conn, 1);
		wire_send(&conn, 3, 0, 0, 0, 1);
		wire_send(&conn, 4, 0, 0, 517, 1);
		cr_assert_eq(wire_feed(&conn, cases[i].answer_ms, &answer), CLOCKS_MEASURED);
		cr_expect_eq(conn.measure.is_by_arrival, !cases[i].is_trusted, "case %u", i);
	}
	clocks_free(clocks);
}

/* The server's clock counts what is beyond the path where it has ticked nine tenths less 10 ms. */
Test(clocks, ticks_of_the_server)
{
	static const struct {
		unsigned ticks, c2_ms;
	} cases[] = {{80, 90}, {79, 0}, {100, 70}, {170, 0}, {171, 0}, {5000, 0}};
	struct clocks *clocks = new_clocks(20);

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_conn conn = wire_conn_new(clocks, (uint16_t)(1000 + i));

		wire_syn(&conn, 0);
		wire_answer(&conn, 1);
		wire_send(&conn, 31, 0, 0, 0, 1);
		wire_send(&conn, 101, 0, 0, 517, 1);
		cr_assert_eq(wire_send(&conn, 201, 517, 3000, 64, 1 + cases[i].ticks),
			     CLOCKS_MEASURED);
		cr_expect_eq(conn.measure.c2_ms, cases[i].c2_ms, "case %u: %u", i,
			     conn.measure.c2_ms);
	}
	clocks_free(clocks);
}

/* A server whose clock is another one makes no second clock out of the path. */
Test(clocks, server_rates)
{
	static const double rates[] = {0, 0.01, 0.1, 0.25, 10, 1000};
	struct clocks *clocks = new_clocks(20);

	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct wire_conn conn = wire_conn_new(clocks, (uint16_t)(1000 + i));

		conn.server_per_ms = rates[i];
		cr_assert_eq(wire_whole(&conn, 120, 0, 0, false), CLOCKS_MEASURED);
		cr_assert(conn.measure.c2_ms < 5, "rate %u: %u ms", i, conn.measure.c2_ms);
	}
	clocks_free(clocks);
}

/* A flight of certificates: ACKs of parts of it, and an answer to the whole. */
Test(clocks, long_flight)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	wire_syn(&conn, 0);
	wire_answer(&conn, 1);
	wire_send(&conn, 31, 0, 0, 0, 1);
	wire_send(&conn, 31, 0, 0, 517, 1);
	for (uint32_t part = 1; part <= 10; part++)
		cr_assert_eq(wire_send(&conn, 62 + part / 10, 517, part * 1448, 0, 32),
			     CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 93, 517, 16000, 0, 63), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 95, 517, 16000, 64, 63), CLOCKS_MEASURED);
	NEAR(conn.measure.c2_ms, 2);
	clocks_free(clocks);
}

/* A ClientHello in two segments is one first data; a second request of it is no answer. */
Test(clocks, first_data_in_parts)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	wire_syn(&conn, 0);
	wire_answer(&conn, 1);
	wire_send(&conn, 31, 0, 0, 0, 1);
	cr_assert_eq(wire_send(&conn, 71, 0, 0, 1400, 1), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 90, 1400, 0, 300, 1), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 121, 1700, 3000, 0, 91), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 161, 1700, 3000, 64, 91), CLOCKS_MEASURED);
	NEAR(conn.measure.c1_ms, 40);
	NEAR(conn.measure.c2_ms, 40);
	clocks_free(clocks);
}

Test(clocks, ipv6)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	addr_parse("2001:db8::7", &conn.client.src);
	addr_parse("2001:db8:1::1", &conn.client.dst);
	conn.client.ip_version = 6;
	cr_assert_eq(wire_whole(&conn, 30, 25, 26, false), CLOCKS_MEASURED);
	NEAR(conn.measure.c1_ms, 25);
	clocks_free(clocks);
}

/* Before NAT is undone a server answers from, or to, another address. */
Test(clocks, nat)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);
	struct syn answer = wire_answer_of(&conn, 1);

	addr_parse("10.0.0.2", &answer.src);
	addr_parse("203.0.113.1", &answer.dst);
	answer.src_port = 8443;
	answer.dst_port = 61000;
	wire_syn(&conn, 0);
	cr_assert_eq(wire_feed(&conn, 1, &answer), CLOCKS_PENDING);
	wire_send(&conn, 31, 0, 0, 0, 1);
	wire_send(&conn, 61, 0, 0, 517, 1);
	cr_assert_eq(wire_send(&conn, 141, 517, 3000, 64, 62), CLOCKS_MEASURED);
	clocks_free(clocks);
}

/* The answer of a server on the gateway itself has no time. */
Test(clocks, local_server)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);
	struct syn answer = wire_answer_of(&conn, 0);

	wire_syn(&conn, 0);
	cr_assert_eq(clocks_feed(clocks, 0, &answer, &conn.measure), CLOCKS_PENDING);
	wire_send(&conn, 30, 0, 0, 0, 0);
	wire_send(&conn, 80, 0, 0, 517, 0);
	cr_assert_eq(wire_send(&conn, 160, 517, 3000, 64, 80), CLOCKS_MEASURED);
	NEAR(conn.measure.c1_ms, 50);
	NEAR(conn.measure.c2_ms, 50);
	clocks_free(clocks);
}

static void open_conn(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	wire_answer(conn, 1);
	wire_send(conn, 31, 0, 0, 0, 1);
}

static enum clocks_result end_with(struct wire_conn *conn, unsigned flags)
{
	struct syn segment = wire_segment_of(conn, 60, 517, 0, 0, 1);

	wire_send(conn, 31, 0, 0, 517, 1);
	segment.tcp_flags |= (uint16_t)flags;
	return wire_feed(conn, 60, &segment);
}

static enum clocks_result two_syns(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	return wire_syn(conn, 1000);
}

static enum clocks_result late_syn(struct wire_conn *conn)
{
	open_conn(conn);
	return wire_syn(conn, 40);
}

static enum clocks_result syn_data(struct wire_conn *conn)
{
	conn->client.payload_len = 100;
	return wire_syn(conn, 0);
}

static enum clocks_result fast_open(struct wire_conn *conn)
{
	conn->client.opt_count = 1;
	conn->client.opt_kinds[0] = SYN_OPT_FASTOPEN;
	return wire_syn(conn, 0);
}

static enum clocks_result two_answers(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	wire_answer(conn, 1);
	return wire_answer(conn, 1001);
}

static enum clocks_result no_answer(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	return wire_send(conn, 31, 0, 0, 0, 1);
}

static enum clocks_result ack_with_data(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	wire_answer(conn, 1);
	return wire_send(conn, 31, 0, 0, 517, 1);
}

static enum clocks_result ack_lost(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	wire_answer(conn, 1);
	return wire_send(conn, 31, 0, 40, 0, 1);
}

static enum clocks_result ack_of_one_byte(struct wire_conn *conn)
{
	wire_syn(conn, 0);
	wire_answer(conn, 1);
	return wire_send(conn, 31, 0, 1, 0, 1);
}

static enum clocks_result server_first(struct wire_conn *conn)
{
	open_conn(conn);
	wire_send(conn, 70, 0, 40, 0, 33);
	return wire_send(conn, 72, 0, 40, 20, 33);
}

static enum clocks_result again(struct wire_conn *conn)
{
	open_conn(conn);
	wire_send(conn, 31, 0, 0, 517, 1);
	return wire_send(conn, 231, 0, 0, 517, 1);
}

static enum clocks_result missing_data(struct wire_conn *conn)
{
	open_conn(conn);
	return wire_send(conn, 31, 517, 0, 100, 1);
}

static enum clocks_result missing_before_ack(struct wire_conn *conn)
{
	open_conn(conn);
	return wire_send(conn, 70, 517, 3000, 0, 32);
}

static enum clocks_result old_ack_with_data(struct wire_conn *conn)
{
	open_conn(conn);
	wire_send(conn, 31, 0, 0, 517, 1);
	wire_send(conn, 62, 517, 3000, 0, 32);
	return wire_send(conn, 63, 517, 1448, 64, 32);
}

static enum clocks_result counter(struct wire_conn *conn)
{
	open_conn(conn);
	wire_send(conn, 31, 0, 0, 517, 1);
	for (uint32_t i = 1; i <= 16; i++)
		cr_assert_eq(wire_send(conn, 62, 517, i * 1448, 0, 32), CLOCKS_PENDING);
	return wire_send(conn, 63, 517, 30000, 0, 32);
}

static enum clocks_result ended(struct wire_conn *conn)
{
	open_conn(conn);
	return end_with(conn, SYN_TCP_FIN);
}

static enum clocks_result reset(struct wire_conn *conn)
{
	open_conn(conn);
	return end_with(conn, SYN_TCP_RST);
}

static enum clocks_result thinks_first(struct wire_conn *conn)
{
	return wire_whole(conn, 30, CLOCKS_THINK_MS + 1, 0, false);
}

static enum clocks_result thinks_later(struct wire_conn *conn)
{
	return wire_whole(conn, 30, 0, CLOCKS_THINK_MS + 1, false);
}

Test(clocks, waits_as_long_as_it_may)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	cr_assert_eq(wire_whole(&conn, 30, CLOCKS_THINK_MS, CLOCKS_THINK_MS, false),
		     CLOCKS_MEASURED);
	cr_assert_eq(conn.measure.c1_ms, CLOCKS_THINK_MS);
	cr_assert_eq(conn.measure.c2_ms, CLOCKS_THINK_MS);
	clocks_free(clocks);
}

Test(clocks, not_measured)
{
	static const struct {
		enum clocks_result (*run)(struct wire_conn *conn);
		enum clocks_result result;
	} cases[] = {
		{two_syns, CLOCKS_TWO_SYNS},
		{late_syn, CLOCKS_TWO_SYNS},
		{syn_data, CLOCKS_FAST_OPEN},
		{fast_open, CLOCKS_FAST_OPEN},
		{two_answers, CLOCKS_TWO_ANSWERS},
		{no_answer, CLOCKS_NO_ANSWER},
		{ack_with_data, CLOCKS_NO_ACK},
		{ack_lost, CLOCKS_NO_ACK},
		{ack_of_one_byte, CLOCKS_NO_ACK},
		{server_first, CLOCKS_SERVER_FIRST},
		{again, CLOCKS_RETRANSMISSION},
		{missing_data, CLOCKS_MISSING},
		{missing_before_ack, CLOCKS_MISSING},
		{old_ack_with_data, CLOCKS_MISSING},
		{counter, CLOCKS_COUNTER},
		{ended, CLOCKS_ENDED},
		{reset, CLOCKS_ENDED},
		{thinks_first, CLOCKS_THINKS},
		{thinks_later, CLOCKS_THINKS},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clocks *clocks = new_clocks(20);
		struct wire_conn conn = wire_conn_new(clocks, 1);

		cr_assert_eq(cases[i].run(&conn), cases[i].result, "case %u", i);
		cr_assert_eq(count_of(clocks, cases[i].result), 1, "case %u", i);
		cr_assert_eq(count_of(clocks, CLOCKS_PENDING), 0, "case %u", i);
		/* Whatever comes then changes nothing. */
		cr_assert_eq(wire_send(&conn, 3000, 517, 40000, 64, 2900), CLOCKS_PENDING);
		cr_assert_eq(count_of(clocks, CLOCKS_MEASURED), 0);
		clocks_free(clocks);
	}
}

/* A third SYN does not begin what the second has spoiled. */
Test(clocks, spoiled_for_good)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	two_syns(&conn);
	cr_assert_eq(wire_whole(&conn, 30, 0, 0, false), CLOCKS_PENDING);
	cr_assert_eq(count_of(clocks, CLOCKS_TWO_SYNS), 1);
	cr_assert_eq(count_of(clocks, CLOCKS_MEASURED), 0);
	clocks_free(clocks);
}

/* Who has not seen the SYN+ACK cannot make a connection of somebody else's address. */
Test(clocks, blind)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	wire_syn(&conn, 0);
	wire_answer(&conn, 1);
	for (uint32_t guess = 1; guess < 20; guess++)
		cr_assert_neq(wire_send(&conn, 31, 0, 0x80000000u + guess * 1000, 0, 1),
			      CLOCKS_MEASURED);
	cr_assert_eq(count_of(clocks, CLOCKS_MEASURED), 0);
	clocks_free(clocks);
}

/* ACKs that were overtaken, and keep-alives, say nothing and spoil nothing. */
Test(clocks, harmless)
{
	struct clocks *clocks = new_clocks(20);
	struct wire_conn conn = wire_conn_new(clocks, 1);

	open_conn(&conn);
	cr_assert_eq(wire_send(&conn, 31, 0, 0, 517, 1), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 32, 0, 0, 0, 1), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 62, 517, 3000, 0, 32), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 62, 517, 1448, 0, 32), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 63, 516, 3000, 0, 32), CLOCKS_PENDING);
	cr_assert_eq(wire_send(&conn, 64, 517, 3000, 64, 32), CLOCKS_MEASURED);
	cr_assert(conn.measure.c2_ms <= 3);
	clocks_free(clocks);
}

Test(clocks, full_and_old)
{
	struct clocks *clocks = new_clocks(20);
	struct clocks_stats stats;

	for (uint16_t port = 1; port <= 100; port++) {
		struct wire_conn conn = wire_conn_new(clocks, port);

		wire_syn(&conn, port);
	}
	clocks_get_stats(clocks, &stats);
	cr_assert_eq(stats.connections, 100);
	cr_assert_eq(stats.results[CLOCKS_EVICTED], 36);
	cr_assert_eq(stats.results[CLOCKS_PENDING], 64);
	cr_assert_eq(clocks_expire(clocks, T0_NS + (CLOCKS_LIFE_S * 1000 + 80) * MS_NS), 20);
	cr_assert_eq(count_of(clocks, CLOCKS_SILENT), 44);
	cr_assert_eq(clocks_expire(clocks, T0_NS + 3600000 * MS_NS), 0);
	clocks_free(clocks);
}

Test(clocks, shapes)
{
	struct syn syn = {.ip_version = 4, .ttl = 64, .win = 64240, .mss = 1460}, other = syn;

	cr_assert_eq(clocks_shape(&syn), clocks_shape(&other));
	other.seq = 9;
	other.src_port = 7;
	cr_assert_eq(clocks_shape(&syn), clocks_shape(&other));
	other.win = 29200;
	cr_assert_neq(clocks_shape(&syn), clocks_shape(&other));
	other = syn;
	other.opt_count = 1;
	other.opt_kinds[0] = SYN_OPT_EOL;
	cr_assert_neq(clocks_shape(&syn), clocks_shape(&other));
	other = syn;
	other.ttl = 63;
	cr_assert_neq(clocks_shape(&syn), clocks_shape(&other));
}

Test(clocks, words)
{
	for (unsigned i = 0; i < CLOCKS_RESULT_COUNT; i++) {
		cr_assert(clocks_result_name(i) && clocks_result_name(i)[0]);
		cr_assert(clocks_result_text(i) && clocks_result_text(i)[0]);
		for (unsigned j = 0; j < i; j++)
			cr_assert_str_neq(clocks_result_name(i), clocks_result_name(j));
	}
	cr_assert_null(clocks_result_name(CLOCKS_RESULT_COUNT));
	cr_assert_null(clocks_result_text(CLOCKS_RESULT_COUNT));
}
