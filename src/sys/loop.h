/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control thread's event loop: file descriptors, periodic timers and signals, over epoll,
 * timerfd and signalfd. Callbacks run one after the other in the thread that runs the loop.
 */
#ifndef SYNPRINT_SYS_LOOP_H
#define SYNPRINT_SYS_LOOP_H

#include <stdint.h>

struct loop;

typedef void loop_fn(void *ctx);

/** loop_new() - Return: an empty loop, or NULL with errno set. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/** loop_add_fd() - call @fn whenever @fd is readable; the descriptor stays the caller's. Return: 0 or -errno. */
int loop_add_fd(struct loop *loop, int fd, loop_fn *fn, void *ctx);

/** loop_add_timer() - call @fn every @interval_ms, the first time after one interval. Return: 0 or -errno. */
int loop_add_timer(struct loop *loop, unsigned interval_ms, loop_fn *fn, void *ctx);

/**
 * loop_add_signal() - call @fn in the loop when the signal arrives. The signal is blocked in the
 * calling thread; threads started afterwards inherit that.
 */
int loop_add_signal(struct loop *loop, int signo, loop_fn *fn, void *ctx);

/** loop_run() - until loop_stop(). Return: 0 or -errno of epoll_wait(). */
int loop_run(struct loop *loop);

/** loop_stop() - let loop_run() return after the current callback. */
void loop_stop(struct loop *loop);

#endif
