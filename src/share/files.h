/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a configuration names: whether they are there, and are what they are said to be. */
#ifndef SYNPRINT_SHARE_FILES_H
#define SYNPRINT_SHARE_FILES_H

#include "share/share_config.h"

/**
 * files_check() - certificates, keys and passwords, and that what is written is none of them.
 * @path: the configuration's own
 * Return: 0, or -EINVAL with the reason.
 */
int files_check(const struct share_config *config, const char *path, struct text_error *ret_error);

#endif
