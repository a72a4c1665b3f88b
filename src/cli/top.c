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
#include "cli/flow.h"
#include "cli/scale.h"
#include "sys/clock.h"

#define SHARES_MAX 64 /* different systems, or links */
#define SUSPECTS_MAX 128
#define SECOND_MS 1000
#define HALVE_S 60 /* shares are of the last few minutes: counts are halved so often */
#define LOW_LINES 16 /* of a screen that has no room for shares */
#define SIDE_BY_SIDE 64 /* columns that two panes need beside each other */
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
	memcpy(top->event_ask.path, top->status_ask.path, sizeof(top->event_ask.path));
	if (ask_connect(&top->status_ask, SECOND_MS) == 0 &&
	    ask_connect(&top->event_ask, SECOND_MS) == 0 &&
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

/* What a line says, the most important first: what does not fit whole is left out. */
struct pieces {
	int y, x;
	bool is_begun;
};

static void __attribute__((format(printf, 2, 3)))
put_piece(struct pieces *pieces, const char *fmt, ...)
{
	char text[SYNPRINT_WORD_MAX + 64];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (pieces->x + len + (pieces->is_begun ? 2 : 0) >= COLS)
		return;
	if (pieces->is_begun)
		put_f(pieces->y, pieces->x, ", ");
	pieces->x += pieces->is_begun ? 2 : 0;
	put_f(pieces->y, pieces->x, "%s", text);
	pieces->x += len;
	pieces->is_begun = true;
}

/* Whole words on as many lines as it takes. Return: how many. */
static int put_text(int y, int rows, const char *text)
{
	char data[2048];
	struct text_buf out;
	struct flow flow;
	char *line = data, *end;
	int used = 0;

	text_buf_init(&out, data, sizeof(data));
	flow_begin(&flow, &out, (unsigned)COLS - (COLS > 1), 2);
	flow_put_words(&flow, text);
	flow_end(&flow);
	for (; used < rows && (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		put_at(y + used++, 0, COLS, line);
	}
	return used;
}

static void draw_head(const struct top *top)
{
	const cJSON *rules = get(top->status, "rules");
	const char *engine = cJSON_GetStringValue(get(rules, "engine"));
	const char *version = cJSON_GetStringValue(get(top->status, "version"));
	struct pieces pieces = {.y = 0};
	char text[256], up[SCALE_BYTES];

	if (!top->is_connected) {
		snprintf(text, sizeof(text), "synprintd does not answer at %s; trying again",
			 top->status_ask.path);
		put_text(0, 3, text);
		return;
	}
	scale_seconds(number(top->status, "uptime_s"), up);
	put_piece(&pieces, "synprintd %s",
		  cJSON_IsTrue(get(rules, "diverting")) ? "diverting" : "NOT DIVERTING");
	if (top->is_paused)
		put_piece(&pieces, "[paused]");
	put_piece(&pieces, "up %s", up);
	put_piece(&pieces, "engine %s", engine ? engine : "?");
	put_piece(&pieces, "version %s", version ? version : "?");
}

static void draw_syns(const struct top *top, int y)
{
	const cJSON *rules = get(top->status, "rules");
	double syns = number(get(top->status, "packets"), "syn");
	double unknown = number(get(top->status, "flagged"), "unknown");
	char rate[SCALE_BYTES], all[SCALE_BYTES], passed[SCALE_BYTES];
	struct pieces pieces = {.y = y};

	scale_count((double)(long long)top->rate, rate);
	scale_count(top->received, all);
	scale_count(number(rules, "unclassified"), passed);
	put_piece(&pieces, "SYNs     %s/s", rate);
	put_piece(&pieces, "%s in all", all);
	put_piece(&pieces, "%s passed unclassified", passed);
	put_piece(&pieces, "%.1f %% unknown", syns > 0 ? 100 * unknown / syns : 0);
}

static void draw_clients(const struct top *top, int y)
{
	const cJSON *clients = get(top->status, "clients");
	char used[SCALE_BYTES], capacity[SCALE_BYTES], evicted[SCALE_BYTES];
	struct pieces pieces = {.y = y};

	scale_count(number(clients, "used"), used);
	scale_count(number(clients, "capacity"), capacity);
	scale_count(number(clients, "evicted"), evicted);
	put_piece(&pieces, "clients  %s of %s", used, capacity);
	put_piece(&pieces, "%s gave way", evicted);
	if (top->missed)
		put_piece(&pieces, "%llu events missed here", (unsigned long long)top->missed);
}

static void draw_queues(const struct top *top, int y)
{
	const cJSON *item;
	double p50 = 0, p99 = 0, waiting = 0;
	char half[SCALE_BYTES], most[SCALE_BYTES];
	struct pieces pieces = {.y = y};

	cJSON_ArrayForEach (item, get(top->status, "queues")) {
		const cJSON *burst = get(item, "burst_us");

		p50 = number(burst, "p50") > p50 ? number(burst, "p50") : p50;
		p99 = number(burst, "p99") > p99 ? number(burst, "p99") : p99;
		waiting += number(item, "waiting");
	}
	scale_us(p50, half);
	scale_us(p99, most);
	put_piece(&pieces, "queues   %.0f waiting", waiting);
	put_piece(&pieces, "a burst takes %s", half);
	put_piece(&pieces, "99 of 100 at most %s", most);
}

static void draw_sets(const struct top *top, int y)
{
	const cJSON *publish = get(top->status, "publish"), *item;
	unsigned quarantined = 0;
	char late[SCALE_BYTES], bursts[SCALE_BYTES];
	struct pieces pieces = {.y = y};

	cJSON_ArrayForEach (item, get(publish, "sets"))
		quarantined += (unsigned)cJSON_IsTrue(get(item, "quarantined"));
	scale_count(number(publish, "late"), late);
	scale_count(number(publish, "bursts"), bursts);
	put_piece(&pieces, "sets     %d", cJSON_GetArraySize(get(publish, "sets")));
	put_piece(&pieces, "%u fail", quarantined);
	put_piece(&pieces, "%s of %s bursts late", late, bursts);
	put_piece(&pieces, "%.0f lost", number(publish, "lost"));
}

/* Of the screen, in characters. */
struct pane {
	int y, x, rows, width;
};

static void draw_title(int y, int x, int width, const char *title)
{
	attron(A_REVERSE);
	for (int i = 0; i < width && x + i < COLS && y < LINES; i++)
		mvaddch(y, x + i, ' ');
	put_at(y, x, width, title);
	attroff(A_REVERSE);
}

static void draw_shares(const struct top *top, const struct shares *shares, const char *title,
			const struct pane *pane)
{
	struct shares sorted = *shares;

	qsort(sorted.list, sorted.used, sizeof(sorted.list[0]),
	      top->sorts_by_name ? by_name : by_count);
	draw_title(pane->y, pane->x, pane->width, title);
	for (int i = 0; i < pane->rows && i < (int)sorted.used; i++) {
		char text[SYNPRINT_WORD_MAX + 16];
		int len = snprintf(text, sizeof(text), "%5.1f %%  %s",
				   sorted.total > 0 ? 100 * sorted.list[i].count / sorted.total : 0,
				   sorted.list[i].name);

		if (len > pane->width - 1 && pane->width > 2)
			snprintf(text + pane->width - 2, 2, "~");
		put_at(pane->y + 1 + i, pane->x, pane->width - 1, text);
	}
}

/* Systems and links, side by side or one above the other. Return: the line behind them. */
static int draw_panes(const struct top *top, int y, int rows)
{
	int half = COLS / 2;

	if (COLS < SIDE_BY_SIDE) {
		rows = rows > 2 ? (rows - 1) / 2 : 1;
		draw_shares(top, &top->systems, "systems", &(struct pane){y, 0, rows, COLS});
		y += 1 + rows;
		draw_shares(top, &top->links, "links", &(struct pane){y, 0, rows, COLS});
	} else {
		draw_shares(top, &top->systems, "systems", &(struct pane){y, 0, rows, half});
		draw_shares(top, &top->links, "links", &(struct pane){y, half, rows, COLS - half});
	}
	return y + 1 + rows;
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

/* Return: the line behind it. */
static int draw_suspect(const struct suspect *suspect, int y, int end)
{
	const struct synprint_verdict *verdict = &suspect->verdict;
	struct pieces pieces = {.y = y};
	char when[16], flags[96], text[256];
	struct tm tm;
	int len;

	localtime_r(&suspect->time, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	flag_text(verdict->flags, flags, sizeof(flags));
	len = snprintf(text, sizeof(text), "%s %-15s %s", when, verdict->ip, flags);
	if (len >= COLS)
		return y + put_text(y, end - y, text);
	put_f(y, 0, "%s", text);
	pieces.x = len < 38 ? 38 : len + 1;
	put_piece(&pieces, "%s", verdict->os_label);
	put_piece(&pieces, "%s", verdict->link);
	return y + 1;
}

static void draw_suspects(const struct top *top, int y, int end)
{
	draw_title(y++, 0, COLS, "newest suspects");
	for (unsigned i = 0; i < top->suspect_count && i < SUSPECTS_MAX && y < end; i++)
		y = draw_suspect(&top->suspects[(top->suspect_count - 1 - i) % SUSPECTS_MAX], y,
				 end);
}

/* On a low screen the suspects have what room there is. */
static void draw(const struct top *top)
{
	bool is_low = LINES < LOW_LINES;
	int y = 1, end = LINES - 1;

	erase();
	draw_head(top);
	if (top->is_connected) {
		draw_syns(top, y++);
		draw_clients(top, y++);
		if (!is_low)
			draw_queues(top, y++);
		draw_sets(top, y++);
	} else {
		y = 4;
	}
	if (!is_low)
		y = draw_panes(top, y + 1, (LINES - 10) / 2);
	draw_suspects(top, y, end);
	put_at(end, 0, COLS, COLS > 37 ? "q quit  p pause  s sort by name/share" : "q p s");
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
	.lacks = CLI_LACKS(CLI_OPT_JSON),
	.run = run,
};
