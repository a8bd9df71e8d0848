#include "acquisition/source/dialogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// What is said to an instrument and when, by a clock of the test's own.
namespace {

using namespace std::chrono_literals;
using daq::config::CommandBytes;
using daq::config::Commands;
using daq::source::Dialogue;
using testing::ElementsAre;
using testing::HasSubstr;

std::span<const char> bytes(std::string_view text) { return {text.data(), text.size()}; }

/// Plays on to `until` and notes what is sent, with the ms when.
struct Line {
  explicit Line(const Commands& commands_) : dialogue{commands_} {}
  void play(std::chrono::milliseconds until) {
    for (;;) {
      const auto step = dialogue.due(Dialogue::Time{now}, values);
      if (step) {
        if (!step->bytes.empty()) said.push_back(std::to_string(now.count()) + " " + step->bytes);
        if (!step->problem.empty()) problems.push_back(std::to_string(now.count()) + " " + step->problem);
        reconnect |= step->reconnect;
        continue;
      }
      const auto next = dialogue.next();
      if (next > Dialogue::Time{until}) break;
      now = std::max(now + 1ms, std::chrono::ceil<std::chrono::milliseconds>(next.time_since_epoch()));
    }
    now = until;
  }
  Dialogue dialogue;
  daq::config::CommandValues values{};
  std::chrono::milliseconds now{0};
  std::vector<std::string> said{}, problems{};
  bool reconnect = false;
};

TEST(Dialogue, PausesAndWaitsForAnswersBeforeItGoesOn) {
  Commands commands;
  commands.start = {{.send = CommandBytes{"STOP"}, .answer = {}, .pause = 1s},
                    {.send = CommandBytes{"MODE"}, .answer = CommandBytes{"%MODE PC"}, .pause = 200ms},
                    {.send = CommandBytes{"START"}, .answer = {}}};
  Line line{commands};
  line.play(5s);
  EXPECT_THAT(line.said, testing::IsEmpty()) << "nobody is there yet";
  line.dialogue.connected(Dialogue::Time{line.now});
  line.play(7s);
  line.dialogue.received(bytes("1 2 3\r\n%MO"), Dialogue::Time{line.now});
  line.play(7500ms);
  line.dialogue.received(bytes("DE PC\r\n"), Dialogue::Time{line.now});
  line.play(60s);
  EXPECT_THAT(line.said, ElementsAre("5000 STOP", "6000 MODE", "7700 START"));
  EXPECT_THAT(line.problems, testing::IsEmpty());
}

TEST(Dialogue, TellsWhatWasNotAnsweredAndGoesOnOrGivesTheConnectionUp) {
  Commands commands;
  commands.start = {{.send = CommandBytes{"ID\\r\\n"}, .answer = CommandBytes{"%LEMI"}, .timeout = 2s},
                    {.send = CommandBytes{"RUN"}, .answer = {}}};
  Line goes_on{commands};
  goes_on.dialogue.connected({});
  goes_on.play(10s);
  EXPECT_THAT(goes_on.said, ElementsAre("0 ID\r\n", "2000 RUN"));
  EXPECT_THAT(goes_on.problems, ElementsAre("2000 no answer '%LEMI' to 'ID\\r\\n' within 2s"));
  EXPECT_FALSE(goes_on.reconnect);

  for (int i = 0; i < 3; ++i) commands.start.insert(commands.start.begin() + 1, commands.start.front());
  Line mute{commands};
  for (const std::chrono::milliseconds from : {0s, 60s}) {  // each connection anew
    mute.problems.clear();
    mute.dialogue.connected(Dialogue::Time{from});
    mute.play(from + 40s);
    EXPECT_EQ(mute.problems.size(), 2u);
    EXPECT_THAT(mute.problems, testing::Contains(testing::HasSubstr("no answer '%LEMI' to 'ID\\r\\n' within 2s")));
    EXPECT_THAT(mute.problems, testing::Contains(testing::HasSubstr("no answer to 3 more of 5 start-up commands")));
  }
  commands.start.erase(commands.start.begin() + 1, commands.start.begin() + 4);

  Commands timed;
  timed.start = {{.send = CommandBytes{"T={now:%H:%M}\\r"}, .answer = CommandBytes{"OK"}, .timeout = 2s}};
  Line clock{timed};
  clock.dialogue.connected({});
  clock.play(10s);
  ASSERT_EQ(clock.said.size(), 1u);
  EXPECT_THAT(clock.problems, ElementsAre("2000 no answer 'OK' to '" + clock.said[0].substr(2, 7) + "\\r' within 2s"))
      << "as it was sent";

  commands.no_answer = "reconnect";
  Line gives_up{commands};
  gives_up.dialogue.connected({});
  gives_up.play(10s);
  EXPECT_THAT(gives_up.said, ElementsAre("0 ID\r\n"));
  EXPECT_TRUE(gives_up.reconnect);
  gives_up.dialogue.connected(Dialogue::Time{gives_up.now});
  gives_up.play(11s);
  EXPECT_THAT(gives_up.said, ElementsAre("0 ID\r\n", "10000 ID\r\n")) << "from the beginning";
}

TEST(Dialogue, RepeatsAtItsIntervalsAndKeepsTheSpacing) {
  Commands commands;
  commands.every = {{CommandBytes{"F"}, 4s}, {CommandBytes{"T"}, 10s}};
  commands.spacing = 500ms;
  Line line{commands};
  line.dialogue.connected({});
  line.play(10'600ms);
  EXPECT_THAT(line.said, ElementsAre("0 F", "500 T", "4000 F", "8000 F", "10000 T"));
}

TEST(Dialogue, DoesNotMakeUpForWhatItMissed) {
  Commands commands;
  commands.every = {{CommandBytes{"F"}, 1s}};
  Line line{commands};
  line.dialogue.connected({});
  line.play(100ms);
  line.now = 60s;  // the machine slept
  line.play(62s);
  EXPECT_EQ(line.said.size(), 4u) << testing::PrintToString(line.said);
}

TEST(Dialogue, AsksNoSoonerThanItsIntervalBehindAPauseAndBehindADelay) {
  Commands commands;
  commands.start = {{.send = CommandBytes{"T48.5"}, .answer = {}, .pause = 2s}};
  commands.every = {{CommandBytes{"F"}, 3s}};
  Line line{commands};
  line.dialogue.connected({});
  line.play(9s);
  line.now = 13s;  // the machine slept
  line.play(17s);
  EXPECT_THAT(line.said, ElementsAre("0 T48.5", "2000 F", "5000 F", "8000 F", "13000 F", "16000 F"));
}

TEST(Dialogue, LeavesOutWhatAsksForSomethingUnknown) {
  Commands commands;
  commands.start = {{.send = CommandBytes{"DATA {token} {durable:%Y,%m,%d,%H,%M,%S}\\r"}, .answer = CommandBytes{"OK"}},
                    {.send = CommandBytes{"END"}, .answer = {}}};
  Line line{commands};
  line.dialogue.connected({});
  line.play(1s);
  EXPECT_THAT(line.said, ElementsAre("0 END"));
  line.values.token = "00A2B3";
  line.values.durable = mth5::parse_time("2026-05-01T00:01:02Z");
  line.dialogue.connected(Dialogue::Time{line.now});
  line.play(2s);
  EXPECT_THAT(line.said, ElementsAre("0 END", "1000 DATA 00A2B3 2026,05,01,00,01,02\r"));
}

TEST(CommandBytes, AreWhatTheTextSays) {
  daq::config::CommandValues values;
  values.now = mth5::parse_time("2026-11-25T22:31:28.9Z").value();  // a Wednesday
  const auto fill = [&](const char* text) { return CommandBytes{text}.fill(values).value(); };
  EXPECT_EQ(fill("=\\x38\\r\\n\\t\\\\{{}}"), "=8\r\n\t\\{}");
  EXPECT_EQ(fill("{now:%y%m%d%w%H%M%S}"), "2611253223128");
  EXPECT_EQ(fill("{now:%s} {now:%F %T} {now:%j%%}"), "1795645888 2026-11-25 22:31:28 329%");
  EXPECT_EQ(CommandBytes{"{token}"}.fill(values), std::nullopt);
  EXPECT_THAT(daq::config::check_command("\\x3"), HasSubstr("hexadecimal"));
  EXPECT_THAT(daq::config::check_command("{tokens}"), HasSubstr("is not one of"));
  EXPECT_THAT(daq::config::check_command("{now}"), HasSubstr("needs a form"));
  EXPECT_THAT(daq::config::check_command("{now:%Q}"), HasSubstr("no form of a time"));
  EXPECT_THAT(daq::config::check_command("a}"), HasSubstr("brace"));
  EXPECT_THAT(daq::config::check_answer("{token}"), HasSubstr("no times and tokens"));
  EXPECT_EQ(daq::config::check_answer("%MODE {{PC"), "");
}

}  // namespace
