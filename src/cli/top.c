/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint top: the daemon at a glance, anew every second: rate, health, what clients are and came
 * through, and the newest suspects. Figures come from `status`, clients from a subscription; where
 * the daemon goes away, it is said and tried again. The terminal is given back on every way out.
 */
#include <ctype.h>
#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "sys/clock.h"

#define SHARES_MAX 64 /* different systems, or links */
#define SUSPECTS_MAX 128
#define SECOND_MS 1000
#define HALVE_S 60 /* shares are of the last few minutes: counts are halved so often */
#define SUSPECT                                                                                    \
	(SYNPRINT_VPN | SYNPRINT_TUNNEL | SYNPRINT_SCANNER | SYNPRINT_OS_MISMATCH |                \
	 SYNPRINT_INCONSISTENT | SYNPRINT_PROXY)

struct shares {
	struct share {
		char name[SYNPRINT_WORD_MAX];
		double count;
	} list[SHARES_MAX];
	unsigned used;
	double total;
};

struct suspect {
	time_t time;
	struct synprint_verdict verdict;
};

struct top {
	const struct cli *cli;
	struct ask status_ask, event_ask;
	bool is_connected, is_paused, sorts_by_name;
	cJSON *status;
	double received, rate; /* SYNs, and SYNs a second */
	int64_t received_ms, next_ms;
	unsigned seconds;
	uint64_t missed; /* events, because we were too slow */
	struct shares systems, links;
	struct suspect suspects[SUSPECTS_MAX]; /* a ring; suspect_count counts on */
	unsigned suspect_count;
};

static volatile sig_atomic_t must_end;

static void on_signal(int signo)
{
	(void)signo;
	must_end = 1;
}

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name)
{
	const cJSON *value = get(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static void count_share(struct shares *shares, const char *name)
{
	unsigned i = 0;

	while (i < shares->used && strcmp(shares->list[i].name, name) != 0)
		i++;
	if (i == SHARES_MAX)
		return;
	if (i == shares->used) {
		shares->used++;
		snprintf(shares->list[i].name, sizeof(shares->list[i].name), "%s", name);
		shares->list[i].count = 0;
	}
	shares->list[i].count++;
	shares->total++;
}

static void halve(struct shares *shares)
{
	shares->total = 0;
	for (unsigned i = 0; i < shares->used; i++) {
		shares->list[i].count /= 2;
		shares->total += shares->list[i].count;
	}
}

static int by_count(const void *a, const void *b)
{
	double x = ((const struct share *)a)->count, y = ((const struct share *)b)->count;

	return x < y ? 1 : x > y ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct share *)a)->name, ((const struct share *)b)->name);
}

static void take_event(struct top *top, const struct synprint_event *event)
{
	const struct synprint_verdict *verdict = &event->verdict;

	top->missed += event->missed;
	if (!verdict->is_found)
		return;
	count_share(&top->systems, verdict->os_class);
	count_share(&top->links, verdict->link);
	if (verdict->flags & SUSPECT)
		top->suspects[top->suspect_count++ % SUSPECTS_MAX] =
			(struct suspect){time(NULL), *verdict};
}

static void disconnect(struct top *top)
{
	ask_close(&top->status_ask);
	ask_close(&top->event_ask);
	top->is_connected = false;
}

/* Silent: the screen says that nobody answers. */
static void connect_again(struct top *top)
{
	const char *path = top->status_ask.path;

	if (synprint_connect(path, SECOND_MS, &top->status_ask.synprint) == 0 &&
	    synprint_connect(path, SECOND_MS, &top->event_ask.synprint) == 0 &&
	    synprint_subscribe(top->event_ask.synprint, NULL) == 0)
		top->is_connected = true;
	else
		disconnect(top);
	top->received_ms = 0;
}

static void take_status(struct top *top, cJSON *status)
{
	double received = 0;
	const cJSON *queue;
	int64_t now_ms = (int64_t)clock_monotonic_ms();

	cJSON_Delete(top->status);
	top->status = status;
	cJSON_ArrayForEach (queue, get(status, "queues"))
		received += number(queue, "received");
	if (top->received_ms && now_ms > top->received_ms)
		top->rate = (received - top->received) * 1000 / (double)(now_ms - top->received_ms);
	top->received = received;
	top->received_ms = now_ms;
}

static void poll_status(struct top *top)
{
	const char *line;

	if (!top->is_connected)
		connect_again(top);
	if (top->is_connected &&
	    synprint_request(top->status_ask.synprint, "{\"op\":\"status\"}", &line) == 0)
		take_status(top, cJSON_Parse(line));
	else
		disconnect(top);
	if (++top->seconds % HALVE_S == 0) {
		halve(&top->systems);
		halve(&top->links);
	}
}

/* As many as are there, but the screen's turn comes as well. */
static void read_events(struct top *top)
{
	struct synprint_event event;

	for (unsigned i = 0; i < 1000 && top->is_connected; i++) {
		int rc = synprint_next_event(top->event_ask.synprint, 0, &event);

		if (rc == 0)
			return;
		if (rc < 0)
			disconnect(top);
		else if (!top->is_paused)
			take_event(top, &event);
	}
}

/* Text cut at the window's edge, with '?' for what is not printable. */
static void put_at(int y, int x, int width, const char *text)
{
	if (y >= LINES || x >= COLS || width <= 0)
		return;
	if (width > COLS - x)
		width = COLS - x;
	move(y, x);
	for (; *text && width--; text++)
		addch(isprint((unsigned char)*text) ? (chtype)*text : '?');
}

static void __attribute__((format(printf, 3, 4))) put_f(int y, int x, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	put_at(y, x, COLS, text);
}

static void draw_head(const struct top *top)
{
	const cJSON *rules = get(top->status, "rules");
	const char *engine = cJSON_GetStringValue(get(rules, "engine"));
	const char *version = cJSON_GetStringValue(get(top->status, "version"));
	unsigned up = (unsigned)number(top->status, "uptime_s");

	if (!top->is_connected)
		put_f(0, 0, "synprintd does not answer at %s; trying again", top->status_ask.path);
	else
		put_f(0, 0, "synprintd %s, up %u:%02u:%02u, engine %s, %s%s",
		      version ? version : "?", up / 3600, up / 60 % 60, up % 60,
		      engine ? engine : "?",
		      cJSON_IsTrue(get(rules, "diverting")) ? "diverting" : "NOT DIVERTING",
		      top->is_paused ? "   [paused]" : "");
}

static void draw_figures(const struct top *top)
{
	const cJSON *rules = get(top->status, "rules"), *clients = get(top->status, "clients");
	double syns = number(get(top->status, "packets"), "syn");
	double unknown = number(get(top->status, "flagged"), "unknown");

	put_f(1, 0, "SYNs     %.0f/s, %.0f in all, %.0f passed unclassified, %.1f %% unknown",
	      top->rate, top->received, number(rules, "unclassified"),
	      syns > 0 ? 100 * unknown / syns : 0);
	put_f(2, 0, "clients  %.0f of %.0f, %.0f gave way", number(clients, "used"),
	      number(clients, "capacity"), number(clients, "evicted"));
}

static void draw_health(const struct top *top)
{
	const cJSON *publish = get(top->status, "publish"), *item;
	double p50 = 0, p99 = 0, waiting = 0;
	unsigned quarantined = 0;

	cJSON_ArrayForEach (item, get(top->status, "queues")) {
		const cJSON *burst = get(item, "burst_us");

		p50 = number(burst, "p50") > p50 ? number(burst, "p50") : p50;
		p99 = number(burst, "p99") > p99 ? number(burst, "p99") : p99;
		waiting += number(item, "waiting");
	}
	cJSON_ArrayForEach (item, get(publish, "sets"))
		quarantined += (unsigned)cJSON_IsTrue(get(item, "quarantined"));
	put_f(3, 0, "queues   %.0f waiting, a burst takes %.0f us (99 of 100: %.0f us)", waiting,
	      p50, p99);
	put_f(4, 0, "sets     %d, %u fail; %.0f of %.0f bursts late, %.0f lost",
	      cJSON_GetArraySize(get(publish, "sets")), quarantined, number(publish, "late"),
	      number(publish, "bursts"), number(publish, "lost"));
	if (top->missed)
		put_f(5, 0, "this display was too slow for %llu events",
		      (unsigned long long)top->missed);
}

/* Of the screen, in characters. */
struct pane {
	int y, x, rows, width;
};

static void draw_shares(const struct top *top, const struct shares *shares, const char *title,
			const struct pane *pane)
{
	struct shares sorted = *shares;

	qsort(sorted.list, sorted.used, sizeof(sorted.list[0]),
	      top->sorts_by_name ? by_name : by_count);
	attron(A_REVERSE);
	for (int i = 0; i < pane->width && pane->x + i < COLS && pane->y < LINES; i++)
		mvaddch(pane->y, pane->x + i, ' ');
	put_at(pane->y, pane->x, pane->width, title);
	attroff(A_REVERSE);
	for (int i = 0; i < pane->rows && i < (int)sorted.used; i++) {
		char text[SYNPRINT_WORD_MAX + 16];

		snprintf(text, sizeof(text), "%5.1f %%  %s",
			 sorted.total > 0 ? 100 * sorted.list[i].count / sorted.total : 0,
			 sorted.list[i].name);
		put_at(pane->y + 1 + i, pane->x, pane->width - 1, text);
	}
}

static void flag_text(unsigned flags, char *buf, size_t size)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {{SYNPRINT_VPN, "vpn"},
		     {SYNPRINT_TUNNEL, "tunnel"},
		     {SYNPRINT_SCANNER, "scanner"},
		     {SYNPRINT_OS_MISMATCH, "os_mismatch"},
		     {SYNPRINT_INCONSISTENT, "inconsistent"},
		     {SYNPRINT_SHARED, "shared"},
		     {SYNPRINT_PROXY, "proxy"}};
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && len < size; i++)
		if (flags & names[i].flag)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
						names[i].name);
}

static void draw_suspects(const struct top *top, int y)
{
	attron(A_REVERSE);
	for (int x = 0; x < COLS && y < LINES; x++)
		mvaddch(y, x, ' ');
	put_at(y, 0, COLS, "time      newest suspects");
	attroff(A_REVERSE);
	for (unsigned i = 0; i < top->suspect_count && i < SUSPECTS_MAX && y + 1 < LINES; i++) {
		const struct suspect *suspect =
			&top->suspects[(top->suspect_count - 1 - i) % SUSPECTS_MAX];
		char when[16], flags[96];
		struct tm tm;

		localtime_r(&suspect->time, &tm);
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
		flag_text(suspect->verdict.flags, flags, sizeof(flags));
		put_f(++y, 0, "%s  %-21s %-24.24s %s (%s)", when, suspect->verdict.ip,
		      suspect->verdict.os_label, flags, suspect->verdict.link);
	}
}

static void draw(const struct top *top)
{
	int rows = LINES > 20 ? (LINES - 8) / 2 : 4, half = COLS / 2;

	erase();
	draw_head(top);
	draw_figures(top);
	draw_health(top);
	draw_shares(top, &top->systems, "systems", &(struct pane){6, 0, rows, half});
	draw_shares(top, &top->links, "links", &(struct pane){6, half, rows, COLS - half});
	draw_suspects(top, 7 + rows);
	put_at(LINES - 1, COLS - 34, 34, "q quit  p pause  s sort by name/share");
	refresh();
}

/* Return: false where the user has had enough. */
static bool take_keys(struct top *top)
{
	for (int key; (key = getch()) != ERR;) {
		if (key == 'q')
			return false;
		if (key == 'p')
			top->is_paused = !top->is_paused;
		if (key == 's')
			top->sorts_by_name = !top->sorts_by_name;
	}
	return true;
}

static void wait_for_something(const struct top *top)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = top->is_connected ? synprint_fd(top->event_ask.synprint)
							 : -1,
				 .events = POLLIN}};
	int64_t left_ms = top->next_ms - (int64_t)clock_monotonic_ms();

	poll(fds, 2, left_ms > 0 ? (int)left_ms : 0);
}

static void live(struct top *top)
{
	do {
		if ((int64_t)clock_monotonic_ms() >= top->next_ms) {
			if (!top->is_paused || !top->is_connected)
				poll_status(top);
			top->next_ms = (int64_t)clock_monotonic_ms() + SECOND_MS;
			draw(top);
		}
		wait_for_something(top);
		read_events(top);
	} while (!must_end && take_keys(top));
}

static int show(struct top *top)
{
	struct sigaction action = {.sa_handler = on_signal};
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return cli_error(CLI_FAILED,
				 "this terminal cannot be drawn on: is TERM set to what it is?");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	live(top);
	endwin();
	delscreen(screen);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};
	static struct top top;
	int r;

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	if (optind != argc)
		return cli_usage_error(cli, "top takes no argument");
	if (cli->json)
		return cli_usage_error(cli, "top has no JSON form: use status and watch");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_error(CLI_USAGE, "top needs a terminal: use status and watch");
	top.cli = cli;
	r = ask_open(cli, &top.status_ask);
	if (r != CLI_OK)
		return r;
	disconnect(&top);
	r = show(&top);
	disconnect(&top);
	cJSON_Delete(top.status);
	return r;
}

const struct cli_command cli_top = {
	.name = "top",
	.arguments = "",
	.summary = "Show the daemon at a glance, full screen, every second",
	.help = "Keys: q quits, p pauses, s sorts shares by name or by size.\nOptions:\n",
	.run = run,
};
