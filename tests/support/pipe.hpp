#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <stdexcept>

#include "mth5/descriptor.hpp"

namespace support {

/// Between a test and its children; not handed on through exec. Thread: any, one at each end.
struct Pipe {
  /// @throws std::runtime_error
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    out = mth5::Descriptor{ends[0]};
    in = mth5::Descriptor{ends[1]};
  }

  /// T is copied by bytes, and small: one write, whole or not at all (pipe(7)). @throws std::runtime_error if nobody reads
  template <class T>
  void put(const T& value) const {
    if (write(in.get(), &value, sizeof value) != sizeof value) throw std::runtime_error{"nobody reads the pipe"};
  }
  /// @returns false at its end, or after 60 s
  template <class T>
  [[nodiscard]] bool get(T& value) const {
    pollfd ready{.fd = out.get(), .events = POLLIN, .revents = 0};
    return poll(&ready, 1, 60'000) == 1 && read(out.get(), &value, sizeof value) == sizeof value;
  }

  mth5::Descriptor out, in;  ///< to be read, to be written
};

}  // namespace support
