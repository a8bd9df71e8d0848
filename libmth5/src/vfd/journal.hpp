#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "vfd/ranges.hpp"

/// The journal's bytes in the user block of a file: doc/journal.md, which this must agree with. Thread: one.
namespace mth5::vfd {

inline constexpr std::uint64_t kLeastUserBlock = std::uint64_t{1} << 20;
inline constexpr unsigned kSlots = 3;
/// No record is longer: what an edit of ten thousand channels takes, tenfold. A file that claims more is not ours.
inline constexpr std::uint64_t kMostBody = std::uint64_t{1} << 30;
/// How far the end of a commit may lie behind the end of the file: room that HDF5 gave out and nobody wrote to, as chunks of
/// samples that did not come any more.
inline constexpr std::uint64_t kMostUnwritten = std::uint64_t{16} << 30;

/// The fixed part of a record, as it is on disk (little-endian).
struct Head {
  std::array<char, 8> magic;
  std::uint64_t hash;  ///< XXH3 of what follows in this struct
  std::uint64_t file_id;
  std::uint64_t sequence;
  std::uint64_t base;  ///< sequence of the durable record that this one adds to
  std::uint64_t end;   ///< bytes of the file at this commit
  std::uint64_t body_at, body_bytes, body_hash;
  std::uint32_t n_changed, n_direct;
  std::int64_t samples;       ///< that readers see with this commit, per channel; for reports
  std::int64_t time;          ///< host UTC, ns since 1970; for reports
  std::uint8_t clean;         ///< 1: nothing to replay, all that was committed is in its place
  std::uint8_t durable;       ///< 1: acknowledged only after its sync
  std::uint8_t flags;         ///< HDF5's consistency flags at this commit
  std::uint8_t flags_before;  ///< and those that were in their place when it was written
  std::uint32_t zero;
};
static_assert(sizeof(Head) == 104);

struct Record {
  struct Direct {
    std::uint64_t at, size, hash;
  };
  Head head{};
  RedoRanges changed;
  std::vector<Direct> direct;
};

/// Where a range of a record lies, as it is on disk.
struct Place {
  std::uint64_t at, size;
};

class Journal {
 public:
  /// Writes the header into a new, empty file and allocates the user block, so that a full disk never keeps a record out.
  /// @throws FileError
  static Journal create(int fd, const std::filesystem::path& path, std::uint64_t user_block);
  /// The journal of a file that has one. @throws FileError if it cannot be read
  static std::optional<Journal> find(int fd, const std::filesystem::path& path);

  /// What is asked where a write finds no room: CreateOptions::make_room.
  void set_make_room(const std::function<bool()>& make_room) { make_room_ = make_room; }

  [[nodiscard]] std::uint64_t user_block() const { return user_block_; }
  [[nodiscard]] std::uint64_t file_id() const { return file_id_; }
  [[nodiscard]] std::uint64_t slot_bytes() const { return user_block_ / (kSlots + 1); }
  [[nodiscard]] std::uint64_t slot_at(unsigned slot) const { return slot_bytes() * (slot + 1); }

  /// Makes a record ready to be written. @param direct  hashes of it are all known
  void encode(const Head& head, const RedoRanges& changed, const std::vector<Record::Direct>& direct);
  /// Whether the encoded record has room in a slot.
  [[nodiscard]] bool fits() const { return buffer_.size() <= slot_bytes(); }
  [[nodiscard]] std::uint64_t body_bytes() const { return buffer_.size() - sizeof(Head); }
  /// One write. @throws FileError
  void write(unsigned slot);
  /// For a record without room in a slot: its body goes to `at`, beyond the end of the file; then, after a sync, the head.
  void write_body(std::uint64_t at);
  void write_head(unsigned slot);
  /// Notes that the sync of a durable record has returned: older ones are void from now on, even if this one is damaged later. No
  /// sync; it may be lost, as long as its record is not. @throws FileError
  void acknowledge(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t acknowledged() const;  ///< 0 = not known. @throws FileError
  /// Makes what is in a slot no record. @throws FileError
  void wipe(unsigned slot);

  /// @returns nothing if the slot holds no whole record of this file. Any bytes may be there, also such as were made to look like
  /// a record: every field is checked against the file and the user block, and what cannot be ours is no record. Takes memory
  /// for one body. @throws FileError if reading fails
  [[nodiscard]] std::optional<Record> read(unsigned slot) const;
  /// Whether the newest record says that nothing is to be replayed. @throws FileError
  [[nodiscard]] bool is_clean() const;
  /// Of the newest record, 0 if there is none. @throws FileError
  [[nodiscard]] std::uint64_t newest_sequence() const;

 private:
  Journal(int fd, std::filesystem::path path) : fd_{fd}, path_{std::move(path)} {}
  void seal(std::uint64_t body_at);
  [[nodiscard]] std::optional<Head> read_head(unsigned slot) const;
  [[nodiscard]] std::optional<Head> newest_head() const;
  [[nodiscard]] bool is_ours(const Head& head, unsigned slot, std::uint64_t file_bytes) const;
  [[nodiscard]] bool are_sane(std::vector<Place> ranges, const Head& head) const;

  int fd_;
  std::filesystem::path path_;
  std::function<bool()> make_room_;
  std::uint64_t file_id_ = 0, user_block_ = 0;
  std::vector<char> buffer_;
};

}  // namespace mth5::vfd
