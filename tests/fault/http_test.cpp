#include <gmock/gmock.h>

#include <signal.h>

#include <map>

#include "mth5/reader.hpp"
#include "support/recording.hpp"
#include "support/rows.hpp"
#include "support/server.hpp"
#include "support/sim.hpp"
#include "support/support.hpp"

/// mth5-sim as a box that serves the .atss files it writes, and mth5d that records it: connections, boxes and recorders break
/// off, servers do what they should not, and each sample is stored once at its time, or told.
namespace {

using support::port_of;
using support::Process;
using support::received;
using support::Recording;
using testing::HasSubstr;

constexpr int kRate = 256;  // Hz
const std::string kStart = "2026-05-01T00:00:00Z";

/// Five channels; sample i of channel c is i * 8 + c, counted from `start` on.
Process server(const std::string& port, const std::string& start, const std::string& speed, const std::string& duration,
               const std::vector<std::string>& more = {}, const std::string& kind = "http") {
  return support::counting_server("metronix-adu", kind + ":127.0.0.1:" + port, start, speed, duration, more);
}

struct Site {
  explicit Site(const std::string& port, const std::string& more = ", poll: 100ms", const std::string& scheme = "http")
      : input{"http: {url: '" + scheme + "://127.0.0.1:" + port + "/data/'" + more + "}\n"} {}

  [[nodiscard]] Recording record(const std::vector<std::string>& arguments = {}) const {
    return Recording{input,
                     {.source = "reconnect: {first: 100ms, limit: 200ms}\n",
                      .config = "flush: {samples: 100, interval: 20ms}\nsync: {interval: 100ms}\n",
                      .arguments = arguments,
                      .directory = dir.path(),
                      .instrument = "metronix-adu"}};
  }
  /// Rows of all files and runs of channel c, by their time in samples since kStart.
  [[nodiscard]] std::map<std::int64_t, double> rows(const std::string& component) const {
    return support::rows_of(dir.path(), component, *mth5::parse_time(kStart), kRate);
  }
  /// The files have rows 0 ... n - 1, each once and as the box made it.
  void expect_all(int n) const {
    const char* components[] = {"hx", "hy", "hz", "ex", "ey"};
    for (int c = 0; c < 5; ++c) {
      SCOPED_TRACE(components[c]);
      const auto all = rows(components[c]);
      ASSERT_EQ(static_cast<int>(all.size()), n);
      for (const auto& [row, value] : all) ASSERT_EQ(value, static_cast<double>(row * 8 + c)) << "row " << row;
    }
  }

  std::string input;
  support::TempDir dir;
};

TEST(Http, RecordsWhatABoxServes) {
  auto sim = server("0", kStart, "20", "60s");
  const Site site{port_of(sim)};
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  site.expect_all(60 * kRate);
  EXPECT_THAT(recording.log(), HasSubstr("run_001 of 2026-05-01T00:00:00Z is read from sample 0: hx in mV of MFS-06e 100"));
  const auto status = *recording.status();
  EXPECT_EQ(status.at("sources").at(0).at("reconnects"), 0) << "the box closes after 100 answers, and that is in order";
  EXPECT_EQ(status.at("sources").at(0).at("soh").at("contact_ey").at("value"), 12.5) << status.dump(1);
}

TEST(Http, GoesOnWhenTheBoxGoesAwayInTheMiddleOfAnAnswer) {
  auto sim = server("0", kStart, "20", "80s", {"--fault", "slow-range=20ms@20s,disconnect=1s@30s"});
  const Site site{port_of(sim)};
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  site.expect_all(80 * kRate);
}

TEST(Http, FollowsRunsOneBehindTheOther) {
  auto sim = server("0", kStart, "20", "60s", {"--fault", "new-run=@20s,new-run=@40s"});
  const Site site{port_of(sim)};
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  site.expect_all(60 * kRate);
  EXPECT_THAT(recording.log(), HasSubstr("run_003 of 2026-05-01T00:00:40Z is read from sample 0"));
}

/// What the file holds as durable is where the next one begins.
TEST(Http, GoesOnWhereAKilledRecorderEnded) {
  auto sim = server("0", kStart, "20", "120s");
  const Site site{port_of(sim)};
  for (const int least : {10 * kRate, 40 * kRate}) {
    auto recording = site.record();
    ASSERT_TRUE(recording.wait_until([least](const auto& status) { return received(status) >= least; })) << recording.log();
    recording.process().signal(SIGKILL);
    EXPECT_TRUE(recording.process().wait());
  }
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(recording.log(), HasSubstr("going on stream=lemi token="));
  site.expect_all(120 * kRate);
}

/// Its runs begin with run_001 again.
TEST(Http, TakesUpABoxThatBeganAnew) {
  auto first = server("0", kStart, "20", "1h");
  const auto port = port_of(first);
  const Site site{port};
  auto recording = site.record();
  ASSERT_TRUE(recording.wait_until([](const auto& status) { return received(status) >= 20 * kRate; })) << recording.log();
  first.signal(SIGKILL);
  EXPECT_TRUE(first.wait());
  auto second = server(port, "2026-05-01T02:00:00Z", "50", "60s");
  EXPECT_EQ(second.wait(), 0) << second.err();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(recording.log(), HasSubstr("run_001 has begun anew"));
  const auto all = site.rows("hy");
  constexpr std::int64_t kSecond = std::int64_t{7200} * kRate;
  const auto begin = all.lower_bound(kSecond);
  EXPECT_EQ(std::distance(begin, all.end()), 60 * kRate);
  for (auto at = all.begin(); at != all.end(); ++at)
    ASSERT_EQ(at->second, static_cast<double>((at->first - (at->first < kSecond ? 0 : kSecond)) * 8 + 1)) << at->first;
}

/// The password comes from its file, and goes to nobody but the box.
TEST(Http, RecordsFromABoxThatWantsAPassword) {
  const support::TempDir secrets;
  const auto password = secrets / "adu.password";
  support::write_text(password, "geheimnis mit Leerzeichen\n");
  std::filesystem::permissions(password, std::filesystem::perms{0640});
  auto sim = server("0", kStart, "20", "60s", {"--user", "adu", "--password-file", password.string()});
  const auto port = port_of(sim);

  const Site nobody{port};
  auto refused = nobody.record();
  EXPECT_TRUE(refused.wait_for_log(
      "answers 401 to PROPFIND /data/: it wants a user and a password; give http.user and http.password_file"));
  EXPECT_EQ(refused.stop(), 0) << refused.log();
  EXPECT_EQ(received(*refused.status()), 0);

  const auto login = ", poll: 100ms, user: adu, password_file: '" + password.string() + "'";
  const Site site{port, login};
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  site.expect_all(60 * kRate);

  auto other_sim = server("0", kStart, "20", "1h", {"--user", "adu", "--password-file", password.string()});
  const auto wrong = secrets / "wrong.password";
  support::write_text(wrong, "geheimnis");
  std::filesystem::permissions(wrong, std::filesystem::perms{0400});
  const Site mistaken{port_of(other_sim), ", user: adu, password_file: '" + wrong.string() + "'"};
  auto again = mistaken.record();
  EXPECT_TRUE(again.wait_for_log("it does not take user 'adu' with this password; check http.user and http.password_file"));
  EXPECT_TRUE(again.wait_until([](const auto& status) { return status.at("sources").at(0).at("reconnects") >= 1; }));
  EXPECT_EQ(again.stop(), 0);
  EXPECT_THAT(support::lines_with(again.log(), "does not take user"), testing::SizeIs(testing::Le(2u))) << again.log();
  other_sim.terminate();

  std::string said = recording.log() + recording.status()->dump() + again.log() + again.status()->dump() + sim.err();
  for (const auto& file : support::files_in(site.dir.path())) said += support::read_text(file);
  EXPECT_THAT(said, testing::Not(HasSubstr("geheimnis")));
  EXPECT_THAT(said, testing::Not(HasSubstr("YWR1OmdlaGVpbW5pcy"))) << "nor as it is sent";
}

TEST(Http, AServerThatIgnoresRangeIsToldOnce) {
  auto sim = server("0", kStart, "20", "1h", {"--fault", "ignore-range=@20s"});
  const Site site{port_of(sim)};
  auto recording = site.record();
  ASSERT_TRUE(recording.wait_for_log("ignores Range")) << recording.log();
  const auto taken = received(*recording.status());
  EXPECT_TRUE(recording.wait_until([](const auto& status) { return status.at("sources").at(0).at("reconnects") == 1; }));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(support::lines_with(recording.log(), "ignores Range"), testing::SizeIs(1));
  EXPECT_EQ(sim.terminate(), 0);
  EXPECT_LE(taken, 21 * kRate);
  site.expect_all(static_cast<int>(site.rows("hx").size()));
}

TEST(Http, AFileThatShrinksIsToldCountedAndLeft) {
  auto sim = server("0", kStart, "20", "100s", {"--fault", "shrink=@20s,new-run=@60s"});
  const Site site{port_of(sim)};
  auto recording = site.record();
  ASSERT_TRUE(recording.wait_for_log("input fault.*reason=shrunk count=1.*has become shorter")) << recording.log();
  ASSERT_TRUE(recording.wait_for_log("run_002 of 2026-05-01T00:01:00Z is read")) << recording.log();
  EXPECT_TRUE(recording.wait_until([](const auto& status) { return received(status) >= 55 * kRate; })) << recording.log();
  sim.terminate();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  const auto all = site.rows("ex");
  for (const auto& [row, value] : all) ASSERT_EQ(value, static_cast<double>(row * 8 + 3)) << "row " << row;
  EXPECT_LE(std::distance(all.begin(), all.lower_bound(60 * kRate)), 20 * kRate) << "nothing of what followed in that run";
}

TEST(Https, RecordsFromABoxWhoseCertificateIsPinned) {
  auto sim = server("0", kStart, "20", "60s", {"--fault", "disconnect=1s@30s"}, "https");
  const auto port = port_of(sim);
  const Site site{port, ", poll: 100ms, pin: " + sim.wait_for_output("certificate with SHA-256 ([0-9a-f]{64})").value_or("none"),
                  "https"};
  auto recording = site.record();
  EXPECT_EQ(sim.wait(), 0) << sim.err();
  ASSERT_TRUE(recording.wait_for_log("source waiting.*refused")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  site.expect_all(60 * kRate);
}

TEST(Https, TakesNothingFromABoxThatIsNotTrustedUnlessItIsToldTo) {
  auto sim = server("0", kStart, "20", "1h", {}, "https");
  const auto port = port_of(sim);
  const auto shown = sim.wait_for_output("certificate with SHA-256 ([0-9a-f]{64})").value_or("none");
  const Site site{port, ", poll: 100ms", "https"};
  auto recording = site.record();
  EXPECT_TRUE(recording.wait_for_log(
      "its certificate is not trusted .self-signed certificate.; if it is that of the box: http.pin: " + shown))
      << recording.log();
  EXPECT_EQ(recording.stop(), 0);
  EXPECT_EQ(received(*recording.status()), 0);
  const Site any{port, ", poll: 100ms, self_signed: true", "https"};
  auto of_any = any.record();
  EXPECT_TRUE(of_any.wait_until([](const auto& status) { return received(status) >= 5 * kRate; })) << of_any.log();
  EXPECT_EQ(of_any.stop(), 0);
  sim.terminate();
}

TEST(Https, ARightCertificateIsTheOneOfThePin) {
  auto sim = server("0", kStart, "20", "1h", {}, "https");
  const auto port = port_of(sim);
  const Site site{port, ", pin: '" + std::string(64, '0') + "'", "https"};
  auto recording = site.record();
  EXPECT_TRUE(recording.wait_for_log("shows another certificate than http.pin; the SHA-256 of this one is [0-9a-f]{64}"))
      << recording.log();
  EXPECT_EQ(recording.stop(), 0);
  const Site plain{port};
  auto other = plain.record();
  EXPECT_TRUE(other.wait_for_log("source waiting.*closed by the other end|source waiting.*no answer of HTTP")) << other.log();
  EXPECT_EQ(other.stop(), 0);
  sim.terminate();
}

}  // namespace
