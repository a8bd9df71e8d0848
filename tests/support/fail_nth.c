#define _GNU_SOURCE
#include "fail_nth.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kShort = -1, kKill = -2 };

static struct {
  const char *directory, *call, *log, *how_name;
  long nth; /* 0: nothing fails */
  int how;  /* errno, kShort or kKill */
  bool from_then_on;
  bool every_other; /* as many as can be, if what is tried again has to come through */
} plan;
static atomic_long calls;

static int how_from(const char* name) {
  static const struct {
    const char* name;
    int value;
  } kKnown[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},      {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
                {"EINTR", EINTR},   {"SHORT", kShort}, {"KILL", kKill}};
  for (size_t i = 0; name != NULL && i < sizeof kKnown / sizeof *kKnown; ++i)
    if (strcmp(name, kKnown[i].name) == 0) return kKnown[i].value;
  fprintf(stderr, "fail_nth: FAIL_NTH_HOW: '%s' is none of ENOSPC EIO EDQUOT EROFS EINTR SHORT KILL\n", name == NULL ? "" : name);
  abort();
}

void fail_nth_reload(void) {
  const char* nth = getenv("FAIL_NTH");
  const char* on = getenv("FAIL_NTH_ON");
  plan.directory = getenv("FAIL_NTH_DIR");
  plan.call = getenv("FAIL_NTH_CALL");
  plan.log = getenv("FAIL_NTH_LOG");
  plan.how_name = getenv("FAIL_NTH_HOW");
  plan.nth = nth != NULL && plan.directory != NULL && plan.call != NULL ? atol(nth) : 0;
  plan.from_then_on = on != NULL && *on == '1';
  plan.every_other = on != NULL && *on == '2';
  if (plan.nth > 0) plan.how = how_from(plan.how_name);
  calls = 0;
}

__attribute__((constructor)) static void load(void) { fail_nth_reload(); }

static void* real(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}
/* The next definition of `name`, looked up once. */
#define REAL(name)                      \
  static __typeof__(&name) next = NULL; \
  if (next == NULL) *(void**)(&next) = real(#name)

static void log_failure(long number, const char* name, const char* path) {
  char line[PATH_MAX + 128];
  if (plan.log == NULL) return;
  REAL(open);
  const int fd = next(plan.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int length = snprintf(line, sizeof line, "%ld %s %s %s\n", number, name, plan.how_name, path);
  ssize_t (*next_write)(int, const void*, size_t) = NULL;
  *(void**)(&next_write) = real("write");
  if (fd < 0 || next_write(fd, line, (size_t)length) != length) abort(); /* a failure nobody hears of proves nothing */
  close(fd);
}

/* Whether this call has to fail. Sets errno. */
static bool fails(const char* kind, const char* name, const char* path) {
  if (plan.nth == 0 || path == NULL || strcmp(kind, plan.call) != 0) return false;
  const size_t length = strlen(plan.directory);
  if (strncmp(path, plan.directory, length) != 0 || (path[length] != '/' && path[length] != '\0')) return false;
  const long number = ++calls;
  if (plan.from_then_on ? number < plan.nth : plan.every_other ? number % 2 != plan.nth % 2 : number != plan.nth) return false;
  log_failure(number, name, path);
  if (plan.how == kKill) kill(getpid(), SIGKILL);
  errno = plan.how;
  return true;
}

static bool fails_fd(const char* kind, const char* name, int fd) {
  if (plan.nth == 0 || strcmp(kind, plan.call) != 0) return false;
  char self[64], path[PATH_MAX];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(self, path, sizeof path - 1);
  if (length < 0) return false;
  path[length] = '\0';
  return fails(kind, name, path);
}

static size_t half(size_t size) { return size > 1 ? size / 2 : size; }

#define WRITE(name, offset_type)                                         \
  ssize_t name(int fd, const void* bytes, size_t size, offset_type at) { \
    REAL(name);                                                          \
    if (!fails_fd("write", #name, fd)) return next(fd, bytes, size, at); \
    return plan.how == kShort ? next(fd, bytes, half(size), at) : -1;    \
  }
WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)

ssize_t write(int fd, const void* bytes, size_t size) {
  REAL(write);
  if (!fails_fd("write", "write", fd)) return next(fd, bytes, size);
  return plan.how == kShort ? next(fd, bytes, half(size)) : -1;
}

/* Short: the first buffer alone, or half of the only one. */
static struct iovec shortened(const struct iovec* buffers, int count) {
  struct iovec first = buffers[0];
  if (count == 1) first.iov_len = half(first.iov_len);
  return first;
}
#define WRITEV(name, offset_type)                                                        \
  ssize_t name(int fd, const struct iovec* buffers, int count, offset_type at) {         \
    REAL(name);                                                                          \
    if (count < 1 || !fails_fd("write", #name, fd)) return next(fd, buffers, count, at); \
    if (plan.how != kShort) return -1;                                                   \
    const struct iovec first = shortened(buffers, count);                                \
    return next(fd, &first, 1, at);                                                      \
  }
WRITEV(pwritev, off_t)
WRITEV(pwritev64, off64_t)

ssize_t writev(int fd, const struct iovec* buffers, int count) {
  REAL(writev);
  if (count < 1 || !fails_fd("write", "writev", fd)) return next(fd, buffers, count);
  if (plan.how != kShort) return -1;
  const struct iovec first = shortened(buffers, count);
  return next(fd, &first, 1);
}

#define SYNC(name)                                      \
  int name(int fd) {                                    \
    REAL(name);                                         \
    return fails_fd("sync", #name, fd) ? -1 : next(fd); \
  }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset_type)                               \
  int name(int fd, offset_type size) {                            \
    REAL(name);                                                   \
    return fails_fd("truncate", #name, fd) ? -1 : next(fd, size); \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define ALLOCATE(name, offset_type)                                         \
  int name(int fd, int mode, offset_type at, offset_type size) {            \
    REAL(name);                                                             \
    return fails_fd("allocate", #name, fd) ? -1 : next(fd, mode, at, size); \
  }
ALLOCATE(fallocate, off_t)
ALLOCATE(fallocate64, off64_t)

#define POSIX_ALLOCATE(name, offset_type) /* returns what others leave in errno */ \
  int name(int fd, offset_type at, offset_type size) {                             \
    REAL(name);                                                                    \
    return fails_fd("allocate", #name, fd) ? plan.how : next(fd, at, size);        \
  }
POSIX_ALLOCATE(posix_fallocate, off_t)
POSIX_ALLOCATE(posix_fallocate64, off64_t)

#define MODE(flags)                                            \
  mode_t mode = 0;                                             \
  if (((flags)&O_CREAT) || ((flags)&O_TMPFILE) == O_TMPFILE) { \
    va_list more;                                              \
    va_start(more, flags);                                     \
    mode = va_arg(more, mode_t);                               \
    va_end(more);                                              \
  }
#define OPEN(name)                                                    \
  int name(const char* path, int flags, ...) {                        \
    REAL(name);                                                       \
    MODE(flags)                                                       \
    return fails("open", #name, path) ? -1 : next(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                             \
  int name(int directory, const char* path, int flags, ...) {                    \
    REAL(name);                                                                  \
    MODE(flags)                                                                  \
    return fails("open", #name, path) ? -1 : next(directory, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

/* What open() becomes where glibc checks calls without a mode. */
int __open_2(const char* path, int flags);
int __open_2(const char* path, int flags) { return open(path, flags); }
int __open64_2(const char* path, int flags);
int __open64_2(const char* path, int flags) { return open64(path, flags); }

int rename(const char* from, const char* to) {
  REAL(rename);
  return fails("rename", "rename", to) ? -1 : next(from, to);
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  REAL(renameat);
  return fails("rename", "renameat", to) ? -1 : next(from_directory, from, to_directory, to);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  REAL(renameat2);
  return fails("rename", "renameat2", to) ? -1 : next(from_directory, from, to_directory, to, flags);
}
int link(const char* from, const char* to) {
  REAL(link);
  return fails("rename", "link", to) ? -1 : next(from, to);
}
