/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a configuration: it is read and its words are looked up, or refused with a reason.
 * What includes other files is left out: they would be read from this machine.
 */
#include <string.h>

#include "config/config.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets texts that it was reading when it came to an error: some bytes a file. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

static struct vocab *new_vocab(void)
{
	struct vocab *vocab = vocab_new();

	if (!vocab || vocab_add(vocab, VOCAB_CLASS, "Linux", 5) < 0 ||
	    vocab_add(vocab, VOCAB_FAMILY, "Linux", 5) < 0 ||
	    vocab_add(vocab, VOCAB_LABEL, "Linux 6.16 or newer", 19) < 0 ||
	    vocab_add(vocab, VOCAB_LINK, "WireGuard", 9) < 0)
		abort();
	return vocab;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text_error error = {.what = ""};
	struct config *config;
	struct vocab *vocab;

	if (memmem(data, size, "@include", 8))
		return 0;
	if (config_load(memory_file(data, size), &error, &config) < 0) {
		if (!error.what[0] || !memchr(error.what, '\0', sizeof(error.what)))
			abort();
		return 0;
	}
	vocab = new_vocab();
	if (config_resolve(config, vocab, &error) == 0) {
		const char *keys[32];

		if (config->set_count > CONFIG_SETS_MAX || config->mark_count > CONFIG_SETS_MAX ||
		    config_keep(config, config, keys, 32) != 0)
			abort();
	}
	config_free(config);
	vocab_free(vocab);
	return 0;
}
