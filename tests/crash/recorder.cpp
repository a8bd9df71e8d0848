#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "log_format.hpp"

/// LD_PRELOAD library: writes down what a program does to a data file, in order and with contents.
///   CRASH_FILE  pattern (fnmatch) of absolute paths: "/data/*MT001.h5*" has the file and its hidden work name
///   CRASH_LOG   where to; events of several processes follow each other
/// A file is known by its inode once it was opened by such a name: other descriptors, renames and forks need no care.
/// Calls go straight to the kernel, so no symbol has to be looked up. stdio streams and mmap() are not seen; crash_images
/// compares the file with what was recorded and would tell. Thread: any.
namespace {

using crash::EventHeader;
using crash::Kind;

struct Inode {
  dev_t device;
  ino_t number;
};

class Recorder {
 public:
  Recorder() {
    const char* log = std::getenv("CRASH_LOG");
    const char* pattern = std::getenv("CRASH_FILE");
    if (log == nullptr || pattern == nullptr) return;
    pattern_ = pattern;
    log_ = static_cast<int>(syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (log_ < 0) give_up("cannot open CRASH_LOG");
  }

  [[nodiscard]] bool on() const { return log_ >= 0; }
  [[nodiscard]] bool matches(const std::string& path) const { return fnmatch(pattern_.c_str(), path.c_str(), 0) == 0; }

  /// Adds the file open as `fd`. @returns false if it was known
  void track(const Inode& inode, const std::string& path) {
    if (known(inode)) return;
    if (n_files_ == files_.size()) give_up("more than 64 files match CRASH_FILE");
    files_[n_files_++] = inode;
    struct stat folder {};
    if (::stat(path.substr(0, path.rfind('/')).c_str(), &folder) == 0) folder_ = {folder.st_dev, folder.st_ino};
  }
  void forget(const Inode& inode) {
    for (std::size_t i = 0; i < n_files_; ++i)
      if (files_[i].number == inode.number && files_[i].device == inode.device) files_[i] = files_[--n_files_];
  }
  [[nodiscard]] bool known(const Inode& inode) const {
    return std::any_of(files_.begin(), files_.begin() + static_cast<std::ptrdiff_t>(n_files_),
                       [&](const Inode& f) { return f.number == inode.number && f.device == inode.device; });
  }
  [[nodiscard]] bool is_folder(const Inode& inode) const {
    return n_files_ > 0 && folder_.number == inode.number && folder_.device == inode.device;
  }

  void put(Kind kind, const Inode& inode, std::int64_t offset, std::int64_t size, const iovec* parts, int n_parts,
           std::size_t payload) {
    EventHeader header{crash::kEventMagic, kind, inode.number, offset, size, payload};
    write_all(&header, sizeof header);
    for (int i = 0; i < n_parts && payload > 0; ++i) {
      const std::size_t n = std::min(payload, parts[i].iov_len);
      write_all(parts[i].iov_base, n);
      payload -= n;
    }
  }
  void put(Kind kind, const Inode& inode, std::int64_t offset, std::int64_t size, const std::string& text = {}) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    put(kind, inode, offset, size, &part, 1, text.size());
  }

  [[noreturn]] static void give_up(const char* why) {
    std::fprintf(stderr, "crash recorder: %s: %s\n", why, std::strerror(errno));
    std::abort();
  }

  std::mutex mutex;  ///< held over a call and its record, so that both have the same order; not over a sync

 private:
  void write_all(const void* data, std::size_t size) const {
    const char* from = static_cast<const char*>(data);
    while (size > 0) {
      const long n = syscall(SYS_write, log_, from, size);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) give_up("cannot write CRASH_LOG");
      from += n;
      size -= static_cast<std::size_t>(n);
    }
  }

  int log_ = -1;
  std::string pattern_;
  std::array<Inode, 64> files_{};
  std::size_t n_files_ = 0;
  Inode folder_{};
};

Recorder& recorder() {
  static Recorder* const one = new Recorder;  // never destroyed: programs write until the very end
  return *one;
}

Inode inode_of(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  char base[PATH_MAX] = "";
  if (folder == AT_FDCWD) {
    if (getcwd(base, sizeof base) == nullptr) return path;
  } else {
    const ssize_t n = readlink(("/proc/self/fd/" + std::to_string(folder)).c_str(), base, sizeof base - 1);
    if (n <= 0) return path;
    base[n] = '\0';
  }
  return std::string{base} + "/" + path;
}

int record_open(int folder, const char* path, int flags, mode_t mode) {
  Recorder& r = recorder();
  const std::string name = r.on() ? absolute(folder, path) : std::string{};
  if (!r.on() || !r.matches(name)) return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  const std::lock_guard hold{r.mutex};
  struct stat before {};
  const bool existed = ::stat(name.c_str(), &before) == 0;
  const int fd = static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  if (fd < 0) return fd;
  const int error = errno;
  const Inode inode = inode_of(fd);
  if (!existed) r.forget(inode);  // numbers are used again
  if (!r.known(inode)) {
    r.track(inode, name);
    r.put(Kind::Open, inode, existed ? 0 : 1, existed ? before.st_size : 0, name);
  }
  if (existed && (flags & O_TRUNC) != 0) r.put(Kind::Resize, inode, 0, 0);
  errno = error;
  return fd;
}

/// A call that takes bytes of `parts` to `offset` (-1: to the descriptor's own place).
template <class Call>
ssize_t record_write(int fd, const iovec* parts, int n_parts, off_t offset, Call call) {
  Recorder& r = recorder();
  const Inode inode = r.on() ? inode_of(fd) : Inode{};
  const std::unique_lock hold = r.on() ? std::unique_lock{r.mutex} : std::unique_lock<std::mutex>{};
  if (!r.on() || !r.known(inode)) return call();
  off_t at = offset;
  if (offset < 0) {
    struct stat info {};
    const bool at_end = (fcntl(fd, F_GETFL) & O_APPEND) != 0 && fstat(fd, &info) == 0;
    at = at_end ? info.st_size : lseek(fd, 0, SEEK_CUR);
  }
  const ssize_t n = call();
  const int error = errno;
  if (n > 0) r.put(Kind::Write, inode, at, n, parts, n_parts, static_cast<std::size_t>(n));
  errno = error;
  return n;
}

int record_sync(int fd, long number) {
  Recorder& r = recorder();
  const Inode inode = r.on() ? inode_of(fd) : Inode{};
  bool ours = false;
  if (r.on()) {
    const std::lock_guard hold{r.mutex};
    ours = r.known(inode) || r.is_folder(inode);
    if (ours) r.put(Kind::SyncBegin, inode, 0, 0);
  }
  const int rc = static_cast<int>(syscall(number, fd));
  const int error = errno;
  if (ours) {
    const std::lock_guard hold{r.mutex};
    r.put(Kind::SyncEnd, inode, 0, rc == 0 ? 0 : error);
  }
  errno = error;
  return rc;
}

int record_resize(int fd, off_t size) {
  Recorder& r = recorder();
  const Inode inode = r.on() ? inode_of(fd) : Inode{};
  if (!r.on()) return static_cast<int>(syscall(SYS_ftruncate, fd, size));
  const std::lock_guard hold{r.mutex};
  const int rc = static_cast<int>(syscall(SYS_ftruncate, fd, size));
  const int error = errno;
  if (rc == 0 && r.known(inode)) r.put(Kind::Resize, inode, 0, size);
  errno = error;
  return rc;
}

int record_allocate(int fd, int mode, off_t offset, off_t length) {
  Recorder& r = recorder();
  const Inode inode = r.on() ? inode_of(fd) : Inode{};
  if (!r.on()) return static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, length));
  const std::lock_guard hold{r.mutex};
  const int rc = static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, length));
  const int error = errno;
  if (rc == 0 && r.known(inode)) {
    if (mode == 0)
      r.put(Kind::Allocate, inode, offset, length);
    else if (mode != FALLOC_FL_KEEP_SIZE)
      r.put(Kind::Refused, inode, offset, length, "fallocate mode " + std::to_string(mode));
  }
  errno = error;
  return rc;
}

/// A call that gives the file at `from` the name `to` as well, or instead.
template <class Call>
int record_name(Kind kind, int from_folder, const char* from, int to_folder, const char* to, Call call) {
  Recorder& r = recorder();
  if (!r.on()) return call();
  const std::lock_guard hold{r.mutex};
  const std::string source = absolute(from_folder, from), target = absolute(to_folder, to);
  struct stat info {};
  const bool ours = ::lstat(source.c_str(), &info) == 0 && r.known({info.st_dev, info.st_ino});
  const int rc = call();
  const int error = errno;
  if (rc == 0 && ours) r.put(kind, {info.st_dev, info.st_ino}, 0, 0, source + '\0' + target);
  errno = error;
  return rc;
}

int record_unlink(int folder, const char* path, int flags) {
  Recorder& r = recorder();
  if (!r.on()) return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
  const std::lock_guard hold{r.mutex};
  const std::string name = absolute(folder, path);
  struct stat info {};
  const bool ours = ::lstat(name.c_str(), &info) == 0 && r.known({info.st_dev, info.st_ino});
  const int rc = static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
  const int error = errno;
  if (rc == 0 && ours) {
    r.put(Kind::Unlink, {info.st_dev, info.st_ino}, 0, 0, name);
    if (info.st_nlink == 1) r.forget({info.st_dev, info.st_ino});
  }
  errno = error;
  return rc;
}

mode_t mode_of(int flags, va_list arguments) { return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0; }

iovec one(const void* data, std::size_t size) { return {const_cast<void*>(data), size}; }

}  // namespace

// The names a program calls. On 64-bit Linux off_t and off64_t are the same, so one body serves both.
extern "C" {

/// For programs that want their own facts in the log, in order: declare it weak and call it if it is there.
void crash_note(const char* text) {
  Recorder& r = recorder();
  if (!r.on()) return;
  const std::lock_guard hold{r.mutex};
  r.put(Kind::Note, {}, 0, 0, std::string{text});
}

#define CRASH_OPEN(name)                             \
  int name(const char* path, int flags, ...) {       \
    va_list arguments;                               \
    va_start(arguments, flags);                      \
    const mode_t mode = mode_of(flags, arguments);   \
    va_end(arguments);                               \
    return record_open(AT_FDCWD, path, flags, mode); \
  }
#define CRASH_OPENAT(name)                                 \
  int name(int folder, const char* path, int flags, ...) { \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    const mode_t mode = mode_of(flags, arguments);         \
    va_end(arguments);                                     \
    return record_open(folder, path, flags, mode);         \
  }
CRASH_OPEN(open)
CRASH_OPEN(open64)
CRASH_OPENAT(openat)
CRASH_OPENAT(openat64)
int creat(const char* path, mode_t mode) { return record_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char* path, mode_t mode) { return record_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

ssize_t write(int fd, const void* data, std::size_t size) {
  const iovec part = one(data, size);
  return record_write(fd, &part, 1, -1, [&] { return syscall(SYS_write, fd, data, size); });
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  const iovec part = one(data, size);
  return record_write(fd, &part, 1, offset, [&] { return syscall(SYS_pwrite64, fd, data, size, offset); });
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t offset) { return pwrite(fd, data, size, offset); }
ssize_t writev(int fd, const iovec* parts, int n) {
  return record_write(fd, parts, n, -1, [&] { return syscall(SYS_writev, fd, parts, n); });
}
ssize_t pwritev(int fd, const iovec* parts, int n, off_t offset) {
  return record_write(fd, parts, n, offset, [&] { return syscall(SYS_pwritev, fd, parts, n, offset, 0L); });
}
ssize_t pwritev64(int fd, const iovec* parts, int n, off64_t offset) { return pwritev(fd, parts, n, offset); }

int ftruncate(int fd, off_t size) noexcept { return record_resize(fd, size); }
int ftruncate64(int fd, off64_t size) noexcept { return record_resize(fd, size); }
int fallocate(int fd, int mode, off_t offset, off_t length) { return record_allocate(fd, mode, offset, length); }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return record_allocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) {
  const int before = errno;
  const int rc = record_allocate(fd, 0, offset, length) == 0 ? 0 : errno;
  errno = before;
  return rc;
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

int fdatasync(int fd) { return record_sync(fd, SYS_fdatasync); }
int fsync(int fd) { return record_sync(fd, SYS_fsync); }

int rename(const char* from, const char* to) noexcept {
  return record_name(Kind::Rename, AT_FDCWD, from, AT_FDCWD, to,
                     [&] { return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0U)); });
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return record_name(Kind::Rename, from_folder, from, to_folder, to,
                     [&] { return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, 0U)); });
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return record_name(Kind::Rename, from_folder, from, to_folder, to,
                     [&] { return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags)); });
}
int link(const char* from, const char* to) noexcept {
  return record_name(Kind::Link, AT_FDCWD, from, AT_FDCWD, to,
                     [&] { return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); });
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return record_name(Kind::Link, from_folder, from, to_folder, to,
                     [&] { return static_cast<int>(syscall(SYS_linkat, from_folder, from, to_folder, to, flags)); });
}
int unlink(const char* path) noexcept { return record_unlink(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept { return record_unlink(folder, path, flags); }
int remove(const char* path) noexcept {
  struct stat info {};
  const bool folder = ::lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
  return record_unlink(AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
}
}
