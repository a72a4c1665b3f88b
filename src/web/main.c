/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint-web: command line, configuration, sockets, and then the server from start to stop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/log.h"
#include "sys/notify.h"
#include "sys/privs.h"
#include "sys/standard.h"
#include "web/census.h"
#include "web/confine.h"
#include "web/figures.h"
#include "web/http/server.h"
#include "web/series.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INPUT = 4, EXIT_PRIVILEGES, EXIT_SOCKET = 7 };

#define CHART_BYTES_MAX (4 * 1024 * 1024)

static const char usage[] =
	"usage: synprint-web [-c FILE] [-l ADDRESS:PORT|unix:PATH]... [-s PATH] [-t]\n"
	"  -c, --config FILE     read this configuration (default " WEB_CONFIG_DEFAULT_PATH
	", which may be missing)\n"
	"  -l, --listen ADDRESS  listen here and not where the configuration says; may be "
	"repeated\n"
	"  -s, --control PATH    synprintd's control socket\n"
	"  -t, --test            check the configuration, and exit\n"
	"  -V, --version         print the version, and exit\n"
	"  -h, --help            print this, and exit\n"
	"exit codes: 0 ok, 1 failed, 2 usage, 4 configuration, 5 no privileges, 7 cannot listen\n"
	"  (synprint-web(8))\n";

struct options {
	const char *config_path; /* NULL: the default one, if it is there */
	const char *control;
	const char *listen[WEB_LISTEN_MAX];
	unsigned listen_count;
	bool is_test;
};

static int take_listener(struct options *options, const char *text)
{
	if (options->listen_count == WEB_LISTEN_MAX) {
		fprintf(stderr, "synprint-web: at most %d times --listen\n", WEB_LISTEN_MAX);
		return EXIT_USAGE;
	}
	options->listen[options->listen_count++] = text;
	return -1;
}

/* Returns -1 to go on, or the code to exit with. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"listen", required_argument, NULL, 'l'},
					      {"control", required_argument, NULL, 's'},
					      {"test", no_argument, NULL, 't'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option, code = -1;

	while (code < 0 && (option = getopt_long(argc, argv, "c:l:s:tVh", longs, NULL)) != -1) {
		switch (option) {
		case 'c': options->config_path = optarg; break;
		case 'l': code = take_listener(options, optarg); break;
		case 's': options->control = optarg; break;
		case 't': options->is_test = true; break;
		case 'V': puts("synprint-web " SYNPRINT_VERSION); return EXIT_OK;
		case 'h': fputs(usage, stdout); return EXIT_OK;
		default: fputs(usage, stderr); return EXIT_USAGE;
		}
	}
	if (code < 0 && optind < argc) {
		fprintf(stderr, "synprint-web: unexpected argument '%s'\n%s", argv[optind], usage);
		return EXIT_USAGE;
	}
	return code;
}

/* 1: there is none, and need not be. */
static int read_config(const struct options *options, struct web_config *config)
{
	const char *path = options->config_path ? options->config_path : WEB_CONFIG_DEFAULT_PATH;
	struct text_error error = {0};
	int rc = web_config_read(config, path, &error);

	if (rc == 0 || (rc == -ENOENT && !options->config_path))
		return rc < 0;
	if (error.line)
		log_line(LOG_LEVEL_ERROR, "%s:%u: %s", path, error.line, error.what);
	else
		log_line(LOG_LEVEL_ERROR, "%s: %s", path, error.what);
	return rc;
}

static int apply_options(const struct options *options, struct web_config *config)
{
	if (options->listen_count)
		config->listen_count = 0;
	for (unsigned i = 0; i < options->listen_count; i++)
		if (web_config_add_listener(config, options->listen[i]) < 0) {
			fprintf(stderr,
				"synprint-web: --listen %s: expected an address and port such as "
				"127.0.0.1:8250, or unix:/PATH\n",
				options->listen[i]);
			return EXIT_USAGE;
		}
	if (!config->listen_count) {
		web_config_add_listener(config, "127.0.0.1:8250");
		web_config_add_listener(config, "unix:/run/synprint-web/http.sock");
	}
	if (options->control && strlen(options->control) >= sizeof(config->control)) {
		fprintf(stderr, "synprint-web: --control: the path is too long\n");
		return EXIT_USAGE;
	}
	if (options->control)
		memcpy(config->control, options->control, strlen(options->control) + 1);
	return -1;
}

/* A regular file as a whole, with a NUL behind it; from malloc(). Return: its length or -errno. */
static ssize_t read_file(const char *path, size_t max, char **ret_data)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	char *data = NULL;
	ssize_t len = -EINVAL;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size <= max)
		data = malloc((size_t)status.st_size + 1);
	if (data)
		len = read(fd, data, (size_t)status.st_size);
	close(fd);
	if (len < 0) {
		free(data);
		return -EINVAL;
	}
	data[len] = '\0';
	*ret_data = data;
	return len;
}

static const char *read_error_text(ssize_t rc)
{
	return rc == -EINVAL ? "it is no regular file, or too large" : strerror((int)-rc);
}

/* Never its text, wherever it goes wrong. */
static int load_token(const struct web_config *config, struct access *access)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY"); /* systemd.exec(5) */
	char path[WEB_PATH_MAX + sizeof("/web.token")] = "", *data = NULL;
	ssize_t len;
	int rc;

	if (*config->token_file)
		snprintf(path, sizeof(path), "%s", config->token_file);
	else if (credentials)
		snprintf(path, sizeof(path), "%.255s/web.token", credentials);
	if (!*path)
		return 0;
	len = read_file(path, 2 * ACCESS_TOKEN_MAX, &data);
	if (!data) {
		log_line(LOG_LEVEL_ERROR, "token_file %s: %s", path, read_error_text(len));
		return -EINVAL;
	}
	data[strcspn(data, "\r\n")] = '\0';
	/* What the service is given where nobody has made a token. */
	rc = strcmp(data, "none") ? access_set_token(access, data) : 0;
	explicit_bzero(data, (size_t)len);
	free(data);
	if (rc < 0)
		log_line(LOG_LEVEL_ERROR,
			 "token_file %s: expected %d to %d printable characters on its first line",
			 path, ACCESS_TOKEN_MIN, ACCESS_TOKEN_MAX);
	return rc;
}

static void load_chart(struct exchange_site *site)
{
	char *data = NULL;
	ssize_t len = read_file(site->config->chart, CHART_BYTES_MAX, &data);

	if (len <= 0) {
		log_line(LOG_LEVEL_WARNING,
			 "%s: %s; /live shows tables instead of charts (Debian: libjs-chart.js)",
			 site->config->chart, len ? read_error_text(len) : "it is empty");
		free(data);
		return;
	}
	site->chart = data;
	site->chart_len = (size_t)len;
}

static void raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The default one need not be there. */
static void warn_of_what_is_missing(const struct exchange_site *site)
{
	const char *group = site->config->group;

	if (*group && strcmp(group, WEB_CONFIG_DEFAULT_GROUP) != 0 && !getgrnam(group))
		log_line(LOG_LEVEL_WARNING,
			 "group: there is no group '%s', so the Unix socket stays with our own",
			 group);
	if (!site->access.token[0] && !site->config->trust.local)
		log_line(
			LOG_LEVEL_WARNING,
			"no token_file and local = false: nobody may see /live, /events, /metrics");
}

static int confine(const struct web_config *config)
{
	int rc = confine_become(config->user);

	if (rc < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot become user '%s': %s", config->user,
			 rc == -ENOENT ? "there is none of that name" : strerror(-rc));
		return EXIT_PRIVILEGES;
	}
	rc = confine_enter();
	if (rc < 0 && rc != -EOPNOTSUPP)
		log_line(LOG_LEVEL_WARNING, "no filter of system calls: %s", strerror(-rc));
	return EXIT_OK;
}

static int serve(struct exchange_site *site)
{
	struct listen_socket sockets[WEB_LISTEN_MAX];
	struct text_error error = {0};
	struct http_server *server = NULL;
	struct notify notify;
	int count = listen_open(site->config, &error, sockets), code, rc;

	if (count < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", error.what);
		return EXIT_SOCKET;
	}
	block_signals();
	raise_files();
	notify_init(&notify);
	rc = http_server_new(site, sockets, (unsigned)count, &server);
	code = rc < 0 ? EXIT_FAILED : confine(site->config);
	if (rc < 0)
		log_line(LOG_LEVEL_ERROR, "cannot serve: %s", strerror(-rc));
	if (code == EXIT_OK) {
		for (int i = 0; i < count; i++)
			log_line(LOG_LEVEL_INFO, "listening on %s", sockets[i].text);
		notify_send(&notify, "READY=1");
		code = http_server_run(server) < 0 ? EXIT_FAILED : EXIT_OK;
		notify_send(&notify, "STOPPING=1");
	}
	http_server_free(server);
	notify_done(&notify);
	listen_close(sockets, (unsigned)count);
	return code;
}

static int run(struct web_config *config)
{
	static struct figures figures;
	static struct series series;
	static struct exchange_site site;
	int code;

	site = (struct exchange_site){.config = config,
				      .figures = &figures,
				      .series = &series,
				      .census = census_new()};
	if (!site.census || load_token(config, &site.access) < 0) {
		census_free(site.census);
		return EXIT_INPUT;
	}
	load_chart(&site);
	warn_of_what_is_missing(&site);
	code = serve(&site);
	census_free(site.census);
	free((void *)(uintptr_t)site.chart);
	return code;
}

/* What would end a start, but for its sockets. */
static int try_start(const struct web_config *config)
{
	static struct exchange_site site;
	struct privs_user user;

	site.config = config;
	if (load_token(config, &site.access) < 0)
		return EXIT_INPUT;
	warn_of_what_is_missing(&site);
	if (*config->user && privs_find_user(config->user, &user) == -ENOENT) {
		log_line(LOG_LEVEL_ERROR, "user: there is no user '%s'", config->user);
		return EXIT_PRIVILEGES;
	}
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct web_config config;
	struct options options = {0};
	int code, is_missing;

	standard_hold();
	code = parse_options(argc, argv, &options);
	if (code >= 0)
		return code;
	web_config_init(&config);
	is_missing = read_config(&options, &config);
	if (is_missing < 0)
		return EXIT_INPUT;
	code = apply_options(&options, &config);
	if (code >= 0)
		return code;
	if (!options.is_test)
		return run(&config);
	code = try_start(&config);
	if (code != EXIT_OK)
		return code;
	printf("%s: %s\n", options.config_path ? options.config_path : WEB_CONFIG_DEFAULT_PATH,
	       is_missing ? "is not there: everything has its default"
			  : "the configuration is good");
	return EXIT_OK;
}
