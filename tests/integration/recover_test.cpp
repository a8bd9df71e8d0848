#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <optional>

#include <nlohmann/json.hpp>

#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "support/forked.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// mth5-recover as its user runs it, on files of Python mth5 and of a writer that was killed.
namespace {

namespace fs = std::filesystem;
using support::Process;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

support::Finished recover(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{support::program("mth5-recover")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return support::run(command);
}

support::Finished python(const std::vector<std::string>& arguments) {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr || !fs::exists(program))
    throw std::runtime_error{"MTH5_TEST_PYTHON names no Python; scripts/setup.sh --test makes one"};
  std::vector<std::string> command{program, (support::source() / "tests/integration/python_append.py").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return support::run(command, {}, std::chrono::seconds{200});
}

/// Appends `n` samples 1, 2, … to all channels of sr8_0001 under SWMR.
void append(const fs::path& path, const std::string& survey, std::size_t n) {
  auto file = mth5::File::open(path, "r+", {.swmr = true});
  const auto run = file.open_run(survey, "MT001", "sr8_0001");
  const std::size_t channels = file.components(run).size();
  std::vector<std::int32_t> block(channels * n);
  for (std::size_t c = 0; c < channels; ++c)
    std::iota(block.begin() + static_cast<std::ptrdiff_t>(c * n), block.begin() + static_cast<std::ptrdiff_t>((c + 1) * n), 1);
  file.append(run, mth5::Matrix<const std::int32_t>{block.data(), channels, n, n});
  file.flush();
  file.close();
}

class SetSwmr : public testing::TestWithParam<const char*> {};

TEST_P(SetSwmr, MakesAFileOfPythonGrowAndPythonReadsIt) {
  const support::TempDir dir;
  const auto old = dir / "old.h5";
  const std::string survey = GetParam() == std::string{"0.2.0"} ? "S1" : "";
  const auto made = python({"make", old, GetParam()});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto before = support::read_text(old);
  EXPECT_THAT([&] { append(old, survey, 10); }, testing::ThrowsMessage<mth5::StateError>(HasSubstr("mth5-recover --set-swmr")));
  EXPECT_EQ(support::read_text(old), before) << "a refusal changed the file";

  const auto copied = recover({"--set-swmr", old});
  ASSERT_EQ(copied.code, 0) << copied.err;
  EXPECT_THAT(copied.err, IsEmpty());
  EXPECT_THAT(copied.out, AllOf(StartsWith(old.string() + ": copied to " + (dir / "old.swmr.h5").string()),
                                HasSubstr(" samples compared"), HasSubstr("references rewritten")));
  EXPECT_EQ(support::read_text(old), before);
  const auto again = recover({"--set-swmr", old});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("old.swmr.h5: exists already and is never overwritten"));

  const auto same = python({"same", old, dir / "old.swmr.h5"});
  EXPECT_EQ(same.code, 0) << same.err;
  append(dir / "old.swmr.h5", survey, 10);
  const auto grown = python({"grown", dir / "old.swmr.h5", "10"});
  EXPECT_EQ(grown.code, 0) << grown.err;
}

INSTANTIATE_TEST_SUITE_P(, SetSwmr, testing::Values("0.1.0", "0.2.0"),
                         [](const auto& param) { return std::string{param.param} == "0.1.0" ? "Version010" : "Version020"; });

/// A file with three channels of `n` samples that gzip takes some time for, closed.
fs::path write_closed(const fs::path& path, std::int64_t n, const std::string& station = "S1", std::chrono::hours later = {},
                      const std::string& survey = "TEST") {
  support::TestWriter writer{path, 4096, station, later, survey};
  writer.append(n);
  writer.file().close();
  return path;
}

/// A file of many runs has thousands of references; all of them on the time of what was copied last would look like damage.
TEST(Finalize, GivesEachObjectWhoseReferencesItRewritesATimeOfItsOwn) {
  const support::TempDir dir;
  const auto path = write_closed(dir / "a.h5", 100);
  std::vector<std::string> visited;
  const auto note = [&](const std::string& object) { visited.push_back(object); };
  (void)mth5::copy_for_archive(path, dir / "b.h5", 4, {}, note);
  const auto copied = std::find(visited.begin(), visited.end(), "/Experiment/tf_summary");
  ASSERT_NE(copied, visited.end()) << "the last in the order of names";
  const std::vector<std::string> behind{copied + 1, visited.end()};
  EXPECT_THAT(behind, testing::IsSupersetOf(std::vector<std::string>{
                          "/Experiment/channel_summary", "/Experiment/Surveys/TEST/Stations/S1/r0/ex", "the end of its copy"}));
}

TEST(Finalize, MakesACompressedReadOnlyCopyWithTheSameUuidThatPythonReadsAsTheFile) {
  const support::TempDir dir;
  const auto path = write_closed(dir / "a.h5", 30'000), archive = dir / "archive" / "a.h5";
  const auto before = support::read_text(path);
  const auto done = recover({"--finalize", "gzip-4", path});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.err, IsEmpty());
  EXPECT_THAT(done.out, AllOf(StartsWith(path.string() + ": archived as " + archive.string() + ", "),
                              HasSubstr(" instead of " + std::to_string(before.size()) + " bytes: 90000 samples compared")));
  EXPECT_EQ(support::read_text(path), before);
  EXPECT_LT(fs::file_size(archive), before.size() * 2 / 3);
  EXPECT_EQ(fs::status(archive).permissions(), fs::perms{0444});
  const mth5::Reader source{path}, copy{archive};
  EXPECT_EQ(copy.state(), mth5::FileState::Closed);
  EXPECT_FALSE(copy.file_uuid().empty());
  EXPECT_EQ(copy.file_uuid(), source.file_uuid());
  const auto same = python({"same", path, archive});
  EXPECT_EQ(same.code, 0) << same.err;
  const auto packed = python({"packed", archive, "4"});
  EXPECT_EQ(packed.code, 0) << packed.err;

  const auto again = recover({"--finalize", "gzip-9", path});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.out, path.string() + ": archived already as " + archive.string() + "\n");
}

TEST(Finalize, OverwritesNothingAndRefusesWhatIsWritten) {
  const support::TempDir dir;
  fs::create_directory(dir / "archive");
  const auto path = write_closed(dir / "a.h5", 100);
  write_closed(dir / "archive" / "a.h5", 100);
  const auto other = support::read_text(dir / "archive" / "a.h5");
  const auto done = recover({"--finalize", "gzip-4", path});
  EXPECT_EQ(done.code, 0) << done.err;
  const auto second = dir / "archive" / "a.2.h5";
  EXPECT_THAT(done.out, AllOf(StartsWith(path.string() + ": archived as " + second.string() + ", "),
                              HasSubstr("\n  a.h5 there is of another file\n")));
  EXPECT_EQ(support::read_text(dir / "archive" / "a.h5"), other);
  EXPECT_EQ(recover({"--finalize", "gzip-4", path}).out, path.string() + ": archived already as " + second.string() + "\n");
  EXPECT_THAT(support::run({support::program("mth5-summary"), "--verify", path}).out,
              HasSubstr("holds the samples of its archive"));
  support::TestWriter live{dir / "live.h5"};
  live.append(10);
  const auto busy = recover({"--finalize", "gzip-4", dir / "live.h5"});
  EXPECT_EQ(busy.code, 1);
  EXPECT_THAT(busy.err, HasSubstr("live.h5: is open for writing"));
  EXPECT_FALSE(fs::exists(dir / "archive" / "live.h5"));
  for (const char* level : {"gzip", "gzip-0", "gzip-10", "4", "zstd-3"}) EXPECT_EQ(recover({"--finalize", level, path}).code, 2);
}

TEST(Finalize, ThatIsKilledLeavesTheFileAndNoneOfItsNameAndTheNextClearsUp) {
  const support::TempDir dir;
  const auto path = write_closed(dir / "a.h5", 200'000);
  const auto before = support::read_text(path);
  const auto leftovers = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{dir / "archive"})
      if (const auto name = entry.path().filename().string(); name != "SHA256SUMS" && !name.ends_with(".json"))
        names.push_back(name);
    return names;
  };
  const auto remove = [&] { return fs::remove(dir / "archive" / "a.h5.json") && fs::remove(dir / "archive" / "a.h5"); };
  fs::create_directory(dir / "archive");
  for (const std::uintmax_t bytes :
       std::initializer_list<std::uintmax_t>{0, 20'000, 100'000}) {  // of the copy, when it is killed
    auto process = Process::start({support::program("mth5-recover"), "--finalize", "gzip-9", path});
    ASSERT_TRUE(support::eventually([&] {
      const auto names = leftovers();
      std::error_code gone;
      return !names.empty() && fs::file_size(dir / "archive" / names.back(), gone) >= bytes && !gone;
    }));
    process.signal(SIGKILL);
    ASSERT_EQ(process.wait(), 137) << process.out() << process.err();
    EXPECT_FALSE(fs::exists(dir / "archive" / "a.h5"));
    EXPECT_EQ(support::read_text(path), before);
    ASSERT_TRUE(support::eventually([&] {  // its child dies with it, soon
      const bool made = recover({"--finalize", "gzip-4", path}).code == 0;
      if (made && leftovers().size() > 1) remove();
      return made && leftovers().size() == 1;
    }));
    ASSERT_TRUE(remove());
  }
  const auto done = recover({"--finalize", "gzip-1", path});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(leftovers(), std::vector<std::string>{"a.h5"});
  EXPECT_EQ(python({"same", path, dir / "archive" / "a.h5"}).code, 0);
}

class Manifest : public testing::Test {
 protected:
  Manifest() { EXPECT_EQ(recover({"--finalize", "gzip-4", path_}).code, 0); }
  /// What mth5-summary --verify finds of the only archive.
  [[nodiscard]] support::Finished verify(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{support::program("mth5-summary"), "--verify", dir_.path()};
    command.insert(command.end(), more.begin(), more.end());
    return support::run(command);
  }
  void change_a_sample() const {
    fs::permissions(archive_, fs::perms::owner_write, fs::perm_options::add);
    const mth5::h5::File file{H5Fopen(archive_.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const mth5::h5::Dataset ex{H5Dopen2(file.get(), "/Experiment/Surveys/TEST/Stations/S1/r0/ex", H5P_DEFAULT), "ex"};
    std::vector<std::int32_t> samples(2'000);
    mth5::h5::check(H5Dread(ex.get(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, samples.data()), "ex");
    samples[1'234] ^= 1;
    mth5::h5::check(H5Dwrite(ex.get(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, samples.data()), "ex");
  }

  const support::TempDir dir_;
  const fs::path path_ = write_closed(dir_ / "a.h5", 2'000), archive_ = dir_ / "archive" / "a.h5",
                 json_ = dir_ / "archive" / "a.h5.json";
};

TEST_F(Manifest, TellsWhatOthersFindInTheFileToo) {
  EXPECT_EQ(fs::status(json_).permissions(), fs::perms{0444});
  const auto manifest = nlohmann::json::parse(support::read_text(json_));
  EXPECT_EQ(manifest.at("uuid"), mth5::Reader{path_}.file_uuid());
  EXPECT_EQ(manifest.at("bytes"), fs::file_size(archive_));
  EXPECT_EQ(manifest.at("runs").size(), 1u);
  EXPECT_TRUE(manifest.contains("ledger") && manifest.contains("version") && manifest.contains("made"));
  EXPECT_EQ(support::run({"sh", "-c", "cd '" + archive_.parent_path().string() + "' && sha256sum -c --strict SHA256SUMS"}).out,
            "a.h5: OK\na.h5.json: OK\n");
  for (const auto& file : {path_, archive_}) {
    const auto hashes = support::run(
        {std::getenv("MTH5_TEST_PYTHON"), (support::source() / "tests/integration/manifest_hashes.py").string(), file, json_});
    EXPECT_EQ(hashes.code, 0) << hashes.err;
    EXPECT_EQ(hashes.out, "3 channels\n");
  }
}

TEST_F(Manifest, ClearsUpWhatARunThatDiedInItHasLeft) {
  fs::remove(json_);  // as if it had died before the name was given
  support::write_text(dir_ / "archive/.a.h5.json.123.part", "{");
  support::write_text(dir_ / "archive/.SHA256SUMS.124.part", "");
  support::write_text(dir_ / "archive/.b.h5.json.125.part", "{");
  const auto done = recover({"--finalize", "gzip-4", path_});
  EXPECT_THAT(done.out, HasSubstr("has its manifest now"));
  EXPECT_THAT(done.err, HasSubstr("archive: removed what programs that died had not finished: .SHA256SUMS.124.part, "
                                  ".a.h5.json.123.part, .b.h5.json.125.part\n"));
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_ / "archive"}, {}), 3);
}

TEST_F(Manifest, TellsSamplesThatOthersFindAtAnotherTime) {
  {
    const mth5::h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const std::string run = "/Experiment/Surveys/TEST/Stations/S1/r0";
    for (const std::string& object : {run, run + "/ex", run + "/ey", run + "/hx"}) {
      const mth5::h5::Object at{H5Oopen(file.get(), object.c_str(), H5P_DEFAULT), object};
      mth5::h5::write_attribute(at.get(), "time_period.start", std::string{"2026-05-01T10:00:00+00:00"});
    }
  }
  const auto found = verify({path_});
  EXPECT_EQ(found.code, 4);
  EXPECT_THAT(found.out, HasSubstr("S1/r0 has the start \"2026-05-01T10:00:00Z\" instead of \"2026-05-01T00:00:00Z\""));
}

TEST_F(Manifest, KeepsARecordingThatSomebodyCorrectedSince) {
  (void)write_closed(dir_ / "b.h5", 100, "S1", std::chrono::hours{1});  // the newest stays in any case
  const std::vector<std::string> retire{"--finalize", "gzip-4", "--retention", "1d", path_};
  auto dry = retire;
  dry.emplace_back("--dry-run");
  EXPECT_THAT(recover(dry).out, HasSubstr("would be removed: " + archive_.string() + " holds every sample of it"));
  const auto written = fs::last_write_time(path_);
  {
    const mth5::h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const mth5::h5::Object run{H5Oopen(file.get(), "/Experiment/Surveys/TEST/Stations/S1/r0", H5P_DEFAULT), "run"};
    mth5::h5::write_attribute(run.get(), "comments", std::string{"ex and ey were swapped"});
  }
  fs::last_write_time(path_, written);  // as who sets the time back to what it was
  for (const auto& arguments : {dry, retire}) {
    const auto kept = recover(arguments);
    EXPECT_EQ(kept.code, 4);
    EXPECT_THAT(kept.out, HasSubstr("and stays: " + path_.string() +
                                    ": was changed after it had been archived: its metadata differ from its archive's, its "
                                    "samples do not"));
  }
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(Manifest, KeepsARecordingWhoseArchiveIsInMemory) {
  struct statfs memory {};
  ASSERT_TRUE(statfs("/dev/shm", &memory) == 0 && memory.f_type == 0x01021994) << "/dev/shm is not in memory";
  const fs::path elsewhere = "/dev/shm/mth5-recover-test-" + std::to_string(getpid());
  fs::copy(archive_.parent_path(), elsewhere);
  fs::remove_all(archive_.parent_path());
  fs::create_directory_symlink(elsewhere, archive_.parent_path());
  (void)write_closed(dir_ / "b.h5", 100, "S1", std::chrono::hours{1});  // the newest stays in any case
  const auto kept = recover({"--finalize", "gzip-4", "--retention", "1d", path_});
  fs::remove_all(elsewhere);
  EXPECT_EQ(kept.code, 4) << kept.out << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("and stays: " + archive_.parent_path().string() + ": is in memory: "));
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(Manifest, WaitsWhileAnArchiveWouldTakeWhatIsToStayFree) {
  const auto other = write_closed(dir_ / "b.h5", 100);
  for (const bool due : {false, true}) {
    std::vector<std::string> arguments{"--finalize", "gzip-4", "--keep-free", "4000000000000000000", other};
    if (due) arguments.insert(arguments.end(), {"--retention", "1h"});
    const auto waits = recover(arguments);
    EXPECT_EQ(waits.code, 0) << waits.err;
    EXPECT_THAT(waits.out, AllOf(StartsWith(other.string() + ": waits for space: "),
                                 HasSubstr("its own length and 4000000000000000000 that stay free for the recorder")));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_ / "archive"}, {}), 3) << "no part is left";
  const auto third = write_closed(dir_ / "c.h5", 100);
  const auto both = recover({"--finalize", "gzip-4", "--keep-free", "4000000000000000000", other, third});
  EXPECT_EQ(std::count(both.out.begin(), both.out.end(), '\n'), 1) << "on a disk that is nearly full many wait: " << both.out;
  EXPECT_EQ(both.err, "mth5-recover: 1 more wait for space\n");
  EXPECT_EQ(recover({"--keep-free", "1", other}).code, 2);
  EXPECT_EQ(recover({"--finalize", "gzip-4", "--keep-free", "1", other}).code, 0);
}

TEST_F(Manifest, ProvesThatNothingChanged) {
  const auto same = verify();
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.out, StartsWith(archive_.string() + ": unchanged: 6000 samples, since 20"));
  EXPECT_THAT(verify({path_}).out, HasSubstr(path_.string() + ": holds the samples of its archive: 6000 samples"));
  const auto json = nlohmann::json::parse(verify({"--format", "json"}).out);
  EXPECT_EQ(json.at("files").at(0).at("found"), "unchanged");
  const auto other = verify({"--check"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("--verify does not go with --check"));
}

TEST_F(Manifest, TellsBytesThatChangedFromSamplesThatDid) {
  fs::permissions(archive_, fs::perms::owner_write, fs::perm_options::add);
  support::write_text(archive_, support::read_text(archive_) + "x");  // behind all that HDF5 reads
  const auto bytes = verify();
  EXPECT_EQ(bytes.code, 6);
  EXPECT_THAT(bytes.out, StartsWith(archive_.string() + ": its bytes changed, all samples are the same: 6000 samples"));
  change_a_sample();
  const auto samples = verify();
  EXPECT_EQ(samples.code, 4);
  EXPECT_EQ(samples.out, archive_.string() + ": changed: S1/r0/ex has other values\n");
}

TEST_F(Manifest, NamesTheOneChannelThatWasAddedThoughItIsShorter) {
  const auto add = [](const fs::path& path) {
    fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
    const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const mth5::h5::Group run{H5Gopen2(file.get(), "/Experiment/Surveys/TEST/Stations/S1/r0", H5P_DEFAULT), "run"};
    mth5::h5::check(H5Ocopy(run.get(), "ex", run.get(), "hz", H5P_DEFAULT, H5P_DEFAULT), "hz");
    const mth5::h5::Dataset added{H5Dopen2(run.get(), "hz", H5P_DEFAULT), "hz"};
    const hsize_t n = 10;
    mth5::h5::check(H5Dset_extent(added.get(), &n), "hz");
    mth5::h5::write_attribute(added.get(), "component", std::string{"hz"});
  };
  add(archive_);
  EXPECT_EQ(verify().out, archive_.string() + ": changed: S1/r0/hz is new\n");
  add(path_);
  EXPECT_EQ(verify({path_}).out.substr(0, verify({path_}).out.find('\n')), archive_.string() + ": changed: S1/r0/hz is new");
  // One that is made of such a file tells of all that is in it.
  ASSERT_TRUE(fs::remove(archive_) && fs::remove(json_));
  ASSERT_EQ(recover({"--finalize", "gzip-4", path_}).code, 0);
  for (const auto& file : {path_, archive_}) {
    const auto hashes = support::run(
        {std::getenv("MTH5_TEST_PYTHON"), (support::source() / "tests/integration/manifest_hashes.py").string(), file, json_});
    EXPECT_EQ(hashes.code, 0) << hashes.err;
    EXPECT_EQ(hashes.out, "4 channels\n");
  }
  EXPECT_EQ(verify().code, 0);
}

TEST_F(Manifest, TellsWhatIsMissingUnreadableOrNotToBeBelieved) {
  fs::permissions(json_, fs::perms::owner_write, fs::perm_options::add);
  const auto text = support::read_text(json_);
  auto forged = text;
  forged.replace(forged.find("\"samples\": 2000"), 15, "\"samples\": 1999");
  support::write_text(json_, forged);
  EXPECT_THAT(verify().out, HasSubstr("a.h5.json is not the one that SHA256SUMS tells"));
  EXPECT_EQ(verify().code, 4);
  support::write_text(json_, text);

  fs::permissions(archive_, fs::perms::owner_write, fs::perm_options::add);
  const auto whole = support::read_text(archive_);
  support::write_text(archive_, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(verify().code, 4);
  fs::rename(archive_, dir_ / "archive" / "b.h5");
  const auto gone = verify();
  EXPECT_EQ(gone.code, 4);
  EXPECT_EQ(gone.out, archive_.string() + ": is missing; it had 6000 samples\n" + (dir_ / "archive" / "b.h5").string() +
                          ": has no manifest; mth5-recover --finalize gzip-4 makes one\n2 files: 1 missing, 1 no-manifest\n");
  const auto again = recover({"--finalize", "gzip-4", path_});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("a.h5.json: tells of an archive that is gone; move it away, and a new one is made"));
}

TEST_F(Manifest, ThatIsMissingIsMadeByTheNextRunAndOthersLinesStay) {
  ASSERT_TRUE(fs::remove(json_));
  const auto sums = dir_ / "archive" / "SHA256SUMS";
  const auto others = std::string(64, '0') + "  of-somebody-else\n";
  support::write_text(sums, others + support::read_text(sums));
  EXPECT_EQ(verify().code, 6);
  const auto made = recover({"--finalize", "gzip-4", path_});
  EXPECT_EQ(made.out, archive_.string() + ": has its manifest now\n");
  EXPECT_EQ(verify().code, 0);
  EXPECT_THAT(support::read_text(sums), StartsWith(others));
}

TEST_F(Manifest, MissesWhatSha256sumsTellsOfThoughItsManifestIsGoneToo) {
  const auto other = write_closed(dir_ / "b.h5", 100);
  ASSERT_EQ(recover({"--finalize", "gzip-4", other}).code, 0);
  ASSERT_TRUE(fs::remove(archive_) && fs::remove(json_));
  const auto gone = verify();
  EXPECT_EQ(gone.code, 4);
  EXPECT_THAT(gone.out, AllOf(StartsWith(archive_.string() + ": is missing, and its manifest, too; SHA256SUMS tells of it\n"),
                              testing::EndsWith("2 files: 1 unchanged, 1 missing\n")));
  // A manifest alone: the bytes are told by SHA256SUMS still.
  const auto left = dir_ / "archive" / "b.h5";
  ASSERT_TRUE(fs::remove(left.string() + ".json"));
  EXPECT_THAT(verify().out, HasSubstr(left.string() + ": has no manifest, its bytes are those that SHA256SUMS tells; "));
  fs::permissions(left, fs::perms::owner_write, fs::perm_options::add);
  support::write_text(left, support::read_text(left) + "x");
  EXPECT_THAT(verify().out, HasSubstr(left.string() + ": has no manifest, and its bytes are not those that SHA256SUMS tells\n"));
  EXPECT_EQ(verify({left}).code, 4);
}

TEST_F(Manifest, TellsThatSha256sumsIsGone) {
  const auto sums = dir_ / "archive" / "SHA256SUMS";
  ASSERT_TRUE(fs::remove(sums));
  const auto without = verify();
  EXPECT_EQ(without.code, 6);
  EXPECT_THAT(without.out, AllOf(HasSubstr(sums.string() + ": is missing, so that nothing proves the manifests; "),
                                 HasSubstr(archive_.string() + ": is as its manifest tells: 6000 samples"),
                                 testing::EndsWith("2 files: 2 no-sums\n")));
  // What it says to do is all there is to do.
  ASSERT_EQ(support::run({"sh", "-c", "cd '" + sums.parent_path().string() + "' && sha256sum *.h5 *.json > SHA256SUMS"}).code, 0);
  EXPECT_EQ(verify().code, 0);
}

/// A power cut leaves a file of nothing, or of zeros; somebody edits it.
TEST_F(Manifest, CallsNothingUnchangedThatSha256sumsDoesNotProve) {
  (void)write_closed(dir_ / "b.h5", 100, "S1", std::chrono::hours{1});  // the newest stays in any case
  const auto folder = archive_.parent_path(), sums = folder / "SHA256SUMS";
  const auto whole = support::read_text(sums);
  const auto line_of = [&](const std::string& name) {
    const auto at = whole.find("  " + name + "\n") - 64;
    return whole.substr(at, 64 + 2 + name.size() + 1);
  };
  auto other = whole;
  other.replace(other.find(line_of("a.h5")), 4, "0000");
  const std::vector<std::pair<std::string, std::string>> states{
      {"", "has no line; (cd "},
      {std::string(whole.size(), '\0'), "has no line; (cd "},
      {line_of("a.h5"), "has no line of a.h5.json; (cd "},
      {line_of("a.h5.json"), "has no line of a.h5; (cd "},
      {other, sums.string() + " tells another hash of a.h5 than its manifest"}};
  for (const auto& [text, told] : states) {
    support::write_text(sums, text);
    for (const auto& found : {verify(), verify({path_})}) {
      EXPECT_EQ(found.code, text == other ? 4 : 6) << found.out;
      EXPECT_THAT(found.out, AllOf(HasSubstr(told), testing::Not(HasSubstr("unchanged"))));
    }
    const auto kept = recover({"--finalize", "gzip-4", "--retention", "1d", path_});
    EXPECT_EQ(kept.code, 4);
    EXPECT_THAT(kept.out, AllOf(HasSubstr(path_.string() + ": is older than 1d and stays: "), HasSubstr(told)));
    ASSERT_TRUE(fs::exists(path_));
    if (text == other) continue;
    // What it says to do is all there is to do.
    const auto line = verify().out;
    const auto from = line.find("(cd "), to = line.find(')', from);
    ASSERT_EQ(support::run({"sh", "-c", line.substr(from, to + 1 - from)}).code, 0) << line;
    EXPECT_EQ(verify().code, 0) << verify().out;
  }
}

/// What changed while there was no manifest would be proven by a new one.
TEST_F(Manifest, IsNotMadeAnewOfAnArchiveThatChanged) {
  (void)write_closed(dir_ / "b.h5", 100, "S1", std::chrono::hours{1});  // the newest stays in any case
  const auto sums = archive_.parent_path() / "SHA256SUMS";
  change_a_sample();
  ASSERT_TRUE(fs::remove(json_));
  const std::vector<std::string> retire{"--finalize", "gzip-4", "--retention", "1d", path_},
      of_archive{"--finalize", "gzip-4", archive_};
  const std::string refused = "mth5-recover: error: " + archive_.string() + ": has no manifest, and ";
  for (const auto& arguments : {retire, of_archive}) {
    const auto told = recover(arguments);
    EXPECT_EQ(told.code, 1);
    EXPECT_THAT(told.err, StartsWith(refused + "its bytes are not those that SHA256SUMS tells: it gets none; move it away"));
  }
  // Where that is gone, too, its recording tells.
  ASSERT_TRUE(fs::remove(sums));
  for (const auto& arguments : {retire, of_archive}) {
    const auto told = recover(arguments);
    EXPECT_EQ(told.code, 1);
    EXPECT_THAT(told.err, AllOf(StartsWith(refused + "is not what its recording "),
                                HasSubstr("a.h5 is: S1/r0/ex has other values: it gets none; move it away")));
  }
  EXPECT_FALSE(fs::exists(json_) || fs::exists(sums));
  EXPECT_TRUE(fs::exists(path_));
  // What it says to do is all there is to do.
  fs::rename(archive_, dir_ / "away");
  EXPECT_EQ(recover({"--finalize", "gzip-4", path_}).code, 0);
  EXPECT_EQ(verify().code, 0) << verify().out;
}

TEST_F(Manifest, TellsOfARecordingThatItsArchiveIsGoneOrChanged) {
  fs::permissions(archive_, fs::perms::owner_write, fs::perm_options::add);
  const auto whole = support::read_text(archive_);
  const auto of_recording = [&] { return support::run({support::program("mth5-summary"), "--verify", path_}); };
  const auto front = path_.string() + ": holds the samples that its archive had; " + archive_.string() + ": ";
  EXPECT_THAT(of_recording().out, HasSubstr(": holds the samples of its archive: "));
  support::write_text(archive_, whole + "x");
  EXPECT_THAT(of_recording().out, StartsWith(front + "its bytes changed, all samples are the same"));
  EXPECT_EQ(of_recording().code, 6);
  change_a_sample();
  EXPECT_THAT(of_recording().out, StartsWith(front + "changed: S1/r0/ex has other values"));
  EXPECT_EQ(of_recording().code, 4);
  support::write_text(archive_, whole.substr(0, whole.size() / 2));
  EXPECT_EQ(of_recording().code, 4);
  EXPECT_THAT(of_recording().out, testing::Not(HasSubstr("holds the samples of its archive")));
  ASSERT_TRUE(fs::remove(archive_));
  EXPECT_THAT(of_recording().out, StartsWith(front + "is missing; it had 6000 samples"));
  EXPECT_EQ(of_recording().code, 4);
  const auto nothing = support::run({support::program("mth5-summary"), "--verify", dir_ / "gone.h5"});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_EQ(nothing.err, "mth5-summary: error: " + (dir_ / "gone.h5").string() + ": No such file or directory\n");
}

TEST_F(Manifest, TellsOfEachChannelThatOthersFindItAtAnotherTime) {
  fs::permissions(archive_, fs::perms::owner_write, fs::perm_options::add);
  const auto write = [&](const std::string& key, const auto& value) {
    const mth5::h5::File file{H5Fopen(archive_.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const mth5::h5::Object hx{H5Oopen(file.get(), "/Experiment/Surveys/TEST/Stations/S1/r0/hx", H5P_DEFAULT), "hx"};
    mth5::h5::write_attribute(hx.get(), key.c_str(), value);
  };
  write("time_period.start", std::string{"2026-05-01T09:09:09+00:00"});
  const auto start = verify();
  EXPECT_EQ(start.code, 4);
  EXPECT_EQ(start.out,
            archive_.string() + ": changed: S1/r0/hx has the start \"2026-05-01T09:09:09Z\" instead of that of its run\n");
  write("time_period.start", std::string{"2026-05-01T00:00:00+00:00"});
  EXPECT_EQ(verify().code, 6) << verify().out;
  write("sample_rate", 2.0);
  EXPECT_THAT(verify().out, HasSubstr("S1/r0/hx has the sample_rate 2.0 instead of that of its run"));
}

TEST_F(Manifest, KeepsARecordingWhereItOrItsArchiveIsALink) {
  (void)write_closed(dir_ / "b.h5", 100, "S1", std::chrono::hours{1});  // the newest stays in any case
  const std::vector<std::string> retire{"--finalize", "gzip-4", "--retention", "1d", path_};
  fs::rename(archive_, dir_ / "elsewhere");
  fs::create_symlink(dir_ / "elsewhere", archive_);
  const auto linked = recover(retire);
  EXPECT_EQ(linked.code, 4);
  EXPECT_THAT(linked.out, HasSubstr("and stays: " + archive_.string() + ": is a symbolic link, and no archive"));
  fs::rename(dir_ / "elsewhere", archive_);
  fs::rename(path_, dir_ / "elsewhere");
  fs::create_symlink(dir_ / "elsewhere", path_);
  EXPECT_THAT(recover(retire).out, HasSubstr("and stays: it is a symbolic link: "));
  EXPECT_TRUE(fs::is_symlink(path_));
}

TEST_F(Manifest, SaysWhereACopyIsThereWithBridgesOfAnotherLength) {
  const auto with = [&](const char* length) { return recover({"--finalize", "gzip-4", "--bridge", length, path_}); };
  ASSERT_EQ(with("5s").code, 0);
  const auto bridged = archive_.parent_path() / "a.bridged.h5";
  const auto same = with("5s");
  EXPECT_EQ(same.code, 0);
  EXPECT_THAT(same.out, HasSubstr("archived already as " + bridged.string()));
  const auto other = with("1min");
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(other.out, "");
  EXPECT_EQ(other.err,
            "mth5-recover: error: " + bridged.string() +
                ": is there already, with runs joined over gaps up to 5s, and not 1min; move it and its manifest away, "
                "and it is made anew\n");
}

/// mth5d --finalize, as mth5-finalize@.service runs it.
class FinalizeByItself : public testing::Test {
 protected:
  FinalizeByItself() { fs::create_directory(data_); }
  [[nodiscard]] support::Finished run(const std::string& output, const std::vector<std::string>& more = {}) const {
    support::write_text(dir_ / "mth5d.yaml", "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: " + data_.string() +
                                                 ", " + output +
                                                 "}\nsources:\n  - {name: lemi, file: {path: '-'}, instrument: lemi424}\n");
    std::vector<std::string> command{support::program("mth5d"), "--config", dir_ / "mth5d.yaml", "--finalize"};
    command.insert(command.end(), more.begin(), more.end());
    return support::run(command);
  }
  /// Samples of the first second of a day of May 2026, in the file that a recorder would name so.
  [[nodiscard]] fs::path record(int day, const std::string& station = "MT001", std::int64_t n = 100) const {
    return write_closed(data_ / (station + "_2026050" + std::to_string(day) + "T000000Z.h5"), n, station,
                        std::chrono::hours{24 * (day - 1)});
  }

  /// A station beside that of the writer, with `n` samples of hx from a day of May 2026 on; 0: and no run.
  static void add_station(mth5::File& file, const std::string& id, int day, std::size_t n) {
    mth5::Metadata station{mth5::Kind::Station}, run{mth5::Kind::Run}, hx{mth5::Kind::Magnetic};
    station.set("id", id);
    run.set("id", std::string{"r0"});
    run.set("sample_rate", 100.0);
    hx.set("component", std::string{"hx"});
    hx.set("units", std::string{"digital counts"});
    const std::vector<mth5::ChannelSpec> channels{{hx, mth5::SampleType::Int32, 64}};
    std::optional<mth5::RunId> made;
    file.edit([&](mth5::Edit& edit) {
      edit.add_station("TEST", station);
      const auto start = support::TestWriter::start() + std::chrono::hours{24 * (day - 1)};
      if (n > 0) made = edit.add_run("TEST", id, run, start, channels);
    });
    const std::vector<std::int32_t> samples(n, 1);
    if (made) file.append(*made, mth5::Matrix<const std::int32_t>{samples.data(), 1, n, n});
  }

  const support::TempDir dir_;
  const fs::path data_ = dir_ / "data", archive_ = data_ / "archive";
};

TEST_F(FinalizeByItself, WaitsWhileTheBatteryIsLow) {
  const auto path = record(1);
  support::TcpPeer peer;
  support::Recording recorder{support::Recording::tcp(peer.port())};
  const std::vector<std::string> status{"--status-file", recorder.status_path()};
  ASSERT_TRUE(peer.accept()) << recorder.log();
  ASSERT_TRUE(peer.send(support::numbered_lines(0, 5)));  // at 12.78 V
  ASSERT_TRUE(recorder.wait_until([](const auto& s) {
    return s.at("sources").at(0).at("soh").at("battery").at("value") == 12.78;
  })) << recorder.log();
  const auto low = run("finalize: gzip-4, finalize_wait_below: 12.8V", status);
  EXPECT_EQ(low.code, 0) << low.err;
  EXPECT_THAT(low.err, HasSubstr("battery at 12.78 V, below output.finalize_wait_below (12.8 V): nothing is archived until it is "
                                 "charged; the next --finalize looks again"));
  EXPECT_FALSE(fs::exists(archive_));
  const auto good = run("finalize: gzip-4, finalize_wait_below: 12.7V", status);
  EXPECT_THAT(good.out, StartsWith(path.string() + ": archived as ")) << good.err;
  EXPECT_EQ(recorder.stop(), 0) << recorder.log();
  // Of a recorder that has ended nothing is known.
  const auto other = record(2);
  EXPECT_THAT(run("finalize: gzip-4, finalize_wait_below: 12.8V", status).out, StartsWith(other.string() + ": archived as "));
}

TEST_F(FinalizeByItself, ArchivesWhatIsClosedAndRemovesWhatIsOldAndSafe) {
  const auto first = record(1), second = record(2), foreign = record(1, "MT002");
  support::TestWriter live{data_ / "MT001_20260503T000000Z.h5", 64, "MT001", std::chrono::hours{48}};
  live.append(10);
  live.file().sync();
  const auto never = run("finalize: never");
  EXPECT_EQ(never.code, 0);
  EXPECT_THAT(never.err, HasSubstr("output.finalize is never: nothing to do"));
  EXPECT_FALSE(fs::exists(archive_));

  const auto done = run("finalize: gzip-4");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(StartsWith((data_ / "MT001_20260501T000000Z.h5: archived as ").string()),
                              HasSubstr("MT001_20260502T000000Z.h5: archived as ")));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator{archive_}) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("MT001_20260501T000000Z.h5", "MT001_20260501T000000Z.h5.json",
                                                   "MT001_20260502T000000Z.h5", "MT001_20260502T000000Z.h5.json", "SHA256SUMS"));
  EXPECT_EQ(run("finalize: gzip-4").out, "") << "all is done, and nothing is said again";

  EXPECT_EQ(run("finalize: gzip-4, retention: 3660d").out, "");
  EXPECT_EQ(run("finalize: gzip-4, retention: 1h, retention_below: 1MiB").out, "") << "there is room";
  const auto archive = archive_ / second.filename();
  fs::permissions(archive, fs::perms::owner_write, fs::perm_options::add);
  auto bytes = support::read_text(archive);
  bytes[bytes.size() / 2] ^= 1;
  support::write_text(archive, bytes);
  const auto old = run("finalize: gzip-4, retention: 1h");
  EXPECT_EQ(old.code, 4) << old.err;
  EXPECT_THAT(old.out, AllOf(StartsWith(first.string() + ": removed, as its newest sample is older than 1h, and " +
                                        (archive_ / first.filename()).string() + " holds every sample of it\n" + second.string() +
                                        ": is older than 1h and stays: " + archive.string() + ": "),
                             testing::Not(HasSubstr("MT002"))));
  EXPECT_FALSE(fs::exists(first));
  EXPECT_TRUE(fs::exists(second));
  EXPECT_EQ(support::run({support::program("mth5-summary"), "--verify", archive_ / first.filename()}).code, 0);
}

/// From it a recorder knows, when it starts again, what comes once more, and why a gap is one.
TEST_F(FinalizeByItself, KeepsTheNewestFileWhateverItsAge) {
  const auto first = record(1), second = record(2), foreign = record(3, "MT002");
  const auto done = run("finalize: gzip-4, retention: 1h");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_FALSE(fs::exists(first)) << done.out;
  EXPECT_TRUE(fs::exists(second)) << "of MT001 the newest, though MT002 has a newer one";
  EXPECT_EQ(run("finalize: gzip-4, retention: 1h").out, "") << "each half an hour nothing new is said";
  const auto by_hand = recover({"--finalize", "gzip-4", "--retention", "1h", second});
  EXPECT_EQ(by_hand.code, 0);
  EXPECT_EQ(by_hand.out, second.string() +
                             ": is older than 1h and stays: it is the newest file of its station here, from which mth5d knows "
                             "what it recorded last\n");
  EXPECT_TRUE(fs::exists(second));
  EXPECT_EQ(recover({"--finalize", "gzip-4", "--keep", second, second}).code, 2);
  // The clock of the box was in 1970 when it was written.
  const auto third = record(3);
  fs::last_write_time(third, fs::file_time_type::clock::from_sys(std::chrono::system_clock::time_point{}));
  EXPECT_THAT(run("finalize: gzip-4, retention: 1h").out, HasSubstr(second.string() + ": removed, "));
  EXPECT_THAT(recover({"--finalize", "gzip-4", "--retention", "1h", third}).out,
              HasSubstr("it is the newest file of its station here"));
}

/// A file of two stations of which one fell silent: those behind it have its group, and nothing in it.
TEST_F(FinalizeByItself, KeepsTheFileWithTheLastSamplesOfASilentStation) {
  std::vector<fs::path> files;
  for (int day = 1; day <= 4; ++day) {
    files.push_back(data_ / ("MT001_2026050" + std::to_string(day) + "T000000Z.h5"));
    support::TestWriter writer{files.back(), 64, "MT001", std::chrono::hours{24 * (day - 1)}};
    writer.append(100);
    add_station(writer.file(), "MT002", day, day <= 2 ? 10 : 0);
    writer.file().close();
  }
  const auto done = run("finalize: gzip-4, retention: 1h");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_FALSE(fs::exists(files[0]) || fs::exists(files[2])) << done.out;
  EXPECT_TRUE(fs::exists(files[1])) << "the last samples of MT002";
  EXPECT_TRUE(fs::exists(files[3])) << "the last samples of MT001";
}

/// A box without a battery for its clock writes with one of 1970, and looks at its files with another, or the other way round.
TEST_F(FinalizeByItself, TakesTheAgeOfAFileFromItsSamples) {
  const auto first = record(1), second = record(2);
  for (const auto& path : {first, second})
    fs::last_write_time(path, fs::file_time_type::clock::from_sys(std::chrono::system_clock::time_point{}));
  const auto young = run("finalize: gzip-4, retention: 3660d");
  EXPECT_EQ(young.code, 0) << young.err;
  EXPECT_THAT(young.out, testing::Not(HasSubstr("removed")));
  EXPECT_TRUE(fs::exists(first));

  for (const auto& path : {first, second}) ASSERT_TRUE(fs::remove(path));
  std::vector<fs::path> ahead;
  for (int day = 1; day <= 3; ++day)
    ahead.push_back(write_closed(data_ / ("MT001_2096040" + std::to_string(day) + "T000000Z.h5"), 100, "MT001",
                                 std::chrono::hours{24 * (365 * 70 + day)}));
  ASSERT_EQ(run("finalize: gzip-4").code, 0);
  const auto unset = run("finalize: gzip-4, retention: 1h");
  EXPECT_EQ(unset.code, 0) << unset.err;
  EXPECT_THAT(unset.out, AllOf(StartsWith(ahead[0].string() + ": stays: its newest sample is of 2096-0"),
                               HasSubstr(", and the clock of this computer says 20"),
                               testing::EndsWith(": that is not set, and nothing goes by its age\n")));
  EXPECT_EQ(std::count(unset.out.begin(), unset.out.end(), '\n'), 1) << "once: " << unset.out;
  for (const auto& path : ahead) EXPECT_TRUE(fs::exists(path));
}

/// Two recorders in one folder: their names may be the same but for the time, as of two surveys of a station.
TEST_F(FinalizeByItself, TouchesOnlyFilesOfItsOwnSurveyAndStation) {
  const auto first = record(1), second = record(2);
  const auto later = std::chrono::hours{72};
  const std::vector<fs::path> others{write_closed(data_ / "MT001_20260430T000000Z.h5", 100, "MT001", {}, "OTHER"),
                                     write_closed(data_ / "MT001_20260504T000000Z.h5", 100, "MT001", later, "OTHER"),
                                     write_closed(data_ / "MT001_20260504T000000Z_2.h5", 100, "MT002", later)};
  support::write_text(data_ / "MT001_20260505T000000Z.h5", "of nobody");
  const auto done = run("finalize: gzip-4, retention: 1h");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr(first.string() + ": removed, "));
  EXPECT_TRUE(fs::exists(second)) << "of this survey and station the newest";
  for (const auto& path : others) {
    EXPECT_TRUE(fs::exists(path));
    EXPECT_FALSE(fs::exists(archive_ / path.filename())) << path;
  }
  EXPECT_THAT(done.err, HasSubstr("MT001_20260505T000000Z.h5: ")) << "what cannot be read is told, and left alone";
  EXPECT_TRUE(fs::exists(data_ / "MT001_20260505T000000Z.h5"));
}

/// Retention removed the recording, and the clock of the box began anew: nobody is there to give one of the two another name.
TEST_F(FinalizeByItself, ArchivesBesideAnArchiveOfAnotherFileOfThatName) {
  const auto path = record(1);
  ASSERT_EQ(run("finalize: gzip-4").code, 0);
  const auto first = support::read_text(archive_ / path.filename());
  ASSERT_TRUE(fs::remove(path));
  (void)record(1, "MT001", 200);
  const auto second = archive_ / "MT001_20260501T000000Z.2.h5";
  const auto done = run("finalize: gzip-4");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, StartsWith(path.string() + ": archived as " + second.string() + ", "));
  EXPECT_EQ(support::read_text(archive_ / path.filename()), first);
  EXPECT_EQ(python({"same", path, second}).code, 0);
  EXPECT_EQ(run("finalize: gzip-4").out, "") << "once";
  // Its own archive lets it go, the other one does not.
  (void)record(2);
  EXPECT_THAT(run("finalize: gzip-4, retention: 1h").out, HasSubstr(path.string() + ": removed, "));
  EXPECT_FALSE(fs::exists(path));
  EXPECT_EQ(support::run({support::program("mth5-summary"), "--verify", data_}).code, 0);
}

/// A recorder that was killed has recovered it, and waits for its first sample.
TEST_F(FinalizeByItself, LeavesTheNewestFileInWhichARecorderMayResume) {
  const auto path = data_ / "MT001_20260501T000000Z.h5";
  ASSERT_EQ(support::forked([&] {
              support::TestWriter writer{path, 64, "MT001"};
              writer.append(100);
              writer.file().sync();
              _exit(0);
              return 0;
            }).code,
            0);
  ASSERT_EQ(recover({path}).code, 0);
  EXPECT_EQ(run("finalize: gzip-4").out, "");
  EXPECT_FALSE(fs::exists(archive_ / path.filename()));
  (void)record(2);
  EXPECT_THAT(run("finalize: gzip-4").out, HasSubstr(path.string() + ": archived as ")) << "it does not grow any more";
}

/// As where a disk is not mounted.
TEST_F(FinalizeByItself, SaysInOneLineWhereTheFolderOfTheArchivesIsALinkToNowhere) {
  for (const int day : {1, 2}) (void)record(day);
  fs::create_directory_symlink(dir_ / "card" / "archive", archive_);
  const auto done = run("finalize: gzip-4");
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.err, "mth5d: error: " + archive_.string() + ": is a symbolic link to " + (dir_ / "card" / "archive").string() +
                          ", which is not there: mount or make that, or remove the link; nothing is archived\n");
  const auto by_hand = recover({"--finalize", "gzip-4", data_ / "MT001_20260501T000000Z.h5"});
  EXPECT_EQ(by_hand.code, 1);
  EXPECT_EQ(by_hand.err, "mth5-recover: error: " + archive_.string() + ": is a symbolic link to " +
                             (dir_ / "card" / "archive").string() +
                             ", which is not there: mount or make that, or remove the link\n");
  ASSERT_TRUE(fs::remove(archive_));
  support::write_text(archive_, "a file");
  EXPECT_THAT(run("finalize: gzip-4").err, HasSubstr(archive_.string() + ": is no folder, and archives lie in one of that name"));
}

/// Killed between the copy and its manifest, or before the copy had its name.
TEST_F(FinalizeByItself, CompletesOrClearsWhatKilledRunsHaveLeft) {
  const auto path = record(1);
  ASSERT_EQ(run("finalize: gzip-4").code, 0);
  ASSERT_EQ(recover({"--finalize", "gzip-4", "--bridge", "5s", path}).code, 0);
  const auto bridged = archive_ / "MT001_20260501T000000Z.bridged.h5";
  ASSERT_TRUE(fs::remove(bridged.string() + ".json"));
  EXPECT_EQ(run("finalize: gzip-4").out, bridged.string() + ": has its manifest now\n");
  EXPECT_EQ(run("finalize: gzip-4").out, "");

  const auto left = archive_ / ".MT001_20260501T000000Z.h5.123.part",
             joined = archive_ / ".MT001_20260501T000000Z.bridged.h5.124.part";
  const auto sums = archive_ / ".SHA256SUMS.126.part", foreign = archive_ / ".notes.txt.127.part";
  const auto alone = archive_ / ".MT001_20260401T000000Z.h5.125.part";  // its recording was taken away
  for (const auto& file : {left, joined, sums, foreign, alone}) support::write_text(file, "half");
  fs::permissions(left, fs::perms{0444});
  const auto cleared = run("finalize: gzip-4");
  EXPECT_EQ(cleared.code, 0);
  EXPECT_EQ(cleared.err, "mth5d: " + (archive_ / "MT001_20260401T000000Z.h5.unfinished").string() +
                             ": what a program that died has left of an archive; its recording is not there any more, so it "
                             "stays\nmth5d: " +
                             archive_.string() +
                             ": removed what programs that died had not finished: .MT001_20260501T000000Z.bridged.h5.124.part, "
                             ".MT001_20260501T000000Z.h5.123.part, .SHA256SUMS.126.part\n");
  for (const auto& file : {left, joined, sums, alone}) EXPECT_FALSE(fs::exists(file)) << file;
  EXPECT_TRUE(fs::exists(foreign)) << "none of ours";
  EXPECT_EQ(support::read_text(archive_ / "MT001_20260401T000000Z.h5.unfinished"), "half");
  EXPECT_EQ(run("finalize: gzip-4").err, "") << "told once";
}

TEST_F(FinalizeByItself, LeavesAloneWhatALivingProgramMakes) {
  (void)record(1);
  ASSERT_EQ(run("finalize: gzip-4").code, 0);
  const auto made = archive_ / ".MT001_20260501T000000Z.h5.123.part";
  support::write_text(made, "half");
  const mth5::Descriptor fd{open(made.c_str(), O_RDWR | O_CLOEXEC)};
  struct flock whole {};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(fcntl(fd.get(), F_OFD_SETLK, &whole), 0);
  EXPECT_EQ(run("finalize: gzip-4").err, "");
  EXPECT_TRUE(fs::exists(made));
}

TEST_F(Manifest, IsAllThatAnArchiveGetsThatIsToBeArchivedOnceMore) {
  EXPECT_EQ(recover({"--finalize", "gzip-4", archive_}).out, archive_.string() + ": is an archive itself: nothing to do\n");
  ASSERT_TRUE(fs::remove(json_));
  EXPECT_EQ(recover({"--finalize", "gzip-4", archive_}).out, archive_.string() + ": has its manifest now\n");
  EXPECT_EQ(verify().code, 0);
  const auto moved = write_closed(dir_ / "archive" / "b.h5", 100);
  const auto refused = recover({"--finalize", "gzip-4", moved});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr(moved.string() + ": is a recording, and lies in a folder named archive, where archives are; "
                                                      "move it to another folder, and it is archived from there"));
  EXPECT_FALSE(fs::exists(dir_ / "archive" / "archive"));
}

/// A name may hold whatever but a slash.
TEST_F(Manifest, WritesNamesOfSeveralLinesInOne) {
  const auto folder = dir_ / "of\ntwo";
  fs::create_directory(folder);
  const auto path = write_closed(folder / "a\nb\\c\rd.h5", 100);
  const auto done = recover({"--finalize", "gzip-4", path});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 1) << done.out;
  EXPECT_THAT(done.out, HasSubstr("of\\x0atwo/a\\x0ab\\c\\x0dd.h5: archived as "));
  const auto again = recover({"--finalize", "gzip-4", path});
  EXPECT_EQ(std::count(again.out.begin(), again.out.end(), '\n'), 1) << again.out;
  const auto sums = support::read_text(folder / "archive" / "SHA256SUMS");
  EXPECT_EQ(std::count(sums.begin(), sums.end(), '\n'), 2) << sums;
  const auto checked =
      support::run({"sh", "-c", "cd \"$1\" && sha256sum -c --strict --quiet SHA256SUMS", "sh", folder / "archive"});
  EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  const auto found = support::run({support::program("mth5-summary"), "--verify", folder});
  EXPECT_EQ(found.code, 0) << found.out;
  EXPECT_EQ(std::count(found.out.begin(), found.out.end(), '\n'), 1) << found.out;
  ASSERT_TRUE(fs::remove(folder / "archive" / path.filename()));
  ASSERT_TRUE(fs::remove(folder / "archive" / (path.filename().string() + ".json")));
  EXPECT_THAT(support::run({support::program("mth5-summary"), "--verify", folder}).out,
              HasSubstr("is missing, and its manifest, too; SHA256SUMS tells of it"));
}

/// As who runs mth5-recover by hand, as root, leaves it.
TEST_F(FinalizeByItself, SaysInOneLineThatItMayNotWrite) {
  for (const int day : {1, 2}) (void)record(day);
  fs::permissions(dir_.path(), fs::perms{0755});
  fs::create_directory(archive_);
  fs::permissions(archive_, fs::perms{0555});
  const auto mounted = run("finalize: gzip-4, mount: required");
  EXPECT_EQ(mounted.code, 1);
  EXPECT_THAT(mounted.err, HasSubstr("mth5d: error: output.directory " + data_.string() + ": no disk is mounted there"));
  support::write_text(dir_ / "mth5d.yaml", "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: " + data_.string() +
                                               ", finalize: gzip-4}\nsources:\n  - {name: lemi, file: {path: '-'}, instrument: "
                                               "lemi424}\n");
  fs::permissions(data_, fs::perms{0777});
  for (const char* program : {"mth5d", "mth5-recover"}) fs::copy_file(support::program(program), dir_ / program);
  fs::copy(support::source() / "config/instruments", dir_ / "instruments");
  std::vector<std::string> command;
  if (geteuid() == 0) command = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"};
  command.insert(command.end(), {"env", "MTH5D_INSTRUMENTS=" + (dir_ / "instruments").string(), dir_ / "mth5d", "--config",
                                 dir_ / "mth5d.yaml", "--finalize"});
  const auto done = support::run(command);
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(done.err, "mth5d: error: " + archive_.string() +
                          ": is not writable: Permission denied; nothing is archived; give it to the user of mth5d (chown -R)\n");
}

TEST_F(FinalizeByItself, LeavesFreeWhatTheRecorderWants) {
  const auto path = record(1);
  const auto waits = run("reserve: 1TiB, finalize: gzip-4");
  ASSERT_LT(fs::space(data_).available, 3 * (std::uintmax_t{1} << 40)) << "a disk this large has room for all";
  EXPECT_EQ(waits.code, 0) << waits.err;
  EXPECT_THAT(waits.out, AllOf(StartsWith(path.string() + ": waits for space: "),
                               HasSubstr(std::to_string(3 * (std::int64_t{1} << 40)) + " that stay free for the recorder")));
  EXPECT_FALSE(fs::exists(archive_));
}

TEST(Recover, LeavesAClosedFileAlone) {
  const support::TempDir dir;
  fs::copy_file(support::data() / "mth5" / "python_v020.h5", dir / "a.h5");
  const auto before = support::read_text(dir / "a.h5");
  const auto done = recover({"--json", dir / "a.h5"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(nlohmann::json::parse(done.out).at("action"), "none");
  EXPECT_EQ(support::read_text(dir / "a.h5"), before);
}

TEST(Recover, SaysThatSomeChannelsOfARunHaveMoreThanOthers) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  {
    support::TestWriter writer{path};
    writer.append(100);
    writer.file().close();
  }
  EXPECT_THAT(recover({path}).out, HasSubstr("S1/r0: 100 samples in each of 3 channels, "));
  {
    const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    const mth5::h5::Dataset ex{H5Dopen2(file.get(), "/Experiment/Surveys/TEST/Stations/S1/r0/ex", H5P_DEFAULT), "ex"};
    const hsize_t shorter = 50;
    mth5::h5::check(H5Dset_extent(ex.get(), &shorter), "ex");
  }
  EXPECT_THAT(recover({path}).out, HasSubstr("S1/r0: 50 samples that all 3 channels have (2 have more, up to 100), "));
}

TEST(Recover, SaysWhatIsNoMth5File) {
  const support::TempDir dir;
  support::write_text(dir / "a.h5", "text");
  for (const auto& arguments : {std::vector<std::string>{dir / "a.h5"}, {"--set-swmr", dir / "a.h5"}}) {
    const auto done = recover(arguments);
    EXPECT_EQ(done.code, 4);
    EXPECT_THAT(done.err, HasSubstr("mth5-recover: error: " + (dir / "a.h5").string() + ": not an HDF5 file"));
  }
  EXPECT_EQ(recover({}).code, 2);
  EXPECT_EQ(recover({"--output", "b.h5", dir / "a.h5"}).code, 2);
  EXPECT_EQ(recover({dir / "missing.h5"}).code, 1);
}

TEST(Recover, TellsALiveWriterFromADeadOne) {
  const support::TempDir dir;
  const auto path = dir / "MT001_20201001.h5";
  // The example writer of the simulator's kind: mth5d itself, on a recording that goes on for long.
  support::write_text(dir / "mth5d.yaml", "survey: {id: S1}\nstation: {id: MT001}\noutput: {directory: \"" + dir.path().string() +
                                              "\", file_name: \"{station}_{start:%Y%m%d}.h5\"}\nflush: {interval: "
                                              "100ms}\nsources:\n  - name: lemi\n    file: {path: \"" +
                                              (support::data() / "lemi424" / "202010010000.TXT").string() +
                                              "\", speed: 20}\n    instrument: lemi424\n");
  auto writer = Process::start({support::program("mth5d"), "--config", dir / "mth5d.yaml", "--status-file", dir / "status.json"},
                               {{"MTH5D_INSTRUMENTS", (support::source() / "config/instruments").string()}});
  const auto visible = [&] {
    const mth5::Reader reader{path};
    return reader.runs().empty() ? 0 : reader.runs().front().n_samples;
  };
  ASSERT_TRUE(support::eventually([&] { return fs::exists(path) && visible() >= 20; }));
  const auto live = recover({path});
  EXPECT_EQ(live.code, 1);
  EXPECT_THAT(live.err,
              AllOf(HasSubstr("another process (process " + std::to_string(writer.pid())), HasSubstr("is writing this file")));
  EXPECT_FALSE(fs::exists(path.string() + ".before-recovery"));

  writer.signal(SIGKILL);
  (void)writer.wait();
  const auto n = visible();
  EXPECT_EQ(mth5::Reader{path}.state(), mth5::FileState::WriterDied);
  EXPECT_THAT(recover({"--dry-run", path}).out, HasSubstr("would be recovered"));
  const auto dead = support::read_text(path);
  const auto done = recover({path});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("recovered; what was changed of it: "), HasSubstr("its writer died"),
                              HasSubstr("nothing that readers could see is lost"), HasSubstr("MT001/sr1_0001: "),
                              HasSubstr("chunk indexes of all channels are whole")));
  EXPECT_EQ(mth5::probe(path).state, mth5::FileState::Closed);
  EXPECT_GE(visible(), n);
  EXPECT_THAT(recover({"--check", path}).out, HasSubstr("nothing to do"));

  const auto undone = recover({"--undo", path.string() + ".before-recovery", path});
  EXPECT_EQ(undone.code, 0) << undone.err;
  EXPECT_TRUE(support::read_text(path) == dead);
  const auto again = recover({"--json", "--check", path});
  ASSERT_EQ(again.code, 0) << again.err;
  const auto report = nlohmann::json::parse(again.out);
  EXPECT_EQ(report.at("action"), "recovered");
  EXPECT_EQ(report.at("before"), path.string() + ".before-recovery_2");
  EXPECT_GE(report.at("runs").at(0).at("n_samples"), n);
  EXPECT_GE(report.at("verified").at("samples_read"), n * 7);

  // Several at once: one does it, the others have changed nothing and say so.
  for (int round = 0; round < 3; ++round) {
    const auto copy = dir / ("copy_" + std::to_string(round) + ".h5");
    support::write_text(copy, dead);
    std::vector<Process> all;
    for (int i = 0; i < 4; ++i) all.push_back(Process::start({support::program("mth5-recover"), copy.string()}));
    int recovered = 0;
    for (auto& one : all) {
      if (one.wait() == 0) {
        ++recovered;
        EXPECT_THAT(one.out(), testing::AnyOf(HasSubstr("recovered; what was changed"), HasSubstr("nothing to do")));
      } else {
        EXPECT_THAT(one.err(), testing::Not(HasSubstr("put back")));
      }
    }
    EXPECT_GE(recovered, 1);
    EXPECT_EQ(mth5::probe(copy).state, mth5::FileState::Closed);
  }
  EXPECT_TRUE(report.at("problems").empty());
}

}  // namespace
