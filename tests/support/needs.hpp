#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "support/forked.hpp"

/// What a test needs of the machine that not every machine has. A test that is skipped for it says so, and stands in
/// tests/may_skip.txt: scripts/test.sh counts skipped tests, and fails for one that is not listed or whose need is met.
namespace support {

/// Why this process may mount nothing, in a namespace of its own; "" if it may. Tried, in a child.
/// @param as_root  without the way round it of a user namespace
[[nodiscard]] inline std::string why_no_mounts(bool as_root) {
  const auto ended = forked([&] {
    const int how = as_root || geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    return unshare(how) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : errno;
  });
  return ended.code == 0 ? "" : std::strerror(ended.code);
}

}  // namespace support

#define MTH5_NEEDS_MOUNTS(as_root)                                    \
  if (const auto why = support::why_no_mounts(as_root); !why.empty()) \
  GTEST_SKIP() << "CAP_SYS_ADMIN is needed to mount a disk: " << why
