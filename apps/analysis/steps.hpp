#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

/// Where the clock of a recording moved while its samples went on: the time in between belongs to no sample. Thread: a value.
namespace analysis {

/// Reasons of the recorder that tell of the time and not of samples: of what lies over such an end of a run, only what the row
/// counts is missing.
[[nodiscard]] bool tells_of_time_only(std::string_view reason);

/// The runs of a series, by any numbers, in the order in which they were recorded, as far as the recorder's rows link them. Their
/// order in time may be another: a clock that was 20 years ahead for a minute leaves one run that lies behind all others.
class Steps {
 public:
  /// A row: run `after` was recorded next behind run `before`. @param step  the clock moved in between
  void link(std::size_t before, std::size_t after, bool step);
  /// After the last link(). Links that go round in a circle, of a damaged table, are ignored.
  void settle();
  /// True if one of the two was recorded behind the other, without a break in the rows, and the clock moved on that way: then no
  /// sample need be missing between them, however far they are apart.
  [[nodiscard]] bool between(std::size_t a, std::size_t b) const;

 private:
  struct Next {
    std::size_t run;
    bool step;
  };
  struct Place {
    std::size_t chain, steps;
  };
  std::vector<std::optional<Next>> next_;
  std::vector<std::optional<Place>> place_;
};

}  // namespace analysis
