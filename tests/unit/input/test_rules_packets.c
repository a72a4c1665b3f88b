/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules in a real kernel do to packets, and those that other programs load as they are printed. */
#include "input/rules_kernel.h"

#define PATIENT_MS 10000 /* where no SYN is sent again, a later one cannot be taken for it */

/* Else TCP sends a SYN again while the test is kept from answering the first one. */
static void send_no_syn_again(void)
{
	kernel_run("nft 'add table inet once; add set inet once ports { type inet_service; flags "
		   "dynamic, timeout; timeout 1h; }; add chain inet once out { type filter hook "
		   "output priority -400; }; add rule inet once out tcp flags syn / syn,ack tcp "
		   "sport @ports drop; add rule inet once out tcp flags syn / syn,ack add @ports { "
		   "tcp sport }'");
}

static struct nfqueue *open_queue(uint16_t number)
{
	struct nfqueue_params params = {.queue = number, .length = 64, .receive_buffer = 1 << 20};
	struct text_error error = {.what = ""};
	struct nfqueue *queue = NULL;

	send_no_syn_again();
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

	cr_expect_eq(nfqueue_receive(queue, PATIENT_MS, packets), 1);
	cr_expect(!is_connected(client, 50), "waits for nf_verdict");
	cr_expect_eq(nfqueue_accept(queue), 0);
	cr_expect(is_connected(client, PATIENT_MS));
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

	cr_expect(is_connected(client, PATIENT_MS));
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
	cr_expect(is_connected(client, PATIENT_MS));
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
	cr_expect(is_connected(second, PATIENT_MS), "passes");
	cr_expect_eq(get_status().waiting, 1);
	cr_expect_eq(get_status().unanswered, 1);
	cr_expect_eq(nfqueue_receive(queue, PATIENT_MS, packets), 1);
	cr_expect_eq(nfqueue_accept(queue), 0);
	cr_expect(is_connected(first, PATIENT_MS));
	cr_expect_eq(get_status().waiting, 0);
	expect_held(queue, AF_INET);
	close(first);
	close(second);
	close(server);
	nfqueue_close(queue);
}

static int forget_waiting(uint32_t queues)
{
	struct rules_status status = get_status();

	return rules_forget_waiting(nl, &status, queues);
}

Test(rules_kernel, what_waits_for_nothing_is_forgotten)
{
	apply(&everywhere);
	kernel_run("nft 'add element inet synprint waiting { tcp }'");
	cr_expect_eq(get_status().waiting, 1);
	cr_expect_eq(forget_waiting(1), 0);
	cr_expect_eq(get_status().waiting, 0);
	cr_expect_eq(forget_waiting(1), 0, "nothing there is no failure");
	apply(&four_on_two);
	kernel_run("nft 'add element inet synprint waiting { 4, 6 }'");
	cr_expect_eq(get_status().waiting, 0xa);
	cr_expect_eq(forget_waiting(0x2), 0);
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

	cr_assert_eq(nfqueue_receive(queue, PATIENT_MS, packets), 1);
	cr_expect_eq(packets[0].mark & 0xff000000, DIVERTED);
	nfqueue_mark(queue, &packets[0], packets[0].mark | bits);
	cr_expect_eq(nfqueue_accept(queue), 0);
	cr_expect(is_connected(client, PATIENT_MS));
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

/* A name has 240 characters, and what is said of a rule fewer. */
Test(rules_kernel, counts_are_of_the_set_whatever_its_name)
{
	struct rules_params params = with_sets;
	char names[2][241];

	params.set_count = 2;
	for (unsigned i = 0; i < 2; i++) {
		memset(names[i], 'a', sizeof(names[i]) - 2);
		names[i][sizeof(names[i]) - 2] = (char)('x' + i);
		names[i][sizeof(names[i]) - 1] = '\0';
		params.sets[i] = with_sets.sets[0];
		params.sets[i].name = names[i];
	}
	apply(&params);
	cr_assert_eq(get_status().set_count, 4);
	for (unsigned i = 0; i < 2; i++) {
		const struct rules_set_counts counts = get_status().sets[2 * i];

		cr_expect_eq(strlen(counts.name), sizeof(names[i]));
		cr_expect_eq(strncmp(counts.name, names[i], strlen(names[i])), 0, "%s",
			     counts.name);
	}
}

/*
 * Bits in the field before us are somebody else's: the SYN is left alone, with that of what was in the
 * queue and of a set among them, diverted or not.
 */
Test(rules_kernel, a_marked_syn_passes_untouched)
{
	static const uint32_t marks[] = {0x40000007, 0x01000007, 0x05000007, 0xffffffff};
	static const char *const nowhere[] = {"nowhere"};
	struct nfqueue *queue = open_queue(0);
	struct rules_params params[] = {with_sets, with_sets, with_sets};
	char command[256];

	params[1].interfaces = nowhere;
	params[1].interface_count = 1;
	params[2].limit = 1;
	kernel_run("nft 'add table inet o; add chain inet o c { type filter hook prerouting "
		   "priority -300; }; add chain inet o d { type filter hook prerouting priority 0; "
		   "}'");
	for (size_t p = 0; p < sizeof(params) / sizeof(params[0]); p++) {
		apply(&params[p]);
		for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++) {
			snprintf(command, sizeof(command),
				 "nft 'flush chain inet o c; flush chain inet o d; "
				 "add rule inet o c tcp flags syn / syn,ack meta mark set %u; "
				 "add rule inet o d meta priority none meta mark %u counter'",
				 marks[m], marks[m]);
			kernel_run(command);
			expect_passed(queue, AF_INET);
			kernel_expect("nft list chain inet o d", "counter packets 1 ");
		}
		kernel_expect_not("nft list set inet synprint vpn4", "127.0.0.1");
		kernel_expect_not("nft list set inet synprint answering", "expires");
		if (!params[p].limit)
			cr_expect_eq(get_status().marked, params[p].interface_count ? 0 : 4);
	}
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
	cr_expect(is_connected(client, PATIENT_MS));
	cr_expect_eq(get_status().syns, 0);
	close(client);
	params.interfaces = lo;
	apply(&params);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, PATIENT_MS));
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
	struct rules_params administrators = four_on_two, others = four_on_two;
	struct rules_status status;
	struct rules_applied applied;
	bool has_queue;

	cr_assert_eq(rules_apply(nl, &everywhere, &applied, NULL), 0);
	has_queue = applied.engine == RULES_NFT;
	cr_assert_eq(rules_remove(nl, NULL, 0), 0);
	administrators.engine = RULES_NONE;
	for (int i = 0; i < 2; i++)
		print_to(&administrators, RULES_FORMAT_NFT,
			 has_queue ? "nft -f -"
				   : "sed 's/queue flags bypass to symhash mod 4 offset "
				     "3/accept/' | nft -f -");
	cr_expect_eq(kernel_count(LIST, "goto syn"), 2);
	cr_expect(get_status().is_foreign);
	status = get_status();
	cr_expect(status.is_complete);
	cr_expect_eq(rules_printed_fingerprint(&everywhere, &status), status.fingerprint,
		     "for other queues and interfaces they say the same");
	others.limit = 17;
	cr_expect_neq(rules_printed_fingerprint(&others, &status), status.fingerprint);
	cr_expect_eq(forget_waiting(1), 0);
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_eq(kernel_count(LIST, "goto syn"), 2, "they are the administrator's");
}
