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

/// Ranges with contents: what a record will put back.
class Changes {
 public:
  using Map = std::map<std::uint64_t, std::vector<char>>;

  /// Later contents replace earlier ones. A range that comes again, as nearly all do, costs no allocation.
  void put(std::uint64_t at, std::span<const char> bytes);
  /// Without what lies at or behind `end`.
  void cut(std::uint64_t end) { carve(end, UINT64_MAX); }
  void clear() { ranges_.clear(); }
  [[nodiscard]] const Map& ranges() const { return ranges_; }

 private:
  void carve(std::uint64_t from, std::uint64_t to);
  Map ranges_;
};

/// Ranges that were written straight to their place, with a hash of what they hold.
class Extents {
 public:
  struct Extent {
    std::uint64_t end;
    std::optional<Hash> hash;  ///< unknown after a part was cut out: to be read again
  };
  using Map = std::map<std::uint64_t, Extent>;

  /// `bytes` were written at `at`. What goes on where one ended makes that one longer.
  void add(std::uint64_t at, std::span<const char> bytes);
  /// [from, to) is no longer ours to tell.
  void carve(std::uint64_t from, std::uint64_t to);
  void clear() { extents_.clear(); }
  [[nodiscard]] const Map& extents() const { return extents_; }

 private:
  Map extents_;
};

/// Ranges without contents, for one question. Built once, asked often.
class Covered {
 public:
  void assign(const Changes& changes);
  [[nodiscard]] bool contains(std::uint64_t from, std::uint64_t to) const;

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;  ///< sorted; neighbours are joined
};

}  // namespace mth5::vfd
