/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slots' seconds are of a clock that begins with the machine: the file has Unix time. */
#include "share/sinks/sent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/clock.h"
#include "sys/file.h"

#define LEFT_MAX_S (7 * 86400) /* what `expiry` can be; more is of another clock */
#define LINE_BYTES (ADDR_TEXT_MAX + 24)

static void read_line(char *line, uint64_t now_s, struct slots *slots)
{
	struct message known = {.flags = 0}; /* as crowdsec_take() */
	uint64_t until_s, unix_s = clock_unix_s();
	char *number = strchr(line, ' ');
	uint16_t slot;

	if (!number)
		return;
	*number++ = '\0';
	until_s = strtoull(number, NULL, 10);
	if (addr_parse(line, &known.addr) < 0 || until_s <= unix_s || until_s - unix_s > LEFT_MAX_S)
		return;
	slots_put(slots, now_s, &known, (uint32_t)(until_s - unix_s), &slot);
}

int sent_read(const char *path, uint64_t now_s, struct slots *slots)
{
	char *bytes, *rest, *line;
	size_t len;
	int rc = file_read(path, &bytes, &len);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rest = bytes;
	while ((line = strsep(&rest, "\n")))
		read_line(line, now_s, slots);
	free(bytes);
	return 0;
}

int sent_write(const char *path, uint64_t now_s, const struct slots *slots)
{
	size_t size = (size_t)MESSAGE_SLOTS * LINE_BYTES;
	char *data = malloc(size), addr[ADDR_TEXT_MAX];
	uint64_t unix_s = clock_unix_s();
	struct message message;
	struct text_buf text;
	uint32_t left_s;
	int rc;

	if (!data)
		return -ENOMEM;
	text_buf_init(&text, data, size);
	for (uint32_t slot = 0; slot < MESSAGE_SLOTS; slot++) {
		if (slots_get(slots, now_s, (uint16_t)slot, &message, &left_s) < 0 ||
		    message.is_gone)
			continue;
		addr_format(&message.addr, addr);
		text_putf(&text, "%s %llu\n", addr, (unsigned long long)(unix_s + left_s));
	}
	rc = file_replace(path, text.data, text.len, true);
	free(data);
	return rc;
}
