#include "acquisition/recorder/stream_writer.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "acquisition/recorder/run_channels.hpp"

/// What the recorder knows of a stream's samples on their way into the file.
namespace {

using namespace daq;
using recorder::OpenRun;
using recorder::StreamWriter;

constexpr double kRate = 10;
const mth5::UtcNanos kStart = mth5::parse_time("2026-05-01T00:00:00Z").value();

stream::Stream one_channel() {
  stream::Stream stream;
  stream.name = "s";
  stream.sample_rate = kRate;
  stream.channels.push_back({.name = "x", .metadata = mth5::Metadata{mth5::Kind::Auxiliary}, .fill = {}});
  return stream;
}

std::vector<std::uint64_t> payload(std::int64_t first, std::int64_t n) {
  const ring::SamplesHead head{mth5::sample_time(kStart, kRate, first).time_since_epoch().count(), n, 0, {}};
  std::vector<std::uint64_t> words(sizeof head / sizeof(std::uint64_t));
  std::memcpy(words.data(), &head, sizeof head);
  for (std::int64_t i = first; i < first + n; ++i) words.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(i)));
  return words;
}

TEST(StreamWriter, TellsTimesByTheClock) {
  constexpr double kPpm = 400;  // samples come faster than the axis says
  const auto truth = [](std::int64_t i) {
    return kStart + mth5::Nanos{std::llround(static_cast<double>(i) * 1e9 / (kRate * (1 + kPpm * 1e-6)))};
  };
  const auto stream = one_channel();
  const config::Instrument instrument;
  const recorder::StationState state{instrument};
  StreamWriter writer{stream, 0, state};
  const auto anchor = [&](std::int64_t sample) {
    writer.take_anchor({.sample = sample,
                        .utc_ns = truth(sample).time_since_epoch().count(),
                        .kind = 2,
                        .locked = 1,
                        .residual_s = 0,
                        .ppm = kPpm,
                        .uncertainty_s = 1e-6});
  };
  OpenRun run{.id = {}, .name = "r1", .start = kStart, .figures = {}};
  const auto store = [&](std::int64_t first, std::int64_t n) {
    writer.take_samples(first == 0, payload(first, n));
    if (first == 0) anchor(0);
    if (first == 5000) anchor(5999);
    writer.stored(writer.group(0), run);
    writer.all_durable();
  };
  store(0, 5000);
  EXPECT_EQ(writer.take_durable()->time, truth(4999))
      << "where its source goes on after a crash; by the plain axis 0.2 s further";
  EXPECT_EQ(writer.utc_of(run, 4000), truth(4000)) << "where a gap begins if the rest is lost";
  store(5000, 1000);
  EXPECT_EQ(writer.take_durable()->time, truth(5999));
  EXPECT_EQ(writer.utc_of(run, 0), truth(0));
}

TEST(StreamWriter, PutsSamplesThatAreSomethingElseIntoAnotherRun) {
  const double unknown = std::nan("");
  const auto stream = one_channel();
  const config::Instrument instrument;
  const recorder::StationState state{instrument};
  StreamWriter writer{stream, 0, state};
  const auto take = [&](std::int64_t first, double length) { writer.take_samples(false, payload(first, 10), {length}); };
  take(0, unknown);
  take(10, unknown);
  take(20, 1);
  take(30, unknown);  // what it was, until it says another
  take(40, 1);
  take(50, 25);
  const std::pair<std::int64_t, double> expected[] = {{20, unknown}, {30, 1}, {10, 25}};
  for (const auto& [n, length] : expected) {
    EXPECT_FALSE(writer.goes_on());
    const auto group = writer.group(0);
    EXPECT_EQ(group.n, n);
    EXPECT_TRUE(recorder::same_lengths(group.lengths, std::vector<double>{length}));
    writer.run = OpenRun{.id = {}, .name = "r", .start = group.start, .figures = {}, .lengths = group.lengths};
    EXPECT_TRUE(writer.goes_on());
    writer.stored(group, *writer.run);
  }
  EXPECT_FALSE(writer.goes_on()) << "nothing waits";
  take(60, 25);
  EXPECT_TRUE(writer.goes_on());
  writer.take_samples(true, payload(70, 10), {unknown});
  EXPECT_TRUE(std::isnan(writer.group(1).lengths.at(0))) << "a new run is what is said then";
}

}  // namespace
