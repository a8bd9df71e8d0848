#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <map>
#include <string>

#include "support/recording.hpp"

/// What holds for a daemon whatever was done to its input.
namespace support {

using Counts = std::map<std::string, std::uint64_t>;

/// The reasons that occurred: {"cut-off": 41}. @param kind  "skipped" (bytes) or "dropped" (samples)
[[nodiscard]] inline Counts counts(const nlohmann::json& status, const std::string& kind) {
  Counts result;
  for (const auto& [reason, n] : status.at("sources").at(0).at(kind).items())
    if (n.get<std::uint64_t>() > 0) result[reason] = n.get<std::uint64_t>();
  return result;
}

/// After a daemon's end in order. @returns its last status
inline nlohmann::json expect_good_end_status(const Recording& recording) {
  const auto status = recording.status().value_or(nlohmann::json::object());
  EXPECT_EQ(status.value("state", ""), "stopped");
  EXPECT_TRUE(status.contains("ledger") && status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  EXPECT_THAT(recording.log(), testing::Not(testing::HasSubstr("HDF5-DIAG")));
  EXPECT_THAT(recording.log(), testing::Not(testing::HasSubstr("error: ")));
  if (testing::Test::HasFailure()) ADD_FAILURE() << "log of mth5d:\n" << recording.log();
  return status;
}

/// Stops a daemon that must still be alive and well. @returns its last status
inline nlohmann::json expect_good_end(Recording& recording) {
  EXPECT_TRUE(recording.process().running()) << "it ended by itself";
  EXPECT_EQ(recording.stop(), 0);
  return expect_good_end_status(recording);
}

}  // namespace support
