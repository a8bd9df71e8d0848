#include "core/filesystem.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace mth5 {

namespace core {

namespace {

struct Known {
  std::uint32_t f_type;
  std::string_view name;
};
/// Magic numbers of statfs(2) and linux/magic.h; not all of them are in every header.
constexpr std::array<Known, 13> kNetwork{{{0x6969, "NFS"},
                                          {0xff534d42, "CIFS"},
                                          {0xfe534d42, "SMB2"},
                                          {0x517b, "SMB"},
                                          {0x65735546, "FUSE"},
                                          {0x01021997, "9p"},
                                          {0x00c36400, "Ceph"},
                                          {0x0bd00bd0, "Lustre"},
                                          {0x47504653, "GPFS"},
                                          {0x5346414f, "AFS"},
                                          {0x6b414653, "AFS"},
                                          {0x786f4256, "vboxsf"},
                                          {0x564c, "NCP"}}};

}  // namespace

std::optional<std::string_view> network_name(std::uint32_t f_type) {
  for (const auto& known : kNetwork)
    if (known.f_type == f_type) return known.name;
  return std::nullopt;
}

void require_local(const std::filesystem::path& path, std::optional<std::string_view> network, bool allowed) {
  if (network && !allowed)
    throw FileError{path.string() + ": is on " + std::string{*network} +
                    ", where SWMR is not safe: other hosts see writes in any order; use a local disk, or allow_network"};
}

}  // namespace core

std::optional<std::string_view> network_file_system(const std::filesystem::path& path) {
  for (auto place = path.empty() ? std::filesystem::path{"."} : path;;) {
    struct statfs found {};
    if (statfs(place.c_str(), &found) == 0) return core::network_name(static_cast<std::uint32_t>(found.f_type));
    const int reason = errno;
    const auto above = place.has_parent_path() ? place.parent_path() : std::filesystem::path{"."};
    if (reason != ENOENT || above == place)
      throw FileError{path.string() + ": file system: " + std::generic_category().message(reason)};
    place = above;
  }
}

Descriptor open_regular(const std::filesystem::path& path) {
  Descriptor fd{open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  struct stat info {};
  const auto fail = [&](const std::string& reason) { throw FileError{path.string() + ": cannot be read: " + reason}; };
  if (!fd) fail(std::generic_category().message(errno));
  const int error = fstat(fd.get(), &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  if (error != 0) fail(std::generic_category().message(error));
  if (!S_ISREG(info.st_mode)) fail("not a regular file; only such are read");
  return fd;
}

std::string read_regular(const std::filesystem::path& path, std::size_t most) {
  const auto fd = open_regular(path);
  constexpr std::size_t kBlock = 1 << 16;
  std::string bytes;
  for (std::size_t done = 0; done < most;) {
    bytes.resize(std::min(most, done + kBlock));
    const ssize_t n = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno != EINTR) throw FileError{path.string() + ": cannot be read: " + std::generic_category().message(errno)};
    done += n > 0 ? static_cast<std::size_t>(n) : 0;
    bytes.resize(done);
    if (n == 0) break;
  }
  return bytes;
}

int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      if (poll(&room, 1, -1) < 0 && errno != EINTR) return errno;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace mth5
