#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"

namespace daq::simulate {

/// What an instrument answers to commands, by `simulate:` of its profile. Commands of the profile's `commands:` that are not
/// there are answered by what mth5d waits for, and CR LF. Pure. Thread: one.
class Answers {
 public:
  /// @param sending  whether it sends records before it is told to
  explicit Answers(const config::Instrument& profile, bool sending = true);

  /// What came, in pieces cut anywhere. @returns what it answers
  [[nodiscard]] std::string heard(std::string_view bytes);
  [[nodiscard]] bool sending() const { return sending_; }
  /// Whether there is a command that makes it send.
  [[nodiscard]] bool can_start() const;
  /// All answers it can give, for the fault that puts them between records.
  [[nodiscard]] const std::vector<std::string>& all() const { return all_; }

 private:
  struct Known {
    config::CommandBytes to;
    std::string answer, then;
  };
  std::vector<Known> known_;
  std::vector<std::string> all_;
  std::string otherwise_;
  bool sending_;
  std::string begun_;  ///< of a command that is not whole yet
};

}  // namespace daq::simulate
