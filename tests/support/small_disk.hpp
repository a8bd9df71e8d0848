#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "support/support.hpp"

namespace support {

/// A file system in memory, seen by this process and its children only.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path at, const std::string& options) : at_{std::move(at)} {
    std::filesystem::create_directory(at_);
    const char* const failed = mount_it(options);
    mounted_ = failed == nullptr;
    if (!mounted_)
      ADD_FAILURE() << failed << ": " << std::strerror(errno)
                    << "; this test mounts a small tmpfs: run it as root, or where user namespaces are allowed";
  }
  ~SmallDisk() {
    if (mounted_) umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return at_; }

 private:
  /// @returns what failed; nullptr if nothing did
  const char* mount_it(const std::string& options) {
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return "unshare";
    if (user != 0) {
      write_text("/proc/self/setgroups", "deny");
      write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "making mounts private";
    if (mount("tmpfs", at_.c_str(), "tmpfs", 0, options.c_str()) != 0) return "mount";
    return nullptr;
  }

  std::filesystem::path at_;
  bool mounted_ = false;
};

}  // namespace support
