/* killat [-c] N COMMAND... - end a whole tree of processes by SIGKILL just before its Nth state-changing system call
 *
 * `killat N cmd` ends with 137 when it struck, else with the status of cmd. `killat -c cmd` lets cmd run to its end
 * with stdout on /dev/null, prints how many such calls it made, and ends with its status. There is one counter over
 * all processes and threads. Calls that open count only when they can create or truncate. */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRACED_MAX = 4096, STRUCK = 137 };

static pid_t traced[TRACED_MAX];
static size_t traced_count;

static void
die(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(111); /* PTRACE_O_EXITKILL ends what is left */
}

static void
know(pid_t pid)
{
	size_t i;

	for (i = 0; i < traced_count; i++)
		if (traced[i] == pid)
			return;
	if (traced_count == TRACED_MAX) {
		errno = E2BIG;
		die("too many processes");
	}
	traced[traced_count++] = pid;
}

static void
forget(pid_t pid)
{
	size_t i;

	for (i = 0; i < traced_count; i++)
		if (traced[i] == pid)
			traced[i] = traced[--traced_count];
}

/* openat2 keeps its flags in the memory of the caller. */
static unsigned long
flags_at(pid_t pid, unsigned long address)
{
	struct open_how how = {0};
	struct iovec to = { &how, sizeof(how.flags) }, from = { (void *)address, sizeof(how.flags) };

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)sizeof(how.flags) ? (unsigned long)how.flags : O_CREAT;
}

static bool
changes_state(pid_t pid, unsigned long nr, const unsigned long long *arg)
{
	switch (nr) {
#ifdef __NR_open /* the calls that newer machines do not have */
	case __NR_open:
		return (arg[1] & (O_CREAT | O_TRUNC)) != 0;
	case __NR_creat: case __NR_rename: case __NR_link: case __NR_unlink: case __NR_mkdir: case __NR_rmdir:
	case __NR_symlink: case __NR_chmod: case __NR_chown: case __NR_lchown: case __NR_mknod:
		return true;
#endif
	case __NR_openat:
		return (arg[2] & (O_CREAT | O_TRUNC)) != 0;
	case __NR_openat2:
		return (flags_at(pid, (unsigned long)arg[2]) & (O_CREAT | O_TRUNC)) != 0;
	case __NR_write: case __NR_pwrite64: case __NR_writev: case __NR_pwritev: case __NR_copy_file_range:
	case __NR_sendfile: case __NR_renameat: case __NR_renameat2: case __NR_linkat: case __NR_unlinkat:
	case __NR_mkdirat: case __NR_mknodat: case __NR_symlinkat: case __NR_fsync: case __NR_fdatasync:
	case __NR_sync: case __NR_syncfs: case __NR_truncate: case __NR_ftruncate: case __NR_fallocate:
	case __NR_fchmod: case __NR_fchmodat: case __NR_fchown: case __NR_fchownat: case __NR_utimensat:
	case __NR_setxattr: case __NR_lsetxattr: case __NR_fsetxattr: case __NR_removexattr: case __NR_fremovexattr:
		return true;
	default:
		return false;
	}
}

static void
kill_all(void)
{
	size_t i;
	int status;

	for (i = 0; i < traced_count; i++)
		(void)kill(traced[i], SIGKILL);
	while (waitpid(-1, &status, __WALL) > 0 || errno == EINTR)
		;
}

/* Starts cmd stopped, to be traced from its exec on. */
static pid_t
start(char **cmd, bool quiet)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int gate[2];
	char byte;
	pid_t pid = -1;

	if (pipe2(gate, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		die("cannot start");
	if (pid == 0) {
		if (read(gate[0], &byte, 1) != 1 || (quiet && !freopen("/dev/null", "w", stdout)))
			_exit(111);
		execvp(cmd[0], cmd);
		fprintf(stderr, "killat: cannot run '%s': %s\n", cmd[0], strerror(errno));
		_exit(111);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) != 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
	    write(gate[1], "x", 1) != 1)
		die("cannot trace");
	know(pid);
	return pid;
}

int
main(int argc, char **argv)
{
	unsigned long at = 0, count = 0;
	bool counting = argc > 1 && !strcmp(argv[1], "-c"), running = false;
	int status, result = 111;
	pid_t first, pid;
	char *end = NULL;

	if (argc < 3 || (!counting && ((at = strtoul(argv[1], &end, 10)) == 0 || *end))) {
		fprintf(stderr, "usage: killat N COMMAND...\n       killat -c COMMAND...\n");
		return 100;
	}
	first = start(argv + 2, counting);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		struct __ptrace_syscall_info info;
		int signal_to_pass = 0;
		const int event = status >> 16;

		if (pid < 0)
			continue;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			forget(pid);
			if (pid == first)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			continue;
		}
		know(pid);
		if (event == PTRACE_EVENT_EXEC)
			running = true; /* what was called before is ours, not the command's */
		else if (event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP) {
			(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL); /* stopped by a job signal, until it is continued */
			continue;
		} else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 && running &&
			    info.op == PTRACE_SYSCALL_INFO_ENTRY &&
			    changes_state(pid, (unsigned long)info.entry.nr, (const unsigned long long *)info.entry.args) &&
			    ++count == at) {
				kill_all();
				return STRUCK;
			}
		} else if (event == 0)
			signal_to_pass = WSTOPSIG(status);
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, signal_to_pass); /* fails when it was killed meanwhile */
	}
	if (counting)
		printf("%lu\n", count);
	return result;
}
