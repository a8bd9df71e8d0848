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

/// What a sync has covered shares no page with what is written after it: of a page that is written again nothing may be left.
inline constexpr std::uint64_t kPage = 4096;

/// The fixed part of a record or of a frame, as it is on disk (little-endian).
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
  std::uint32_t link;         ///< of a frame: the lower half of the hash of the head before it; 0 of a record
};
static_assert(sizeof(Head) == 104);

/// A record, or a frame behind it.
struct Record {
  struct Direct {
    std::uint64_t at, size, hash;
  };
  Head head{};
  std::uint64_t next_at = 0;  ///< where in its slot a frame would follow
  RedoRanges changed;
  std::vector<Direct> direct;
};

/// Where a range of a record lies, as it is on disk.
struct Place {
  std::uint64_t at, size;
};

/// Where in its slot the next frame goes, and what it names as the one before it.
struct NextFrame {
  std::uint64_t at = 0;
  std::uint32_t link = 0;
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
  /// Whether what is encoded has room in a slot, from `at` on.
  [[nodiscard]] bool fits(std::uint64_t at = 0) const { return at + buffer_.size() <= slot_bytes(); }
  [[nodiscard]] std::uint64_t body_bytes() const { return buffer_.size() - sizeof(Head); }
  /// One write: a record, or, behind what is in that slot already, a frame. @returns where the next one goes. @throws FileError
  NextFrame write(unsigned slot, const NextFrame& place = {});
  /// For a record without room in a slot: its body goes to `at`, beyond the end of the file; then, after a sync, the head.
  void write_body(std::uint64_t at);
  void write_head(unsigned slot);
  /// Notes that the sync of a durable record has returned: older ones are void from now on, even if this one is damaged later. No
  /// sync; it may be lost, as long as its record is not. @throws FileError
  void acknowledge(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t acknowledged() const;  ///< 0 = not known. @throws FileError
  /// Makes what is in a slot from `at` on no record and no frames. @throws FileError
  void wipe(unsigned slot, std::uint64_t at = 0);

  /// @returns nothing if the slot holds no whole record of this file. Any bytes may be there, also such as were made to look like
  /// a record: every field is checked against the file and the user block, and what cannot be ours is no record. Takes memory
  /// for one body. @throws FileError if reading fails
  [[nodiscard]] std::optional<Record> read(unsigned slot) const;
  /// That record and the frames behind it, as far as they are whole and follow each other. @throws FileError
  [[nodiscard]] std::vector<Record> read_chain(unsigned slot) const;
  /// Whether the newest record says that nothing is to be replayed. @throws FileError
  [[nodiscard]] bool is_clean() const;
  /// Of the newest record, 0 if there is none. @throws FileError
  [[nodiscard]] std::uint64_t newest_sequence() const;

 private:
  Journal(int fd, std::filesystem::path path) : fd_{fd}, path_{std::move(path)} {}
  Head seal(std::uint64_t body_at, std::uint32_t link);
  [[nodiscard]] std::optional<Head> read_head(unsigned slot, std::uint64_t at = 0) const;
  [[nodiscard]] std::optional<Head> read_next_head(unsigned slot, const Head& before, std::uint64_t at) const;
  [[nodiscard]] std::optional<Record> read_body(std::uint64_t at, const Head& head) const;
  /// Where in its slot a frame would follow.
  [[nodiscard]] std::uint64_t behind(const Head& head, std::uint64_t at) const;
  [[nodiscard]] std::optional<Head> newest_head() const;
  [[nodiscard]] bool is_ours(const Head& head, unsigned slot, std::uint64_t at, std::uint64_t file_bytes) const;
  [[nodiscard]] bool are_sane(std::vector<Place> ranges, const Head& head) const;

  int fd_;
  std::filesystem::path path_;
  std::function<bool()> make_room_;
  std::uint64_t file_id_ = 0, user_block_ = 0;
  std::vector<char> buffer_;
};

}  // namespace mth5::vfd
