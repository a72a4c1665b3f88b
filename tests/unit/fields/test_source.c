/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in libconfig's notation: what is wrong with them, and where. */
#include "fields/source.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], main_path[96], other_path[96];

static void setup(void)
{
	strcpy(folder, "/tmp/synprint-source-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(main_path, sizeof(main_path), "%s/main", folder);
	snprintf(other_path, sizeof(other_path), "%s/other", folder);
}

static void teardown(void)
{
	unlink(main_path);
	unlink(other_path);
	rmdir(folder);
}

TestSuite(source, .init = setup, .fini = teardown);

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static int read_main(struct text_error *ret_error)
{
	struct stat status;
	config_t tree;
	int rc;

	config_init(&tree);
	*ret_error = (struct text_error){.what = ""};
	rc = source_read(&tree, main_path, &status, ret_error);
	rc = rc ? rc : source_check_numbers(&tree, ret_error);
	config_destroy(&tree);
	return rc;
}

Test(source, says_what_and_where)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *what; /* NULL: nothing is wrong */
	} cases[] = {
		{"", 0, NULL},
		{"a = 4294967295; b = -2147483648; c = 0x1ffffffffL; # 99999999999\n", 0, NULL},
		{"a = 1;\n\nb = 4294967296;\n", 3, "b: the number 4294967296 is out of range"},
		{"a: { b = 1; c = [ 1,\n 99999999999999999999 ]; };", 2,
		 "c: the number 99999999999999999999 is out of range"},
		{"a = ( { b = 0x100000001; } );", 1, "b: the number 0x100000001 is out of range"},
		{"a = ;", 1, "syntax error"},
		{"a = 1;\nb = 2;\na = 3;\n", 3, "'a' is in line 1 already"},
		{"a = 1;\nb: { c = 1; };\nd = 2; b = 3; e = 1;\n", 3, "'b' is in line 2 already"},
		{"a = 1;\nb:\n{\n a = 1;\n};\nc: { d: { a = 2;\n a = 3; }; };\n", 7,
		 "'a' is in line 6 already"},
		{"a = 1;\nb:\n{\n c = 1;\n};\n/* { */ c = 1;\n c = 3;\n", 7,
		 "'c' is in line 6 already"},
		{"a = 1; a = 2;", 1, "'a' is in line 1 already"},
		{"a = ( { b = 1;\n b = 2; } );", 2, "'b' is in line 1 already"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_error error;
		int rc;

		write_file(main_path, cases[i].text);
		rc = read_main(&error);
		cr_expect_eq(rc, cases[i].what ? -EINVAL : 0, "%s: %d", cases[i].text, rc);
		cr_expect_eq(error.line, cases[i].line, "%s: %u", cases[i].text, error.line);
		cr_expect_str_eq(error.what, cases[i].what ? cases[i].what : "", "%s",
				 cases[i].text);
	}
}

static void expect_at(const struct text_error *error, const char *file, unsigned line,
		      const char *what)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "%s:%u: %s", file, line, what);
	cr_expect_str_eq(error->what, expected);
	cr_expect_eq(error->line, 0);
}

/* The other file is read in line 2. */
static void read_both(const char *rest, const char *other, struct text_error *ret_error)
{
	char text[256];

	snprintf(text, sizeof(text), "a = 1;\n@include \"%s\"\n%s\n", other_path, rest);
	write_file(main_path, text);
	write_file(other_path, other);
	cr_expect_eq(read_main(ret_error), -EINVAL, "%s", other);
}

Test(source, says_in_which_file)
{
	struct text_error error;
	char what[128];

	read_both("", "\nb = 4294967296;", &error);
	expect_at(&error, other_path, 2, "b: the number 4294967296 is out of range");
	read_both("", "b = ;", &error);
	expect_at(&error, other_path, 1, "syntax error");
	read_both("", "\na = 2;", &error);
	snprintf(what, sizeof(what), "'a' is in line 1 of %s already", main_path);
	expect_at(&error, other_path, 2, what);
	read_both("b = 3;", "\nb = 2;", &error);
	snprintf(what, sizeof(what), "'b' is in line 2 of %s already", other_path);
	cr_expect_str_eq(error.what, what);
	cr_expect_eq(error.line, 3);
	read_both("c = 0x1000000000;", "b = 2;", &error);
	cr_expect_str_eq(error.what, "c: the number 0x1000000000 is out of range");
	cr_expect_eq(error.line, 3);
}

Test(source, no_file_is_waited_for)
{
	struct text_error error;

	cr_expect_eq(read_main(&error), -ENOENT);
	cr_expect_str_eq(error.what, "cannot read it: No such file or directory");
	cr_assert_eq(mkfifo(main_path, 0600), 0);
	cr_expect_eq(read_main(&error), -EINVAL);
	cr_expect_str_eq(error.what, "cannot read it: it is no regular file");
	unlink(main_path);
	cr_assert_eq(symlink("/dev/null", main_path), 0);
	cr_expect_eq(read_main(&error), 0);
	unlink(main_path);
	cr_assert_eq(symlink("/dev/zero", main_path), 0);
	cr_expect_eq(read_main(&error), -EINVAL);
}
