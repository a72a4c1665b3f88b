/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations from text. */
#ifndef SYNPRINT_TESTS_UNIT_CONFIG_LOAD_CONFIG_H
#define SYNPRINT_TESTS_UNIT_CONFIG_LOAD_CONFIG_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_rules.h"
#include "sys/log.h"

static char path[64];

static inline void setup(void)
{
	int fd;

	strcpy(path, "/tmp/synprint-config-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);
}

static inline void teardown(void)
{
	unlink(path);
}

TestSuite(config, .init = setup, .fini = teardown);

static inline int load(const char *text, struct text_error *ret_error, struct config **ret_config)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	return config_load(path, ret_error, ret_config);
}

static inline struct config *must_load(const char *text)
{
	struct text_error error = {0};
	struct config *config = NULL;

	cr_assert_eq(load(text, &error, &config), 0, "%s: line %u: %s", text, error.line,
		     error.what);
	return config;
}

#endif
