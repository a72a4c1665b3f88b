/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of criterion's interface as the unit tests use, for SAN=thread alone: criterion maps
 * memory where ThreadSanitizer has its shadow, and does not start there. Each test runs in a
 * process of its own, as with criterion.
 */
#ifndef SYNPRINT_TESTS_TSAN_CRITERION_H
#define SYNPRINT_TESTS_TSAN_CRITERION_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct criterion_options {
	void (*init)(void);
	void (*fini)(void);
	unsigned timeout; /* s */
};

struct criterion_test {
	const char *suite, *name;
	void (*run)(void);
	struct criterion_options options;
	struct criterion_test *next;
};

static struct criterion_test *criterion_tests, *criterion_suites;
static const struct criterion_test *criterion_current_test;
static bool criterion_has_failed;

#define CRITERION_ADD(list, id, ...)                                                               \
	static struct criterion_test criterion_##id = {__VA_ARGS__};                               \
	__attribute__((constructor)) static void criterion_add_##id(void)                          \
	{                                                                                          \
		criterion_##id.next = list;                                                        \
		list = &criterion_##id;                                                            \
	}

#define TestSuite(suite_, ...)                                                                     \
	CRITERION_ADD(criterion_suites, suite_##_, .suite = #suite_, .options = {__VA_ARGS__})
#define Test(suite_, name_, ...)                                                                   \
	static void criterion_run_##suite_##_##name_(void);                                        \
	CRITERION_ADD(criterion_tests, suite_##_##name_, .suite = #suite_, .name = #name_,         \
		      .run = criterion_run_##suite_##_##name_, .options = {__VA_ARGS__})           \
	static void criterion_run_##suite_##_##name_(void)

__attribute__((format(printf, 6, 7))) static inline void criterion_check(bool is_so, bool must_end,
									 const char *file, int line,
									 const char *what,
									 const char *format, ...)
{
	va_list args;

	if (is_so)
		return;
	fprintf(stderr, "%s:%d: not so: %s", file, line, what);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	criterion_has_failed = true;
	if (must_end)
		_exit(1);
}

static inline void criterion_run(const struct criterion_test *test)
{
	struct criterion_options options = test->options;

	for (const struct criterion_test *suite = criterion_suites; suite; suite = suite->next) {
		if (strcmp(suite->suite, test->suite) != 0)
			continue;
		options.init = options.init ? options.init : suite->options.init;
		options.fini = options.fini ? options.fini : suite->options.fini;
	}
	criterion_current_test = test;
	if (options.init)
		options.init();
	test->run();
	if (options.fini)
		options.fini();
	exit(criterion_has_failed);
}

int main(void)
{
	unsigned tested = 0, failing = 0;

	for (const struct criterion_test *test = criterion_tests; test; test = test->next) {
		int status;
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (pid == 0)
			criterion_run(test);
		waitpid(pid, &status, 0);
		tested++;
		if (status != 0) {
			printf("failed: %s::%s (status %#x)\n", test->suite, test->name, status);
			failing++;
		}
	}
	printf("Tested: %u | Passing: %u | Failing: %u\n", tested, tested - failing, failing);
	return failing != 0;
}

#define CRITERION_CHECK(is_so, must_end, what, ...)                                                \
	criterion_check(is_so, must_end, __FILE__, __LINE__, what, " " __VA_ARGS__)
#define CRITERION_OP(a, op, b, must_end, ...)                                                      \
	CRITERION_CHECK((a)op(b), must_end, #a " " #op " " #b, __VA_ARGS__)

#define cr_assert(a, ...) CRITERION_CHECK(a, true, #a, __VA_ARGS__)
#define cr_assert_not(a, ...) CRITERION_CHECK(!(a), true, "!" #a, __VA_ARGS__)
#define cr_assert_null(a, ...) CRITERION_OP(a, ==, NULL, true, __VA_ARGS__)
#define cr_assert_not_null(a, ...) CRITERION_OP(a, !=, NULL, true, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) CRITERION_OP(a, ==, b, true, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) CRITERION_OP(a, !=, b, true, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) CRITERION_OP(a, <, b, true, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) CRITERION_OP(a, <=, b, true, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) CRITERION_OP(a, >, b, true, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) CRITERION_OP(a, >=, b, true, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
	CRITERION_CHECK(strcmp(a, b) == 0, true, #a " is " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                                               \
	CRITERION_CHECK(strcmp(a, b) != 0, true, #a " is not " #b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                                             \
	CRITERION_CHECK(memcmp(a, b, n) == 0, true, #a " is " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...)                                                           \
	CRITERION_CHECK(fabs((a) - (b)) <= (e), true, #a " ~ " #b, __VA_ARGS__)
#define cr_assert_fail(...) CRITERION_CHECK(false, true, "it got here", __VA_ARGS__)
#define cr_expect(a, ...) CRITERION_CHECK(a, false, #a, __VA_ARGS__)
#define cr_expect_not(a, ...) CRITERION_CHECK(!(a), false, "!" #a, __VA_ARGS__)
#define cr_expect_null(a, ...) CRITERION_OP(a, ==, NULL, false, __VA_ARGS__)
#define cr_expect_not_null(a, ...) CRITERION_OP(a, !=, NULL, false, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) CRITERION_OP(a, ==, b, false, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) CRITERION_OP(a, !=, b, false, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) CRITERION_OP(a, <, b, false, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) CRITERION_OP(a, <=, b, false, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) CRITERION_OP(a, >, b, false, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) CRITERION_OP(a, >=, b, false, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                                                \
	CRITERION_CHECK(strcmp(a, b) == 0, false, #a " is " #b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)                                                               \
	CRITERION_CHECK(strcmp(a, b) != 0, false, #a " is not " #b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...)                                                             \
	CRITERION_CHECK(memcmp(a, b, n) == 0, false, #a " is " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...)                                                           \
	CRITERION_CHECK(fabs((a) - (b)) <= (e), false, #a " ~ " #b, __VA_ARGS__)
#define cr_skip_test(...) exit(0)
#define cr_log_error(...) fprintf(stderr, __VA_ARGS__)

#endif
