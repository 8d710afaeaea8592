/* writer.c - see writer.h */
#define _GNU_SOURCE
#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto.h"

/* The two wake each other for MANY files at once: for each it would cost as much as writing it. */
enum { SLOTS = 16, MANY = SLOTS / 2 };

struct slot {
	unsigned long number;
	unsigned mode;
	size_t length;
	char *room;
};

struct writer {
	struct tree *t;
	pthread_t thread;
	bool runs;
	struct slot slot[SLOTS]; /* the thread's from written to given, else the reader's */
	pthread_mutex_t lock;    /* of what follows */
	pthread_cond_t more, less;
	unsigned long given, written;
	bool ends, wrote;
	struct err err;
	struct hash hash;        /* the thread's, as what follows */
	struct arena arena;
	char (*hashes)[HASH_HEX];
	size_t room;
};

static bool
take(struct writer *w, unsigned long n, struct err *err)
{
	const struct slot *s = &w->slot[n % SLOTS];

	if (n == w->room) {
		const size_t room = w->room ? w->room * 2 : 256;

		w->hashes = arena_grow(&w->arena, w->hashes, w->room * sizeof(*w->hashes), room * sizeof(*w->hashes));
		w->room = room;
	}
	return hash_begin(&w->hash, err) && hash_add(&w->hash, s->room, s->length, err) &&
	       hash_end(&w->hash, w->hashes[n], err) &&
	       (!s->number || stage_data(w->t, s->number, s->mode, s->room, s->length, err));
}

static void *
work(void *data)
{
	struct writer *w = data;
	struct err err = {0};

	(void)pthread_mutex_lock(&w->lock);
	while (!err.status) {
		const unsigned long to = w->given;
		unsigned long n = w->written;

		if (to - n >= MANY || (w->ends && to > n)) {
			(void)pthread_mutex_unlock(&w->lock);
			while (n < to && take(w, n, &err))
				n++;
			(void)pthread_mutex_lock(&w->lock);
			w->written = to;
			w->err = err;
			(void)pthread_cond_signal(&w->less);
		} else if (w->ends) {
			break;
		} else {
			(void)pthread_cond_wait(&w->more, &w->lock);
		}
	}
	(void)pthread_mutex_unlock(&w->lock);
	if (!err.status && w->wrote && syncfs(w->t->backup) != 0)
		(void)err_sys(&w->err, "cannot sync '%s'", w->t->backup_name);
	return NULL;
}

struct writer *
writer_begin(struct tree *t, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));
	size_t i;

	for (i = 0; w && i < SLOTS; i++) /* pages that no file fills are never there */
		if (!(w->slot[i].room = malloc(WRITER_ROOM)))
			writer_release(&w);
	if (!w) {
		(void)err_sys(err, "cannot read the archive");
		return NULL;
	}
	w->t = t;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->more, NULL);
	(void)pthread_cond_init(&w->less, NULL);
	return w;
}

char *
writer_room(struct writer *w)
{
	return w->slot[w->given % SLOTS].room;
}

bool
writer_put(struct writer *w, unsigned long number, unsigned mode, size_t length, struct err *err)
{
	struct slot *s = &w->slot[w->given % SLOTS];

	if (!w->runs && (errno = pthread_create(&w->thread, NULL, work, w)) != 0)
		return err_sys(err, "cannot start a thread");
	w->runs = true;
	w->wrote |= number > 0;
	s->number = number;
	s->mode = mode;
	s->length = length;
	(void)pthread_mutex_lock(&w->lock);
	if (++w->given - w->written >= MANY)
		(void)pthread_cond_signal(&w->more);
	while (w->given - w->written == SLOTS && !w->err.status)
		(void)pthread_cond_wait(&w->less, &w->lock);
	if (w->err.status)
		*err = w->err;
	(void)pthread_mutex_unlock(&w->lock);
	return !err->status;
}

bool
writer_wait(struct writer *w, struct err *err)
{
	if (!w->runs)
		return true;
	(void)pthread_mutex_lock(&w->lock);
	w->ends = true;
	(void)pthread_cond_signal(&w->more);
	while (w->written < w->given && !w->err.status)
		(void)pthread_cond_wait(&w->less, &w->lock);
	if (w->err.status)
		*err = w->err;
	(void)pthread_mutex_unlock(&w->lock);
	return !err->status;
}

bool
writer_end(struct writer *w, struct err *err)
{
	struct err ignored = {0};

	if (!w || !w->runs)
		return true;
	(void)writer_wait(w, &ignored);
	(void)pthread_join(w->thread, NULL);
	w->runs = false;
	if (w->err.status)
		*err = w->err;
	return !err->status;
}

const char *
writer_hash(const struct writer *w, size_t n)
{
	return w->hashes[n];
}

void
writer_release(struct writer **w)
{
	struct err ignored = {0};
	size_t i;

	(void)writer_end(*w, &ignored);
	for (i = 0; *w && i < SLOTS; i++)
		free((*w)->slot[i].room);
	if (*w) {
		hash_release(&(*w)->hash);
		arena_release(&(*w)->arena);
	}
	free(*w);
	*w = NULL;
}
