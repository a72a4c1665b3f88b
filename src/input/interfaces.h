/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of network interfaces, kept up to date by the kernel's own notices. One thread takes the
 * notices in; any thread may ask for a name.
 */
#ifndef SYNPRINT_INPUT_INTERFACES_H
#define SYNPRINT_INPUT_INTERFACES_H

#include <net/if.h>
#include <stdint.h>

struct interfaces;

/** interfaces_new() - of this network namespace. Return: 0 or -errno. */
int interfaces_new(struct interfaces **ret_interfaces);
void interfaces_free(struct interfaces *interfaces);

/** interfaces_fd() - readable when interfaces_dispatch() has something to do. */
int interfaces_fd(const struct interfaces *interfaces);
void interfaces_dispatch(struct interfaces *interfaces);

/** interfaces_epoch() - another number after every change. */
uint32_t interfaces_epoch(const struct interfaces *interfaces);

/** interfaces_name() - Return: 0, or -ENOENT for an index that is not known. */
int interfaces_name(struct interfaces *interfaces, unsigned index, char ret_name[IF_NAMESIZE]);

#endif
