#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <numeric>

#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Going on with a file that exists.
namespace {

namespace fs = std::filesystem;
using support::Stages;
using support::TestWriter;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

void append(mth5::File& file, mth5::RunId run, std::int64_t from, std::int64_t to) {
  const auto n = static_cast<std::size_t>(to - from);
  std::vector<std::int32_t> block;
  for (std::size_t c = 0; c < TestWriter::components().size(); ++c)
    for (std::int64_t i = from; i < to; ++i) block.push_back(support::sample_at(c, 0, i));
  file.append(run, mth5::Matrix<const std::int32_t>{block.data(), TestWriter::components().size(), n, n});
}

/// Makes it a file as our versions before the journal wrote it. HDF5 counts from wherever it finds its signature.
void without_journal(const fs::path& path) {
  constexpr std::size_t kUserBlock = 1048576;
  std::ifstream file{path, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes.substr(kUserBlock);
}

void expect_samples(const fs::path& path, std::int64_t n) {
  const mth5::Reader reader{path};
  ASSERT_EQ(reader.channels().size(), 3u);
  for (std::size_t c = 0; c < 3; ++c) {
    ASSERT_EQ(reader.channels()[c].n_samples, n);
    const auto samples = reader.read(c, 0, n);
    for (std::int64_t i = 0; i < n; ++i)
      ASSERT_EQ(samples[static_cast<std::size_t>(i)], support::sample_at(c, 0, i)) << "channel " << c << " sample " << i;
    EXPECT_EQ(reader.channel_metadata(c).text("time_period.end"), mth5::to_mth5_time(reader.channels()[c].end()));
  }
}

TEST(FileOpen, GoesOnWithARunOfItsOwn) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  {
    TestWriter writer{path};
    writer.append(100);
    writer.append_gap(1, 2, "no-data", "r0", "r0", true);
    writer.file().close();
  }
  auto file = mth5::File::open(path, "r+", {.swmr = true});
  EXPECT_THAT(file.recovery(), IsEmpty());
  EXPECT_TRUE(file.is_swmr_mode());
  EXPECT_TRUE(file.h5_is_write());
  const auto run = file.open_run("TEST", "S1", "r0");
  EXPECT_THAT(file.components(run), ElementsAre("ex", "ey", "hx"));
  EXPECT_EQ(file.n_samples(run), 100);
  append(file, run, 100, 250);
  file.flush();
  mth5::TableId gaps;
  file.edit([&](mth5::Edit& edit) { gaps = edit.add_table(TestWriter::gap_table()); });
  EXPECT_EQ(file.n_rows(gaps), 1);
  append(file, run, 250, 300);
  file.close();
  expect_samples(path, 300);
  EXPECT_EQ(mth5::Reader{path}.table_rows("gaps"), 1);
}

TEST(FileOpen, OneCallCreatesAndGoesLive) {
  const support::TempDir dir;
  auto file = mth5::File::open(dir / "a.h5", "a", {.swmr = true});
  EXPECT_TRUE(file.is_swmr_mode());
  EXPECT_TRUE(fs::exists(dir / "a.h5"));
  file.close();
  EXPECT_FALSE(file.is_swmr_mode());
  EXPECT_FALSE(file.h5_is_write());
  auto again = mth5::File::open(dir / "a.h5");
  EXPECT_FALSE(again.is_swmr_mode());
  again.close();
}

TEST(FileOpen, RefusesModesThatOverwriteOrCannotBe) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  const auto open = [&](std::string_view mode, bool swmr) { return [=] { (void)mth5::File::open(path, mode, {.swmr = swmr}); }; };
  EXPECT_THAT(open("r+", true), ThrowsMessage<mth5::FileError>(HasSubstr("a.h5: does not exist; mode 'a' creates it")));
  EXPECT_THAT(open("w", true), ThrowsMessage<mth5::StateError>(HasSubstr("mode 'w': would overwrite; 'x' creates a new file")));
  EXPECT_THAT(open("x", true),
              ThrowsMessage<mth5::StateError>(HasSubstr("mode 'x': cannot be SWMR; 'a' creates a file and goes live")));
  EXPECT_THAT(open("r", false), ThrowsMessage<mth5::StateError>(HasSubstr("mode 'r': is for reading; use mth5::Reader")));
  EXPECT_THAT(open("rw", false), ThrowsMessage<mth5::StateError>(HasSubstr("mode 'rw': is none of a, r+, x")));
  EXPECT_FALSE(fs::exists(path));
  support::write_text(path, "precious");
  EXPECT_THAT(open("a", true), ThrowsMessage<mth5::FormatError>(HasSubstr("a.h5: not an HDF5 file")));
  EXPECT_THAT(open("x", false), ThrowsMessage<mth5::FileError>(HasSubstr("exists already")));
  EXPECT_EQ(support::read_text(path), "precious");
}

/// What a writer does that has shown `n` samples to readers.
auto flushes(const fs::path& path, std::int64_t n) {
  return [path, n](Stages::Gate& gate) {
    TestWriter file{path};
    file.append(n);
    file.file().flush();
    gate.reached();
  };
}

TEST(FileOpen, NamesTheOneThatWrites) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  Stages writer{flushes(path, 10)};
  writer.wait();
  try {
    (void)mth5::File::open(path, "a", {.swmr = true});
    ADD_FAILURE() << "two writers";
  } catch (const mth5::BusyError& e) {
    EXPECT_EQ(e.pid, writer.pid());
    EXPECT_THAT(e.what(), AllOf(HasSubstr(path.string()), HasSubstr("another process (process " + std::to_string(writer.pid())),
                                HasSubstr("a file has one writer")));
  }
}

TEST(FileOpen, RecoversWhatADeadWriterLeft) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  Stages writer{flushes(path, 1000)};
  writer.wait();
  writer.kill_now();
  auto file = mth5::File::open(path, "a", {.swmr = true});
  EXPECT_THAT(file.recovery(), ElementsAre(HasSubstr("its writer died")));
  const auto run = file.open_run("TEST", "S1", "r0");
  ASSERT_EQ(file.n_samples(run), 1000);
  append(file, run, 1000, 1500);
  file.close();
  expect_samples(path, 1500);
}

TEST(FileOpen, CutsChannelsOfADeadWriterToTheSameLength) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  Stages writer{[&](Stages::Gate& gate) {
    {
      TestWriter file{path};
      file.append(1000);
      file.file().close();
    }
    without_journal(path);
    // As if it had died between the channels of an append.
    const mth5::h5::File same{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "same"};
    mth5::h5::check(H5Fstart_swmr_write(same.get()), "SWMR");
    const mth5::h5::Dataset ex{H5Dopen2(same.get(), "/Experiment/Surveys/TEST/Stations/S1/r0/ex", H5P_DEFAULT), "ex"};
    const hsize_t longer = 1010;
    mth5::h5::check(H5Dset_extent(ex.get(), &longer), "ex");
    mth5::h5::check(H5Fflush(same.get(), H5F_SCOPE_GLOBAL), "flush");
    gate.reached();
  }};
  writer.wait();
  writer.kill_now();
  auto file = mth5::File::open(path);
  EXPECT_THAT(file.recovery(), ElementsAre(HasSubstr("its writer died"),
                                           HasSubstr("r0/ex: the last 10 samples were cut off, as ey has none at their times")));
  file.close();
  expect_samples(path, 1000);
}

TEST(FileOpen, RefusesToAppendToARunWhoseChannelsDifferInLength) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  fs::copy_file(support::data() / "mth5" / "python_v020.h5", path);
  {
    mth5::h5::initialise();
    const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const mth5::h5::Dataset ex{H5Dopen2(file.get(), "/Experiment/Surveys/REF01/Stations/MT001/sr1_0001/ex", H5P_DEFAULT), "ex"};
    const hsize_t shorter = 1990;
    mth5::h5::check(H5Dset_extent(ex.get(), &shorter), "ex");
  }
  auto file = mth5::File::open(path);
  EXPECT_THAT(
      [&] { (void)file.open_run("REF01", "MT001", "sr1_0001"); },
      ThrowsMessage<mth5::StateError>(HasSubstr("its channels differ in length (ex has 1990 samples, others up to 2000)")));
  EXPECT_THAT([&] { (void)file.open_run("REF01", "MT001", "sr1_0099"); },
              ThrowsMessage<mth5::StateError>(HasSubstr("there is no run 'sr1_0099' in station 'MT001'")));
  EXPECT_NO_THROW((void)file.open_run("REF01", "MT001", "sr8_0001"));
  file.close();
  EXPECT_EQ(mth5::Reader{path}.channels().size(), 12u) << "nothing else was touched";
}

TEST(FileOpen, RecoversAWriterThatDiedInAnEdit) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter file{path};
    file.append(1000);
    file.file().flush();
    file.append(500);  // comes with the edit, or not at all
    file.file().edit([&](mth5::Edit& edit) {
      mth5::Metadata survey{mth5::Kind::Survey};
      survey.set("id", std::string{"OTHER"});
      edit.add_survey(survey);
      gate.reached();
    });
  }};
  writer.wait();
  writer.kill_now();
  auto file = mth5::File::open(path);
  EXPECT_THAT(file.recovery(), ElementsAre(HasSubstr("its writer died")));
  file.close();
  expect_samples(path, 1000);
  EXPECT_EQ(mth5::Reader{path}.surveys().size(), 1u);
}

struct PythonFile {
  const char* name;
  const char* survey;
};
class OfPython : public testing::TestWithParam<PythonFile> {};

TEST_P(OfPython, IsContinued) {
  const auto& [name, survey_id] = GetParam();
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  fs::copy_file(support::data() / "mth5" / name, path);
  const auto values = [&](std::int64_t count) {
    const mth5::Reader reader{path};
    std::vector<std::vector<double>> all;
    for (std::size_t c = 0; c < reader.channels().size(); ++c)
      all.push_back(reader.read(c, 0, std::min(count, reader.channels()[c].n_samples)));
    return all;
  };
  const auto before = values(1 << 20);
  const std::size_t n_channels = before.size();
  auto file = mth5::File::open(path, "r+", {.swmr = true});
  const auto run = file.open_run(survey_id, "MT001", "sr1_0001");
  const std::size_t n = file.components(run).size();
  const auto old = file.n_samples(run);
  std::vector<std::int32_t> block(n * 50);
  std::iota(block.begin(), block.end(), 1);
  file.append(run, mth5::Matrix<const std::int32_t>{block.data(), n, 50, 50});
  file.flush();
  file.close();

  const mth5::Reader reader{path};
  ASSERT_EQ(reader.channels().size(), n_channels);
  std::size_t grown = 0;
  for (std::size_t c = 0; c < n_channels; ++c) {
    const auto& info = reader.channels()[c];
    const auto samples = reader.read(c, 0, info.n_samples);
    ASSERT_TRUE(std::equal(before[c].begin(), before[c].end(), samples.begin())) << info.run << "/" << info.component;
    if (info.run != "sr1_0001") {
      EXPECT_EQ(samples.size(), before[c].size());
      continue;
    }
    EXPECT_EQ(info.n_samples, old + 50);
    for (std::size_t i = 0; i < 50; ++i) ASSERT_EQ(samples[samples.size() - 50 + i], block[grown * 50 + i]);
    EXPECT_EQ(reader.channel_metadata(c).text("time_period.end"), mth5::to_mth5_time(info.end()));
    ++grown;
  }
  EXPECT_EQ(grown, n);
}

INSTANTIATE_TEST_SUITE_P(, OfPython,
                         testing::Values(PythonFile{"python_v010.h5", "REF01"}, PythonFile{"python_v020.h5", "REF01"}),
                         [](const auto& param) { return std::string{param.param.name}.substr(7, 4); });

}  // namespace
