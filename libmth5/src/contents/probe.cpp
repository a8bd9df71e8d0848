#include "mth5/probe.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>

#include "contents/unsupported.hpp"
#include "h5/checksum.hpp"
#include "h5/lock.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/io.hpp"
#include "vfd/journal.hpp"

namespace mth5 {

namespace {

namespace fs = std::filesystem;

constexpr std::array<unsigned char, 8> kSignature{0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kFlagsAt = 11;        ///< superblock versions 2 and 3 (HDF5 file format, II.A)
constexpr std::size_t kOffsetBytesAt = 9;   ///< the same
constexpr std::uint8_t kFlagVersion = 2;    ///< older superblocks have no consistency flags
constexpr std::uint8_t kNewestVersion = 3;  ///< of HDF5 1.10 to 2.0
constexpr std::uint8_t kOpenFlags = 1 | 4;  ///< open for writing, open for SWMR writing

Descriptor open_for_a_look(const fs::path& path) {
  Descriptor fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
  return fd;
}

struct Superblock {
  std::uint8_t version, flags;
};

using Head = std::array<unsigned char, 48>;  ///< a whole superblock of version 2 or 3 with addresses of 8 bytes

/// What is left of a file behind the first bytes of its superblock is zeros here. nullopt if there is none. A user block moves it
/// to 512, 1024, 2048, …
std::optional<Head> find_superblock(int fd, const fs::path& path, off_t size) {
  constexpr off_t kLeast = 16;  // bytes of any superblock that are looked at
  for (off_t at = 0; at + kLeast <= size; at = at == 0 ? 512 : at * 2) {
    Head head{};
    const ssize_t n = io().pread(fd, head.data(), head.size(), at);
    if (n < 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
    if (n >= ssize_t{kLeast} && std::equal(kSignature.begin(), kSignature.end(), head.begin())) return head;
  }
  return std::nullopt;
}

/// Whether the checksum at its end fits: from version 2 on there is one, behind four addresses (HDF5 file format, II.A).
bool is_whole(const Head& head) {
  const std::size_t bytes = 12 + 4 * std::size_t{head[kOffsetBytesAt]};
  if (bytes + 4 > head.size()) return false;
  std::uint32_t stored = 0;
  for (std::size_t i = 0; i < 4; ++i) stored |= std::uint32_t{head[bytes + i]} << (8 * i);
  return stored == h5::checksum(std::span{head}.first(bytes));
}

Superblock superblock(int fd, const fs::path& path, off_t size) {
  const auto found = find_superblock(fd, path, size);
  if (!found) throw FormatError{path.string() + ": not an HDF5 file"};
  const Head& head = *found;
  const bool newer = head[kVersionAt] > kNewestVersion;
  if (newer && !is_whole(head))
    throw FormatError{path.string() + ": damaged: its superblock says version " + std::to_string(head[kVersionAt]) +
                      ", and its checksum does not fit"};
  if (newer)
    throw UnsupportedError{path.string() + ": its superblock is of version " + std::to_string(head[kVersionAt]) +
                           ", this HDF5 knows up to " + std::to_string(kNewestVersion) + ": " + contents::newer_hdf5()};
  return {head[kVersionAt], head[kVersionAt] >= kFlagVersion ? head[kFlagsAt] : std::uint8_t{0}};
}

}  // namespace

std::string_view to_string(FileState state) {
  switch (state) {
    case FileState::Live:
      return "live";
    case FileState::Closed:
      return "closed";
    case FileState::WriterDied:
      break;
  }
  return "writer-died";
}

Probe probe(const fs::path& path) {
  const Descriptor file = open_for_a_look(path);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
  if (S_ISDIR(status.st_mode)) throw FileError{path.string() + ": is a directory"};
  if (!S_ISREG(status.st_mode)) throw FileError{path.string() + ": is not a regular file"};
  // The lock before the flags: a writer clears its flags first and lets go of the lock last, so that flags without a lock are
  // what a dead one left. The second look covers a writer that came between the two.
  Probe found{};
  found.locked = h5::is_write_locked(file.get());
  const auto block = superblock(file.get(), path, status.st_size);
  found.superblock_version = block.version;
  found.consistency_flags = block.flags;
  if (!found.locked && (found.consistency_flags & kOpenFlags) != 0) found.locked = h5::is_write_locked(file.get());
  bool open_for_writing = found.locked || (found.consistency_flags & kOpenFlags) != 0;
  if (!open_for_writing)  // a cut of power can leave the flags of before
    if (const auto journal = vfd::Journal::find(file.get(), path)) open_for_writing = !journal->is_clean();
  found.state = open_for_writing ? FileState::Live : FileState::Closed;
  return found;
}

bool is_hdf5(const fs::path& path) {
  const Descriptor file = open_for_a_look(path);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
  return S_ISREG(status.st_mode) && find_superblock(file.get(), path, status.st_size).has_value();
}

bool has_journal(const fs::path& path) {
  const Descriptor file = open_for_a_look(path);
  return vfd::Journal::find(file.get(), path).has_value();
}

}  // namespace mth5
