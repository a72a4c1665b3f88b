/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection's addresses as conntrack writes them, for the log's reader and its questions. */
#ifndef SYNPRINT_INPUT_NFLOG_TUPLE_H
#define SYNPRINT_INPUT_NFLOG_TUPLE_H

#include <linux/netlink.h>

#include "input/nflog.h"

/** nflog_take_tuple() - client and server from a nested CTA_TUPLE_ORIG. Return: whether it has all. */
bool nflog_take_tuple(const struct nlattr *tuple, struct nflog_event *event);

#endif
