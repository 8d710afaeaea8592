/* child.c - see child.h */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auto.h"
#include "durable.h"
#include "lockwait.h"

enum { GRACE_MS = 200 };

struct answer {
	bool good;
	char result[CHILD_RESULT];
	struct err err;
};

static void
in_child(child_work *work, void *arg, pid_t parent, int fd)
{
	struct answer answer;

	memset(&answer, 0, sizeof(answer));
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before prctl */
		_exit(STATUS_SYS);
	answer.good = work(arg, answer.result, &answer.err);
	_exit(write_all(fd, &answer, sizeof(answer)) ? STATUS_OK : STATUS_SYS);
}

/* How many bytes came before the end of the pipe or the deadline; *late says which. */
static size_t
receive(int fd, void *to, size_t length, int64_t end_ms, bool *late)
{
	size_t used = 0;

	while (used < length) {
		int64_t left = end_ms - clock_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, left < 0 ? 0 : left > 60000 ? 60000 : (int)left);
		ssize_t n;

		if (ready == 0 && left <= 0) {
			*late = true;
			break;
		}
		if (ready <= 0)
			continue;
		n = read(fd, (char *)to + used, length - used);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	return used;
}

static void
end_group(pid_t pid)
{
	int64_t end = clock_ms() + GRACE_MS;
	siginfo_t info;

	(void)kill(-pid, SIGTERM);
	for (;;) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid || clock_ms() >= end)
			break;
		sleep_ms(10);
	}
	(void)kill(-pid, SIGKILL);
}

bool
child_run(child_work *work, void *arg, int64_t end_ms, const char *late_text, char result[CHILD_RESULT],
    struct err *err)
{
	AUTO(fd_release) int in = -1, out = -1;
	pid_t parent = getpid(), pid;
	struct answer answer;
	bool late = false;
	int fd[2], status = 0;
	size_t used;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return err_sys(err, "cannot make a pipe");
	in = fd[0];
	out = fd[1];
	pid = fork();
	if (pid < 0)
		return err_sys(err, "cannot start a process");
	if (pid == 0)
		in_child(work, arg, parent, out);
	(void)setpgid(pid, pid);
	(void)close(out);
	out = -1;
	used = receive(in, &answer, sizeof(answer), end_ms, &late);
	if (late)
		end_group(pid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (late)
		return err_set(err, STATUS_SYS, "%s", late_text);
	if (used < sizeof(answer) && WIFSIGNALED(status))
		return err_set(err, STATUS_SYS, "the process that fetches was ended by signal %d", WTERMSIG(status));
	if (used < sizeof(answer))
		return err_set(err, STATUS_SYS, "the process that fetches gave no answer");
	memcpy(result, answer.result, CHILD_RESULT);
	if (!answer.good)
		*err = answer.err;
	return answer.good;
}
