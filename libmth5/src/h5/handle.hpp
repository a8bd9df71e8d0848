#pragma once

#include <hdf5.h>

#include <string>
#include <string_view>
#include <utility>

#include "mth5/error.hpp"

/// Owners of HDF5 ids and the way errors come out of the C library. Nothing outside src/h5 calls an H5*close.
namespace mth5::h5 {

/// Prepares the library for this process and this thread; every public entry that will touch HDF5 calls it first. HDF5 prints its
/// error stack per thread unless told otherwise, and HDF5_USE_FILE_LOCKING would override the lock setting of our access lists,
/// so it is taken out of the environment before the library reads it (swmr-facts 2, 10).
void initialise();

/// The innermost message of this thread's error stack ("unable to lock file, errno = 11, …"), which then is cleared.
[[nodiscard]] std::string take_error_stack();

/// Passes good results on. @throws FileError "what: reason" for negative ones
template <class T>
T check(T rc, std::string_view what) {
  if (rc < 0) throw FileError{std::string{what} + ": " + take_error_stack()};
  return rc;
}

/// A close that fails in a destructor has nobody to tell but stderr.
void report_close_failure(hid_t id) noexcept;

/// Move-only owner of one id.
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, std::string_view what) : id_{check(id, what)} {}
  Handle(Handle&& other) noexcept : id_{std::exchange(other.id_, H5I_INVALID_HID)} {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0 && Close(id_) < 0) report_close_failure(id_);
  }

  [[nodiscard]] hid_t get() const noexcept { return id_; }
  explicit operator bool() const noexcept { return id_ >= 0; }

  /// Gives up an id that HDF5 has closed itself.
  void forget() noexcept { id_ = H5I_INVALID_HID; }
  /// Closes now. @throws FileError
  void close(std::string_view what) {
    if (id_ >= 0) check(Close(std::exchange(id_, H5I_INVALID_HID)), what);
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

using File = Handle<H5Fclose>;
using Group = Handle<H5Gclose>;
using Dataset = Handle<H5Dclose>;
using Object = Handle<H5Oclose>;
using Space = Handle<H5Sclose>;
using Datatype = Handle<H5Tclose>;
using Attribute = Handle<H5Aclose>;
using PropertyList = Handle<H5Pclose>;

/// Makes what a writer has changed since visible. A dataset that cannot be read again has lost its id in the attempt, and is
/// empty then. @throws FileError
void refresh(Dataset& dataset, std::string_view what);

}  // namespace mth5::h5
