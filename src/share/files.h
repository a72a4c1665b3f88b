/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a configuration names: whether they are there, and are what they are said to be. */
#ifndef SYNPRINT_SHARE_FILES_H
#define SYNPRINT_SHARE_FILES_H

#include "share/share_config.h"

/** files_check() - certificates, keys and passwords. Return: 0, or -EINVAL with the reason. */
int files_check(const struct share_config *config, struct text_error *ret_error);

#endif
