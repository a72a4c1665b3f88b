/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The databases of `classify`: as options say, else as the configuration says, else ours. */
#ifndef SYNPRINT_CLI_CLASSIFY_CLASSIFY_LOAD_H
#define SYNPRINT_CLI_CLASSIFY_CLASSIFY_LOAD_H

#include "cli/classify/classify.h"

/** classify_load() - Return: CLI_OK, or the exit code, told. What was made is to be freed anyway. */
int classify_load(const struct classify_options *options, struct vocab **ret_vocab,
		  struct knowledge **ret_knowledge);

#endif
