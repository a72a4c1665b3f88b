/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Started by a service manager: no rights, and a filter under which none can be given up. */
#include "web/confine.h"

#include <cap-ng.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int refuse_capset(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) < 0 ||
	       seccomp_load(filter) < 0;
}

static int become_as_a_service(void)
{
	if (geteuid() == 0 && capng_change_id(65534, 65534, CAPNG_DROP_SUPP_GRP) < 0)
		return 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || refuse_capset())
		return 2;
	return confine_become("") == 0 ? 0 : 3;
}

Test(confine, needs_no_rights_to_have_none, .timeout = 60)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		capng_clear(CAPNG_SELECT_BOTH);
		_exit(become_as_a_service());
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0);
}
