/* apply.h - what the phases of tree-apply share: the run, what lies on the disk, what the tar brings, the plan.
 *
 * A run reads (tar.c, look.c), decides (plan.c), lays everything aside (stage.c, backup.c, planfile.c), and acts:
 * forward (act.c) or back (undo.c), both from the plan file alone. */
#ifndef TREE_APPLY_APPLY_H
#define TREE_APPLY_APPLY_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "arena.h"
#include "err.h"
#include "hash.h"
#include "manifest.h"
#include "names.h"

struct options {
	bool dry, adopt, first;
	struct names config;   /* -c: never replaced once edited */
	const char *kept_name; /* -k, or NULL */
	struct names kept;     /* what it lists: never removed */
};

struct note {
	struct note *next;
	const char *text;
};

struct tree { /* made by tree_init, given back by tree_release (AUTO) */
	struct arena arena;
	const char *root_name, *manifest_name, *backup_name;
	int root;               /* O_PATH: all acts are relative to it or to a folder found below it */
	int lock;               /* holds the flock on root */
	int backup, fresh, old; /* BACKUP, BACKUP/new, BACKUP/old, or -1 */
	struct stat root_st;
	const char *backup_inside, *manifest_inside; /* their paths below root, NULL when they lie elsewhere */
	unsigned long numbers;  /* the last number given to a file in new/ or old/ */
	int folder;             /* what tree_folder found last, or -1 and its errno */
	int folder_errno;
	const char *folder_path; /* NULL: nothing is remembered */
	size_t folder_length;
	const char *near_path;  /* stage.c: of the folder of this path, near is the owner for what is new in it */
	size_t near_length;
	struct stat near, made; /* made: a file as it comes to be in new/; st_mode is 0 when there is none */
	struct writer *writer;  /* NULL before the tar is read */
	bool resumed;           /* some of the plan may be done already */
	struct note *notes;     /* what a person should know; main prints them */
};

/* Enough of a file to see that it is another one, or was written to. */
struct ident {
	uint64_t ino, size;
	int64_t sec, nsec;
};

enum kind {
	LOCAL_NONE,
	LOCAL_FILE,
	LOCAL_LINK,
	LOCAL_FOLDER,
	LOCAL_OTHER,   /* device, FIFO, socket */
	LOCAL_BLOCKED, /* a file or symlink stands where the path needs a folder */
};

struct local {
	enum kind kind;
	char sha[HASH_HEX];  /* empty when its size matched nothing that it was to be compared with */
	bool equal;          /* it is the content that it was compared with, byte for byte */
	unsigned mode;       /* as in a manifest */
	struct stat st;
	bool xattrs;         /* of a file that differs: it may have some */
	const char *blocker; /* LOCAL_BLOCKED: that file */
};

struct entry { /* one file of the tar */
	struct manifest_entry is;
	unsigned long number; /* BACKUP/new/NUMBER holds it; 0: not staged */
	size_t put;           /* tar.c: as what writer_put got it, from 1; 0: its hash is known */
	bool same;            /* the local file has this content and x bit */
	struct local local;
};

struct entries {
	struct entry *at;
	size_t count, room;
};

enum act { ACT_DEL = 'd', ACT_RMDIR = 'r', ACT_MKDIR = 'm', ACT_PUT = 'p' };

struct op {
	enum act act;
	bool has_old;          /* put: a file is replaced, old/NUMBER is it */
	bool aside;            /* put: NAME.slipway-local or NAME.slipway-new */
	unsigned long number;
	const char *path;
	struct manifest_entry is; /* put: what is put there */
	struct ident was;         /* put with an old file, del: the file that goes */
	/* The rest is for staging only, and not in the plan file. */
	const char *model;         /* its owner, mode and xattrs are passed on; NULL: those of the folder */
	const struct local *local; /* what it is */
	bool copy;                 /* put: the content is that of model */
};

struct line { /* of the report */
	char letter;
	const char *path, *reason;
};

struct plan {
	struct op *ops; /* in the order of doing: del, rmdir, mkdir, put */
	size_t op_count, op_room;
	struct line *lines; /* sorted by path */
	size_t line_count, line_room;
	uint64_t root_ino;
	bool had_manifest;
	struct manifest manifest; /* what is delivered once it is done; in the plan only while it is made */
};

/* root.c */
void tree_init(struct tree *t);
void tree_release(struct tree *t);
bool tree_open(struct tree *t, bool share, struct err *err); /* opens and locks root */
/* Where the file at name lies below root, in the arena; NULL when elsewhere. Its folder must exist. */
const char *tree_inside(struct tree *t, const char *name);
const char *base_of(const char *path);                        /* the last component */
size_t folder_of(const char *path);                           /* length of what stands before it, without the slash */
/* The folder of path, borrowed until the next call; -1 with errno as beneath_folder. */
int tree_folder(struct tree *t, const char *path);
void tree_forget(struct tree *t); /* after folders came or went */
bool tree_failed(struct tree *t, const char *path, struct err *err); /* err for a tree_folder that failed */
struct ident ident_of(const struct stat *st);
bool ident_same(const struct ident *a, const struct ident *b);
void tree_note(struct tree *t, const char *text); /* text lives in the arena */
void dir_release(DIR **d); /* for AUTO(dir_release) */
char *number_text(unsigned long number, char out[24]);
/* As renameat, but never over something; EEXIST then. */
int rename_fresh(int from_folder, const char *from, int to_folder, const char *to);
/* Moves what stands at path, and was not foreseen there, to path.slipway-local (or .2 and so on), with a note. */
bool tree_put_aside(struct tree *t, const char *path, struct err *err);

/* look.c */
/* What lies at path. It is hashed when its size allows that it is what `is` says (NULL: not at all). A mount point in
 * the way, and MANIFEST or what is in BACKUP, are STATUS_USE. */
bool look(struct tree *t, const char *path, const struct manifest_entry *is, struct local *l, struct err *err);
/* As look; content is that of `is`, to be compared with instead: l->equal, and no hash (NULL: not known). What is not
 * equal is also hashed when it may be `was`. */
bool look_for(struct tree *t, const char *path, const struct manifest_entry *is, const void *content,
              const struct manifest_entry *was, struct local *l, struct err *err);
bool is_as(const struct local *l, const struct manifest_entry *e);

/* tar.c */
enum tar_use { TAR_LIST, TAR_COMPARE, TAR_STAGE };
/* Reads the tar on fd whole into e, sorted; TAR_COMPARE looks at the local files, TAR_STAGE also lays aside those
 * that differ. was is what was delivered before. */
bool tar_read(struct tree *t, int fd, enum tar_use use, const struct manifest *was, struct entries *e, struct err *err);

/* plan.c */
bool plan_make(struct tree *t, const struct options *o, const struct manifest *was, struct entries *e, struct plan *p,
               struct err *err);
void plan_print(const struct plan *p, bool same_too);

/* stage.c */
bool stage_data(struct tree *t, unsigned long number, unsigned mode, const void *data, size_t length, struct err *err);
int stage_open(struct tree *t, unsigned long number, unsigned mode, struct err *err);
bool stage_link(struct tree *t, unsigned long number, const char *target, struct err *err);
/* Owners, modes and xattrs of what is in new/, new folders, and the links of what will go, in old/. */
bool stage_rest(struct tree *t, struct plan *p, struct err *err);

/* planfile.c */
bool plan_save(struct tree *t, const struct plan *p, struct err *err);
bool plan_load(struct tree *t, struct plan *p, struct err *err);

/* backup.c */
enum state { STATE_NONE, STATE_STAGING, STATE_APPLYING, STATE_APPLIED, STATE_UNDOING, STATE_UNDONE };
/* Opens BACKUP and reads where it stands; without make a missing one is STATE_NONE with t->backup -1. */
bool backup_open(struct tree *t, bool make, enum state *state, struct err *err);
bool backup_begin(struct tree *t, struct err *err);  /* STATE_STAGING, new/ and old/ */
/* All of BACKUP on the disk, then STATE_APPLYING; puts: there is more than the few files of backup_file. */
bool backup_commit(struct tree *t, bool puts, struct err *err);
bool backup_turn(struct tree *t, enum state state, struct err *err); /* to one of the later states; needs no space */
/* Takes all away that a run put there; with keep_state the state stays. */
bool backup_clean(struct tree *t, bool keep_state, struct err *err);
bool backup_file(struct tree *t, const char *name, const char *text, size_t length, struct err *err);
char *backup_path(struct tree *t, const char *name);

/* act.c */
bool act_forward(struct tree *t, const struct plan *p, struct err *err);
bool act_manifest(struct tree *t, const struct plan *p, bool back, struct err *err);
/* MANIFEST is what it was before or after the plan; else a later run changed it: STATUS_USE. */
bool manifest_ours(struct tree *t, const struct plan *p, struct err *err);
bool sync_touched(struct tree *t, const struct plan *p, struct err *err);

/* undo.c */
bool act_back(struct tree *t, const struct plan *p, struct err *err);

#endif
