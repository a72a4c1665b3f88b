/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file in libconfig's notation, read with everything that it includes. Errors say where: the line,
 * and the file too where it is an included one.
 */
#ifndef SYNPRINT_FIELDS_SOURCE_H
#define SYNPRINT_FIELDS_SOURCE_H

#include <libconfig.h>
#include <sys/stat.h>

#include "core/base/text.h"

/**
 * source_read() - read a file. What is no regular file, nor /dev/null, is not waited for.
 * @tree: initialised, and to be destroyed in any case
 * @path: outlives the tree
 * @ret_status: of the file; set also where what is in it is wrong
 * Return: 0; -EINVAL with the line; or -errno.
 */
int source_read(config_t *tree, const char *path, struct stat *ret_status,
		struct text_error *ret_error);

/**
 * source_check_numbers() - whether libconfig cut off a number of a tree that was read. After the values
 * were looked at: who knows what a value may be says more of it.
 * Return: 0, or -EINVAL with the line.
 */
int source_check_numbers(const config_t *tree, struct text_error *ret_error);

/** source_refuse() - tell what is wrong with a setting, and where. Return: -EINVAL. */
int source_refuse(const config_setting_t *setting, struct text_error *ret_error, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));

#endif
