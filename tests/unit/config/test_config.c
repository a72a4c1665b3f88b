/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/load_config.h"

static void expect_same_sets(const struct config *a, const struct config *b)
{
	cr_assert_eq(a->set_count, b->set_count);
	for (unsigned i = 0; i < a->set_count; i++) {
		cr_expect_eq(a->sets[i].kind, b->sets[i].kind);
		cr_expect_str_eq(a->sets[i].name, b->sets[i].name);
		cr_expect_str_eq(a->sets[i].table, b->sets[i].table);
		cr_expect_eq(a->sets[i].is_own_table, b->sets[i].is_own_table);
		cr_expect_eq(a->sets[i].timeout_s, b->sets[i].timeout_s);
		cr_expect_eq(a->sets[i].size, b->sets[i].size);
		cr_expect_eq(memcmp(&a->sets[i].filter, &b->sets[i].filter,
				    sizeof(a->sets[i].filter)),
			     0, "filter of %s", a->sets[i].name);
	}
}

/* The file that is shipped says what holds without it. */
static void expect_same(const struct config *a, const struct config *b)
{
	cr_expect_eq(a->queue_first, b->queue_first);
	cr_expect_eq(a->queue_count, b->queue_count);
	cr_expect_eq(a->queue_length, b->queue_length);
	cr_expect_eq(a->receive_buffer, b->receive_buffer);
	cr_expect_eq(a->engine, b->engine);
	cr_expect_eq(a->interface_count, b->interface_count);
	cr_expect_eq(a->signatures_count, b->signatures_count);
	cr_expect_eq(a->clients, b->clients);
	cr_expect_eq(a->recent, b->recent);
	cr_expect_eq(a->ipv6_prefix, b->ipv6_prefix);
	cr_expect_eq(a->link_threshold, b->link_threshold);
	cr_expect_eq(a->local_clamp, b->local_clamp);
	cr_expect_eq(a->baseline_enabled, b->baseline_enabled);
	cr_expect_eq(a->baseline_prefixes, b->baseline_prefixes);
	cr_expect_eq(a->baseline_v4_prefix, b->baseline_v4_prefix);
	cr_expect_eq(a->baseline_v6_prefix, b->baseline_v6_prefix);
	cr_expect_eq(a->baseline_half_life, b->baseline_half_life);
	cr_expect_null(a->baseline_names);
	cr_expect_null(b->baseline_names);
	cr_expect_eq(a->deadline_ms, b->deadline_ms);
	cr_expect_eq(a->rules_limit, b->rules_limit);
	cr_expect_eq(a->once_percent, b->once_percent);
	cr_expect_str_eq(a->socket, b->socket);
	cr_expect_eq(a->socket_mode, b->socket_mode);
	cr_expect_eq(a->socket_group, b->socket_group);
	cr_expect_eq(a->log_level, b->log_level);
	expect_same_sets(a, b);
}

Test(config, shipped_file_shows_the_defaults)
{
	struct text_error error = {0};
	struct config *shipped = NULL, *built_in = NULL;
	struct vocab *vocab = vocab_new();

	cr_assert_eq(config_load("conf/synprint.conf", &error, &shipped), 0, "line %u: %s",
		     error.line, error.what);
	cr_assert_eq(config_load(NULL, &error, &built_in), 0, "%s", error.what);
	cr_assert_eq(config_resolve(shipped, vocab, &error), 0, "%s", error.what);
	cr_assert_eq(config_resolve(built_in, vocab, &error), 0, "%s", error.what);
	expect_same(shipped, built_in);
	cr_expect_str_eq(shipped->path, "conf/synprint.conf");
	cr_expect_str_eq(shipped->signatures[0], "conf/signatures.db");
	cr_expect_str_eq(shipped->links, "conf/links.db");
	cr_expect_str_eq(built_in->path, "built-in defaults");
	cr_expect_str_eq(built_in->signatures[0], SYNPRINT_SYSCONFDIR "/signatures.db");
	config_free(shipped);
	config_free(built_in);
	config_free(NULL);
	vocab_free(vocab);
}

Test(config, every_file_name_may_be_relative)
{
	struct config *config = must_load(
		"signatures = [ \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\","
		" \"10\", \"11\", \"12\", \"13\", \"14\", \"15\", \"16\" ]; links = \"l\";\n"
		"learn: { file = \"learned\"; }; baseline: { names = \"n\"; };\n"
		"metrics: { textfile = \"synprint.prom\"; }; control: { socket = \"c.sock\"; };");
	const char *name = strrchr(config->metrics_file, '/');

	cr_expect_str_eq(name, "/synprint.prom", "beside the configuration");
	cr_expect_str_eq(config->socket, "/tmp/c.sock");
	cr_expect_eq(config->signatures_count, 16);
	config_free(config);
}

Test(config, an_empty_file_is_the_defaults)
{
	struct config *empty = must_load(""), *built_in = NULL;

	cr_assert_eq(config_load(NULL, NULL, &built_in), 0);
	expect_same(empty, built_in);
	cr_expect_geq(empty->queue_count, 1, "0 means the number of CPUs");
	cr_expect_leq(empty->queue_count, 4);
	config_free(empty);
	config_free(built_in);
}

Test(config, every_key)
{
	struct config *config =
		must_load("signatures = [ \"/a/one.db\", \"two.db\" ]; links = \"/b/links.db\";\n"
			  "queue: { first = 7; count = 3; length = 64; receive_buffer = 65536; };\n"
			  "rules: { engine = \"none\"; interfaces = [ \"eth0\", \"ppp*\" ]; };\n"
			  "clients: { capacity = 1000; recent = 100; ipv6_prefix = 64; };\n"
			  "link: { threshold = \"possible\"; local_clamp = 1452; };\n"
			  "baseline: { enabled = false; prefixes = 64; ipv4_prefix = 24;\n"
			  "ipv6_prefix = 48; half_life_hours = 24; names = \"as.txt\"; };\n"
			  "publish: { deadline_ms = 9; once_percent = 7; sets = (); };\n"
			  "control: { socket = \"/x.sock\"; mode = \"0600\"; group = \"adm\"; };\n"
			  "clocks: { enabled = true; match = \"counter\"; limit = 9;\n"
			  "nflog_group = 8; clients = 100; };\n"
			  "log: { level = \"debug\"; };\n");
	struct rules_params rules;

	config_rules_params(config, NULL, NULL, &rules);
	cr_expect_eq(config->signatures_count, 2);
	cr_expect_str_eq(config->signatures[0], "/a/one.db");
	cr_expect_str_eq(config->signatures[1], "/tmp/two.db");
	cr_expect_str_eq(config->links, "/b/links.db");
	cr_expect_eq(config->queue_first, 7);
	cr_expect_eq(config->queue_count, 3);
	cr_expect_eq(config->queue_length, 64);
	cr_expect_eq(config->receive_buffer, 65536);
	cr_expect_eq(config->clocks_clients, 100);
	cr_expect_eq(rules.clocks.limit, 9);
	cr_expect_eq(rules.clocks.group, 8);
	cr_expect_eq(rules.clocks.bit, 0, "the counter needs none");
	cr_expect_eq(rules.clocks.is_on, false, "nobody has switched conntrack on");
	cr_expect_eq(config->clients, 1000);
	cr_expect_eq(config->recent, 100);
	cr_expect_eq(config->ipv6_prefix, 64);
	cr_expect_eq(config->link_threshold, LINK_POSSIBLE);
	cr_expect_eq(config->local_clamp, 1452);
	cr_expect_eq(config->baseline_enabled, false);
	cr_expect_eq(config->baseline_prefixes, 64);
	cr_expect_eq(config->baseline_v4_prefix, 24);
	cr_expect_eq(config->baseline_v6_prefix, 48);
	cr_expect_eq(config->baseline_half_life, 24);
	cr_expect_str_eq(config->baseline_names, "/tmp/as.txt");
	cr_expect_null(config_knowledge_params(config).names, "not needed");
	cr_expect_eq(config->deadline_ms, 9);
	cr_expect_eq(config->once_percent, 7);
	cr_expect_eq(config->set_count, 0);
	cr_expect_str_eq(config->socket, "/x.sock");
	cr_expect_eq(config->socket_mode, 0600);
	cr_expect_str_eq(config->socket_group, "adm");
	cr_expect_eq(config->log_level, LOG_LEVEL_DEBUG);
	cr_expect_eq(rules.engine, RULES_NONE);
	cr_expect_eq(rules.queue_first, 7);
	cr_expect_eq(rules.queue_count, 3);
	cr_assert_eq(rules.interface_count, 2);
	cr_expect_str_eq(rules.interfaces[0], "eth0");
	cr_expect_str_eq(rules.interfaces[1], "ppp*");
	config_free(config);
}

/* Each text is refused at its third line, with a word that names what is wrong. */
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

Test(config, a_socket_has_room_for_its_path)
{
	struct config *config = must_load("control: { socket = \"/" HUNDRED "123456\"; };");

	cr_expect_eq(strlen(config->socket), 107);
	config_free(config);
}

Test(config, refuses_with_the_line)
{
	static const struct {
		const char *line, *word;
	} cases[] = {
		{"colour = \"red\";", "'colour'"},
		{"queue: { frist = 0; };", "'queue.frist'"},
		{"queue = 3;", "queue must be a group"},
		{"log: { file: { name = \"x\"; }; };", "'log.file'"},
		{"queue: { first = \"0\"; };", "queue.first must be a whole number"},
		{"queue: { first = 1.5; };", "0 to 65535"},
		{"queue: { first = -1; };", "queue.first"},
		{"queue: { first = 65536; };", "queue.first"},
		{"queue: { first = 99999999999999; };", "queue.first must be a whole number"},
		{"rules: { ct_mark_field = 99999999999999999999; };", "out of range"},
		{"rules: { ct_mark_field = 0x100000000; };", "out of range"},
		{"rules: { mark_field = 0; };", "a mask of one bit or more"},
		/* libconfig makes 1024 of it, or where a long has 32 bits, the largest. */
		{"queue: { length = 4294968320; };", "length"},
		{"queue: { length = 64; length = 65; };", "'length' is in line 3 already"},
		{"queue: { count = 17; };", "0 to 16"},
		{"queue: { length = 63; };", "queue.length"},
		{"queue: { receive_buffer = 1; };", "queue.receive_buffer"},
		{"clients: { capacity = 63; };", "clients.capacity"},
		{"clients: { recent = 10; };", "clients.recent"},
		{"clients: { ipv6_prefix = 129; };", "32 to 128"},
		{"link: { local_clamp = true; };", "link.local_clamp"},
		{"baseline: { prefixes = 63; };", "64 to 16384"},
		{"baseline: { ipv4_prefix = 33; };", "8 to 32"},
		{"baseline: { ipv6_prefix = 65; };", "16 to 64"},
		{"baseline: { half_life_hours = 0; };", "1 to 8760"},
		{"baseline: { enabled = 1; };", "true or false"},
		{"baseline: { names = \"\"; };", "baseline.names"},
		{"link: { threshold = \"maybe\"; };", "\"access\" \"possible\" \"likely\""},
		{"link: { threshold = 2; };", "link.threshold"},
		{"rules: { engine = \"iptables\"; };", "\"auto\" \"nft\" \"xt\" \"none\""},
		{"rules: { interfaces = \"eth0\"; };", "list of 0 to 64 strings"},
		{"rules: { interfaces = [ 1 ]; };", "rules.interfaces"},
		{"rules: { interfaces = [ \"\" ]; };", "rules.interfaces"},
		{"signatures = [ ];", "list of 1 to 16 strings"},
		{"signatures = { a = \"x\"; };", "signatures"},
		{"links = \"\";", "links must be a string that is not empty"},
		{"links = 5;", "links must be a string"},
		{"rules: { limit = 1000001; };", "0 to 1000000"},
		{"publish: { deadline_ms = 0; };", "1 to 1000"},
		{"clocks: { enabled = 1; };", "true or false"},
		{"clocks: { limit = 0; };", "1 to 2000"},
		{"rules: { skip_known = \"m\"; };", "0 to 3600 seconds"},
		{"clocks: { match = \"label\"; };", "\"mark\" \"counter\""},
		{"publish: { once_percent = 0; };", "1 to 100"},
		{"publish: { except = \"192.0.2.1\"; };", "a list of at most 64 networks"},
		{"publish: { except = [ 7 ]; };", "networks and addresses"},
		{"publish: { except = [ \"192.0.2.0/24\", \"192.0.2.0/33\" ]; };",
		 "networks and addresses"},
		{"control: { mode = \"0999\"; };", "octal mode"},
		{"control: { mode = \"01777\"; };", "octal mode"},
		{"control: { mode = 0660; };", "octal mode"},
		{"control: { mode = \"\"; };", "octal mode"},
		{"control: { socket = [ \"a\" ]; };", "control.socket"},
		{"control: { socket = \"/" HUNDRED "1234567\"; };", "at most 107 bytes, not 108"},
		{"p0f: { socket = \"/" HUNDRED "1234567\"; };", "p0f.socket has at most 107"},
		{"log: { level = \"loud\"; };", "\"error\" \"warning\" \"info\" \"debug\""},
		{"this is no configuration", "syntax error"},
		{"log: { level = \"info\" ", "syntax error"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_error error = {0};
		struct config *config = NULL;
		char text[200];

		snprintf(text, sizeof(text), "// a comment\n\n%s", cases[i].line);
		cr_expect_eq(load(text, &error, &config), -EINVAL, "%s", cases[i].line);
		cr_expect_null(config, "%s", cases[i].line);
		cr_expect_eq(error.line, 3, "%s: line %u", cases[i].line, error.line);
		cr_expect(strstr(error.what, cases[i].word), "%s: %s", cases[i].line, error.what);
	}
}

Test(config, an_error_in_an_included_file_names_that_file)
{
	static const char *const cases[][2] = {
		{"log: {\n  level = \"loud\";\n};\n", ":2: log.level must be one of"},
		{"\nlog: { level = ;\n", ":2: syntax error"},
		{"publish: { sets = (\n{ nftset = \"x\"; size = 0; } ); };\n",
		 ":2: publish.sets: size must be"},
		{"# a\n# b\nnonsense = 1;\n", ":3: unknown key 'nonsense'"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char included[] = "/tmp/synprint-include-XXXXXX", text[96], expected[128];
		struct text_error error = {0};
		struct config *config = NULL;
		int fd = mkstemp(included);

		cr_assert_geq(fd, 0);
		cr_assert_eq(write(fd, cases[i][0], strlen(cases[i][0])),
			     (ssize_t)strlen(cases[i][0]));
		close(fd);
		snprintf(text, sizeof(text), "# main\n@include \"%s\"\n", included);
		snprintf(expected, sizeof(expected), "%s%s", included, cases[i][1]);
		cr_expect_lt(load(text, &error, &config), 0);
		cr_expect_eq(error.line, 0, "line %u", error.line);
		cr_expect_eq(strncmp(error.what, expected, strlen(expected)), 0, "%s", error.what);
		unlink(included);
	}
}

Test(config, keeps_what_only_a_restart_changes)
{
	struct config *boot = must_load("clients: { capacity = 500; };\n"
					"control: { socket = \"/run/a\"; };\n");
	struct config *config = must_load("clients: { capacity = 900; ipv6_prefix = 64; };\n"
					  "control: { socket = \"/run/b\"; };\n"
					  "link: { local_clamp = 1412; };\n");
	const char *keys[4] = {NULL};

	cr_expect_eq(config_keep(config, boot, keys, 4), 3);
	cr_expect_str_eq(keys[0], "clients.capacity");
	cr_expect_str_eq(keys[1], "clients.ipv6_prefix");
	cr_expect_str_eq(keys[2], "control.socket");
	cr_expect_eq(config->clients, 500);
	cr_expect_eq(config->ipv6_prefix, 128);
	cr_expect_str_eq(config->socket, "/run/a");
	cr_expect_eq(config->local_clamp, 1412, "a reload changes it");
	config_free(config);
	config_free(boot);
}

Test(config, what_is_kept_and_marks_share_no_bit)
{
	struct config *boot = must_load("");
	struct config *good = must_load("publish: { mark_mask = 0xff; };");
	struct config *bad = must_load("publish: { mark_mask = 0x01000000; };");
	struct text_error error = {0};
	const char *keys[4] = {NULL};

	config_keep(good, boot, keys, 4);
	cr_expect_eq(config_check_kept(good, &error), 0);
	cr_expect_eq(bad->mark_field & bad->mark_mask, 0, "a start gives the rules other bits");
	config_keep(bad, boot, keys, 4);
	cr_expect_eq(config_check_kept(bad, &error), -EINVAL);
	cr_expect(strstr(error.what, "0x1000000") && strstr(error.what, "restart"), "%s",
		  error.what);
	config_free(bad);
	config_free(good);
	config_free(boot);
}

/* Whoever names one file twice would lose it: a state that is no state is put aside. */
Test(config, refuses_to_write_over_a_file_of_another_key)
{
	static const char *const cases[][2] = {
		{"state: { file = \"/a\"; }; learn: { enabled = true; file = \"/a\"; };",
		 "state.file and learn.file are both /a"},
		{"metrics: { textfile = \"/a\"; }; state: { file = \"/a\"; };",
		 "state.file and metrics.textfile are both /a"},
		{"state: { file = \"signatures.db\"; };", "state.file and signatures are both"},
		{"metrics: { textfile = \"links.db\"; };", "metrics.textfile and links are both"},
		{"learn: { enabled = true; file = \"servers.db\"; };",
		 "learn.file and servers.database are both"},
		{"baseline: { names = \"/n\"; }; state: { file = \"/n\"; };",
		 "state.file and baseline.names are both /n"},
		{"control: { socket = \"/s\"; }; p0f: { enabled = true; socket = \"/s\"; };",
		 "p0f.socket and control.socket are both /s"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_error error = {0};
		struct config *config = NULL;

		cr_expect_eq(load(cases[i][0], &error, &config), -EINVAL, "%s", cases[i][0]);
		cr_expect(strstr(error.what, cases[i][1]), "%s: %s", cases[i][0], error.what);
	}
	config_free(must_load("state: { enabled = false; file = \"links.db\"; };"));
	config_free(must_load("p0f: { socket = \"/run/synprint/control.sock\"; };"));
}

/* By another name, too. */
Test(config, refuses_to_write_over_itself)
{
	struct text_error error = {0};
	struct config *config = NULL;
	char text[96];

	snprintf(text, sizeof(text), "state: { file = \"./%s\"; };", strrchr(path, '/') + 1);
	cr_expect_eq(load(text, &error, &config), -EINVAL);
	cr_expect(strstr(error.what, "state.file and the configuration are both"), "%s",
		  error.what);
}

Test(config, refuses_queues_beyond_the_last)
{
	struct text_error error = {0};
	struct config *config = NULL;

	cr_expect_eq(load("queue: { first = 65535; count = 2; };", &error, &config), -EINVAL);
	cr_expect(strstr(error.what, "65535"), "%s", error.what);
	config = must_load("queue: { first = 65535; count = 1; };");
	config_free(config);
}

Test(config, says_why_a_file_cannot_be_read)
{
	struct text_error error = {0};
	struct config *config = NULL;

	cr_expect_eq(config_load("/nonexistent.conf", &error, &config), -ENOENT);
	cr_expect(strstr(error.what, "No such file"), "%s", error.what);
	cr_expect_eq(error.line, 0);
	cr_expect_lt(config_load("/tmp", &error, &config), 0);
	cr_expect(strstr(error.what, "cannot read it"), "%s", error.what);
}

Test(config, learning_is_off_unless_told)
{
	struct config *config = must_load("");

	cr_expect_not(config->learn_enabled);
	cr_expect_str_eq(config->learn_file, "/var/lib/synprint/learned.db");
	cr_expect_eq(config->learn_shapes, 4096);
	cr_expect_null(config_knowledge_params(config).learned);
	config_free(config);
	config = must_load("learn: { enabled = true; file = \"/x/l.db\"; max_shapes = 64; };");
	cr_expect_str_eq(config_knowledge_params(config).learned, "/x/l.db");
	cr_expect_eq(config->learn_shapes, 64);
	config_free(config);
}

Test(config, priors_are_weights_with_their_lines)
{
	struct config *config = must_load("classify: { priors: { Windows = 2.5;\nHP-UX = 1; }; };");

	cr_assert_eq(config->prior_count, 2);
	cr_expect_str_eq(config->priors[0].name, "Windows");
	cr_expect_float_eq(config->priors[0].weight, 2.5f, 1e-6f);
	cr_expect_str_eq(config->priors[1].name, "HP-UX");
	cr_expect_eq(config->priors[1].line, 2);
	config_free(config);
}

Test(config, wrong_learning_and_priors_are_told)
{
	static const struct {
		const char *text, *what;
	} wrong[] = {
		{"learn: { enabled = 1; };", "learn.enabled must be true or false"},
		{"learn: { max_shapes = 63; };", "learn.max_shapes must be"},
		{"learn: { file = \"\"; };", "learn.file must be"},
		{"classify: { priors: { Linux = 0; }; };", "classify.priors has weights"},
		{"classify: { priors: { Linux = -1.0; }; };", "classify.priors has weights"},
		{"classify: { priors: { Linux = \"1\"; }; };", "classify.priors has weights"},
		{"classify: { priors = ( 1 ); };", "classify.priors must be a group"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct text_error error = {0};
		struct config *config = NULL;

		cr_assert_eq(load(wrong[i].text, &error, &config), -EINVAL, "%s", wrong[i].text);
		cr_expect_eq(error.line, 1);
		cr_expect_not_null(strstr(error.what, wrong[i].what), "%s", error.what);
	}
}
