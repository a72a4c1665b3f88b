/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules' parameters and the rules as text, for administrators who load their own. Pure: the
 * kernel is not asked.
 */
#include "input/rules_impl.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "ruleset/ruleset_text.h"

static const char *const engine_names[] =
	{[RULES_AUTO] = "auto", [RULES_NFT] = "nft", [RULES_XT] = "xt", [RULES_NONE] = "none"};

const char *rules_engine_name(enum rules_engine engine)
{
	return engine_names[engine];
}

int rules_engine_parse(const char *name, enum rules_engine *ret_engine)
{
	for (int i = RULES_AUTO; i <= RULES_NONE; i++)
		if (strcmp(name, engine_names[i]) == 0) {
			*ret_engine = (enum rules_engine)i;
			return 0;
		}
	return -EINVAL;
}

static bool is_wildcard(const char *interface)
{
	return interface[strlen(interface) - 1] == '*';
}

/* What the kernel takes as a name (net/core/dev.c: dev_valid_name), and no text has to quote. */
bool rules_is_interface(const char *interface)
{
	static const char forbidden[] = "/:\"'\\;{}#!";
	size_t len = strlen(interface);

	if (len == 0 || len >= IFNAMSIZ || strcmp(interface, ".") == 0 ||
	    strcmp(interface, "..") == 0 || interface[0] == '*' || interface[len - 1] == '+')
		return false;
	for (size_t i = 0; i < len; i++)
		if (interface[i] <= ' ' || interface[i] > '~' || strchr(forbidden, interface[i]) ||
		    (interface[i] == '*' && i != len - 1))
			return false;
	return true;
}

bool rules_interface_covers(const char *a, const char *b)
{
	return is_wildcard(a) ? strncmp(a, b, strlen(a) - 1) == 0 : strcmp(a, b) == 0;
}

static int check_interface(const struct rules_params *params, unsigned index,
			   struct text_error *ret_error)
{
	const char *interface = params->interfaces[index];

	if (!rules_is_interface(interface))
		return text_error_set(ret_error, 0, 0, RULES_NO_INTERFACE, interface, IFNAMSIZ - 1);
	for (unsigned i = 0; i < params->interface_count; i++)
		if (i != index && rules_is_interface(params->interfaces[i]) &&
		    rules_interface_covers(params->interfaces[i], interface))
			return text_error_set(ret_error, 0, 0,
					      "interface '%s' is already covered by '%s'",
					      interface, params->interfaces[i]);
	return 0;
}

int rules_check(const struct rules_params *params, struct text_error *ret_error)
{
	int rc = 0;

	if (params->queue_count == 0 || params->queue_first + params->queue_count > UINT16_MAX + 1)
		return text_error_set(ret_error, 0, 0,
				      "%u queues from number %u on: queue numbers go from 0 to %u",
				      params->queue_count, params->queue_first, UINT16_MAX);
	if (!params->marks.diverted)
		return text_error_set(ret_error, 0, 0, "no bit of the packet mark is ours");
	if (params->interface_count > RULES_INTERFACES_MAX)
		return text_error_set(ret_error, 0, 0, "more than %d interfaces",
				      RULES_INTERFACES_MAX);
	for (unsigned i = 0; i < params->interface_count && rc == 0; i++)
		rc = check_interface(params, i, ret_error);
	return rc;
}

static unsigned queue_last(const struct rules_params *params)
{
	return params->queue_first + params->queue_count - 1u;
}

/* All bits of the connection mark that make a candidate. */
static uint32_t candidate_bits(const struct rules_params *params)
{
	uint32_t bits = params->confirm.ask | (params->clocks.is_on ? params->clocks.bit : 0);

	for (unsigned i = 0; i < params->set_count; i++)
		bits |= params->sets[i].ct_bit;
	return bits;
}

static void print_conntrack_hint(struct text_buf *out)
{
	text_put(out, "# With rules.conntrack = true there are also the rules that confirm "
		      "clients;\n# they switch conntrack on.\n");
}

static void print_confirm_hints(const struct rules_params *params, struct text_buf *out)
{
	text_putf(out,
		  "# A flowtable takes connections away before a client is confirmed: put\n"
		  "#   ct mark & 0x%08x == 0\n"
		  "# before your 'flow add @NAME', in the same rule.\n",
		  candidate_bits(params));
	if (!params->confirm.is_on)
		print_conntrack_hint(out);
}

/* With a comment of its own, so that what the administrator loads is never taken for ours. */
static void print_nft(const struct rules_params *params, struct text_buf *out)
{
	struct ruleset ruleset;

	if (groups_build(params, RULES_NFT, &ruleset) < 0) {
		out->overflow = true;
		return;
	}
	text_putf(out,
		  "# For nft -f; loading it again replaces these rules and nothing else.\n"
		  "# It needs a kernel with the expression 'queue' (CONFIG_NFT_QUEUE), and Linux "
		  "5.4.\n"
		  "# With 'bypass' no SYN waits for a program that is gone, and a queue that does "
		  "not\n"
		  "# answer gets none. Policy that uses the verdicts belongs to hooks behind "
		  "priority "
		  "%d.\n",
		  GROUPS_PRIORITY + 1);
	print_confirm_hints(params, out);
	ruleset_put_text(&ruleset, NFT_OUR_TABLE,
			 params->engine == RULES_NONE ? RULES_FOREIGN_TAG : NFT_OUR_TAG, out);
	ruleset_free(&ruleset);
}

static void print_iptables_rule(const char *interface, struct text_buf *out)
{
	text_put(out, "-A PREROUTING ");
	if (interface)
		text_putf(out, "-i %.*s%s ", (int)strcspn(interface, "*"), interface,
			  is_wildcard(interface) ? "+" : "");
	text_put(out, "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j SYNPRINT\n");
}

/*
 * Every new connection is a candidate; whom it makes a member of what, synprintd knows when it hears
 * of the server's first data.
 */
static void print_iptables_confirm(const struct rules_params *params, struct text_buf *out)
{
	static const char *const hooks[] = {"PREROUTING", "OUTPUT"};
	uint32_t bit = params->confirm.ask;

	text_put(out, "# Who is confirmed: these rules use conntrack.\n*mangle\n:SYNPRINT - [0:0]\n"
		      "-A PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN "
		      "-m conntrack --ctstate NEW -j SYNPRINT\n");
	text_putf(out,
		  "-A PREROUTING -p tcp -m connmark --mark 0x%x/0x%x -m conntrack --ctdir REPLY "
		  "-m rpfilter --invert -m comment --comment SYNPRINT -j CONNMARK --set-xmark "
		  "0x0/0x%x\n",
		  bit, bit, bit);
	for (unsigned i = 0; i < 2; i++)
		text_putf(out,
			  "-A %s -p tcp -m connmark --mark 0x%x/0x%x -m conntrack --ctdir REPLY "
			  "--ctstatus ASSURED -m tcp --tcp-flags SYN,RST,PSH,ACK PSH,ACK "
			  "-j SYNPRINT\n",
			  hooks[i], bit, bit);
	text_putf(out,
		  "-A SYNPRINT -p tcp -m tcp --tcp-flags SYN SYN -j CONNMARK --set-xmark "
		  "0x%x/0x%x\n"
		  "-A SYNPRINT -p tcp -m tcp --tcp-flags SYN SYN -j RETURN\n"
		  "-A SYNPRINT -j NFLOG --nflog-group %u --nflog-size 80\n"
		  "-A SYNPRINT -j CONNMARK --set-xmark 0x0/0x%x\nCOMMIT\n",
		  bit, bit, params->confirm.group, bit);
}

/* By the counter: what is above the limit loses some of its packets, and is not measured. */
static void print_iptables_clocks(const struct rules_params *params, struct text_buf *out)
{
	static const char *const hooks[] = {"PREROUTING", "OUTPUT"};
	uint32_t limit = params->clocks.limit * RULES_CLOCKS_PACKETS;

	limit = limit < 10000 ? limit : 10000; /* xt_limit counts no more */
	text_putf(
		out,
		"# Copies for the clocks; connbytes switches net.netfilter.nf_conntrack_acct on.\n"
		"*mangle\n:SYNPRINT-CLOCKS - [0:0]\n"
		"-A SYNPRINT-CLOCKS -m limit --limit %u/sec --limit-burst %u -j NFLOG "
		"--nflog-group %u --nflog-size 128 --nflog-threshold 64\n"
		"-A PREROUTING -p tcp -m connbytes --connbytes 1:%u --connbytes-dir original "
		"--connbytes-mode packets -m conntrack --ctdir ORIGINAL -j SYNPRINT-CLOCKS\n",
		limit, limit, params->clocks.group, RULES_CLOCKS_PACKETS);
	for (unsigned i = 0; i < 2; i++)
		text_putf(out,
			  "-A %s -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK %s-j SYNPRINT-CLOCKS\n",
			  hooks[i], i ? "" : "-m rpfilter ");
	text_put(out, "COMMIT\n");
}

static void print_iptables_head(struct text_buf *out)
{
	text_put(out, "# For iptables-restore --noflush and for ip6tables-restore --noflush: load "
		      "it with\n"
		      "# both, once, after what --format ipset prints. NFQUEUE ends its chain: "
		      "rules of table raw behind it do not "
		      "see a SYN\n"
		      "# any more. Table raw comes first, so mangle, nat and filter all run behind "
		      "it.\n"
		      "# synprintd keeps the members of the set " RULES_IPSET_ALIVE
		      " alive while it works:\n"
		      "# without them no SYN is diverted, and with --queue-bypass none waits for a "
		      "program\n"
		      "# that is gone.\n"
		      "*raw\n"
		      ":SYNPRINT - [0:0]\n");
}

static void print_iptables(const struct rules_params *params, struct text_buf *out)
{
	print_iptables_head(out);
	for (unsigned i = 0; i < params->vrf_count; i++) /* as group_divert's guard */
		text_putf(out, "-A SYNPRINT -i %s -j RETURN\n", params->vrfs[i]);
	text_put(out, "-A SYNPRINT -m set --match-set " RULES_IPSET_ALIVE " src ");
	if (params->limit)
		text_putf(out,
			  "-m hashlimit --hashlimit-upto %u/sec --hashlimit-burst %u "
			  "--hashlimit-name synprint ",
			  params->limit, params->limit);
	text_put(out, "-j NFQUEUE ");
	if (params->queue_count > 1)
		text_putf(out, "--queue-balance %u:%u --queue-bypass\n", params->queue_first,
			  queue_last(params));
	else
		text_putf(out, "--queue-num %u --queue-bypass\n", params->queue_first);
	for (unsigned i = 0; i < params->interface_count; i++)
		print_iptables_rule(params->interfaces[i], out);
	if (!params->interface_count)
		print_iptables_rule(NULL, out);
	text_put(out, "COMMIT\n");
	if (params->confirm.is_on)
		print_iptables_confirm(params, out);
	else
		print_conntrack_hint(out);
	if (params->clocks.is_on)
		print_iptables_clocks(params, out);
}

/* No set matches packets of both IP versions but a list of sets, which has timeouts too. */
static void print_ipset(struct text_buf *out)
{
	text_putf(out,
		  "# For ipset restore -exist, before the rules for iptables are loaded.\n"
		  "create " RULES_IPSET_ALL4 " hash:net family inet\n"
		  "add " RULES_IPSET_ALL4 " 0.0.0.0/1\nadd " RULES_IPSET_ALL4 " 128.0.0.0/1\n"
		  "create " RULES_IPSET_ALL6 " hash:net family inet6\n"
		  "add " RULES_IPSET_ALL6 " ::/1\nadd " RULES_IPSET_ALL6 " 8000::/1\n"
		  "create " RULES_IPSET_ALIVE " list:set timeout %u\n",
		  RULES_IPSET_TIMEOUT_S);
}

void rules_print(const struct rules_params *params, enum rules_format format, struct text_buf *out)
{
	switch (format) {
	case RULES_FORMAT_NFT: print_nft(params, out); return;
	case RULES_FORMAT_IPTABLES: print_iptables(params, out); return;
	case RULES_FORMAT_IPSET: print_ipset(out); return;
	}
}
