#pragma once

/* Calls that fail on demand, for files below one directory. fail_nth.c becomes libfail_nth.so: linked into a test, or put in
 * front of a program that knows nothing of it, with LD_PRELOAD. Environment:
 *   FAIL_NTH_DIR   absolute path; only calls on paths below it count
 *   FAIL_NTH_CALL  write (pwrite, write, writev, pwritev), sync (fdatasync, fsync), truncate (ftruncate),
 *                  allocate (fallocate, posix_fallocate), open (open, openat), rename (rename, renameat, renameat2, link)
 *   FAIL_NTH       which of them, from 1
 *   FAIL_NTH_HOW   ENOSPC, EIO, EDQUOT, EROFS, EINTR; for writes also SHORT: half of the bytes are written; KILL: the process
 *                  dies of SIGKILL instead of the call
 *   FAIL_NTH_ON    1: that one and all later ones; 2: all odd ones or all even ones, as FAIL_NTH is; else that one
 *   FAIL_NTH_LOG   gets a line for each call that was made to fail: its number, its name, how, the path
 */
#ifdef __cplusplus
extern "C" {
#endif

/* Reads the environment anew and counts from 0 again: for a forked child that has set it. Otherwise it is read at the start. */
void fail_nth_reload(void);

#ifdef __cplusplus
}
#endif
