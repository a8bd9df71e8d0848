#include "acquisition/status/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include <nlohmann/json.hpp>

#include "acquisition/ledger/reasons.hpp"
#include "support/support.hpp"

/// What the exit code of `mth5d --status` goes by, and what it says of clocks.
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

TEST(StatusReport, TellsTheClockOfEachStreamAndOnTopTheWorst) {
  using daq::ledger::ClockNow;
  daq::status::Board::Copy board;
  board.sources.resize(1);
  board.streams.resize(3);
  board.streams[0].name = "good";
  board.streams[0].clock =
      ClockNow{.source = "gps", .ppm = 12.3456789, .residual_s = -4e-6, .uncertainty_s = 2e-6, .locked = true};
  board.streams[0].clock_offset_ns = 1'500'000'000;
  board.streams[1].name = "free";
  board.streams[1].clock = ClockNow{.source = "host",
                                    .ppm = std::numeric_limits<double>::quiet_NaN(),
                                    .residual_s = 0.01,
                                    .uncertainty_s = 0.002,
                                    .locked = false,
                                    .why_not = "too few times yet"};
  board.streams[2].name = "silent";
  const daq::ledger::Receipts receipts;
  const daq::ring::Ring ring{1000};
  const auto status =
      daq::status::to_json(board, {}, receipts, ring, {.version = "1", .state = "recording", .since = {}, .started = {}});
  const nlohmann::ordered_json good{{"source", "gps"},          {"offset_s", 1.5},       {"ppm", 12.346},
                                    {"residual_us", -4.0},      {"uncertainty_us", 2.0}, {"locked", true},
                                    {"why_not_locked", nullptr}};
  EXPECT_EQ(status.at("streams").at(0).at("clock"), good);
  EXPECT_EQ(status.at("clock"), status.at("streams").at(1).at("clock"));
  EXPECT_EQ(status.at("clock").at("source"), "host");
  EXPECT_TRUE(status.at("clock").at("ppm").is_null()) << "not known yet";
  for (const auto& value : status.at("streams").at(2).at("clock")) EXPECT_TRUE(value.is_null());
  const auto text = daq::status::to_text(status);
  EXPECT_THAT(text, testing::HasSubstr(" clock gps locked +12.35 ppm +-2 us"));
  EXPECT_THAT(text, testing::HasSubstr(" clock host NOT LOCKED (too few times yet) +-2 ms"));
}

TEST(StatusReport, SaysTheSameOfWhatIsAtRiskWhereverItSaysIt) {
  daq::status::Board::Copy board;
  board.sources.resize(1);
  board.streams.resize(2);
  daq::recorder::State recorded;
  recorded.streams.resize(2);
  daq::ledger::Receipts receipts;
  const auto long_ago = mth5::steady_now() - std::chrono::seconds{100};
  receipts.received(1, 250, long_ago);
  receipts.settled(1, 100);
  const daq::ring::Ring ring{1000};
  const auto status =
      daq::status::to_json(board, recorded, receipts, ring, {.version = "1", .state = "recording", .since = {}, .started = {}});
  const auto &samples = status.at("streams").at(1).at("samples"), &row = status.at("ledger").at("streams").at(1);
  EXPECT_EQ(status.at("at_risk").at("samples"), 150);
  EXPECT_EQ(samples.at("at_risk"), 150);
  EXPECT_EQ(row.at("samples_at_risk"), 150);
  EXPECT_GE(samples.at("at_risk_s").get<double>(), 99);
  EXPECT_NEAR(row.at("at_risk").get<double>() * 1e-6, samples.at("at_risk_s").get<double>(), 0.1);
  EXPECT_EQ(status.at("ledger").at("streams").at(0).at("samples_at_risk"), 0);
}

TEST(Reasons, AreAllInTheManual) {
  const auto manual = support::read_text((support::source() / "apps/mth5d/mth5d.8").string());
  const auto expect_all = [&](auto reasons) {
    for (const auto& reason : reasons) {
      std::string name;
      for (const char c : reason.name) name += c == '-' ? std::string{"\\-"} : std::string{c};
      EXPECT_THAT(manual, testing::HasSubstr(name));
    }
  };
  expect_all(daq::ledger::skip_reasons());
  expect_all(daq::ledger::input_faults());
  expect_all(daq::ledger::drop_reasons());
  expect_all(daq::ledger::gap_reasons());
}

}  // namespace
