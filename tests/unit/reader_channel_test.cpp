#include <chrono>
#include <filesystem>
#include <ranges>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mth5/channel.hpp"
#include "mth5/file.hpp"
#include "support/support.hpp"

namespace {

namespace fs = std::filesystem;
using mth5::Channel;
using mth5::Reader;
using mth5::SampleRange;
using mth5::TimeRange;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

static_assert(std::ranges::input_range<mth5::Blocks>);

fs::path python_file(const std::string& name) { return support::data() / "mth5" / name; }

/// Formula of tests/data/README.md, run sr8_0001.
double sample(std::size_t channel, std::int64_t k) {
  return static_cast<double>((k * 7919 + static_cast<std::int64_t>(channel) * 104729 + 1299709) % 20001) - 10000;
}

constexpr mth5::UtcNanos kStart{seconds{1'714'564'800}};  // 2024-05-01T12:00:00Z

class ChannelOfPython : public testing::Test {
 protected:
  Reader reader_{python_file("python_v020.h5")};
  Channel ey_{reader_, "MT001", "sr8_0001", "ey"};
};

TEST_F(ChannelOfPython, IsFoundWithoutRegardToTheCaseOfItsComponent) {
  EXPECT_EQ((Channel{reader_, "MT001", "sr8_0001", "Ey"}.info().component), "ey");
  EXPECT_EQ((Channel{reader_, "MT001", "sr8_0001", "EY", "REF01"}.info().component), "ey");
  EXPECT_THAT(reader_.find("MT001", "sr8_0001", "eY"),
              ElementsAre(static_cast<std::size_t>(&ey_.info() - reader_.channels().data())));
  EXPECT_THAT(reader_.find("mt001", "sr8_0001", "ey"), ElementsAre()) << "ids are taken as they are";
}

TEST_F(ChannelOfPython, ThatIsNotThereIsAnErrorWhichNamesWhatIs) {
  EXPECT_THAT(
      [&] {
        (Channel{reader_, "MT001", "sr8_0001", "e1"});
      },
      ThrowsMessage<mth5::StateError>(
          AllOf(HasSubstr("python_v020.h5: there is no channel MT001/sr8_0001/e1"), HasSubstr("this run has ex, ey, hx"))));
  EXPECT_THAT(
      [&] {
        (Channel{reader_, "MT002", "sr8_0001", "ex"});
      },
      ThrowsMessage<mth5::StateError>(HasSubstr("MT002/sr8_0001/ex; nor such a run")));
  EXPECT_THAT(
      [&] {
        (Channel{reader_, "MT001", "sr8_0001", "ex", "OTHER"});
      },
      ThrowsMessage<mth5::StateError>(HasSubstr("no channel")));
  EXPECT_THROW((Channel{reader_, reader_.channels().size()}), mth5::StateError);
}

TEST_F(ChannelOfPython, ReadsAWindowBySamples) {
  const auto block = ey_.read(SampleRange{16, 18});
  EXPECT_THAT(block.values, ElementsAre(sample(1, 16), sample(1, 17)));
  EXPECT_EQ(block.first, 16);
  EXPECT_EQ(block.start, kStart + seconds{2});
  EXPECT_EQ(block.sample_rate, 8);
}

TEST_F(ChannelOfPython, ReadsAWindowByTimeWithoutItsEnd) {
  const auto block = ey_.read(TimeRange{kStart + seconds{2}, kStart + seconds{3}});
  ASSERT_EQ(block.values.size(), 8U);
  EXPECT_EQ(block.values.front(), sample(1, 16));
  EXPECT_EQ(block.values.back(), sample(1, 23));
  EXPECT_EQ(block.start, kStart + seconds{2});
  const auto between = ey_.read(TimeRange{kStart + nanoseconds{1}, kStart + milliseconds{126}});
  EXPECT_THAT(between.values, ElementsAre(sample(1, 1)));
  EXPECT_EQ(between.start, kStart + milliseconds{125});
  EXPECT_EQ(ey_.read(TimeRange{kStart + seconds{499}, {}}).values.size(), 8U);
  EXPECT_EQ(ey_.read(TimeRange{{}, kStart + seconds{1}}).values.size(), 8U);
}

TEST_F(ChannelOfPython, CutsAWindowToWhatIsThere) {
  EXPECT_EQ(ey_.read().values.size(), 4000U);
  EXPECT_EQ(ey_.read(TimeRange{mth5::UtcNanos::min(), mth5::UtcNanos::max()}).values.size(), 4000U);
  EXPECT_THAT(ey_.read(SampleRange{-7, 1}).values, ElementsAre(sample(1, 0)));
  EXPECT_THAT(ey_.read(SampleRange{3999, 9999}).values, ElementsAre(sample(1, 3999)));
  EXPECT_THAT(ey_.read(SampleRange{5000, 6000}).values, ElementsAre());
  EXPECT_THAT(ey_.read(SampleRange{10, 3}).values, ElementsAre());
  EXPECT_THAT(ey_.read(TimeRange{kStart + seconds{9}, kStart + seconds{8}}).values, ElementsAre());
}

TEST_F(ChannelOfPython, ComesBlockByBlock) {
  std::int64_t at = 5;
  std::vector<std::size_t> sizes;
  for (const auto& block : ey_.blocks(SampleRange{5, 3000}, 1000)) {
    EXPECT_EQ(block.first, at);
    EXPECT_EQ(block.start, mth5::sample_time(kStart, 8, at));
    for (const double value : block.values) ASSERT_EQ(value, sample(1, at++));
    sizes.push_back(block.values.size());
  }
  EXPECT_EQ(at, 3000);
  EXPECT_THAT(sizes, ElementsAre(1000, 1000, 995));
  for (const auto& block : ey_.blocks(SampleRange{4000, 5000})) FAIL() << block.values.size() << " samples beyond the end";
  EXPECT_THROW((void)ey_.blocks({}, 0), mth5::StateError);
}

/// A file of one channel without filters.
void make_file(const fs::path& path, double sample_rate, std::int64_t n) {
  auto file = mth5::File::create(path);
  mth5::Metadata survey{mth5::Kind::Survey};
  survey.set("id", std::string{"S"});
  mth5::Metadata station{mth5::Kind::Station};
  station.set("id", std::string{"A"});
  mth5::Metadata run{mth5::Kind::Run};
  run.set("id", std::string{"r"});
  run.set("sample_rate", sample_rate);
  mth5::Metadata channel{mth5::Kind::Electric};
  channel.set("component", std::string{"ex"});
  const std::vector<mth5::ChannelSpec> channels{{channel, mth5::SampleType::Int16, 65'536}};
  mth5::RunId id{};
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey);
    edit.add_station("S", station);
    id = edit.add_run("S", "A", run, kStart, channels);
  });
  std::vector<std::int32_t> samples(1'000'000);
  for (std::int64_t done = 0; done < n;) {
    const auto size = static_cast<std::size_t>(std::min<std::int64_t>(n - done, 1'000'000));
    for (std::size_t i = 0; i < size; ++i) samples[i] = static_cast<std::int32_t>((done + static_cast<std::int64_t>(i)) % 30'011);
    file.append(id, mth5::Matrix<const std::int32_t>{samples.data(), 1, size, size});
    done += static_cast<std::int64_t>(size);
  }
  file.close();
}

std::int64_t peak_memory_bytes() {
  const std::string status = support::read_text("/proc/self/status");
  return std::stoll(status.substr(status.find("VmHWM:") + 6)) * 1024;
}

TEST(ChannelMemory, DoesNotGrowWithTheLengthOfTheChannel) {
  const support::TempDir dir;
  constexpr std::int64_t kSamples = 40'000'000;  // 320 MB as doubles
  make_file(dir / "long.h5", 1000, kSamples);
  support::write_text("/proc/self/clear_refs", "5");  // the peak is from now on
  const auto before = peak_memory_bytes();
  const Reader reader{dir / "long.h5"};
  const Channel channel{reader, "A", "r", "ex"};
  std::int64_t at = 0;
  std::int64_t wrong = 0;
  for (const auto& block : channel.blocks())
    for (const double value : block.values) wrong += value != static_cast<double>(at++ % 30'011);
  EXPECT_EQ(at, kSamples);
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(reader.has_data(0));
  EXPECT_LT(peak_memory_bytes() - before, 32 << 20);
}

}  // namespace
