#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/verdict/verdict.hpp"

namespace analysis {

/// Keeps a verdict steady from look to look: what is found of a channel, or of completeness, counts once it was found for ten
/// seconds, and is over once it was not found for twenty-five, and so does it that it is critical; a value that crosses its limit
/// to and fro changes nothing. An open or a stuck channel, which was so for longer already, and all else counts at once. So does
/// all of the first ten seconds, of which nothing was known before, and all when the time is set back. What nothing comes to any
/// more is told as it is at its end. Thread: a value.
class SteadyVerdict {
 public:
  enum class Pace {
    Live,    ///< what is found now may be a moment
    Replay,  ///< the same, unless the look before was ten seconds of the recording ago or more: nobody looked in between
    Ended    ///< the time of the looks goes on no more
  };
  /// @param found  by judge() at this look
  [[nodiscard]] Verdict of(Verdict found, mth5::UtcNanos now, Pace pace = Pace::Live);
  /// What was shown for ten seconds or more, is over, and was so within the last hour; but for what is of the last hour anyway
  /// (spikes, jumps, drift, completeness). The last first.
  /// @param others  of the channels: what was so before the first look; what is found now is none of it
  [[nodiscard]] std::vector<Past> past(std::vector<Past> others) const;

 private:
  void remember(const Verdict& shown, mth5::UtcNanos now);
  using Key = std::tuple<std::string, std::string, std::string, std::string, Severity>;  ///< station, channel, its stream, rule;
                                                                                         ///< what is critical is a warning too
  struct Known {
    Finding finding;
    mth5::UtcNanos first, last;  ///< looks that found it
    bool counts;
  };
  std::map<Key, Known> known_;
  std::map<Key, Past> shown_;  ///< as of the last look, all as warnings
  std::vector<Past> past_;
  std::optional<mth5::UtcNanos> began_, before_;  ///< the first look, and the one before
};

}  // namespace analysis
