#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "acquisition/timing/clock.hpp"
#include "acquisition/timing/sink.hpp"

/// Which anchors a run gets.
namespace daq::timing {

/// Where the clock's line begins, at the run's begin or where it was set in a filled gap (arrivals: at once, as well as it is
/// known, and told again after 10, 30, 90, 270 s, when the clock is locked or after ten minutes for good), and at its end;
/// between them where the line from the last one no longer gives UTC to Clock::precision_s(): at first after a second, then two,
/// four… and from then on once a minute at most; every hour anyway. When the clock locks the last one is told again, as locked,
/// and moves nothing; where it loses its lock, finds it again, or has another kind of times there is one too, at most once a
/// minute. So a reader that draws straight lines between anchors, and on from the last one by its ppm, is right to kept_s()
/// wherever the clock did not move by more within a minute. A clock that was set within the tolerance gets two, one on each side.
/// The uncertainty of an anchor holds for the samples since the one before too: by how much the line bent between them (stamps)
/// is in it. Pure. Thread: one.
class Anchors {
 public:
  Anchors(double sample_rate, Sink& sink);

  /// The run has samples up to `last`, by the clock as it is now; sample 0 lies at `first_position` of it. What becomes an anchor
  /// is kept until the samples are stored. Call it every few frames: a line that moved is seen only then.
  void note(const Clock& clock, std::int64_t first_position, std::int64_t last, decode::TimeKind kind);
  /// The samples noted are stored: their anchors are given to the sink.
  void stored();
  /// They were not, and never will be.
  void refused();
  /// The run is over.
  void end_of_run() { end_of_line(0); }
  /// The run goes on at sample `next` by a clock that begins anew: the line so far has an anchor at its end, that one at its
  /// begin.
  void end_of_line(std::int64_t next);

 private:
  /// A place of the line between two anchors, against the line that goes on straight from the first.
  struct Seen {
    std::int64_t sample = 0;
    double off_s = 0;
  };
  void give(Anchor anchor);
  void see(std::int64_t sample, double off_s);
  /// The clock is locked, or not any more, or has other times than the last given one says, and it may be told.
  [[nodiscard]] bool tells_more(const Anchor& now) const;
  /// s by which a straight line from the last given one to this misses what was seen between them, beyond what is no news.
  [[nodiscard]] double bend_s(const Anchor& anchor) const;
  [[nodiscard]] double off_s(const Anchor& anchor) const;  ///< of the line that goes on straight from the last given one

  const double rate_;
  Sink& sink_;
  struct State {
    std::int64_t begin = 0;       ///< sample of the run where the clock's line begins
    std::optional<Anchor> given;  ///< the last one of this line
    std::optional<Anchor> first;  ///< not given yet: the line's first sample as the clock says now
    std::optional<Anchor> last;   ///< of the last sample, if it is not given
    double least_spacing = 1;     ///< s
    std::array<Seen, 32> seen{};  ///< since the last given one
    std::size_t n_seen = 0;
    std::optional<std::int64_t> state_told;  ///< sample of the last one that was given for its lock or its kind
    double tell_first_at = 0;                ///< s behind the begin: the first one is told, though more will be known of it
  };
  State now_, stored_;
  std::vector<Anchor> ready_;
};

}  // namespace daq::timing
