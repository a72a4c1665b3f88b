/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix time that nobody sets. What ages by it, such as a client or the baseline, is as old after a
 * step of the system's clock as before; what is shown or written is moved along with the step.
 */
#include "sys/clock.h"

static uint64_t start_unix_ms, start_boot_ms;

/* Before there are threads, so that it is read without a lock. */
__attribute__((constructor)) static void begin(void)
{
	start_unix_ms = clock_unix_ms();
	start_boot_ms = clock_read_us(CLOCK_BOOTTIME) / 1000;
}

uint64_t clock_steady_ms(void)
{
	return start_unix_ms + clock_read_us(CLOCK_BOOTTIME) / 1000 - start_boot_ms;
}

int64_t clock_shift_s(void)
{
	return ((int64_t)clock_unix_ms() - (int64_t)clock_steady_ms()) / 1000;
}

uint32_t clock_shown_s(uint32_t steady_s)
{
	return steady_s ? (uint32_t)(steady_s + clock_shift_s()) : 0;
}

uint64_t clock_shown_ms(uint64_t steady_ms)
{
	return steady_ms + (uint64_t)(1000 * clock_shift_s());
}
