#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "analysis/block.hpp"
#include "analysis/measures/state.hpp"

namespace analysis {

/// Equal samples one after the other: a channel that is stuck, and one that is cut off at the limits of its converter. What is
/// missing (NaN, or a gap between two blocks) ends such a row. Thread: a value.
class Repeats {
 public:
  struct Row {
    double value = 0;
    std::int64_t n = 0;
    mth5::UtcNanos start{};
  };

  void add(const Block& block);
  void merge(const Repeats& later);
  [[nodiscard]] state::Json save() const;
  void load(const state::Json& saved);

  /// The longest; the first of those as long. n = 0 if there is no sample.
  [[nodiscard]] Row longest() const;
  /// Samples of the longest of all others; 0 if there is none.
  [[nodiscard]] std::int64_t next_longest() const;
  /// The one that the samples end with; n = 0 if they end with a missing one.
  [[nodiscard]] Row last() const;
  /// Samples at the largest and at the smallest value in rows of three or more. Where no row is entered or left by more than
  /// three of the smallest steps of the converter, it is a slow signal that turns, and nothing is cut off: 0. Nor is what lies at
  /// one of them only in rows of a second or more that are entered and left by one step, twenty times as large as steps are: a
  /// signal that reaches its limits comes near to them before, or goes to and fro between both. Such a row is a plug that was
  /// out.
  /// @param finest  what the converter is known to resolve; a signal of few samples may have no step as small as that
  [[nodiscard]] std::int64_t clipped(double finest = std::numeric_limits<double>::infinity()) const;
  /// The row that the samples end with, if it is at the largest or the smallest value and was entered by such a step.
  [[nodiscard]] std::optional<Row> off() const;
  /// The smallest difference between two samples in a row that is not 0: what the converter resolves, at most. NaN if all are
  /// the same.
  [[nodiscard]] double least_step() const;

 private:
  static constexpr double kUnknown = std::numeric_limits<double>::infinity();
  /// A row with what stands beside it.
  struct Open : Row {
    double jump = 0;          ///< the larger of the steps into it and out of it, as far as they are known
    double least = kUnknown;  ///< the smaller of them
    bool from_first = false;  ///< it may go on before the first sample
  };
  /// Rows at one extreme value.
  struct Extreme {
    std::int64_t n = 0;  ///< samples in rows of three or more
    double value = 0;
    double jump = 0;
    bool any = false;
    std::int64_t n_long = 0;  ///< of n, those in rows of a second or more, and
    double least = kUnknown;  ///< the least step into one of these or out of it
  };

  [[nodiscard]] std::size_t behind_single(const Block& block, std::size_t at);
  void end_last(double jump);
  void close(const Open& row);
  void note(const Row& row);
  [[nodiscard]] Repeats settled() const;
  [[nodiscard]] bool is_long(std::int64_t n) const;
  [[nodiscard]] double usual_step() const;
  static void note(Extreme& extreme, bool better, const Extreme& other);

  bool any_ = false;
  mth5::UtcNanos start_{}, end_{};
  double rate_ = 0;
  std::optional<Open> first_;  ///< of the part, ended, where it may still grow to the left
  std::optional<Open> last_;   ///< where it may still grow to the right
  Row longest_;
  std::int64_t next_longest_ = 0;
  Extreme top_, bottom_;
  double least_step_ = std::numeric_limits<double>::infinity();
  double steps_ = 0;          ///< sum of those that are not 0
  std::int64_t n_steps_ = 0;  ///< and how many
};

}  // namespace analysis
