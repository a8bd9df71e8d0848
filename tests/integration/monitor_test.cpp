#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <nlohmann/json.hpp>

#include "h5/types.hpp"
#include "support/acquisition_file.hpp"
#include "support/process.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace {

namespace fs = std::filesystem;
namespace h5 = mth5::h5;
using nlohmann::json;
using support::Process;
using support::Stages;
using support::TestWriter;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

const std::string kMonitor = support::program("mth5-monitor");

std::string python_file(const std::string& name) { return support::data() / "mth5" / name; }

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

/// A writer that shows so many samples and stays there.
auto shows(const fs::path& path, int samples) {
  return [=](Stages::Gate& gate) {
    TestWriter recorder{path};
    recorder.append(samples);
    recorder.file().flush();
    gate.reached();
  };
}

class Monitor : public testing::Test {
 protected:
  support::TempDir dir_;
  const fs::path path_ = dir_ / "live.h5";
};

TEST_F(Monitor, OnceGivesTheFiguresOfAPythonFile) {
  const auto finished = support::run({kMonitor, "--once", "--json", "--window", "10s", python_file("python_v020.h5")});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.err, "");
  ASSERT_EQ(lines(finished.out).size(), 1U);
  const auto look = json::parse(finished.out);
  std::vector<std::string> keys;
  for (const auto& [key, value] : look.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::UnorderedElementsAre("schema", "time", "file", "state", "verdict", "file_bytes", "survey",
                                                  "stations", "runs", "streams", "channels", "gaps", "completeness", "at_risk",
                                                  "future_samples", "clock", "clocks", "soh", "disk"));
  EXPECT_EQ(look["schema"], 1);
  EXPECT_EQ(look["state"], "closed");
  EXPECT_EQ(look["file_bytes"], fs::file_size(python_file("python_v020.h5")));
  EXPECT_EQ(look["survey"], "REF01");
  EXPECT_EQ(look["stations"], json::array({"MT001"}));
  EXPECT_EQ(look["runs"][1], json::parse(R"({"station": "MT001", "id": "sr8_0001", "sample_rate": 8.0,
    "start": "2024-05-01T12:00:00Z", "end": "2024-05-01T12:08:19.875Z", "n_samples": 4000})"));
  EXPECT_EQ(look["gaps"], json::parse(R"({"count": 0, "samples": 0, "last": null})"));
  EXPECT_EQ(look["completeness"], 100.0);
  EXPECT_EQ(look["at_risk"], nullptr);
  EXPECT_EQ(look["clock"], nullptr);
  ASSERT_EQ(look["channels"].size(), 12U);
  const auto& hx = look["channels"][8];
  EXPECT_EQ(hx["component"], "hx");
  EXPECT_EQ(hx["run"], "sr8_0001");
  EXPECT_EQ(hx["n_samples"], 4000);
  EXPECT_EQ(hx["new_samples"], nullptr);
  EXPECT_EQ(hx["units"], "digital counts");
  EXPECT_EQ(hx["mains_db"], nullptr);
  EXPECT_EQ(hx["clipped"], 0);
  EXPECT_NEAR(hx["dc"].get<double>(), 0, 1000) << "of an even spread over 20,001";
  double sum = 0;
  double last = 0;
  for (std::int64_t k = 3920; k < 4000; ++k) {
    last = static_cast<double>((k * 7919 + 2 * 104'729 + 1'299'709) % 20'001 - 10'000);
    sum += last;
  }
  EXPECT_EQ(hx["last"], last);
  EXPECT_NEAR(hx["mean"].get<double>(), sum / 80, 1e-9);
  EXPECT_GT(hx["age_s"].get<double>(), 0);
}

TEST_F(Monitor, OnceChoosesChannelsWithoutRegardToCaseAndWritesCsv) {
  const auto finished =
      support::run({kMonitor, "--once", "--csv", "--channels", "EX,hz", "--station", "MT001", python_file("python_v010.h5")});
  EXPECT_EQ(finished.code, 0);
  const auto all = lines(finished.out);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_THAT(all[0], StartsWith("time,file,state,station,run,component,n_samples,new_samples,sample_rate"));
  EXPECT_THAT(all[1], HasSubstr(",closed,MT001,sr1_0001,ex,2000,,1.0,2024-05-01T12:33:19Z,"));
  EXPECT_THAT(all[4], HasSubstr(",closed,MT001,sr8_0001,hz,4000,,8.0,2024-05-01T12:08:19.875Z,"));
  const auto page = support::run({kMonitor, "--once", "--channels", "ey", python_file("python_v010.h5")});
  EXPECT_THAT(page.out, HasSubstr("sr8_0001/ey"));
  EXPECT_THAT(page.out, testing::Not(HasSubstr("sr8_0001/ex")));
}

TEST_F(Monitor, EndsWhenNobodyReadsItsLinesAnyMore) {
  TestWriter recorder{path_};
  recorder.append(100);
  recorder.file().flush();
  for (const std::string format : {"", "--json "}) {
    auto monitor = Process::start(
        {"bash", "-c", kMonitor + " --interval 20ms " + format + path_.string() + " | head -n 3; echo ${PIPESTATUS[0]}"});
    EXPECT_EQ(monitor.wait(), 0) << format;
    EXPECT_THAT(monitor.out(), testing::EndsWith("\n1\n"));
  }
  auto full = Process::start({"bash", "-c", "exec " + kMonitor + " --interval 20ms " + path_.string() + " > /dev/full"});
  EXPECT_EQ(full.wait(), 1);
  EXPECT_THAT(full.err(), HasSubstr("standard output: could not be written completely"));
  recorder.file().close();
}

TEST_F(Monitor, PrintsALinePerIntervalUntilTheWriterClosesTheFile) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(100);
    recorder.file().flush();
    gate.reached();
    recorder.append(50);
    recorder.file().flush();
    gate.reached();
    recorder.new_run(std::chrono::hours{1});
    recorder.append(7);
    recorder.file().flush();
    gate.reached();
    recorder.append(3);
    recorder.file().close();
  }};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--interval", "50ms", path_});
  ASSERT_TRUE(monitor.wait_for_output("live  S1/r0: ex 100 ey 100 hx 100"));
  writer.step();
  EXPECT_TRUE(monitor.wait_for_output(R"(ex 150 \(\+50\) ey 150 \(\+50\))"));
  EXPECT_TRUE(monitor.wait_for_output(R"(ex 150 \(\+0\))"));
  writer.step();
  EXPECT_TRUE(monitor.wait_for_output(R"(live  S1/r1: ex 7 \(\+7\) ey 7 \(\+7\) hx 7 \(\+7\))"));
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(monitor.wait(), 0);
  const auto all = lines(monitor.out());
  EXPECT_EQ(all.front(), "# " + path_.string() + "  station S1");
  EXPECT_THAT(all[all.size() - 2], HasSubstr("closed  S1/r1: ex 10 ("));
  EXPECT_THAT(all.back(), HasSubstr("Z file closed"));
  EXPECT_EQ(monitor.err(), "");
}

TEST_F(Monitor, FollowsAsJsonAndTellsWhatIsAtRisk) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(100);
    recorder.file().sync();
    recorder.append(20);
    recorder.file().set_buffered(5);
    recorder.file().flush();
    gate.reached();
    recorder.file().close();
  }};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--follow", "--json", "--interval", "20ms", "--channels", "ex", path_});
  ASSERT_TRUE(monitor.wait_for_output("\"new_samples\":0"));
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(monitor.wait(), 0);
  const auto all = lines(monitor.out());
  const auto first = json::parse(all.front());
  EXPECT_EQ(first["state"], "live");
  EXPECT_EQ(first["at_risk"]["samples"], 25);
  EXPECT_GE(first["at_risk"]["seconds"].get<double>(), 0);
  ASSERT_EQ(first["channels"].size(), 1U);
  EXPECT_EQ(first["channels"][0]["new_samples"], nullptr);
  EXPECT_EQ(first["channels"][0]["n_samples"], 120);
  EXPECT_EQ(json::parse(all.back())["state"], "closed");
}

TEST_F(Monitor, TellsOnceThatTheWriterDied) {
  Stages writer{shows(path_, 10)};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--interval", "20ms", path_});
  ASSERT_TRUE(monitor.wait_for_output("live"));
  writer.kill_now();
  EXPECT_EQ(monitor.wait(), 5);
  EXPECT_THAT(lines(monitor.out()).back(), HasSubstr("writer died: the file was not closed"));
  const auto once = support::run({kMonitor, "--once", "--json", path_});
  EXPECT_EQ(once.code, 5);
  EXPECT_EQ(json::parse(once.out)["state"], "writer-died");
  EXPECT_EQ(json::parse(once.out)["runs"][0]["n_samples"], 10);
}

TEST_F(Monitor, WaitsForAFileOfADirectoryAndGoesOnWithTheNext) {
  auto monitor = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("waiting for a file"));
  for (const std::string name : {"a.h5", "b.h5"}) {
    Stages writer{[&](Stages::Gate& gate) {
      TestWriter recorder{dir_ / name};
      recorder.append(40);
      recorder.file().flush();
      gate.reached();
      recorder.file().close();
    }};
    writer.wait();
    ASSERT_TRUE(monitor.wait_for_output("# .*" + name + "  station S1"));
    ASSERT_EQ(writer.finish(), 0);
    ASSERT_TRUE(monitor.wait_for_output(name + "[^#]*file closed"));
  }
  EXPECT_TRUE(support::eventually([&] { return lines(monitor.err()).size() == 3; }));
  EXPECT_TRUE(monitor.running());
  EXPECT_EQ(monitor.terminate(), 0);
  EXPECT_THAT(lines(monitor.err()), ElementsAre(HasSubstr("waiting for a file"), HasSubstr("waiting for another file"),
                                                HasSubstr("waiting for another file")));
}

TEST_F(Monitor, GoesOnInTheSameFileWhenItsRecordingResumes) {
  Stages first{shows(path_, 40)};
  first.wait();
  auto monitor = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("live  S1/r0: ex 40"));
  first.kill_now();
  ASSERT_TRUE(monitor.wait_for_output("writer died"));
  ASSERT_TRUE(monitor.wait_for_output("waiting for another file, or the same to be resumed"));
  Stages second{[&](Stages::Gate& gate) {
    auto file = mth5::File::open(path_, "r+", {.swmr = true});
    const auto run = file.open_run("TEST", "S1", "r0");
    support::append_numbered(file, run, 0, 9);
    file.flush();
    gate.reached();
    file.close();
  }};
  second.wait();
  EXPECT_TRUE(monitor.wait_for_output("writer died[^#]*# .*live.h5  station S1\n[^#]*live  S1/r0: ex 49"));
  EXPECT_EQ(second.finish(), 0);
  EXPECT_TRUE(monitor.wait_for_output("file closed"));
  EXPECT_EQ(monitor.terminate(), 0);
}

TEST_F(Monitor, FollowsTheFileOfAFolderThroughRenamingDeletionAndAnotherFile) {
  Stages first{[&](Stages::Gate& gate) {
    TestWriter recorder{dir_ / "a.h5"};
    recorder.append(40);
    recorder.file().flush();
    gate.reached();
    recorder.append(2);
    recorder.file().flush();
    gate.reached();
  }};
  first.wait();
  auto monitor = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("live  S1/r0: ex 40"));
  fs::rename(dir_ / "a.h5", dir_ / "b.h5");
  EXPECT_TRUE(monitor.wait_for_output("a.h5: renamed to b.h5"));
  ASSERT_TRUE(monitor.wait_for_output("# .*/b.h5  station S1\n.*live  S1/r0: ex 40"));
  first.step();
  EXPECT_TRUE(monitor.wait_for_output(R"(ex 42 \(\+2\))"));
  fs::remove(dir_ / "b.h5");
  EXPECT_TRUE(monitor.wait_for_output("b.h5: deleted, or moved to another directory"));
  EXPECT_TRUE(monitor.wait_for_output("waiting for another file"));
  Stages second{shows(dir_ / "c.h5", 5)};
  second.wait();
  EXPECT_TRUE(monitor.wait_for_output("# .*/c.h5  station S1\n.*live  S1/r0: ex 5"));
  EXPECT_TRUE(monitor.running());
  EXPECT_EQ(monitor.terminate(), 0);
}

TEST_F(Monitor, WaitsForAFileThatIsTakenAwayAndGoesOnWhenItIsBack) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(40);
    recorder.file().flush();
    gate.reached();
    recorder.append(1);
    recorder.file().close();
  }};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--interval", "20ms", path_});
  ASSERT_TRUE(monitor.wait_for_output("live  S1/r0: ex 40"));
  fs::rename(path_, dir_ / "elsewhere.h5");
  EXPECT_TRUE(monitor.wait_for_output("live.h5: waiting for it to come back; being written beside it: elsewhere.h5"));
  EXPECT_TRUE(monitor.wait_for_output("Z [^\n]*/live.h5: renamed to elsewhere.h5\n")) << "a look that is none has its line";
  fs::rename(dir_ / "elsewhere.h5", path_);
  EXPECT_TRUE(monitor.wait_for_output("# .*live.h5[^#]*# .*live.h5[^#]*live  S1/r0: ex 40"));
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(monitor.wait(), 0);
  EXPECT_THAT(lines(monitor.out()).back(), HasSubstr("file closed"));
}

TEST_F(Monitor, SaysToAScriptThatTheFileItWaitsForWasDeleted) {
  Stages writer{shows(path_, 40)};
  writer.wait();
  auto monitor =
      Process::start({kMonitor, "--wait", "good", "--timeout", "2s", "--interval", "20ms", "--channels", "ex,zz", path_});
  ASSERT_TRUE(monitor.wait_for_output("live.h5: has no channel zz")) << "then it has opened it";
  fs::remove(path_);
  EXPECT_EQ(monitor.wait(), 1);
  EXPECT_THAT(monitor.err(), HasSubstr(": not good within 2s: " + path_.string() + ": deleted, or moved to another directory"));
}

TEST_F(Monitor, LooksAtAllFilesOfADirectoryThatAreBeingWritten) {
  const auto write = [&](const char* name) {
    return std::make_unique<Stages>([file = dir_ / name](Stages::Gate& gate) {
      TestWriter recorder{file};
      recorder.file().flush();
      gate.reached();
      recorder.append(40);
      recorder.file().flush();
      gate.reached();
    });
  };
  const auto monitor = [&](std::vector<std::string> argv) {
    argv.insert(argv.begin(), kMonitor);
    argv.push_back(dir_.path());
    return support::run(argv);
  };
  const auto a = write("a.h5");
  const auto b = write("b.h5");
  a->wait();
  b->wait();
  for (const auto& step : {a.get(), b.get()}) {
    const auto live = monitor({"--wait", "live", "--timeout", "500ms", "--interval", "20ms", "-q"});
    EXPECT_EQ(live.code, 1) << "of one or both nothing has come";
    EXPECT_THAT(live.err, testing::ContainsRegex(step == a.get() ? "not live within" : "not live within 0.5s: b.h5: "))
        << live.err;
    step->step();
  }
  const auto live = monitor({"--wait", "live", "--interval", "20ms", "-q"});
  EXPECT_EQ(live.code, 0) << live.err;
  for (const auto* name : {"/a.h5", "/b.h5"}) EXPECT_THAT(live.out, HasSubstr(name));
  const auto page = monitor({"--once"});
  EXPECT_EQ(page.code, 0) << page.err;
  for (const auto* name : {"/a.h5, ", "/b.h5, "}) EXPECT_THAT(page.out, HasSubstr(name));
  std::set<std::string> files;
  for (const auto& line : lines(monitor({"--once", "--json"}).out)) files.insert(json::parse(line)["file"].get<std::string>());
  EXPECT_EQ(files, (std::set<std::string>{dir_ / "a.h5", dir_ / "b.h5"}));
  const auto table = lines(monitor({"--once", "--csv"}).out);
  EXPECT_EQ(std::count(table.begin(), table.end(), table.at(0)), 1) << "one heading";
  EXPECT_EQ(table.size(), 7U) << "three channels of each";
}

TEST_F(Monitor, WaitsForADirectoryThatIsNotThereYet) {
  const auto data = dir_ / "data";
  auto monitor = Process::start({kMonitor, "--wait", "live", "--interval", "20ms", data});
  ASSERT_TRUE(monitor.wait_for_output("data: waiting for it\n"));
  fs::create_directory(data);
  ASSERT_TRUE(monitor.wait_for_output("data: waiting for a file\n"));
  Stages writer{shows(data / "a.h5", 40)};
  writer.wait();
  EXPECT_EQ(monitor.wait(), 0) << monitor.err();
  EXPECT_THAT(monitor.out(), HasSubstr("/a.h5  station S1"));
}

TEST_F(Monitor, WaitsForADirectoryThatIsAwayForAMoment) {
  const auto data = dir_ / "data";
  fs::create_directory(data);
  Stages writer{shows(data / "a.h5", 40)};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--interval", "20ms", data});
  ASSERT_TRUE(monitor.wait_for_output("live  S1/r0: ex 40"));
  fs::rename(data, dir_ / "away");
  EXPECT_TRUE(monitor.wait_for_output("data/a.h5: its directory is away: No such file or directory"));
  EXPECT_TRUE(monitor.wait_for_output("data: No such file or directory: waiting for the directory to come back"));
  fs::rename(dir_ / "away", data);
  EXPECT_TRUE(monitor.wait_for_output("# .*/a.h5[^#]*# .*/a.h5[^#]*live  S1/r0: ex 40"));
  EXPECT_EQ(monitor.terminate(), 0);
  const auto never = support::run({kMonitor, "--interval", "20ms", dir_ / "never"});
  EXPECT_EQ(never.code, 1) << "one that never was there is an error";
}

TEST_F(Monitor, FindsTheStationAskedForAmongAllFilesOfAFolder) {
  const auto record = [&](const std::string& station) {
    return std::make_unique<Stages>([&, station](Stages::Gate& gate) {
      support::AcquisitionFile file{dir_ / (station + ".h5"), {{0, "lemi", station, 1}}};
      file.append(file.add_run(0, "sr1_0001", std::chrono::seconds{0}), 30);
      file.file().flush();
      gate.reached();
    });
  };
  std::vector<std::unique_ptr<Stages>> writers;
  for (const char* station : {"A", "B", "C"}) {
    writers.push_back(record(station));
    writers.back()->wait();
  }
  for (const std::string station : {"A", "B", "C"}) {
    const auto once = support::run({kMonitor, "--once", "--json", "--station", station, dir_.path()});
    EXPECT_EQ(once.code, 0) << once.err;
    EXPECT_EQ(json::parse(once.out)["stations"], json::array({station}));
  }
  const auto unknown = support::run({kMonitor, "--once", "--station", "D", dir_.path()});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no file has station D (there are A, B, C)"));
  auto follows = Process::start({kMonitor, "--interval", "20ms", "--station", "D", dir_.path()});
  EXPECT_TRUE(follows.wait_for_output("no file has station D"));
  writers.push_back(record("D"));
  writers.back()->wait();
  EXPECT_TRUE(follows.wait_for_output("# .*/D.h5  station D"));
  EXPECT_EQ(follows.terminate(), 0);
  auto any = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  EXPECT_TRUE(any.wait_for_output("also being written: .*choose with --station"));
  EXPECT_EQ(any.terminate(), 0);
}

TEST_F(Monitor, LetsNoForeignFileHideTheOthers) {
  fs::copy_file(python_file("python_v020.h5"), dir_ / "data.h5");
  const hid_t foreign = H5Fcreate((dir_ / "spectra.h5").c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(H5Fclose(foreign), 0);
  support::write_text(dir_ / "text.h5", "no HDF5");
  support::write_text(dir_ / "cut.h5", support::read_text(python_file("python_v020.h5")).substr(0, 3000));
  fs::create_directory(dir_ / "folder.h5");
  ASSERT_EQ(mkfifo((dir_ / "pipe.h5").c_str(), 0600), 0);
  fs::create_symlink("nowhere", dir_ / "link.h5");
  fs::last_write_time(dir_ / "data.h5", fs::file_time_type::clock::now() - std::chrono::hours{1});
  const auto once = support::run({kMonitor, "--once", "--json", dir_.path()});
  EXPECT_EQ(once.code, 0) << once.err;
  EXPECT_EQ(json::parse(once.out)["stations"], json::array({"MT001"}));
  EXPECT_THAT(once.err, HasSubstr("spectra.h5: not an MTH5 file"));
  EXPECT_THAT(once.err, HasSubstr("cut.h5: "));
  EXPECT_THAT(once.err, HasSubstr("text.h5: not an HDF5 file; left aside\n"));
  EXPECT_THAT(once.err, HasSubstr("folder.h5: is a directory; left aside\n"));
  EXPECT_THAT(once.err, HasSubstr("pipe.h5: is not a regular file; left aside\n"));
  const auto unknown = support::run({kMonitor, "--once", "--station", "MT9", dir_.path()});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no file has station MT9 (there is MT001)"));
  const auto no_channel = support::run({kMonitor, "--once", "--channels", "zz", dir_.path()});
  EXPECT_EQ(no_channel.code, 1);
  EXPECT_THAT(no_channel.err, HasSubstr("has no channel zz (there are "));
  auto monitor = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  EXPECT_TRUE(monitor.wait_for_output("no file is being written; showing the newest"));
  EXPECT_TRUE(monitor.wait_for_output("# .*/data.h5  station MT001[^#]*file closed"));
  EXPECT_TRUE(monitor.wait_for_output("waiting for another file"));
  EXPECT_EQ(monitor.terminate(), 0);
}

TEST_F(Monitor, NamesWhatItLeavesAsideInAFolderAlsoWhenItComesLater) {
  fs::copy_file(python_file("python_v020.h5"), dir_ / "data.h5");
  auto monitor = Process::start({kMonitor, "--interval", "20ms", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("waiting for another file"));
  support::write_text(dir_ / "later.h5", "no HDF5");
  EXPECT_TRUE(monitor.wait_for_output("later.h5: not an HDF5 file; left aside"));
  EXPECT_EQ(monitor.terminate(), 0);
  fs::remove(dir_ / "data.h5");
  const auto none = support::run({kMonitor, "--once", dir_.path()});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("later.h5: not an HDF5 file; left aside\n"));
  EXPECT_THAT(none.err, HasSubstr("no MTH5 file (*.h5, *.mth5) that can be read in this directory\n"));
}

TEST_F(Monitor, ShowsTheRunThatGrowsAndNotTheOneOfTheFuture) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(100);
    recorder.new_run(std::chrono::hours{24 * 7168});  // 1024 weeks ahead
    recorder.append(3);
    recorder.new_run(std::chrono::seconds{1});
    recorder.append(10);
    recorder.file().flush();
    gate.reached();
    recorder.append(5);
    recorder.file().flush();
    gate.reached();
  }};
  writer.wait();
  const auto once = json::parse(support::run({kMonitor, "--once", "--json", path_}).out);
  EXPECT_EQ(once["channels"][0]["run"], "r2");
  EXPECT_EQ(once["completeness"], 100.0);
  EXPECT_EQ(once["future_samples"], 3);
  EXPECT_EQ(once["gaps"]["count"], 0);
  auto monitor = Process::start({kMonitor, "--interval", "20ms", path_});
  ASSERT_TRUE(monitor.wait_for_output("live  S1/r2: ex 10"));
  writer.step();
  EXPECT_TRUE(monitor.wait_for_output(R"(live  S1/r2: ex 15 \(\+5\))"));
  EXPECT_EQ(monitor.terminate(), 0);
}

/// One look of --json of each line.
std::vector<json> looks(const std::string& text) {
  std::vector<json> all;
  for (const auto& line : lines(text)) all.push_back(json::parse(line));
  return all;
}

TEST_F(Monitor, GoesOnWhileMetadataAndStructureAreEdited) {
  constexpr int kEdits = 25;  // from nine stations on HDF5 keeps their links in a heap
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(100);
    recorder.file().flush();
    gate.reached();
    mth5::Metadata station{mth5::Kind::Station};
    station.set("id", std::string{"S1"});
    for (int i = 1; i <= kEdits; ++i) {  // as a survey is described while it is recorded
      recorder.file().edit([&](mth5::Edit& edit) {
        station.set("location.latitude", 50.0 + i);
        edit.update_station("TEST", station);
        station.set("id", "T" + std::to_string(i));
        edit.add_station("TEST", station);
        station.set("id", std::string{"S1"});
      });
      recorder.append(10);
      recorder.file().flush();
    }
    mth5::Metadata run{mth5::Kind::Run}, channel{mth5::Kind::Magnetic};
    run.set("id", std::string{"slow"});
    run.set("sample_rate", 1.0);
    channel.set("component", std::string{"hz"});
    const std::vector<mth5::ChannelSpec> channels{{channel, mth5::SampleType::Float64}};
    mth5::RunId slow;
    recorder.file().edit([&](mth5::Edit& edit) { slow = edit.add_run("TEST", "T7", run, TestWriter::start(), channels); });
    const std::vector<double> values{1, 2, 3, 4};
    recorder.file().append(slow, mth5::Matrix<const double>{values.data(), 1, 4, 4});
    recorder.append(1);
    recorder.file().flush();
    gate.reached();
    recorder.file().close();
  }};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--follow", "--json", "--interval", "10ms", path_});
  ASSERT_TRUE(monitor.wait_for_output("\"n_samples\":100"));
  writer.step();
  EXPECT_TRUE(monitor.wait_for_output("\"component\":\"hz\",[^}]*\"n_samples\":4,")) << monitor.out().substr(0, 2000);
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(monitor.wait(), 0) << monitor.err();
  std::int64_t before = 0;
  for (const auto& look : looks(monitor.out())) {
    const auto& ex = look.at("channels").at(0);
    EXPECT_EQ(ex["component"], "ex");
    const auto n = ex["n_samples"].get<std::int64_t>();
    EXPECT_GE(n, before) << "samples do not come and go with an edit";
    if (ex["new_samples"] != nullptr) {
      EXPECT_EQ(ex["new_samples"].get<std::int64_t>(), n - before);
    }
    EXPECT_EQ(ex["last"], support::sample_at(0, 0, n - 1));
    before = n;
  }
  EXPECT_EQ(before, 100 + 10 * kEdits + 1);
  const auto last = json::parse(lines(monitor.out()).back());
  EXPECT_EQ(last["stations"].size(), 1U + kEdits);
  EXPECT_EQ(last["streams"].size(), 2U);
  EXPECT_EQ(last["channels"].size(), 4U);
  EXPECT_EQ(last["channels"].at(3)["last"], 4);
}

TEST_F(Monitor, ShowsMetadataThatAnotherProgramEditsAndNeverHalfOfThem) {
  { TestWriter{path_}.append(100); }
  support::take_summary_away(path_);  // it has units of its own
  // Long: HDF5 keeps each of its own in a heap, and a reader that came in between would find parts of two.
  const auto text_of = [](int edit) { return std::string(3000, static_cast<char>('a' + edit % 26)); };
  constexpr int kEdits = 40;
  Stages editor{[&](Stages::Gate& gate) {
    gate.reached();
    for (int edit = 1; edit <= kEdits; ++edit) {
      {
        const h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, h5::writer_access().get()), "file"};
        const std::string station = "/Experiment/Surveys/TEST/Stations/S1", run = station + "/r0";
        for (const auto& [object, name] :
             {std::pair{station, "comments"}, {run, "comments"}, {run + "/ex", "units"}, {run + "/ey", "units"}}) {
          const h5::Object on{H5Oopen(file.get(), object.c_str(), H5P_DEFAULT), object};
          h5::write_attribute(on.get(), name, mth5::Value{text_of(edit)});
        }
      }
      if (edit <= 20 || edit == kEdits) gate.reached();  // then some without a pause
    }
  }};
  editor.wait();
  auto monitor = Process::start({kMonitor, "--follow", "--json", "--interval", "5ms", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("\"n_samples\":100")) << monitor.err();
  for (int edit = 1; edit <= kEdits; ++edit) {
    if (edit > 20) edit = kEdits;
    editor.step();
    EXPECT_TRUE(monitor.wait_for_output("\"units\":\"" + text_of(edit))) << edit << ": " << monitor.err();
  }
  EXPECT_EQ(editor.finish(), 0);
  EXPECT_EQ(monitor.terminate(), 0) << monitor.err();
  int shown = 0;
  for (const auto& look : looks(monitor.out())) {
    SCOPED_TRACE(look.dump());
    EXPECT_EQ(look["completeness"], 100.0);
    ASSERT_EQ(look["channels"].size(), 3U);
    EXPECT_EQ(look["channels"][2]["units"], "digital counts") << "which nobody edited";
    const auto ex = look["channels"][0]["units"].get<std::string>(), ey = look["channels"][1]["units"].get<std::string>();
    EXPECT_EQ(ex, ey) << "of one edit";
    if (ex == "digital counts") continue;
    EXPECT_EQ(ex, std::string(3000, ex[0]));
    ++shown;
  }
  EXPECT_GE(shown, 21);
  EXPECT_EQ(monitor.err().find("damaged"), std::string::npos) << monitor.err();
}

TEST_F(Monitor, ThatWasStoppedForAnHourGoesOnWithAllThatCame) {
  constexpr std::int64_t kHour = 3600 * 100;
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_, 8192};
    recorder.append(6000);
    recorder.file().flush();
    gate.reached();
    recorder.append(kHour / 2);
    recorder.new_run(std::chrono::seconds{60 + 1800});  // without a gap
    recorder.append(kHour / 2);
    recorder.file().flush();
    gate.reached();
    recorder.append(50);
    recorder.file().flush();
    gate.reached();
    recorder.file().close();
  }};
  writer.wait();
  auto monitor = Process::start({kMonitor, "--follow", "--json", "--interval", "20ms", path_});
  ASSERT_TRUE(monitor.wait_for_output("\"n_samples\":6000"));
  monitor.signal(SIGSTOP);
  writer.step();  // nobody waits for a reader
  monitor.signal(SIGCONT);
  EXPECT_TRUE(monitor.wait_for_output("\"component\":\"ex\",[^}]*\"n_samples\":180000,[^}]*\"run\":\"r1\""));
  writer.step();
  EXPECT_TRUE(monitor.wait_for_output("\"n_samples\":180050,\"new_samples\":50,")) << "and with what comes then";
  ASSERT_EQ(writer.finish(), 0);
  EXPECT_EQ(monitor.wait(), 0);
  const auto last = json::parse(lines(monitor.out()).back());
  EXPECT_EQ(last["channels"].at(0)["last"], support::sample_at(0, 1, 180'049));
  EXPECT_EQ(last["gaps"]["count"], 0);
  EXPECT_EQ(last["completeness"], 100.0);
  EXPECT_GE(last["verdict"]["judged_s"].get<double>(), 3600) << "the hour that it did not see is judged, too";
}

TEST_F(Monitor, SaysEachRemarkOnceHoweverOftenTheFileIsOpenedAgain) {
  { TestWriter{path_}.append(10); }
  support::take_summary_away(path_);  // that is what there is to remark
  const auto waited = support::run({kMonitor, "--wait", "live", "--timeout", "1s", "--interval", "20ms", dir_.path()});
  EXPECT_EQ(waited.code, 1);
  for (const char* remark : {"channel_summary does not fit", "no file is being written; showing the newest"}) {
    const auto first = waited.err.find(remark);
    ASSERT_NE(first, std::string::npos) << waited.err;
    EXPECT_EQ(waited.err.find(remark, first + 1), std::string::npos) << waited.err;
  }
}

TEST_F(Monitor, RunsEndByTheirClock) {
  using namespace std::chrono_literals;
  const auto start = support::AcquisitionFile::start();
  support::AcquisitionFile file{path_, {{0, "lemi", "S1", 10}}};
  file.append(file.add_run(0, "r0", 0s), 1001);
  file.anchor("r0", 0, start + 200ms, "device", 0, 0, true);
  file.anchor("r0", 1000, start + 103s, "device", 0, 0, true);
  file.file().close();
  const auto look = json::parse(support::run({kMonitor, "--once", "--json", path_}).out);
  const auto& run = look["runs"].at(0);
  EXPECT_EQ(run["start"], mth5::to_iso(start + 200ms));
  EXPECT_EQ(run["end"], mth5::to_iso(start + 103s));
  EXPECT_EQ(run["end"], look["channels"].at(0)["end"]);
  EXPECT_THAT(support::run({kMonitor, "--once", path_}).out, testing::HasSubstr(mth5::to_iso(start + 103s)));
}

TEST_F(Monitor, TakesTheTemperatureFromTheAuxiliaryChannels) {
  const auto once = json::parse(support::run({kMonitor, "--once", "--json", python_file("lemi424_python.h5")}).out);
  const auto& channels = once["channels"];
  const auto newest = [&](const std::string& component) {
    for (const auto& channel : channels)
      if (channel["component"] == component) return channel["last"].get<double>();
    return 0.0;
  };
  EXPECT_EQ(once["soh"]["temperature_C"], newest("temperature_e"));
  EXPECT_EQ(once["soh"]["temperature_h_C"], newest("temperature_h"));
}

TEST_F(Monitor, SaysWhileItFollowsThatItShowsNoneOfTheChannels) {
  const auto path = dir_ / "live.h5";
  Stages writer{shows(path, 100)};
  writer.wait();
  auto monitor = support::Process::start({kMonitor, "--channels", "zz", "--interval", "50ms", path});
  EXPECT_TRUE(monitor.wait_for_output("no such channel \\(100 samples in each of the others\\)\n"))
      << monitor.out() << monitor.err();
  EXPECT_THAT(monitor.out(), testing::Not(HasSubstr("no samples yet")));
  EXPECT_EQ(monitor.terminate(), 0);
  auto other = support::Process::start({kMonitor, "--station", "zz", "--interval", "50ms", path});
  EXPECT_TRUE(other.wait_for_output("no such station\n")) << other.out() << other.err();
  EXPECT_EQ(other.terminate(), 0);
}

TEST_F(Monitor, EndsWith130AtAnInterrupt) {
  auto monitor = Process::start({kMonitor, "--interval", "1h", dir_.path()});
  ASSERT_TRUE(monitor.wait_for_output("waiting for a file"));
  monitor.signal(SIGINT);
  EXPECT_EQ(monitor.wait(), 130);
}

TEST_F(Monitor, SaysWhatIsWrongInOneLineWithItsExitCode) {
  support::write_text(dir_ / "text.h5", "no HDF5");
  const auto file = python_file("python_v020.h5");
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string err;
  };
  for (const auto& [arguments, code, err] : {
           Case{{dir_ / "text.h5"}, 4, "text.h5: not an HDF5 file"},
           Case{{dir_ / "none.h5"}, 1, "none.h5: No such file or directory"},
           Case{{"--once", support::data() / "lemi424"}, 1, "no MTH5 file"},
           Case{{"--once", "--channels", "ex,zz", file}, 1, "has no channel zz (there are "},
           Case{{"--once", "--station", "X", file}, 1, "has no station X (there is MT001)"},
           Case{{}, 2, "no file or directory given"},
           Case{{"--once", "--follow", file}, 2, "exclude each other"},
           Case{{"--csv", file}, 2, "--csv goes with --once"},
           Case{{"--interval", "1", file}, 2, "'1' is not a duration"},
           Case{{"--colour", "never", file}, 2, "colour"},
           Case{{"--color", "red", file}, 2, "--color: 'red' is not auto, always or never"},
       }) {
    auto argv = arguments;
    argv.insert(argv.begin(), kMonitor);
    const auto finished = support::run(argv);
    EXPECT_EQ(finished.code, code) << err;
    EXPECT_THAT(finished.err, HasSubstr(err));
    EXPECT_EQ(finished.out, "");
  }
}

TEST_F(Monitor, TakesCurvesOfTheSiteAndSaysAllThatIsWrongWithThem) {
  const auto with = [&](const std::string& curves) {
    support::write_text(dir_ / "curves.yaml", curves);
    return support::run({kMonitor, "--once", "-q", "--reference", dir_ / "curves.yaml", python_file("python_v020.h5")});
  };
  const auto right = with(
      "magnetic: {f: [0.001, 0.1, 10], low: [2, 0.005, 0.0002], high: [100, 0.2, 0.003]}\n"
      "electric: {f: [0.001, 10], low: [0.4, 0.004], high: [200, 0.7]}\n"
      "noise:\n  bx: {f: [0.01, 1], asd: [0.02, 0.0002]}\n");
  EXPECT_EQ(right.code, 0) << right.err;
  const auto wrong = with(
      "magnetic: {f: [1, 10], low: [1, 9], high: [2]}\nelectrik: {}\n"
      "electric: {f: [10, 1], low: [2, 1], high: [1, 1]}\n"
      "noise:\n  bx: {f: [0, x], asd: [1, .inf]}\n  by: {f: [1], asd: [1]}\n  bz: {g: 1}\n");
  EXPECT_EQ(wrong.code, 3);
  EXPECT_EQ(wrong.out, "");
  for (const auto* line : {"curves.yaml:1:11: magnetic: high has 1 numbers and not 2",
                           "curves.yaml:2:1: electrik: is not known; there are magnetic, electric and noise",
                           "curves.yaml:3:11: electric: f must rise from one to the next",
                           "curves.yaml:5:12: noise.bx.f: '0' is not a number above 0", "'x' is not a number above 0",
                           "'.inf' is not a number above 0",
                           "curves.yaml:6:7: noise.by: must be a map of f, asd, each a list of two numbers or more",
                           "curves.yaml:7:8: noise.bz.g: is not known; there are f, asd"})
    EXPECT_THAT(wrong.err, HasSubstr(line));
  EXPECT_EQ(with("magnetic: [\n").code, 3);
  EXPECT_EQ(with("").code, 3) << "which is no mistake that one makes on purpose";
  EXPECT_THAT(with("magnetic: {f: [1, 10], low: [1, 9], high: [2, 3]}\n").err,
              HasSubstr("curves.yaml:1:11: magnetic: low is above high"));
}

}  // namespace
