/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text in and out of the core without I/O: where and why a text was refused, and a writer
 * that fills the caller's buffer and never overruns it.
 */
#ifndef SYNPRINT_CORE_BASE_TEXT_H
#define SYNPRINT_CORE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Why a text was refused. Line and column count from 1; 0 is "not in one place". */
struct text_error {
	unsigned line, column;
	char what[200];
};

/* Appends to a buffer of the caller's. What does not fit sets overflow and is left out. */
struct text_buf {
	char *data;
	size_t len, size; /* bytes used, bytes there; data[len] is always NUL */
	bool overflow;
};

/** text_error_set() - fill @err (where it is not NULL) and return -EINVAL. */
int text_error_set(struct text_error *err, unsigned line, unsigned column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** text_buf_init() - an empty writer over @size (> 0) bytes of @data. */
void text_buf_init(struct text_buf *buf, char *data, size_t size);

/** text_put_cut() - what text_put_len() does where not all of the text fits. */
void text_put_cut(struct text_buf *buf, const char *text);

/* These are inline so that a literal costs a few moves and neither strlen() nor memcpy(). */
static inline void text_put_len(struct text_buf *buf, const char *text, size_t len)
{
	if (len >= buf->size - buf->len) {
		text_put_cut(buf, text);
		return;
	}
	memcpy(buf->data + buf->len, text, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

static inline void text_put_char(struct text_buf *buf, char c)
{
	text_put_len(buf, &c, 1);
}

static inline void text_put(struct text_buf *buf, const char *text)
{
	text_put_len(buf, text, strlen(text));
}

void text_put_uint(struct text_buf *buf, uint64_t value);

/** text_put_permille() - a fraction of 1000 as a decimal number: 985 is "0.985", 1000 is "1". */
void text_put_permille(struct text_buf *buf, unsigned permille);

/** text_utf8_len() - of the well-formed UTF-8 sequence at @chars (RFC 3629 section 4); 0: it is none. */
size_t text_utf8_len(const char *chars);

/** text_put_json() - @text as a quoted JSON string (RFC 8259 section 7); bad UTF-8 becomes U+FFFD. */
void text_put_json(struct text_buf *buf, const char *text);

/** text_putf() - printf into the buffer, for what is not hot. */
void text_putf(struct text_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
