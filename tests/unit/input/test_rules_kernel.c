/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in a real kernel: what nft shows of them, and what they do to real SYNs. */
#include "input/nfqueue.h"
#include "input/rules.h"
#include "kernel.h"
#include "nl/nft_ask.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIST "nft list ruleset 2>/dev/null"

static struct nl *nl;

static void setup(void)
{
	kernel_enter();
	cr_assert_eq(nl_open(&nl), 0);
}

static void teardown(void)
{
	nl_close(nl);
}

TestSuite(rules_kernel, .init = setup, .fini = teardown, .timeout = 30);

static const char *const lo_and_eth[] = {"lo", "eth*"};
#define DIVERTED 0x01000000
#define MARKS                                                                                      \
	{                                                                                          \
		.field = 0x7f000000, .diverted = DIVERTED, .judged = 0x02000000                    \
	}

static const struct rules_params everywhere = {.queue_count = 1, .marks = MARKS};
static const struct rules_params four_on_two = {.queue_first = 3,
						.queue_count = 4,
						.interfaces = lo_and_eth,
						.interface_count = 2,
						.marks = MARKS};

static void apply(const struct rules_params *params)
{
	struct text_error error = {.what = ""};
	int rc = rules_apply(nl, params, NULL, &error);

	cr_assert_eq(rc, 0, "%d: %s", rc, error.what);
}

static struct rules_status get_status(void)
{
	struct rules_status status;

	cr_assert_eq(rules_get_status(nl, &status), 0);
	return status;
}

static uint32_t generation(void)
{
	uint32_t generation = 0;

	cr_assert_eq(nft_generation(nl, &generation), 0);
	return generation;
}

/* A listening socket on a free port of loopback; the port in @ret_port. */
static int listen_on(int family, struct sockaddr_storage *ret_addr, socklen_t *ret_len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	memcpy(ret_addr, family == AF_INET ? (const void *)&v4 : (const void *)&v6, *ret_len);
	cr_assert_eq(bind(fd, (struct sockaddr *)ret_addr, *ret_len), 0);
	cr_assert_eq(listen(fd, 16), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)ret_addr, ret_len), 0);
	return fd;
}

/* Begins a connection; its SYN is sent when this returns. */
static int begin_connect(int family, const struct sockaddr_storage *addr, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	connect(fd, (const struct sockaddr *)addr, len);
	return fd;
}

static bool is_connected(int fd, int timeout_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int error = -1;
	socklen_t len = sizeof(error);

	if (poll(&pollfd, 1, timeout_ms) <= 0)
		return false;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == 0;
}

Test(rules_kernel, apply_is_idempotent_and_keeps_counters)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(AF_INET, &addr, &len), client;
	uint32_t before;

	apply(&everywhere);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, 1000));
	before = generation();
	apply(&everywhere);
	cr_expect_eq(generation(), before);
	cr_expect_eq(get_status().syns, 1);
	close(client);
	close(server);
}

Test(rules_kernel, other_parameters_replace_in_one_transaction)
{
	uint32_t before;
	struct rules_status status;

	apply(&everywhere);
	before = generation();
	apply(&four_on_two);
	cr_expect_eq(generation(), before + 1);
	status = get_status();
	cr_expect(status.is_present);
	cr_expect_eq(status.queue_first, 3);
	cr_expect_eq(status.queue_count, 4);
	cr_expect_eq(status.interface_count, 2);
	cr_expect_str_eq(status.interfaces[0], "lo");
	cr_expect_str_eq(status.interfaces[1], "eth*");
	cr_expect_eq(kernel_count(LIST, "goto syn"), 2);
	cr_expect_eq(kernel_count(LIST, "typeof symhash mod 4 offset 3"), 2);
	apply(&everywhere);
	cr_expect_eq(kernel_count(LIST, "goto syn"), 1);
	cr_expect_eq(kernel_count(LIST, "symhash"), 0, "another kind of set under the same name");
	cr_expect_eq(get_status().interface_count, 0);
}

Test(rules_kernel, what_nft_shows)
{
	apply(&four_on_two);
	kernel_expect(LIST, "type filter hook prerouting priority -175; policy accept;");
	kernel_expect(LIST, "type filter hook prerouting priority -174; policy accept;");
	kernel_expect(LIST, "iifname \"lo\" tcp flags syn / fin,syn,rst,ack counter packets 0 "
			    "bytes 0 goto syn");
	kernel_expect(LIST, "iifname \"eth*\" tcp flags");
	kernel_expect(LIST, "symhash mod 4 offset 3 @answering goto send");
	kernel_expect(LIST,
		      "meta mark & 0x7f000000 != 0x00000000 counter packets 0 bytes 0 return");
	kernel_expect(LIST, "bypass");
	cr_expect(get_status().is_complete);
}

/* Each engine either works or says which configuration of the kernel is missing. */
Test(rules_kernel, each_engine_works_or_says_why)
{
	for (int e = RULES_AUTO; e <= RULES_XT; e++) {
		struct rules_params params = {.engine = (enum rules_engine)e,
					      .queue_count = 1,
					      .marks = MARKS};
		enum rules_engine engine = RULES_NONE;
		struct text_error error = {.what = ""};
		int rc = rules_apply(nl, &params, &engine, &error);

		if (rc == 0) {
			cr_expect(engine == params.engine || params.engine == RULES_AUTO);
			cr_expect_eq(get_status().engine, engine);
		} else {
			cr_expect_eq(rc, -EOPNOTSUPP, "%d: %s", rc, error.what);
			cr_expect(strstr(error.what, "CONFIG_"), "%s", error.what);
			kernel_expect_not(LIST, "synprint");
		}
		cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	}
}

Test(rules_kernel, none_is_refused)
{
	struct rules_params params = {.engine = RULES_NONE, .queue_count = 1, .marks = MARKS};

	cr_expect_eq(rules_apply(nl, &params, NULL, NULL), -EINVAL);
}

Test(rules_kernel, remove_leaves_nothing)
{
	apply(&four_on_two);
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_str_eq(kernel_output(LIST), "");
	cr_expect_eq(rules_remove(nl, NULL, 0), 0, "nothing there is no failure");
	cr_expect(!get_status().is_present);
}

Test(rules_kernel, remove_keeps_what_is_not_ours)
{
	static const char *const sets[] = {"vpn4", "scanner4"};

	apply(&everywhere);
	kernel_run("nft 'add set inet synprint vpn4 { type ipv4_addr; }'");
	kernel_run("nft 'add chain inet synprint admin { type filter hook forward priority 0; }'");
	kernel_run("nft 'add rule inet synprint admin ip saddr @vpn4 counter'");
	kernel_run("nft 'add rule inet synprint divert meta mark 7 counter'");
	kernel_run("nft 'add table ip other; add chain ip other c'");
	cr_expect_eq(rules_remove(nl, sets, 2), 0);
	kernel_expect(LIST, "chain admin");
	kernel_expect(LIST, "ip saddr @vpn4");
	kernel_expect(LIST, "meta mark 0x00000007");
	kernel_expect(LIST, "table ip other");
	kernel_expect_not(LIST, "answering");
	kernel_run("nft 'delete chain inet synprint admin; flush chain inet synprint divert; "
		   "delete set inet synprint vpn4'");
	cr_expect_eq(rules_remove(nl, sets, 2), 0);
	kernel_expect_not(LIST, "synprint");
}

Test(rules_kernel, remove_keeps_a_table_that_was_there)
{
	kernel_run("nft add table inet synprint");
	apply(&everywhere);
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_str_eq(kernel_output(LIST), "table inet synprint {\n}\n");
}

Test(rules_kernel, undivert_deletes_the_rules_only)
{
	apply(&four_on_two);
	cr_expect_eq(rules_undivert(nl), 0);
	cr_expect(!get_status().is_present);
	kernel_expect(LIST, "chain divert");
	kernel_expect(LIST, "set waiting");
	apply(&four_on_two);
	cr_expect(get_status().is_present);
}

Test(rules_kernel, names_that_are_taken)
{
	static const char *const commands[] = {
		"nft 'add table inet synprint; add set inet synprint waiting { type ipv4_addr; }'",
		"nft 'add table inet synprint; add chain inet synprint divert { type filter hook "
		"input priority 0; }'",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct text_error error = {.what = ""};
		int rc;

		kernel_run(commands[i]);
		rc = rules_apply(nl, &everywhere, NULL, &error);
		cr_expect_eq(rc, -EEXIST, "%s: %d %s", commands[i], rc, error.what);
		cr_expect(strstr(error.what, "not ours"), "%s", error.what);
		kernel_run("nft delete table inet synprint");
	}
}

/* The switch of version 0.1: of rules that it printed, or left behind. */
#define OLD_RULES                                                                                  \
	"nft 'table inet synprint { comment \"synprint\"; set alive { type inet_proto; flags "     \
	"timeout; comment \"synprint\"; }; set vpn4 { type ipv4_addr; flags timeout; timeout 1h; " \
	"comment \"synprint\"; elements = { 192.0.2.1 }; }; chain divert { comment \"synprint\"; " \
	"type filter hook prerouting priority -175; tcp flags syn / fin,syn,rst,ack counter meta " \
	"l4proto @alive accept comment \"synprint xt 0-0 *\"; }; }'"

static bool has_beat(void)
{
	return kernel_count("nft list set inet synprint alive", "expires") == 1;
}

Test(rules_kernel, heartbeat_makes_nothing_and_lasts_as_long_as_it_says)
{
	cr_expect_eq(rules_heartbeat(nl, 700), -ENOENT);
	cr_expect_str_eq(kernel_output(LIST), "");
	kernel_run(OLD_RULES);
	cr_expect(get_status().has_old_switch);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(rules_heartbeat(nl, 20000), 0);
		cr_expect(has_beat());
	}
	cr_expect_eq(rules_heartbeat(nl, 100), 0);
	for (int i = 0; i < 100 && has_beat(); i++)
		usleep(100000);
	cr_expect(!has_beat());
	cr_expect_eq(rules_heartbeat(nl, 20000), 0);
	cr_expect_eq(rules_disarm(nl), 0);
	cr_expect(!has_beat());
	cr_expect_eq(rules_disarm(nl), 0, "nothing there is no failure");
}

static const struct rules_params with_sets = {
	.queue_count = 1,
	.marks = {.field = 0x7f000000,
		  .diverted = DIVERTED,
		  .judged = 0x02000000,
		  .sets = {0x04000000, 0x08000000, 0x10000000}},
	.set_count = 3,
	.sets = {{.name = "vpn", .prefix6 = 64, .timeout_s = 3600, .size = 8, .bit = 0x04000000},
		 {.name = "conns",
		  .has_port = true,
		  .prefix6 = 128,
		  .timeout_s = 60,
		  .size = 8,
		  .bit = 0x08000000,
		  .removes = true},
		 {.name = "class",
		  .is_map = true,
		  .value = 0x10,
		  .prefix6 = 128,
		  .timeout_s = 60,
		  .size = 8,
		  .bit = 0x10000000}},
};

Test(rules_kernel, takes_over_from_version_0_1_in_one_transaction)
{
	uint32_t before;

	kernel_run(OLD_RULES);
	before = generation();
	apply(&with_sets);
	cr_expect_eq(generation(), before + 1);
	kernel_expect_not(LIST, "alive");
	kernel_expect_not(LIST, "accept comment");
	kernel_expect(LIST, "192.0.2.1");
	cr_expect_eq(kernel_count(LIST, "goto syn"), 1);
}

static void expect_loads_again(void)
{
	kernel_run(
		"f=$(mktemp); nft -s list ruleset | sed 's/queue num [0-9]* bypass/accept/' >$f; "
		"nft flush ruleset; nft -f $f && nft -s list ruleset | diff $f - && rm $f");
}

/* But for the queue where nft's own expression is missing. */
Test(rules_kernel, what_nft_lists_loads_again)
{
	struct rules_params params = with_sets;

	params.queue_count = 2;
	params.marks.fresh = 0x20000000;
	params.skip_known_s = 10;
	apply(&params);
	expect_loads_again();
	kernel_run("nft flush ruleset");
	params.queue_count = 1;
	params.queue_first = 9;
	apply(&params);
	expect_loads_again();
}

Test(rules_kernel, a_dormant_table_is_woken)
{
	apply(&everywhere);
	kernel_run("nft 'add table inet synprint { flags dormant; }'");
	cr_expect(get_status().is_dormant);
	apply(&everywhere);
	cr_expect(!get_status().is_dormant);
	cr_expect(get_status().is_complete);
}

Test(rules_kernel, a_missing_rule_is_seen)
{
	apply(&with_sets);
	cr_expect(get_status().is_complete);
	kernel_run("nft flush chain inet synprint publish");
	cr_expect(get_status().is_present);
	cr_expect(!get_status().is_complete);
	apply(&with_sets);
	cr_expect(get_status().is_complete);
}

Test(rules_kernel, without_privileges)
{
	struct text_error error = {.what = ""};

	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_expect_eq(rules_apply(nl, &everywhere, NULL, &error), -EPERM);
	cr_expect(strstr(error.what, "CAP_NET_ADMIN"), "%s", error.what);
}

static struct nfqueue *open_queue(uint16_t number)
{
	struct nfqueue_params params = {.queue = number, .length = 64, .receive_buffer = 1 << 20};
	struct text_error error = {.what = ""};
	struct nfqueue *queue = NULL;

	cr_assert_eq(nfqueue_open(&params, &error, &queue), 0, "%s", error.what);
	return queue;
}

/* A connection whose SYN waits in the queue until it is accepted. */
static void expect_held(struct nfqueue *queue, int family)
{
	struct nfqueue_packet packets[NFQUEUE_BURST_MAX];
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(family, &addr, &len);
	int client = begin_connect(family, &addr, len);

	cr_expect_eq(nfqueue_receive(queue, 1000, packets), 1);
	cr_expect(!is_connected(client, 50), "waits for nf_verdict");
	cr_expect_eq(nfqueue_accept(queue), 0);
	cr_expect(is_connected(client, 1000));
	close(client);
	close(server);
}

/* A connection that no queue sees. */
static void expect_passed(struct nfqueue *queue, int family)
{
	struct nfqueue_packet packets[NFQUEUE_BURST_MAX];
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(family, &addr, &len);
	int client = begin_connect(family, &addr, len);

	cr_expect(is_connected(client, 500));
	cr_expect_eq(nfqueue_receive(queue, 0, packets), 0);
	close(client);
	close(server);
}

Test(rules_kernel, diverts_ipv4_and_ipv6)
{
	struct nfqueue *queue = open_queue(0);

	apply(&everywhere);
	expect_held(queue, AF_INET);
	expect_held(queue, AF_INET6);
	cr_expect_eq(get_status().syns, 2);
	cr_expect_eq(get_status().waiting, 0);
	cr_assert_eq(rules_undivert(nl), 0);
	expect_passed(queue, AF_INET);
	nfqueue_close(queue);
}

Test(rules_kernel, bypass_without_a_reader)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(AF_INET, &addr, &len), client;

	apply(&everywhere);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, 500));
	cr_expect_eq(get_status().syns, 1);
	close(client);
	close(server);
}

/* Nobody answers: the first SYN waits, and after a while the others pass. An answer ends that. */
Test(rules_kernel, a_queue_that_does_not_answer_gets_no_more)
{
	struct nfqueue *queue = open_queue(0);
	struct nfqueue_packet packets[NFQUEUE_BURST_MAX];
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(AF_INET, &addr, &len), first, second;

	apply(&everywhere);
	first = begin_connect(AF_INET, &addr, len);
	cr_expect(!is_connected(first, 300), "waits, and is asked no longer");
	second = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(second, 300), "passes");
	cr_expect_eq(get_status().waiting, 1);
	cr_expect_eq(get_status().unanswered, 1);
	cr_expect_eq(nfqueue_receive(queue, 100, packets), 1);
	cr_expect_eq(nfqueue_accept(queue), 0);
	cr_expect(is_connected(first, 1000));
	cr_expect_eq(get_status().waiting, 0);
	expect_held(queue, AF_INET);
	close(first);
	close(second);
	close(server);
	nfqueue_close(queue);
}

Test(rules_kernel, what_waits_for_nothing_is_forgotten)
{
	apply(&everywhere);
	kernel_run("nft 'add element inet synprint waiting { tcp }'");
	cr_expect_eq(get_status().waiting, 1);
	cr_expect_eq(rules_forget_waiting(nl, &everywhere, 1), 0);
	cr_expect_eq(get_status().waiting, 0);
	cr_expect_eq(rules_forget_waiting(nl, &everywhere, 1), 0, "nothing there is no failure");
	apply(&four_on_two);
	kernel_run("nft 'add element inet synprint waiting { 4, 6 }'");
	cr_expect_eq(get_status().waiting, 0xa);
	cr_expect_eq(rules_forget_waiting(nl, &four_on_two, 0x2), 0);
	cr_expect_eq(get_status().waiting, 0x8);
}

/* A connection whose SYN goes on with these bits in its mark. */
static void accept_with(struct nfqueue *queue, int family, uint32_t bits)
{
	struct nfqueue_packet packets[NFQUEUE_BURST_MAX];
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(family, &addr, &len);
	int client = begin_connect(family, &addr, len);

	cr_assert_eq(nfqueue_receive(queue, 1000, packets), 1);
	cr_expect_eq(packets[0].mark & 0xff000000, DIVERTED);
	nfqueue_mark(queue, &packets[0], packets[0].mark | bits);
	cr_expect_eq(nfqueue_accept(queue), 0);
	cr_expect(is_connected(client, 1000));
	close(client);
	close(server);
}

Test(rules_kernel, bits_fill_and_empty_sets_before_any_later_rule)
{
	struct nfqueue *queue = open_queue(0);

	apply(&with_sets);
	kernel_run(
		"nft 'add chain inet synprint site { type filter hook prerouting priority -100; }; "
		"add rule inet synprint site tcp flags syn / syn,ack ip saddr @vpn4 counter; add "
		"rule inet synprint site "
		"tcp flags syn / syn,ack meta mark != 0 counter'");
	accept_with(queue, AF_INET, 0x04000000 | 0x08000000 | 0x10000000);
	kernel_expect("nft list chain inet synprint site", "@vpn4 counter packets 1");
	kernel_expect("nft list chain inet synprint site", "!= 0x00000000 counter packets 0");
	kernel_expect("nft list set inet synprint vpn4", "127.0.0.1");
	kernel_expect("nft list set inet synprint conns4", "127.0.0.1 .");
	kernel_expect("nft list map inet synprint class4", ": 0x00000010");
	accept_with(queue, AF_INET6, 0x04000000);
	kernel_expect("nft list set inet synprint vpn6", "{ :: ");
	cr_expect_eq(get_status().filled, 4);
	cr_expect_eq(get_status().tried, 4);
	nfqueue_close(queue);
}

Test(rules_kernel, who_was_judged_and_does_not_belong_is_taken_out)
{
	struct nfqueue *queue = open_queue(0);
	struct rules_params params = with_sets;

	params.sets[0].removes = true;
	params.set_count = 1;
	apply(&params);
	accept_with(queue, AF_INET, 0x04000000 | 0x02000000);
	kernel_expect("nft list set inet synprint vpn4", "127.0.0.1");
	accept_with(queue, AF_INET, 0);
	kernel_expect("nft list set inet synprint vpn4", "127.0.0.1");
	accept_with(queue, AF_INET, 0x02000000);
	kernel_expect_not("nft list set inet synprint vpn4", "127.0.0.1");
	nfqueue_close(queue);
}

Test(rules_kernel, a_paused_bit_fills_nothing)
{
	struct nfqueue *queue = open_queue(0);
	struct rules_params params = with_sets;

	params.sets[0].is_paused = true;
	apply(&params);
	accept_with(queue, AF_INET, 0x04000000);
	kernel_expect_not("nft list set inet synprint vpn4", "127.0.0.1");
	nfqueue_close(queue);
}

Test(rules_kernel, a_full_set_refuses_and_refreshes)
{
	struct nfqueue *queue = open_queue(0);
	struct rules_params params = with_sets;

	params.sets[0].size = 1;
	apply(&params);
	accept_with(queue, AF_INET, 0x04000000);
	accept_with(queue, AF_INET, 0x04000000);
	kernel_run(
		"nft 'flush set inet synprint vpn4; add element inet synprint vpn4 { 192.0.2.9 }'");
	usleep(1500000); /* the kernel collects what was deleted */
	accept_with(queue, AF_INET, 0x04000000);
	kernel_expect_not("nft list set inet synprint vpn4", "127.0.0.1");
	cr_expect_eq(get_status().tried, 3);
	cr_expect_eq(get_status().filled, 2);
	nfqueue_close(queue);
}

/* Bits in the field before us are somebody else's: the SYN is left alone. */
Test(rules_kernel, a_marked_syn_passes_untouched)
{
	struct nfqueue *queue = open_queue(0);

	apply(&everywhere);
	kernel_run("nft 'add table ip o; add chain ip o c { type filter hook prerouting priority "
		   "-300; "
		   "}; add rule ip o c tcp flags syn / syn,ack meta mark set 0x40000007; add chain "
		   "ip o d { "
		   "type "
		   "filter hook prerouting priority 0; }; add rule ip o d meta mark 0x40000007 "
		   "counter'");
	expect_passed(queue, AF_INET);
	kernel_expect("nft list chain ip o d", "counter packets 1 ");
	cr_expect_eq(get_status().marked, 1);
	nfqueue_close(queue);
}

Test(rules_kernel, a_known_shape_passes_unasked)
{
	struct nfqueue *queue = open_queue(0);
	struct rules_params params = everywhere;

	params.marks.fresh = 0x04000000;
	params.skip_known_s = 600;
	apply(&params);
	accept_with(queue, AF_INET, 0x04000000);
	expect_passed(queue, AF_INET);
	accept_with(queue, AF_INET6, 0x04000000);
	expect_passed(queue, AF_INET6);
	cr_expect_eq(get_status().skipped, 2);
	kernel_run("nft flush set inet synprint known_shapes_v4s");
	expect_held(queue, AF_INET);
	nfqueue_close(queue);
}

Test(rules_kernel, other_interfaces_are_left_alone)
{
	static const char *const eth[] = {"eth*"}, *const lo[] = {"l*"};
	struct rules_params params = {.queue_count = 1,
				      .interfaces = eth,
				      .interface_count = 1,
				      .marks = MARKS};
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(AF_INET, &addr, &len), client;

	apply(&params);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, 500));
	cr_expect_eq(get_status().syns, 0);
	close(client);
	params.interfaces = lo;
	apply(&params);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, 500));
	cr_expect_eq(get_status().syns, 1);
	close(client);
	close(server);
}

static void print_to(const struct rules_params *params, enum rules_format format,
		     const char *command)
{
	static char text[65536];
	struct text_buf buf;
	FILE *pipe = popen(command, "we");

	cr_assert_not_null(pipe);
	text_buf_init(&buf, text, sizeof(text));
	rules_print(params, format, &buf);
	fputs(text, pipe);
	cr_expect_eq(pclose(pipe), 0, "%s", command);
}

Test(rules_kernel, iptables_takes_what_is_printed)
{
	print_to(&four_on_two, RULES_FORMAT_IPSET, "ipset restore -exist");
	print_to(&four_on_two, RULES_FORMAT_IPTABLES, "iptables-restore --noflush");
	print_to(&four_on_two, RULES_FORMAT_IPTABLES, "ip6tables-restore --noflush");
	kernel_expect("iptables-save -t raw", "-A PREROUTING -i eth+ -p tcp");
	kernel_expect("ip6tables-save -t raw", "--queue-balance 3:6 --queue-bypass");
}

Test(rules_kernel, iptables_diverts_with_what_is_printed)
{
	struct nfqueue *queue = open_queue(0);

	cr_expect_eq(rules_heartbeat_ipset(nl), -ENOENT, "the administrator made no switch");
	print_to(&everywhere, RULES_FORMAT_IPSET, "ipset restore -exist");
	print_to(&everywhere, RULES_FORMAT_IPTABLES, "iptables-restore --noflush");
	expect_passed(queue, AF_INET);
	cr_expect_eq(rules_heartbeat_ipset(nl), 0);
	expect_held(queue, AF_INET);
	cr_expect_eq(rules_disarm_ipset(nl), 0);
	expect_passed(queue, AF_INET);
	expect_passed(queue, AF_INET6);
	print_to(&everywhere, RULES_FORMAT_IPTABLES, "ip6tables-restore --noflush");
	cr_expect_eq(rules_heartbeat_ipset(nl), 0);
	expect_held(queue, AF_INET6);
	nfqueue_close(queue);
}

/* Where the kernel has no queue expression, all but that is loaded. */
Test(rules_kernel, nft_takes_what_is_printed)
{
	struct rules_params administrators = four_on_two;
	enum rules_engine engine;
	bool has_queue;

	cr_assert_eq(rules_apply(nl, &everywhere, &engine, NULL), 0);
	has_queue = engine == RULES_NFT;
	cr_assert_eq(rules_remove(nl, NULL, 0), 0);
	administrators.engine = RULES_NONE;
	for (int i = 0; i < 2; i++)
		print_to(&administrators, RULES_FORMAT_NFT,
			 has_queue ? "nft -f -"
				   : "sed 's/queue flags bypass to symhash mod 4 offset "
				     "3/accept/' | nft -f -");
	cr_expect_eq(kernel_count(LIST, "goto syn"), 2);
	cr_expect(get_status().is_foreign);
	cr_expect(get_status().is_complete);
	cr_expect_eq(rules_forget_waiting(nl, &administrators, 1), 0);
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_eq(kernel_count(LIST, "goto syn"), 2, "they are the administrator's");
}
