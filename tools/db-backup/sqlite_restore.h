/* sqlite_restore.h - the content of a backup put into the live SQLite file, or a file put in its place. */
#ifndef DB_BACKUP_SQLITE_RESTORE_H
#define DB_BACKUP_SQLITE_RESTORE_H

#include "engine.h"

bool sqlite_restore(const struct request *r, const char **put, struct err *err);

#endif
