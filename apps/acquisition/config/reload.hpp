#pragma once

#include <string>
#include <vector>

#include "acquisition/config/config.hpp"

/// What a recorder that runs takes of a configuration that was changed. Thread: plain values.
namespace daq::config {

/// One line each: "flush.interval: 1s, was 10s".
struct Changes {
  std::vector<std::string> taken;  ///< from the next file on
  std::vector<std::string> left;   ///< for which mth5d must be started again
  std::vector<Effective> running;  ///< every key with the value that holds now
};

/// Makes `running` what `next` says, in what can change while samples come: keys whose rows say so, and attributes of survey,
/// stations and channels. A channel of which something else changes too keeps all that it has.
/// @param effective  what Loaded::effective was for `running`, or Changes::running after the last reload
/// @param next  with a config
[[nodiscard]] Changes take_changes(Config& running, const std::vector<Effective>& effective, const Loaded& next);

}  // namespace daq::config
