/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A main for fuzz harnesses that runs them over what is known: files and folders of files, or
 * with --hex a list of packets, one hex line each, of which every prefix is an input too.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
	unsigned long inputs, files;
};

static int complain(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	return -1;
}

/* The input is in memory of just its size, so that a sanitizer sees every byte beyond it. */
static int run_input(const uint8_t *data, size_t size, struct tally *tally)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		return -1;
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	tally->inputs++;
	return 0;
}

static int read_file(const char *path, char **ret_data, size_t *ret_len)
{
	FILE *file = fopen(path, "rb"), *memory;
	char block[4096];
	size_t len;
	int failed;

	if (!file)
		return complain(path, strerror(errno));
	memory = open_memstream(ret_data, ret_len);
	while (memory && (len = fread(block, 1, sizeof(block), file)) > 0)
		fwrite(block, 1, len, memory);
	failed = !memory || ferror(file) || fclose(memory) != 0;
	fclose(file);
	return failed ? complain(path, "cannot read it") : 0;
}

static int run_file(const char *path, struct tally *tally)
{
	size_t len = 0;
	char *data = NULL;
	int rc = read_file(path, &data, &len);

	if (rc == 0)
		rc = run_input((const uint8_t *)data, len, tally);
	free(data);
	tally->files++;
	return rc;
}

static int run_path(const char *path, struct tally *tally);

static int run_folder(const char *path, struct tally *tally)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort), rc = 0;
	char inner[4096];

	if (count < 0)
		return complain(path, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (rc == 0 && entries[i]->d_name[0] != '.') {
			snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
			rc = run_path(inner, tally);
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int run_path(const char *path, struct tally *tally)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return complain(path, strerror(errno));
	return S_ISDIR(status.st_mode) ? run_folder(path, tally) : run_file(path, tally);
}

/* Bytes of a line of hex digits, or -1 where it is none. */
static int decode_hex(const char *line, size_t len, uint8_t *bytes)
{
	unsigned byte;

	if (len % 2 || strspn(line, "0123456789abcdefABCDEF") != len)
		return -1;
	for (size_t i = 0; i < len / 2; i++)
		if (sscanf(line + 2 * i, "%2x", &byte) == 1)
			bytes[i] = (uint8_t)byte;
	return (int)(len / 2);
}

static int run_hex_line(const char *path, unsigned long number, const char *line,
			struct tally *tally)
{
	static uint8_t bytes[65536];
	size_t len = strcspn(line, "\r\n");
	char text[5000];
	int size, rc = 0;

	if (len >= sizeof(text))
		return complain(path, "a line is too long");
	memcpy(text, line, len);
	text[len] = '\0';
	size = decode_hex(text, len, bytes);
	if (size < 0) {
		fprintf(stderr, "%s:%lu: not a line of hex digits\n", path, number);
		return -1;
	}
	for (int prefix = 0; rc == 0 && prefix <= size; prefix++)
		rc = run_input(bytes, (size_t)prefix, tally);
	return rc;
}

static int run_hex_file(const char *path, struct tally *tally)
{
	FILE *file = fopen(path, "r");
	unsigned long number = 0;
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!file)
		return complain(path, strerror(errno));
	while (rc == 0 && getline(&line, &room, file) > 0)
		rc = run_hex_line(path, ++number, line, tally);
	if (rc == 0 && ferror(file))
		rc = complain(path, "cannot read it");
	free(line);
	fclose(file);
	tally->files++;
	return rc;
}

int main(int argc, char **argv)
{
	struct tally tally = {0};
	int rc = 0;

	for (int i = 1; rc == 0 && i < argc; i++) {
		if (strcmp(argv[i], "--hex") == 0)
			rc = i + 1 < argc ? run_hex_file(argv[++i], &tally)
					  : complain("--hex", "needs a file");
		else
			rc = run_path(argv[i], &tally);
	}
	if (rc == 0 && tally.inputs == 0)
		rc = complain(argv[0], "no input: name files or folders, or --hex FILE");
	printf("%lu inputs from %lu files\n", tally.inputs, tally.files);
	return rc == 0 ? 0 : 1;
}
