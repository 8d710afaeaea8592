/* fetch.h - the work that talks to the remote; it runs in a child, since libgit2 knows no time-out. */
#ifndef REPO_FETCH_FETCH_H
#define REPO_FETCH_FETCH_H

#include <stdbool.h>

#include "child.h"
#include "err.h"
#include "url.h"

struct fetch {
	struct url url;
	const char *dir;    /* the mirror, its lock held */
	const char *branch; /* at most one of the two; neither is the remote's default branch */
	const char *tag;
	const char *user;   /* for the token */
	const char *token;  /* NULL: none */
	const char *key;    /* for ssh, see ssh.h */
	const char *known;
	const char *trust;  /* file of certificates to trust instead of the machine's; NULL: the machine's */
};

/* A child_work with struct fetch as arg; the result is the commit in 40 hex digits. */
bool fetch_run(void *arg, char result[CHILD_RESULT], struct err *err);

#endif
