#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "analysis/verdict/verdict.hpp"

namespace analysis {

/// Keeps a verdict steady from look to look: what is found of a channel, or of completeness, counts once it was found for ten
/// seconds, and is over once it was not found for twenty-five, and so does it that it is critical; a value that crosses its limit
/// to and fro changes nothing. An open or a stuck channel, which was so for longer already, and all else counts at once. So does
/// all of the first ten seconds, of which nothing was known before, and all when the time is set back. Thread: a value.
class SteadyVerdict {
 public:
  /// @param found  by judge() at this look
  [[nodiscard]] Verdict of(Verdict found, mth5::UtcNanos now);

 private:
  using Key = std::tuple<std::string, std::string, std::string, std::string, Severity>;  ///< station, channel, its stream, rule; what is critical is a
                                                                            ///< warning too
  struct Known {
    Finding finding;
    mth5::UtcNanos first, last;  ///< looks that found it
    bool counts;
  };
  std::map<Key, Known> known_;
  std::optional<mth5::UtcNanos> began_, before_;  ///< the first look, and the one before
};

}  // namespace analysis
