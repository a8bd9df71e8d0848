#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "vfd/journal.hpp"
#include "vfd/undo_file.hpp"

/// What is between HDF5 and the bytes of a file that is written. Bytes that readers or a recovery may look at are changed by
/// commits only; doc/journal.md has the rules and why they hold. Thread: the one that writes.
namespace mth5::vfd {

/// What had to be done to a file that was left in the middle.
struct Replay {
  bool journal = false;         ///< the file has one
  bool clean = true;            ///< it said that nothing is to be done
  bool damaged = false;         ///< what was synced is not all there: the medium lost it
  std::uint64_t ranges = 0;     ///< put back
  std::uint64_t bytes = 0;      ///< in them
  std::uint64_t cut_bytes = 0;  ///< behind the last commit
  std::uint64_t not_kept = 0;   ///< of these, what was too much for the file of what was before
  std::int64_t time = 0;        ///< of the commit the file is at now, host UTC, ns since 1970
  std::int64_t samples = 0;     ///< visible at it, per channel
  /// Of a later commit that was only visible and did not reach the medium as a whole. At least so much was lost.
  std::optional<std::int64_t> lost_samples, lost_time;
};

class JournaledFile {
 public:
  /// For a new, empty file: everything goes straight to it until the first commit. @throws FileError
  static JournaledFile create(int fd, std::filesystem::path path, std::uint64_t user_block);
  /// For a file that exists, brought to its last commit if it has a journal and was not closed. One without a journal (of Python,
  /// or of ours before it had one) gets the same treatment, but nothing that survives a cut of power.
  /// @param fd      with the writer's lock
  /// @param before  "", or a new file for all that will be changed of this one
  /// @throws FileError, FormatError (damaged beyond the journal; or another program cleared the marks of a file that was not
  ///         recovered)
  static JournaledFile open(int fd, std::filesystem::path path, Replay& done, const std::filesystem::path& before = {});
  /// For a file that was closed, to try what would be done with it: all that is written stays in memory, and commits and closing
  /// change nothing. @throws FileError, StateError if it was not closed
  static JournaledFile rehearse(int fd, std::filesystem::path path);

  /// What is asked where a write finds no room: CreateOptions::make_room.
  void set_make_room(const std::function<bool()>& make_room) {
    make_room_ = make_room;
    if (journal_) journal_->set_make_room(make_room);
  }

  // Called by HDF5 through the driver. @throws FileError, but for write(): whoever lets HDF5 write asks failure() afterwards
  void read(std::uint64_t at, void* bytes, std::size_t size) const;
  void write(std::uint64_t at, std::span<const char> bytes, bool raw);
  void truncate(std::uint64_t end) { end_ = end; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// Bytes the file has on disk, if nobody else changed it.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int fd() const { return fd_; }
  /// What failures call it.
  void renamed(std::filesystem::path path) { path_ = std::move(path); }

  struct Write {
    std::uint64_t at, size;
  };
  /// What write() was last called for with elements of a dataset.
  [[nodiscard]] const Write& last_raw_write() const { return last_raw_write_; }
  /// Whether nothing that readers or a recovery may look at is there.
  [[nodiscard]] bool is_unseen(std::uint64_t at) const { return at >= visible_end_; }
  /// Writes samples behind all that was written to a chunk that is the file's for good or is not seen: no commit refers to these
  /// bytes, so they go straight to their place. @throws FileError
  void write_new(std::uint64_t at, std::span<const char> bytes);

  /// Zeros where write_new() will come: a sync of blocks that the file has already is cheaper (tests/bench). @throws FileError
  void fill_ahead(std::uint64_t at, std::size_t size);

  /// Makes all writes since the last commit visible together, and durable with exactly one fdatasync if that is asked for, or if
  /// what is in the journal could not undo them (a few times in hundreds; a record without room in its slot costs three more).
  /// @param samples  visible with this commit, for reports
  /// @returns whether all that is visible is durable now. @throws FileError; then nothing more is written, ever
  bool commit(bool durable, std::int64_t samples);
  /// Says that nothing is to be replayed, after the last commit. Two syncs; none if there was no commit. @throws FileError
  void close();
  /// Nothing more reaches the file: it stays at its last commit.
  void abandon() { abandoned_ = true; }

  [[nodiscard]] std::uint64_t user_block() const { return journal_ ? journal_->user_block() : 0; }
  /// Keeps the reason of a failure for whoever gets only HDF5's error code, or none.
  void keep_failure(std::string why, std::error_code code = {});
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] const std::error_code& failure_code() const { return failure_code_; }

 private:
  struct Entry {
    std::uint64_t at;
    std::size_t from, size;  ///< in arena_
  };

  JournaledFile(int fd, std::filesystem::path path) : fd_{fd}, path_{std::move(path)} {}
  Replay replay();
  /// Called before any byte of the file is changed.
  void keep_before(std::uint64_t at = 0, std::uint64_t size = 0);
  void check_not_cut() const;
  void write_straight(std::uint64_t at, std::span<const char> bytes, bool raw);
  void log(std::uint64_t at, std::span<const char> bytes);
  [[nodiscard]] std::span<const char> contents(const Entry& entry) const { return {arena_.data() + entry.from, entry.size}; }
  void fold();
  void take_new_metadata_along();
  [[nodiscard]] bool can_be_undone() const;
  enum class Which { All, New };  ///< since the base; since the last record or frame
  [[nodiscard]] const std::vector<Record::Direct>& direct(Which which);
  [[nodiscard]] std::uint64_t hash_in_file(std::uint64_t at, std::uint64_t size) const;
  [[nodiscard]] Head next_head(bool durable, bool clean) const;
  [[nodiscard]] unsigned free_slot() const;
  void write_record(const Head& head);
  void become_base();
  void checkpoint(bool clean);
  void mark_open();
  void wipe_all_but_base();
  void apply();
  void cut();
  void sync();
  void note_flags(std::uint64_t at, std::span<const char> bytes);
  [[nodiscard]] std::uint8_t flags_in_file() const;
  template <class Body>
  auto final_failure(Body body);

  int fd_;
  std::filesystem::path path_;
  std::function<bool()> make_room_;
  std::optional<Journal> journal_;
  std::unique_ptr<UndoFile> before_;
  bool fresh_ = false;   ///< a new file, nothing was committed yet
  bool marked_ = false;  ///< the journal says that the file is not clean
  bool abandoned_ = false;
  bool rehearsal_ = false;  ///< the file is not to be changed
  std::string failure_;
  std::error_code failure_code_;
  std::uint64_t end_ = 0;          ///< of the file as HDF5 sees it
  std::uint64_t visible_end_ = 0;  ///< of the last commit
  std::uint64_t base_end_ = 0;     ///< of the last durable one
  std::uint64_t size_ = 0;         ///< of the file on disk
  Write last_raw_write_{};
  std::int64_t samples_ = 0;

  std::vector<Entry> log_;   ///< in the order of the writes, which readers rely on
  std::vector<char> arena_;  ///< contents of log_
  RedoRanges changed_;       ///< in the newest slot: since the base, and before it what there was room for
  RedoRanges added_;         ///< by the commit that is being made
  DirectRanges direct_;      ///< since the base
  RangeSet undone_by_base_;
  std::vector<Record::Direct> listed_;  ///< reused by direct()
  std::uint64_t sequence_ = 0, base_sequence_ = 0;
  unsigned base_slot_ = kSlots, newest_slot_ = kSlots;
  NextFrame next_, behind_base_;  ///< where in the newest slot the next frame goes, and in that of the base
  std::uint64_t base_order_ = 0;  ///< of changed_: what was changed by the base or before
  int durable_in_a_row_ = 0;      ///< commits
  std::uint8_t flags_ = 0, flags_in_place_ = 0;
};

}  // namespace mth5::vfd
