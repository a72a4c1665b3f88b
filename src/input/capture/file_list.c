/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each file is opened once to see where it begins; nothing of it is kept but that. */
#include "input/capture/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/grow.h"
#include "input/capture/capture.h"
#include "core/base/order.h"

#define FOLDERS_DEEP 16
#define REASON_MAX 190

struct maker {
	const struct replay_params *params;
	struct file_list *list;
	struct replay_error *error;
};

static int add_folder(struct maker *maker, const char *path, unsigned depth);

void file_list_free(struct file_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->entries[i].path);
	free(list->entries);
}

static int refuse(const struct maker *maker, int r, const char *path, const char *what)
{
	snprintf(maker->error->path, sizeof(maker->error->path), "%s", path);
	text_error_set(&maker->error->text, 0, 0, "%.*s", REASON_MAX, what);
	return r;
}

static int add_entry(struct maker *maker, const char *path, uint64_t begin_ns,
		     const struct stat *in_folder)
{
	struct file_list *list = maker->list;
	struct file_entry *entry;

	if (list->count == REPLAY_FILES_MAX)
		return refuse(maker, -E2BIG, path, "one file too many: 65536 are read at once");
	if (grow((void **)&list->entries, &list->room, list->count, sizeof(*entry)) < 0)
		return refuse(maker, -ENOMEM, path, "out of memory");
	entry = &list->entries[list->count];
	*entry = (struct file_entry){.begin_ns = begin_ns};
	if (in_folder) {
		entry->dev = in_folder->st_dev;
		entry->ino = in_folder->st_ino;
	}
	entry->path = strdup(path);
	if (!entry->path)
		return refuse(maker, -ENOMEM, path, "out of memory");
	list->count++;
	return 0;
}

/* What is damaged behind its header is told when its turn comes, not now. */
static int read_begin(const struct maker *maker, const char *path, struct text_error *ret_error,
		      uint64_t *ret_begin_ns)
{
	struct capture *capture;
	struct frame frame = {0};
	int r = capture_open(path, maker->params->follows, ret_error, &capture);

	if (r < 0)
		return r;
	r = capture_next(capture, NULL, &frame);
	capture_close(capture);
	*ret_begin_ns = frame.time_ns;
	return r == -EINTR ? r : 0;
}

static int add_file(struct maker *maker, const char *path, const struct stat *in_folder)
{
	struct text_error error = {0};
	uint64_t begin_ns = 0;
	int r = 0;

	if (in_folder || (maker->params->count > 1 && !maker->params->follows))
		r = read_begin(maker, path, &error, &begin_ns);
	if (r == -EINVAL && in_folder) {
		maker->list->passed++;
		return 0;
	}
	return r < 0 ? refuse(maker, r, path, error.what)
		     : add_entry(maker, path, begin_ns, in_folder);
}

/* Links to folders lead out of this one, or round in it; those that lead nowhere are no captures. */
static int add_inner(struct maker *maker, const char *path, unsigned depth)
{
	struct stat link, status;

	if (lstat(path, &link) < 0)
		return refuse(maker, -errno, path, strerror(errno));
	if (S_ISDIR(link.st_mode))
		return add_folder(maker, path, depth);
	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode)) {
		maker->list->passed += S_ISLNK(link.st_mode);
		return 0;
	}
	return add_file(maker, path, &status);
}

static int add_path(struct maker *maker, const char *path)
{
	struct stat status;

	if (strcmp(path, "-") == 0 && maker->params->count == 1)
		return add_entry(maker, path, 0, NULL);
	if (strcmp(path, "-") == 0)
		return refuse(maker, -EINVAL, path, "standard input is read alone");
	if (stat(path, &status) < 0)
		return refuse(maker, -errno, path, strerror(errno));
	return S_ISDIR(status.st_mode) ? add_folder(maker, path, 0) : add_file(maker, path, NULL);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_folder(struct maker *maker, const char *path, unsigned depth)
{
	struct dirent **found = NULL;
	int count = scandir(path, &found, is_visible, alphasort), r = 0;
	char *inner;

	if (count < 0)
		return refuse(maker, -errno, path, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (r == 0 && depth < FOLDERS_DEEP) {
			r = asprintf(&inner, "%s/%s", path, found[i]->d_name) < 0 ? -ENOMEM : 0;
			if (r == 0) {
				r = add_inner(maker, inner, depth + 1);
				free(inner);
			}
		}
		free(found[i]);
	}
	free(found);
	return r;
}

static int compare_begins(const void *a, const void *b)
{
	const struct file_entry *left = a, *right = b;
	int order = order_up(left->begin_ns, right->begin_ns);

	return order ? order : strcmp(left->path, right->path);
}

/* Those that were named by themselves come first. */
static int compare_files(const void *a, const void *b)
{
	const struct file_entry *left = a, *right = b;
	int order = order_up(left->ino, right->ino);

	return order ? order : order_up(left->dev, right->dev);
}

/* A file of several names in folders, such as `latest`, is one file. */
static void drop_twins(struct file_list *list)
{
	unsigned kept = 0;

	qsort(list->entries, list->count, sizeof(list->entries[0]), compare_files);
	for (unsigned i = 0; i < list->count; i++)
		if (kept && list->entries[i].ino &&
		    compare_files(&list->entries[kept - 1], &list->entries[i]) == 0)
			free(list->entries[i].path);
		else
			list->entries[kept++] = list->entries[i];
	list->count = kept;
}

int file_list_make(const struct replay_params *params, struct replay_error *ret_error,
		   struct file_list *ret_list)
{
	struct maker maker = {.params = params, .list = ret_list, .error = ret_error};
	int r = 0;

	*ret_list = (struct file_list){.count = 0};
	for (unsigned i = 0; r == 0 && i < params->count; i++)
		r = add_path(&maker, params->paths[i]);
	if (r == 0 && ret_list->count == 0)
		return refuse(&maker, -EINVAL, params->paths[0], "no capture is in this folder");
	if (r < 0)
		return r;
	drop_twins(ret_list);
	qsort(ret_list->entries, ret_list->count, sizeof(ret_list->entries[0]), compare_begins);
	return 0;
}
