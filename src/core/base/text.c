/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text into the caller's buffer, and errors with their place. */
#include "core/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/digits.h"

int text_error_set(struct text_error *err, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -EINVAL;
	err->line = line;
	err->column = column;
	va_start(args, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, args);
	va_end(args);
	return -EINVAL;
}

void text_buf_init(struct text_buf *buf, char *data, size_t size)
{
	*buf = (struct text_buf){.data = data, .size = size};
	data[0] = '\0';
}

void text_put_cut(struct text_buf *buf, const char *text)
{
	memcpy(buf->data + buf->len, text, buf->size - buf->len);
	buf->len = buf->size - 1;
	buf->data[buf->len] = '\0';
	buf->overflow = true;
}

void text_put_uint(struct text_buf *buf, uint64_t value)
{
	char digits[DIGITS_MAX];
	const char *end = digits_put(digits, value);

	text_put_len(buf, digits, (size_t)(end - digits));
}

void text_put_permille(struct text_buf *buf, unsigned permille)
{
	char fraction[4] = {'.', (char)('0' + permille / 100 % 10),
			    (char)('0' + permille / 10 % 10), (char)('0' + permille % 10)};
	size_t len = sizeof(fraction);

	text_put_uint(buf, permille / 1000);
	while (fraction[len - 1] == '0')
		len--;
	if (len > 1)
		text_put_len(buf, fraction, len);
}

size_t text_utf8_len(const char *chars)
{
	const unsigned char *text = (const unsigned char *)chars;
	unsigned char min = 0x80, max = 0xbf;
	size_t len = text[0] < 0x80   ? 1
		     : text[0] < 0xc2 ? 0
		     : text[0] < 0xe0 ? 2
		     : text[0] < 0xf0 ? 3
		     : text[0] < 0xf5 ? 4
				      : 0;

	if (text[0] == 0xe0)
		min = 0xa0;
	else if (text[0] == 0xed)
		max = 0x9f;
	else if (text[0] == 0xf0)
		min = 0x90;
	else if (text[0] == 0xf4)
		max = 0x8f;
	for (size_t i = 1; i < len; i++, min = 0x80, max = 0xbf)
		if (text[i] < min || text[i] > max)
			return 0;
	return len;
}

/* Bytes at the beginning of the text that a JSON string has as they are. */
static size_t plain_len(const unsigned char *text)
{
	size_t len = 0;

	while (text[len] >= ' ' && text[len] < 0x80 && text[len] != '"' && text[len] != '\\')
		len++;
	return len;
}

static size_t put_special(struct text_buf *buf, const unsigned char *at)
{
	size_t len = text_utf8_len((const char *)at);

	if (len == 0)
		text_put(buf, "\xef\xbf\xbd");
	else if (*at == '"' || *at == '\\')
		text_put_len(buf, (const char[]){'\\', (char)*at}, 2);
	else if (*at < ' ')
		text_putf(buf, "\\u%04x", *at);
	else
		text_put_len(buf, (const char *)at, len);
	return len ? len : 1;
}

void text_put_json(struct text_buf *buf, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	text_put_char(buf, '"');
	for (;;) {
		size_t len = plain_len(at);

		text_put_len(buf, (const char *)at, len);
		at += len;
		if (!*at)
			break;
		at += put_special(buf, at);
	}
	text_put_char(buf, '"');
}

void text_putf(struct text_buf *buf, const char *fmt, ...)
{
	size_t room = buf->size - buf->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf->data + buf->len, room, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= room) {
		buf->overflow = true;
		len = (int)room - 1;
	}
	buf->len += (size_t)len;
}
