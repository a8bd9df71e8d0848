#include "vfd/undo_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "vfd/hash.hpp"
#include "vfd/journal.hpp"

namespace mth5::vfd {

namespace {

constexpr std::string_view kMagic = "mth5 before 2\n";
constexpr std::string_view kFamily = "mth5 before ";
constexpr std::uint64_t kPiece = 65536;
constexpr std::uint64_t kBytes = 1, kEnd = 2;  ///< kinds of a part

struct Start {
  std::array<char, 16> magic;
  std::uint64_t file_id, sequence;  ///< of the file, before
  std::uint64_t size;               ///< of the file, before
  std::uint64_t hash;               ///< of the above
};
struct Part {
  std::uint64_t kind, at, size, body_hash;
  std::uint64_t hash;  ///< of the above
};
/// At the beginning of the body of the last part; behind it the hash of each piece as the recovery left it.
struct Finish {
  std::uint64_t sequence, size;  ///< of the file, after
  std::int64_t modified_ns;
  std::uint64_t not_kept;
};

template <class T>
std::uint64_t own_hash(const T& value) {
  return hash_of(&value, offsetof(T, hash));
}

std::string reason() { return std::generic_category().message(errno); }

Descriptor open_new(const std::filesystem::path& path) {
  Descriptor fd{open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  if (!fd) throw FileError{path.string() + ": cannot be made: " + reason(), {errno, std::generic_category()}};
  return fd;
}

std::int64_t modified_ns(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) throw FileError{path.string() + ": " + reason()};
  return info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec;
}

std::uint64_t hash_in(int fd, const std::filesystem::path& path, std::uint64_t at, std::uint64_t size,
                      std::vector<char>& buffer) {
  buffer.resize(size);
  core::read_all(fd, buffer.data(), size, at, path);
  return hash_of(buffer.data(), size);
}

/// A before-file that was read and whose hashes hold. Its pieces are no longer than kPiece: memory is bounded.
class Saved {
 public:
  explicit Saved(const std::filesystem::path& path) : path_{path}, fd_{open_regular(path)} { load(); }

  struct Piece {
    std::uint64_t at, size, body_at, hash, hash_after;
  };
  [[nodiscard]] const Start& start() const { return start_; }
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const Finish& finish() const { return finish_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  void read(const Piece& piece, std::vector<char>& bytes) const {
    if (hash_in(fd_.get(), path_, piece.body_at, piece.size, bytes) != piece.hash)
      throw FormatError{path_.string() + ": is damaged; nothing was put back"};
  }

 private:
  void load() {
    const auto refuse = [&](const char* why) { throw FormatError{path_.string() + ": " + why}; };
    core::read_all(fd_.get(), &start_, sizeof start_, 0, path_);
    const std::string_view magic{start_.magic.data(), start_.magic.size()};
    if (!magic.starts_with(kFamily)) refuse("is not what mth5-recover saves of a file before it changes it");
    if (!magic.starts_with(kMagic))
      refuse("was made by an older mth5-recover and does not tell of which file it is; the program that made it takes it back");
    if (start_.hash != own_hash(start_)) refuse("is damaged; nothing was put back");
    const std::uint64_t end = core::size_of(fd_.get(), path_);
    std::vector<char> body;
    for (std::uint64_t at = sizeof start_; at + sizeof(Part) <= end;) {
      Part part{};
      core::read_all(fd_.get(), &part, sizeof part, at, path_);
      const std::uint64_t body_at = at + sizeof part;
      // Cut short by a power cut: what comes after was not changed yet, as it was not synced.
      if (part.hash != own_hash(part) || part.size > end - body_at) break;
      if (part.kind == kEnd) return load_end(part, body_at);
      if (part.kind != kBytes || part.size == 0 || part.size > kPiece || part.at > start_.size ||
          part.size > start_.size - part.at)
        break;
      if (hash_in(fd_.get(), path_, body_at, part.size, body) != part.body_hash) break;
      pieces_.push_back({part.at, part.size, body_at, part.body_hash, 0});
      at = body_at + part.size;
    }
  }

  void load_end(const Part& part, std::uint64_t body_at) {
    if (part.size != sizeof finish_ + pieces_.size() * sizeof(std::uint64_t)) return;
    std::vector<char> body;
    if (hash_in(fd_.get(), path_, body_at, part.size, body) != part.body_hash) return;
    std::memcpy(&finish_, body.data(), sizeof finish_);
    for (std::size_t i = 0; i < pieces_.size(); ++i)
      std::memcpy(&pieces_[i].hash_after, body.data() + sizeof finish_ + i * sizeof(std::uint64_t), sizeof(std::uint64_t));
    finished_ = true;
  }

  std::filesystem::path path_;
  Descriptor fd_;
  Start start_{};
  Finish finish_{};
  bool finished_ = false;
  std::vector<Piece> pieces_;
};

/// @throws StateError unless the file is as the recovery left it, or partly as it was before: an undo that broke off
void require_state(const Saved& saved, int fd, const std::filesystem::path& path, const std::filesystem::path& before) {
  const auto refuse = [&](const std::string& why) {
    throw StateError{before.string() + ": " + why + "; " + path.string() + " was left as it is"};
  };
  if (!saved.finished())
    refuse("the recovery that it belongs to broke off; run mth5-recover on the file again, which completes it");
  std::vector<char> bytes;
  bool on_its_way_back = false;
  for (const auto& piece : saved.pieces()) {
    const std::uint64_t now = hash_in(fd, path, piece.at, piece.size, bytes);
    if (now == piece.hash_after) continue;
    if (now != piece.hash) refuse("the file was changed since that recovery");
    on_its_way_back = true;
  }
  const std::uint64_t size = core::size_of(fd, path);
  if (on_its_way_back && (size == saved.start().size || size == saved.finish().size)) return;
  if (size != saved.finish().size || state_of(fd, path).sequence != saved.finish().sequence ||
      modified_ns(fd, path) != saved.finish().modified_ns)
    refuse("the file was changed (or copied) since that recovery");
}

}  // namespace

FileState state_of(int fd, const std::filesystem::path& path) {
  const auto journal = Journal::find(fd, path);
  return journal ? FileState{journal->file_id(), journal->newest_sequence()} : FileState{};
}

UndoFile::UndoFile(int fd, const std::filesystem::path& path)
    : fd_{fd}, path_{path}, out_{open_new(path)}, size_{core::size_of(fd, path)} {
  const auto state = state_of(fd, path);
  Start start{};
  std::copy(kMagic.begin(), kMagic.end(), start.magic.begin());
  start.file_id = state.file_id;
  start.sequence = state.sequence;
  start.size = size_;
  start.hash = own_hash(start);
  try {
    core::write_all(out_.get(), &start, sizeof start, 0, path_);
  } catch (...) {
    unlink(path_.c_str());
    throw;
  }
  written_ = sizeof start;
}

UndoFile::~UndoFile() {
  if (!needed_) unlink(path_.c_str());
}

void UndoFile::append(std::uint64_t kind, std::uint64_t at, const std::vector<char>& body) {
  Part part{kind, at, body.size(), hash_of(body.data(), body.size()), 0};
  part.hash = own_hash(part);
  core::write_all(out_.get(), &part, sizeof part, written_, path_);
  core::write_all(out_.get(), body.data(), body.size(), written_ + sizeof part, path_);
  written_ += sizeof part + body.size();
  unsynced_ = true;
}

void UndoFile::save_piece(std::uint64_t at, std::uint64_t size) {
  while (size > 0) {
    buffer_.resize(std::min(size, kPiece));
    core::read_all(fd_, buffer_.data(), buffer_.size(), at, path_);
    append(kBytes, at, buffer_);
    pieces_.push_back({at, buffer_.size()});
    at += buffer_.size();
    size -= buffer_.size();
  }
}

void UndoFile::save(std::uint64_t at, std::uint64_t size) {
  if (at >= size_) return;  // there was nothing
  const std::uint64_t until = at + std::min(size, size_ - at);
  auto next = saved_.upper_bound(at);
  if (next != saved_.begin() && std::prev(next)->second > at) --next;
  std::uint64_t from = at;
  for (; next != saved_.end() && next->first < until; ++next) {
    if (next->first > from) save_piece(from, next->first - from);
    from = std::max(from, next->second);
  }
  if (from < until) save_piece(from, until - from);
  // One range in the place of all that it touches.
  std::uint64_t first = at, last = until;
  auto it = saved_.upper_bound(at);
  if (it != saved_.begin() && std::prev(it)->second >= at) --it;
  while (it != saved_.end() && it->first <= until) {
    first = std::min(first, it->first);
    last = std::max(last, it->second);
    it = saved_.erase(it);
  }
  saved_.emplace(first, last);
}

void UndoFile::save_tail(std::uint64_t at) {
  while (at < size_) {
    const off_t data = lseek(fd_, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return;  // a hole up to the end
    const off_t hole = data < 0 ? -1 : lseek(fd_, data, SEEK_HOLE);
    // A file system that does not know of holes has data everywhere.
    const std::uint64_t from = data < 0 ? at : static_cast<std::uint64_t>(data);
    const std::uint64_t until = hole < 0 ? size_ : std::min(size_, static_cast<std::uint64_t>(hole));
    if (from >= until) return;
    const std::uint64_t room = kMostTail - std::min(tail_bytes_, kMostTail);
    const std::uint64_t take = std::min(room, until - from);
    save(from, take);
    tail_bytes_ += take;
    not_kept_ += until - from - take;
    at = until;
  }
}

void UndoFile::sync() {
  needed_ = true;
  if (!unsynced_) return;
  core::sync_data(out_.get(), path_);
  core::sync_directory(path_.parent_path());
  unsynced_ = false;
}

void UndoFile::finish() {
  if (!needed_) return;
  Finish finish{state_of(fd_, path_).sequence, core::size_of(fd_, path_), modified_ns(fd_, path_), not_kept_};
  std::vector<char> body(sizeof finish + pieces_.size() * sizeof(std::uint64_t));
  std::memcpy(body.data(), &finish, sizeof finish);
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const std::uint64_t hash = hash_in(fd_, path_, pieces_[i].at, pieces_[i].size, buffer_);
    std::memcpy(body.data() + sizeof finish + i * sizeof hash, &hash, sizeof hash);
  }
  append(kEnd, 0, body);
  sync();
}

std::uint64_t put_back(int fd, const std::filesystem::path& path, const std::filesystem::path& before, Recovered recovered) {
  const Saved saved{before};
  const auto journal = Journal::find(fd, path);
  if ((journal ? journal->file_id() : 0) != saved.start().file_id)
    throw StateError{before.string() + ": was saved of another file; " + path.string() + " was left as it is"};
  if (recovered == Recovered::Whole) require_state(saved, fd, path, before);
  const std::uint64_t user_block = journal ? journal->user_block() : 0;
  std::vector<char> bytes;
  core::set_size(fd, saved.start().size, path);
  // While the journal is the recovery's, this can break off and be begun again.
  for (const bool in_journal : {false, true}) {
    for (const auto& piece : saved.pieces()) {
      if ((piece.at < user_block) != in_journal) continue;
      saved.read(piece, bytes);
      core::write_all(fd, bytes.data(), bytes.size(), piece.at, path);
    }
    core::sync_data(fd, path);
  }
  return saved.finish().not_kept;
}

bool is_only_begun(const std::filesystem::path& before) {
  const auto fd = open_regular(before);
  return core::size_of(fd.get(), before) < sizeof(Start);
}

bool is_finished(const std::filesystem::path& before) { return Saved{before}.finished(); }

}  // namespace mth5::vfd
