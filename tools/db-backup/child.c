/* child.c - see child.h */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "lockwait.h"

enum { ERRORS_LARGEST = 1024 * 1024, PIPE_SIZE = 1024 * 1024, PATIENCE_MS = 3000 };

extern char **environ;

void
environment_begin(struct environment *e, struct arena *arena)
{
	size_t i;

	*e = (struct environment){ .arena = arena };
	while (environ[e->count])
		e->count++;
	e->list = arena_get(arena, (e->count + 1) * sizeof(*e->list));
	for (i = 0; i < e->count; i++)
		e->list[i] = environ[i];
}

void
environment_set(struct environment *e, const char *name, const char *value)
{
	size_t length = strlen(name), i;

	for (i = 0; i < e->count && (strncmp(e->list[i], name, length) != 0 || e->list[i][length] != '='); i++)
		;
	if (i == e->count) {
		e->list = arena_grow(e->arena, e->list, (e->count + 1) * sizeof(*e->list), (e->count + 2) * sizeof(*e->list));
		e->count++;
	}
	e->list[i] = arena_fmt(e->arena, "%s=%s", name, value);
}

/* Only what may be called between fork and exec. */
static void
become(const char *const argv[], char **env, enum child_fd how, int theirs, int errors, int told, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), number;

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || null < 0 ||
	    dup2(how == CHILD_WRITE ? theirs : null, 0) < 0 || dup2(how == CHILD_READ ? theirs : null, 1) < 0 ||
	    dup2(errors, 2) < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
		_exit(127);
	(void)execvpe(argv[0], (char *const *)argv, env);
	number = errno;
	(void)!write(told, &number, sizeof(number));
	_exit(127);
}

bool
child_begin(struct child *c, const char *const argv[], const struct environment *e, enum child_fd how,
    const char *errors, struct err *err)
{
	AUTO(fd_release) int log = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	AUTO(fd_release) int theirs = -1;
	AUTO(fd_release) int told = -1;
	int ends[2] = { -1, -1 }, word[2], number = 0;
	pid_t parent = getpid();

	*c = (struct child){ .pid = -1, .fd = -1, .name = argv[0], .errors = errors };
	if (log < 0)
		return err_sys(err, "cannot create '%s'", errors);
	if (how != CHILD_QUIET) {
		if (pipe2(ends, O_CLOEXEC) != 0)
			return err_sys(err, "cannot make a pipe");
		c->fd = ends[how == CHILD_WRITE];
		theirs = ends[how != CHILD_WRITE];
		(void)fcntl(c->fd, F_SETPIPE_SZ, PIPE_SIZE);
	}
	if (pipe2(word, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe");
	told = word[0];
	c->pid = fork();
	if (c->pid == 0)
		become(argv, e->list, how, theirs, log, word[1], parent);
	number = errno;
	(void)close(word[1]);
	if (c->pid < 0) {
		errno = number;
		return err_sys(err, "cannot run '%s'", argv[0]);
	}
	if (read(told, &number, sizeof(number)) != sizeof(number))
		return true;
	(void)waitpid(c->pid, NULL, 0);
	c->pid = -1;
	errno = number;
	return err_sys(err, "cannot run '%s'", argv[0]);
}

/* The first line that names an error, else the first one. */
static const char *
said(const struct child *c, struct arena *arena)
{
	struct err ignored = {0};
	size_t length;
	AUTO(mem_release) char *text = read_whole(c->errors, ERRORS_LARGEST, &length, &ignored);
	const char *found = text ? strstr(text, "error: ") : NULL, *end;
	char *line;

	if (!text || !*text)
		return "";
	found = found ? found + 7 : text;
	end = strchrnul(found, '\n');
	if (strncmp(end, "\nDETAIL: ", 9) == 0 || strncmp(end, "\nHINT: ", 7) == 0)
		end = strchrnul(end + 1, '\n');
	line = arena_dup(arena, found, (size_t)(end - found));
	for (length = 0; line[length]; length++)
		if (line[length] == '\n')
			line[length] = ' ';
	return line;
}

bool
child_end(struct child *c, struct arena *arena, struct err *err)
{
	const char *text;
	pid_t pid = c->pid;
	int status;

	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, "cannot wait for '%s'", c->name);
	c->pid = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	text = said(c, arena);
	if (WIFSIGNALED(status))
		return err_set(err, STATUS_SYS, "%s was ended by signal %d%s%.700s", c->name, WTERMSIG(status), *text ? ": " : "", text);
	return err_set(err, STATUS_SYS, "%s failed with status %d%s%.700s", c->name, WEXITSTATUS(status), *text ? ": " : "", text);
}

void
child_release(struct child *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	if (c->pid > 0) {
		int64_t end = clock_ms() + PATIENCE_MS;

		/* Told so, pg_dump asks its server to stop, which may be what does not answer. */
		(void)kill(c->pid, SIGTERM);
		while (waitpid(c->pid, NULL, WNOHANG) == 0)
			if (clock_ms() < end)
				sleep_ms(10);
			else
				(void)kill(c->pid, SIGKILL);
	}
	c->pid = -1;
}
