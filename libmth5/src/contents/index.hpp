#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contents/structure.hpp"
#include "h5/handle.hpp"

/// channel_summary of a file of this library as its index: what runs and channels there are, without a look at any of them.
/// Python's table (mth5-format 3.1): one packed row per channel, rows of a run together, new runs behind. Thread: as Reader.
namespace mth5::contents {

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
  bool has_data = false;
};
/// @param row  kRowBytes; the texts point into it
[[nodiscard]] IndexRow parse_names(const char* row);
/// Of all that stays as it is while a run grows.
[[nodiscard]] std::uint64_t identity(const char* row);

/// How many samples a channel of a file of that size may have: deflate packs 1032:1 at best. What claims more is damaged, and
/// would be read as fill values for ever.
inline constexpr std::uintmax_t kMaxCompression = 2000;
[[nodiscard]] std::int64_t most_samples_of(std::uintmax_t file_bytes);

/// Adds the runs and channels of packed rows to `to`. @returns the number of the first row of each run added, counted from 0
/// @param live          the writer may be at work on the rows: those of one run may differ in length, the shortest holds
/// @param most_samples  of a channel; more are damage: most_samples_of()
/// @throws Contradiction
std::vector<std::size_t> add_rows(Structure& to, std::span<const char> rows, bool live, std::int64_t most_samples);

/// The groups are the truth: a table has as many runs as they, at stations that are there. @param frame  of Depth::Stations
/// @throws Contradiction
void check_stations(const Structure& frame, std::span<const char> packed);

/// Of a file that nobody writes and whose table does not fit it: runs that are as their rows say are taken from those, all others
/// are walked; `datasets` has those of the latter. Runs of the table come first, in its order. A run is as its rows say if it has
/// their channels, and the first of these their length: to see that takes a tenth of what a walk does.
/// @param packed  rows of the table; `most`, `visiting` as walk()
/// @throws Contradiction where a row can be of no channel; as walk()
[[nodiscard]] Structure walk_what_differs(hid_t file, const std::string& path, std::span<const char> packed,
                                          std::int64_t most_samples, std::size_t most, const Visiting& visiting);

/// What a writer has to know of a file: every run of the table is a group of that name, and every group a run of the table; the
/// newest run of each station and sample rate has the channels and the length that the table says.
struct Inventory {
  Structure found;                      ///< no dataset of it is open
  std::vector<std::size_t> first_rows;  ///< by run: row of its first channel in the table
  std::vector<bool> has_data;           ///< by run
  std::size_t n_rows = 0;
};
/// Reads it of a file that nobody is writing. Lengths are those of the table: `visible_samples`, the sum that the writer counted,
/// holds them. @param path  for messages @throws Contradiction, FileError, FormatError
[[nodiscard]] Inventory take_inventory(hid_t file, const std::string& path, std::uintmax_t file_bytes,
                                       std::int64_t visible_samples);

}  // namespace mth5::contents
