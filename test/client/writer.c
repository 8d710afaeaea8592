/* writer [-r RATE] [-o ACKFILE] URL - write unique rows at a steady rate, and note those that were acknowledged */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

/* Row k is due at start + k/RATE. A row that no worker got to within LATE_MS counts as failed and is not sent,
 * so that an outage is not followed by a burst. */
enum { WORKERS = 4, DEADLINE_MS = 2000, LATE_MS = 1000 };

static struct {
	struct sockaddr_in address;
	char host[64];
	char path[200];
	double rate;
	int out;
	int64_t start;
	long long stamp; /* makes bodies unique over runs */
} run = { .rate = 50, .out = STDOUT_FILENO };

static atomic_long next, acked, failed;
static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Waits until the socket is ready or the deadline has passed. */
static bool
ready(int fd, short what, int64_t deadline)
{
	struct pollfd p = { fd, what, 0 };

	for (;;) {
		int64_t left = (deadline - now_ns(CLOCK_MONOTONIC)) / 1000000;
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n >= 0 || errno != EINTR)
			return n == 1;
	}
}

static int
open_connection(int64_t deadline)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&run.address, sizeof(run.address)) == 0 ||
	    (errno == EINPROGRESS && ready(fd, POLLOUT, deadline) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0))
		return fd;
	(void)close(fd);
	return -1;
}

/* The whole answer must come: its head, and as much body as its Content-Length says. */
static bool
answered(int fd, int64_t deadline)
{
	char text[4096];
	size_t used = 0;

	for (;;) {
		ssize_t n;
		char *body, *length;

		if (!ready(fd, POLLIN, deadline))
			return false;
		n = recv(fd, text + used, sizeof(text) - 1 - used, 0);
		if (n <= 0)
			return false;
		used += (size_t)n;
		text[used] = '\0';
		body = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "\r\nContent-Length:");
		if (body && length && length < body &&
		    strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) <= strlen(body + 4))
			return strncmp(text, "HTTP/1.1 200 ", 13) == 0;
	}
}

static bool
post(const char *body)
{
	int64_t deadline = now_ns(CLOCK_MONOTONIC) + (int64_t)DEADLINE_MS * 1000000;
	char text[512];
	int fd = open_connection(deadline), size;
	bool good;

	if (fd < 0)
		return false;
	size = snprintf(text, sizeof(text),
	    "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", run.path, run.host,
	    strlen(body), body);
	good = send(fd, text, (size_t)size, MSG_NOSIGNAL) == size && answered(fd, deadline);
	(void)close(fd);
	return good;
}

static void
note(const char *body)
{
	char line[128];
	int size = snprintf(line, sizeof(line), "%lld\t%s\n", (long long)now_ns(CLOCK_REALTIME), body);

	if (write(run.out, line, (size_t)size) != size) {
		perror("writer: cannot note a row");
		_exit(111);
	}
}

static void *
work(void *arg)
{
	(void)arg;
	while (!stopped) {
		long k = next++;
		int64_t due = run.start + (int64_t)((double)k * 1e9 / run.rate);
		struct timespec until = { due / 1000000000, due % 1000000000 };
		char body[64];

		while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			;
		if (stopped)
			break;
		(void)snprintf(body, sizeof(body), "row-%lld-%ld", run.stamp, k);
		if (now_ns(CLOCK_MONOTONIC) - due <= (int64_t)LATE_MS * 1000000 && post(body)) {
			note(body);
			acked++;
		} else {
			failed++;
		}
	}
	return NULL;
}

static bool
url_read(const char *url)
{
	unsigned port = 80;
	char host[16];

	run.address.sin_family = AF_INET;
	if ((sscanf(url, "http://%15[0-9.]:%5u%199s", host, &port, run.path) != 3 &&
	    sscanf(url, "http://%15[0-9.]%199s", host, run.path) != 2) || run.path[0] != '/' || port > 65535 ||
	    inet_pton(AF_INET, host, &run.address.sin_addr) != 1)
		return false;
	run.address.sin_port = htons((uint16_t)port);
	(void)snprintf(run.host, sizeof(run.host), "%s:%u", host, port);
	return true;
}

int
main(int argc, char **argv)
{
	struct sigaction stop = { .sa_handler = on_stop };
	pthread_t workers[WORKERS];
	sigset_t signals;
	int c;

	while ((c = getopt(argc, argv, "r:o:")) != -1) {
		if (c == 'r')
			run.rate = strtod(optarg, NULL);
		else if (c == 'o')
			run.out = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		else
			return 100;
	}
	if (argc - optind != 1 || !(run.rate > 0) || run.out < 0 || !url_read(argv[optind])) {
		fputs("usage: writer [-r RATE] [-o ACKFILE] http://A.B.C.D:PORT/PATH\n", stderr);
		return 100;
	}
	/* Only main takes the stop; the workers look at the flag when their row is due. */
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	run.start = now_ns(CLOCK_MONOTONIC);
	run.stamp = (long long)now_ns(CLOCK_REALTIME);
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&workers[i], NULL, work, NULL) != 0)
			return 111;
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigemptyset(&signals);
	while (!stopped)
		(void)sigsuspend(&signals);
	for (int i = 0; i < WORKERS; i++)
		(void)pthread_join(workers[i], NULL);
	printf("%ld %ld\n", (long)acked, (long)failed);
	return fflush(stdout) == 0 ? 0 : 111;
}
