#include <gtest/gtest.h>

#include "acquisition/simulate/answers.hpp"
#include "support/support.hpp"

namespace {

using daq::config::CommandBytes;
using daq::simulate::Answers;

daq::config::Instrument profile() {
  daq::config::Instrument instrument;
  instrument.simulate.answers = {{CommandBytes{"GET L1\\r\\n"}, CommandBytes{"%L1 = 1.5\\r\\n"}, "go-on"},
                                 {CommandBytes{"STOP\\r\\n"}, CommandBytes{"%STOP WORK\\r\\n"}, "stop"},
                                 {CommandBytes{"START\\r\\n"}, CommandBytes{"%START WORK\\r\\n"}, "send"}};
  instrument.simulate.otherwise = CommandBytes{"Command error\\r\\n"};
  instrument.commands.start = {{CommandBytes{"SET TIME {now:%H%M%S}\\r\\n"}, CommandBytes{"%TIME"}}};
  return instrument;
}

TEST(SimulatedAnswers, AreThoseOfTheProfileWhereverTheCommandIsCut) {
  const std::string commands = "GET L1\r\nSTOP\r\n\r\nSET TIME 235959\r\nGET L2\r\nSTART\r\n";
  const std::string expected = "%L1 = 1.5\r\n%STOP WORK\r\n%TIME\r\nCommand error\r\n%START WORK\r\n";
  for (std::size_t cut = 0; cut <= commands.size(); ++cut) {
    Answers answers{profile()};
    EXPECT_TRUE(answers.sending());
    const auto first = answers.heard(commands.substr(0, cut));
    EXPECT_EQ(first + answers.heard(commands.substr(cut)), expected) << "cut at " << cut;
    EXPECT_TRUE(answers.sending());
  }
}

TEST(SimulatedAnswers, ComeFromTheProfile) {
  const auto lemi424 = daq::config::find_instrument((support::source() / "config/instruments/lemi424.yaml").string(), {});
  ASSERT_TRUE(lemi424.instrument);
  Answers answers{*lemi424.instrument};
  EXPECT_EQ(answers.heard("GET L1\r\nSTOP\r\nGET L9\r\n"), "%L1 = 1.000000e+00\r\n%STOP WORK\r\nCommand error\r\n");
  EXPECT_FALSE(answers.sending());
  EXPECT_EQ(answers.heard("START\r\n"), "%START WORK\r\n");
  EXPECT_TRUE(answers.sending());
}

TEST(SimulatedAnswers, OfALemi025AreBytes) {
  using namespace std::string_literals;
  const auto lemi025 = daq::config::find_instrument((support::source() / "config/instruments/lemi025.yaml").string(), {});
  ASSERT_TRUE(lemi025.instrument);
  EXPECT_TRUE(lemi025.instrument->commands.start.empty()) << "what stops it is not said to one that records";
  Answers answers{*lemi025.instrument};
  EXPECT_EQ(answers.heard("\x3D\x38\x3D\x33\0\x03"s), "\x3F\x33");
  EXPECT_FALSE(answers.sending());
  EXPECT_EQ(answers.heard("\x3D\x39"), "\x3F\x39");
  EXPECT_TRUE(answers.sending());
}

TEST(SimulatedAnswers, TellWhenItSends) {
  Answers answers{profile(), false};
  EXPECT_TRUE(answers.can_start());
  EXPECT_FALSE(answers.sending());
  EXPECT_EQ(answers.heard("START\r\n"), "%START WORK\r\n");
  EXPECT_TRUE(answers.sending());
  EXPECT_EQ(answers.heard("STOP\r\n"), "%STOP WORK\r\n");
  EXPECT_FALSE(answers.sending());
}

TEST(SimulatedAnswers, TakeSingleLettersOfAnInstrumentWithoutLines) {
  daq::config::Instrument gsm90;
  gsm90.commands.start = {{CommandBytes{"S"}, {}}, {CommandBytes{"T048.5"}, {}}, {CommandBytes{"R"}, CommandBytes{"run"}}};
  Answers answers{gsm90};
  EXPECT_EQ(answers.heard("xST048.5?R"), "run\r\n");
}

TEST(SimulatedAnswers, KeepNothingOfAnEndlessCommand) {
  Answers answers{profile()};
  for (int i = 0; i < 102; ++i) EXPECT_EQ(answers.heard(std::string(1000, 'x')), "");
  EXPECT_EQ(answers.heard("\r\nGET L1\r\n"), "Command error\r\n%L1 = 1.5\r\n");
}

}  // namespace
