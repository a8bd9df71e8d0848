#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/host_clock.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// The forms in which samples may come: types, interleaved, channel by channel, with their time, and flushing by itself.
namespace {

using mth5::Int24;
using support::TestWriter;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr auto kSurvey = "TEST", kStation = "S1", kRun = "r0";

/// Three int32 channels at 100 Hz from 2026-05-01.
struct Opened {
  support::TempDir dir;
  std::filesystem::path path = dir / "a.h5";
  TestWriter writer{path};
  mth5::File& file = writer.file();
  mth5::RunId run = file.open_run(kSurvey, kStation, kRun);

  /// Closes the file. @returns [channel][sample]
  std::vector<std::vector<double>> stored() {
    file.close();
    const mth5::Reader reader{path};
    std::vector<std::vector<double>> all;
    for (std::size_t c = 0; c < reader.channels().size(); ++c) all.push_back(reader.read(c, 0, reader.channels()[c].n_samples));
    return all;
  }
};

constexpr Int24 int24(std::int32_t v) {
  return {static_cast<std::uint8_t>(v & 0xff), static_cast<std::uint8_t>(v >> 8 & 0xff),
          static_cast<std::uint8_t>(v >> 16 & 0xff)};
}

template <class T>
void expect_type_kept(const std::vector<T>& six, const std::vector<double>& values) {
  Opened o;
  o.file.append(o.run, mth5::Matrix<const T>{six.data(), 3, 2, 2});
  o.file.append_interleaved(o.run, std::span<const T>{six});
  for (std::size_t c = 0; c < 3; ++c) o.file.append(o.run, c, std::span<const T>{six}.subspan(2 * c, 2));
  const auto& v = values;
  EXPECT_THAT(o.stored(),
              ElementsAre(ElementsAre(v[0], v[1], v[0], v[3], v[0], v[1]), ElementsAre(v[2], v[3], v[1], v[4], v[2], v[3]),
                          ElementsAre(v[4], v[5], v[2], v[5], v[4], v[5])));
}

TEST(Append, TakesEverySampleTypeInEveryForm) {
  expect_type_kept<std::int16_t>({-32768, 32767, 1, -1, 5, 6}, {-32768, 32767, 1, -1, 5, 6});
  expect_type_kept<Int24>({int24(-8388608), int24(8388607), int24(-1), int24(1), int24(-256), int24(70000)},
                          {-8388608, 8388607, -1, 1, -256, 70000});
  expect_type_kept<std::int32_t>({std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), 3, 4, 5, 6},
                                 {-2147483648.0, 2147483647.0, 3, 4, 5, 6});
  expect_type_kept<float>({1, 2, 3, 4, 5, -6}, {1, 2, 3, 4, 5, -6});
  expect_type_kept<double>({1, 2, 3, 4, 5, -6}, {1, 2, 3, 4, 5, -6});
}

TEST(Append, BringsValuesOutOfRangeToTheNearest) {
  Opened o;
  const double far[] = {3e9, -3e9, 1e300};
  o.file.append_interleaved(o.run, std::span<const double>{far});
  EXPECT_THAT(o.stored(), ElementsAre(ElementsAre(2147483647.0), ElementsAre(-2147483648.0), ElementsAre(2147483647.0)));
}

TEST(Append, ReadsRowsThatAreFartherApartThanTheyAreLong) {
  Opened o;
  const std::int32_t block[] = {1, 2, 99, 3, 4, 99, 5, 6, 99};
  o.file.append(o.run, mth5::Matrix<const std::int32_t>{block, 3, 2, 3});
  EXPECT_THAT(o.stored(), ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4), ElementsAre(5, 6)));
}

TEST(Append, NeverLeavesChannelsOfARunAtDifferentLengths) {
  Opened o;
  const std::vector<float> five{1, 2, 3, 4, 5};
  o.file.append(o.run, 0, std::span<const float>{five});
  o.file.append(o.run, 1, std::span<const float>{five}.first(3));
  o.file.flush();
  EXPECT_EQ(o.file.n_samples(o.run), 0);
  EXPECT_EQ(o.file.waiting(o.run, 0), 5);
  EXPECT_THAT(
      [&] {
        o.file.append(o.run, mth5::Matrix<const float>{five.data(), 3, 1, 1});
      },
      ThrowsMessage<mth5::StateError>(HasSubstr("while samples of single channels wait")));
  o.file.append(o.run, 2, std::span<const float>{five}.first(4));
  EXPECT_EQ(o.file.n_samples(o.run), 3);
  EXPECT_EQ(o.file.waiting(o.run, 0), 2);
  EXPECT_EQ(o.file.waiting(o.run, 1), 0);
  EXPECT_THAT([&] { o.file.append(o.run, 3, std::span<const float>{five}); },
              ThrowsMessage<mth5::StateError>(HasSubstr("there is no channel 3 in a run of 3")));
  EXPECT_THAT([&] { o.file.close(); }, ThrowsMessage<mth5::StateError>(HasSubstr("without the last 2 samples of")));
  EXPECT_THAT(o.stored(), ElementsAre(ElementsAre(1, 2, 3), ElementsAre(1, 2, 3), ElementsAre(1, 2, 3)));
}

TEST(Append, ChecksTheTimeOfTheFirstSample) {
  Opened o;
  const std::vector<double> six{1, 2, 3, 4, 5, 6};
  const mth5::Matrix<const double> two{six.data(), 3, 2, 2};
  const auto at = [](double samples) { return TestWriter::start() + std::chrono::nanoseconds{std::llround(samples * 1e7)}; };
  o.file.append(o.run, two, at(0));
  o.file.append(o.run, two, at(2.4));
  EXPECT_THAT(
      [&] { o.file.append(o.run, two, at(7)); },
      ThrowsMessage<mth5::StateError>(HasSubstr("append at 2026-05-01T00:00:00.070Z, 3 samples after the next one of this run "
                                                "(2026-05-01T00:00:00.040Z); a gap begins a new run")));
  EXPECT_THAT([&] { o.file.append(o.run, two, at(3)); },
              ThrowsMessage<mth5::StateError>(HasSubstr("1 samples before the next one of this run")));
  o.file.append_interleaved(o.run, std::span<const double>{six}, at(4));
  EXPECT_THAT(
      [&] { o.file.append_interleaved(o.run, std::span<const double>{six}.first(4)); },
      ThrowsMessage<mth5::StateError>(HasSubstr("append of 4 interleaved samples to a run of 3 channels: not whole frames")));
  EXPECT_EQ(o.stored()[0].size(), 6u);
}

TEST(FlushPolicy, FlushesAtASampleCountOrATimeWhicheverComesFirst) {
  support::ClockByHand clock;
  Opened o;
  const std::vector<double> block(300);
  const mth5::Matrix<const double> hundred{block.data(), 3, 100, 100};
  o.file.set_flush_policy({.samples = 250});
  o.file.append(o.run, hundred);
  o.file.append(o.run, hundred);
  EXPECT_EQ(o.file.visible_samples(), 0);
  EXPECT_FALSE(o.file.flush_if_due());
  o.file.append(o.run, hundred);
  EXPECT_EQ(o.file.visible_samples(), 300);
  o.file.set_flush_policy({.samples = 1000, .interval = std::chrono::seconds{10}});
  o.file.append(o.run, hundred);
  clock.pass(std::chrono::milliseconds{9'999});
  EXPECT_FALSE(o.file.flush_if_due());
  clock.set(mth5::UtcNanos{});  // which is of no matter
  EXPECT_FALSE(o.file.flush_if_due());
  clock.pass(std::chrono::milliseconds{1});
  EXPECT_TRUE(o.file.flush_if_due());
  EXPECT_EQ(o.file.visible_samples(), 400);
  EXPECT_FALSE(o.file.flush_if_due()) << "nothing new";
}

}  // namespace
