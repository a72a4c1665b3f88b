/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capture files among paths and in folders, each with the time at which it begins. */
#ifndef SYNPRINT_INPUT_CAPTURE_FILE_LIST_H
#define SYNPRINT_INPUT_CAPTURE_FILE_LIST_H

#include <sys/types.h>

#include "input/capture/replay.h"

struct file_entry {
	char *path; /* owned */
	uint64_t begin_ns; /* of its first frame; only where there are several files */
	dev_t dev; /* which file it is, whatever it is called; only in folders */
	ino_t ino; /* 0: named by itself */
};

struct file_list {
	struct file_entry *entries;
	unsigned count;
	size_t room;
	unsigned passed; /* files of folders that are no captures */
};

/** file_list_make() - Return: as replay_open(). @ret_list: to be freed, also after a failure */
int file_list_make(const struct replay_params *params, struct replay_error *ret_error,
		   struct file_list *ret_list);
void file_list_free(struct file_list *list);

#endif
