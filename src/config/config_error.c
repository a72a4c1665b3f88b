/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a configuration, and where. */
#include <stdarg.h>
#include <string.h>

#include "config/config_private.h"

int config_refuse_at(const struct config_storage *storage, const char *file, int line,
		     const char *what, struct text_error *ret_error)
{
	if (!file || strcmp(file, storage->file) == 0)
		return text_error_set(ret_error, (unsigned)line, 0, "%s", what);
	return text_error_set(ret_error, 0, 0, "%s:%d: %s", file, line, what);
}

int config_refuse(const config_setting_t *setting, struct text_error *ret_error, const char *format,
		  ...)
{
	char what[sizeof(ret_error->what)];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return config_refuse_at(setting->config->root->hook, config_setting_source_file(setting),
				config_setting_source_line(setting), what, ret_error);
}
