#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include "h5/handle.hpp"
#include "mth5/channel.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Files of this library are opened by their channel_summary; what is found must be what a walk finds.
namespace {

namespace fs = std::filesystem;
namespace h5 = mth5::h5;
using mth5::Reader;
using support::sample_at;
using support::TestWriter;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::ThrowsMessage;

constexpr std::size_t kRuns = 5;
constexpr std::int64_t kSamples = 40;
constexpr std::size_t kRowBytes = 343;
const std::string kStation = "/Experiment/Surveys/TEST/Stations/S1";
const char* const kSummary = "/Experiment/channel_summary";

/// One line for each run and channel: all that is known without their attributes.
std::vector<std::string> lines_of(const Reader& reader) {
  std::vector<std::string> lines;
  for (const auto& run : reader.runs()) {
    lines.push_back(run.survey + " " + run.station + " " + run.id + " " + std::to_string(run.sample_rate) + " " +
                    mth5::to_iso(run.start) + " " + std::to_string(run.n_samples));
    for (const auto index : run.channels) {
      const auto& channel = reader.channels()[index];
      lines.push_back(channel.run + "/" + channel.component + " " + std::string{mth5::to_string(channel.kind)} + " " +
                      channel.units + " " + std::to_string(channel.sample_rate) + " " + mth5::to_iso(channel.start) + " " +
                      std::to_string(channel.n_samples));
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void make_numbers(hid_t parent, const char* name) {
  const hsize_t n = 12;
  const h5::Space space{H5Screate_simple(1, &n, nullptr), name};
  const h5::Dataset made{H5Dcreate2(parent, name, H5T_STD_I32LE, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name};
}

class IndexTest : public testing::Test {
 protected:
  void SetUp() override {
    TestWriter writer{path_};
    for (std::size_t run = 0; run < kRuns; ++run) {
      if (run > 0) writer.new_run(std::chrono::hours{run});
      writer.append(kSamples + static_cast<std::int64_t>(run));
    }
    writer.file().close();
  }

  /// What another program may do to a closed file.
  void change(const std::function<void(hid_t)>& by) const {
    h5::initialise();
    const h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "access"};
    h5::check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "versions");
    const h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()), "file"};
    by(file.get());
  }
  /// Changes the packed rows of channel_summary; more or fewer may come back.
  void change_rows(const std::function<void(std::string&)>& by) const {
    change([&](hid_t file) {
      const h5::Dataset table{H5Dopen2(file, kSummary, H5P_DEFAULT), kSummary};
      const h5::Datatype type{H5Dget_type(table.get()), kSummary};
      const h5::Space space{H5Dget_space(table.get()), kSummary};
      std::string rows(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())) * kRowBytes, '\0');
      h5::check(H5Dread(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), kSummary);
      by(rows);
      const hsize_t n = rows.size() / kRowBytes;
      h5::check(H5Dset_extent(table.get(), &n), kSummary);
      h5::check(H5Dwrite(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), kSummary);
    });
  }
  void cut_dataset(const std::string& object, hsize_t n) const {
    change([&](hid_t file) {
      const h5::Dataset dataset{H5Dopen2(file, object.c_str(), H5P_DEFAULT), object};
      h5::check(H5Dset_extent(dataset.get(), &n), object);
    });
  }

  support::TempDir dir_;
  const fs::path path_ = dir_ / "ours.h5";
};

TEST_F(IndexTest, TriesAgainWhatAnotherProgramChangedMeanwhile) {
  const auto began = fs::last_write_time(path_);
  int failing = 0, opened = 0;
  bool changes = false;
  const mth5::ReaderOptions options{.visiting = [&](const std::string& object) {
    if (object != "/Acquisition/state" || ++opened > failing) return;
    if (changes) fs::last_write_time(path_, began + std::chrono::seconds{opened});
    throw mth5::FileError{"torn"};
  }};
  failing = 2;
  EXPECT_THROW((Reader{path_, options}), mth5::FormatError) << "nobody touches it: it gets one more chance";
  opened = 0;
  changes = true;
  failing = 5;
  EXPECT_EQ((Reader{path_, options}.runs().size()), kRuns);
  EXPECT_GT(opened, failing);
}

TEST_F(IndexTest, FindsWhatAWalkFindsAndTouchesTheNewestRunOnly) {
  std::vector<std::string> visited;
  const Reader reader{path_, {.visiting = [&](const std::string& object) { visited.push_back(object); }}};
  EXPECT_THAT(visited, Not(Contains(HasSubstr("/S1/r0"))));
  EXPECT_THAT(visited, Contains(kStation + "/r4/ex"));
  const Reader walked{path_, {.walk = true}};
  EXPECT_EQ(lines_of(reader), lines_of(walked));
  EXPECT_EQ(reader.runs().size(), kRuns);
  EXPECT_THAT(reader.newest_runs(), ElementsAre(kRuns - 1));
  EXPECT_THAT(walked.newest_runs(), ElementsAre(kRuns - 1));
  EXPECT_THAT(reader.warnings(), IsEmpty());
  for (std::size_t i = 0; i < reader.channels().size(); ++i) {
    const auto n = reader.channels()[i].n_samples;
    EXPECT_EQ(reader.read(i, n - 2, 5), (std::vector<double>{static_cast<double>(sample_at(i % 3, i / 3, n - 2)),
                                                             static_cast<double>(sample_at(i % 3, i / 3, n - 1))}));
    EXPECT_EQ(reader.sample_type(i), mth5::SampleType::Int32);
    EXPECT_EQ(reader.channel_metadata(i), walked.channel_metadata(i));
    EXPECT_NO_THROW(reader.check_channel(i));
  }
  for (std::size_t run = 0; run < kRuns; ++run) EXPECT_EQ(reader.run_metadata(run), walked.run_metadata(run));
  EXPECT_THROW((void)reader.run_metadata(kRuns), mth5::StateError);
  EXPECT_THROW((void)reader.channel_metadata(3 * kRuns), mth5::StateError);
  EXPECT_THROW((void)reader.sample_type(3 * kRuns), mth5::StateError);
}

TEST_F(IndexTest, ReadsMoreChannelsThanItKeepsOpen) {
  const auto many = dir_ / "many.h5";
  {
    TestWriter writer{many, 16};
    writer.append(3);
    for (int run = 1; run < 30; ++run) {
      writer.new_run(std::chrono::minutes{run});
      writer.append(3);
    }
    writer.file().close();
  }
  Reader reader{many};
  ASSERT_EQ(reader.channels().size(), 90U);
  for (int pass = 0; pass < 2; ++pass)
    for (std::size_t i = 0; i < 90; ++i)
      ASSERT_THAT(reader.read(i, 2, 1), ElementsAre(sample_at(i % 3, i / 3, 2))) << pass << " " << i;
  EXPECT_LT(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_DATASET), 75);
  EXPECT_FALSE(reader.refresh());
}

/// In which way a table can be wrong, and what warnings() says of it.
struct Wrong {
  const char* name;
  std::function<void(IndexTest&)> make;
  const char* said;
};

class WrongIndex : public IndexTest, public testing::WithParamInterface<std::size_t> {
 public:
  static std::vector<Wrong> all();
  using IndexTest::change;
  using IndexTest::change_rows;
  using IndexTest::cut_dataset;
};

std::vector<Wrong> WrongIndex::all() {
  const auto rows = [](std::function<void(std::string&)> by) {
    return [by](IndexTest& test) { static_cast<WrongIndex&>(test).change_rows(by); };
  };
  const auto file = [](std::function<void(hid_t)> by) {
    return [by](IndexTest& test) { static_cast<WrongIndex&>(test).change(by); };
  };
  const auto put = [](std::size_t row, std::size_t at, const std::string& text, std::size_t bytes) {
    return [=](std::string& all_rows) {
      std::string field = text;
      field.resize(bytes, '\0');
      all_rows.replace(row * kRowBytes + at, bytes, field);
    };
  };
  const auto number = [](double value) { return std::string{reinterpret_cast<const char*>(&value), sizeof value}; };
  const auto count = [](std::int64_t value) { return std::string{reinterpret_cast<const char*>(&value), sizeof value}; };
  const auto remove = [](const std::string& object) {
    return [object](hid_t in) { h5::check(H5Ldelete(in, object.c_str(), H5P_DEFAULT), object); };
  };
  return {
      {"AnOldRunWasDeleted", file(remove(kStation + "/r1")), "it has more runs than station S1"},
      {"ARunWasAdded", file([](hid_t in) {
         const h5::Group run{H5Gcreate2(in, (kStation + "/r9").c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "run"};
         make_numbers(run.get(), "ex");
       }),
       "1 runs of station S1 are not in it"},
      {"TheNewestRunWasDeletedAndAnotherMade", file([](hid_t in) {
         h5::check(H5Lmove(in, (kStation + "/r4").c_str(), in, (kStation + "/r9").c_str(), H5P_DEFAULT, H5P_DEFAULT), "move");
       }),
       "is not in the file"},
      {"AChannelOfTheNewestRunWasDeleted", file(remove(kStation + "/r4/ey")), "run r4 has 2 channels, not the 3 of the table"},
      {"TheNewestRunWasCut",
       [](IndexTest& test) {
         for (const char* name : {"ex", "ey", "hx"}) static_cast<WrongIndex&>(test).cut_dataset(kStation + "/r4/" + name, 7);
       },
       "has 7 samples, not the 44 of the table"},
      {"TheTableIsGone", file(remove(kSummary)), "it is not there"},
      {"TheTableIsALink", file([](hid_t in) {
         h5::check(H5Ldelete(in, kSummary, H5P_DEFAULT), "delete");
         h5::check(H5Lcreate_soft("/Acquisition/gaps", in, kSummary, H5P_DEFAULT, H5P_DEFAULT), "link");
       }),
       "it is a link"},
      {"TheTableIsAnother", file([](hid_t in) {
         h5::check(H5Ldelete(in, kSummary, H5P_DEFAULT), "delete");
         make_numbers(in, kSummary);
       }),
       "other columns"},
      {"ItHasFewerRuns", rows([](std::string& all_rows) { all_rows.resize(all_rows.size() - 3 * kRowBytes); }), "not in it"},
      {"ItIsEmpty", rows([](std::string& all_rows) { all_rows.clear(); }), "5 runs of station S1 are not in it"},
      {"ItHasARunTwice",
       rows([](std::string& all_rows) { all_rows.replace(6 * kRowBytes, 3 * kRowBytes, all_rows.substr(0, 3 * kRowBytes)); }),
       "its run is in two places of the table"},
      {"ItHasAChannelTwice",
       rows([](std::string& all_rows) { all_rows.replace(kRowBytes, kRowBytes, all_rows.substr(0, kRowBytes)); }),
       "is twice in the table"},
      {"ItHasAnotherStation", rows(put(0, 30, "S2", 30)), "a station that is not in the file"},
      {"ARunLeadsElsewhere", rows([put](std::string& all_rows) {
         for (std::size_t row = 0; row < 3; ++row) put(row, 60, "../S1/r0", 20)(all_rows);
       }),
       "no row of a channel"},
      {"AComponentIsMissing", rows(put(4, 104, "", 20)), "no row of a channel"},
      {"AStartIsNoTime", rows(put(4, 124, "yesterday", 36)), "no row of a channel"},
      {"AChannelBeginsApart", rows(put(4, 124, "2026-05-01T00:00:01+00:00", 36)), "differs from the other channels"},
      {"ARateIsNaN", rows(put(4, 204, number(std::nan("")), 8)), "no row of a channel"},
      {"ARateIsNegative", rows(put(4, 204, number(-1), 8)), "no row of a channel"},
      {"AKindIsNone", rows(put(4, 212, "survey", 30)), "no row of a channel"},
      {"ALengthIsNegative", rows(put(4, 196, count(-1), 8)), "has -1 samples"},
      {"ALengthIsAbsurd", rows(put(4, 196, count(std::int64_t{1} << 62), 8)), "has 4611686018427387904 samples"},
      {"ALengthIsAnother", rows(put(4, 196, count(3), 8)), "differs from the other channels"},
  };
}

TEST_P(WrongIndex, IsNotBelievedButNamed) {
  const auto wrong = all()[GetParam()];
  SCOPED_TRACE(wrong.name);
  wrong.make(*this);
  Reader reader{path_};
  const Reader walked{path_, {.walk = true}};
  EXPECT_EQ(lines_of(reader), lines_of(walked));
  EXPECT_THAT(reader.warnings(), Contains(HasSubstr(wrong.said)));
  EXPECT_THAT(walked.warnings(), Not(Contains(HasSubstr("channel_summary"))));
  for (std::size_t i = 0; i < reader.channels().size(); ++i)
    EXPECT_EQ(reader.read(i, 0, 100), walked.read(i, 0, 100)) << reader.channels()[i].run;
  EXPECT_FALSE(reader.refresh());
}

TEST_P(WrongIndex, IsPutRightByAWriter) {
  const auto wrong = all()[GetParam()];
  SCOPED_TRACE(wrong.name);
  wrong.make(*this);
  {
    auto file = mth5::File::open(path_, "r+");
    EXPECT_THAT(file.recovery(), IsEmpty());
    file.close();
  }
  const Reader reader{path_};
  const Reader walked{path_, {.walk = true}};
  EXPECT_EQ(lines_of(reader), lines_of(walked));
  if (std::string_view{wrong.name} != "ARunWasAdded") {  // without a sample rate it never fits
    EXPECT_THAT(reader.warnings(), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, WrongIndex, testing::Range(std::size_t{0}, WrongIndex::all().size()),
                         [](const auto& one) { return WrongIndex::all()[one.param].name; });

/// Thousands of runs that another program left alone are not walked because it changed one.
TEST_F(IndexTest, ThatDoesNotFitIsBelievedOfTheRunsThatAreAsItSays) {
  change([](hid_t file) {
    const h5::Group run{H5Gcreate2(file, (kStation + "/r9").c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "run"};
    make_numbers(run.get(), "ex");
    const auto again = kStation + "/r0b", first = kStation + "/r0";
    h5::check(H5Lcreate_hard(file, first.c_str(), file, again.c_str(), H5P_DEFAULT, H5P_DEFAULT), "link");
    h5::check(H5Lmove(file, (kStation + "/r3/ey").c_str(), file, (kStation + "/r3/ez").c_str(), H5P_DEFAULT, H5P_DEFAULT),
              "move");
  });
  for (const char* name : {"ex", "ey", "hx"}) cut_dataset(kStation + "/r1/" + name, 7);
  std::vector<std::string> visited;
  Reader reader{path_, {.visiting = [&](const std::string& object) { visited.push_back(object); }}};
  EXPECT_THAT(visited, Not(Contains(kStation + "/r0/ex")));
  EXPECT_THAT(visited, Not(Contains(kStation + "/r2/hx")));
  for (const char* differs : {"/r1/ex", "/r3/ez", "/r9/ex"}) EXPECT_THAT(visited, Contains(kStation + differs));
  const Reader walked{path_, {.walk = true}};
  EXPECT_EQ(lines_of(reader), lines_of(walked));
  EXPECT_THAT(reader.warnings(), Contains(HasSubstr("(2 runs of station S1 are not in it): another program changed one of "
                                                    "them; runs that differ are shown as the groups hold them")));
  EXPECT_THAT(reader.warnings(), Contains(HasSubstr("1 links not followed")));
  for (std::size_t i = 0; i < reader.channels().size(); ++i) {
    const auto& channel = reader.channels()[i];
    const auto same = walked.find(channel.station, channel.run, channel.component);
    ASSERT_EQ(same.size(), 1U);
    EXPECT_EQ(reader.read(i, 0, 100), walked.read(same.front(), 0, 100)) << channel.run;
  }
  EXPECT_FALSE(reader.refresh());

  // A recorder resumes in it, and rewrites the table.
  const auto resumed = support::forked([&] {
    mth5::File::open(path_, "r+", {.swmr = true}).close();
    return 0;
  });
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  reader.refresh();
  EXPECT_EQ(lines_of(reader), lines_of(Reader{path_, {.walk = true}}));
}

TEST_F(IndexTest, ChangedInAnOldRunIsNoticedWhenItIsRead) {
  for (const char* name : {"ex", "ey", "hx"}) cut_dataset(kStation + "/r1/" + name, 7);
  Reader reader{path_};
  EXPECT_EQ(reader.runs()[1].n_samples, kSamples + 1);
  EXPECT_THAT(
      [&] { (void)reader.read(3, 0, 100); },
      ThrowsMessage<mth5::FormatError>(HasSubstr("r1/ex: has 7 samples, and 41 by channel_summary: damaged, or changed")));
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("channel_summary does not fit the file")));
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.runs()[1].n_samples, 7);
  EXPECT_EQ(reader.read(3, 0, 100).size(), 7U);
  EXPECT_EQ(lines_of(reader), lines_of(Reader{path_, {.walk = true}}));
}

TEST_F(IndexTest, ThatMissesAnAttributeSaysSoOnceItIsRead) {
  change([](hid_t file) {
    const h5::Object channel{H5Oopen(file, (kStation + "/r1/ex").c_str(), H5P_DEFAULT), "ex"};
    const h5::Attribute rate{H5Aopen(channel.get(), "sample_rate", H5P_DEFAULT), "rate"};
    const double other = 50;
    h5::check(H5Awrite(rate.get(), H5T_NATIVE_DOUBLE, &other), "rate");
  });
  Reader reader{path_};
  EXPECT_EQ(reader.channels()[3].sample_rate, 100) << "as the table has it";
  EXPECT_EQ(reader.channel_metadata(3).number("sample_rate"), 50);
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("r1/ex has another start or sample rate by its own attributes")));
  reader.refresh();
  EXPECT_EQ(reader.channels()[3].sample_rate, 50);
}

TEST_F(IndexTest, DoesNotFollowALinkInThePlaceOfARun) {
  change([](hid_t file) {
    const std::string run = kStation + "/r1";
    h5::check(H5Ldelete(file, run.c_str(), H5P_DEFAULT), "delete");
    h5::check(H5Lcreate_external("/etc/passwd", "/", file, run.c_str(), H5P_DEFAULT, H5P_DEFAULT), "link");
  });
  Reader reader{path_};
  EXPECT_THAT([&] { (void)reader.read(3, 0, 1); },
              ThrowsMessage<mth5::FormatError>(HasSubstr("is a link that MTH5 does not have")));
  EXPECT_THAT([&] { (void)reader.run_metadata(1); }, ThrowsMessage<mth5::FormatError>(HasSubstr("is a link")));
  reader.refresh();
  EXPECT_THAT(reader.warnings(), Contains(HasSubstr("1 links not followed")));
  EXPECT_THROW((void)reader.read(3, 0, 1), mth5::FileError) << "no longer in the file";
}

/// Sets the length of a run in the table, in all of its rows.
auto told(std::size_t run, std::int64_t n) {
  return [=](std::string& rows) {
    for (std::size_t c = 0; c < 3; ++c)
      rows.replace((3 * run + c) * kRowBytes + 196, 8, std::string{reinterpret_cast<const char*>(&n), 8});
  };
}

TEST_F(IndexTest, IsTakenByAWriterAsItIs) {
  std::string before, after;
  change_rows([&](std::string& rows) { before = rows; });
  mth5::File::open(path_, "r+").close();
  change_rows([&](std::string& rows) { after = rows; });
  EXPECT_EQ(before, after);
}

TEST_F(IndexTest, WhoseLengthsDoNotAddUpIsNotTakenByAWriter) {
  change_rows(told(1, 7));  // a run that ended long ago: nobody looks at its channels
  mth5::File::open(path_, "r+").close();
  const Reader reader{path_};
  EXPECT_THAT(reader.warnings(), IsEmpty());
  EXPECT_EQ(reader.runs()[1].n_samples, kSamples + 1);
}

TEST_F(IndexTest, WithTheWrongLengthOfARunThatIsAppendedToIsPutRightWithIt) {
  change_rows(told(0, kSamples + 1));
  change_rows(told(1, kSamples));  // the sum is right
  auto file = mth5::File::open(path_, "r+", {.swmr = true});
  const auto run = file.open_run("TEST", "S1", "r0");
  EXPECT_EQ(file.n_samples(run), kSamples);
  EXPECT_EQ(file.visible_samples(), 5 * kSamples + 10);
  support::append_numbered(file, run, 0, 5);
  file.flush();
  EXPECT_EQ(file.visible_samples(), 5 * kSamples + 9 + 5) << "as the datasets have it now";
  file.close();
  const Reader reader{path_};
  EXPECT_EQ(reader.runs()[0].n_samples, kSamples + 5);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto samples = reader.read(c, kSamples - 1, 10);
    ASSERT_EQ(samples.size(), 6U);
    for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(samples[static_cast<std::size_t>(i)], sample_at(c, 0, kSamples - 1 + i));
  }
}

TEST_F(IndexTest, OfARunWithOtherChannelsRefusesToAppendToItAndTheFileStaysUsable) {
  change([](hid_t file) { h5::check(H5Ldelete(file, (kStation + "/r1/ey").c_str(), H5P_DEFAULT), "delete"); });
  auto file = mth5::File::open(path_, "r+", {.swmr = true});
  EXPECT_THAT([&] { (void)file.open_run("TEST", "S1", "r1"); },
              ThrowsMessage<mth5::StateError>(HasSubstr("its channels are not those that channel_summary has")));
  const auto run = file.open_run("TEST", "S1", "r2");
  support::append_numbered(file, run, 2, 5);
  file.close();
  EXPECT_EQ(Reader{path_}.runs()[2].n_samples, kSamples + 7);
}

TEST_F(IndexTest, AllRunsThatACrashLeftOpenGetTheirFinalTimes) {
  const auto crashed = dir_ / "crashed.h5";
  const auto ended = support::forked([&]() -> int {
    TestWriter file{crashed};
    file.append(30);
    file.new_run(std::chrono::hours{1});  // r0 ends
    file.append(20);
    file.add_run(std::chrono::hours{2});  // r1 goes on beside r2
    file.append(10);
    file.append_to(1, 5);
    file.add_run(std::chrono::hours{3});  // r3 never gets a sample
    file.file().sync();
    _exit(0);
  });
  ASSERT_EQ(ended.code, 0) << ended.err;
  {
    auto file = mth5::File::open(crashed, "r+");
    EXPECT_THAT(file.recovery(), Contains(HasSubstr("r3: had no samples and was removed")));
    EXPECT_THAT(file.run_names("TEST", "S1"), ElementsAre("r0", "r1", "r2"));
    file.close();
  }
  const Reader reader{crashed};
  EXPECT_THAT(reader.warnings(), IsEmpty());
  ASSERT_EQ(reader.runs().size(), 3U);
  const std::int64_t lengths[] = {30, 25, 10};
  for (std::size_t run = 0; run < 3; ++run) {
    EXPECT_EQ(reader.runs()[run].n_samples, lengths[run]);
    const auto end = mth5::to_mth5_time(reader.runs()[run].end());
    EXPECT_EQ(reader.run_metadata(run).text("time_period.end"), end);
    for (const auto channel : reader.runs()[run].channels)
      EXPECT_EQ(reader.channel_metadata(channel).text("time_period.end"), end) << channel;
  }
}

}  // namespace
