#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "vfd/hash.hpp"

/// Sets of byte ranges of a file that do not overlap. Thread: the one that writes.
namespace mth5::vfd {

/// Ranges with contents: what a record will put back. They remember the order in which they were written: what HDF5 writes first,
/// an index, must be there before what is written behind it, the length that tells readers of it.
class RedoRanges {
 public:
  struct Contents {
    std::vector<char> bytes;
    std::uint64_t order;  ///< of the last put()
  };
  using Map = std::map<std::uint64_t, Contents>;

  /// Later contents replace earlier ones. A range that comes again, as nearly all do, costs no allocation.
  void put(std::uint64_t at, std::span<const char> bytes);
  /// Without what lies at or behind `end`.
  void cut(std::uint64_t end) { carve(end, UINT64_MAX); }
  /// Without what lies in [from, to).
  void carve(std::uint64_t from, std::uint64_t to);
  void clear() { ranges_.clear(); }
  /// Moves on with each put(): what was put until now is what has no higher order.
  [[nodiscard]] std::uint64_t order() const { return puts_; }
  /// Forgets ranges that were put no later than `until`, those of longest ago first, for as long as all together have more bytes.
  void forget_oldest(std::uint64_t until, std::uint64_t most_bytes);
  [[nodiscard]] const Map& ranges() const { return ranges_; }
  /// The range written longest ago comes first. Valid until the next change.
  [[nodiscard]] std::vector<const Map::value_type*> as_written() const;

 private:
  Map ranges_;
  std::uint64_t puts_ = 0;
};

/// Ranges that were written straight to their place, with a hash of what they hold.
class DirectRanges {
 public:
  struct Extent {
    std::uint64_t end;
    std::optional<Hash> growing;         ///< of samples: what goes on where it ends makes it longer
    std::optional<std::uint64_t> value;  ///< the hash, if it was asked for; neither = to be read again, as a part was cut out
    bool listed = false;                 ///< each() or each_new() has told of it as it is
    bool samples = false;
  };
  using Map = std::map<std::uint64_t, Extent>;

  /// `bytes` were written at `at`. @param samples  more may follow behind them; else they may be written again
  void add(std::uint64_t at, std::span<const char> bytes, bool samples);
  /// [from, to) is no longer ours to tell.
  void carve(std::uint64_t from, std::uint64_t to);
  void clear() {
    extents_.clear();
    new_.clear();
  }
  /// All of them, with their hashes. @param hash_in_file  (at, size) reads what is there
  template <class HashInFile, class Take>
  void each(HashInFile hash_in_file, Take take) {
    for (auto& [at, extent] : extents_) tell(at, extent, hash_in_file, take);
    new_.clear();
  }
  /// Those that are not as they were when each() or this last told of them, or were not there.
  template <class HashInFile, class Take>
  void each_new(HashInFile hash_in_file, Take take) {
    std::sort(new_.begin(), new_.end());
    for (const std::uint64_t at : new_)
      if (const auto found = extents_.find(at); found != extents_.end() && !found->second.listed)
        tell(at, found->second, hash_in_file, take);
    new_.clear();
  }
  [[nodiscard]] const Map& extents() const { return extents_; }
  /// Where those that hold no samples lie, and how long they are.
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> metadata() const;

 private:
  template <class HashInFile, class Take>
  static void tell(std::uint64_t at, Extent& extent, HashInFile& hash_in_file, Take& take) {
    if (!extent.value) extent.value = extent.growing ? extent.growing->value() : hash_in_file(at, extent.end - at);
    extent.listed = true;
    take(at, extent.end - at, *extent.value);
  }
  /// Longer ones begin anew: what is cut out of one costs reading it.
  static constexpr std::uint64_t kMost = 1 << 20;
  Map extents_;
  std::vector<std::uint64_t> new_;  ///< where those begin that are not listed
};

/// Ranges without contents, for one question. Built once, asked often.
class RangeSet {
 public:
  void assign(const RedoRanges& changes);
  [[nodiscard]] bool contains(std::uint64_t from, std::uint64_t to) const;

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;  ///< sorted; neighbours are joined
};

}  // namespace mth5::vfd
