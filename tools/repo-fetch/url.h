/* url.h - what may stand for URL: a path, file://, https://, ssh://, USER@HOST:PATH, and http:// while no token is at
 * stake. */
#ifndef REPO_FETCH_URL_H
#define REPO_FETCH_URL_H

#include <stdbool.h>

#include "arena.h"
#include "err.h"

struct url {
	const char *shown;  /* as given: without a secret, else it would have been refused */
	const char *target; /* for libgit2: an absolute path, or the URL */
	bool local;
	const char *host, *port, *user, *path; /* of an ssh address; host is NULL in any other, port and user may be */
};

/* Refused with STATUS_USE: another scheme, a password, a user but for ssh, a query, a token over plain http. None of
 * these is printed, since any of them may hold the secret. */
bool url_read(struct url *url, const char *text, bool token, struct arena *arena, struct err *err);

#endif
