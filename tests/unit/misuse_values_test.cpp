#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <typeinfo>

#include "mth5/channel.hpp"
#include "mth5/clock.hpp"
#include "mth5/duration.hpp"
#include "mth5/file.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/io.hpp"
#include "mth5/printable.hpp"
#include "mth5/probe.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Wrong calls of what reads, opens and computes; misuse_test.cpp has those of a file that is being written. Whoever refuses does
/// so by an exception of libmth5 in one line; whoever has an answer for any argument gives the one that its header promises.
namespace {

using mth5::Kind;
using mth5::Metadata;
using mth5::UtcNanos;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
const UtcNanos kStart = support::TestWriter::start();

/// A closed file of run r0 with 300 samples of ex, ey, hx, in a folder of its own.
struct Closed {
  support::TempDir dir;
  std::filesystem::path path = dir / "a.h5";
  std::size_t n = 0;  ///< channels
  Closed() {
    support::TestWriter writer{path};
    writer.append(300);
    writer.file().close();
    n = support::TestWriter::components().size();
  }
};

struct Refused {
  const char* name;
  std::function<void(const Closed&, const mth5::Reader&)> call;
  std::string says;
};

void PrintTo(const Refused& one, std::ostream* out) { *out << one.name; }

const std::vector<Refused>& of_readers() {
  using R = const mth5::Reader&;
  using C = const Closed&;
  static const std::vector<Refused> all{
      {"ReadNoChannel", [](C c, R r) { (void)r.read(c.n, 0, 1); }, "there is no channel 3"},
      {"ReadNoChannelIntoABuffer",
       [](C, R r) {
         double one = 0;
         (void)r.read(std::numeric_limits<std::size_t>::max(), 0, std::span{&one, 1});
       },
       "there is no channel"},
      {"CheckNoChannel", [](C c, R r) { r.check_channel(c.n); }, "there is no channel 3"},
      {"MetadataOfNoChannel", [](C c, R r) { (void)r.channel_metadata(c.n); }, "there is no channel 3"},
      {"FillOfNoChannel", [](C c, R r) { (void)r.fill_value(c.n); }, "there is no channel 3"},
      {"LengthOfNoChannel", [](C c, R r) { (void)r.stored_samples(c.n); }, "there is no channel 3"},
      {"TypeOfNoChannel", [](C c, R r) { (void)r.sample_type(c.n); }, "there is no channel 3"},
      {"DataOfNoChannel", [](C c, R r) { (void)r.has_data(c.n); }, "there is no channel 3"},
      {"MetadataOfNoRun", [](C, R r) { (void)r.run_metadata(1); }, "there is no run 1"},
      {"ClockOfNoRun", [](C, R r) { (void)r.clock(1); }, "there is no run 1"},
      {"TimeInNoRun", [](C, R r) { (void)r.utc_of(1, 0); }, "there is no run 1"},
      {"AxisErrorOfNoRun", [](C, R r) { (void)r.largest_axis_error(1); }, "there is no run 1"},
      {"ChannelOfNoIndex",
       [](C c, R r) {
         (void)mth5::Channel{r, c.n};
       },
       "there is no channel 3"},
      {"ChannelOfNoName",
       [](C, R r) {
         (void)mth5::Channel{r, "S1", "r0", ""};
       },
       "ex, ey, hx"},
      {"BlocksOfNoSamples",
       [](C, R r) {
         (void)mth5::Channel{r, 0}.blocks({}, 0);
       },
       "0"},
      {"BlocksOfNoChannel", [](C c, R r) { (void)mth5::Blocks{r, c.n, 0, 1, 1, 1}.begin(); }, "there is no channel 3"},
      {"ColumnThatIsNot", [](C, R r) { (void)r.channel_summary().number(0, "n_samples"); }, "no such column"},
      {"RowThatIsNot", [](C, R r) { (void)r.run_summary().text(std::numeric_limits<std::size_t>::max(), "run"); }, "no such"},
      {"ColumnOfNoTable", [](C, R) { (void)mth5::Table{}.integer(0, ""); }, "no such column"},
      {"OpenAFolder", [](C c, R) { mth5::Reader{c.dir.path()}; }, "is a directory"},
      {"OpenNoPath", [](C, R) { mth5::Reader{""}; }, "No such file"},
      {"ProbeAFolder", [](C c, R) { (void)mth5::probe(c.dir.path()); }, "is a directory"},
      {"JournalOfAFolder", [](C c, R) { (void)mth5::has_journal(c.dir.path()); }, "directory"},
      {"Hdf5OfNothing", [](C c, R) { (void)mth5::is_hdf5(c.dir / "none.h5"); }, "none.h5"},
      {"OpenAFolderAsAFile", [](C c, R) { (void)mth5::open_regular(c.dir.path()); }, "cannot be read: Is a directory"},
      {"ReadAFolderAsAFile", [](C c, R) { (void)mth5::read_regular(c.dir.path(), 1); }, "cannot be read: Is a directory"},
      {"ListAFile", [](C c, R) { (void)mth5::list_files(c.path); }, "Not a directory"},
      {"LiveFilesOfNothing", [](C c, R) { (void)mth5::live_files(c.dir / "none"); }, "none"},
      {"NewestOfAFile", [](C c, R) { (void)mth5::newest_file(c.path); }, "Not a directory"},
      {"RecoverNothing", [](C c, R) { (void)mth5::recover(c.dir / "none.h5", c.dir / "before"); }, "none.h5"},
      {"RecoverAFolder", [](C c, R) { (void)mth5::recover(c.dir.path(), c.dir / "before"); }, "directory"},
      {"TakeBackByTheFileItself", [](C c, R) { (void)mth5::take_back(c.path, c.path); }, "a.h5"},
      {"UndoByTheFileItself", [](C c, R) { (void)mth5::undo_changes(c.path, c.path); }, "a.h5"},
      {"UndoNothing", [](C c, R) { (void)mth5::undo_changes(c.dir / "none.h5", c.path); }, "none.h5"},
      {"CopyOntoItself", [](C c, R) { (void)mth5::copy_for_swmr(c.path, c.path); }, "exists already"},
      {"ArchiveUncompressed", [](C c, R) { (void)mth5::copy_for_archive(c.path, c.dir / "b.h5", 0); },
       "gzip 0 is out of range (1 to 9)"},
      {"ArchiveOntoItself", [](C c, R) { (void)mth5::copy_for_archive(c.path, c.path, 4); }, "exists already"},
      {"CopyAFolder", [](C c, R) { (void)mth5::copy_for_swmr(c.dir.path(), c.dir / "b.h5"); }, "directory"},
      {"CopyIntoNoFolder", [](C c, R) { (void)mth5::copy_for_swmr(c.path, c.dir / "none" / "b.h5"); }, "cannot be created"},
      {"WriterOfNothing", [](C c, R) { mth5::require_no_writer(c.dir / "none.h5"); }, "none.h5"},
      {"OpenForReading", [](C c, R) { (void)mth5::File::open(c.path, "r"); }, "r"},
      {"OpenOverwriting", [](C c, R) { (void)mth5::File::open(c.path, "w"); }, "w"},
      {"OpenInNoMode", [](C c, R) { (void)mth5::File::open(c.path, ""); }, "mode"},
      {"OpenWhatIsNot", [](C c, R) { (void)mth5::File::open(c.dir / "none.h5", "r+"); }, "none.h5"},
      {"OpenWhatMustNotBe", [](C c, R) { (void)mth5::File::open(c.path, "x"); }, "exists already"},
      {"OpenAFolderForWriting", [](C c, R) { (void)mth5::File::open(c.dir.path()); }, "directory"},
      {"CreateWhatIs", [](C c, R) { (void)mth5::File::create(c.path); }, "exists already"},
      {"CreateInNoFolder", [](C c, R) { (void)mth5::File::create(c.dir / "none" / "b.h5"); }, "none"},
      {"CreateInAFile", [](C c, R) { (void)mth5::File::create(c.path / "b.h5"); }, "a.h5"},
      {"CreateNoName", [](C, R) { (void)mth5::File::create(""); }, "names no file"},
      {"CreateInNoVersion",
       [](C c, R) {
         (void)mth5::File::create(c.dir / "b.h5", {"0.3.0", "test", "1"});
       },
       "0.3.0"},
      {"MergeOtherMetadata", [](C, R) { Metadata{Kind::Run}.merge(Metadata{Kind::Station}); }, "cannot be put over it"},
      {"AttributeOfAMegabyte", [](C, R) { Metadata{Kind::Run}.set(std::string(1 << 20, 'x'), 1.0); }, "no such attribute"},
      {"AttributeWithoutAName", [](C, R) { Metadata{Kind::Run}.set("", 1.0); }, "no such attribute"},
      {"CheckAFilterWithoutAName", [](C, R) { mth5::check_filter({.metadata = Metadata{Kind::Zpk}}); }, "name"},
      {"TimesWithoutEnd",
       [](C, R) {
         (void)mth5::RunClock{kStart, 1, 1, {}}.times(0, std::size_t{1} << 62);
       },
       "4611686018427387904"},
  };
  return all;
}

class RefusesToRead : public testing::TestWithParam<Refused> {};

TEST_P(RefusesToRead, WithAReasonAndStaysUsable) {
  const Closed closed;
  const auto bytes = support::read_text(closed.path);
  const mth5::Reader reader{closed.path};
  try {
    GetParam().call(closed, reader);
    ADD_FAILURE() << "was done";
  } catch (const mth5::Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr(GetParam().says), Not(HasSubstr("h5clear")), Not(HasSubstr("\n"))));
  } catch (const std::exception& e) {
    ADD_FAILURE() << typeid(e).name() << ": " << e.what();
  }
  EXPECT_EQ(reader.read(2, 299, 2), std::vector<double>{static_cast<double>(support::sample_at(2, 0, 299))});
  EXPECT_TRUE(support::read_text(closed.path) == bytes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{closed.dir.path()}, {}), 1) << "something was left";
}

INSTANTIATE_TEST_SUITE_P(Calls, RefusesToRead, testing::ValuesIn(of_readers()),
                         [](const auto& one) { return std::string{one.param.name}; });

TEST(Misused, ReplaysOfTimesOutsideTheFileHaveAllOrNothing) {
  const Closed closed;
  mth5::Reader reader{closed.path};
  const auto whole = reader.runs().front().n_samples;
  reader.replay(mth5::UtcNanos::min());
  EXPECT_EQ(reader.runs().front().n_samples, 0);
  EXPECT_THAT(reader.read(0, 0, kMost), testing::IsEmpty());
  reader.replay(mth5::UtcNanos::max());
  EXPECT_EQ(reader.runs().front().n_samples, whole);
  EXPECT_EQ(reader.state(), mth5::FileState::Closed);
}

TEST(Misused, ReadersCutOffWhatIsNotThere) {
  const Closed closed;
  mth5::Reader reader{closed.path};
  double buffer = 7;
  EXPECT_EQ(reader.read(0, kMost, std::span{&buffer, 1}), 0u);
  EXPECT_EQ(reader.read(0, -1, std::span{&buffer, 1}), 0u);
  EXPECT_EQ(reader.read(0, 0, std::span<double>{}), 0u);
  EXPECT_EQ(buffer, 7);
  EXPECT_THAT(reader.find("", "", ""), testing::IsEmpty());
  EXPECT_THAT(reader.find("S1", "r0", "EX", "other"), testing::IsEmpty());
  EXPECT_EQ(reader.table("gaps", kLeast)->size(), 0u);
  EXPECT_EQ(reader.table(""), std::nullopt);
  EXPECT_EQ(reader.table("../Experiment"), std::nullopt);
  EXPECT_EQ(reader.table_rows(std::string(1 << 20, 'x')), 0);
  EXPECT_FALSE(reader.refresh());
  EXPECT_FALSE(mth5::take_back(closed.path, closed.dir / "none")) << "that recovery changed nothing";
  const auto bytes = support::read_text(closed.path);
  const auto begun = closed.dir / "begun";  // by a process that was killed before its first write
  std::ofstream{begun}.flush();
  EXPECT_TRUE(mth5::take_back(closed.path, begun)) << "it is as it was";
  EXPECT_FALSE(std::filesystem::exists(begun));
  EXPECT_EQ(support::read_text(closed.path), bytes);
  const mth5::Channel channel{reader, 0};
  EXPECT_EQ(channel.utc_of(-100), kStart - std::chrono::seconds{1}) << "at 100 Hz; before the run is on its axis too";
  EXPECT_GT(channel.utc_of(kMost), kStart);
  EXPECT_LT(channel.utc_of(kLeast), kStart);
  EXPECT_THAT(channel.read(mth5::TimeRange{kStart + std::chrono::hours{1}, kStart}).values, testing::IsEmpty());
  EXPECT_THAT(channel.exact_times(mth5::SampleRange{kMost, kLeast}), testing::IsEmpty());
  std::size_t seen = 0;
  for (const auto& block : channel.blocks(mth5::SampleRange{kLeast, kMost}, std::numeric_limits<std::size_t>::max()))
    seen += block.values.size();
  EXPECT_EQ(seen, 300u);
  for (const auto& block : mth5::Blocks{reader, 0, kMost, kLeast, 1, 1}) ADD_FAILURE() << block.first;
}

mth5::ClockAnchor anchor(std::int64_t sample) {
  mth5::ClockAnchor one;
  one.sample = sample;
  one.utc = kStart;
  return one;
}

TEST(Misused, TimesAndRatesThatCannotBeHaveAnAnswer) {
  using Range = std::pair<std::int64_t, std::int64_t>;
  for (const double rate : {0.0, -1.0, kNaN, kInf}) {
    EXPECT_EQ(mth5::indexes_within({}, kStart, rate, 5), (Range{0, 5})) << rate;
    EXPECT_EQ(mth5::sample_time(kStart, rate, 1'000), kStart) << rate;
    EXPECT_EQ((mth5::RunClock{kStart, rate, 5, {anchor(0)}}.plain(kMost)), kStart) << rate;
  }
  EXPECT_EQ(mth5::indexes_within({UtcNanos::max(), UtcNanos::min()}, kStart, 1, 5).first, 5);
  EXPECT_EQ(mth5::indexes_within({}, kStart, 1, -5), (Range{0, 0}));
  EXPECT_EQ(mth5::sample_time(UtcNanos::max(), 1e-300, kMost), UtcNanos::max());
  EXPECT_EQ(mth5::sample_time(kStart, 1, kLeast) < kStart, true);
  EXPECT_TRUE(std::isnan(mth5::samples_between(kStart, kStart + std::chrono::seconds{1}, kNaN)));
  EXPECT_GT(mth5::samples_between(UtcNanos::min(), UtcNanos::max(), 1e15), 0);
  for (const auto time : {UtcNanos::min(), UtcNanos::max()}) {
    EXPECT_THAT(mth5::to_iso(time), testing::EndsWith("Z"));
    EXPECT_THAT(mth5::to_mth5_time(time), testing::EndsWith("+00:00"));
  }
  for (const char* text : {"", "2026", "2026-02-30", "2026-05-01T24:00", "99999-01-01", "2026-05-01T00:00:00+99:99"})
    EXPECT_EQ(mth5::parse_time(text), std::nullopt) << text;
  EXPECT_EQ(mth5::parse_time(std::string(1 << 20, '9')), std::nullopt);
  for (const double second : {kNaN, kInf, -1.0, 60.0}) EXPECT_EQ(mth5::from_calendar(2026, 5, 1, 0, 0, second), std::nullopt);
  constexpr int kInt = std::numeric_limits<int>::max();
  EXPECT_EQ(mth5::from_calendar(kInt, kInt, kInt, kInt, kInt, 0), std::nullopt);
  EXPECT_EQ(mth5::from_calendar(-kInt, -kInt, -kInt, -kInt, -kInt, 0), std::nullopt);
  mth5::use_host_clock(nullptr);
  EXPECT_GT(mth5::host_now(), kStart) << "the host's own clock, as before";
  const mth5::RunClock clock{kStart, 1, 5, {anchor(kMost), anchor(-1)}};
  EXPECT_EQ(clock.refused(), 2u);
  EXPECT_EQ(clock.newest(), nullptr);
  EXPECT_THAT(clock.times(kMost, 2), testing::SizeIs(2)) << "there is no later one, and the last counts twice";
  EXPECT_TRUE(std::isnan(clock.largest_axis_error()));
  EXPECT_GT(clock.utc_of(kMost), clock.utc_of(kLeast));
  EXPECT_EQ(mth5::RunInfo{}.end(), mth5::RunInfo{}.start) << "of a run that has nothing";
}

TEST(Misused, ADescriptorOfNothingIsAnErrorOfEachCall) {
  mth5::use_io(nullptr);
  const auto& io = mth5::io();
  char byte = 0;
  EXPECT_EQ(io.pread(-1, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(io.pwrite(-1, &byte, 1, 0), -1);
  EXPECT_EQ(io.ftruncate(-1, 1), -1);
  EXPECT_EQ(io.fallocate(-1, 1), -1);
  EXPECT_EQ(io.posix_fallocate(-1, 1), EBADF);
  EXPECT_EQ(io.fdatasync(-1), -1);
  EXPECT_EQ(io.fsync(-1), -1);
  EXPECT_EQ(io.free_bytes(""), std::nullopt);
}

TEST(Misused, TextsThatCannotBeHaveAnAnswer) {
  for (const char* text : {"", "1", "s", "-1s", "1 s", "1e3s", "nan s", "99999999999d", "1ss"})
    EXPECT_EQ(mth5::parse_duration(text), std::nullopt) << text;
  EXPECT_EQ(mth5::format_duration(std::chrono::nanoseconds::min()), "-9223372036854775808ns");
  EXPECT_EQ(mth5::rough_duration(kNaN), "unknown");
  EXPECT_EQ(mth5::rough_duration(-kInf), "0 s");
  EXPECT_THAT(mth5::rough_duration(kInf), HasSubstr(" d"));
  EXPECT_EQ(mth5::kind_from(std::string(1 << 20, 'x')), std::nullopt);
  EXPECT_EQ(mth5::sample_type_from("int64"), std::nullopt);
  EXPECT_EQ(mth5::find_attribute(Kind::Run, ""), nullptr);
  EXPECT_EQ(mth5::nearest("sample_rate", {}), "");
  EXPECT_EQ(mth5::nearest_attribute(Kind::Run, std::string(1 << 20, 'x')), "");
  EXPECT_NE(mth5::check_id(Kind::Run, std::string(1 << 20, 'x')), std::nullopt);
  EXPECT_NE(mth5::check_id(Kind::Station, "a/b"), std::nullopt);
  EXPECT_EQ(mth5::unit_symbol(""), "");
  EXPECT_EQ(mth5::unit_symbol("no such unit"), "no such unit");
  EXPECT_EQ(mth5::printable(std::string{"\0\x1b\xff", 3}), "\\x00\\x1b\\xff");
  EXPECT_EQ(mth5::printable_lines("a\n\x9b"), "a\n\\x9b");
  for (const std::string& text : {std::string{"{"}, std::string(1 << 20, '['), std::string{"[{\"name\": 1}]"}})
    EXPECT_EQ(mth5::parse_applied_filters(text), std::nullopt) << text.substr(0, 20);
  EXPECT_THAT(mth5::applied_filters(Metadata{Kind::Run}), testing::IsEmpty());
  EXPECT_EQ(mth5::to_text(std::span<const mth5::AppliedFilter>{}), "[]");
  EXPECT_NE(mth5::filter_name("/"), "/") << "the name of a group";
  EXPECT_EQ(mth5::Filter{.metadata = Metadata{Kind::Zpk}}.scalar_gain(), std::nullopt);
  Metadata metadata{Kind::Run};
  metadata.erase("none");
  EXPECT_EQ(metadata.find("none"), nullptr);
  EXPECT_EQ(metadata.text("none", "x"), "x");
  EXPECT_TRUE(std::isnan(metadata.number("none")));
  EXPECT_FALSE(mth5::Table{}.has(""));
  EXPECT_EQ(mth5::unfinished_copy("", -1).filename(), "..-1.part");
  EXPECT_EQ(mth5::network_file_system("/none/at/all"), mth5::network_file_system("/"));
}

TEST(Misused, DescriptorsThatAreNoneAreTold) {
  EXPECT_EQ(mth5::write_all(-1, "x"), EBADF);
  EXPECT_EQ(mth5::write_all(-1, ""), 0) << "there is nothing to write";
}

TEST(Misused, PoliciesThatCannotBeLoseNothing) {
  const support::TempDir dir;
  support::TestWriter writer{dir / "a.h5"};
  auto& file = writer.file();
  for (const auto interval : {std::chrono::nanoseconds{-1}, std::chrono::nanoseconds{0}, std::chrono::nanoseconds::max()})
    for (const std::int64_t samples : {kLeast, std::int64_t{0}, kMost}) {
      mth5::FlushPolicy policy;
      policy.samples = samples;
      policy.interval = interval;
      if (samples < 0 || interval.count() < 0) {
        EXPECT_THROW(file.set_flush_policy(policy), mth5::StateError);
        continue;
      }
      file.set_flush_policy(policy);
      writer.append(3);
      (void)file.flush_if_due();
    }
  EXPECT_THROW(file.set_buffered(-5), mth5::StateError);
  file.set_buffered(kMost);
  file.close();
  EXPECT_EQ(mth5::Reader{dir / "a.h5"}.read(0, 0, 99).size(), 12u);
}

}  // namespace
