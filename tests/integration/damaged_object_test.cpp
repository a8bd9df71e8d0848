#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "h5/handle.hpp"
#include "mth5/reader.hpp"
#include "support/acquisition_file.hpp"
#include "support/forked.hpp"
#include "support/process.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// A damaged object of a file costs what it holds, an exit code and a line, and hides neither the rest nor other files.
namespace {

namespace fs = std::filesystem;
namespace h5 = mth5::h5;
using support::AcquisitionFile;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

const std::string kSummary = support::program("mth5-summary");
const std::string kMonitor = support::program("mth5-monitor");

constexpr std::size_t kUserBlock = std::size_t{1} << 20;  ///< addresses of HDF5 count from behind it

/// Where the header of an object lies in a closed file.
std::int64_t header_of(const fs::path& path, const std::string& object) {
  h5::initialise();
  const h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), path.string()};
  H5O_info_t info{};
  h5::check(H5Oget_info_by_name1(file.get(), object.c_str(), &info, H5P_DEFAULT), object);
  return static_cast<std::int64_t>(kUserBlock + info.addr);
}

void flip(const fs::path& path, std::int64_t at) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 1));
}

/// A closed file of a station with all tables of a recorder: 100 samples, a gap of 10, 100 samples.
void write_recording(const fs::path& path, const std::string& station) {
  AcquisitionFile file{path, {{.name = "lemi", .station = station}}};
  const auto first = file.add_run(0, "r0", {});
  file.append(first, 100);
  file.anchor("r0", 0, AcquisitionFile::start(), "gps", 0, 0, true);
  file.reason("skipped", 0, "garbage", 7);
  file.commit(1, AcquisitionFile::start() + std::chrono::seconds{100}, {{107, 100, 0, 7}}, {{.decoded = 100, .stored = 100}});
  file.gap(0, "", std::chrono::seconds{100}, 10, "no-data", "r0", "r1", false);
  const auto second = file.add_run(0, "r1", std::chrono::seconds{110});
  file.append(second, 100);
  file.commit(1, AcquisitionFile::start() + std::chrono::seconds{210}, {{207, 200, 0, 7}}, {{.decoded = 200, .stored = 200}});
  file.file().close();
}

/// Nobody writes it any more: it is damaged, and not a file that cannot be opened while it is written.
TEST(DamagedDeadFile, IsDamaged) {
  const support::TempDir dir;
  const auto path = dir / "dead.h5";
  const auto ended = support::forked([&] {
    support::TestWriter writer{path};
    writer.append(100);
    writer.file().sync();
    _exit(0);
    return 0;
  });
  ASSERT_EQ(ended.code, 0) << ended.err;
  ASSERT_EQ(support::run({kSummary, path}).code, 5) << "its writer died, which is no damage";
  flip(path, static_cast<std::int64_t>(support::read_text(path).find("OHDR", kUserBlock)) + 8);  // of the root group
  for (const auto& program : {std::vector<std::string>{kSummary}, {kMonitor, "--once"}}) {
    auto arguments = program;
    arguments.push_back(path);
    const auto finished = support::run(arguments);
    EXPECT_EQ(finished.code, 4) << finished.err;
    EXPECT_THAT(finished.err, AllOf(HasSubstr("damaged, and its writer died; mth5-recover may tell more"),
                                    Not(HasSubstr("while it is written"))));
  }
}

class DamagedTable : public testing::TestWithParam<const char*> {
 protected:
  DamagedTable() {
    write_recording(dir_ / "a.h5", "A");
    write_recording(dir_ / "b.h5", "B");
    flip(dir_ / "a.h5", header_of(dir_ / "a.h5", std::string{"/Acquisition/"} + GetParam()) + 8);
  }
  support::TempDir dir_;
};

TEST_P(DamagedTable, IsNamedAndAllElseIsReported) {
  const std::string line = (dir_ / "a.h5").string() + ": /Acquisition/" + GetParam() + ": ";
  const auto folder = support::run({kSummary, dir_.path()});
  EXPECT_EQ(folder.code, 4);
  EXPECT_THAT(folder.err, AllOf(HasSubstr("mth5-summary: error: " + line), HasSubstr("damaged")));
  EXPECT_THAT(folder.out, AllOf(HasSubstr("  damaged: " + line), HasSubstr("Station A"), HasSubstr("Station B")));

  const auto alone = support::run({kSummary, "--format", "json", dir_ / "a.h5"});
  EXPECT_EQ(alone.code, 4);
  const auto report = nlohmann::json::parse(alone.out);
  EXPECT_EQ(report["files"][0]["damaged"].size(), 1U);
  EXPECT_EQ(report["channels"][0]["n_samples"], 200);
  EXPECT_EQ(report["channels"][0]["missing"], 10);

  const auto recover = support::run({support::program("mth5-recover"), "--dry-run", dir_ / "a.h5"});
  EXPECT_EQ(recover.code, 4);
  EXPECT_THAT(recover.out, HasSubstr("damaged: " + line));
}

TEST_P(DamagedTable, IsDamageForTheMonitorAndLeavesTheFileAsideInAFolder) {
  const auto alone = support::run({kMonitor, "--once", dir_ / "a.h5"});
  EXPECT_EQ(alone.code, 4);
  EXPECT_THAT(alone.err, HasSubstr(std::string{"/Acquisition/"} + GetParam() + ": "));
  fs::last_write_time(dir_ / "a.h5", fs::last_write_time(dir_ / "b.h5") + std::chrono::seconds{1});
  const auto folder = support::run({kMonitor, "--once", dir_.path()});
  EXPECT_EQ(folder.code, 0) << folder.err;
  EXPECT_THAT(folder.err, HasSubstr("damaged; left aside"));
  EXPECT_THAT(folder.out, HasSubstr("b.h5"));
}

TEST_P(DamagedTable, IsAFormatErrorOfTheLibraryAndCanBeLeftOut) {
  const mth5::Reader reader{dir_ / "a.h5"};
  EXPECT_THROW((void)reader.table(GetParam()), mth5::FormatError);
  EXPECT_THROW((void)reader.table_rows(GetParam()), mth5::FormatError);
  mth5::ReaderOptions options;
  options.leave_out = {GetParam()};
  const mth5::Reader rest{dir_ / "a.h5", options};
  EXPECT_FALSE(rest.table(GetParam()).has_value());
  EXPECT_THAT(rest.tables(), Not(testing::Contains(std::string{GetParam()})));
  EXPECT_EQ(rest.tables().size() + 1, reader.tables().size());
}

INSTANTIATE_TEST_SUITE_P(, DamagedTable,
                         testing::Values("commits", "source_ledger", "stream_ledger", "streams", "sources", "reasons", "gaps",
                                         "clock/lemi"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, '/');
                           return name;
                         });

TEST(DamagedChannel, OfAClosedFileIsMissingInTheReportOfTheOthers) {
  const support::TempDir dir;
  write_recording(dir / "a.h5", "A");
  flip(dir / "a.h5", header_of(dir / "a.h5", "/Experiment/Surveys/TEST/Stations/A/r0/ex") + 8);
  const auto finished = support::run({kSummary, "--format", "json", dir / "a.h5"});
  EXPECT_EQ(finished.code, 4);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("r0/ex"), HasSubstr("damaged")));
  const auto report = nlohmann::json::parse(finished.out);
  ASSERT_EQ(report["channels"].size(), 2U);
  EXPECT_EQ(report["channels"][0]["component"], "ex");
  EXPECT_EQ(report["channels"][0]["expected"], 210);
  EXPECT_EQ(report["channels"][0]["missing"], 110);
  EXPECT_EQ(report["channels"][1]["missing"], 10);
}

/// A bit of any structure of HDF5 in a file, whatever it belongs to.
TEST(DamagedStructure, HidesNoOtherFile) {
  const support::TempDir dir;
  write_recording(dir / "a.h5", "A");
  write_recording(dir / "b.h5", "B");
  const std::string whole = support::read_text(dir / "a.h5");
  int found = 0;
  int damaged = 0;
  int others = 0;
  for (const std::string_view signature : {"OHDR", "OCHK", "EAHD", "EAIB", "FAHD", "FADB", "BTHD", "BTLF", "FRHP", "GCOL"})
    for (auto at = whole.find(signature, kUserBlock); at != std::string::npos; at = whole.find(signature, at + 4)) {
      if (++found % 3 != 0) continue;  // each costs a start of the program
      std::string content = whole;
      content[at + 9] = static_cast<char>(content[at + 9] ^ 1);
      support::write_text(dir / "a.h5", content);
      const auto finished = support::run({kSummary, dir.path()});
      EXPECT_THAT(finished.code, AnyOf(0, 4)) << signature << " at " << at << ": " << finished.err;
      EXPECT_THAT(finished.out, HasSubstr("Station B")) << signature << " at " << at;
      EXPECT_EQ(finished.code == 4, finished.err.find("damaged") != std::string::npos) << signature << " at " << at;
      ++(finished.code == 4 ? damaged : others);
    }
  EXPECT_GT(damaged, 20);
  EXPECT_LT(others, 2 * damaged);
}

/// A file that is being written, one old run of which is damaged on the disk; its writer has what it needs in memory.
class DamagedLiveFile : public testing::Test {
 protected:
  /// @param copy  where it is copied to before, for header_of()
  support::Stages record() {
    return support::Stages{[this](support::Stages::Gate& gate) {
      support::TestWriter recorder{path_};
      recorder.append(500);
      recorder.new_run(std::chrono::seconds{5});
      recorder.append(100);
      recorder.file().sync();
      gate.reached();
    }};
  }
  /// The same file, closed: its objects lie where those of the live one do.
  std::int64_t place_of(const std::string& object) {
    fs::copy_file(path_, dir_ / "copy.h5");
    EXPECT_EQ(support::run({support::program("mth5-recover"), dir_ / "copy.h5"}).code, 0);
    return header_of(dir_ / "copy.h5", object);
  }

  support::TempDir dir_;
  fs::path path_ = dir_ / "live.h5";
};

TEST_F(DamagedLiveFile, IsReportedButForTheDamagedChannel) {
  auto writer = record();
  writer.wait();
  flip(path_, place_of("/Experiment/Surveys/TEST/Stations/S1/r0/ex") + 8);
  const auto finished = support::run({kSummary, "--format", "json", path_});
  EXPECT_EQ(finished.code, 4);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("r0/ex"), HasSubstr("damaged")));
  const auto report = nlohmann::json::parse(finished.out);
  EXPECT_EQ(report["files"][0]["state"], "live");
  for (const auto& channel : report["channels"]) {
    EXPECT_EQ(channel["n_samples"], 600);
    EXPECT_EQ(channel["missing"], channel["component"] == "ex" ? 500 : 0);
  }
}

TEST_F(DamagedLiveFile, IsShownWithoutADamagedTable) {
  auto writer = record();
  writer.wait();
  flip(path_, place_of("/Acquisition/gaps") + 8);
  const auto look = support::run({kMonitor, "--once", "--json", path_});
  EXPECT_EQ(look.code, 4);
  EXPECT_THAT(look.err, AllOf(HasSubstr("/Acquisition/gaps: "), HasSubstr("damaged")));
  EXPECT_EQ(nlohmann::json::parse(look.out)["runs"].size(), 2U);
  const auto report = support::run({kSummary, path_});
  EXPECT_EQ(report.code, 4);
  EXPECT_THAT(report.out, AllOf(HasSubstr("damaged: "), HasSubstr("Station S1")));
}

}  // namespace
