/* url.c - see url.h */
#define _GNU_SOURCE
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The path of a file: URL without %XX; NULL when it names another machine or holds a NUL. */
static const char *
file_path(const char *rest, struct arena *arena)
{
	char *path, *to;

	if (!strncmp(rest, "localhost/", 10))
		rest += 9;
	if (*rest != '/')
		return NULL;
	path = to = arena_str(arena, rest);
	for (; *rest; rest++) {
		if (*rest == '%' && hex_digit(rest[1]) >= 0 && hex_digit(rest[2]) >= 0) {
			*to = (char)(hex_digit(rest[1]) * 16 + hex_digit(rest[2]));
			if (!*to++)
				return NULL;
			rest += 2;
		} else {
			*to++ = *rest;
		}
	}
	*to = '\0';
	return path;
}

static bool
http_fit(const char *rest, bool plain, bool token, struct err *err)
{
	size_t authority = strcspn(rest, "/?#");

	if (memchr(rest, '@', authority)) {
		(void)err_set(err, STATUS_USE, "the URL holds a user, password or token");
		return err_hint(err, "give the token in SLIPWAY_TOKEN, and its user with -u");
	}
	if (authority == 0)
		return err_set(err, STATUS_USE, "the URL names no server");
	if (strpbrk(rest, "?#"))
		return err_set(err, STATUS_USE, "the URL of a repository has no '?' and no '#'");
	if (plain && token)
		return err_set(err, STATUS_USE, "a token is not sent over plain http: use https://");
	return true;
}

static bool
printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= 0x20 || *text == 0x7f || *text == '\\')
			return false;
	return true;
}

/* USER@HOST of an ssh address; neither may be taken for an option. */
static bool
ssh_who(struct url *url, char *who, struct err *err)
{
	char *at = strchr(who, '@');

	if (at) {
		*at = '\0';
		url->user = who;
		who = at + 1;
	}
	url->host = who;
	if ((url->user && (!*url->user || strpbrk(url->user, ":/") || *url->user == '-')) || strchr(who, '@')) {
		(void)err_set(err, STATUS_USE, "the ssh address holds a password or a strange user");
		return err_hint(err, "ssh proves itself by a key");
	}
	return (*who && *who != '-' && !strpbrk(who, "/:")) || err_set(err, STATUS_USE, "the ssh address names no server");
}

/* ssh://[USER@]HOST[:PORT]/PATH, rest is behind the slashes; or [USER@]HOST:PATH. */
static bool
ssh_read(struct url *url, const char *rest, bool is_url, struct arena *arena, struct err *err)
{
	char *who = arena_str(arena, rest), *end, *port;

	if (!printable(rest))
		return err_set(err, STATUS_USE, "the ssh address holds a blank, a backslash or a control byte");
	end = who + strcspn(who, is_url ? "/" : ":");
	url->path = arena_str(arena, is_url ? end : end + 1);
	*end = '\0';
	port = is_url ? strrchr(who, ':') : NULL;
	if (port && !strchr(port, '@') && !strchr(port, ']')) {
		*port++ = '\0';
		if (!*port || strlen(port) > 5 || port[strspn(port, "0123456789")])
			return err_set(err, STATUS_USE, "the ssh address has a port that is none");
		url->port = port;
	}
	if (!ssh_who(url, who, err))
		return false;
	if (!strncmp(url->path, "/~", 2)) /* a home folder there */
		url->path++;
	if (!*url->path || !strcmp(url->path, "/") || *url->path == ':' || *url->path == '-' ||
	    (!is_url && strcspn(url->path, "@") < strcspn(url->path, "/")))
		return err_set(err, STATUS_USE, "the ssh address names no repository");
	return true;
}

bool
url_read(struct url *url, const char *text, bool token, struct arena *arena, struct err *err)
{
	const char *rest = strstr(text, "://"), *path = text;
	size_t scheme = rest ? (size_t)(rest - text) : 0;

	url->shown = url->target = text;
	if (rest && scheme == strcspn(text, "/:") && scheme > 0) {
		rest += 3;
		if (!strncmp(text, "ssh:", 4))
			return ssh_read(url, rest, true, arena, err);
		if (!strncmp(text, "https:", 6) || !strncmp(text, "http:", 5)) {
			if (!printable(text))
				return err_set(err, STATUS_USE, "the URL holds a blank, a backslash or a control byte");
			return http_fit(rest, text[4] == ':', token, err);
		}
		if (strncmp(text, "file:", 5) != 0)
			return err_set(err, STATUS_USE, "'%.*s' is not a way to fetch: a path, file, https, http or ssh is",
			    (int)scheme, text);
		path = file_path(rest, arena);
		if (!path)
			return err_set(err, STATUS_USE, "'%s' is not the path of this machine", text);
	} else if (strcspn(text, ":") < strcspn(text, "/")) {
		return ssh_read(url, text, false, arena, err) || err_hint(err, "a path that holds a colon is written ./PATH");
	}
	url->local = true;
	url->target = path;
	if (*path && *path != '/') {
		char *here = getcwd(NULL, 0);

		if (!here)
			return err_sys(err, "cannot tell the working directory");
		url->target = arena_fmt(arena, "%s/%s", here, path);
		free(here);
	}
	return *path || err_set(err, STATUS_USE, "the URL is empty");
}
