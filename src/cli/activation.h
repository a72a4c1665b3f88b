/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a connection would start the service: systemd(1) listens for it while it is stopped. */
#ifndef SYNPRINT_CLI_ACTIVATION_H
#define SYNPRINT_CLI_ACTIVATION_H

#include <stdbool.h>

/** activation_is_dormant() - systemd listens at this path, and the service does not run. */
bool activation_is_dormant(const char *path);

/** activation_says_dormant() - the same from what `systemctl show` prints of the socket's unit. */
bool activation_says_dormant(const char *text, const char *path);

#endif
