/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemctl says of the socket's unit. */
#include <criterion/criterion.h>

#include "cli/activation.h"

#define PATH "/run/synprint/control.sock"
#define LISTEN "Listen=" PATH " (Stream)\nListen=/run/synprint/p0f.sock (Stream)\n"

Test(activation, says)
{
	static const struct {
		const char *text, *path;
		bool is_dormant;
	} rows[] = {
		{"SubState=listening\n" LISTEN, PATH, true},
		{LISTEN "SubState=listening\n", PATH, true},
		{"SubState=listening\n" LISTEN, "/run/synprint/p0f.sock", true},
		{"SubState=running\n" LISTEN, PATH, false},
		{"SubState=dead\n" LISTEN, PATH, false},
		{"SubState=listening\n" LISTEN, "/run/synprint/control", false},
		{"SubState=listening\n" LISTEN, "/tmp/other.sock", false},
		{"SubState=listening\n", PATH, false},
		{"Listen=" PATH, PATH, false},
		{"", PATH, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(activation_says_dormant(rows[i].text, rows[i].path),
			     rows[i].is_dormant, "row %zu", i);
}
