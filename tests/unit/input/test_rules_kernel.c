/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in a real kernel: what nft shows of them, and what they do to real SYNs. */
#include "input/nfqueue.h"
#include "input/rules.h"
#include "kernel.h"
#include "nl/nft.h"

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
static const struct rules_params everywhere = {.queue_count = 1};
static const struct rules_params four_on_two = {.queue_first = 3,
						.queue_count = 4,
						.interfaces = lo_and_eth,
						.interface_count = 2};

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
	cr_expect_eq(kernel_count(LIST, "@alive"), 2);
	apply(&everywhere);
	cr_expect_eq(kernel_count(LIST, "@alive"), 1);
	cr_expect_eq(get_status().interface_count, 0);
}

Test(rules_kernel, what_nft_shows)
{
	apply(&four_on_two);
	kernel_expect(LIST, "type filter hook prerouting priority -175; policy accept;");
	kernel_expect(LIST, "iifname \"lo\" tcp flags syn / fin,syn,rst,ack counter packets 0 "
			    "bytes 0 meta l4proto @alive queue");
	kernel_expect(LIST, "iifname \"eth*\" tcp flags");
	kernel_expect(LIST, "3-6");
	kernel_expect(LIST, "bypass");
}

/* Each engine either works or says which configuration of the kernel is missing. */
Test(rules_kernel, each_engine_works_or_says_why)
{
	for (int e = RULES_AUTO; e <= RULES_XT; e++) {
		struct rules_params params = {.engine = (enum rules_engine)e, .queue_count = 1};
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
	struct rules_params params = {.engine = RULES_NONE, .queue_count = 1};

	cr_expect_eq(rules_apply(nl, &params, NULL, NULL), -EINVAL);
}

Test(rules_kernel, remove_leaves_nothing)
{
	apply(&four_on_two);
	cr_expect_eq(rules_heartbeat(nl, 700), 0);
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
	kernel_expect_not(LIST, "alive");
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
	kernel_expect(LIST, "set alive");
	apply(&four_on_two);
	cr_expect(get_status().is_present);
}

Test(rules_kernel, names_that_are_taken)
{
	static const char *const commands[] = {
		"nft 'add table inet synprint; add set inet synprint alive { type ipv4_addr; }'",
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

Test(rules_kernel, heartbeat_makes_nothing_and_lasts_as_long_as_it_says)
{
	cr_expect_eq(rules_heartbeat(nl, 700), -ENOENT);
	cr_expect_str_eq(kernel_output(LIST), "");
	apply(&everywhere);
	cr_expect(!get_status().is_armed);
	for (int i = 0; i < 4; i++) {
		cr_expect_eq(rules_heartbeat(nl, 400), 0);
		usleep(200000);
		cr_expect(get_status().is_armed, "after %d ms", 200 * i);
	}
	usleep(400000);
	cr_expect(!get_status().is_armed);
	cr_expect_eq(rules_heartbeat(nl, 700), 0);
	cr_expect_eq(rules_disarm(nl), 0);
	cr_expect(!get_status().is_armed);
	cr_expect_eq(rules_disarm(nl), 0, "nothing there is no failure");
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
	expect_passed(queue, AF_INET);
	expect_passed(queue, AF_INET6);
	cr_expect_eq(get_status().syns, 2, "counted though nobody was there to look at them");
	cr_assert_eq(rules_heartbeat(nl, 5000), 0);
	expect_held(queue, AF_INET);
	expect_held(queue, AF_INET6);
	cr_expect_eq(get_status().syns, 4);
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
	cr_assert_eq(rules_heartbeat(nl, 5000), 0);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, 500));
	cr_expect_eq(get_status().syns, 1);
	close(client);
	close(server);
}

Test(rules_kernel, other_interfaces_are_left_alone)
{
	static const char *const eth[] = {"eth*"}, *const lo[] = {"l*"};
	struct rules_params params = {.queue_count = 1, .interfaces = eth, .interface_count = 1};
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
	char text[8192];
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
	enum rules_engine engine;
	bool has_queue;

	cr_assert_eq(rules_apply(nl, &everywhere, &engine, NULL), 0);
	has_queue = engine == RULES_NFT;
	cr_assert_eq(rules_remove(nl, NULL, 0), 0);
	for (int i = 0; i < 2; i++)
		print_to(&four_on_two, RULES_FORMAT_NFT,
			 has_queue ? "nft -f -"
				   : "sed 's/queue flags bypass to 3-6/accept/' | nft -f -");
	cr_expect_eq(kernel_count(LIST, "@alive"), 2);
	cr_expect_eq(rules_heartbeat(nl, 700), 0, "the dead-man's switch works with them");
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_eq(kernel_count(LIST, "@alive"), 2, "they are the administrator's");
}
