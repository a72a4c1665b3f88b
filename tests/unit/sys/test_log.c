/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a line of the log may be made of. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/log.h"

Test(log, others_words_make_no_line_of_their_own)
{
	int ends[2], kept = dup(STDERR_FILENO);
	char line[128] = "";

	unsetenv("JOURNAL_STREAM");
	cr_assert_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_line(LOG_LEVEL_INFO, "it says: %s", "no\n<3>fire\r\x1b[31m\x7f\tand \xc3\xa9");
	dup2(kept, STDERR_FILENO);
	cr_assert_gt(read(ends[0], line, sizeof(line) - 1), 0);
	cr_assert_str_eq(strchr(line, ':'), ": it says: no?<3>fire??[31m??and \xc3\xa9\n");
	close(kept);
	close(ends[0]);
	close(ends[1]);
}
