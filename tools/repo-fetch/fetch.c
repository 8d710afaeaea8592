/* fetch.c - see fetch.h */
#define _GNU_SOURCE
#include "fetch.h"

#include <stdlib.h>
#include <string.h>

#include "auto.h"
#include "mirror.h"
#include "ssh.h"

struct talk {
	const struct fetch *fetch;
	bool wanted;  /* the server asked, and we have no token */
	bool refused; /* it asked a second time */
	bool strange; /* it asked for something that a token is not */
	int asked;
	struct ssh ssh;
};

static void
remote_release(git_remote **remote)
{
	git_remote_free(*remote);
}

static int
give_token(git_credential **out, const char *url, const char *user, unsigned int types, void *payload)
{
	struct talk *talk = payload;
	const struct fetch *f = talk->fetch;

	(void)url;
	(void)user;
	talk->wanted = !f->token;
	talk->refused = talk->asked++ > 0;
	talk->strange = !(types & GIT_CREDENTIAL_USERPASS_PLAINTEXT);
	if (talk->wanted || talk->refused || talk->strange)
		return GIT_EAUTH;
	return git_credential_userpass_plaintext_new(out, f->user, f->token);
}

/* libgit2 tells an HTTP status only in words. */
static int
http_status(const git_error *last)
{
	static const char words[] = "status code: ";
	const char *at = last && last->klass == GIT_ERROR_HTTP && last->message ? strstr(last->message, words) : NULL;

	return at ? atoi(at + strlen(words)) : 0;
}

static bool
talk_fail(struct talk *talk, int rc, struct err *err)
{
	const char *url = talk->fetch->url.shown;
	const git_error *last = git_error_last();
	int http = http_status(last);

	if (talk->fetch->url.host && (ssh_reason(&talk->ssh, err) || err->status))
		return false;
	if (talk->wanted) {
		(void)err_set(err, STATUS_USE, "'%s' wants a token", url);
		return err_hint(err, "set SLIPWAY_TOKEN; many servers answer so for a repository that does not exist, too");
	}
	if (talk->strange)
		return err_set(err, STATUS_USE, "'%s' wants to be asked in another way than with a token", url);
	if (talk->refused || http == 401 || http == 403)
		return err_set(err, STATUS_USE,
		    talk->fetch->token ? "the server refused the token for '%s'" : "the server refused '%s'", url);
	if (http == 404 || http == 410 || (talk->fetch->url.local && rc == GIT_ENOTFOUND))
		return err_set(err, STATUS_USE, "there is no repository at '%s'", url);
	if (last && last->message && strstr(last->message, "redirect")) {
		(void)err_set(err, STATUS_USE, "'%s' leads on to another server, which is not followed", url);
		return err_hint(err, "give the address that it leads to");
	}
	if (http >= 400 && http < 500 && http != 408 && http != 429)
		return err_set(err, STATUS_USE, "the server answered %d for '%s'", http, url);
	if (rc == GIT_ECERTIFICATE)
		return err_set(err, STATUS_SYS, "cannot trust the certificate of '%s'", url);
	return gitrepo_fail(err, "cannot fetch from '%s'", url);
}

/* The branches and tags that the remote offers, in the arena. */
static bool
read_offer(git_remote *remote, struct mirror_ref **refs, size_t *count, struct talk *talk, struct arena *arena,
    struct err *err)
{
	const git_remote_head **heads;
	size_t total, i;
	int rc, valid;

	rc = git_remote_ls(&heads, &total, remote);
	if (rc < 0)
		return talk_fail(talk, rc, err);
	*refs = arena_get(arena, (total + 1) * sizeof(**refs));
	for (i = 0, *count = 0; i < total; i++) {
		const char *name = heads[i]->name;

		if ((strncmp(name, "refs/heads/", 11) != 0 && strncmp(name, "refs/tags/", 10) != 0) ||
		    git_reference_name_is_valid(&valid, name) < 0 || !valid) /* NAME^{} is none either */
			continue;
		(*refs)[*count].name = arena_str(arena, name);
		git_oid_cpy(&(*refs)[*count].id, &heads[i]->oid);
		++*count;
	}
	return true;
}

static const struct mirror_ref *
find_ref(const struct mirror_ref *refs, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(refs[i].name, name))
			return refs + i;
	return NULL;
}

/* Fills id with what is asked for (by its full name; empty: the default branch), and head with the remote's default branch (NULL: it has none). */
static bool
choose(git_remote *remote, const struct fetch *f, const char *asked, const struct mirror_ref *refs, size_t count,
    git_oid *id, const char **head, struct arena *arena, struct err *err)
{
	const struct mirror_ref *found;
	git_buf name = GIT_BUF_INIT;

	if (git_remote_default_branch(&name, remote) == 0 && find_ref(refs, count, name.ptr))
		*head = arena_str(arena, name.ptr);
	git_buf_dispose(&name);
	if (*asked) {
		found = find_ref(refs, count, asked);
		if (!found)
			return err_set(err, STATUS_USE, "'%s' has no %s '%s'", f->url.shown, f->branch ? "branch" : "tag",
			    f->branch ? f->branch : f->tag);
	} else {
		if (count == 0)
			return err_set(err, STATUS_USE, "'%s' is empty", f->url.shown);
		found = *head ? find_ref(refs, count, *head) : NULL;
		if (!found) {
			(void)err_set(err, STATUS_USE, "'%s' has no default branch", f->url.shown);
			return err_hint(err, "name one with -b");
		}
	}
	git_oid_cpy(id, &found->id);
	return true;
}

static bool
mirror_broken(const struct fetch *f, struct err *err)
{
	return err_hint(err, "remove '%s': the next repo-fetch makes it anew", f->dir);
}

static int
ssh_way(git_transport **out, git_remote *owner, void *payload)
{
	return ssh_transport(out, owner, &((struct talk *)payload)->ssh);
}

static void
talk_release(struct talk *talk)
{
	ssh_release(&talk->ssh);
}

static bool
fetch_all(git_repository *repo, git_remote *remote, struct talk *talk, const char *asked, char *result, struct arena *arena,
    struct err *err)
{
	static char *specs[] = {"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"};
	const git_strarray both = {specs, 2};
	const struct fetch *f = talk->fetch;
	AUTO(git_commit_release) git_commit *commit = NULL;
	git_remote_connect_options connect;
	git_fetch_options options;
	struct mirror_ref *refs = NULL;
	const char *head = NULL;
	size_t count = 0;
	git_oid id;
	int rc;

	if (git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION) < 0 ||
	    git_remote_connect_options_init(&connect, GIT_REMOTE_CONNECT_OPTIONS_VERSION) < 0)
		return gitrepo_fail(err, "cannot start libgit2");
	options.callbacks.credentials = give_token;
	options.callbacks.payload = talk;
	if (f->url.host) {
		options.callbacks.transport = ssh_way;
		talk->ssh = (struct ssh){ .url = &f->url, .key = f->key, .known = f->known };
		if (!ssh_check(&talk->ssh, err))
			return false;
	}
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE; /* the second refspec takes them all */
	options.update_fetchhead = 0;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE; /* none to another host: the token goes to nobody else */
	connect.callbacks = options.callbacks;
	connect.proxy_opts = options.proxy_opts;
	connect.follow_redirects = options.follow_redirects;

	rc = git_remote_connect_ext(remote, GIT_DIRECTION_FETCH, &connect);
	if (rc < 0)
		return talk_fail(talk, rc, err);
	if (!read_offer(remote, &refs, &count, talk, arena, err) ||
	    !choose(remote, f, asked, refs, count, &id, &head, arena, err))
		return false;
	talk->asked = 0; /* the next request may be asked anew */
	rc = git_remote_download(remote, &both, &options);
	if (rc < 0)
		return talk_fail(talk, rc, err);
	if (!gitrepo_peel(&commit, repo, &id, err))
		return err->status ? mirror_broken(f, err)
		                   : err_set(err, STATUS_USE, "%s '%s' of '%s' is not a commit", f->tag ? "tag" : "branch",
		                         f->tag ? f->tag : f->branch ? f->branch : head, f->url.shown);
	(void)git_oid_tostr(result, GITREPO_HEX, git_commit_id(commit));
	return mirror_commit(repo, f->dir, refs, count, head, arena, err) || (err->status == STATUS_SYS && mirror_broken(f, err));
}

bool
fetch_run(void *arg, char result[CHILD_RESULT], struct err *err)
{
	const struct fetch *f = arg;
	AUTO(talk_release) struct talk talk = {.fetch = f};
	AUTO(arena_release) struct arena arena = {0};
	AUTO(git_repository_release) git_repository *repo = NULL, *source = NULL;
	AUTO(remote_release) git_remote *remote = NULL;
	char asked[GITREPO_REF] = "";

	if (!gitrepo_begin(err) || (f->branch && !gitrepo_ref(asked, "refs/heads/", f->branch, err)) ||
	    (f->tag && !gitrepo_ref(asked, "refs/tags/", f->tag, err)))
		return false;
	if (git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1) < 0)
		return gitrepo_fail(err, "cannot start libgit2");
	if (f->trust && !f->url.local && git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, f->trust, NULL) < 0)
		return gitrepo_fail(err, "cannot read the certificates in '%s'", f->trust);
	if ((f->url.local && !gitrepo_open(&source, f->url.target, err)) || !mirror_open(&repo, f->dir, &arena, err))
		return false;
	if (git_remote_create_anonymous(&remote, repo, f->url.host ? "ssh://remote/" : f->url.target) < 0) { /* the first to read the mirror's config */
		(void)gitrepo_fail(err, "cannot read the mirror '%s'", f->dir);
		return mirror_broken(f, err);
	}
	return fetch_all(repo, remote, &talk, asked, result, &arena, err);
}
