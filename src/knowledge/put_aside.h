/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of ours that is damaged makes room for a good one, and nobody has to stop for it. */
#ifndef SYNPRINT_KNOWLEDGE_PUT_ASIDE_H
#define SYNPRINT_KNOWLEDGE_PUT_ASIDE_H

/**
 * put_aside() - rename it to *.damaged, and say so in the log.
 * @why: what is wrong with it, with the file's name
 * @loss: the consequence
 */
void put_aside(const char *path, const char *why, const char *loss);

#endif
