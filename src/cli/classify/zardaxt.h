/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A judgement as the console of zardaxt.py prints it, the program of the article on TCP/IP
 * fingerprinting: who calls whom with which packet, and of a SYN the scores.
 */
#ifndef SYNPRINT_CLI_CLASSIFY_ZARDAXT_H
#define SYNPRINT_CLI_CLASSIFY_ZARDAXT_H

#include "core/report/explain.h"

/** zardaxt_put() - append the lines; @bases: its vocabulary and signatures */
void zardaxt_put(const struct report *report, const struct explain_bases *bases,
		 struct text_buf *out);

#endif
