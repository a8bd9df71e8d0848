#include "support/config_cases.hpp"

namespace {

using support::ConfigCase;

/// Profiles of instruments.
const ConfigCase kCases[] = {
    {"profile is no map",
     "",
     "a\n",
     {},
     {"instruments/tiny.yaml:1:1: must be a map with sample_rate, text and channels, not a single value"}},
    {"profile is no YAML",
     "sample_rate: 4",
     "sample_rate: [",
     {},
     {"instruments/tiny.yaml:3:10: is not YAML: end of sequence flow not found"}},
    {"profile without all",
     "",
     "description: x\n",
     {},
     {"instruments/tiny.yaml:1:1: sample_rate: is missing", "instruments/tiny.yaml:1:1: text: is missing",
      "instruments/tiny.yaml:1:1: channels: is missing"}},
    {"sample rate out of range",
     "sample_rate: 4",
     "sample_rate: 0",
     {},
     {"instruments/tiny.yaml:1:14: sample_rate: 0 is out of range (0.001 to 1000000 Hz)"}},
    {"sample rate with a unit",
     "sample_rate: 4",
     "sample_rate: 4Hz",
     {},
     {"instruments/tiny.yaml:1:14: sample_rate: '4Hz' is not a number (Hz)"}},
    {"unknown key", "text:", "rate: 1\ntext:", {}, {"instruments/tiny.yaml:2:1: rate: unknown key"}},
    {"no columns",
     "  columns: [year, month, day, hour, minute, second, {channel: ex}, {soh: battery}]",
     "  max_line: 5",
     {},
     {"instruments/tiny.yaml:3:3: text.columns: is missing",
      "instruments/tiny.yaml:3:13: text.max_line: 5 is out of range (16 to 65536 bytes)"}},
    {"delimiter of two characters",
     "  columns",
     "  delimiter: ',,'\n  comment: '##'\n  columns",
     {},
     {"instruments/tiny.yaml:3:14: text.delimiter: ',,' is not blanks, tab or one character such as ','",
      "instruments/tiny.yaml:4:12: text.comment: '##' is not one character such as ';'"}},
    {"a delimiter that numbers hold",
     "  columns",
     "  delimiter: '.'\n  columns",
     {},
     {"instruments/tiny.yaml:3:14: text.delimiter: '.' is not blanks, tab or one character such as ','"}},
    {"misspelt time column",
     "minute",
     "minuet",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column 'minute'",
      "instruments/tiny.yaml:3:37: text.columns[4]: 'minuet' is not a kind of column; did you mean 'minute'?"}},
    {"a second time column",
     "minute,",
     "minute, hour,",
     {},
     {"instruments/tiny.yaml:3:45: text.columns[5]: a second column 'hour'"}},
    {"a time column behind the channels",
     "second, {channel: ex}",
     "{channel: ex}, second",
     {},
     {"instruments/tiny.yaml:3:60: text.columns[6]: time columns must stand before the last channel: what is behind it may be "
      "missing in a line"}},
    {"a column of an unknown channel",
     "{channel: ex}",
     "{channel: ey}",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column for channel 'ex'",
      "instruments/tiny.yaml:3:63: text.columns[6].channel: 'ey' is not in channels; did you mean 'ex'?"}},
    {"a column of an unknown state of health",
     "{soh: battery}",
     "{soh: batery, form: dms}",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column for state_of_health 'battery'",
      "instruments/tiny.yaml:3:74: text.columns[7].soh: 'batery' has no column in state_of_health; did you mean 'battery'?",
      "instruments/tiny.yaml:3:88: text.columns[7].form: 'dms' is not number or ddmm"}},
    {"a hemisphere of nothing",
     "{soh: battery}",
     "{soh: battery}, {hemisphere: latitude}",
     {},
     {"instruments/tiny.yaml:3:97: text.columns[8].hemisphere: 'latitude' has no column in state_of_health"}},
    {"a hemisphere before its angle",
     "{soh: battery}",
     "{hemisphere: battery}, {soh: battery}",
     {},
     {"instruments/tiny.yaml:3:81: text.columns[7].hemisphere: must stand behind the column of 'battery'"}},
    {"a column of two kinds",
     "{channel: ex}",
     "{channel: ex, soh: battery}",
     {},
     {"instruments/tiny.yaml:3:53: text.columns[6]: a column is one of channel, soh, hemisphere",
      "instruments/tiny.yaml:3:88: text.columns[7].soh: a second column for 'battery'"}},
    {"a channel in two columns",
     "{channel: ex}",
     "{channel: ex, decimals: 13}, {channel: ex}",
     {},
     {"instruments/tiny.yaml:3:77: text.columns[6].decimals: 13 is out of range (0 to 12)",
      "instruments/tiny.yaml:3:92: text.columns[7].channel: a second column for 'ex'"}},
    {"a column that is a list",
     "{soh: battery}",
     "[battery]",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column for state_of_health 'battery'",
      "instruments/tiny.yaml:3:68: text.columns[7]: must be a word such as 'year', or a map such as {channel: bx}"}},
    {"channel without type and units",
     "{type: electric, units: milliVolt}",
     "{dtype: float64}",
     {},
     {"instruments/tiny.yaml:5:7: channels.ex.type: is missing", "instruments/tiny.yaml:5:7: channels.ex.units: is missing"}},
    {"channel of an unknown type",
     "type: electric",
     "type: Electric",
     {},
     {"instruments/tiny.yaml:5:14: channels.ex.type: 'Electric' is not electric, magnetic or auxiliary"}},
    {"channel of an unknown dtype",
     "type: electric",
     "type: electric, dtype: int24",
     {},
     {"instruments/tiny.yaml:5:31: channels.ex.dtype: 'int24' is not int16, int32, float32 or float64"}},
    {"fill for floats",
     "type: electric",
     "type: electric, fill: 0",
     {},
     {"instruments/tiny.yaml:5:30: channels.ex.fill: is for integer types; gaps in a float64 channel are filled with NaN"}},
    {"fill out of range",
     "type: electric",
     "type: electric, dtype: int16, fill: 40000",
     {},
     {"instruments/tiny.yaml:5:44: channels.ex.fill: 40000 is out of range (-32768 to 32767)"}},
    {"channel name that is no component",
     "  ex: {type: electric",
     "  hx: {type: electric",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column for channel 'hx'",
      "instruments/tiny.yaml:3:63: text.columns[6].channel: 'ex' is not in channels; did you mean 'hx'?",
      "instruments/tiny.yaml:5:3: channels.hx: 'hx' must begin with e, as electric components do"}},
    {"component twice",
     "  ex: {type: electric, units: milliVolt}",
     "  ex: {type: electric, units: milliVolt}\n  e1: {type: electric, units: milliVolt, component: ex}",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column for channel 'e1'",
      "instruments/tiny.yaml:6:3: channels.e1: component 'ex' is that of channel 'ex' already"}},
    {"channel that is a word",
     "{type: electric, units: milliVolt}",
     "electric",
     {},
     {"instruments/tiny.yaml:5:7: channels.ex: must be a map with at least type and units"}},
    {"unknown channel attribute",
     "type: electric",
     "type: electric, dipole: 3",
     {},
     {"instruments/tiny.yaml:5:24: channels.ex.dipole: unknown key"}},
    {"state of health that repeats no channel",
     "battery: {units: V}",
     "battery: {units: V}, t: {channel: ez}, u v: {}, w: 1",
     {},
     {"instruments/tiny.yaml:3:12: text.columns: no column for state_of_health 'u v'",
      "instruments/tiny.yaml:6:53: state_of_health.t.channel: 'ez' is not in channels; did you mean 'ex'?",
      "instruments/tiny.yaml:6:58: state_of_health.u v: has a blank; only letters, digits and _ are allowed",
      "instruments/tiny.yaml:6:70: state_of_health.w: must be a map such as {units: V}"}},
    {"run attribute of the recorder",
     "state_of_health",
     "run: {sample_rate: 4, data_logger.modell: x}\nstate_of_health",
     {},
     {"instruments/tiny.yaml:6:7: run.sample_rate: is set by mth5d from the data",
      "instruments/tiny.yaml:6:23: run.data_logger.modell: unknown key; did you mean 'data_logger.model'?"}},
    {"integers that cannot be filled",
     "type: electric",
     "type: electric, dtype: int32",
     {"gap.fill_up_to=1s"},
     {"--set gap.fill_up_to: gap.fill_up_to: channel 'ex' of instrument 'tiny' is int32 and has no 'fill' value; add one or set "
      "0s"}},
};

TEST(InstrumentErrors, AreAllFoundWithTheirPlaceInTheProfile) {
  for (const auto& one : kCases) support::expect_profile_findings(one);
}

TEST(InstrumentErrors, OfOneProfileAreReportedOnceHoweverManySourcesUseIt) {
  EXPECT_THAT(
      support::config_findings(R"(survey: {id: TEST}
output: {directory: data}
sources:
  - {name: a, file: {path: x}, instrument: tiny, station: {id: A}}
  - {name: b, file: {path: y}, instrument: tiny, station: {id: B}}
)",
                               {}, "sample_rate: 0\n"),
      testing::ElementsAre("instruments/tiny.yaml:1:1: text: is missing", "instruments/tiny.yaml:1:1: channels: is missing",
                           "instruments/tiny.yaml:1:14: sample_rate: 0 is out of range (0.001 to 1000000 Hz)"));
}

TEST(InstrumentErrors, OfAnInlineMapAreThoseOfTheConfig) {
  EXPECT_THAT(
      support::config_findings(R"(survey: {id: TEST}
station: {id: A}
output: {directory: data}
sources:
  - name: a
    file: {path: x}
    instrument:
      sample_rate: 1
      text: {columns: [year, month, day, hour, minute, second, {channel: ex}]}
      channels: {ex: {type: electric, units: volts}}
)"),
      testing::ElementsAre("mth5d.yaml:10:46: sources[0].instrument.channels.ex.units: 'volts' is not a unit MTH5 knows; did you "
                           "mean 'Volt' (V)?"));
}

}  // namespace
