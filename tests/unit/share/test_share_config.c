/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/share_config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/verdict/verdict.h"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static struct share_config *load(const char *text, char *ret_error, size_t size)
{
	char path[] = "/tmp/test_share_config.XXXXXX";
	struct share_config *config = NULL;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ret_error[0] = '\0';
	if (share_config_load(path, ret_error, size, &config) < 0)
		config = NULL;
	unlink(path);
	return config;
}

Test(share_config, defaults)
{
	char error[512];
	struct share_config *config = load("gateway = \"gw1\";", error, sizeof(error));

	cr_assert(config, "%s", error);
	cr_expect_str_eq(config->control, "/run/synprint/control.sock");
	cr_expect_eq(config->broker_count, 0);
	cr_expect_eq(config->publish_count, 1);
	cr_expect(config->publish[0].is_served);
	cr_expect_eq(config->publish[0].expiry_s, 3600);
	cr_expect_eq(config->accept_count, 0, "nobody is believed who is not named");
	cr_expect_not(config->accepts_private);
	share_config_free(config);
}

Test(share_config, everything)
{
	static const char text[] =
		"gateway = \"gw1\"; control = \"/tmp/c\"; entries = 5000; accept_private = true;"
		"never = [ \"192.0.2.0/24\", \"2001:db8::/32\", \"198.51.100.7\" ];"
		"brokers = ( { host = \"a\"; }, { host = \"b\"; port = 99; user = \"u\"; password "
		"= \"p\"; },"
		"  { host = \"c\"; ca = \"x\"; } );"
		"publish = ( { flags = [ \"scanner\" ]; confirm = \"syn\"; min_confidence = 0.25; "
		"expiry = \"2h\"; } );"
		"accept = ( { origin = \"gw2\"; flags = [ \"vpn\" ]; most = 9; expiry = \"10m\"; "
		"}, { origin = \"*\"; } );"
		"sinks = ( { kind = \"file\"; path = \"/tmp/e\"; form = \"eve\"; max_mb = 7; keep "
		"= 0; syns = true; },"
		"  { kind = \"journal\"; flags = [ \"vpn\" ]; }, { kind = \"list\"; path = "
		"\"/tmp/l\"; },"
		"  { kind = \"crowdsec\"; url = \"u\"; machine = \"m\"; password_file = \"f\"; "
		"expiry = \"4h\"; } );"
		"metrics_textfile = \"/tmp/m\";";
	char error[512];
	struct share_config *config = load(text, error, sizeof(error));

	cr_assert(config, "%s", error);
	cr_expect_eq(config->broker_count, 3);
	cr_expect_eq(config->brokers[0].port, 1883);
	cr_expect_eq(config->brokers[1].port, 99);
	cr_expect_eq(config->brokers[2].port, 8883, "with TLS");
	cr_expect_eq(config->never_count, 3);
	cr_expect_eq(config->never[2].bits, 32);
	cr_expect_eq(config->publish_count, 1, "the default is replaced");
	cr_expect_eq(config->publish[0].flags, VERDICT_SCANNER);
	cr_expect_eq(config->publish[0].min_permille, 250);
	cr_expect_eq(config->publish[0].expiry_s, 7200);
	cr_expect_not(config->publish[0].is_served);
	cr_expect_eq(config->accept[0].most, 9);
	cr_expect_eq(config->accept[0].expiry_s, 600);
	cr_expect_eq(config->accept[1].most, MESSAGE_SLOTS);
	cr_expect_eq(config->sink_count, 4);
	cr_expect_eq(config->sinks[0].form, SINK_FORM_EVE);
	cr_expect_eq(config->sinks[0].keep, 0);
	cr_expect_eq(config->sinks[1].rule.flags, VERDICT_VPN);
	cr_expect_eq(config->sinks[3].rule.expiry_s, 14400);
	share_config_free(config);
}

Test(share_config, what_is_wrong_is_told_with_its_line)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"gateway = \"GW\";", ":1: gateway: expected a name"},
		{"gateway = \"g\";\nunknown = 1;", ":2: unknown key 'unknown'"},
		{"gateway = \"g\";\ncontrol = \"/" HUNDRED "1234567\";",
		 ":2: control: expected a string of at most 107 bytes"},
		/* libconfig makes 4096 of it, or where a long has 32 bits, the largest. */
		{"gateway = \"g\";\nentries = 4294971392;", ":2: entries: "},
		{"gateway = \"g\";\nbrokers = ( { port = 1; } );",
		 ":2: each of brokers: expected a host"},
		{"brokers = ( { host = \"a\"; port = 70000; } );", "from 1 to 65535"},
		{"brokers = ( { host = \"a\"; cert = \"x\"; } );", "ca, cert and key together"},
		{"brokers = { };", "a list of at most 8 groups"},
		{"publish = ( { } );", "expected flags"},
		{"publish = ( { flags = [ \"vpm\" ]; } );", "\"vpm\" is none"},
		{"publish = ( { flags = [ ]; } );", "flags, at least one"},
		{"publish = ( { flags = \"vpn\"; } );", "a list of flags, such as"},
		{"publish = ( { flags = [ \"vpn\" ]; expiry = \"5\"; } );", "a time such as"},
		{"publish = ( { flags = [ \"vpn\" ]; expiry = \"9s\"; } );", "from 10 to"},
		{"publish = ( { flags = [ \"vpn\" ]; expiry = \"99999999999999999999s\"; } );",
		 "a time such as"},
		{"publish = ( { flags = [ \"vpn\" ]; confirm = \"maybe\"; } );",
		 "\"syn\" \"served\""},
		{"publish = ( { flags = [ \"vpn\" ]; min_confidence = 1.5; } );", "from 0 to 1"},
		{"accept = ( { } );", "origin, a gateway's name"},
		{"accept = ( { origin = \"gw*\"; } );", "origin, a gateway's name"},
		{"accept = ( { origin = \"g\"; key = \"/nonexistent\"; } );", "No such file"},
		{"sign_key = \"/dev/null\";", "is no Ed25519 key"},
		{"never = [ \"192.0.2.0/33\" ];", "a list of networks"},
		{"never = [ \"192.0.2.0/\" ];", "a list of networks"},
		{"never = [ \"nonsense\" ];", "a list of networks"},
		{"never = \"192.0.2.1\";", "a list of networks"},
		{"sinks = ( { kind = \"file\"; } );", "path, the file to write"},
		{"sinks = ( { path = \"x\"; } );", "expected kind"},
		{"sinks = ( { kind = \"crowdsec\"; } );", "url, machine and password_file"},
		{"accept_private = 1;", "true or false"},
		{"gateway = ", "syntax error"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[512];
		struct share_config *config = load(cases[i].text, error, sizeof(error));

		cr_expect_null(config, "%s", cases[i].text);
		cr_expect(strstr(error, cases[i].error), "%s\n-> %s\nnot %s", cases[i].text, error,
			  cases[i].error);
		share_config_free(config);
	}
}
