/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: who gets which, what a slow reader misses and hears of it, and snapshots. */
#include "control/server_turns.h"

TestSuite(server_events, .init = setup_running, .fini = teardown, .timeout = 120);
TestSuite(server_events_start, .init = setup, .fini = teardown, .timeout = 120);

static void send_event(enum server_event_kind kind, unsigned addr, unsigned flags, const char *json)
{
	struct server_event event = {.kind = kind, .verdict = {.flags = flags & 0xfff}};

	make_addr(addr, &event.addr);
	server_send_event(server, &event, json, strlen(json));
}

Test(server_events, subscribers_get_what_their_filter_lets_through)
{
	int all = connect_peer(), vpn = connect_peer(), net = connect_peer(), none = connect_peer();

	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_NEW));
	cr_assert_str_eq(ask(vpn, "{\"op\":\"subscribe\",\"flags\":[\"vpn\"],\"id\":1}\n"),
			 "{\"ok\":true,\"id\":1,\"subscribed\":true}\n");
	cr_assert(server_has_subscribers(server, SERVER_EVENT_CHANGE));
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_SYN));
	ask(all, "{\"op\":\"subscribe\",\"syns\":true}\n");
	ask(net, "{\"op\":\"subscribe\",\"net\":\"10.0.0.8/29\"}\n");
	cr_assert(server_has_subscribers(server, SERVER_EVENT_SYN));
	send_event(SERVER_EVENT_NEW, 1, 0, "{\"ip\":1}");
	send_event(SERVER_EVENT_CHANGE, 1, VERDICT_VPN, "{\"ip\":2}");
	send_event(SERVER_EVENT_SYN, 9, VERDICT_VPN, "{}");
	send_event(SERVER_EVENT_NEW, 9, VERDICT_SCANNER, "{\"ip\":3}");
	pump();
	cr_assert_str_eq(hear(all), "{\"event\":\"new\",\"seq\":1,\"ip\":1}\n"
				    "{\"event\":\"change\",\"seq\":2,\"ip\":2}\n"
				    "{\"event\":\"syn\",\"seq\":3}\n"
				    "{\"event\":\"new\",\"seq\":4,\"ip\":3}\n");
	cr_assert_str_eq(hear(vpn), "{\"event\":\"change\",\"seq\":1,\"ip\":2}\n");
	cr_assert_str_eq(hear(net), "{\"event\":\"new\",\"seq\":1,\"ip\":3}\n");
	cr_assert_str_eq(hear(none), "");
	close(all);
	close(vpn);
	close(net);
	close(none);
}

static void send_change(enum server_readers readers, const char *json)
{
	struct server_event event = {.kind = SERVER_EVENT_CHANGE, .readers = readers};

	make_addr(1, &event.addr);
	server_send_event(server, &event, json, strlen(json));
}

Test(server_events, changes_may_be_for_some_readers)
{
	int syns = connect_peer(), changes = connect_peer();

	ask(syns, "{\"op\":\"subscribe\",\"syns\":true}\n");
	ask(changes, "{\"op\":\"subscribe\"}\n");
	send_change(SERVER_READERS_OF_SYNS, "{\"n\":1}");
	send_change(SERVER_READERS_OF_CHANGES, "{\"n\":2}");
	send_change(SERVER_READERS_ALL, "{\"n\":3}");
	pump();
	cr_assert_str_eq(hear(syns), "{\"event\":\"change\",\"seq\":1,\"n\":1}\n"
				     "{\"event\":\"change\",\"seq\":2,\"n\":3}\n");
	cr_assert_str_eq(hear(changes), "{\"event\":\"change\",\"seq\":1,\"n\":2}\n"
					"{\"event\":\"change\",\"seq\":2,\"n\":3}\n");
	close(syns);
	close(changes);
}

Test(server_events, what_is_confirmed_alone)
{
	int peer = connect_peer();

	ask(peer, "{\"op\":\"subscribe\",\"confirmed\":true,\"syns\":true}\n");
	cr_assert(server_has_subscribers(server, SERVER_EVENT_CONFIRMED));
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_NEW));
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_SYN));
	send_event(SERVER_EVENT_SYN, 1, 0, "{}");
	send_event(SERVER_EVENT_NEW, 1, 0, "{}");
	send_change(SERVER_READERS_ALL, "{}");
	send_change(SERVER_READERS_OF_SYNS, "{}");
	send_event(SERVER_EVENT_CONFIRMED, 1, 0, "{\"n\":1}");
	pump();
	cr_assert_str_eq(hear(peer), "{\"event\":\"confirmed\",\"seq\":1,\"n\":1}\n");
	ask(peer, "{\"op\":\"subscribe\"}\n");
	cr_assert(server_has_subscribers(server, SERVER_EVENT_NEW));
	close(peer);
}

Test(server_events, a_second_subscription_takes_the_place_of_the_first)
{
	int peer = connect_peer();

	ask(peer, "{\"op\":\"subscribe\",\"syns\":true}\n");
	send_event(SERVER_EVENT_SYN, 1, 0, "{\"n\":1}");
	pump();
	hear(peer);
	ask(peer, "{\"op\":\"subscribe\"}\n");
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_SYN));
	send_event(SERVER_EVENT_SYN, 1, 0, "{\"n\":2}");
	send_event(SERVER_EVENT_NEW, 1, 0, "{\"n\":3}");
	cr_assert_str_eq(ask(peer, VERDICT(4)),
			 "{\"event\":\"new\",\"seq\":1,\"n\":3}\n" ANSWER(4));
	close(peer);
}

Test(server_events, a_subscriber_may_stop_sending)
{
	struct server_stats stats;
	int peer = connect_peer();

	say(peer, "{\"op\":\"subscribe\"}\n");
	shutdown(peer, SHUT_WR);
	pump();
	hear(peer);
	send_event(SERVER_EVENT_NEW, 1, 0, "{}");
	pump();
	cr_assert_str_eq(hear(peer), "{\"event\":\"new\",\"seq\":1}\n");
	close(peer);
	pump();
	server_get_stats(server, &stats);
	cr_assert_eq(stats.conns, 0);
}

/* Every number is either the seq of an event that came or within a gap, and each is there once. */
static void check_events(const char *text, unsigned *next, unsigned *missed)
{
	for (; *text; text = strchr(text, '\n') + 1) {
		unsigned seq, gap;

		cr_assert(strchr(text, '\n'));
		if (sscanf(text, "{\"event\":\"gap\",\"missed\":%u}", &gap) == 1) {
			*next += gap;
			*missed += gap;
			continue;
		}
		cr_assert_eq(sscanf(text, "{\"event\":\"new\",\"seq\":%u,", &seq), 1, "%.60s",
			     text);
		cr_assert_eq(seq, *next);
		(*next)++;
	}
}

static char *hear_all(int fd)
{
	char *text = calloc(1, 4 << 20);
	size_t len = 0;

	for (int idle = 0; idle < 2;) {
		ssize_t n = recv(fd, text + len, (4 << 20) - 1 - len, 0);

		idle = n > 0 ? 0 : idle + 1;
		len += n > 0 ? (size_t)n : 0;
		pump();
	}
	return text;
}

Test(server_events, a_slow_subscriber_hears_how_many_it_missed)
{
	int slow = connect_peer(), quick = connect_peer();
	unsigned next = 1, missed = 0, quick_next = 1, quick_missed = 0;
	struct server_stats stats;
	char json[1000];
	char *text;

	memset(json, ' ', sizeof(json));
	memcpy(json, "{\"a\":1", 6);
	strcpy(json + sizeof(json) - 2, "}");
	ask(slow, "{\"op\":\"subscribe\"}\n");
	ask(quick, "{\"op\":\"subscribe\"}\n");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			send_event(SERVER_EVENT_NEW, i, 0, json);
			pump();
			check_events(hear(quick), &quick_next, &quick_missed);
		}
		text = hear_all(slow);
		check_events(text, &next, &missed);
		free(text);
		cr_assert_eq(next, 2000 * (round + 1) + 1,
			     "the gap is told without a further event");
		cr_assert_gt(missed, 1000 * (round + 1));
	}
	cr_assert_eq(quick_next, 6001);
	cr_assert_eq(quick_missed, 0);
	server_get_stats(server, &stats);
	cr_assert_eq(stats.events_missed, missed);
	cr_assert_eq(stats.events_sent, 12000 - missed);
	close(slow);
	close(quick);
}

/* `{"event":"new","seq":1`, a comma for the brace of what follows, and a newline. */
Test(server_events_start, an_event_has_all_the_room)
{
	static const char json[] = "{\"pad\":\"0123456789\"}";
	const size_t whole = strlen("{\"event\":\"new\",\"seq\":1") + strlen(json) + 1;

	for (unsigned less = 0; less < 2; less++) {
		struct server_params params = usual_params();
		struct server_stats stats;
		int peer;

		params.trusted_events_max = whole - less;
		start(&params);
		peer = connect_peer();
		ask(peer, "{\"op\":\"subscribe\"}\n");
		send_event(SERVER_EVENT_NEW, 1, 0, json);
		pump();
		cr_expect_str_eq(hear(peer), less ? ""
						  : "{\"event\":\"new\",\"seq\":1,"
						    "\"pad\":\"0123456789\"}\n");
		server_get_stats(server, &stats);
		cr_expect_eq(stats.events_sent, 1 - less);
		cr_expect_eq(stats.events_missed, less);
		close(peer);
		server_free(server);
		server = NULL;
	}
}

Test(server_events, what_was_missed_elsewhere_is_told_to_each)
{
	int a = connect_peer(), b = connect_peer();
	struct server_stats stats;

	ask(a, "{\"op\":\"subscribe\"}\n");
	ask(b, "{\"op\":\"subscribe\"}\n");
	server_note_missed(server, 3);
	pump();
	cr_expect_str_eq(hear(a), "{\"event\":\"gap\",\"missed\":3}\n");
	cr_expect_str_eq(hear(b), "{\"event\":\"gap\",\"missed\":3}\n");
	send_event(SERVER_EVENT_CONFIRMED, 1, 0, "{}");
	pump();
	cr_expect_str_eq(hear(a), "{\"event\":\"confirmed\",\"seq\":1}\n");
	server_get_stats(server, &stats);
	cr_expect_eq(stats.events_missed, 3);
	cr_expect_eq(stats.events_sent, 2);
	close(a);
	close(b);
}

/* What no longer passes the filter is news to whoever asked for that. */
Test(server_events, leaves_are_for_who_asked)
{
	struct server_event event = {.kind = SERVER_EVENT_CHANGE,
				     .old_verdict = {.flags = VERDICT_VPN}};
	int with = connect_peer(), without = connect_peer();

	make_addr(1, &event.addr);
	ask(with, "{\"op\":\"subscribe\",\"flags\":[\"vpn\"],\"leaves\":true}\n");
	ask(without, "{\"op\":\"subscribe\",\"flags\":[\"vpn\"]}\n");
	server_send_event(server, &event, "{}", 2);
	event.has_changed = true;
	server_send_event(server, &event, "{}", 2);
	pump();
	cr_expect_str_eq(hear(with), "{\"event\":\"change\",\"seq\":1}\n");
	cr_expect_str_eq(hear(without), "");
	close(with);
	close(without);
}

Test(server_events, a_snapshot_comes_in_pages_and_whole)
{
	int peer = connect_peer(), other = connect_peer();
	unsigned next = 0, client;
	char *text;

	say(peer, "{\"op\":\"subscribe\",\"snapshot\":true}\n");
	pump_at_most(3);
	cr_assert_str_eq(ask(other, VERDICT(3)), ANSWER(3), "nobody waits for the whole snapshot");
	text = hear_all(peer);
	for (const char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "{\"event\":\"client\",\"client\":%u", &client) == 1)
			cr_assert_eq(client, next++);
		else
			cr_assert_str_eq(line, "{\"event\":\"snapshot_end\"}\n");
	}
	cr_assert_eq(next, SNAPSHOT_CLIENTS);
	free(text);
	close(peer);
	close(other);
}

Test(server_events, a_snapshot_is_filtered)
{
	int peer = connect_peer();

	say(peer, "{\"op\":\"subscribe\",\"snapshot\":true,\"net\":\"10.0.1.7\"}\n");
	pump();
	cr_assert(strstr(hear(peer), "subscribed\":true}\n{\"event\":\"client\",\"client\":263 "));
	say(peer, "{\"op\":\"subscribe\",\"snapshot\":true,\"net\":\"10.0.1.6/31\","
		  "\"confirmed\":true}\n");
	pump();
	cr_assert(strstr(hear(peer), "subscribed\":true}\n{\"event\":\"client\",\"client\":263 "),
		  "262 is not");
	close(peer);
}
