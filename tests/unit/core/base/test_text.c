/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static const char *written(void (*put)(struct text_buf *buf, const void *arg), const void *arg)
{
	static char data[512];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	put(&buf, arg);
	cr_expect_eq(buf.len, strlen(data));
	cr_expect_not(buf.overflow);
	return data;
}

static void put_uint(struct text_buf *buf, const void *arg)
{
	text_put_uint(buf, *(const uint64_t *)arg);
}

static void put_permille(struct text_buf *buf, const void *arg)
{
	text_put_permille(buf, *(const unsigned *)arg);
}

static void put_json(struct text_buf *buf, const void *arg)
{
	text_put_json(buf, arg);
}

Test(text, numbers)
{
	static const struct {
		uint64_t value;
		const char *text;
	} uints[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};

	for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++)
		cr_expect_str_eq(written(put_uint, &uints[i].value), uints[i].text);
}

Test(text, permille)
{
	static const struct {
		unsigned value;
		const char *text;
	} cases[] = {{0, "0"},        {1, "0.001"},    {10, "0.01"},   {100, "0.1"},
		     {985, "0.985"},  {990, "0.99"},   {999, "0.999"}, {1000, "1"},
		     {1005, "1.005"}, {12500, "12.5"}, {1998, "1.998"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(written(put_permille, &cases[i].value), cases[i].text);
}

#define BAD "\xef\xbf\xbd" /* U+FFFD */

Test(text, json_strings)
{
	static const struct {
		const char *name, *text, *json;
	} cases[] = {
		{"empty", "", "\"\""},
		{"plain", "Linux 5.x", "\"Linux 5.x\""},
		{"quote and backslash", "a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"control characters", "\x01\t\n\r\x1f", "\"\\u0001\\u0009\\u000a\\u000d\\u001f\""},
		{"delete is no control character of JSON", "\x7f", "\"\x7f\""},
		{"two, three, four bytes", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7",
		 "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7\""},
		{"the last character", "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
		{"beyond the last", "\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""},
		{"lone continuation", "a\x80z", "\"a" BAD "z\""},
		{"overlong of two", "\xc0\xaf", "\"" BAD BAD "\""},
		{"overlong of three", "\xe0\x9f\xbf", "\"" BAD BAD BAD "\""},
		{"overlong of four", "\xf0\x8f\xbf\xbf", "\"" BAD BAD BAD BAD "\""},
		{"surrogate", "\xed\xa0\x80", "\"" BAD BAD BAD "\""},
		{"below the surrogates", "\xed\x9f\xbf", "\"\xed\x9f\xbf\""},
		{"cut by the end", "x\xe2\x82", "\"x" BAD BAD "\""},
		{"cut by a letter", "\xe2\x82z", "\"" BAD BAD "z\""},
		{"no such byte", "\xff", "\"" BAD "\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(written(put_json, cases[i].text), cases[i].json, "%s",
				 cases[i].name);
}

/* Is it one character of UTF-8? The C library's word for it. */
static bool is_character(iconv_t utf32, const char *bytes, size_t len)
{
	char *from = (char *)(uintptr_t)bytes, out[16], *to = out;
	size_t room = sizeof(out);

	iconv(utf32, NULL, NULL, NULL, NULL);
	return iconv(utf32, &from, &len, &to, &room) != (size_t)-1 && to == out + 4;
}

static void expect_json(iconv_t utf32, const char *whole)
{
	char expected[64], *end = expected;
	const char *text = whole;

	*end++ = '"';
	while (*text) {
		size_t len = 4;

		while (len > 0 && (strnlen(text, len) < len || !is_character(utf32, text, len)))
			len--;
		if (len == 0)
			end = stpcpy(end, BAD);
		else if (*text == '"' || *text == '\\')
			end += sprintf(end, "\\%c", *text);
		else if (len == 1 && *text < ' ')
			end += sprintf(end, "\\u%04x", *text);
		else
			end = mempcpy(end, text, len);
		text += len ? len : 1;
	}
	memcpy(end, "\"", 2);
	cr_expect_str_eq(written(put_json, whole), expected);
}

/* Every first byte, and behind it the bytes at each end of what may follow there. */
Test(text, json_of_every_kind_of_sequence)
{
	static const char ends[] = "\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0";
	iconv_t utf32 = iconv_open("UTF-32LE", "UTF-8");

	cr_assert_neq(utf32, (iconv_t)-1);
	for (unsigned first = 1; first < 256; first++)
		for (unsigned i = 0; i < 512; i++)
			expect_json(utf32, (const char[]){(char)first, ends[i >> 6],
							  ends[i >> 3 & 7], ends[i & 7], '\0'});
	iconv_close(utf32);
}

/* Whatever is written into however little room, nothing behind the buffer changes. */
Test(text, overflow_leaves_the_rest_alone)
{
	static const char whole[] = "ab12-7x9.5\"q\\u0001\"end";

	for (size_t size = 1; size < sizeof(whole) + 4; size++) {
		char data[64];
		struct text_buf buf;

		memset(data, '#', sizeof(data));
		text_buf_init(&buf, data, size);
		text_put(&buf, "ab");
		text_put_uint(&buf, 12);
		text_put(&buf, "-7");
		text_put_char(&buf, 'x');
		text_put_permille(&buf, 9500);
		text_put_json(&buf, "q\x01");
		text_putf(&buf, "%s", "end");
		cr_expect_eq(buf.overflow, size < sizeof(whole), "size %zu", size);
		cr_expect_lt(buf.len, size);
		cr_expect_eq(data[buf.len], '\0', "size %zu", size);
		cr_expect_eq(strlen(data), buf.len, "size %zu", size);
		cr_expect_eq(strncmp(data, whole, buf.len), 0, "size %zu: %s", size, data);
		cr_expect_eq(buf.len, buf.overflow ? size - 1 : strlen(whole), "size %zu", size);
		for (size_t i = size; i < sizeof(data); i++)
			cr_assert_eq(data[i], '#', "size %zu wrote byte %zu", size, i);
		if (!buf.overflow)
			cr_expect_str_eq(data, whole);
	}
}

Test(text, put_len_takes_bytes_as_they_are)
{
	char data[8];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	text_put_len(&buf, "a\0b", 3);
	cr_expect_eq(buf.len, 3);
	cr_expect_arr_eq(data, "a\0b", 4);
	text_put_len(&buf, "cdef", 4);
	cr_expect_not(buf.overflow, "it fits exactly");
	text_put_len(&buf, "", 0);
	text_put_len(&buf, "g", 1);
	cr_expect(buf.overflow);
	cr_expect_str_eq(buf.data + 2, "bcdef");
}

Test(text, error_has_place_and_reason)
{
	struct text_error error = {0};
	char long_text[300];

	cr_expect_eq(text_error_set(NULL, 1, 2, "x"), -EINVAL);
	cr_expect_eq(text_error_set(&error, 3, 14, "no '%s' here", "thing"), -EINVAL);
	cr_expect_eq(error.line, 3);
	cr_expect_eq(error.column, 14);
	cr_expect_str_eq(error.what, "no 'thing' here");
	memset(long_text, 'y', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	text_error_set(&error, 0, 0, "%s", long_text);
	cr_expect_eq(strlen(error.what), sizeof(error.what) - 1);
}
