#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "acquisition/decode/checksum.hpp"
#include "acquisition/trial/trial.hpp"
#include "support/lemi424.hpp"
#include "support/support.hpp"

namespace {

using daq::trial::Range;
using daq::trial::Trial;
using testing::HasSubstr;
using testing::Not;

daq::config::Instrument profile(const std::string& name) {
  const auto found = daq::config::find_instrument(name, {support::source() / "config/instruments"});
  if (!found.instrument) throw std::runtime_error{found.findings.front().text()};
  return *found.instrument;
}

nlohmann::ordered_json tried(const std::string& name, const std::string& text) {
  const auto instrument = profile(name);
  Trial trial{instrument};
  for (std::size_t i = 0; i < text.size(); i += 100) trial.feed(std::string_view{text}.substr(i, 100));
  trial.end();
  return trial.json("day.TXT");
}

TEST(Range, KnowsItsMiddle) {
  Range range;
  for (const double value : {5.0, 1.0, std::numeric_limits<double>::quiet_NaN(), 3.0, 2.0}) range.add(value);
  EXPECT_EQ(range.n(), 4u);
  EXPECT_EQ(range.unknown(), 1u);
  EXPECT_EQ(range.min(), 1);
  EXPECT_EQ(range.max(), 5);
  EXPECT_EQ(range.median(), 2.5);
  Range many;
  for (int i = 0; i <= 1'000'000; ++i) many.add(i);
  EXPECT_NEAR(many.median(), 500'000, 100);
  EXPECT_EQ(many.max(), 1'000'000);
}

TEST(Trial, TellsWhatARecordingHolds) {
  const auto json = tried("lemi424", support::read_text(support::data() / "lemi424/202010010000.TXT"));
  EXPECT_EQ(json["frames"], 120);
  EXPECT_EQ(json["bytes"]["decoded"], 18119);
  EXPECT_EQ(json["time"]["first"], "2020-10-01T00:00:00Z");
  EXPECT_EQ(json["time"]["last"], "2020-10-01T00:01:59Z");
  EXPECT_EQ(json["rate"]["guess"], 1.0);
  EXPECT_EQ(json["rate"]["steps"], 119);
  EXPECT_EQ(json["channels"].size(), 9u);
  EXPECT_EQ(json["channels"][0]["name"], "bx");
  EXPECT_EQ(json["channels"][0]["n"], 120);
  EXPECT_EQ(json["channels"][0]["unknown"], 0);
  EXPECT_EQ(json["state_of_health"][0]["name"], "battery");
  EXPECT_TRUE(json["refused"].empty());
}

TEST(Trial, GuessesTheRateThroughGapsAndRepeats) {
  std::string text;
  for (const int second : {0, 2, 4, 4, 6, 8, 20, 22, 24, 26}) text += support::lemi424_line(second) + "\n";
  const auto json = tried("lemi424", text);
  EXPECT_EQ(json["rate"]["guess"], 0.5);
  EXPECT_EQ(json["rate"]["steps"], 7);
  EXPECT_EQ(json["rate"]["of"], 9);
  EXPECT_EQ(json["rate"]["profile"], 1.0);
}

TEST(Trial, GuessesTheRateAlsoWhereSeveralSamplesHaveTheSameTime) {
  for (const int hz : {2, 10, 50}) {
    std::string text;
    for (int i = 3; i < 20 * hz; ++i) text += support::lemi424_line(i / hz) + "\n";
    const auto json = tried("lemi424", text);
    EXPECT_EQ(json["rate"]["guess"], static_cast<double>(hz));
    EXPECT_EQ(json["rate"]["of"], 19 - 3 / hz);
    EXPECT_THAT(json["findings"].dump(), HasSubstr("the profile says 1 Hz. If the instrument was set so, give the source "
                                                   "sample_rate: " +
                                                   std::to_string(hz)));
  }
}

/// 1/128 s is no whole number of milliseconds: steps of 8 and of 7 tell it together.
TEST(Trial, GuessesTheRateWhereTimesAreCutToLessOrMoreThanASample) {
  const auto guess = [](double hz, int decimals, double rate_of_profile) {
    const support::TempDir dir;
    support::write_text(dir / "own.yaml", "sample_rate: " + std::to_string(rate_of_profile) +
                                              "\ntext: {delimiter: ',', columns: [{time: '%s'}, {channel: hx}]}\n"
                                              "channels: {hx: {type: magnetic, units: nanoTesla}}\n");
    const auto found = daq::config::find_instrument((dir / "own.yaml").string(), {});
    Trial trial{found.instrument.value()};
    for (int i = 0; i < 2000; ++i) {
      if (i == 700) continue;
      char line[64];
      const double step = std::pow(10, -decimals);
      std::snprintf(line, sizeof line, "%.*f,%d\n", decimals, 1777593600 + std::floor(i / hz / step + 1e-6) * step, i);
      trial.feed(std::string_view{line});
    }
    trial.end();
    return trial.json("x");
  };
  for (const auto& [hz, decimals] :
       std::vector<std::pair<double, int>>{{128, 3}, {64, 3}, {256, 3}, {512, 3}, {256, 2}, {8, 1}, {300, 3}, {10, 0}}) {
    SCOPED_TRACE(testing::Message{} << hz << " Hz, " << decimals << " decimals");
    const auto right = guess(hz, decimals, hz);
    EXPECT_EQ(right["rate"]["guess"], hz);
    EXPECT_THAT(right["findings"].dump(), testing::Not(HasSubstr("the rate is")));
    EXPECT_THAT(guess(hz, decimals, 2 * hz)["findings"].dump(),
                HasSubstr("give the source sample_rate: " + std::to_string(std::lround(hz)) + "\""));
  }
}

/// Written by a program that is late by now more, now less: no step between two times is the usual one.
TEST(Trial, GuessesTheRateWhereTimesScatter) {
  const support::TempDir dir;
  support::write_text(dir / "own.yaml",
                      "sample_rate: 10\ntext: {delimiter: ',', columns: [{time: '%s', decimals: 3}, {channel: hx}]}\n"
                      "channels: {hx: {type: magnetic, units: nanoTesla}}\n");
  const auto found = daq::config::find_instrument((dir / "own.yaml").string(), {});
  for (const int n : {100, 1000}) {
    Trial trial{found.instrument.value()};
    std::mt19937 random{5};
    for (int i = 0; i < n; ++i) {
      const int ms = 100 * i + static_cast<int>(random() % 40);
      trial.feed(fmt::format("{}.{:03},{}\n", 1777593600 + ms / 1000, ms % 1000, i));
    }
    trial.end();
    const auto json = trial.json("x");
    EXPECT_NEAR(json["rate"]["guess"].get<double>(), 10, 0.02) << n;
    EXPECT_THAT(json["findings"].dump(), testing::Not(HasSubstr("the rate is")));
  }
}

TEST(Trial, TimesOfDayHaveTheDateOfTheComputerAndSayIt) {
  const auto gsm19 = profile("gsm19");
  Trial trial{gsm19};
  const std::string_view lines = "120000.0 48464.53 99\r\n120001.0 48464.53 99\r\n";
  trial.feed(std::span{lines}, *mth5::parse_time("2026-05-01T13:00:00"));
  trial.end();
  EXPECT_THAT(
      trial.text("day.txt"),
      HasSubstr("time      2026-05-01T12:00:00Z to 2026-05-01T12:00:01Z, times of day with the date of this computer's clock\n"));
}

TEST(Trial, ShowsWhatWasRefusedWithItsPlace) {
  auto bad = support::lemi424_line(1);
  bad.replace(bad.find("8.224"), 5, "     ");
  const auto json = tried("lemi424", support::lemi424_line(0) + "\n" + bad + "\nnoise\n" + support::lemi424_line(2) + "\n");
  EXPECT_EQ(json["frames"], 2);
  ASSERT_EQ(json["refused"].size(), 2u);
  EXPECT_EQ(json["refused"][0]["line"], 2);
  EXPECT_EQ(json["refused"][0]["place"], "field 18 (latitude)");
  EXPECT_EQ(json["refused"][0]["reason"], "bad-value");
  EXPECT_EQ(json["refused"][1]["reason"], "garbage");
  EXPECT_EQ(json["skipped"]["garbage"], 6);
}

TEST(Trial, SaysWhyNothingWasDecoded) {
  const auto lemi = profile("lemi424");
  const auto why = [&](const std::string& text) {
    Trial trial{lemi};
    trial.feed(text);
    trial.end();
    EXPECT_FALSE(trial.decoded_anything());
    return trial.why_nothing();
  };
  EXPECT_EQ(why(""), "is empty");
  EXPECT_EQ(why("\n \n"), "holds nothing but blank lines and comments");
  EXPECT_THAT(why("hello\n"), HasSubstr("line 1, field 1 (year): garbage: 'hello'"));
  EXPECT_THAT(why("\x1f\x8b\x08hello\n"), HasSubstr("this is compressed (gzip): unpack it first"));
}

daq::config::Instrument written(const std::string& text) {
  const support::TempDir dir;
  support::write_text(dir / "mine.yaml", text);
  const auto found = daq::config::find_instrument((dir / "mine.yaml").string(), {});
  if (!found.instrument) throw std::runtime_error{found.findings.front().text()};
  return *found.instrument;
}

TEST(Trial, ShowsWhatStandsWhereNothingIsKnown) {
  const std::string channels =
      "channels: {f: {type: magnetic, component: bf, units: nanoTesla}}\nstate_of_health: {battery: {units: V}, mode: {change: "
      "1}}\n";
  const std::string form =
      "sample_rate: 1\ntext: {delimiter: ';', columns: [{time: '%s'}, {channel: f}, {soh: battery}, {soh: mode}]}\n";
  const auto mine = written(form + channels);
  const auto try_text = [](const daq::config::Instrument& instrument, std::string_view text) {
    Trial trial{instrument};
    for (std::size_t i = 0; i < text.size(); i += 7) trial.feed(text.substr(i, 7));
    trial.end();
    return std::pair{trial.json("day.txt"), trial.text("day.txt")};
  };
  const auto [json, text] = try_text(mine, "noise\n1777593600;48000.1; 12.70V ;3\n1777593601;48000.2;12.71V;AUTO\n");
  EXPECT_EQ(json["state_of_health"][0]["unknown"], 2);
  EXPECT_EQ(json["state_of_health"][0]["example"], "12.71V") << "of a line that is nothing but a frame";
  EXPECT_FALSE(json["state_of_health"][1].contains("example")) << "known in one frame";
  EXPECT_FALSE(json["channels"][0].contains("example"));
  EXPECT_THAT(text, HasSubstr("\nunknown   battery in every frame; there stands, for one: 12.71V\n"));

  const auto hostile = try_text(mine, "1777593600;48000.1;\x1b[31m" + std::string(60, 'x') + ";3\n").second;
  EXPECT_THAT(hostile, HasSubstr("for one: \\x1b[31m" + std::string(35, 'x') + "...\n"));

  const auto nothing = try_text(mine, "1777593600;48000.1;;3\n").second;
  EXPECT_THAT(nothing, testing::Not(HasSubstr("there stands")));

  const auto json_lines = written(
      "sample_rate: 1\ntext: {json: true, columns: [{key: t, time: '%s'}, {key: f, channel: f}, {key: b, soh: "
      "battery}, {key: m, soh: mode}]}\n" +
      channels);
  EXPECT_EQ(try_text(json_lines, R"({"t":1777593600,"f":1,"b":"12.70V","m":1})"
                                 "\n")
                .first["state_of_health"][0]["example"],
            "12.70V");

  const auto nmea = written(
      "sample_rate: 1\ntext: {delimiter: ',', checksum: nmea, columns: [{time: '%s'}, {channel: f}, {soh: battery}, "
      "{soh: mode}]}\n" +
      channels);
  unsigned sum = 0;
  const std::string sentence = "1777593600,48000.1,full,1";
  for (const char c : sentence) sum ^= static_cast<unsigned char>(c);
  char end[8];
  std::snprintf(end, sizeof end, "*%02X\n", sum);
  EXPECT_EQ(try_text(nmea, "$" + sentence + end).first["state_of_health"][0]["example"], "full");

  const auto hemisphere =
      tried("lemi018", "2020 05 03 23 56 56 23000.1 -12.5 41000.7 22.1 21.9 12.4 330.0 4947.9334 n 02400.5473 E 8 1 0\n");
  EXPECT_EQ(hemisphere["state_of_health"][4]["name"], "latitude");
  EXPECT_EQ(hemisphere["state_of_health"][4]["example"], "4947.9334 n");
}

TEST(Trial, AdvisesWhereDecimalsOrTimesAreOfAnotherForm) {
  const std::string channels =
      "channels: {f: {type: magnetic, component: bf, units: nanoTesla}}\nstate_of_health: {battery: {}}\n";
  const auto refused = [&](const std::string& text, std::string_view line) {
    const auto mine = written("sample_rate: 1\ntext: {" + text + "}\n" + channels);
    Trial trial{mine};
    trial.feed(line);
    trial.end();
    return trial.text("day.txt");
  };
  const std::string columns = "columns: [{time: '%H:%M:%S'}, {time: '%d.%m.%Y'}, {channel: f, decimals: 2}, {soh: battery}]";
  const std::string comma = "; its decimals stand behind a comma: write decimal: comma\n";
  EXPECT_THAT(refused("delimiter: ';', " + columns, "12:00:00,5;01.05.2026;48000,12;12,7\n"), HasSubstr(comma));
  EXPECT_THAT(refused("delimiter: ';', " + columns, "12:00:00;01.05.2026;48000,12;12.7\n"), HasSubstr(comma));
  EXPECT_THAT(refused(columns, "12:00:00 01.05.2026 48000.12 12,7\n"), HasSubstr("for one: 12,7" + comma));
  EXPECT_THAT(refused("decimal: comma, " + columns, "12:00:00 01.05.2026 48000.12 12.7\n"),
              HasSubstr("; its decimals stand behind a point: leave out decimal: comma\n"));
  EXPECT_THAT(refused(columns, "12:00:00 31.04.2026 48000.12 12.7\n"), testing::Not(HasSubstr("decimals stand")));

  EXPECT_THAT(refused(columns, "12:00:00 1.5.2026 48000.12 12.7\n"),
              HasSubstr("; its numbers have no zero in front: write '%-d.%-m.%Y'\n"));

  const std::string json =
      "json: true, columns: [{key: t, time: '%Y-%m-%dT%H:%M:%S'}, {key: f, channel: f}, {key: b, soh: battery}]";
  EXPECT_THAT(refused(json, R"({"t":"2026-05-01T00:00:00.5Z","f":1,"b":2})"
                            "\n"),
              HasSubstr("; a Z stands behind the time: write '%Y-%m-%dT%H:%M:%SZ'\n"));
  EXPECT_THAT(refused(json, R"({"t":"2026-05-01T00:00:00+02:00","f":1,"b":2})"
                            "\n"),
              HasSubstr("; how far the time is ahead of UTC stands behind it: write '%Y-%m-%dT%H:%M:%S%z'\n"));
}

TEST(Trial, ShowsTheBytesWhereNothingIsKnownInABinaryFrame) {
  const auto mine = written(
      "sample_rate: 1\nframe: {sync: 'A5 5A', length: 9, confirm_frames: 1, per_frame: 1, samples: {at: 2, type: f32, channels: "
      "[f]}, "
      "fields: [{soh: state, at: 6, type: u8, values: {65: 1}}, {soh: mode, at: 7, type: u16, values: {1: 1}}]}\n"
      "channels: {f: {type: magnetic, component: bf, units: nanoTesla}}\nstate_of_health: {state: {change: 1}, mode: {change: "
      "1}}\n");
  Trial trial{mine};
  const std::string frame{
      "\xA5\x5A\x00\x00\xC0\x7F"
      "B\x02\x01",
      9};
  trial.feed(frame + frame);
  trial.end();
  const auto json = trial.json("day.bin");
  EXPECT_EQ(json["frames"], 2);
  EXPECT_EQ(json["channels"][0]["example"], "0x7fc00000");
  EXPECT_EQ(json["state_of_health"][0]["example"], "0x42 'B'");
  EXPECT_EQ(json["state_of_health"][1]["example"], "0x0102");
}

/// As of a LEMI-423 that is set to another rate than the profile says: a second, and the number of the sample in it.
TEST(Trial, GuessesTheRateWhereTicksAreReadByThatOfTheProfile) {
  const auto mine = written(
      "sample_rate: 1000\nframe: {sync: 'A5 5A', length: 12, confirm_frames: 1, per_frame: 1, "
      "time: {at: 2, type: u32, unit: s, ticks: {at: 6, type: u16}, resolution: 1ns}, "
      "samples: {at: 8, type: i32, channels: [f]}}\n"
      "channels: {f: {type: magnetic, component: bf, units: nanoTesla, dtype: int32}}\n");
  const auto little = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
    return text;
  };
  for (const std::uint64_t hz : {100U, 250U, 500U, 1000U, 2000U, 4000U}) {
    Trial trial{mine};
    std::string bytes;
    for (std::uint64_t i = hz / 3; i < 8 * hz; ++i)  // it begins within a second
      bytes += "\xA5\x5A" + little(1'800'000'000 + i / hz, 4) + little(i % hz, 2) + little(i, 4);
    trial.feed(bytes);
    trial.end();
    const auto json = trial.json("day.bin");
    EXPECT_EQ(json["rate"]["guess"], static_cast<double>(hz));
    if (hz == 1000)
      EXPECT_TRUE(json["findings"].empty());
    else
      EXPECT_THAT(json["findings"].at(0).get<std::string>(), HasSubstr("give the source sample_rate: " + std::to_string(hz)));
  }
}

TEST(Trial, TakesNoLossAndNoRepetitionForAnotherRateOfTicks) {
  const auto mine = written(
      "sample_rate: 1000\nframe: {sync: 'A5 5A', length: 12, confirm_frames: 1, per_frame: 1, "
      "time: {at: 2, type: u32, unit: s, ticks: {at: 6, type: u16}, resolution: 1ns}, "
      "samples: {at: 8, type: i32, channels: [f]}}\n"
      "channels: {f: {type: magnetic, component: bf, units: nanoTesla, dtype: int32}}\n");
  for (const int every : {50, 1001}) {  // so many, one is lost, or comes twice
    for (const bool twice : {false, true}) {
      Trial trial{mine};
      std::string bytes;
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        std::string frame = "\xA5\x5A";
        for (const auto& [value, size] : {std::pair{1'800'000'000 + i / 1000, 4}, {i % 1000, 2}, {i, 4}})
          for (int k = 0; k < size; ++k) frame += static_cast<char>(value >> 8 * k);
        const bool this_one = i % static_cast<std::uint64_t>(every) == 17;
        if (!this_one || twice) bytes += frame;
        if (this_one && twice) bytes += frame;
      }
      trial.feed(bytes);
      trial.end();
      const auto json = trial.json("day.bin");
      EXPECT_EQ(json["rate"]["guess"], 1000) << every << twice;
      EXPECT_TRUE(json["findings"].empty()) << json["findings"];
    }
  }
}

/// A profile that a user wrote.
nlohmann::ordered_json tried_own(const std::string& yaml, const std::string& text, std::string* for_people = nullptr) {
  const support::TempDir dir;
  support::write_text(dir / "mine.yaml", yaml);
  const auto found = daq::config::find_instrument((dir / "mine.yaml").string(), {});
  if (!found.instrument) throw std::runtime_error{found.findings.front().text()};
  Trial trial{*found.instrument};
  trial.feed(text);
  trial.end();
  if (for_people != nullptr) *for_people = trial.text("day.TXT");
  return trial.json("day.TXT");
}

TEST(Trial, AdvisesNoOtherRateWhereTheSamplesBetweenAreRefused) {
  std::string text;
  for (int i = 0; i < 60; ++i)
    text += fmt::format("2026-05-01T00:{:02}:{:02}.{};{}\n", i / 600, i / 10, i % 10, i % 2 == 0 ? "1.5" : "x");
  const auto json = tried_own(
      "sample_rate: 10\ntext: {delimiter: ';', columns: [{time: '%Y-%m-%dT%H:%M:%S', decimals: 1}, "
      "{channel: x}]}\nchannels: {x: {type: magnetic, component: bx, units: nanoTesla}}\n",
      text);
  EXPECT_EQ(json["rate"]["guess"], 5);
  const auto found = json["findings"].dump();
  EXPECT_THAT(found, HasSubstr("what is read comes at 5 Hz by 29 of 29 steps between times; the profile says 10 Hz. But 720 of "
                               "1500 bytes are refused, which may be the samples between: see to these first"));
  EXPECT_THAT(found, Not(HasSubstr("sample_rate: 5")));
}

TEST(Trial, SaysOfItsOwnLinesWhyThereIsNothingAndNotOfThoseOfAGps) {
  const auto found = written(
      "sample_rate: 1\ntext: {delimiter: ',', checksum: nmea, columns: [{text: PHEX}, {time: '%s'}, {channel: f}]}\n"
      "channels: {f: {type: magnetic, component: bf, units: nanoTesla}}\n");
  Trial trial{found};
  trial.feed(std::string{"$GPZDA,201530.00,04,07,2002,00,00*60\r\n$PHEX,1800000000,1.5*00\r\n"});
  trial.end();
  EXPECT_THAT(trial.why_nothing(), HasSubstr("line 2: bad-check: '$PHEX,1800000000,1.5*00"));
}

TEST(Trial, NamesValuesThatTheirChannelCannotHold) {
  std::string text;
  const auto json = tried_own(
      "sample_rate: 1\ntext: {columns: [year, month, day, hour, minute, second, {channel: x}, {channel: y}]}\n"
      "channels:\n  x: {type: auxiliary, units: digital counts, dtype: int16}\n"
      "  y: {type: auxiliary, units: digital counts, dtype: int32, fill: -1}\n",
      "2026 05 01 00 00 00 1 1\n2026 05 01 00 00 01 40000 1\n2026 05 01 00 00 02 1.5 -1\n2026 05 01 00 00 03 ? ?\n"
      "2026 05 01 00 00 04 -50000 2\n2026 05 01 00 00 05 -32768 3\n",
      &text);
  EXPECT_EQ(json["channels"][0]["values_clipped"], 2);
  EXPECT_EQ(json["channels"][0]["values_rounded"], 1);
  EXPECT_FALSE(json["channels"][0].contains("values_as_fill")) << "none was declared";
  EXPECT_EQ(json["channels"][1]["values_as_fill"], 1);
  EXPECT_THAT(text, HasSubstr("values    x (int16, -32768 to 32767): 2, the first of them 40000: values_clipped, beyond what the "
                              "type of their channel can hold: stored as the nearest that it can, in floats infinity\n"));
  EXPECT_THAT(text, HasSubstr("values    x (int16, -32768 to 32767): 1, the first of them 1.5: values_rounded, "));
  EXPECT_THAT(text,
              HasSubstr("values    y (int32, -2147483648 to 2147483647, fill -1): 1, the first of them -1: values_as_fill"));
}

TEST(Trial, SaysWhereTimesAreTooCoarseToTellALostLine) {
  const auto profile = [](const std::string& more) {
    return "sample_rate: 10\ntext: {columns: [{time: '%Y-%m-%dT%H:%M:%S'}, {channel: x}]" + more +
           "}\nchannels: {x: {type: auxiliary, units: volt}}\n";
  };
  std::string text;
  for (int k = 0; k < 20; ++k) text += "2026-05-01T00:00:0" + std::to_string(k / 10) + "." + std::to_string(k % 10) + "00 1\n";
  const auto found = [&](const std::string& more) { return tried_own(profile(more), text)["findings"].dump(); };
  EXPECT_THAT(found(", resolution: 100ms"),
              HasSubstr("times are cut to 100ms, and samples are 100ms apart: a lost one looks like"));
  EXPECT_THAT(found(", resolution: 1ns"), Not(HasSubstr("cut")));
  EXPECT_THAT(found(""), Not(HasSubstr("cut"))) << "by three decimals";
  for (std::size_t at; (at = text.find("00 1")) != std::string::npos;) text.replace(at, 4, " 1");
  EXPECT_THAT(found(""), HasSubstr("times are cut to 100ms")) << "by one";
}

TEST(Trial, AdvisesTheLengthOfLinesWhereNothingTellsOneThatIsMadeOfTwoHalves) {
  const auto found = [](const std::string& more, const std::string& end, int n = 12, const std::string& last = "") {
    std::string text;
    for (int k = 0; k < n; ++k) text += "2026-05-01T00:00:" + std::to_string(10 + k) + ", 1.5, -2.25" + end + "\r\n";
    return tried_own(
               "sample_rate: 1\ntext: {delimiter: ',', resolution: 1ns, columns: [{time: '%Y-%m-%dT%H:%M:%S'}, {channel: x" +
                   more + "}, {channel: y}]" + last +
                   "}\nchannels: {x: {type: auxiliary, units: volt}, y: {type: auxiliary, units: "
                   "volt}}\n",
               text)["findings"]
        .dump();
  };
  EXPECT_EQ(
      found("", ", 12.5, OK"),
      "[\"each of 12 lines has 5 fields: with lengths: [5] in the profile no line that is made of two halves is taken for a "
      "whole one\"]");
  EXPECT_THAT(found("", ""), HasSubstr("has 3 fields: with lengths: [3]"));
  EXPECT_EQ(found("", "", 9), "[]") << "too few";
  EXPECT_EQ(found(", decimals: 1", ""), "[]") << "the decimals tell";
  EXPECT_EQ(found("", "", 12, ", lengths: [3]"), "[]") << "it is said";
}

TEST(Trial, HelpsWhereDigitsOrTheEndOfLinesAreOthers) {
  const auto refused = [](const std::string& channel, const std::string& text) {
    const auto json = tried_own("sample_rate: 1\ntext: {columns: [{channel: x" + channel +
                                    "}], time: host}\nchannels: {x: {type: auxiliary, units: volt}}\n",
                                text);
    return json["refused"].empty() ? "nothing" : json["refused"][0]["advice"].get<std::string>();
  };
  EXPECT_EQ(refused(", digits: 5", "12345.6\n234.5\n"),
            "it has 3 digits before its decimals, and the profile says digits: 5; leave digits out if the instrument prints no "
            "zeros in front");
  EXPECT_EQ(refused("", "1.5\r2.5\r3.5\r"), "its lines end with a CR alone: write terminator: cr");
}

TEST(Trial, ShowsCountersFramesWithoutSamplesAndThoseHeldAgainstNoChecksum) {
  const std::string yaml =
      "sample_rate: 1\nframe:\n  name: data\n  sync: '53'\n  length: 6\n  endian: little\n  per_frame: 1\n"
      "  check: {rule: [crc16/kermit, crc16/modbus], at: -2}\n  counter: {at: 1, type: u8, counts: frames}\n"
      "  samples: {at: 2, type: i16, channels: [x]}\n  others:\n    - {name: alive, sync: '54 55', length: 2}\n"
      "channels: {x: {type: auxiliary, units: digital counts}}\n";
  const daq::decode::Checksum sum{*daq::decode::find_check("crc16/kermit")};
  std::string bytes;
  for (int k = 0; k < 150; ++k) {
    if (k == 77) continue;
    std::string frame{'S', static_cast<char>(k), static_cast<char>(k), '\0'};
    const auto check = sum.of(frame);
    frame += {static_cast<char>(check & 0xFF), static_cast<char>(check >> 8)};
    bytes += frame + (k % 50 == 0 ? "TU" : "");
  }
  std::string text;
  const auto json = tried_own(yaml, bytes, &text);
  EXPECT_EQ(json["frames"], 152);
  EXPECT_EQ(json["frames_without_samples"], 3);
  EXPECT_EQ(json["frames_unchecked"], 100);
  EXPECT_EQ(json["counter"].dump(), R"({"first":0,"last":149,"frames":149,"not_next":1})");
  EXPECT_THAT(text, HasSubstr("frames    152; without samples: 3; held against no checksum: 100\n"));
  EXPECT_THAT(text, HasSubstr("counter   from 0 to 149 in 149 frames; not next to the one before: 1\n"));
  EXPECT_THAT(text, HasSubstr("crc16/kermit is used from there on"));
}

TEST(Trial, RefusesFiltersThatDoNotLeadToTheUnitsOfTheirChannelAsASourceDoes) {
  EXPECT_THAT(
      [] {
        static_cast<void>(
            tried_own("sample_rate: 1\ntext: {columns: [{channel: x}], time: host}\n"
                      "channels:\n  x: {type: magnetic, component: hx, units: volt, filters: [{name: coil, kind: "
                      "coefficient, units_in: nanoTesla, units_out: milliVolt, gain: 2}]}\n",
                      "1\n"));
      },
      testing::ThrowsMessage<std::runtime_error>(
          HasSubstr("channels.x.filters: filter 'coil' ends in 'milliVolt', but the channel's units are 'Volt'")));
}

TEST(Trial, TextIsForPeople) {
  const auto lemi = profile("lemi424");
  Trial trial{lemi};
  trial.feed(support::lemi424_line(0) + "\n" + support::lemi424_line(1) + "\nx\n");
  trial.end();
  const auto text = trial.text("day.TXT");
  EXPECT_THAT(text, HasSubstr("frames    2\n"));
  EXPECT_THAT(text, HasSubstr("rate      1 Hz by 1 of 1 steps; the profile says 1 Hz\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\n  bx                  nanoTesla                      23772.512     23772.512     23772.512         0\n"));
  EXPECT_THAT(text, HasSubstr("skipped   2 bytes in 1 place(s): garbage, "));
  EXPECT_THAT(text, HasSubstr("refused   line 3, field 1 (year): garbage: 'x'\n"));
}

TEST(Trial, TheLemi018ProfileReadsLinesWithAndWithoutGps) {
  const auto json = tried("lemi018",
                          "# header\n2020 05 03 23 56 55 23000.1 -12.5 41000.7 22.1 21.9 12.4\n"
                          "2020 05 03 23 56 56 23000.1 -12.5 41000.7 22.1 21.9 12.4 330.0 4947.9334 N 02400.5473 E 8 1 0\n"
                          "2020 05 03 23 56 57 23000.1 -12.5 41000.7 22.1 21.9 12.4 330.0 4947\n");
  EXPECT_EQ(json["frames"], 3);
  EXPECT_EQ(json["short_lines"], 1);
  EXPECT_EQ(json["bytes"]["skipped"], 0);
  EXPECT_EQ(json["state_of_health"][2]["unknown"], 0) << "battery, the last field of a whole line without GPS";
}

TEST(Trial, TheGsm19ProfileReadsTimesOfDay) {
  const auto json = tried("gsm19", "235959.0 48464.53 99\r\n570301.0 48464.53\r\n000001.0 4846\n");
  EXPECT_EQ(json["frames"], 2);
  EXPECT_EQ(json["skipped"]["cut-off"], 14) << "no nT may be one that was cut";
}

TEST(Trial, TheRm3100ProfileReadsNewAndOldJson) {
  const auto json =
      tried("rm3100",
            "{ \"ts\":\"03 May 2020 23:56:55\", \"rt\":24.62, \"lt\":24.62, \"x\":14.1234, \"y\":-9.1, \"z\":42.0 }\n"
            "{ ts:\"03 May 2020 23:56:56\", rt:\"24.62\", lt:\"24.62\", x:\"14.1\", y:\"-9.1\", z:\"42.0\" }\n");
  EXPECT_EQ(json["frames"], 2);
  EXPECT_EQ(json["time"]["first"], "2020-05-03T23:56:55Z");
  EXPECT_EQ(json["channels"][0]["max"], 14.1234);
  EXPECT_EQ(json["bytes"]["skipped"], 0);
}

TEST(Trial, TheGsm90ProfileReadsItsLinesOverMidnight) {
  const auto json = tried("gsm90", support::read_text(support::data() / "gsm90/midnight.TXT"));
  EXPECT_EQ(json["frames"], 60);
  EXPECT_EQ(json["bytes"]["skipped"], 0);
  EXPECT_EQ(json["time"]["first"], "2026-05-01T23:59:30Z");
  EXPECT_EQ(json["time"]["last"], "2026-05-02T00:00:29Z");
  EXPECT_EQ(json["rate"]["guess"], 1.0);
  EXPECT_EQ(json["rate"]["steps"], 59);
  EXPECT_EQ(json["channels"][0]["component"], "bf");
  EXPECT_NEAR(json["channels"][0]["median"].get<double>(), 48464.5, 1);
  EXPECT_EQ(json["state_of_health"][0]["max"], 99.0);
}

}  // namespace
