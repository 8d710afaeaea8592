/* ssh.c - see ssh.h */
#define _GNU_SOURCE
#include "ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/transport.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "auto.h"
#include "durable.h"

bool
ssh_check(const struct ssh *ssh, struct err *err)
{
	AUTO(fd_release) int fd = -1, known = -1;
	struct stat st;

	if (ssh->known && (known = open(ssh->known, O_RDONLY | O_CLOEXEC)) < 0) {
		(void)err_sys(err, "cannot open the known hosts '%s'", ssh->known);
		err->status = STATUS_USE;
		return false;
	}
	if (!ssh->key)
		return true;
	fd = open(ssh->key, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)err_sys(err, "cannot open the key '%s'", ssh->key);
		err->status = STATUS_USE;
		return false;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, STATUS_USE, "key '%s' is not a plain file", ssh->key);
	if (!(st.st_mode & 077))
		return true;
	(void)err_set(err, STATUS_USE, "key '%s' can be read by others than its owner", ssh->key);
	return err_hint(err, "chmod 600 '%s'", ssh->key);
}

/* ---- the program ---- */

/* One word for the shell at the other end. */
static char *
quoted(struct arena *a, const char *text)
{
	char *word = arena_str(a, "'");

	for (; *text; text++)
		word = *text == '\'' ? arena_fmt(a, "%s'\\''", word) : arena_fmt(a, "%s%c", word, *text);
	return arena_fmt(a, "%s'", word);
}

/* The value of an option as ssh reads it from a line of its configuration, where % begins a token. */
static char *
option(struct arena *a, const char *name, const char *file)
{
	char *path = realpath(file, NULL), *value = arena_fmt(a, "%s=\"", name);
	const char *p;

	for (p = path ? path : file; *p; p++)
		value = *p == '%' ? arena_fmt(a, "%s%%%%", value) : strchr("\"\\", *p) ? arena_fmt(a, "%s\\%c", value, *p)
		                                                                    : arena_fmt(a, "%s%c", value, *p);
	free(path);
	return arena_fmt(a, "%s\"", value);
}

static void
become_ssh(const struct ssh *ssh, int in, int out)
{
	const struct url *u = ssh->url;
	struct arena a = {0};
	const char *argv[40] = { "ssh", "-T", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oLogLevel=ERROR",
		"-oConnectTimeout=60", "-oServerAliveInterval=15", "-oForwardAgent=no", "-oForwardX11=no",
		"-oClearAllForwardings=yes", "-oPermitLocalCommand=no", "-oUpdateHostKeys=no", "-oControlMaster=no", "-oControlPath=none" };
	size_t n = 14;

	if (ssh->key) {
		argv[n++] = "-oIdentitiesOnly=yes";
		argv[n++] = "-oIdentityAgent=none";
		argv[n++] = "-oPreferredAuthentications=publickey";
		argv[n++] = arena_fmt(&a, "-o%s", option(&a, "IdentityFile", ssh->key));
	}
	if (ssh->known) {
		argv[n++] = "-oGlobalKnownHostsFile=none";
		argv[n++] = arena_fmt(&a, "-o%s", option(&a, "UserKnownHostsFile", ssh->known));
	}
	if (u->port)
		argv[n++] = arena_fmt(&a, "-p%s", u->port);
	if (u->user)
		argv[n++] = arena_fmt(&a, "-l%s", u->user);
	argv[n++] = "--";
	argv[n++] = u->host;
	argv[n++] = arena_fmt(&a, "git-upload-pack %s", quoted(&a, u->path));
	argv[n] = NULL;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)unsetenv("SLIPWAY_TOKEN");
	(void)setenv("LC_ALL", "C", 1); /* its words are read */
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(ssh->said, 2) >= 0)
		(void)execvp("ssh", (char *const *)argv);
	(void)dprintf(2, "cannot run ssh: %s\n", strerror(errno));
	_exit(127);
}

static int
start(struct ssh *ssh)
{
	AUTO(fd_release) int their_in = -1, their_out = -1;
	int to[2], from[2];

	ssh->said = memfd_create("ssh", MFD_CLOEXEC);
	if (ssh->said < 0 || pipe2(to, O_CLOEXEC) != 0)
		return -1;
	their_in = to[0];
	ssh->in = to[1];
	if (pipe2(from, O_CLOEXEC) != 0)
		return -1;
	their_out = from[1];
	ssh->out = from[0];
	(void)signal(SIGPIPE, SIG_IGN); /* we are the child that fetches, and see it by the write */
	ssh->pid = fork();
	if (ssh->pid == 0) {
		(void)signal(SIGPIPE, SIG_DFL);
		become_ssh(ssh, their_in, their_out);
	}
	return ssh->pid > 0 ? 0 : -1;
}

void
ssh_release(struct ssh *ssh)
{
	if (ssh->pid <= 0)
		return;
	(void)close(ssh->in);
	(void)close(ssh->out);
	(void)kill(ssh->pid, SIGTERM);
	while (waitpid(ssh->pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(ssh->said);
	ssh->pid = 0;
}

/* ---- what libgit2 wants of a way ---- */

struct way {
	git_smart_subtransport base;
	git_smart_subtransport_stream stream;
	struct ssh *ssh;
};

static struct way *
way_of(git_smart_subtransport_stream *stream)
{
	return (struct way *)(void *)stream->subtransport;
}

static int
way_read(git_smart_subtransport_stream *stream, char *buffer, size_t size, size_t *got)
{
	ssize_t n;

	do
		n = read(way_of(stream)->ssh->out, buffer, size);
	while (n < 0 && errno == EINTR);
	*got = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		return 0;
	git_error_set_str(GIT_ERROR_SSH, strerror(errno));
	return -1;
}

static int
way_write(git_smart_subtransport_stream *stream, const char *buffer, size_t length)
{
	if (write_all(way_of(stream)->ssh->in, buffer, length))
		return 0;
	git_error_set_str(GIT_ERROR_SSH, strerror(errno));
	return -1;
}

static void
stream_free(git_smart_subtransport_stream *stream)
{
	(void)stream;
}

static int
way_action(git_smart_subtransport_stream **out, git_smart_subtransport *base, const char *url, git_smart_service_t action)
{
	struct way *way = (struct way *)(void *)base;

	(void)url;
	if (action == GIT_SERVICE_UPLOADPACK_LS && start(way->ssh) != 0) {
		git_error_set_str(GIT_ERROR_SSH, strerror(errno));
		return -1;
	}
	*out = &way->stream;
	return 0;
}

/* The program ends with ssh_release, which may want its words first. */
static int
way_close(git_smart_subtransport *base)
{
	(void)base;
	return 0;
}

static void
way_free(git_smart_subtransport *base)
{
	free(base);
}

static int
way_make(git_smart_subtransport **out, git_transport *owner, void *param)
{
	struct way *way = calloc(1, sizeof(*way));

	(void)owner;
	if (!way)
		return -1;
	way->base = (git_smart_subtransport){ .action = way_action, .close = way_close, .free = way_free };
	way->stream = (git_smart_subtransport_stream){ .subtransport = &way->base, .read = way_read, .write = way_write,
		.free = stream_free };
	way->ssh = param;
	*out = &way->base;
	return 0;
}

int
ssh_transport(git_transport **out, git_remote *owner, void *payload)
{
	git_smart_subtransport_definition definition = { .callback = way_make, .rpc = 0, .param = payload };

	return git_transport_smart(out, owner, &definition);
}

/* ---- why it failed ---- */

/* What ssh and the other end wrote; the last line that says something, made fit for a terminal, is in line. */
static void
words(const struct ssh *ssh, char *text, size_t size, char *line, size_t line_size)
{
	ssize_t n = pread(ssh->said, text, size - 1, 0);
	char *p, *start, *next;

	text[n > 0 ? n : 0] = '\0';
	*line = '\0';
	for (p = text; *p; p++)
		if (*p == '\r')
			*p = '\n';
		else if (*p != '\n' && ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e))
			*p = '?';
	for (start = text; *start; start = next) {
		size_t length = strcspn(start, "\n");

		next = start + length + (start[length] == '\n');
		if (strspn(start, " @") < length)
			(void)snprintf(line, line_size, "%.*s", (int)length, start);
	}
}

bool
ssh_reason(struct ssh *ssh, struct err *err)
{
	const char *url = ssh->url->shown, *host = ssh->url->host;
	char text[16 * 1024], line[300];
	int i;

	if (ssh->pid <= 0)
		return false;
	/* It has closed its end, or will: then its words are complete. */
	(void)close(ssh->in);
	ssh->in = -1;
	for (i = 0; i < 200 && waitpid(ssh->pid, NULL, WNOHANG) == 0; i++)
		(void)usleep(10000);
	if (i < 200)
		ssh->pid = -1;
	words(ssh, text, sizeof(text), line, sizeof(line));
	if (strstr(text, "HOST IDENTIFICATION HAS CHANGED") || strstr(text, "REVOKED HOST KEY")) {
		(void)err_set(err, STATUS_USE, "the host key of '%s' is another one than the known hosts hold", host);
		return err_hint(err, "ask whoever runs it; if it was renewed, replace its line there");
	}
	if (strstr(text, "Host key verification failed")) {
		(void)err_set(err, STATUS_USE, "the host key of '%s' is not among the known hosts", host);
		return err_hint(err, "ssh-keyscan prints it; compare it with what the server's owner publishes");
	}
	if (strstr(text, "Permission denied (")) {
		(void)err_set(err, STATUS_USE, "the server refused the key for '%s'", url);
		return err_hint(err, "a key with a passphrase cannot be used, since nobody is there to type it");
	}
	if (strstr(text, "not appear to be a git repository") || strstr(text, "epository not found"))
		return err_set(err, STATUS_USE, "there is no repository at '%s'", url);
	return !*line ? false : err_set(err, STATUS_SYS, "cannot fetch from '%s': %s", url, line);
}
