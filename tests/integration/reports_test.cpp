#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "mth5/descriptor.hpp"
#include "support/acquisition_file.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/support.hpp"

// What mth5-summary does for cron and systemd: mail, pages of days with an index, several formats, comparison with the day
// before.

namespace {

namespace fs = std::filesystem;
using support::AcquisitionFile;
using testing::HasSubstr;
using testing::Not;

class Reports : public testing::Test {
 protected:
  Reports() { fs::create_directory(dir_ / "bin"); }

  /// A file of 1 Hz from 2026-05-01 on, of so many samples a day.
  void write(const std::vector<std::int64_t>& days) {
    AcquisitionFile file{dir_ / "f.h5", {{0, "s", "S1"}}};
    std::int64_t all = 0;
    for (std::size_t day = 0; day < days.size(); ++day) {
      file.append(file.add_run(0, "r" + std::to_string(day), std::chrono::days{day}), days[day]);
      all += days[day];
    }
    file.commit(0, AcquisitionFile::start() + std::chrono::days{days.size()}, {{.in = all, .decoded = all}},
                {{.decoded = all, .stored = all}});
    file.file().close();
  }
  support::Finished summary(std::vector<std::string> options) {
    options.insert(options.begin(), {support::program("mth5-summary"), "--now", "2026-05-10T00:00:00Z"});
    options.push_back(dir_ / "f.h5");
    return support::run(options, {{"PATH", (dir_ / "bin").string() + ":/usr/bin:/bin"}});
  }
  /// In place of the mail system: keeps what it gets. @param code  it ends with
  void sendmail(int code) {
    const auto path = dir_ / "bin/sendmail";
    support::write_text(path, "#!/bin/sh\necho \"$@\" >" + (dir_ / "options").string() + "\ncat >" + (dir_ / "mail").string() +
                                  "\nexit " + std::to_string(code) + "\n");
    fs::permissions(path, fs::perms::owner_all);
  }
  [[nodiscard]] std::vector<std::string> names(const fs::path& folder) const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator{folder}) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }

  support::TempDir dir_;
};

TEST_F(Reports, GoByMailWhenNotAllIsWell) {
  write({86'400, 40'000});
  sendmail(0);
  EXPECT_EQ(summary({"--check", "--day", "2026-05-01", "--mail", "office@example.org"}).code, 0);
  EXPECT_FALSE(fs::exists(dir_ / "mail")) << "all is well";
  const auto sent = summary({"--check", "--day", "2026-05-02", "--mail", "office@example.org", "--mail", "root"});
  EXPECT_EQ(sent.code, 7) << sent.err;
  EXPECT_EQ(support::read_text(dir_ / "options"), "-t -i\n");
  const auto mail = support::python("integration/mail_message.py", {dir_ / "mail"});
  EXPECT_EQ(mail["to"], "office@example.org, root");
  const std::string subject = mail["subject"];
  EXPECT_THAT(subject, testing::StartsWith("MTH5 CRITICAL: S1 1 Hz: only 46.2 % of the samples are there, the longest gap"));
  EXPECT_LE(mail["longest"], 78);
  ASSERT_EQ(mail["parts"].size(), 2u);
  EXPECT_EQ(mail["parts"][0]["type"], "text/plain");
  EXPECT_EQ(mail["parts"][0]["text"], sent.out) << "the report";
  EXPECT_EQ(mail["parts"][1]["file"], "2026-05-02.html");
  const std::string page = mail["parts"][1]["text"];
  EXPECT_THAT(page, HasSubstr("This page is made for mail"));
  EXPECT_THAT(page, HasSubstr("S1 1 Hz: only 46.2 % of the samples are there"));
  EXPECT_LE(page.size(), 100'000u);

  sendmail(75);
  const auto refused = summary({"--check", "--day", "2026-05-02", "--mail", "root"});
  EXPECT_EQ(refused.code, 7);
  EXPECT_EQ(refused.out, sent.out);
  EXPECT_THAT(refused.err, HasSubstr("sendmail did not take it (exit status 75)"));
  fs::create_directories(dir_ / "pages/index.html");  // it cannot be written: nobody would know
  sendmail(0);
  fs::remove(dir_ / "mail");
  const auto no_page = summary({"--check", "--day", "2026-05-02", "--mail", "root", "--pages", dir_ / "pages"});
  EXPECT_EQ(no_page.code, 7);
  EXPECT_EQ(no_page.out, sent.out);
  EXPECT_THAT(no_page.err, HasSubstr("index.html: is no regular file and will not be replaced"));
  EXPECT_TRUE(fs::exists(dir_ / "mail"));
  const auto good_day = summary({"--check", "--quiet-ok", "--day", "2026-05-01", "--pages", dir_ / "pages"});
  EXPECT_EQ(good_day.code, 1);
  EXPECT_EQ(good_day.out, "");
  if (!fs::exists("/usr/sbin/sendmail") && !fs::exists("/usr/lib/sendmail")) {
    fs::remove(dir_ / "bin/sendmail");
    const auto unsent = summary({"--check", "--day", "2026-05-02", "--mail", "root"});
    EXPECT_EQ(unsent.code, 7);
    EXPECT_EQ(unsent.out, sent.out) << "the report comes without it";
    EXPECT_THAT(unsent.err, HasSubstr("mail: there is no program sendmail: install"));
    const auto good = summary({"--check", "--day", "2026-05-01", "--mail", "root"});
    EXPECT_EQ(good.code, 0) << "there is nothing to send";
    EXPECT_THAT(good.err, HasSubstr("warning: mail: there is no program sendmail: install"));
    const auto quiet = summary({"--check", "--quiet-ok", "--day", "2026-05-01", "--mail", "root"});
    EXPECT_EQ(quiet.code, 0);
    EXPECT_EQ(quiet.out + quiet.err, "");
  }
  for (const auto* wrong : {"-oQ/tmp", "a b", "a@b\nBcc: c@d", "a,b", ""})
    EXPECT_EQ(summary({"--check", "--mail", wrong}).code, 2) << wrong;
  EXPECT_EQ(summary({"--mail", "root"}).code, 2) << "of what is not judged there is nothing to say";
}

TEST_F(Reports, ForPrometheusCanBeReadByOthersWhateverTheUmask) {
  write({600});
  const auto old = umask(0077);
  (void)summary({"--format", "prometheus", "--output", dir_ / "f.prom", "--format", "text", "--output", dir_ / "f.txt"});
  umask(old);
  EXPECT_EQ(fs::status(dir_ / "f.prom").permissions(), fs::perms{0644});
  EXPECT_EQ(fs::status(dir_ / "f.txt").permissions(), fs::perms{0600});
}

TEST_F(Reports, HaveJsonInOrderOfItsKeys) {
  write({600});
  const auto report = summary({"--format", "json"}).out;
  EXPECT_EQ(report, nlohmann::json::parse(report).dump() + "\n") << "nlohmann sorts them";
}

TEST_F(Reports, HaveAPageForEachDayAndAnIndexThatGrows) {
  write({86'400, 40'000, 86'400});
  const auto pages = dir_ / "pages";
  EXPECT_THAT(summary({"--day", "2026-05-01", "--pages", pages}).err, HasSubstr("is no directory; make it first"));
  fs::create_directory(pages);
  for (const auto* day : {"2026-05-02", "2026-05-01"}) (void)summary({"--check", "--day", day, "--pages", pages});
  EXPECT_EQ(names(pages), (std::vector<std::string>{"2026-05-01.html", "2026-05-02.html", "index.html"}));
  EXPECT_EQ(support::read_text(pages / "2026-05-02.html"), summary({"--format", "html", "--day", "2026-05-02"}).out);
  support::write_text(pages / "2026-04-30.html", "<html>of somebody else</html>");
  ASSERT_EQ(mkfifo((pages / "2026-04-29.html").c_str(), 0600), 0);
  (void)summary({"--check", "--day", "2026-05-03", "--pages", pages});
  const auto index = support::read_text(pages / "index.html");
  std::size_t last = 0;
  for (const auto* part : {"2026-05-03.html", ">good<", "1 station<", "2026-05-02.html", ">critical<", "1 of 1 station: S1",
                           "2026-05-01.html", ">good<"}) {
    const auto at = index.find(part, last);
    ASSERT_NE(at, std::string::npos) << part;
    last = at;
  }
  EXPECT_THAT(index, Not(HasSubstr("2026-04-")));
  fs::remove(pages / "2026-05-02.html");
  (void)summary({"--check", "--day", "2026-05-03", "--pages", pages});
  EXPECT_THAT(support::read_text(pages / "index.html"), Not(HasSubstr("2026-05-02")));
  EXPECT_EQ(summary({"--since", "24h", "--pages", pages}).code, 2);
}

TEST_F(Reports, OpenOfAnArchiveOnlyWhatIsOfTheirTimeOrNextToIt) {
  fs::create_directory(dir_ / "archive");
  const auto write_day = [&](const std::string& station, int day, std::int64_t stored) {
    const auto name = station + "_" + (day < 10 ? "0" : "") + std::to_string(day) + ".h5";
    AcquisitionFile file{dir_ / "archive" / name, {{.name = "s", .station = station, .rate = 0.1}}};
    const std::chrono::days after{day - 1};
    file.append(file.add_run(0, "r" + std::to_string(day), after), 8'640);
    file.commit(0, AcquisitionFile::start() + after, {{.in = 8'640, .decoded = 8'640}}, {{.decoded = stored, .stored = stored}});
    file.file().close();
  };
  for (int day = 1; day <= 14; ++day) write_day("S1", day, day == 12 ? 8'639 : 8'640);
  for (int day = 1; day <= 2; ++day) write_day("S2", day, 8'640);
  const std::vector<std::string> options{
      support::program("mth5-summary"), "--check",       "--format", "json", "--day", "2026-05-08", "--now",
      "2026-05-15T00:00:00Z",           dir_ / "archive"};
  const auto report = support::run(options);
  const auto json = nlohmann::json::parse(report.out);
  std::vector<std::string> files;
  for (const auto& file : json["files"]) files.push_back(fs::path{file["file"].get<std::string>()}.stem());
  EXPECT_THAT(files, testing::ElementsAre("S1_03", "S1_04", "S1_05", "S1_06", "S1_07", "S1_08", "S1_09", "S1_10", "S1_11",
                                          "S1_12", "S1_14", "S2_02"))
      << "12: its ledger is wrong";
  EXPECT_EQ(json["files_left_out"], 4);
  EXPECT_EQ(json["stations"][0]["newest"], "2026-05-14T23:59:50Z");
  EXPECT_EQ(json["channels"][0]["completeness"], 100);
  std::vector<std::string> found;
  for (const auto& finding : json["verdict"]["findings"]) found.push_back(finding["name"]);
  EXPECT_THAT(found, testing::ElementsAre("ledger", "nothing")) << json["verdict"];
  // With a cache, those that were left out are not even looked at again, as long as they are the same.
  const auto cached = [&] {
    auto with = options;
    with.insert(with.end(), {"--cache", dir_ / "cache"});
    return support::run(with);
  };
  EXPECT_EQ(cached().out, report.out);
  const auto path = dir_ / "archive/S1_02.h5";
  const auto opened = [&] {
    const mth5::Descriptor watch{inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    EXPECT_GE(inotify_add_watch(watch.get(), path.c_str(), IN_OPEN), 0);
    EXPECT_EQ(cached().out, report.out);
    std::array<char, 4096> event{};
    return read(watch.get(), event.data(), event.size()) > 0;
  };
  EXPECT_FALSE(opened());
  fs::resize_file(path, 1000);
  EXPECT_EQ(cached().code, 7) << "it was cut off";
  EXPECT_THAT(cached().err, HasSubstr("S1_02.h5")) << "and is no better the next time";
  fs::remove(path);
  write_day("S1", 2, 8'640);
  EXPECT_TRUE(opened()) << "another file of the same name";
  EXPECT_FALSE(opened());
  const auto all = support::run({support::program("mth5-summary"), "--format", "json", dir_ / "archive"});
  EXPECT_EQ(nlohmann::json::parse(all.out)["files"].size(), 16u) << "without a time";
}

TEST_F(Reports, ComeInSeveralFormatsAtOnce) {
  write({86'400});
  const auto all = summary({"--day", "2026-05-01", "--check", "--format", "json", "--output", dir_ / "a", "--format",
                            "prometheus", "--output", dir_ / "b", "--format", "text"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(all.out, testing::StartsWith("GOOD\n"));
  EXPECT_EQ(support::read_text(dir_ / "a"), summary({"--day", "2026-05-01", "--check", "--format", "json"}).out);
  EXPECT_THAT(support::read_text(dir_ / "b"), HasSubstr("mth5_report_success 1.0\n"));
  EXPECT_EQ(summary({"--format", "json", "--format", "csv"}).code, 2);
  EXPECT_EQ(summary({"--output", dir_ / "c", "--output", dir_ / "d"}).code, 2);
  EXPECT_EQ(summary({"--format", "nagios", "--output", dir_ / "c", "--format", "text"}).code, 3);
}

TEST_F(Reports, DrawCurvesOfTheSiteBehindItsSpectra) {
  write({20'000});
  const auto curves = dir_ / "curves.yaml";
  const auto page = [&](std::vector<std::string> options) {
    options.insert(options.end(), {"--format", "html"});
    return summary(options);
  };
  const auto usual = page({});
  support::write_text(curves, "magnetic: {f: [0.001, 10], low: [1, 1], high: [2, 2]}\n");
  EXPECT_EQ(page({"--reference", curves}).out, usual.out) << "the channels are electric";
  support::write_text(
      curves, "electric: {f: [0.0001, 10], low: [0.4, 0.004], high: [200, 0.7]}\nnoise: {ex: {f: [0.001, 1], asd: [9, 1]}}\n");
  const auto own = page({"--reference", curves});
  EXPECT_EQ(own.code, 0) << own.err;
  const auto ex = own.out.find("grey: usual at this site; dashed: noise of the sensor");
  ASSERT_NE(ex, std::string::npos);
  EXPECT_NE(own.out.find("grey: usual at this site<", ex), std::string::npos) << "of ey no noise is known";
  EXPECT_THAT(own.out, Not(HasSubstr("usual natural field")));
  support::write_text(curves, "electric: 7\n");
  const auto wrong = page({"--reference", curves});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_THAT(wrong.err, HasSubstr("curves.yaml:1:11: electric: must be a map of f, low, high"));
  EXPECT_EQ(summary({"--reference", curves}).code, 2) << "text has no spectra";
  EXPECT_EQ(page({"--reference", dir_ / "none.yaml"}).code, 1);
}

TEST_F(Reports, SayWhatChangedAgainstTheTimeBefore) {
  write({86'400, 40'000, 86'400});
  const auto worse = summary({"--check", "--compare", "previous", "--day", "2026-05-02"});
  EXPECT_EQ(worse.code, 7);
  EXPECT_THAT(worse.out, HasSubstr("Compared with 2026-05-01T00:00:00Z to 2026-05-02T00:00:00Z\n"));
  EXPECT_THAT(worse.out, testing::ContainsRegex("S1 +1 Hz +completeness +46.2963 +100 +new\n"));
  const auto better =
      nlohmann::json::parse(summary({"--check", "--compare", "previous", "--day", "2026-05-03", "--format", "json"}).out);
  EXPECT_EQ(better["previous"]["from"], "2026-05-02T00:00:00Z");
  int over = 0;
  for (const auto& change : better["previous"]["changes"]) over += change["wrong"] == "over" ? 1 : 0;
  EXPECT_EQ(over, 1) << better["previous"];
  EXPECT_THAT(summary({"--format", "html", "--compare", "previous", "--day", "2026-05-02"}).out, HasSubstr("What changed"));
  EXPECT_EQ(summary({"--compare", "previous", "--day", "2026-05-02"}).code, 2);
  EXPECT_EQ(summary({"--check", "--compare", "previous"}).code, 2) << "of all there is nothing before";
  EXPECT_EQ(summary({"--check", "--compare", "last", "--day", "2026-05-02"}).code, 2);
}

TEST_F(Reports, AreWholeOrNotThereWhenInterrupted) {
  {
    AcquisitionFile file{dir_ / "f.h5", {{0, "s", "S1"}}};
    file.append(file.add_run(0, "r0", {}), 60'000);
    for (int i = 0; i < 8'000; ++i)  // a report of some MB
      file.gap(0, "ex", std::chrono::seconds{3 * i}, 1, "source", "r0", "r0", true);
    file.commit(0, AcquisitionFile::start(), {{}}, {{.decoded = 60'000, .stored = 60'000}});
    file.file().close();
  }
  fs::create_directory(dir_ / "out");
  const mth5::Descriptor watch{inotify_init1(IN_CLOEXEC)};
  ASSERT_GE(inotify_add_watch(watch.get(), (dir_ / "out").c_str(), IN_CREATE), 0);
  auto program = support::Process::start(
      {support::program("mth5-summary"), "--format", "json", "--output", dir_ / "out/report.json", dir_ / "f.h5"});
  std::array<char, 4096> event{};
  ASSERT_GT(read(watch.get(), event.data(), event.size()), 0);  // it has begun to write
  program.signal(SIGINT);
  const auto code = program.wait();
  EXPECT_TRUE(code == 128 + SIGINT || code == 0) << code.value_or(-1) << program.err();  // 0: the signal came when all was done
  EXPECT_EQ(names(dir_ / "out"), std::vector<std::string>{"report.json"});
  EXPECT_GT(nlohmann::json::parse(support::read_text(dir_ / "out/report.json"))["channels"][0]["gaps"].size(), 1'000u);
}

/// Samples of the report that were read and that the cache knew, as -v says.
struct Counted {
  std::int64_t read = -1, known = -1;
  friend bool operator==(const Counted&, const Counted&) = default;
  friend void PrintTo(const Counted& counted, std::ostream* out) {
    *out << counted.read << " read, " << counted.known << " known";
  }
};
Counted counted(const std::string& err) {
  std::smatch found;
  if (!std::regex_search(err, found, std::regex{"([0-9]+) samples read, ([0-9]+) known"})) return {};
  return {std::stoll(found[1]), std::stoll(found[2])};
}

TEST_F(Reports, ReadOnlyWhatIsNewAndAreTheSameToTheByte) {
  constexpr std::int64_t kDay = 86'400, kChannels = 2;
  write({kDay, 40'000});
  const auto cache = (dir_ / "cache").string();
  const auto cached = [&](std::vector<std::string> options) {
    options.insert(options.end(), {"-v", "--cache", cache});
    return summary(std::move(options));
  };
  constexpr std::int64_t kFirst = kChannels * (kDay + 40'000);
  const auto first = cached({"--format", "json"});
  EXPECT_EQ(counted(first.err), (Counted{kFirst, 0}));
  EXPECT_EQ(counted(cached({"--format", "json"}).err), (Counted{0, kFirst}));
  EXPECT_EQ(counted(cached({"--check"}).err), (Counted{kFirst, 0})) << "statistics alone are not enough";
  const std::vector<std::vector<std::string>> formats{
      {"--check", "--format", "json"}, {"--format", "html"}, {"--check", "--format", "json", "--from", "2026-05-01T07:00:00Z"}};
  for (const auto& format : formats) {
    const auto with = cached(format), without = summary(format);
    EXPECT_EQ(with.out, without.out) << testing::PrintToString(format);
    EXPECT_FALSE(without.out.empty());
  }
  {
    AcquisitionFile file{dir_ / "g.h5", {{0, "s", "S1"}}};
    file.append(file.add_run(0, "r2", std::chrono::days{2}), kDay);
    file.commit(0, AcquisitionFile::start(), {{.in = kDay, .decoded = kDay}}, {{.decoded = kDay, .stored = kDay}});
    file.file().close();
  }
  const auto grown = cached({"--check", dir_ / "g.h5"});
  EXPECT_EQ(counted(grown.err), (Counted{kChannels * kDay, kFirst})) << "the archive has grown by a day";
  EXPECT_EQ(grown.out, summary({"--check", dir_ / "g.h5"}).out);

  // The same file, but with other commits behind its samples: it is as if it came back from a copy, and was recorded on.
  (void)support::python("integration/other_commits.py", {dir_ / "f.h5"});
  EXPECT_EQ(counted(cached({"--check"}).err), (Counted{kFirst, 0}));
}

TEST_F(Reports, LeaveAsideWhatIsNoneOfTheCache) {
  write({86'400});
  const auto cached = [&] { return summary({"--check", "--format", "json", "-v", "--cache", dir_ / "cache"}); };
  const auto good = cached();
  std::vector<fs::path> kept;
  for (const auto& entry : fs::recursive_directory_iterator{dir_ / "cache"})
    if (entry.is_regular_file()) kept.push_back(entry.path());
  ASSERT_EQ(kept.size(), 2u) << "one for each channel and day";
  auto bytes = support::read_text(kept[0]);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  support::write_text(kept[0], bytes);
  support::write_text(kept[1], "of somebody else");
  const auto without = cached();
  EXPECT_EQ(without.out, good.out);
  EXPECT_EQ(counted(without.err), (Counted{2 * 86'400, 0}));
  EXPECT_THAT(without.err,
              testing::ContainsRegex("cache: .*: damaged, or no file of this cache \\(and 1 more\\); measured anew\n"));
  EXPECT_EQ(std::count(without.err.begin(), without.err.end(), '\n'), 2) << without.err;
  EXPECT_EQ(counted(cached().err), (Counted{0, 2 * 86'400})) << "and kept again";
  fs::remove_all(dir_ / "cache");
  EXPECT_EQ(cached().out, good.out);
  fs::remove_all(dir_ / "cache");
  support::write_text(dir_ / "cache", "a file");
  const auto unkept = cached();
  EXPECT_EQ(unkept.out, good.out);
  EXPECT_EQ(unkept.code, good.code);
  EXPECT_THAT(unkept.err, HasSubstr(": cannot be written: Not a directory; what it should know is measured anew each time\n"));
}

}  // namespace
