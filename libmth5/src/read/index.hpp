#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "h5/handle.hpp"
#include "read/structure.hpp"

/// channel_summary of a file of this library as its index: what runs and channels there are, without a look at any of them.
/// Python's table (mth5-format 3.1): one packed row per channel, rows of a run together, new runs behind. Thread: as Reader.
namespace mth5::read {

/// The table contradicts itself or the file, which then is walked. what(): in which way.
class Contradiction : public Error {
 public:
  using Error::Error;
};

class Index {
 public:
  static constexpr std::size_t kRowBytes = 343;

  /// @param most  rows, as there are objects. @throws Contradiction if it is not there, or not such a table; FileError
  Index(hid_t file, const std::string& file_version, std::size_t most);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// All rows as they are in the file. @throws FileError
  [[nodiscard]] std::vector<char> rows() const;
  /// n_samples of one row as of now, whatever was read before.
  [[nodiscard]] std::int64_t n_samples(std::size_t row) const;
  /// n_samples of all of them.
  [[nodiscard]] std::vector<std::int64_t> n_samples() const;

 private:
  std::size_t size_ = 0;
  h5::Dataset dataset_;
  h5::Datatype row_type_, count_type_;
};

/// What a row says but for its length.
struct IndexRow {
  std::string_view survey, station, run, component;
  std::int64_t n_samples = 0;
};
/// @param row  kRowBytes; the texts point into it
[[nodiscard]] IndexRow parse_names(const char* row);
/// Of all that stays as it is while a run grows.
[[nodiscard]] std::uint64_t identity(const char* row);

/// Adds the runs and channels of packed rows to `to`. @returns the number of the first row of each run added, counted from 0
/// @param live          the writer may be at work on the rows: those of one run may differ in length, the shortest holds
/// @param most_samples  of a channel; more are damage
/// @throws Contradiction
std::vector<std::size_t> add_rows(Structure& to, std::span<const char> rows, bool live, std::int64_t most_samples);

}  // namespace mth5::read
