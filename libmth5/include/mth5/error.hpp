#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>

namespace mth5 {

/// Everything libmth5 throws derives from this. what() is one line: object: reason; what to do where we know it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file could not be opened, written, synced: I/O or HDF5 failed. After this a file being written is final: close it, keep it.
class FileError : public Error {
 public:
  explicit FileError(const std::string& what, std::error_code code = {}) : Error{what}, code_{code} {}
  /// Why, as the system said it: compare with std::errc (no_space_on_device, io_error, …). Empty where no system call failed or
  /// HDF5 did not pass its error on.
  [[nodiscard]] const std::error_code& code() const noexcept { return code_; }

 private:
  std::error_code code_;
};

/// The file is not MTH5, or its content is damaged or of an unsupported version.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// Nothing is wrong with the file, but what HDF5 this program runs with cannot read it: it was written with a newer one, or
/// through a filter that is not installed. Names which.
class UnsupportedError : public Error {
 public:
  using Error::Error;
};

/// The call does not fit the state of the object (append after close, structure inside SWMR): names the right call.
class StateError : public Error {
 public:
  using Error::Error;
};

/// A metadata attribute that MTH5 does not know, or a value it does not allow.
class MetadataError : public Error {
 public:
  using Error::Error;
};

/// Another process holds the file for writing.
class BusyError : public Error {
 public:
  BusyError(const std::string& what, std::int64_t holder_pid) : Error{what}, pid{holder_pid} {}
  std::int64_t pid;  ///< of the writer, 0 if it is not known
};

}  // namespace mth5
