/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a signature: it is refused at a column inside it, or written out and read again
 * it is the same signature.
 */
#include <stdlib.h>

#include "core/sig/sig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text_error error = {0};
	char text[SIG_TEXT_MAX];
	struct sig sig, again;
	struct text_buf buf;

	if (sig_parse((const char *)data, size, &error, &sig) < 0) {
		if (error.column == 0 || error.column > size + 1 || error.what[0] == '\0')
			abort();
		return 0;
	}
	text_buf_init(&buf, text, sizeof(text));
	sig_format(&sig, &buf);
	if (buf.overflow || sig_parse(text, buf.len, NULL, &again) < 0 || !sig_equal(&sig, &again))
		abort();
	return 0;
}
