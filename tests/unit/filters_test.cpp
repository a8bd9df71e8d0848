#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numbers>

#include "acquisition/config/filters.hpp"
#include "support/support.hpp"

namespace {

using namespace daq::config;
using testing::HasSubstr;

FoundInstrument profile(const support::TempDir& dir, const std::string& channel) {
  support::write_text(dir / "own.yaml",
                      "sample_rate: 1\ntext: {time: host, columns: [{channel: hx}]}\nchannels:\n  hx: {" + channel + "}\n");
  return find_instrument((dir / "own.yaml").string(), {});
}
std::string problem(const support::TempDir& dir, const std::string& filters) {
  const auto found = profile(dir, "type: magnetic, units: nanoTesla, filters: " + filters);
  return found.findings.empty() ? "" : found.findings.front().text();
}

TEST(ResponseTable, IsReadFromCsvAndRsp) {
  const auto csv = parse_response_table("f;a;p\n\n# a comment\n10;2;-0.5\r\n1,1,+0.25\n");
  ASSERT_EQ(csv.problem, "");
  ASSERT_EQ(csv.rows.size(), 2u);
  EXPECT_EQ(csv.rows[0], (mth5::Response{1, 1, 0.25})) << "by ascending frequency";
  EXPECT_EQ(csv.rows[1], (mth5::Response{10, 2, -0.5}));
  const auto rsp =
      parse_response_table(" Info coil 7 8 9 10\n StaticGain  800.0\n SensorType 006_HF\n -----\n 100.0 1.5 -7.25\n");
  ASSERT_EQ(rsp.problem, "");
  EXPECT_EQ(rsp.rows.at(0), (mth5::Response{100, 1200, -7.25}));
  EXPECT_EQ(parse_response_table("staticgain=4.5\n1 2 3\n").rows.at(0), (mth5::Response{1, 9, 3}));
  EXPECT_EQ(parse_response_table("\xEF\xBB\xBF"
                                 "1,2,3\n4,5,6\n")
                .rows.size(),
            2u)
      << "as a spreadsheet saves it";
}

TEST(ResponseTable, SaysWhatIsWrong) {
  EXPECT_EQ(parse_response_table("").problem, "holds no line of three numbers: frequency, amplitude, phase");
  EXPECT_EQ(parse_response_table("1 2 3\n4 5\n").problem, "line 2: '4 5' are not three numbers: frequency, amplitude, phase");
  EXPECT_EQ(parse_response_table("f;a;p\n0,001;0,1;89\n1;20;5\n").problem,
            "line 2: '0,001;0,1;89' has decimal commas; save the table with points: 0.5");
  EXPECT_EQ(parse_response_table("Coil 7 of 3,5 m\nSensor 7 2024\n1, 20, 5\n").problem, "");
  for (const std::string row : {"0.001,1,nan", "- 1 20", "1;2;-NaN"})
    EXPECT_EQ(parse_response_table("f a p\n" + row + "\n1 2 3\n").problem,
              "line 2: '" + row + "' are not three numbers: frequency, amplitude, phase");
  EXPECT_EQ(parse_response_table("StaticGain: 4,5\n1 2 3\n").problem,
            "line 1: 'StaticGain: 4,5' is not StaticGain and a number other than 0");
  EXPECT_EQ(parse_response_table("0 2 3\n").problem, "a frequency of 0 Hz; above 0 is meant");
  EXPECT_EQ(parse_response_table("1 2 3\n1.0 5 6\n").problem, "the frequency 1 Hz stands twice");
  EXPECT_EQ(parse_response_table("StaticGain 1e200\n1 1e200 3\n").problem, "an amplitude that no number can hold, at 1 Hz");
}

/// The form is that of doc/mthotel/source/atss/atss.md of MTHotel.
TEST(ResponseTable, IsTheCalibrationOfAHeaderOfMetronix) {
  const auto header = [](const std::string& calibration) {
    return parse_response_table("\n {\"datetime\": \"2009-08-20T13:22:01\", \"sensor_calibration\": " + calibration + "}");
  };
  const std::string units = R"("units_frequency": "Hz", "units_amplitude": "mV/nT", "units_phase": "degrees", )";
  const std::string lists = R"("f": [10000.0, 0.1], "a": [517.07, 20], "p": [-51.019, 88.566]})";
  const auto table = header("{\"sensor\": \"MFS-06\", " + units + lists);
  ASSERT_EQ(table.problem, "");
  EXPECT_EQ(table.rows, (std::vector<mth5::Response>{{0.1, 20, 88.566}, {10000, 517.07, -51.019}}));
  EXPECT_EQ(parse_response_table("{" + lists).rows, table.rows) << "of a sensor alone";
  const std::pair<std::string, const char*> cases[] = {
      {"{" + units + R"("f": [], "a": [], "p": []})", "has no calibration: its list f is empty"},
      {R"({"units_amplitude": "V/nT/Hz", )" + lists, "units_amplitude is 'V/nT/Hz'; mV/nT is meant"},
      {R"({"units_phase": "rad\u0007", )" + lists, "units_phase is 'rad\\x07'; degrees is meant"},
      {R"({"units_frequency": 7, )" + lists, "units_frequency is '7'; Hz is meant"},
      {R"({"f": [1], "a": [2, 3], "p": [3]})", "has lists f, a and p of different lengths"},
      {R"({"f": [1], "a": [2]})", "has no list 'p' in sensor_calibration"},
      {R"({"f": ["1"], "a": [2], "p": [3]})", "has something in 'f' that is no number"},
      {R"({"f": [1, 1], "a": [2, 2], "p": [3, 3]})", "the frequency 1 Hz stands twice"},
      {R"({"f": [1], "a": [0], "p": [3]})", "an amplitude of 0 at 1 Hz"},
      {"[]", "has a sensor_calibration that is no map"},
      {"", "begins as JSON, and is none"},
  };
  for (const auto& [calibration, problem] : cases) EXPECT_THAT(header(calibration).problem, HasSubstr(problem)) << calibration;
}

TEST(Filters, TakeTheirTableFromAHeaderOfMetronix) {
  const support::TempDir dir;
  support::write_text(dir / "hx.json", R"({"sensor_calibration": {"f": [1, 10], "a": [200, 2000], "p": [90, 45]}})");
  const auto filter = [](const std::string& more) {
    return "[{name: coil, kind: fap, units_in: nanoTesla, file: hx.json, " + more;
  };
  const auto found = profile(dir, "type: magnetic, units: milliVolt, filters: " + filter("units_out: milliVolt}]"));
  ASSERT_TRUE(found.instrument) << found.findings.front().text();
  const auto& rows = found.instrument->channels.at(0).filters.at(0).filter.responses;
  EXPECT_EQ(rows.at(0).amplitude, 200);
  EXPECT_DOUBLE_EQ(rows.at(1).phase, std::numbers::pi / 4) << "in the file phases are in radians";
  EXPECT_THAT(problem(dir, filter("units_out: Volt}]")),
              HasSubstr("hx.json: is in mV/nT; give units_in: nanoTesla and units_out: milliVolt"));
  EXPECT_THAT(problem(dir, filter("units_out: milliVolt, phase: radians}]")),
              HasSubstr("hx.json: has its phases in degrees; leave out phase: radians"));
}

/// What libmth5 would not write began file after file.
TEST(Filters, ThatTheFileWouldRefuseAreRefusedByTheConfiguration) {
  const support::TempDir dir;
  support::write_text(dir / "coil.csv", "0.01,3,0\n0.1,2,1081\n");
  const std::string units = ", kind: fap, units_in: milliVolt, units_out: nanoTesla";
  EXPECT_THAT(problem(dir, "[{name: a, file: coil.csv" + units + "}]"),
              HasSubstr("filters[0].file: filter 'a' (fap): responses: phase"));
  EXPECT_THAT(problem(dir, "[{name: a, phase: radians, table: [[1, 1, 19]]" + units + "}]"),
              HasSubstr("filters[0].table: filter 'a'"));
}

TEST(Filters, AreReadFromAChannel) {
  const support::TempDir dir;
  support::write_text(dir / "coil.csv", "1,2,180\n");
  const auto found =
      profile(dir,
              "type: magnetic, units: digital counts, filters: [{name: coil, kind: fap, units_in: nanoTesla, "
              "units_out: milliVolt, file: coil.csv, gain: 3, comments: of 2026}, {name: adc, units_in: milliVolt, "
              "units_out: digital counts, gain: 1000}]");
  ASSERT_TRUE(found.instrument) << found.findings.front().text();
  const auto& filters = found.instrument->channels.at(0).filters;
  ASSERT_EQ(filters.size(), 2u);
  EXPECT_EQ(filters[0].filter.responses.at(0), (mth5::Response{1, 6, std::numbers::pi}));
  EXPECT_EQ(filters[0].filter.metadata.text("comments"), "of 2026");
  EXPECT_EQ(filters[1].filter.metadata.number("gain"), 1000);
  auto channel = found.instrument->channels.at(0);
  EXPECT_EQ(apply_filters(channel), "");
  const auto applied = mth5::applied_filters(channel.metadata);
  ASSERT_EQ(applied.size(), 2u);
  EXPECT_EQ(applied[0].name, "coil");
  EXPECT_TRUE(applied[0].applied) << "else aurora does not remove it";
  EXPECT_EQ(applied[1].stage, 2);
}

TEST(Filters, OfADipoleHaveItsLengthOrGo) {
  const support::TempDir dir;
  support::write_text(
      dir / "own.yaml",
      "sample_rate: 1\ntext: {time: host, columns: [{channel: ex}]}\nchannels: {ex: {type: electric, units: microVolt, "
      "filters: [{name: dipole, units_in: milliVolt per kilometer, units_out: microVolt, gain: dipole_length}]}}\n");
  const auto found = find_instrument((dir / "own.yaml").string(), {});
  ASSERT_TRUE(found.instrument) << found.findings.front().text();
  auto without = found.instrument->channels.at(0), with = without;
  EXPECT_EQ(apply_filters(without), "");
  EXPECT_TRUE(without.filters.empty());
  with.metadata.set("dipole_length", 95.5);
  EXPECT_EQ(apply_filters(with), "");
  EXPECT_EQ(with.filters.at(0).filter.name(), "dipole_95.5");
  EXPECT_EQ(with.filters.at(0).filter.metadata.number("gain"), 95.5);
  auto other = with;
  other.filters[0].filter.metadata.set("gain", 1.0);
  EXPECT_EQ(clashing_filter({with, with}), "");
  EXPECT_EQ(clashing_filter({with, other}), "dipole_95.5");
}

TEST(Filters, MustLeadToTheUnitsOfTheChannel) {
  const support::TempDir dir;
  const auto with = [&](const std::string& units) {
    return profile(dir, "type: magnetic, units: " + units + ", filters: [{name: adc, units_in: milliVolt, units_out: Volt}]");
  };
  const auto other = with("digital counts");
  ASSERT_FALSE(other.instrument);
  EXPECT_THAT(other.findings.at(0).text(), HasSubstr("hx.filters: filter 'adc' ends in 'Volt', but the channel's units are"));
  auto channel = with("Volt").instrument.value().channels.at(0);
  channel.metadata.set("units", "digital counts");
  EXPECT_EQ(apply_filters(channel), "filter 'adc' ends in 'Volt', but the channel's units are 'digital counts'");
  channel.filters.push_back(channel.filters[0]);
  EXPECT_EQ(apply_filters(channel), "filter 'adc' ends in 'Volt', but the next one begins with 'milliVolt'");
}

TEST(Filters, ThatAreWrongAreAllReported) {
  const support::TempDir dir;
  const std::string ends = ", units_in: milliVolt, units_out: nanoTesla}]";
  EXPECT_THAT(problem(dir, "[coil]"), HasSubstr("hx.filters[0]: must be a map such as"));
  EXPECT_THAT(problem(dir, "[{name: Coil" + ends), HasSubstr("filters[0].name: 'Coil' has a 'C'; a filter's name is of"));
  EXPECT_THAT(problem(dir, "[{name: ." + ends), HasSubstr("filters[0].name: '.' must not be a dot"));
  EXPECT_THAT(problem(dir, "[{name: " + std::string(61, 'a') + ends), HasSubstr("has 61 characters (60 at most)"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: fir" + ends), HasSubstr("filters[0].kind: 'fir' is not coefficient, fap or zpk"));
  EXPECT_THAT(problem(dir, "[{name: a, gain: 0" + ends), HasSubstr("gain: '0' is not a number other than 0, or dipole_length"));
  EXPECT_THAT(problem(dir, "[{name: a, file: b.csv" + ends), HasSubstr("file: is for kind: fap"));
  EXPECT_THAT(problem(dir, "[{name: a, poles: [1]" + ends), HasSubstr("poles: is for kind: zpk"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: fap" + ends), HasSubstr("a fap needs a file or a table"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: fap, file: none.csv" + ends), HasSubstr("none.csv: "));
  EXPECT_THAT(problem(dir, "[{name: a, kind: fap, table: [[1, 2]]" + ends),
              HasSubstr("must be [frequency in Hz, amplitude, phase]"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: zpk, poles: [], zeros: []" + ends),
              HasSubstr("kind: zpk needs poles or zeros; a gain alone is kind: coefficient"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: zpk, poles: [[1, 2, 3]]" + ends),
              HasSubstr("must be a number, or [real, imaginary]"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: zpk, poles: [-1, [-2, 3]]" + ends),
              HasSubstr("filters[0].poles: has [-2, 3] without [-2, -3]"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: zpk, poles: [[-2, 3], [-2, 3], [-2, -3]]" + ends), HasSubstr("has [-2, 3] without"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: zpk, poles: [[-2, 3], [-2, -3]]" + ends), "");
  EXPECT_THAT(problem(dir, "[{name: a, kind: fap, table: [[1, -3, 0]]" + ends),
              HasSubstr("filters[0].table: an amplitude of -3 at 1 Hz; above 0 is meant, and of decibels 10^(dB/20)"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: zpk, poles: [-1], normalization_factor: 0" + ends),
              HasSubstr("filters[0].normalization_factor: must be other than 0"));
  EXPECT_THAT(problem(dir, "[{name: a, kind: fap, gain: 1e200, table: [[1, 1e200, 0]]" + ends),
              HasSubstr("filters[0].gain: makes an amplitude at 1 Hz that no number can hold"));
  EXPECT_THAT(problem(dir, "[{name: a, units_in: furlong, units_out: nanoTesla}]"), HasSubstr("units_in"));
}

}  // namespace
