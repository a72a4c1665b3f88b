/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A piece of a text that others own, without a zero at its end: what the readers of our files cut up. */
#ifndef SYNPRINT_CORE_BASE_SPAN_H
#define SYNPRINT_CORE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *text;
	size_t len; /* bytes */
};

static inline bool span_is(struct span span, const char *word)
{
	return span.len == strlen(word) && memcmp(span.text, word, span.len) == 0;
}

static inline bool span_begins(struct span span, const char *word)
{
	return span.len >= strlen(word) && memcmp(span.text, word, strlen(word)) == 0;
}

static inline bool char_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/** span_trim() - without blanks at both ends. */
static inline struct span span_trim(struct span span)
{
	while (span.len && char_is_blank(*span.text)) {
		span.text++;
		span.len--;
	}
	while (span.len && char_is_blank(span.text[span.len - 1]))
		span.len--;
	return span;
}

/** span_behind() - what is left behind @count bytes, of which there are so many. */
static inline struct span span_behind(struct span span, size_t count)
{
	return (struct span){span.text + count, span.len - count};
}

/**
 * span_split() - what stands before the first separator, and what behind it.
 * @ret_head, @ret_tail: without a separator all of it, and its empty end; @ret_tail may be the address
 * from which @span was read
 * Return: whether there is a separator.
 */
static inline bool span_split(struct span span, char separator, struct span *ret_head,
			      struct span *ret_tail)
{
	const char *stop = span.len ? memchr(span.text, separator, span.len) : NULL;

	if (!stop) {
		*ret_head = span;
		*ret_tail = span.len ? span_behind(span, span.len) : span;
		return false;
	}
	*ret_head = (struct span){span.text, (size_t)(stop - span.text)};
	*ret_tail = span_behind(span, ret_head->len + 1);
	return true;
}

#endif
