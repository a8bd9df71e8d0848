#include <gmock/gmock.h>

#include <signal.h>

#include <algorithm>
#include <map>
#include <span>

#include "acquisition/decode/miniseed.hpp"
#include "mth5/reader.hpp"
#include "support/recording.hpp"
#include "support/rows.hpp"
#include "support/server.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// mth5-sim as a SeedLink server, and mth5d that records it: connections, servers and recorders break off, and nothing is lost.
namespace {

using support::port_of;
using support::Process;
using support::received;
using support::Recording;
using testing::HasSubstr;

constexpr int kRate = 10;  // Hz
const std::string kStart = "2026-05-01T00:00:00Z";

/// A station of five channels; sample i of channel c is i * 8 + c, counted from `start` on.
Process server(const std::string& port, const std::string& start, const std::string& speed, const std::string& duration,
               const std::vector<std::string>& more = {}) {
  std::vector<std::string> options{"--rate", std::to_string(kRate)};
  options.insert(options.end(), more.begin(), more.end());
  return support::counting_server("miniseed-mt", "seedlink:127.0.0.1:" + port, start, speed, duration, options);
}

struct Site {
  explicit Site(const std::string& port, const std::string& more = "")
      : input{"seedlink: {host: 127.0.0.1, port: " + port + ", streams: [XX_SIM]" + more + "}\n"} {}

  [[nodiscard]] Recording record(const std::vector<std::string>& arguments = {}) const {
    return Recording{input,
                     {.source = "sample_rate: " + std::to_string(kRate) + "\nreconnect: {first: 100ms, limit: 200ms}\n",
                      .config = "flush: {samples: 10, interval: 20ms}\nsync: {interval: 100ms}\n",
                      .arguments = arguments,
                      .directory = dir.path(),
                      .instrument = "miniseed-mt"}};
  }
  /// Rows of all files and runs of channel c, by their time in samples since kStart.
  [[nodiscard]] std::map<std::int64_t, double> rows(const std::string& component) const {
    return support::rows_of(dir.path(), component, *mth5::parse_time(kStart), kRate);
  }
  /// The files have rows 0 ... n - 1, each once and as the server made it.
  /// @param anew  the first row of a server that counts from it on; rows of the one before may be there up to where that ended
  void expect_all(int n, std::int64_t anew = 0) const {
    const char* components[] = {"hx", "hy", "hz", "ex", "ey"};
    for (int c = 0; c < 5; ++c) {
      SCOPED_TRACE(components[c]);
      const auto all = rows(components[c]);
      ASSERT_EQ(static_cast<int>(all.size()), n);
      EXPECT_EQ(all.begin()->first, 0);
      EXPECT_EQ(all.rbegin()->first, n - 1);
      bool of_second = false;
      for (const auto& [row, value] : all) {
        of_second = of_second || (anew > 0 && value != static_cast<double>(row * 8 + c));
        ASSERT_EQ(value, static_cast<double>((row - (of_second ? anew : 0)) * 8 + c)) << "row " << row;
      }
      EXPECT_EQ(of_second, anew > 0);
    }
  }

  std::string input;
  support::TempDir dir;
};

class SeedLinkVersion : public testing::TestWithParam<const char*> {};

TEST_P(SeedLinkVersion, RecordsWhatTheServerSends) {
  auto sim = server("0", kStart, "20", "60s");
  const Site site{port_of(sim), std::string{", protocol: "} + GetParam()};
  auto recording = site.record({"--until-eof"});
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_THAT(sim.err(), HasSubstr(std::string{"asks by SeedLink "} + GetParam()));
  site.expect_all(600);
}

TEST_P(SeedLinkVersion, GoesOnAtTheLastPacketWhenTheConnectionBreaksOff) {
  auto sim = server("0", kStart, "20", "80s", {"--fault", "disconnect=1s@30s"});
  const Site site{port_of(sim), std::string{", protocol: "} + GetParam()};
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  site.expect_all(800);
}

TEST_P(SeedLinkVersion, GoesOnByTimeAtAServerThatBeganAnew) {
  auto first = server("0", kStart, "20", "1h");
  const auto port = port_of(first);
  const Site site{port, std::string{", protocol: "} + GetParam()};
  auto recording = site.record();
  ASSERT_TRUE(recording.wait_until([](const auto& status) { return received(status) >= 500; })) << recording.log();
  first.signal(SIGKILL);
  EXPECT_TRUE(first.wait());
  // Its numbers begin with 1 again, and it has what came since the 20th second.
  auto second = server(port, "2026-05-01T00:00:20Z", "100", "300s");
  EXPECT_EQ(second.wait(), 0) << second.err();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(recording.log(), HasSubstr("the number of its packets went back"));
  site.expect_all(3200, 200);
}

/// What the file holds as durable is where the next one begins.
TEST_P(SeedLinkVersion, GoesOnWhereAKilledRecorderEnded) {
  auto sim = server("0", kStart, "20", "120s");
  const Site site{port_of(sim), std::string{", protocol: "} + GetParam()};
  for (const int least : {100, 400}) {
    auto recording = site.record();
    ASSERT_TRUE(recording.wait_until([least](const auto& status) { return received(status) >= least; })) << recording.log();
    recording.process().signal(SIGKILL);
    EXPECT_TRUE(recording.process().wait());
  }
  auto recording = site.record({"--until-eof"});
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_THAT(recording.log(), HasSubstr("going on stream=lemi token="));
  site.expect_all(1200);
}

TEST(SeedLink, KnowsPacketsThatComeTwice) {
  auto sim = server("0", kStart, "20", "60s", {"--fault", "duplicate=0.2", "--seed", "5"});
  const Site site{port_of(sim)};
  auto recording = site.record({"--until-eof"});
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  site.expect_all(600);
}

/// A packet of a channel comes behind the one that follows it, and takes its place among the samples.
TEST_P(SeedLinkVersion, PutsPacketsThatComeLateInTheirPlaces) {
  auto sim = server("0", kStart, "20", "120s", {"--fault", "late=0.2,duplicate=0.1", "--seed", "5"});
  const Site site{port_of(sim), std::string{", protocol: "} + GetParam()};
  auto recording = site.record({"--until-eof"});
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_THAT(sim.err(), HasSubstr(" late=")) << "some were";
  site.expect_all(1200);
  EXPECT_EQ(recording.status()->at("gaps"), 0);
  EXPECT_EQ(mth5::Reader{recording.file()}.runs().size(), 1u);
}

/// The server hangs, and its machine keeps the connection.
TEST(SeedLink, ConnectsAnewWhereNothingAnswersAnyMore) {
  auto sim = server("0", kStart, "20", "1h");
  const Site site{port_of(sim)};
  auto recording = Recording{site.input,
                             {.source = "sample_rate: 10\nidle_timeout: 1s\nreconnect: {first: 100ms, limit: 200ms}\n",
                              .directory = site.dir.path(),
                              .instrument = "miniseed-mt"}};
  ASSERT_TRUE(recording.wait_until([](const auto& status) { return received(status) >= 100; })) << recording.log();
  sim.signal(SIGSTOP);
  EXPECT_TRUE(recording.wait_for_log("no data for 1s")) << recording.log();
  sim.signal(SIGCONT);
  const auto before = received(*recording.status());
  EXPECT_TRUE(recording.wait_until([before](const auto& status) { return received(status) >= before + 100; })) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

/// A server that is silent and alive is left alone for `silence`.
TEST(SeedLink, AsksAServerThatIsSilentWhetherItIsThere) {
  auto sim = server("0", kStart, "20", "1h", {"--fault", "stall=1h@10s"});
  const Site site{port_of(sim), ", silence: 3s, protocol: 3"};
  auto recording = Recording{site.input,
                             {.source = "sample_rate: 10\nidle_timeout: 1s\nreconnect: {first: 100ms, limit: 200ms}\n",
                              .directory = site.dir.path(),
                              .instrument = "miniseed-mt"}};
  EXPECT_TRUE(recording.wait_for_log("no packet for 3s .seedlink.silence.")) << recording.log();
  EXPECT_THAT(recording.log(), testing::Not(HasSubstr("no data for 1s")));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
}

TEST_P(SeedLinkVersion, SelectorsLeaveOnlyTheirChannels) {
  auto sim = server("0", kStart, "20", "30s");
  const Site site{port_of(sim), std::string{", protocol: "} + GetParam()};
  auto input = site.input;
  input.replace(input.find("[XX_SIM]"), 8, "['X?_*:?F? !?FZ']");
  auto recording = Recording{input,
                             {.source = "sample_rate: 10\nchannels: {ex: skip, ey: skip, hz: skip}\n",
                              .arguments = {"--until-eof"},
                              .directory = site.dir.path(),
                              .instrument = "miniseed-mt"}};
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_THAT(site.rows("hx"), testing::SizeIs(300));
  EXPECT_EQ(site.rows("hx").size(), site.rows("hy").size());
  EXPECT_EQ(recording.status()->at("sources").at(0).at("skipped").at("other-record"), 0) << "nothing else was sent";
}

/// A station of an array: five channels with codes of its own, sample i of channel c is i * 8 + c.
struct Member {
  std::string name;
  int rate;            // Hz
  double late_s = 0;   // its records come so much later than they were made
  int lost_from = -1;  // samples from here to lost_to never come
  int lost_to = -1;

  [[nodiscard]] std::string codes() const {
    const std::string band = rate < 10 ? "L" : rate < 80 ? "B" : "H";
    std::string all;
    for (const auto& [channel, code] :
         {std::pair{"hx", "FX"}, std::pair{"hy", "FY"}, std::pair{"hz", "FZ"}, std::pair{"ex", "QX"}, std::pair{"ey", "QY"}})
      all += (all.empty() ? "" : ", ") + std::string{channel} + ": XX." + name + ".." + band + code;
    return "{" + all + "}";
  }
  /// What it sends in `n_samples`.
  [[nodiscard]] std::string recorded(const support::TempDir& dir, int n_samples) const {
    auto profile = support::read_text(support::source() / "config/instruments/miniseed-mt.yaml");
    const auto replace = [&](const std::string& from, const std::string& to) {
      const auto at = profile.find(from);
      ASSERT_NE(at, profile.npos) << from;
      profile.replace(at, profile.find('\n', at) - at, to);
    };
    replace("  codes:", "  codes: " + codes());
    replace("sample_rate:", "sample_rate: " + std::to_string(rate));
    support::write_text(dir / (name + ".yaml"), profile);
    const auto made = support::run({support::program("mth5-sim"), (dir / (name + ".yaml")).string(), "--to",
                                    "file:" + (dir / name).string(), "--signal", "counter", "--start", kStart, "--duration",
                                    std::to_string(n_samples / rate) + "s", "--speed", "max"});
    EXPECT_EQ(made.code, 0) << made.err;
    return support::read_text(dir / name);
  }
};

/// Records of all of them, in the order in which they come to the server.
std::string merged(const std::vector<Member>& array, const support::TempDir& dir, int seconds) {
  std::vector<std::pair<mth5::UtcNanos, std::string>> all;
  const auto origin = *mth5::parse_time(kStart);
  for (const auto& member : array) {
    const auto bytes = member.recorded(dir, seconds * member.rate);
    for (std::size_t at = 0; at < bytes.size();) {
      const auto header = daq::decode::read_record_header(std::span{bytes}.subspan(at));
      if (!header || !header->bytes) {
        ADD_FAILURE() << member.name << ": no record at " << at;
        break;
      }
      const auto first = std::llround(mth5::samples_between(origin, header->start, member.rate));
      const auto next = first + static_cast<std::int64_t>(header->n_samples);
      if (next <= member.lost_from || first >= member.lost_to)
        all.emplace_back(mth5::sample_time(origin, member.rate, next) + std::chrono::seconds{std::llround(member.late_s)},
                         bytes.substr(at, *header->bytes));
      at += *header->bytes;
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [when, record] : all) text += record;
  return text;
}

/// One server, eight stations at three rates, two of them late by ten minutes, one with a gap: one daemon, one file.
TEST(SeedLink, RecordsAnArrayIntoOneFile) {
  constexpr int kSeconds = 660;
  const std::vector<Member> array{{"S1", 1},  {"S2", 1},        {"S3", 1, 600}, {"S4", 10}, {"S5", 10, 0, 3000, 4200},
                                  {"S6", 10}, {"S7", 100, 600}, {"S8", 100}};
  const support::TempDir dir;
  support::write_text(dir / "all", merged(array, dir, kSeconds));
  auto sim = Process::start({support::program("mth5-sim"), (dir / "S8.yaml").string(), "--replay", (dir / "all").string(), "--to",
                             "seedlink:127.0.0.1:0", "--speed", "max"});
  const auto port = port_of(sim);
  std::string sources;
  for (const auto& member : array)
    sources += (sources.empty() ? "" : ", ") + ("{name: " + member.name) + ", seedlink: {host: 127.0.0.1, port: " + port +
               ", streams: [XX_" + member.name + "]}, instrument: miniseed-mt, sample_rate: " + std::to_string(member.rate) +
               ", station: {id: " + member.name + "}, run: 'sr{rate}_{index:04}'}";
  Recording recording{"seedlink: {host: 127.0.0.1, port: " + port + ", streams: [XX_S1]}\n",
                      {.arguments = {"--until-eof", "--set", "sources=[" + sources + "]"}, .instrument = "miniseed-mt"}};
  EXPECT_EQ(sim.wait(std::chrono::minutes{5}), 0) << sim.err();  // with ThreadSanitizer
  EXPECT_EQ(recording.process().wait(std::chrono::minutes{1}), 0) << recording.log();
  ASSERT_EQ(recording.files().size(), 1u);
  const auto origin = *mth5::parse_time(kStart);
  mth5::Reader reader{recording.file()};
  for (const auto& member : array) {
    SCOPED_TRACE(member.name);
    const auto row_of = [&](mth5::UtcNanos t) { return std::llround(mth5::samples_between(origin, t, member.rate)); };
    std::vector<mth5::RunInfo> runs;
    for (const auto& run : reader.runs())
      if (run.station == member.name) runs.push_back(run);
    ASSERT_EQ(runs.size(), member.lost_from < 0 ? 1u : 2u);
    // What came to the server before its first client is not asked for.
    EXPECT_EQ(row_of(runs.back().start) + runs.back().n_samples, kSeconds * member.rate);
    if (runs.size() == 2) {
      EXPECT_LE(row_of(runs[0].start) + runs[0].n_samples, member.lost_from);
      EXPECT_GE(row_of(runs[1].start), member.lost_to);
      EXPECT_LT(row_of(runs[1].start) - row_of(runs[0].start) - runs[0].n_samples, member.lost_to - member.lost_from + 200);
    }
    for (const auto& run : runs) {
      EXPECT_EQ(run.sample_rate, member.rate);
      const char* components[] = {"hx", "hy", "hz", "ex", "ey"};
      for (int c = 0; c < 5; ++c) {
        const auto values = reader.read(reader.find(member.name, run.id, components[c]).at(0), 0, run.n_samples);
        for (std::size_t i = 0; i < values.size(); ++i)
          ASSERT_EQ(values[i], static_cast<double>((row_of(run.start) + static_cast<std::int64_t>(i)) * 8 + c))
              << components[c] << " " << i;
      }
    }
  }
  EXPECT_EQ(recording.status()->at("gaps"), 1);
}

INSTANTIATE_TEST_SUITE_P(Both, SeedLinkVersion, testing::Values("3", "4"));

}  // namespace
