/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c - softiovd: configuration in, rooms wired together, threads started.
 *
 * This thread is the device thread: it runs the event loop that serves every guest's registers, the PF drivers and the
 * timers. Workers and the management thread are started here and stopped in the reverse order.
 */
#include <event2/event.h>
#include <event2/thread.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "daemon/card.h"
#include "daemon/control.h"
#include "daemon/sysfs_bridge.h"
#include "daemon/notify.h"
#include "daemon/vms.h"
#include "util/log.h"

#define SYSTEM_CONFIG "/etc/softiov/softiovd.yaml"
#define DATA_DIR "/var/lib/softiov"
#define EXIT_USAGE 2
#define POWER_OFF_S 60		      /* VMs of ours may take so long at a signal, */
#define FORCED_OFF_S 30		      /* and when the daemon is made to stop */
#define POLL_MS 100		      /* shared register pages are looked at this often */
#define CHECK_MS 1000		      /* memory of clients */
#define INSIST_NS (10 * NSEC_PER_SEC) /* a second signal within this time stops a daemon in use */

struct options {
	const char *config_path;
	const char *run_dir, *data_dir;
	bool check_only;
};

struct daemon {
	struct config *config;
	struct event_base *base;
	struct notify notify;
	struct quiesce quiesce;
	struct dp *dp;
	struct card_env env;
	unsigned int cards;
	struct card *card[CONFIG_MAX_CARDS];
	struct control *control;
	struct sysfs_bridge *sysfs;
	struct api_server *api;
	struct vms *vms;
	struct event *publish, *grace, *poll, *check, *sigterm, *sigint;
	unsigned int pfs_to_come; /* not up yet */
	bool started;
	bool dirty;
	uint64_t signal_ns; /* when the last signal came */
};

static void usage(FILE *to)
{
	fprintf(to, "usage: softiovd [--config FILE] [--run-dir DIR] [--data-dir DIR] [--log-level "
		    "error|warning|info|debug]\n"
		    "       softiovd --check-config [--config FILE]\n"
		    "       softiovd --version | --help\n"
		    "Without --config: " SYSTEM_CONFIG
		    " if it exists, else one card 0000:07 with 8 VFs.\n");
}

static int parse_log_level(const char *text)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(text, names[i])) {
			log_set_level((enum log_level)i);
			return 0;
		}
	fprintf(stderr, "softiovd: --log-level '%s' is not one of: error, warning, info, debug\n",
		text);
	return -EINVAL;
}

/* Return: -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "data-dir", required_argument, NULL, 'd' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:r:l:h", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config_path = optarg;
			break;
		case 'r':
			options->run_dir = optarg;
			break;
		case 'd':
			options->data_dir = optarg;
			break;
		case 'l':
			if (parse_log_level(optarg))
				return EXIT_USAGE;
			break;
		case 'k':
			options->check_only = true;
			break;
		case 'v':
			printf("softiovd %s\n", SOFTIOV_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "softiovd: unexpected word '%s'\n", argv[optind]);
		usage(stderr);
		return EXIT_USAGE;
	}
	return -1;
}

/* A daemon with a run directory of its own has an inventory of its own, too. */
static int choose_data_dir(const struct options *options, struct config *config, struct reason *why)
{
	const char *last = options->run_dir ? "/inventory" : "";
	const char *dir = options->data_dir;
	char text[PATH_MAX];

	if (!dir && config->vms.data_dir[0])
		return 0;
	if (!dir)
		dir = options->run_dir ? options->run_dir : DATA_DIR;
	else
		last = "";
	if ((size_t)snprintf(text, sizeof(text), "%s%s", dir, last) >= sizeof(text))
		return refuse(why, -EINVAL, "--data-dir '%.40s…' is too long", dir);
	strcpy(config->vms.data_dir, text);
	return 0;
}

static int load_config(const struct options *options, struct config **config, struct reason *why)
{
	const char *path = options->config_path;

	if (!path && access(SYSTEM_CONFIG, F_OK) == 0)
		path = SYSTEM_CONFIG;
	if (path) {
		int error = config_load(path, config, why);

		if (error)
			return error;
	} else {
		*config = config_default();
		if (!*config)
			return refuse(why, -ENOMEM, "out of memory");
	}
	if (options->run_dir) {
		if (strlen(options->run_dir) > 80)
			return refuse(why, -EINVAL, "--run-dir '%s' is longer than 80 characters",
				      options->run_dir);
		snprintf((*config)->run_dir, sizeof((*config)->run_dir), "%s", options->run_dir);
	}
	return choose_data_dir(options, *config, why);
}

static int make_run_dir(const char *path, struct reason *why)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		return refuse(why, -errno, "%s: %s: create it or name another with --run-dir", path,
			      strerror(errno));
	if (access(path, W_OK | X_OK))
		return refuse(why, -errno,
			      "%s: %s: run as root or name another directory with --run-dir", path,
			      strerror(errno));
	return 0;
}

/* Every VF needs a socket, a connection, a register file and up to 3 eventfds. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Publishing: collected, and done at the latest when somebody asks for a grace period. */

static void publish(void *ctx)
{
	struct daemon *d = ctx;

	if (!d->dirty)
		return;
	d->dirty = false;
	for (unsigned int i = 0; i < d->cards; i++)
		card_publish(d->card[i]);
}

static unsigned int count_attached(const struct daemon *d)
{
	unsigned int attached = 0;

	for (unsigned int i = 0; i < d->cards; i++)
		attached += card_attached(d->card[i]);
	return attached;
}

static void tell_status(struct daemon *d)
{
	notify_status(&d->notify, "cards: %u; VFs and cards in use: %u", d->cards,
		      count_attached(d));
}

/* Ready is who has started everything, and whose PFs are all up: some are before card_create() returns. */
static void tell_ready(struct daemon *d)
{
	if (!d->started || d->pfs_to_come)
		return;
	log_info("ready: %s/softiov.sock", d->config->run_dir);
	tell_status(d);
	notify_ready(&d->notify);
}

static void on_pf_ready(void *ctx)
{
	struct daemon *d = ctx;

	d->pfs_to_come--;
	vms_vfs_changed(d->vms, true);
	tell_ready(d);
}

static void on_vfs_changed(void *ctx)
{
	struct daemon *d = ctx;

	vms_vfs_changed(d->vms, false);
}

static unsigned int count_pfs(const struct config *config)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < config->cards; c++)
		for (unsigned int i = 0; i < config->card[c].ports; i++)
			n += config->card[c].port[i].pfs;
	return n;
}

static void on_publish(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd, (void)events;
	publish(ctx);
}

static void mark_dirty(void *ctx)
{
	struct daemon *d = ctx;

	if (d->dirty)
		return;
	d->dirty = true;
	event_active(d->publish, EV_TIMEOUT, 0);
}

static void on_grace(evutil_socket_t fd, short events, void *ctx)
{
	struct daemon *d = ctx;

	(void)fd, (void)events;
	quiesce_poll(&d->quiesce);
}

static void on_poll(evutil_socket_t fd, short events, void *ctx)
{
	struct daemon *d = ctx;

	(void)fd, (void)events;
	for (unsigned int i = 0; i < d->cards; i++)
		card_poll(d->card[i]);
}

static void on_check(evutil_socket_t fd, short events, void *ctx)
{
	struct daemon *d = ctx;

	(void)fd, (void)events;
	for (unsigned int i = 0; i < d->cards; i++)
		card_check(d->card[i]);
	if (!d->pfs_to_come)
		tell_status(d);
}

/* The end */

static void end_loop(void *ctx)
{
	struct daemon *d = ctx;

	event_base_loopexit(d->base, NULL);
}

/* A client may stop us: not without a chance for the guests of our VMs. */
static void on_stop(void *ctx)
{
	struct daemon *d = ctx;

	if (vms_running(d->vms))
		vms_power_off(d->vms, FORCED_OFF_S, end_loop, d);
	else
		end_loop(d);
}

static unsigned int attached_now(void *ctx)
{
	return count_attached(ctx);
}

static unsigned int vms_now(void *ctx)
{
	const struct daemon *d = ctx;

	return vms_running(d->vms);
}

static void stop_unless_attached(void *ctx)
{
	struct daemon *d = ctx;
	unsigned int attached = count_attached(d);

	/* A service manager was asked to stop us by somebody who meant it, and would kill us next. */
	if (!attached || d->notify.fd >= 0) {
		end_loop(d);
		return;
	}
	log_warning(
		"refused to stop: %u VFs or cards are attached to VMs, whose network would die. "
		"Stop the VMs, or: softiov stop --force, or signal again within 10 s",
		attached);
}

static void on_signal(evutil_socket_t number, short events, void *ctx)
{
	struct daemon *d = ctx;
	uint64_t now = now_ns();

	(void)events;
	if (d->signal_ns && now - d->signal_ns < INSIST_NS) {
		end_loop(d);
		return;
	}
	d->signal_ns = now;
	log_info("%s", number == SIGINT ? "SIGINT" : "SIGTERM");
	if (vms_running(d->vms))
		vms_power_off(d->vms, POWER_OFF_S, stop_unless_attached, d);
	else
		stop_unless_attached(d);
}

static struct event *timer(struct daemon *d, unsigned int ms, event_callback_fn callback)
{
	const struct timeval period = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
	struct event *event = event_new(d->base, -1, EV_PERSIST, callback, d);

	if (event)
		event_add(event, &period);
	return event;
}

/* Timers of microseconds: a client's writes wait for company that long (struct vfio_user_ops.patience_ns). */
static struct event_base *create_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && !event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int create_loop(struct daemon *d, struct reason *why)
{
	int error;

	evthread_use_pthreads();
	d->base = create_base();
	if (!d->base)
		return refuse(why, -ENOMEM, "event loop: out of memory");
	error = quiesce_init(&d->quiesce);
	if (error)
		return refuse(why, error, "eventfd: %s", strerror(-error));
	d->quiesce.publish = publish;
	d->quiesce.publish_ctx = d;
	d->publish = event_new(d->base, -1, 0, on_publish, d);
	d->grace = event_new(d->base, d->quiesce.kick_fd, EV_READ | EV_PERSIST, on_grace, d);
	d->sigterm = evsignal_new(d->base, SIGTERM, on_signal, d);
	d->sigint = evsignal_new(d->base, SIGINT, on_signal, d);
	d->poll = timer(d, POLL_MS, on_poll);
	d->check = timer(d, CHECK_MS, on_check);
	if (!d->publish || !d->grace || !d->sigterm || !d->sigint || !d->poll || !d->check)
		return refuse(why, -ENOMEM, "event loop: out of memory");
	event_add(d->grace, NULL);
	event_add(d->sigterm, NULL);
	event_add(d->sigint, NULL);
	if (notify_watch(&d->notify, d->base))
		return refuse(why, -ENOMEM, "event loop: out of memory");
	return 0;
}

static int create_workers(struct daemon *d, struct reason *why)
{
	const struct config *config = d->config;
	const struct dp_policy policy = {
		.busy_us = config->busy_us,
		.nap_us = config->nap_us,
		.nap_max_us = config->nap_max_us,
		.always_busy = config->always_busy,
	};

	return dp_create(&d->dp, config->workers, config->pinned ? config->cpu : NULL, &policy,
			 &d->quiesce, why);
}

static int create_api(struct daemon *d, struct reason *why)
{
	char path[PATH_MAX];
	int error;
	struct api_config config = {
		.path = path,
		.owner = d->config->api.owner,
		.group = d->config->api.group,
		.mode = d->config->api.mode,
		.submit = control_submit,
	};

	if ((size_t)snprintf(path, sizeof(path), "%s/softiov.sock", d->config->run_dir) >=
	    sizeof(path))
		return refuse(why, -ENAMETOOLONG, "%s is too long", d->config->run_dir);
	d->control = control_create(d->base, d->card, &d->cards, d->dp, vms_now, on_stop, d);
	d->vms = vms_create(d->base, attached_now, d);
	if (!d->control || !d->vms)
		return refuse(why, -ENOMEM, "out of memory");
	config.ctx = d->control;
	config.manage = vms_manage;
	config.changed = vms_changed;
	config.manage_ctx = d->vms;
	error = api_create(&d->api, &config, why);
	if (error)
		return error;
	vms_open(d->vms, d->config, d->api);
	return api_start(d->api, why);
}

static int start(struct daemon *d, struct reason *why)
{
	int error = make_run_dir(d->config->run_dir, why);

	if (!error)
		error = create_loop(d, why);
	if (!error) {
		error = iommu_sigbus_guard();
		if (error)
			refuse(why, error, "SIGBUS handler: %s", strerror(-error));
	}
	if (!error)
		error = create_workers(d, why);
	if (!error)
		error = create_api(
			d, why); /* first: it tells whether another daemon uses this directory */
	d->env = (struct card_env){ .base = d->base,
				    .quiesce = &d->quiesce,
				    .dp = d->dp,
				    .config = d->config,
				    .ready = on_pf_ready,
				    .dirty = mark_dirty,
				    .vfs_changed = on_vfs_changed,
				    .ctx = d };
	d->pfs_to_come = count_pfs(d->config);
	while (!error && d->cards < d->config->cards) {
		struct card *card = NULL;

		error = card_create(&card, &d->env, &d->config->card[d->cards], why);
		if (card)
			d->card[d->cards++] = card;
	}
	if (!error && d->config->sysfs)
		d->sysfs = sysfs_bridge_start(d->base, d->card, &d->cards, d->config->run_dir);
	return error;
}

static void stop(struct daemon *d)
{
	struct event *events[] = { d->publish, d->grace, d->poll, d->check, d->sigterm, d->sigint };

	control_close(d->control);
	sysfs_bridge_close(d->sysfs);
	for (unsigned int i = 0; i < d->cards; i++)
		card_detach(d->card[i]);
	if (d->dp)
		dp_destroy(d->dp);
	for (unsigned int i = 0; i < d->cards; i++)
		card_workers_gone(d->card[i]);
	/* The PF drivers' last steps, for which always-busy workers may have left no time. */
	if (d->quiesce.last)
		quiesce_poll(&d->quiesce);
	for (unsigned int i = 0; i < d->cards; i++)
		card_destroy(d->card[i]);
	if (d->quiesce.last)
		quiesce_fini(&d->quiesce);
	api_stop(d->api); /* no call for the cards is under way any more */
	vms_destroy(d->vms);
	api_destroy(d->api);
	control_destroy(d->control);
	sysfs_bridge_destroy(d->sysfs);
	for (unsigned int i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i])
			event_free(events[i]);
	notify_close(&d->notify);
	if (d->base)
		event_base_free(d->base);
	free(d->config);
	libevent_global_shutdown();
}

int main(int argc, char **argv)
{
	static struct daemon d;
	struct options options = { NULL };
	struct reason why = { "" };
	int status = parse_options(argc, argv, &options);
	int error;

	if (status >= 0)
		return status;
	error = load_config(&options, &d.config, &why);
	if (error) {
		fprintf(stderr, "softiovd: %s\n", why.text);
		return EXIT_USAGE;
	}
	if (options.check_only) {
		printf("%s: ok\n", options.config_path ? options.config_path : "configuration");
		free(d.config);
		return EXIT_SUCCESS;
	}
	signal(SIGPIPE, SIG_IGN);
	notify_open(&d.notify);
	raise_file_limit();
	pthread_setname_np(pthread_self(), "softiov-device");
	error = start(&d, &why);
	if (error) {
		fprintf(stderr, "softiovd: %s\n", why.text);
	} else {
		d.started = true;
		tell_ready(&d);
		event_base_dispatch(d.base);
		log_info("stopping");
		notify_stopping(&d.notify);
	}
	stop(&d);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
