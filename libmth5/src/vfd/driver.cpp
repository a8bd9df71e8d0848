#include "vfd/driver.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <system_error>

#include "mth5/error.hpp"

namespace mth5::vfd {

namespace {

/// What an access list carries; HDF5 copies it byte by byte.
struct Info {
  JournaledFile* store;
};

struct Open {
  H5FD_t base;  ///< HDF5's own part comes first
  JournaledFile* store;
  haddr_t allocated;  ///< end of what HDF5 has given out
};

Open* opened(H5FD_t* file) { return reinterpret_cast<Open*>(file); }
const Open* opened(const H5FD_t* file) { return reinterpret_cast<const Open*>(file); }

/// No exception may pass through C. The reason waits in the store.
template <class Body>
herr_t guarded(JournaledFile& store, Body body) noexcept {
  try {
    body();
    return 0;
  } catch (const FileError& e) {
    store.keep_failure(e.what(), e.code());
  } catch (const Error& e) {
    store.keep_failure(e.what());
  } catch (const std::bad_alloc&) {
    store.keep_failure("out of memory", std::make_error_code(std::errc::not_enough_memory));
  }
  return -1;
}

H5FD_t* open_file(const char*, unsigned, hid_t access, haddr_t) {
  const auto* info = static_cast<const Info*>(H5Pget_driver_info(access));
  if (info == nullptr) return nullptr;
  auto* file = new (std::nothrow) Open{};
  if (file == nullptr) return nullptr;
  file->store = info->store;
  return &file->base;
}

/// Never fails: a file that cannot be closed crashes HDF5 1.10.8 when the process ends.
herr_t close_file(H5FD_t* file) {
  delete opened(file);
  return 0;
}

int compare(const H5FD_t* a, const H5FD_t* b) {
  const std::less<const JournaledFile*> before;
  return before(opened(a)->store, opened(b)->store) ? -1 : before(opened(b)->store, opened(a)->store) ? 1 : 0;
}

/// Those of the default driver but for the data sieve, which would hold samples back, and for POSIX_COMPAT_HANDLE, with which
/// HDF5 would look at the path again: the file may have been renamed, or have no name any more.
herr_t query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr)
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA |
             H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t allocated(const H5FD_t* file, H5FD_mem_t) { return opened(file)->allocated; }

herr_t set_allocated(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  opened(file)->allocated = end;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) { return opened(file)->store->end(); }

herr_t handle(H5FD_t* file, hid_t, void** out) {
  static thread_local int fd;
  fd = opened(file)->store->fd();
  *out = &fd;
  return 0;
}

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, size_t size, void* bytes) {
  JournaledFile& store = *opened(file)->store;
  return guarded(store, [&] { store.read(at, bytes, size); });
}

herr_t write(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t at, size_t size, const void* bytes) {
  JournaledFile& store = *opened(file)->store;
  return guarded(store, [&] { store.write(at, {static_cast<const char*>(bytes), size}, type == H5FD_MEM_DRAW); });
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  opened(file)->store->truncate(opened(file)->allocated);
  return 0;
}

/// HDF5 looks at the consistency flags only for a driver that locks. Who writes is settled by our own lock (h5/lock.hpp).
herr_t lock(H5FD_t*, hbool_t) { return 0; }
herr_t unlock(H5FD_t*) { return 0; }

const H5FD_class_t& driver() {
  static const H5FD_class_t driver = [] {
    H5FD_class_t c{};
#ifdef H5FD_CLASS_VERSION  // HDF5 1.14
    c.version = H5FD_CLASS_VERSION;
    c.value = static_cast<H5FD_class_value_t>(602);  // outside of HDF5's own
#endif
    c.name = "mth5-journal";
    c.maxaddr = INT64_MAX;
    c.fc_degree = H5F_CLOSE_WEAK;
    c.fapl_size = sizeof(Info);
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
    c.truncate = truncate;
    c.lock = lock;
    c.unlock = unlock;
    const H5FD_mem_t one_list[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(one_list), std::end(one_list), c.fl_map);
    return c;
  }();
  return driver;
}

}  // namespace

void use(const h5::PropertyList& access, JournaledFile& store) {
  static const hid_t id = h5::check(H5FDregister(&driver()), "HDF5: registering the journaling driver");
  const Info info{&store};
  h5::check(H5Pset_driver(access.get(), id, &info), "file access list: driver");
}

}  // namespace mth5::vfd
