/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as one of Satori's lists: what is converted is a signature that can be read again. */
#include <stdint.h>
#include <stdlib.h>

#include "core/sig/satori.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct satori_reader reader = {.text = (const char *)data, .len = size};
	struct satori_test test;

	while (satori_next(&reader, &test)) {
		char text[SIG_TEXT_MAX];
		struct text_buf buf;
		struct sig again;

		if (test.result != SATORI_OK)
			continue;
		text_buf_init(&buf, text, sizeof(text));
		sig_format(&test.sig, &buf);
		if (buf.overflow || sig_parse(text, buf.len, NULL, &again) < 0 ||
		    !sig_equal(&test.sig, &again))
			abort();
	}
	return 0;
}
