/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that take long: who asked waits, and nobody else. */
#include "control/server_turns.h"

#define RELOAD(port) "{\"op\":\"reload\",\"id\":" #port "}\n"
#define DONE(id) "{\"ok\":true,\"id\":" #id ",\"port\":0,\"pad\":\"\"}\n"

static uint64_t number; /* of what is begun next */

static uint64_t begin(void *ctx, const struct proto_request *req)
{
	cr_assert_eq(ctx, &request_count);
	return req->op == PROTO_RELOAD ? number : 0;
}

static void setup_begun(void)
{
	struct server_params params;

	setup();
	params = usual_params();
	params.handler.begin = begin;
	start(&params);
	number = 1;
}

TestSuite(server_begun, .init = setup_begun, .fini = teardown, .timeout = 120);

static unsigned conns(void)
{
	struct server_stats stats;

	server_get_stats(server, &stats);
	return stats.conns;
}

Test(server_begun, who_asked_waits_and_nobody_else)
{
	int first = connect_peer(), second = connect_peer(), third = connect_peer();

	cr_expect_str_eq(ask(first, RELOAD(1) VERDICT(7)), "");
	number = 2;
	cr_expect_str_eq(ask(second, RELOAD(2)), "");
	cr_expect_str_eq(ask(third, VERDICT(8)), ANSWER(8));
	cr_expect_str_eq(ask(first, VERDICT(9)), "", "answers come in order");
	server_finish(server, 1);
	pump();
	cr_expect_str_eq(hear(first), DONE(1) ANSWER(7) ANSWER(9));
	cr_expect_str_eq(hear(second), "");
	server_finish(server, 2);
	server_finish(server, 2);
	pump();
	cr_expect_str_eq(hear(second), DONE(2));
	cr_expect_str_eq(hear(first), "");
	close(first);
	close(second);
	close(third);
}

Test(server_begun, number_zero_is_answered_at_once)
{
	int peer = connect_peer();

	number = 0;
	cr_expect_str_eq(ask(peer, RELOAD(1)), DONE(1));
	close(peer);
}

Test(server_begun, who_left_is_forgotten)
{
	int peer = connect_peer();

	ask(peer, RELOAD(1));
	cr_expect_eq(conns(), 1);
	close(peer);
	pump();
	cr_expect_eq(conns(), 0);
	server_finish(server, 1);
	cr_expect_eq(request_count, 0);
}

Test(server_begun, who_sends_nothing_more_is_answered)
{
	int peer = connect_peer();

	say(peer, RELOAD(1) VERDICT(7));
	shutdown(peer, SHUT_WR);
	pump();
	cr_expect_str_eq(hear(peer), "");
	cr_expect_not(is_closed(peer));
	server_finish(server, 1);
	pump();
	cr_expect_str_eq(hear(peer), DONE(1) ANSWER(7));
	cr_expect(is_closed(peer));
	close(peer);
}

/* Events come meanwhile, as long as there is room. */
Test(server_begun, a_subscriber_goes_on)
{
	struct server_event event = {.kind = SERVER_EVENT_NEW};
	int peer = connect_peer();

	ask(peer, "{\"op\":\"subscribe\"}\n" RELOAD(1));
	make_addr(1, &event.addr);
	server_send_event(server, &event, "{\"ip\":1}", 8);
	pump();
	cr_expect_str_eq(hear(peer), "{\"event\":\"new\",\"seq\":1,\"ip\":1}\n");
	server_finish(server, 1);
	pump();
	cr_expect_str_eq(hear(peer), DONE(1));
	close(peer);
}

/* A server that ends has nothing to tell them. */
Test(server_begun, an_end_in_between)
{
	int peer = connect_peer();

	ask(peer, RELOAD(1));
	server_free(server);
	server = NULL;
	cr_expect(is_closed(peer));
	close(peer);
}
