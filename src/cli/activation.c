/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd is asked, and only where the service seems not to run: its control group is there as long
 * as it does. Who cannot ask connects as before.
 */
#include "cli/activation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BOOTED "/run/systemd/system" /* sd_booted(3) */
#define TEXT_BYTES 4096

static bool has_group(void)
{
	return access("/sys/fs/cgroup/system.slice/synprintd.service", F_OK) == 0 ||
	       access("/sys/fs/cgroup/systemd/system.slice/synprintd.service", F_OK) == 0;
}

bool activation_says_dormant(const char *text, const char *path)
{
	size_t len = strlen(path);
	bool is_listening = false, is_path = false;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		is_listening |= strncmp(line, "SubState=listening\n", 19) == 0;
		if (strncmp(line, "Listen=", 7) == 0)
			is_path |= strncmp(line + 7, path, len) == 0 && line[7 + len] == ' ';
	}
	return is_listening && is_path;
}

bool activation_is_dormant(const char *path)
{
	char text[TEXT_BYTES];
	size_t len;
	FILE *systemctl;

	if (access(BOOTED, F_OK) < 0 || has_group())
		return false;
	systemctl = popen("systemctl show --property=SubState --property=Listen "
			  "synprintd.socket 2>/dev/null",
			  "re");
	if (!systemctl)
		return false;
	len = fread(text, 1, sizeof(text) - 1, systemctl);
	pclose(systemctl);
	text[len] = '\0';
	return activation_says_dormant(text, path);
}
