#include <cctype>
#include <cmath>

#include "support/healthy.hpp"
#include "support/memory.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// What a bad line, a bad logger or a bad cable puts between good lines: counted by reason, and the good ones are all right.
namespace {

using support::Counts;
using support::counts;
using support::expect_good_end;
using support::lines_with;
using support::numbered_line;
using support::numbered_line_at;
using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::StoredGap;
using support::TcpPeer;
using testing::ElementsAreArray;
using testing::IsEmpty;

std::string cut(int k, std::size_t bytes) { return numbered_line(k).substr(0, bytes); }

/// The first `n` fields of a line.
std::string fields(int k, int n) {
  const auto line = numbered_line(k, "");
  std::size_t at = 0;
  for (int i = 0; i < n; ++i) at = line.find(' ', at + 1);
  return line.substr(0, at) + "\n";
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

struct Case {
  std::string name;
  std::string damage;     ///< sent between the lines of seconds 0…9 and those of 20…29
  std::vector<int> good;  ///< seconds in it that must be stored
  Counts skipped;         ///< bytes
  Counts dropped;         ///< samples
  std::vector<StoredGap> gaps;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> cases() {
  const std::string good = numbered_lines(10, 20);
  const auto whole = seconds(10, 20);
  const auto all_but_10 = seconds(11, 20);
  const std::string rest = numbered_lines(11, 20);
  const std::vector<StoredGap> gap_at_10{{10, 1, "bad-data"}};
  const std::string noise = "\x80\xff\x1b\x07\xc3\x28\xfe\x01";
  std::string crlf;
  std::string mixed;
  for (int k = 10; k < 20; ++k) {
    crlf += numbered_line(k, "\r\n");
    mixed += numbered_line(k, k % 2 == 0 ? "\r\n" : "\n");
  }
  return {
      {"CutLineWithEnd", cut(10, 25) + "\n" + rest, all_but_10, {{"short-line", 26}}, {}, gap_at_10},
      {"CutLineWithoutEnd", cut(10, 40) + rest, all_but_10, {{"cut-off", 40}}, {}, gap_at_10},
      {"CutInsideTheTime", cut(10, 15) + "\n" + rest, all_but_10, {{"cut-off", 16}}, {}, gap_at_10},
      {"FrontOfALineMissing",
       numbered_line(10).substr(30) + rest,
       all_but_10,
       {{"garbage", numbered_line(10).size() - 30}},
       {},
       gap_at_10},
      {"TextBetweenLines", "ERROR: sensor restarts\n" + good, whole, {{"garbage", 23}}, {}, {}},
      {"NoiseBetweenLines", noise + "\n" + good, whole, {{"garbage", 9}}, {}, {}},
      {"NoiseBeforeALine", noise + good, whole, {{"garbage", 8}}, {}, {}},
      {"NoiseInsteadOfALine", noise + "\n" + rest, all_but_10, {{"garbage", 9}}, {}, gap_at_10},
      {"NulsBeforeALine", std::string(64, '\0') + good, whole, {{"garbage", 64}}, {}, {}},
      {"NoNumberAtAll",
       cut(10, 20) + "one two three four five six seven eight nine ten\n" + rest,
       all_but_10,
       {{"bad-value", 69}},
       {},
       gap_at_10},
      {"RepeatedLine", numbered_line(10) + numbered_line(10) + numbered_line(10) + rest, whole, {}, {{"duplicate", 2}}, {}},
      {"RepeatedLines", good + good, whole, {}, {{"duplicate", 10}}, {}},
      // The times of a clock that jumps back are taken already.
      {"ClockBackInTheRun", numbered_lines(10, 15) + numbered_lines(11, 20), whole, {}, {{"duplicate", 4}}, {}},
      {"ClockBackBeforeTheRun",
       numbered_lines(15, 18) + numbered_lines(12, 15) + numbered_lines(18, 20),
       {15, 16, 17, 12, 13, 14, 18, 19},  // times that nobody has taken are free
       {},
       {},
       {{10, 5, "no-data"}, {18, 0, "clock-step"}}},
      {"WildYear2099", numbered_line_at("2099 01 01 00 00 00", 10) + good, whole, {}, {{"bad-time", 1}}, {}},
      {"WildYear1999", numbered_line_at("1999 12 31 23 59 59", 10) + good, whole, {}, {{"backward", 1}}, {}},
      {"WildYearInsteadOfALine",
       numbered_line_at("2099 01 01 00 00 00", 10) + rest,
       whole,  // there is room for exactly this one
       {},
       {},
       {}},
      {"NoSuchDate",
       numbered_line_at("2020 13 40 00 00 10", 10) + rest,
       all_but_10,
       {{"bad-time", numbered_line(10).size()}},
       {},
       gap_at_10},
      {"FewerTrailingFields", fields(10, 22) + fields(11, 16) + numbered_lines(12, 20), whole, {}, {}, {}},
      {"EndsAfterItsLastChannel", fields(10, 15) + rest, all_but_10, {{"short-line", fields(10, 15).size()}}, {}, gap_at_10},
      {"MoreTrailingFields", numbered_line(10, " 17 abc -3.5\n") + rest, whole, {}, {}, {}},
      {"CarriageReturns", crlf, whole, {}, {}, {}},
      {"MixedLineEnds", mixed, whole, {}, {}, {}},
      {"BlankLines", "\n\n   \n\r\n\t\n" + good + "\n\n", whole, {}, {}, {}},
      {"LineMissing", rest, all_but_10, {}, {}, {{10, 1, "no-data"}}},
  };
}

class DamagedInput : public testing::TestWithParam<Case> {};

TEST_P(DamagedInput, IsCountedAndTheGoodLinesAreRight) {
  const auto& damage = GetParam();
  const std::string all = numbered_lines(0, 10) + damage.damage + numbered_lines(20, 30);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(recording.wait_for_log("source connected")) << recording.log();
  ASSERT_TRUE(peer.send(all));
  ASSERT_TRUE(peer.all_received());  // TERM loses none of it
  const auto status = expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("bytes"), all.size());
  EXPECT_EQ(counts(status, "skipped"), damage.skipped);
  EXPECT_EQ(counts(status, "dropped"), damage.dropped);
  auto expected = seconds(0, 10);
  expected.insert(expected.end(), damage.good.begin(), damage.good.end());
  for (const int k : seconds(20, 30)) expected.push_back(k);
  EXPECT_EQ(support::stored(recording.file()).seconds, expected);
  EXPECT_THAT(support::stored_gaps(recording.file()), ElementsAreArray(damage.gaps));
  const bool any = !damage.skipped.empty() || !damage.dropped.empty();
  EXPECT_EQ(lines_with(recording.log(), "warning: not stored source=lemi ").empty(), !any) << recording.log();
  for (const auto& [reason, n] : damage.skipped)
    EXPECT_THAT(recording.log(), testing::HasSubstr("skipped_bytes[" + reason + "]=" + std::to_string(n)));
  for (const auto& [reason, n] : damage.dropped)
    EXPECT_THAT(recording.log(), testing::HasSubstr("dropped_samples[" + reason + "]=" + std::to_string(n)));
}

INSTANTIATE_TEST_SUITE_P(, DamagedInput, testing::ValuesIn(cases()), [](const auto& test) { return test.param.name; });

TEST(DamagedField, CostsItselfOnly) {
  const std::string with_nul = std::string{"10"} + '\0' + "250";
  for (const auto& by : {with_nul, std::string{"------"}, std::string{"10.2x0"}, std::string{"******"}}) {
    TcpPeer peer;
    Recording recording{Recording::tcp(peer.port())};
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(recording.wait_for_log("source connected")) << recording.log();
    ASSERT_TRUE(peer.send(numbered_lines(0, 10) + replaced(numbered_line(10), "10.250", by) + numbered_lines(11, 20)));
    ASSERT_TRUE(peer.all_received());
    const auto status = expect_good_end(recording);
    EXPECT_THAT(counts(status, "skipped"), IsEmpty());
    const mth5::Reader reader{recording.file()};
    ASSERT_EQ(reader.runs().size(), 1u);
    for (const auto index : reader.runs()[0].channels) {
      const auto samples = reader.read(index, 0, 100);
      ASSERT_EQ(samples.size(), 20u);
      const bool hit = reader.channels()[index].component == "by";
      for (std::size_t i = 0; i < samples.size(); ++i)
        EXPECT_EQ(std::isnan(samples[i]), hit && i == 10) << reader.channels()[index].component << " " << i;
    }
  }
}

TEST(EndlessLine, CostsNoMemoryAndTheLinesBehindItAreRight) {
  constexpr std::size_t kEndless = 20'000'000;
  constexpr std::size_t kMaxLine = 1024;  // of the profile
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const std::string before = numbered_lines(0, 5000);  // once round the ring: memory it has anyway is in use then
  ASSERT_TRUE(peer.send(before));
  ASSERT_TRUE(recording.wait_for_bytes(before.size()));
  const auto peak = support::peak_memory(recording.process().pid());
  ASSERT_TRUE(peer.send(std::string(kEndless, '7')));
  ASSERT_TRUE(recording.wait_for_bytes(before.size() + kEndless)) << recording.log();
  ASSERT_TRUE(peer.send("\n" + numbered_lines(5000, 5010)));
  ASSERT_TRUE(recording.wait_for_bytes(before.size() + kEndless + 1 + numbered_lines(5000, 5010).size()));
  // With AddressSanitizer too: what is freed stays resident there, so a buffer that grew would show even more.
  EXPECT_LT(support::peak_memory(recording.process().pid()), peak + 16'000'000);
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), (Counts{{"too-long", kEndless - kMaxLine}, {"garbage", kMaxLine + 1}}));
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 5010));
}

TEST(ThousandsOfBadLines, AreLoggedInAFewLines) {
  std::string all = numbered_lines(0, 10);
  for (int i = 0; i < 5'000; ++i) all += "garbage\n" + cut(10, 15) + "\n";  // in its time
  all += numbered_lines(10, 20);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(all));
  ASSERT_TRUE(recording.wait_for_bytes(all.size())) << recording.log();
  const auto status = expect_good_end(recording);
  EXPECT_EQ(counts(status, "skipped"), (Counts{{"garbage", 5'000 * 8}, {"cut-off", 5'000 * 16}}));
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 20));
  const auto told = lines_with(recording.log(), "warning: not stored source=lemi .*garbage.*cut-off");
  EXPECT_THAT(told.size(), testing::AllOf(testing::Ge(1u), testing::Le(3u))) << recording.log();
}

TEST(LastLine, IsTakenWithoutItsLineEnd) {
  const support::TempDir dir;
  const auto path = dir / "day.TXT";
  support::write_text(path, numbered_lines(0, 9) + numbered_line(9, ""));
  Recording recording{Recording::replay(path), {.arguments = {"--until-eof"}}};
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 10));
  EXPECT_TRUE(recording.status()->at("ledger").at("balanced"));
}

TEST(LastLine, IsNotTakenWhenItWasCutOff) {
  const support::TempDir dir;
  const auto path = dir / "day.TXT";
  support::write_text(path, numbered_lines(0, 9) + cut(9, 60));
  Recording recording{Recording::replay(path), {.arguments = {"--until-eof"}}};
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 9));
  EXPECT_EQ(counts(*recording.status(), "skipped"), (Counts{{"cut-off", 60}}));
}

}  // namespace
