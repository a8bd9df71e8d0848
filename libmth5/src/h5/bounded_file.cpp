#include "h5/bounded_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "mth5/descriptor.hpp"
#include "mth5/io.hpp"

namespace mth5::h5 {

namespace {

thread_local std::uint64_t most_raw = kMostPiece;
thread_local bool any_refused = false;

struct Open {
  H5FD_t base;  ///< HDF5's own part comes first
  Descriptor owner;
  int fd;  ///< that of the owner, as HDF5 wants its address
  dev_t device;
  ino_t inode;
  haddr_t allocated, end;
};

Open* opened(H5FD_t* file) { return reinterpret_cast<Open*>(file); }
const Open* opened(const H5FD_t* file) { return reinterpret_cast<const Open*>(file); }

/// Innermost on HDF5's stack of errors, which is what take_error_stack() gives.
void say(const char* text) noexcept {
  H5Epush2(H5E_DEFAULT, __FILE__, "bounded_file", __LINE__, H5E_ERR_CLS, H5E_VFL, H5E_READERROR, "%s", text);
}
void say_errno(const char* what) noexcept {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%s: %s", what, std::strerror(errno));
  say(text.data());
}

H5FD_t* open_file(const char* name, unsigned flags, hid_t, haddr_t) {
  if ((flags & H5F_ACC_RDWR) != 0) {
    say("is for reading only");
    return nullptr;
  }
  Descriptor fd{::open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};  // a FIFO never holds us
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) {
    say_errno("unable to open file");
    return nullptr;
  }
  if (!S_ISREG(info.st_mode)) {
    say("is no regular file");
    return nullptr;
  }
  auto* file = new (std::nothrow) Open{};
  if (file == nullptr) return nullptr;
  file->fd = fd.get();
  file->owner = std::move(fd);
  file->device = info.st_dev;
  file->inode = info.st_ino;
  file->end = static_cast<haddr_t>(info.st_size);
  return &file->base;
}

herr_t close_file(H5FD_t* file) {
  delete opened(file);
  return 0;
}

/// One file opened twice in a process is one for HDF5, whatever its names.
int compare(const H5FD_t* a, const H5FD_t* b) {
  const auto key = [](const H5FD_t* file) { return std::pair{opened(file)->device, opened(file)->inode}; };
  return key(a) < key(b) ? -1 : key(b) < key(a) ? 1 : 0;
}

/// Those of the default driver that concern reading.
herr_t query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr)
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA |
             H5FD_FEAT_POSIX_COMPAT_HANDLE | H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t allocated(const H5FD_t* file, H5FD_mem_t) { return opened(file)->allocated; }
herr_t set_allocated(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  opened(file)->allocated = end;
  return 0;
}
haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return opened(file)->end; }

herr_t handle(H5FD_t* file, hid_t, void** out) {
  *out = &opened(file)->fd;
  return 0;
}

/// What lies behind the end of the file is zeros, as with the default driver.
herr_t read(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t at, size_t size, void* bytes) {
  const std::uint64_t most = type == H5FD_MEM_DRAW ? most_raw : kMostPiece;
  if (size > most) {
    any_refused = true;
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "claims %llu MiB in one piece, of which at most %llu are read",
                  static_cast<unsigned long long>(size >> 20), static_cast<unsigned long long>(most >> 20));
    say(text.data());
    return -1;
  }
  auto* to = static_cast<char*>(bytes);
  while (size > 0) {
    const ssize_t n = io().pread(opened(file)->fd, to, size, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      say_errno("file read failed");
      return -1;
    }
    if (n == 0) break;
    to += n;
    at += static_cast<haddr_t>(n);
    size -= static_cast<size_t>(n);
  }
  std::memset(to, 0, size);
  return 0;
}

herr_t write(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) {
  say("is for reading only");
  return -1;
}

/// HDF5 looks at the consistency flags only for a driver that locks. We lock nothing: a reader must never keep a writer out.
herr_t lock(H5FD_t*, hbool_t) { return 0; }
herr_t unlock(H5FD_t*) { return 0; }

const H5FD_class_t& driver() {
  static const H5FD_class_t driver = [] {
    H5FD_class_t c{};
#ifdef H5FD_CLASS_VERSION  // HDF5 1.14
    c.version = H5FD_CLASS_VERSION;
    c.value = static_cast<H5FD_class_value_t>(601);  // outside of HDF5's own
#endif
    c.name = "mth5-bounded";
    c.maxaddr = INT64_MAX;
    c.fc_degree = H5F_CLOSE_WEAK;
    c.open = open_file;
    c.close = close_file;
    c.cmp = compare;
    c.query = query;
    c.get_eoa = allocated;
    c.set_eoa = set_allocated;
    c.get_eof = end_of_file;
    c.get_handle = handle;
    c.read = read;
    c.write = write;
    c.lock = lock;
    c.unlock = unlock;
    const H5FD_mem_t one_list[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(one_list), std::end(one_list), c.fl_map);
    return c;
  }();
  return driver;
}

}  // namespace

void use_bounded_file(const PropertyList& access) {
  static const hid_t id = check(H5FDregister(&driver()), "HDF5: registering the reading driver");
  check(H5Pset_driver(access.get(), id, nullptr), "file access list: driver");
}

ReadLimit::ReadLimit(std::uint64_t bytes)
    : before_{std::exchange(most_raw, bytes)}, refused_before_{std::exchange(any_refused, false)} {}

ReadLimit::~ReadLimit() {
  most_raw = before_;
  any_refused = any_refused || refused_before_;
}

bool ReadLimit::refused() const { return any_refused; }

void require_bounded_chunks(hid_t dataset, const std::string& name) {
  const PropertyList create{H5Dget_create_plist(dataset), name};
  if (H5Pget_layout(create.get()) != H5D_CHUNKED || H5Pget_nfilters(create.get()) <= 0) return;
  std::array<hsize_t, H5S_MAX_RANK> size{};
  const int rank = check(H5Pget_chunk(create.get(), H5S_MAX_RANK, size.data()), name);
  const Datatype type{H5Dget_type(dataset), name};
  auto bytes = static_cast<double>(H5Tget_size(type.get()));
  for (int i = 0; i < rank; ++i) bytes *= static_cast<double>(size[static_cast<std::size_t>(i)]);
  if (bytes <= static_cast<double>(kMostPackedChunk)) return;
  throw FormatError{name + ": has packed chunks of " + std::to_string(static_cast<std::uint64_t>(bytes) >> 20) +
                    " MiB; at most " + std::to_string(kMostPackedChunk >> 20) +
                    " are unpacked: rewrite it with smaller ones (h5repack -l CHUNK=…)"};
}

}  // namespace mth5::h5
