#include "vfd/undo_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "vfd/hash.hpp"

namespace mth5::vfd {

namespace {

constexpr std::string_view kMagic = "mth5 before 1\n";

struct Start {
  std::array<char, 16> magic;
  std::uint64_t size;  ///< of the file
};
struct Piece {
  std::uint64_t at, size, hash;  ///< of its bytes, which follow
};

int open_new(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
  return fd;
}

}  // namespace

UndoFile::UndoFile(int fd, const std::filesystem::path& path)
    : fd_{fd}, path_{path}, out_{open_new(path)}, size_{core::size_of(fd, path)} {
  Start start{};
  std::copy(kMagic.begin(), kMagic.end(), start.magic.begin());
  start.size = size_;
  core::write_all(out_, &start, sizeof start, 0, path_);
  written_ = sizeof start;
}

UndoFile::~UndoFile() { close(out_); }

void UndoFile::save(std::uint64_t at, std::uint64_t size) {
  if (at >= size_) return;  // there was nothing
  std::vector<char> bytes(std::min(size, size_ - at));
  core::read_all(fd_, bytes.data(), bytes.size(), at, path_);
  const Piece piece{at, bytes.size(), hash_of(bytes.data(), bytes.size())};
  core::write_all(out_, &piece, sizeof piece, written_, path_);
  core::write_all(out_, bytes.data(), bytes.size(), written_ + sizeof piece, path_);
  written_ += sizeof piece + bytes.size();
  unsynced_ = true;
}

void UndoFile::sync() {
  if (!unsynced_) return;
  core::sync_data(out_, path_);
  core::sync_directory(path_.parent_path());
  unsynced_ = false;
}

void put_back(int fd, const std::filesystem::path& path, const std::filesystem::path& before) {
  const int in = open(before.c_str(), O_RDONLY | O_CLOEXEC);
  if (in < 0) throw FileError{before.string() + ": " + std::generic_category().message(errno)};
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } const closer{in};
  Start start{};
  core::read_all(in, &start, sizeof start, 0, before);
  if (std::string_view{start.magic.data(), kMagic.size()} != kMagic)
    throw FormatError{before.string() + ": is not what mth5-recover saves of a file before it changes it"};
  // Checked whole before anything is put back.
  const std::uint64_t end = core::size_of(in, before);
  std::vector<std::uint64_t> pieces;
  std::vector<char> bytes;
  Piece piece{};
  const auto load = [&](std::uint64_t at) {
    core::read_all(in, &piece, sizeof piece, at, before);
    if (piece.size > end - at - sizeof piece) return false;
    bytes.resize(piece.size);
    core::read_all(in, bytes.data(), bytes.size(), at + sizeof piece, before);
    return hash_of(bytes.data(), bytes.size()) == piece.hash;
  };
  for (std::uint64_t at = sizeof start; at < end; at += sizeof piece + piece.size) {
    if (at + sizeof piece > end || !load(at)) {
      // Cut short by a cut of power: what comes after was not changed yet, as it was not synced.
      break;
    }
    pieces.push_back(at);
  }
  for (auto at = pieces.rbegin(); at != pieces.rend(); ++at) {
    (void)load(*at);
    core::write_all(fd, bytes.data(), bytes.size(), piece.at, path);
  }
  core::set_size(fd, start.size, path);
  core::sync_data(fd, path);
}

}  // namespace mth5::vfd
