/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens to a damaged file: see put_aside.h. */
#include "knowledge/put_aside.h"

#include "sys/file.h"
#include "sys/log.h"

#define PATH_BYTES 4096

void put_aside(const char *path, const char *why, const char *loss)
{
	char aside[PATH_BYTES];
	int rc = file_put_aside(path, aside, sizeof(aside));

	if (rc < 0)
		log_line(LOG_LEVEL_WARNING, "%s; %s (it cannot be renamed: %s)", why, loss,
			 file_error_text(rc));
	else
		log_line(LOG_LEVEL_WARNING, "%s; %s, and it is now %s", why, loss, aside);
}
