/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Style, script and icon, which are in the program, and the library that draws, which Debian has. */
#include <string.h>

#include "web/routes.h"

#define ASSET(name, file)                                                                          \
	__asm__(".section .rodata\n" #name ":\n.incbin \"src/web/assets/" file "\"\n" #name        \
		"_end:\n.byte 0\n.previous\n");                                                    \
	extern const char name[] __attribute__((visibility("hidden")));                            \
	extern const char name##_end[] __attribute__((visibility("hidden")))

ASSET(asset_style, "style.css");
ASSET(asset_live, "live.js");
ASSET(asset_icon, "icon.svg");

void asset_answer(struct exchange *exchange)
{
	const struct {
		const char *path, *type, *begin, *end;
	} assets[] = {
		{"/style.css", "text/css; charset=utf-8", asset_style, asset_style_end},
		{"/live.js", "text/javascript; charset=utf-8", asset_live, asset_live_end},
		{"/icon.svg", "image/svg+xml", asset_icon, asset_icon_end},
		{"/chart.js", "text/javascript; charset=utf-8", exchange->site->chart,
		 exchange->site->chart ? exchange->site->chart + exchange->site->chart_len : NULL},
	};

	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
		if (strcmp(assets[i].path, exchange->request.path) != 0 || !assets[i].begin)
			continue;
		reply_set_static(&exchange->reply, assets[i].type, assets[i].begin,
				 (size_t)(assets[i].end - assets[i].begin));
		return;
	}
	reply_refuse(&exchange->reply, 404, "not_found", "the library for charts is not installed");
}
