#include "acquisition/recorder/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <thread>

#include "acquisition/config/config.hpp"
#include "acquisition/intake/intake.hpp"
#include "acquisition/recorder/output.hpp"
#include "acquisition/recorder/station_state.hpp"
#include "mth5/reader.hpp"
#include "support/host_clock.hpp"
#include "support/recorder_bench.hpp"
#include "support/support.hpp"

namespace {

using namespace daq;
using support::Bench;
using support::channel;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Recorder, BeginsANewRunAfterAGap) {
  Bench bench;
  bench.send(0, 10);
  bench.send(25, 40);
  bench.finish();
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 2u);
  EXPECT_EQ(reader.runs()[0].n_samples, 10);
  EXPECT_EQ(mth5::to_iso(reader.runs()[1].start), "2026-05-01T00:00:25Z");
  EXPECT_EQ(channel(reader, "sr1_0002", "bx").front(), 25.0);
  const auto gaps = reader.table("gaps").value();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps.integer(0, "samples"), 15);
  EXPECT_EQ(gaps.text(0, "run_before"), "sr1_0001");
  EXPECT_EQ(gaps.text(0, "run_after"), "sr1_0002");
  EXPECT_EQ(gaps.text(0, "reason"), "no-data");
  EXPECT_THAT(bench.log(), HasSubstr("gap stream=lemi start=2026-05-01T00:00:10Z samples=15 reason=no-data run=sr1_0002"));
}

/// Each commit may have to wait for the disk: a recording that is played would take the time of thousands of them.
TEST(Recorder, TakesWhatComesAtOnceInOneCommit) {
  const support::ClockByHand clock;  // no time passes
  Bench bench{"flush: {samples: 10}\n", std::size_t{1} << 20};
  for (int s = 0; s < 12'000; s += 100) bench.send(s, s + 100);
  bench.finish();
  EXPECT_LE(bench.state().flush.count(), 2);
  const auto bx = channel(bench.reader(), "sr1_0001", "bx");
  ASSERT_EQ(bx.size(), 12'000u);
  for (std::size_t i = 0; i < bx.size(); ++i) ASSERT_EQ(bx[i], static_cast<double>(i));
}

TEST(Recorder, FillsAShortGapWithNaNAndListsIt) {
  Bench bench{"gap: {fill_up_to: 5s}\n"};
  bench.send(0, 10);
  bench.send(13, 20);
  bench.finish();
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 1u);
  const auto bx = channel(reader, "sr1_0001", "bx");
  ASSERT_EQ(bx.size(), 20u);
  for (std::size_t i = 0; i < bx.size(); ++i) {
    if (i >= 10 && i < 13)
      EXPECT_TRUE(std::isnan(bx[i])) << i;
    else
      EXPECT_EQ(bx[i], static_cast<double>(i));
  }
  const auto gaps = reader.table("gaps").value();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps.integer(0, "filled"), 1);
  const auto ledger = reader.table("stream_ledger").value();
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "samples_stored"), 17);
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "samples_filled"), 3);
}

constexpr const char* kCounts =
    "  - name: counts\n"
    "    file: {path: /dev/null}\n"
    "    instrument:\n"
    "      sample_rate: 1\n"
    "      text: {delimiter: ',', columns: [year, month, day, hour, minute, second, {channel: a}, {channel: b}]}\n"
    "      channels:\n"
    "        a: {type: auxiliary, units: digital counts, dtype: int32, fill: -999}\n"
    "        b: {type: auxiliary, units: digital counts, dtype: float64}\n";

/// NTP sets the clock of the recording computer while an instrument without a time sends: nothing is missing.
TEST(Recorder, SeesThatTheClockOfTheComputerWasSetByTheOneThatNobodySets) {
  Bench bench{"", 1u << 20,
              "  - name: counts\n"
              "    file: {path: /dev/null}\n"
              "    instrument: {sample_rate: 10, text: {delimiter: ',', time: host, columns: [{channel: a}]},\n"
              "      channels: {a: {type: auxiliary, units: digital counts, dtype: int32}}}\n"};
  const auto start = mth5::parse_time("2026-05-01T00:00:00Z").value();
  constexpr auto kStep = std::chrono::milliseconds{700};
  for (int i = 0; i < 1200; ++i) {
    const std::chrono::milliseconds passed{3'600'000 + 100 * i};
    bench.send(std::to_string(i) + "\n", start + passed + (i < 600 ? std::chrono::milliseconds{0} : kStep), passed);
  }
  bench.finish();
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 2u);
  EXPECT_EQ(reader.runs()[0].n_samples, 600);
  EXPECT_EQ(reader.runs()[1].n_samples, 600);
  const auto gaps = reader.table("gaps").value();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps.text(0, "reason"), "clock-step");
  EXPECT_EQ(gaps.integer(0, "samples"), 0);
  EXPECT_LT(std::abs(mth5::samples_between(start + std::chrono::hours{1} + std::chrono::minutes{1} + kStep,
                                           reader.runs()[1].start, 10)),
            0.1);
}

TEST(Recorder, FillsWholeNumbersWithTheValueOfTheProfile) {
  Bench bench{"gap: {fill_up_to: 5s}\n", 1u << 16, kCounts};
  for (const int s : {0, 1, 2, 5, 6})
    bench.send("2026,05,01,00,00,0" + std::to_string(s) + "," + std::to_string(s) + "," + std::to_string(s) + "\n");
  bench.finish();
  const auto reader = bench.reader();
  EXPECT_THAT(channel(reader, "sr1_0001", "a"), testing::ElementsAre(0, 1, 2, -999, -999, 5, 6));
  const auto b = channel(reader, "sr1_0001", "b");
  ASSERT_EQ(b.size(), 7u);
  EXPECT_TRUE(std::isnan(b[3]) && std::isnan(b[4])) << "floats need no such value";
}

TEST(Recorder, CountsValuesThatTheirChannelCannotHold) {
  Bench bench{"", 1u << 16, kCounts};
  const char* const values[] = {"5,5e9", "2147483647.4,1", "2147483647.6,2", "-3e9,3", "?,4", "-2147483648,5"};
  for (int s = 0; s < 6; ++s) bench.send("2026,05,01,00,00,0" + std::to_string(s) + "," + values[s] + "\n");
  bench.finish();
  const auto reader = bench.reader();
  EXPECT_THAT(channel(reader, "sr1_0001", "a"),
              testing::ElementsAre(5, 2147483647, 2147483647, -2147483648.0, -999, -2147483648.0));
  const auto ledger = reader.table("stream_ledger").value();
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "values_clipped"), 2) << "one above, one below; unknown is not beyond";
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "values_rounded"), 1);
  EXPECT_EQ(ledger.integer(ledger.size() - 1, "values_as_fill"), 0) << "what is unknown is no value";
}

TEST(Recorder, KnowsAnUnknownWholeNumberOfTheFileWhenItIsSentAgain) {
  Bench bench{"", 1u << 16, kCounts};
  const auto start = mth5::parse_time("2026-05-01T00:00:00Z").value();
  bench.intake().remember(0, start, start + std::chrono::seconds{3}, std::vector<double>{0, 0, -999, 1, 2, 2});
  bench.send("2026,05,01,00,00,01,?,1\n2026,05,01,00,00,02,2,2\n2026,05,01,00,00,03,3,3\n");
  bench.finish();
  EXPECT_EQ(bench.dropped(ledger::Drop::Duplicate), 2u);
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 1u);
  EXPECT_THAT(channel(reader, "sr1_0001", "a"), testing::ElementsAre(3));
}

TEST(Recorder, CallsWhatWasRefusedThoughTheDiskIsWellByItsNameAndBeginsANewFile) {
  Bench bench;
  std::vector<std::string> outages;
  bench.on_file = [&](int n) {
    outages.push_back(bench.state().outage);
    if (n == 1) throw std::logic_error{"no such thing"};
  };
  bench.send(0, 40);
  bench.finish();
  EXPECT_THAT(outages, testing::ElementsAre("", "write-refused"));
  EXPECT_EQ(bench.state().outage, "");
  EXPECT_THAT(bench.log(), HasSubstr("not written: no such thing; a new file begins"));
  EXPECT_EQ(channel(bench.reader(), bench.reader().runs().front().id, "bx").size(), 40u);
}

/// Nothing that a new file cures: the directory does not fill with files that hold nothing.
TEST(Recorder, WaitsBeforeItBeginsAThirdFileWhereTheSecondWasRefusedToo) {
  Bench bench;
  std::vector<std::chrono::steady_clock::time_point> begun;
  bench.on_file = [&](int n) {
    begun.push_back(mth5::steady_now());
    if (n < 3) throw std::logic_error{"no such thing"};
  };
  bench.send(0, 40);
  bench.finish();
  ASSERT_EQ(begun.size(), 3u);
  EXPECT_GE(begun[2] - begun[1], std::chrono::seconds{1});
  EXPECT_EQ(channel(bench.reader(), bench.reader().runs().front().id, "bx").size(), 40u);
}

/// The host's clock, with somebody who gives a name to a file of his own while another file of that name is being made.
class Rival final : public mth5::HostClock {
 public:
  explicit Rival(std::filesystem::path name) : name_{std::move(name)} { mth5::use_host_clock(this); }
  ~Rival() override { mth5::use_host_clock(nullptr); }
  Rival(const Rival&) = delete;
  Rival& operator=(const Rival&) = delete;
  [[nodiscard]] mth5::UtcNanos utc() const override {
    for (const auto& entry : std::filesystem::directory_iterator{name_.parent_path()})
      if (entry.path().extension() == ".part" && !std::filesystem::exists(name_)) support::write_text(name_, "precious");
    return std::chrono::time_point_cast<mth5::Nanos>(std::chrono::system_clock::now());
  }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }

 private:
  std::filesystem::path name_;
};

TEST(Recorder, TakesTheNextNameWhereAnotherRecorderIsFaster) {
  Bench bench;
  const auto name = bench.directory() / "MT001_20260501T000000Z.h5";
  {
    const Rival rival{name};
    bench.send(0, 40);
    bench.finish();
  }
  EXPECT_EQ(support::read_text(name), "precious");
  const auto mine = bench.directory() / "MT001_20260501T000000Z_2.h5";
  const mth5::Reader reader{mine};
  EXPECT_EQ(channel(reader, "sr1_0001", "bx").size(), 40u);
  EXPECT_EQ(bench.log().find("error"), std::string::npos) << bench.log();
  EXPECT_THAT(bench.log(), HasSubstr("file name taken file=" + name.string() + " instead=" + mine.string()));
  EXPECT_THAT(bench.log(), HasSubstr("file open file=" + mine.string()));
  EXPECT_TRUE(bench.state().streams.at(0).balanced);
}

TEST(Recorder, CountsWhatHadComeWhenTheFirstFileCannotBeMade) {
  Bench bench;
  bench.send(0, 40);
  std::filesystem::remove_all(bench.directory());
  EXPECT_THAT([&] { bench.finish(); },
              ThrowsMessage<mth5::FileError>(HasSubstr("does not exist; create it for the user of mth5d (mkdir -p); ended: 40 "
                                                       "samples that waited in memory are not stored")));
  const auto stream = bench.state().streams.at(0);
  EXPECT_EQ(stream.dropped[static_cast<std::size_t>(ledger::Drop::WriteFailed)], 40u);
  EXPECT_EQ(stream.row.buffered, 0u);
  EXPECT_TRUE(stream.balanced);
}

TEST(Recorder, BeginsManyRunsInOneChange) {
  Bench bench;
  for (int s = 0; s < 600; s += 3) bench.send(s, s + 2);  // two, and one is missing
  bench.finish();
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 200u);
  for (std::size_t i = 0; i < 200; ++i) {
    ASSERT_EQ(reader.runs()[i].n_samples, 2) << i;
    ASSERT_EQ(mth5::to_iso(reader.runs()[i].start), mth5::to_iso(reader.runs()[0].start + std::chrono::seconds{3 * i}));
  }
  EXPECT_EQ(channel(reader, "sr1_0200", "bx"), (std::vector<double>{597, 598}));
  EXPECT_EQ(reader.table("gaps").value().size(), 199u);
  EXPECT_LE(reader.table("commits").value().size(), 4u) << "not one for each run";
  EXPECT_TRUE(bench.state().streams.at(0).balanced);
}

TEST(Recorder, TellsBatteryAndSatellitesOfTheRunTheyBelongTo) {
  Bench bench;
  bench.send(Bench::line(0) + Bench::line(1) + Bench::line(2) + Bench::line(60) + Bench::line(61));
  bench.finish();
  const auto reader = bench.reader();
  ASSERT_EQ(reader.runs().size(), 2u);
  EXPECT_DOUBLE_EQ(reader.run_metadata(0).number("data_logger.power_source.voltage.start"), 12.0);
  EXPECT_DOUBLE_EQ(reader.run_metadata(0).number("data_logger.power_source.voltage.end"), 12.02);
  EXPECT_DOUBLE_EQ(reader.run_metadata(1).number("data_logger.power_source.voltage.start"), 12.6);
  EXPECT_DOUBLE_EQ(reader.run_metadata(1).number("data_logger.power_source.voltage.end"), 12.61);
  EXPECT_EQ(reader.stations()[0].metadata.number("location.latitude"), 34 + 4.83786 / 60);
}

/// A file may begin in the middle of what the timeline has as one run, and of a minute in which nothing changed.
TEST(Recorder, GivesEachFileItsOwnStateOfHealthAndClock) {
  Bench bench{"flush: {interval: 10ms}\n"};
  std::jthread writer{[&] { bench.recorder().run(); }};
  const auto send = [&](int first, int last) {  // with a battery that does not change
    std::string text;
    for (int s = first; s < last; ++s) {
      std::string line = Bench::line(s);
      char voltage[16];
      std::snprintf(voltage, sizeof voltage, "%5.2f %6.1f", 12.0 + s * 0.01, 2203.0);
      line.replace(line.find(voltage), 5, "12.50");
      text += line;
    }
    bench.send(text);
    const auto visible = [&](const auto& state) {
      return !state.streams.empty() && state.streams[0].visible == static_cast<std::uint64_t>(last);
    };
    ASSERT_TRUE(support::eventually([&] { return visible(bench.state()); }));
  };
  constexpr int kFiles = 4;
  constexpr int kSeconds = 8;
  for (int file = 0; file < kFiles; ++file) {
    send(file * kSeconds, (file + 1) * kSeconds);
    if (HasFatalFailure()) break;
    if (file + 1 == kFiles) break;
    bench.recorder().begin_new_file();
    ASSERT_TRUE(support::eventually([&] { return bench.state().file.empty(); }));
  }
  bench.intake().finish();
  bench.ring().close();
  writer.join();
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{bench.directory()})
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_EQ(files.size(), static_cast<std::size_t>(kFiles));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const mth5::Reader reader{files[i]};
    ASSERT_EQ(reader.runs().size(), 1u);
    const auto clock = reader.clock(0);
    ASSERT_FALSE(clock.anchors().empty()) << files[i];
    EXPECT_EQ(clock.anchors().front().sample, 0);
    EXPECT_EQ(clock.anchors().front().kind, "gps");
    EXPECT_EQ(clock.anchors().front().utc, reader.runs()[0].start);
    EXPECT_EQ(mth5::to_iso(reader.runs()[0].start),
              mth5::to_iso(*mth5::parse_time("2026-05-01T00:00:00") + std::chrono::seconds{kSeconds} * i));
    const auto health = reader.table("state_of_health/lemi").value();
    ASSERT_GT(health.size(), 0u) << files[i];
    EXPECT_EQ(health.number(0, "battery"), 12.5);
  }
}

/// Not where the axis of the run before would come to, which knows nothing of the drift: 1.4 s and more behind the true time
/// here.
TEST(Recorder, BeginsANewFileWhereTheClockHasComeTo) {
  Bench bench{"flush: {interval: 10ms}\n", 1u << 20,
              "  - {name: box, file: {path: /dev/null}, instrument: {sample_rate: 1, text: {clock: device, columns: [{time: "
              "'%s'}, {channel: hx}]}, "
              "channels: {hx: {type: magnetic, units: nanoTesla}}}}\n"};
  std::jthread writer{[&] { bench.recorder().run(); }};
  constexpr int kFiles = 3, kEach = 7'000;
  constexpr double kPpm = 200;
  const auto true_s = [](int i) { return 1'777'593'600 + i * (1 - kPpm * 1e-6); };
  for (int file = 0; file < kFiles; ++file) {
    std::string text;
    char line[64];
    for (int i = file * kEach; i < (file + 1) * kEach; ++i) {
      std::snprintf(line, sizeof line, "%.6f %d\n", true_s(i), i);
      text += line;
    }
    bench.send(text);
    const auto all = static_cast<std::uint64_t>((file + 1) * kEach);
    ASSERT_TRUE(support::eventually([&] { return !bench.state().streams.empty() && bench.state().streams[0].visible == all; }));
    if (file + 1 == kFiles) break;
    bench.recorder().begin_new_file();
    ASSERT_TRUE(support::eventually([&] { return bench.state().file.empty(); }));
  }
  bench.intake().finish();
  bench.ring().close();
  writer.join();
  int file = 0;
  for (const auto& path : support::files_in(bench.directory())) {
    const mth5::Reader reader{path};
    ASSERT_EQ(reader.runs().size(), 1u);
    const auto off = [&](mth5::UtcNanos time, int sample) {
      return std::abs(std::chrono::duration<double>(time.time_since_epoch()).count() - true_s(file * kEach + sample));
    };
    EXPECT_LT(off(reader.runs()[0].start, 0), 2e-3) << path;
    for (const int sample : {0, 1, kEach / 2, kEach - 1})
      EXPECT_LT(off(reader.utc_of(0, sample), sample), 2e-3) << path << sample;
    EXPECT_NEAR(std::abs(reader.run_metadata(0).number("data_logger.timing_system.drift")), kEach * kPpm * 1e-6, 0.01) << path;
    ++file;
  }
  EXPECT_EQ(file, kFiles);
  EXPECT_TRUE(bench.state().streams.at(0).balanced);
}

TEST(Intake, TellsTheClockOfEachStream) {
  Bench bench;
  EXPECT_FALSE(bench.intake().streams().at(0).clock) << "nothing has come yet";
  bench.send(0, 120);
  const auto clock = bench.intake().streams().at(0).clock;
  ASSERT_TRUE(clock);
  EXPECT_EQ(clock->source, "gps");
  EXPECT_TRUE(clock->locked);
  EXPECT_LE(clock->uncertainty_s, 1e-3);
  bench.finish();
}

TEST(Recorder, ShowsAnAnchorThoughNoSampleComesBehindIt) {
  Bench bench{"flush: {samples: 5, interval: 100ms}\nsync: {interval: 1h}\n"};
  std::thread writer{[&] { bench.recorder().run(); }};
  bench.send(0, 10);
  const auto visible = [&] {
    const auto streams = bench.state().streams;
    return !streams.empty() && streams[0].visible == 10;
  };
  EXPECT_TRUE(support::eventually(visible)) << bench.log();
  const auto utc = mth5::parse_time("2026-05-01T00:00:09.002Z").value();
  const ring::AnchorNote note{.sample = 9,
                              .utc_ns = utc.time_since_epoch().count(),
                              .kind = 3,
                              .locked = 1,
                              .residual_s = 0,
                              .ppm = -200,
                              .uncertainty_s = 1e-6};
  EXPECT_TRUE(bench.ring().push_note({ring::Kind::Anchor, false, 0}, ring::Words{note}.words));
  EXPECT_TRUE(support::eventually([&] {
    const auto reader = bench.reader();
    return reader.runs().size() == 1 && reader.clock(0).utc_of(9) == utc;
  })) << "as soon as samples would be, and not only when the file is synced";
  bench.intake().finish();
  bench.ring().close();
  writer.join();
}

TEST(Recorder, MakesWhatAFullRingRefusedAGapOfExactLength) {
  Bench bench{"", 2000};  // room for some 90 records
  bench.send(0, 20);
  for (int s = 20; s < 400; s += 10) bench.send(s, s + 10);
  EXPECT_GT(bench.dropped(ledger::Drop::RingFull), 0u);
  // The writer catches up: what comes now is taken again.
  const auto lost = bench.dropped(ledger::Drop::RingFull);
  bench.finish();
  const auto reader = bench.reader();
  const auto ledger = reader.table("stream_ledger").value();
  const std::size_t last = ledger.size() - 1;
  EXPECT_GE(static_cast<std::uint64_t>(ledger.integer(last, "samples_dropped")), lost);
  EXPECT_EQ(ledger.integer(last, "samples_decoded"),
            ledger.integer(last, "samples_stored") + ledger.integer(last, "samples_dropped"));
  const auto reasons = reader.table("reasons").value();
  ASSERT_GT(reasons.size(), 0u);
  EXPECT_EQ(reasons.text(reasons.size() - 1, "kind"), "dropped");
  EXPECT_EQ(reasons.text(reasons.size() - 1, "reason"), "ring-full");
  EXPECT_EQ(reasons.integer(reasons.size() - 1, "count"), ledger.integer(last, "samples_dropped"));
  EXPECT_EQ(ledger.integer(last, "samples_stored") + ledger.integer(last, "samples_missing"), 400);
  const auto gaps = reader.table("gaps").value();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps.text(0, "reason"), "ring-full");
  EXPECT_TRUE(bench.state().streams.at(0).balanced);
}

TEST(Ledger, BalancesSinceAnyMoment) {
  ledger::SourceRow source;
  source.counters = {
      .bytes_in = 100, .bytes_decoded = 80, .bytes_pending = 15, .frames = 8, .bytes_skipped = {5}, .events_skipped = {1}};
  ASSERT_TRUE(ledger::balanced(source));
  auto later = source;
  later.counters.bytes_in += 50;
  later.counters.bytes_decoded += 60;
  later.counters.bytes_pending = 5;
  const auto bytes = ledger::since(later, source);
  EXPECT_TRUE(ledger::balanced(bytes));
  EXPECT_EQ(bytes.counters.bytes_in, 65u) << "what was pending counts to the new file";
  auto wrong = later;
  ++wrong.counters.bytes_in;
  EXPECT_FALSE(ledger::balanced(wrong));

  ledger::StreamRow stream;
  stream.counters = {.decoded = 9, .passed = 7, .pending = 1, .dropped = {1}};
  stream.stored = 6;
  stream.buffered = 2;  // one held by the timeline, one in the batch
  ASSERT_TRUE(ledger::balanced(stream));
  auto next = stream;
  next.counters.decoded += 4;
  next.counters.passed += 5;
  next.counters.pending = 0;
  next.stored += 6;
  next.buffered = 0;
  const auto samples = ledger::since(next, stream);
  EXPECT_TRUE(ledger::balanced(samples));
  EXPECT_EQ(samples.counters.decoded, 6u);
  EXPECT_EQ(samples.stored, 6u);
  auto short_by_one = next;
  --short_by_one.stored;
  EXPECT_FALSE(ledger::balanced(short_by_one));
}

TEST(RunningMedian, StaysRightAndBounded) {
  recorder::RunningMedian median;
  EXPECT_FALSE(median.value().has_value());
  for (int i = 0; i < 100001; ++i) median.add(i);
  EXPECT_NEAR(median.value().value(), 50000, 100);
  recorder::RunningMedian few;
  few.add(1);
  few.add(5);
  EXPECT_EQ(few.value(), 3.0);
}

TEST(Output, FindsAFreeNameAndNeverTakesAnExistingOne) {
  const support::TempDir dir;
  config::Output output{.directory = dir.path(), .file_name = "{station}.h5"};
  EXPECT_EQ(recorder::next_file(output, {"S", "MT001"}).filename(), "MT001.h5");
  support::write_text(dir / "MT001.h5", "");
  EXPECT_EQ(recorder::next_file(output, {"S", "MT001"}).filename(), "MT001_2.h5");
  support::write_text(dir / "MT001_2.h5", "");
  EXPECT_EQ(recorder::next_file(output, {"S", "MT001"}).filename(), "MT001_3.h5");
}

TEST(Output, SaysWhatIsWrongWithADirectory) {
  const support::TempDir dir;
  EXPECT_THAT([&] { recorder::check_directory({.directory = dir / "none"}); },
              ThrowsMessage<mth5::FileError>(HasSubstr("none: does not exist; create it for the user of mth5d (mkdir -p)")));
  support::write_text(dir / "file", "");
  EXPECT_THAT([&] { recorder::check_directory({.directory = dir / "file"}); },
              ThrowsMessage<mth5::FileError>(HasSubstr("file: is not a directory")));
  EXPECT_NO_THROW(recorder::check_directory({.directory = dir.path()}));
}

TEST(Output, SaysWhereRecordingsWouldVanishOrTear) {
  const std::map<std::uint32_t, std::string> bad{{0x01021994, "is in memory"},
                                                 {0x858458f6, "is in memory"},
                                                 {0x794c7630, "is on overlayfs"},
                                                 {0x4d44, "is on FAT"},
                                                 {0x2011bab0, "is on exFAT"}};
  for (const auto& [type, text] : bad) EXPECT_THAT(std::string{recorder::doubt_of(type).value()}, testing::StartsWith(text));
  for (const std::uint32_t none : {0x01021994U, 0x858458f6U, 0x794c7630U}) EXPECT_TRUE(recorder::is_no_disk(none));
  for (const std::uint32_t disk : {0x4d44U, 0x2011bab0U, 0xef53U, 0x9123683eU}) EXPECT_FALSE(recorder::is_no_disk(disk));
  for (const std::uint32_t good : {0xef53U /* ext4 */, 0x58465342U /* xfs */, 0x9123683eU /* btrfs */, 0xf2f52010U /* f2fs */})
    EXPECT_EQ(recorder::doubt_of(good), std::nullopt);
  EXPECT_EQ(recorder::doubts_of_media({.directory = "/dev/shm"}).size(), 1u);
  const support::TempDir dir;
  config::Output output{.directory = dir.path()};
  const auto alone = recorder::doubts_of_media(output).size();
  std::filesystem::create_directory_symlink("/dev/shm", dir / "archive");
  EXPECT_EQ(recorder::doubts_of_media(output).size(), alone) << "nothing is archived there";
  output.finalize = "gzip-4";
  const auto both = recorder::doubts_of_media(output);
  ASSERT_EQ(both.size(), alone + 1);
  EXPECT_THAT(both.back(), testing::StartsWith("archives in " + (dir / "archive").string() + ": it is in memory: "));
}

TEST(Durations, TellTheSlowOnes) {
  ledger::Durations durations;
  for (int i = 1; i <= 100; ++i) durations.add(std::chrono::microseconds{i});
  EXPECT_EQ(durations.count(), 100);
  EXPECT_EQ(durations.last_us(), 100);
  EXPECT_EQ(durations.p99_us(), 99);
  EXPECT_EQ(durations.max_us(), 100);
  ledger::Durations two;
  two.add(std::chrono::microseconds{1});
  two.add(std::chrono::microseconds{9});
  EXPECT_EQ(two.p99_us(), 9) << "of two, one in a hundred is the longer";
}

}  // namespace
