/* ssh.h - the way to a remote through the ssh program, whose configuration, keys and known hosts count.
 *
 * libgit2's own ssh cannot sign with RSA as today's servers want it, and takes the first kind of host key that the
 * server has instead of one that is known. */
#ifndef REPO_FETCH_SSH_H
#define REPO_FETCH_SSH_H

#include <git2.h>
#include <stdbool.h>

#include "err.h"
#include "url.h"

struct ssh {
	const struct url *url;
	const char *key;   /* the file of the only key to offer; NULL: as ssh is configured */
	const char *known; /* the only file of known hosts; NULL: as ssh is configured */
	int pid, in, out;  /* 0: not started */
	int said;          /* what it writes on stderr */
};

/* Whether a key that was named is fit: there, a plain file, and nobody else's to read. */
bool ssh_check(const struct ssh *ssh, struct err *err);
/* A git_transport_cb with struct ssh as payload. */
int ssh_transport(git_transport **out, git_remote *owner, void *payload);
/* Fills err with the reason that ssh gave for a fetch that failed; with an empty err it gave none. False. */
bool ssh_reason(struct ssh *ssh, struct err *err);
/* Ends the program, if it still runs. */
void ssh_release(struct ssh *ssh);

#endif
