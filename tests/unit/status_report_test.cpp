#include "acquisition/status/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

/// What the exit code of `mth5d --status` goes by.
namespace {

bool delivers(const char* state, const char* first, const char* second) {
  return daq::status::delivers(nlohmann::ordered_json{
      {"state", state}, {"sources", {nlohmann::ordered_json{{"state", first}}, nlohmann::ordered_json{{"state", second}}}}});
}

TEST(Delivers, OnlyWhoStoresWhatEverySourceSends) {
  EXPECT_TRUE(delivers("recording", "receiving", "receiving"));
  for (const char* outage : {"disk-full", "write-failed", "write-refused"})
    EXPECT_FALSE(delivers(outage, "receiving", "receiving")) << outage;
  for (const char* silent : {"waiting", "no-data", "garbage"}) {
    EXPECT_FALSE(delivers("recording", silent, "receiving")) << silent;
    EXPECT_FALSE(delivers("recording", "receiving", silent)) << silent;
  }
}

}  // namespace
