#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "mth5/reader.hpp"
#include "mth5/time.hpp"

/// Reading the samples of one channel: windows by index or by time, counts or physical units, long channels block by block.
/// Thread: that of the Reader.
namespace mth5 {

/// Samples by index: [first, end).
struct SampleRange {
  std::int64_t first = 0;
  std::int64_t end = std::numeric_limits<std::int64_t>::max();
};
/// Samples by time: those not before `from` and before `to`; an edge that is not set is where the data end. Of a channel it is
/// UTC by the clock of its run, the plain axis (start + i / sample_rate) only where the file has no anchors of it.
struct TimeRange {
  std::optional<UtcNanos> from, to;
};
/// What to read; whatever part of it the channel does not have is cut off. `{}`: all.
using Window = std::variant<SampleRange, TimeRange>;

/// Indexes [first, second) of the n samples from `start` on that lie in the range; all of them if sample_rate (Hz) is not known
/// (0). Pure.
[[nodiscard]] std::pair<std::int64_t, std::int64_t> indexes_within(const TimeRange& range, UtcNanos start, double sample_rate,
                                                                   std::int64_t n);
/// The same of the first n samples of a run by its clock (Reader::clock()): UTC where there are anchors, else the plain axis.
/// Pure.
[[nodiscard]] std::pair<std::int64_t, std::int64_t> indexes_within(const TimeRange& range, const RunClock& clock, std::int64_t n);

enum class Units {
  Stored,   ///< as in the file: counts, as a rule; Channel::units() names them
  Physical  ///< divided by the gain of the channel's filters
};

/// Samples in a row.
struct Block {
  std::int64_t first = 0;  ///< index of values[0] in the channel
  UtcNanos start;          ///< UTC of values[0] by the clock of its run (Reader::clock()), as it was when the block was asked for
  double sample_rate = 0;  ///< Hz; 0 if the file does not tell
  std::vector<double> values;
};

class Blocks;

/// One channel of an open file. Good as long as the Reader stays where it is; a refresh of the Reader shows here too.
class Channel {
 public:
  /// @param index  in Reader::channels(). @throws StateError if there is no such channel
  Channel(const Reader& reader, std::size_t index);
  /// By its names; the case of `component` does not matter. @param survey  needed only where two surveys have such a channel
  /// @throws StateError if there is no such channel, or more than one; names what there is
  Channel(const Reader& reader, std::string_view station, std::string_view run, std::string_view component,
          std::string_view survey = {});

  [[nodiscard]] const ChannelInfo& info() const;
  /// "digital counts", or whatever the file says of the samples; Physical: what they are once the gain is divided out.
  /// @throws as gain()
  [[nodiscard]] std::string units(Units units = Units::Stored) const;
  /// Stored units per physical unit: the product of the coefficient filters that the samples still contain. Filters marked as
  /// applied, time delays and decimations do not count, as in Python's remove_instrument_response().
  /// 1 if there is none.
  /// @throws FormatError naming the filter that has no single gain (zpk, fap, fir), is not in the file or has a problem
  [[nodiscard]] double gain() const;

  /// Indexes [first, second) of the window among the samples there are now; times are those of utc_of().
  /// @throws FormatError for times if the file does not tell the sample rate; FileError as Reader::clock()
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> indexes(const Window& window) const;
  /// UTC of a sample, by the clock of its run (Reader::clock()).
  [[nodiscard]] UtcNanos utc_of(std::int64_t sample) const;
  /// UTC of each sample of a window, in its order: the exact axis of what read() gives. @throws as indexes() and Reader::clock()
  [[nodiscard]] std::vector<UtcNanos> exact_times(const Window& window = {}) const;
  /// All of the window at once. @throws FormatError, FileError as Reader::read and gain()
  [[nodiscard]] Block read(const Window& window = {}, Units units = Units::Stored) const;
  /// The same in bounded memory, for loops: `for (const auto& block : channel.blocks(window, 65'536)) …`. The end is fixed here:
  /// what is recorded meanwhile is not in it.
  [[nodiscard]] Blocks blocks(const Window& window = {}, std::size_t block_samples = 65'536, Units units = Units::Stored) const;

 private:
  const Reader* reader_;
  std::size_t index_;
};

/// The blocks of a window, each read when it is reached; one pass. The last may be shorter. A dereferenced block is good until
/// the next.
class Blocks {
 public:
  class Iterator {
   public:
    using value_type = Block;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(Blocks* of) : of_{of} {}
    const Block& operator*() const { return of_->block_; }
    const Block* operator->() const { return &of_->block_; }
    Iterator& operator++() {
      of_->next();
      return *this;
    }
    void operator++(int) { of_->next(); }
    bool operator==(std::default_sentinel_t) const { return of_->block_.values.empty(); }

   private:
    Blocks* of_ = nullptr;
  };

  /// @throws StateError if block_samples is 0
  Blocks(const Reader& reader, std::size_t channel, std::int64_t first, std::int64_t end, std::size_t block_samples, double gain);

  /// Reads the first block. @throws FormatError, FileError as Reader::read; ++ too
  [[nodiscard]] Iterator begin() {
    next();
    return Iterator{this};
  }
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }

 private:
  void next();

  const Reader* reader_;
  std::size_t channel_;
  std::int64_t at_, end_;
  std::size_t block_samples_;
  double gain_;
  RunClock clock_;
  Block block_;
};

}  // namespace mth5
