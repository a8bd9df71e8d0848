#include "acquisition/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <regex>

#include "acquisition/config/keys.hpp"
#include "acquisition/config/reload.hpp"
#include "support/support.hpp"

namespace {

using namespace daq::config;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kLeast = R"(survey:  {id: TEST}
station: {id: MT001}
output:  {directory: data}
sources:
  - name: lemi
    serial: {device: /dev/ttyUSB0}
    instrument: lemi424
)";

/// As in the note on the programs' face, word by word.
constexpr const char* kFull =
    R"(survey:  {id: TEST}                             # any MTH5 survey attribute may stand here by its own name
station:
  id: MT001                                     # ids: [A-Za-z0-9_]
  location: {latitude: 40.5, longitude: -115.1, elevation: 1200}
output:
  directory: /var/lib/mth5d                     # must be local: NFS, CIFS, FUSE are refused unless allow_network: true
  file_name: "{station}_{start:%Y%m%dT%H%M%SZ}.h5"
  file_version: 0.2.0
flush: {samples: 1000, interval: 1s}            # to readers: whichever comes first
sync:  {interval: 10s}                          # to the medium: what a power cut may cost at most
ring:  120s                                     # how long a stalled disk is ridden out
chunk: 10000                                    # samples per HDF5 chunk; "auto" (default) picks by rate
gap:   {tolerance: 0.5 samples, fill_up_to: 0s, new_run_after: 0s}   # see Gaps
sources:
  - name: lemi
    serial: {device: /dev/serial/by-id/usb-LEMI, baud: 115200}       # or tcp: {host, port} · udp: {listen: 0.0.0.0:8888}
    idle_timeout: 60s                                                # · seedlink: {host, port, streams: [...]} · file: {path, speed: 1}
    reconnect: {first: 500ms, limit: 30s}
    instrument: lemi424                         # config/instruments/lemi424.yaml: decoder + channels; or an inline map
    run: "sr{rate}_{index:04}"
    channels:                                   # per channel: any MTH5 attribute; only what differs from the instrument's profile
      e1: {component: ex, dipole_length: 100.0, measurement_azimuth: 13.2}
      e2: {component: ey, dipole_length:  95.0, measurement_azimuth: 103.2}
)";

std::filesystem::path source_config() { return support::source() / "config"; }

class Config : public testing::Test {
 protected:
  Loaded read(const std::string& yaml, const Overrides& overrides = {}) {
    support::write_text(folder_ / "mth5d.yaml", yaml);
    return load(folder_ / "mth5d.yaml", overrides, {folder_ / "instruments", source_config() / "instruments"});
  }
  Loaded with(const std::vector<std::string>& set, const std::string& yaml = kLeast) { return read(yaml, {set, {}}); }

  /// "value  # origin" of a key, without the folder of the test.
  static std::string effective(const Loaded& loaded, const std::string& key) {
    for (const auto& e : loaded.effective)
      if (e.key == key) return e.value + "  # " + e.origin.substr(e.origin.rfind('/') + 1);
    return "absent";
  }
  static std::vector<std::string> texts(const Loaded& loaded) {
    std::vector<std::string> all;
    for (const auto& finding : loaded.findings) all.push_back(finding.text());
    return all;
  }

  support::TempDir folder_;
};

TEST_F(Config, TakesDefaultsForAllThatTheSiteDoesNotHaveToKnow) {
  const auto loaded = read(kLeast);
  ASSERT_THAT(texts(loaded), IsEmpty());
  const auto& config = *loaded.config;
  EXPECT_EQ(config.survey.text("id"), "TEST");
  EXPECT_EQ(config.output.directory, "data");
  EXPECT_EQ(config.output.file_version, "0.2.0");
  EXPECT_FALSE(config.output.allow_network);
  EXPECT_EQ(config.flush_samples, 1000);
  EXPECT_EQ(config.flush_interval, 1s);
  EXPECT_EQ(config.sync_interval, 10s);
  EXPECT_EQ(config.ring, 120s);
  EXPECT_EQ(config.chunk, 0U);
  EXPECT_EQ(config.output.roll_runs, 1000);
  ASSERT_EQ(config.sources.size(), 1U);
  const auto& source = config.sources[0];
  EXPECT_EQ(source.name, "lemi");
  EXPECT_EQ(to_string(source.input), "serial:/dev/ttyUSB0");
  EXPECT_EQ(std::get<Serial>(source.input).baud, 115200U);
  EXPECT_EQ(std::get<Serial>(source.input).parity, "none");
  EXPECT_EQ(source.gap.tolerance_samples, 0.5);
  EXPECT_EQ(source.gap.fill_up_to, 0s);
  EXPECT_EQ(source.gap.accept_step_after, 0s);
  EXPECT_EQ(source.clock.reanchor_after, 0s);
  EXPECT_EQ(source.clock.reanchor_samples, 0);
  EXPECT_EQ(source.clock.not_before, mth5::UtcNanos{});
  EXPECT_EQ(source.idle_timeout, 60s);
  EXPECT_EQ(source.station.text("id"), "MT001");
  EXPECT_FALSE(source.location_known);
  EXPECT_EQ(source.run_id, "sr{rate}_{index:04}");
}

TEST_F(Config, ReadsTheFullExample) {
  const auto loaded = read(kFull);
  ASSERT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config->chunk, 10000U);
  const auto& source = loaded.config->sources.at(0);
  EXPECT_TRUE(source.location_known);
  EXPECT_EQ(source.station.number("location.longitude"), -115.1);
  const auto& e1 = source.instrument.channels.at(5).metadata;
  EXPECT_EQ(e1.text("component"), "ex");
  EXPECT_EQ(e1.text("units"), "microVolt") << "unless the instrument says by what it has divided";
  EXPECT_EQ(source.instrument.channels.at(5).filters.at(0).filter.name(), "dipole_100");
  EXPECT_EQ(e1.number("dipole_length"), 100.0);
  EXPECT_EQ(source.instrument.channels.at(6).metadata.number("measurement_azimuth"), 103.2);
}

TEST_F(Config, TheSampleOfTheProjectLoadsAndSaysAllDefaultsRight) {
  const auto loaded = load(source_config() / "mth5d.yaml", {}, {source_config() / "instruments"});
  ASSERT_THAT(texts(loaded), IsEmpty());
  const auto least = read(kLeast);
  for (const auto& e : least.effective) {
    if (e.origin != "default" || e.key == "gap.new_run_after") continue;
    const auto same =
        std::find_if(loaded.effective.begin(), loaded.effective.end(), [&](const Effective& s) { return s.key == e.key; });
    ASSERT_NE(same, loaded.effective.end()) << e.key << " is not in the sample";
    EXPECT_EQ(same->value, e.value) << e.key;
    EXPECT_NE(same->origin, "default") << e.key << " is not in the sample";
  }
}

TEST_F(Config, TheLemi424ProfileIsThatOfPythonsReader) {
  const auto loaded = read(kLeast);
  ASSERT_TRUE(loaded.config);
  const auto& lemi = loaded.config->sources.at(0).instrument;
  EXPECT_EQ(lemi.name, "lemi424");
  EXPECT_EQ(lemi.origin, source_config() / "instruments/lemi424.yaml");
  EXPECT_EQ(lemi.sample_rate, 1.0);
  std::vector<std::string> channels, soh;
  for (const auto& channel : lemi.channels)
    channels.push_back(channel.name + " " + std::string{mth5::to_string(channel.metadata.kind())} + " " +
                       channel.metadata.text("units") + " " + std::string{mth5::to_string(channel.type)});
  EXPECT_THAT(channels,
              ElementsAre("bx magnetic nanoTesla float64", "by magnetic nanoTesla float64", "bz magnetic nanoTesla float64",
                          "temperature_e auxiliary celsius float64", "temperature_h auxiliary celsius float64",
                          "e1 electric microVolt float64", "e2 electric microVolt float64", "e3 electric microVolt float64",
                          "e4 electric microVolt float64"));
  for (const auto& one : lemi.soh) soh.push_back(one.name + " " + std::to_string(one.change) + " " + one.units);
  EXPECT_THAT(soh,
              ElementsAre("battery 0.050000 V", "elevation 5.000000 m", "latitude 0.000500 deg", "longitude 0.000500 deg",
                          "satellites 1.000000 ", "gps_fix 1.000000 ", "clock_difference 0.001000 s", "l1 0.000000 m",
                          "l2 0.000000 m", "l3 0.000000 m", "l4 0.000000 m", "ke1 0.000000 ", "ke2 0.000000 ", "ke3 0.000000 ",
                          "ke4 0.000000 ", "kxl 0.000000 ", "kyl 0.000000 ", "kzl 0.000000 ", "flash_free 1.000000 MB"));
  EXPECT_EQ(lemi.run.text("data_logger.model"), "LEMI-424");
  EXPECT_EQ(lemi.run.text("data_logger.timing_system.type"), "GPS");

  using Use = daq::decode::TextColumn::Use;
  const auto& text = std::get<daq::decode::TextFormat>(lemi.decoder);
  EXPECT_EQ(text.n_channels, 9U);
  EXPECT_EQ(text.n_soh, 19U);
  ASSERT_EQ(text.columns.size(), 24U);
  EXPECT_EQ(text.columns[0].use, Use::Year);
  EXPECT_EQ(text.columns[5].use, Use::Second);
  EXPECT_EQ(text.columns[14].use, Use::Channel);
  EXPECT_EQ(text.columns[14].index, 8U);
  EXPECT_EQ(text.columns[14].decimals, 3);
  EXPECT_EQ(text.columns[14].name, "e4");
  EXPECT_EQ(text.columns[17].use, Use::Soh);
  EXPECT_TRUE(text.columns[17].degrees_minutes);
  EXPECT_EQ(text.columns[20].use, Use::Hemisphere);
  EXPECT_EQ(lemi.soh[text.columns[20].index].name, "longitude");
  EXPECT_EQ(text.columns[23].decimals, -1);
}

TEST_F(Config, TheLemi424ProfileDecodesRealLines) {
  const auto loaded = read(kLeast);
  ASSERT_TRUE(loaded.config);
  const auto& lemi = loaded.config->sources.at(0).instrument;
  const auto decoder = daq::decode::make_decoder(lemi.decoder);
  const auto bytes = support::read_text(support::data() / "lemi424/202010010000.TXT");
  daq::decode::Batch batch;
  decoder->feed({.bytes = bytes}, batch);
  decoder->end_of_stream(batch);
  EXPECT_EQ(decoder->counters().frames, 120U);
  EXPECT_EQ(decoder->counters().bytes_decoded, bytes.size());
  const auto of = [](const auto& all, const std::string& name) {
    return std::size_t(std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; }) - all.begin());
  };
  EXPECT_EQ(batch.samples.at(of(lemi.channels, "bz")), 41840.909);
  EXPECT_EQ(batch.samples.at(of(lemi.channels, "e4")), 25.659);
  EXPECT_EQ(batch.soh.at(of(lemi.soh, "battery")), 12.98);
  EXPECT_NEAR(batch.soh.at(of(lemi.soh, "longitude")), -107.214072, 1e-6);
  EXPECT_EQ(batch.soh.at(of(lemi.soh, "satellites")), 12);
}

TEST_F(Config, OverridesComeInTheOrderFileEnvironmentCommandLine) {
  const Overrides overrides{{"station.id=MT07", "station.id=MT08"},
                            {{"MTH5D_STATION_ID", "MT06"}, {"MTH5D_FLUSH_INTERVAL", "5s"}, {"MTH5D_INSTRUMENTS", "/a:/b"}}};
  const auto loaded = read(kLeast, overrides);
  ASSERT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config->sources.at(0).station.text("id"), "MT08");
  EXPECT_EQ(loaded.config->flush_interval, 5s);
  EXPECT_EQ(effective(loaded, "station.id"), "MT08  # --set station.id");
  EXPECT_EQ(effective(loaded, "flush.interval"), "5s  # environment MTH5D_FLUSH_INTERVAL");
  EXPECT_EQ(effective(loaded, "flush.samples"), "1000  # default");
  EXPECT_EQ(effective(loaded, "output.directory"), "data  # mth5d.yaml:3:22");
  EXPECT_EQ(effective(loaded, "sources[0].channels.e1.component"), "e1  # instrument lemi424.yaml");
}

TEST_F(Config, OverridesReachEveryPlaceBySeveralSpellings) {
  for (const std::string path : {"sources.lemi", "sources.0", "sources[0]"}) {
    const auto loaded = with({path + ".serial.device=/dev/ttyS1", path + ".channels.e1={component: ex, dipole_length: 90}"});
    ASSERT_THAT(texts(loaded), IsEmpty()) << path;
    EXPECT_EQ(to_string(loaded.config->sources[0].input), "serial:/dev/ttyS1");
    EXPECT_EQ(loaded.config->sources[0].instrument.channels[5].metadata.number("dipole_length"), 90);
  }
}

TEST_F(Config, OtherUnitsTakeTheLimitsOfTheInstrumentAwayAndPrintConfigSaysSo) {
  const auto loaded = with({"sources.lemi.channels.bx={units: digital counts}",
                            "sources.lemi.channels.by={units: digital counts, clip_limits: [-8388608, 8388607]}"});
  ASSERT_THAT(texts(loaded), IsEmpty());
  const auto& channels = loaded.config->sources[0].instrument.channels;
  EXPECT_FALSE(channels[0].clip_limits);
  EXPECT_EQ(effective(loaded, "sources[0].channels.bx.clip_limits"), "none  # those of the instrument are in nanoTesla");
  EXPECT_EQ(effective(loaded, "sources[0].channels.bx.noise"), "none  # those of the instrument are in nanoTesla");
  ASSERT_TRUE(channels[1].clip_limits);
  EXPECT_EQ(channels[1].clip_limits->high, 8388607);
  EXPECT_EQ(effective(loaded, "sources[0].channels.by.clip_limits").find("none"), std::string::npos);
}

TEST_F(Config, OverridesFindDottedAndNestedAttributes) {
  for (const std::string station :
       {"{id: A, location.latitude: 1, location.longitude: 2}", "{id: A, location: {latitude: 1, longitude: 2}}"}) {
    auto yaml = std::string{kLeast};
    yaml.replace(yaml.find("{id: MT001}"), 11, station);
    const auto loaded = with({"station.location.latitude=40.25"}, yaml);
    ASSERT_THAT(texts(loaded), IsEmpty()) << station;
    EXPECT_EQ(loaded.config->sources[0].station.number("location.latitude"), 40.25);
    EXPECT_EQ(loaded.config->sources[0].station.number("location.longitude"), 2);
  }
}

TEST_F(Config, SettingAnotherKindOfInputReplacesTheInput) {
  const auto file = with({"sources.lemi.file.path=day.TXT", "sources.lemi.file.speed=max"});
  ASSERT_THAT(texts(file), IsEmpty());
  EXPECT_EQ(to_string(file.config->sources[0].input), "file:day.TXT");
  EXPECT_FALSE(std::get<ReplayFile>(file.config->sources[0].input).speed);
  const auto tcp = with({"sources.lemi.tcp.host=::1", "sources.lemi.tcp.port=7000"});
  ASSERT_THAT(texts(tcp), IsEmpty());
  EXPECT_EQ(to_string(tcp.config->sources[0].input), "tcp:[::1]:7000");
}

TEST_F(Config, OverrideValuesMayBePatternsWithoutQuotes) {
  const auto loaded = with({"output.file_name={station}_{start:%F}.h5", "station.geographic_name=Mill: old # one"});
  ASSERT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config->output.file_name, "{station}_{start:%F}.h5");
  EXPECT_EQ(loaded.config->sources[0].station.text("geographic_name"), "Mill: old # one");
}

TEST_F(Config, AConfigMayComeFromOverridesAlone) {
  const auto loaded = with(
      {"survey.id=S", "output.directory=d", "sources=[{name: a, station: {id: A}, file: {path: x}, instrument: lemi424}]"}, "");
  ASSERT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config->sources[0].station.text("id"), "A");
}

TEST_F(Config, ASourcesOwnStationTakesThePlaceOfTheCommonOne) {
  const auto loaded = read(std::string{kLeast} + R"(  - name: second
    tcp: {host: 10.0.0.2, port: 7000}
    instrument: lemi424
    station: {id: MT002, location: {latitude: 1, longitude: 2}}
)");
  ASSERT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config->sources.at(0).station.text("id"), "MT001");
  EXPECT_EQ(loaded.config->sources.at(1).station.text("id"), "MT002");
  EXPECT_TRUE(loaded.config->sources.at(1).location_known);
  EXPECT_FALSE(loaded.config->sources.at(0).location_known);
}

TEST_F(Config, AnchorsAndAliasesStandForTheirValues) {
  const auto loaded = read(R"(survey: {id: TEST}
output: {directory: data}
sources:
  - {name: a, file: &input {path: x}, instrument: &which lemi424, station: {id: A}}
  - {name: b, file: *input, instrument: *which, station: {id: B}}
)");
  ASSERT_THAT(texts(loaded), IsEmpty());
  EXPECT_EQ(to_string(loaded.config->sources.at(1).input), "file:x");
}

TEST_F(Config, AnInstrumentMayBeTheFileOfAProfile) {
  namespace fs = std::filesystem;
  const std::string absolute = folder_ / "boards/mine.yaml";
  fs::create_directory(folder_ / "boards");
  fs::copy_file(source_config() / "instruments" / "mth5-frame.yaml", absolute);
  fs::copy_file(source_config() / "instruments" / "mth5-frame.yaml", folder_ / "beside.yaml");
  for (const auto& name :
       {std::string{"boards/mine.yaml"}, std::string{"./boards/mine.yaml"}, std::string{"beside.yaml"}, absolute}) {
    const auto loaded = with({"sources.lemi.instrument=" + name});
    ASSERT_THAT(texts(loaded), IsEmpty()) << name;
    const auto& instrument = loaded.config->sources.at(0).instrument;
    EXPECT_EQ(instrument.name, fs::path{name}.stem());
    EXPECT_EQ(instrument.sample_rate, 256);
  }
  EXPECT_THAT(texts(with({"sources.lemi.instrument=boards/none.yaml"})), ElementsAre(testing::HasSubstr("none.yaml")));
}

TEST_F(Config, AnInlineInstrumentIsReadLikeAProfile) {
  const auto loaded = read(R"(survey: {id: TEST}
station: {id: MT001}
output: {directory: data}
gap: {fill_up_to: 5s}
sources:
  - name: adc
    tcp: {host: localhost, port: 1}
    instrument:
      sample_rate: 0.5
      text: {delimiter: ',', comment: '#', max_line: 80, columns: [year, month, day, hour, minute, second, {channel: counts}, skip]}
      channels: {counts: {type: electric, component: ex, units: digital counts, dtype: int32, fill: -1}}
    channels: {counts: {dipole_length: 50}}
)");
  ASSERT_THAT(texts(loaded), IsEmpty());
  const auto& instrument = loaded.config->sources.at(0).instrument;
  EXPECT_EQ(instrument.name, "adc");
  EXPECT_EQ(instrument.sample_rate, 0.5);
  const auto& text = std::get<daq::decode::TextFormat>(instrument.decoder);
  EXPECT_EQ(text.delimiter, ',');
  EXPECT_EQ(text.comment, '#');
  EXPECT_EQ(text.max_line, 80U);
  EXPECT_EQ(instrument.channels.at(0).fill, -1.0);
  EXPECT_EQ(instrument.channels.at(0).type, mth5::SampleType::Int32);
  EXPECT_EQ(effective(loaded, "sources[0].channels.counts.component"), "ex  # mth5d.yaml:11:54");
  EXPECT_EQ(effective(loaded, "sources[0].channels.counts.dipole_length"), "50  # mth5d.yaml:12:40");
}

TEST_F(Config, AChannelThatIsNotWantedIsLeftOut) {
  const auto loaded =
      with({"sources.lemi.channels.e3=skip", "sources.lemi.channels.bx=skip", "sources.lemi.channels.e4={component: e3}"});
  ASSERT_THAT(texts(loaded), IsEmpty());
  const auto& lemi = loaded.config->sources.at(0).instrument;
  EXPECT_THAT(lemi.kept, ElementsAre(1, 2, 3, 4, 5, 6, 8));
  ASSERT_EQ(lemi.channels.size(), 7U);
  EXPECT_EQ(lemi.channels.at(0).name, "by");
  EXPECT_EQ(lemi.channels.at(6).metadata.text("component"), "e3");
  EXPECT_EQ(effective(loaded, "sources[0].channels.e3"), "skip  # --set sources.lemi.channels.e3");
  EXPECT_EQ(effective(loaded, "sources[0].channels.e3.component"), "absent");
  EXPECT_EQ(effective(loaded, "sources[0].channels.by.component"), "by  # instrument lemi424.yaml");
}

TEST_F(Config, GapAndClockOfASourceHoldOverTheCommonOnesKeyByKey) {
  const auto loaded = read(std::string{kLeast} + R"(    gap: {fill_up_to: 3s}
    clock: {reanchor_after: 0.5 samples, not_before: 2020-01-01}
  - name: other
    tcp: {host: localhost, port: 1}
    station: {id: B}
    instrument: lemi424
gap: {tolerance: 0.25 samples, fill_up_to: 9s, accept_backward_after: 1min}
clock: {reanchor_after: 10ms}
)");
  ASSERT_THAT(texts(loaded), IsEmpty());
  const auto& own = loaded.config->sources.at(0);
  EXPECT_EQ(own.gap.tolerance_samples, 0.25);
  EXPECT_EQ(own.gap.fill_up_to, 3s);
  EXPECT_EQ(own.gap.accept_step_after, 1min);
  EXPECT_EQ(own.clock.reanchor_after, 0s);
  EXPECT_EQ(own.clock.reanchor_samples, 0.5);
  EXPECT_EQ(mth5::to_iso(own.clock.not_before), "2020-01-01T00:00:00Z");
  const auto& common = loaded.config->sources.at(1);
  EXPECT_EQ(common.gap.fill_up_to, 9s);
  EXPECT_EQ(common.clock.reanchor_after, 10ms);
  EXPECT_EQ(common.clock.reanchor_samples, 0);
  EXPECT_EQ(effective(loaded, "sources[0].gap.fill_up_to"), "3s  # mth5d.yaml:8:23");
  EXPECT_EQ(effective(loaded, "sources[0].gap.tolerance"), "absent");
  EXPECT_EQ(effective(loaded, "gap.tolerance"), "0.25 samples  # mth5d.yaml:14:18");
}

/// A value other than the default for every key that an environment variable may set.
const std::map<std::string, std::string> kOtherValues{
    {"ring", "33s"},
    {"chunk", "500"},
    {"output.directory", "elsewhere"},
    {"output.file_name", "{start:%F}T{start:%H%M%S}.h5"},
    {"output.file_version", "0.1.0"},
    {"output.allow_network", "true"},
    {"output.mount", "required"},
    {"output.reserve", "5MiB"},
    {"output.give_up_after", "3min"},
    {"output.finalize", "gzip-4"},
    {"output.finalize_wait_below", "11.8V"},
    {"output.retention", "30d"},
    {"output.retention_below", "20GiB"},
    {"output.roll.every", "6h"},
    {"output.roll.at", "03:30Z"},
    {"output.roll.size", "3GiB"},
    {"output.roll.runs", "77"},
    {"flush.samples", "7"},
    {"flush.interval", "2s"},
    {"sync.interval", "3s"},
    {"gap.tolerance", "0.25 samples"},
    {"gap.fill_up_to", "4s"},
    {"gap.new_run_after", "0s"},
    {"gap.accept_backward_after", "2min"},
    {"gap.tolerance_floor", "20ms"},
    {"gap.longest", "30d"},
    {"gap.remember", "5000"},
    {"clock.delay", "3ms"},
    {"clock.resolution", "1s"},
    {"clock.window", "5min"},
    {"clock.reanchor_after", "0.5 samples"},
    {"gap.channel_wait", "5s"},
    {"clock.not_before", "2020-01-01T00:00:00Z"},
};

/// Without which the key does nothing, and is refused.
const std::map<std::string, std::map<std::string, std::string>> kWith{
    {"output.retention", {{"output.finalize", "gzip-1"}}},
    {"output.retention_below", {{"output.finalize", "gzip-1"}, {"output.retention", "10d"}}},
    {"output.roll.at", {{"output.roll.every", "1d"}}}};
std::map<std::string, std::string> needs(const std::string& key) {
  const auto with = kWith.find(key);
  return with == kWith.end() ? std::map<std::string, std::string>{} : with->second;
}

std::string variable(const std::string& key) {
  std::string name = "MTH5D_";
  for (const char c : key) name += c == '.' ? '_' : char(std::toupper(c));
  return name;
}

TEST_F(Config, EveryKeyOutsideSourcesHasAnEnvironmentVariable) {
  int n = 0;
  for (const auto& key : all_keys()) {
    if (key.section.starts_with("sources") || key.section.starts_with("profile")) continue;
    const auto name = variable(key.path());
    const auto value = kOtherValues.find(key.path());
    ASSERT_NE(value, kOtherValues.end()) << key.path();
    std::vector<std::pair<std::string, std::string>> environment{{name, value->second}};
    if (!needs(key.path()).empty()) {
      EXPECT_THAT(texts(read(kLeast, {{}, environment})),
                  testing::Contains(testing::HasSubstr(key.path() + ": does nothing without")));
    }
    for (const auto& [needed, needed_value] : needs(key.path())) environment.emplace_back(variable(needed), needed_value);
    const auto loaded = read(kLeast, {{}, environment});
    EXPECT_THAT(texts(loaded), IsEmpty()) << key.path();
    EXPECT_EQ(effective(loaded, key.path()), value->second + "  # environment " + name);
    ++n;
  }
  EXPECT_EQ(n, int(kOtherValues.size()));
}

TEST_F(Config, TheSampleOfTheProjectHoldsEveryKey) {
  const auto sample = support::read_text(source_config() / "mth5d.yaml");
  const auto profile = support::read_text(source_config() / "instruments/lemi424.yaml");
  const auto frames = support::read_text(source_config() / "instruments/mth5-frame.yaml");
  const auto records = support::read_text(source_config() / "instruments/miniseed-mt.yaml");
  for (const auto& key : all_keys()) {
    const auto& text = key.section.starts_with("profile.frame")      ? frames
                       : key.section.starts_with("profile.miniseed") ? records
                       : key.section.starts_with("profile")          ? profile
                                                                     : sample;
    EXPECT_TRUE(std::regex_search(text, std::regex{"\\b" + key.name + "\\b"})) << key.path();
    EXPECT_FALSE(key.meaning.empty()) << key.path();
  }
}

constexpr const char* kTwo = R"(survey:  {id: TEST}
station: {id: MT001, location: {elevation: 10}}
output:  {directory: data}
sources:
  - name: lemi
    serial: {device: /dev/ttyUSB0}
    instrument: lemi424
    channels: {e1: {component: ex, dipole_length: 50}, e2: {component: ey, dipole_length: 60}}
  - name: board
    station: {id: MT002}
    serial: {device: /dev/ttyUSB1}
    instrument: mth5-frame
)";

class Reload : public Config {
 protected:
  /// What a recorder of kTwo takes of the same with some of it replaced, in `running_`.
  Changes take(const std::vector<std::pair<std::string, std::string>>& edits) {
    const auto first = read(kTwo);
    std::string yaml = kTwo;
    for (const auto& [from, to] : edits) yaml.replace(yaml.find(from), from.size(), to);
    running_ = first.config.value();
    const auto next = read(yaml);
    EXPECT_THAT(texts(next), IsEmpty());
    return take_changes(running_, first.effective, next);
  }
  [[nodiscard]] const daq::config::ChannelProfile& channel(const std::string& name) const {
    const auto& all = running_.sources[0].instrument.channels;
    return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  }
  daq::config::Config running_;
};

TEST_F(Reload, OfTheSameChangesNothing) {
  const auto changes = take({});
  EXPECT_THAT(changes.taken, IsEmpty());
  EXPECT_THAT(changes.left, IsEmpty());
}

TEST_F(Reload, TakesEveryKeyOfWhichTheManualSaysIt) {
  std::size_t n = 0;
  for (const auto& key : all_keys()) {
    if (key.section.starts_with("sources") || key.section.starts_with("profile")) continue;
    std::vector<std::string> set;
    for (const auto& [needed, value] : needs(key.path())) set.push_back(needed + "=" + value);
    const auto first = with(set);
    set.push_back(key.path() + "=" + kOtherValues.at(key.path()));
    const auto next = with(set);
    ASSERT_TRUE(next.config) << key.path();
    auto running = *first.config;
    const auto changes = take_changes(running, first.effective, next);
    EXPECT_EQ(changes.taken.size(), key.live ? 1u : 0u) << key.path();
    if (key.live) {
      EXPECT_THAT(changes.left, IsEmpty()) << key.path();
    }
    // Told again as long as it is not taken, and not when it is.
    const auto again = take_changes(running, changes.running, next);
    EXPECT_THAT(again.taken, IsEmpty()) << key.path();
    EXPECT_EQ(again.left, changes.left);
    n += key.live;
  }
  EXPECT_EQ(n, 12u);
}

TEST_F(Reload, PutsTheValuesInTheirPlaces) {
  const auto changes = take({{"data}",
                              "data, give_up_after: 3min, roll: {every: 1h, at: '00:30Z', size: 1GiB, runs: 7}}\n"
                              "flush: {samples: 5, interval: 2s}\nsync: {interval: 3s}"}});
  EXPECT_EQ(changes.taken.size(), 8u);
  EXPECT_EQ(running_.flush_samples, 5);
  EXPECT_EQ(running_.flush_interval, 2s);
  EXPECT_EQ(running_.sync_interval, 3s);
  EXPECT_EQ(running_.output.give_up_after, 3min);
  EXPECT_EQ(running_.output.roll_every, 1h);
  EXPECT_EQ(running_.output.roll_at, 30min);
  EXPECT_EQ(running_.output.roll_size, 1 << 30);
  EXPECT_EQ(running_.output.roll_runs, 7);
}

TEST_F(Reload, TakesWhatPeopleSayOfStationsAndChannels) {
  const auto changes = take({{"elevation: 10", "elevation: 20"},
                             {"dipole_length: 60", "dipole_length: 70, measurement_azimuth: 90"},
                             {"id: MT002", "id: MT002, geographic_name: East"}});
  EXPECT_THAT(changes.left, IsEmpty());
  EXPECT_THAT(changes.taken,
              ElementsAre("sources[0].channels.e2.dipole_length: 70, was 60",
                          "sources[0].channels.e2.measurement_azimuth: 90, was not set",
                          "sources[1].station.geographic_name: East, was not set", "station.location.elevation: 20, was 10"));
  EXPECT_EQ(channel("e2").metadata.number("dipole_length"), 70);
  EXPECT_EQ(running_.sources[0].station.number("location.elevation"), 20);
  EXPECT_EQ(running_.sources[1].station.text("geographic_name"), "East");
}

TEST_F(Reload, LeavesAChannelWholeOfWhichTheStoringChanges) {
  const auto changes = take({{"component: ex, dipole_length: 50", "component: ez, dipole_length: 55"},
                             {"dipole_length: 60", "dipole_length: 70"},
                             {"ttyUSB1", "ttyUSB2"}});
  EXPECT_THAT(changes.taken, ElementsAre("sources[0].channels.e2.dipole_length: 70, was 60"));
  EXPECT_THAT(changes.left,
              ElementsAre("sources[0].channels.e1.component: ez, was ex", "sources[0].channels.e1.dipole_length: 55, was 50",
                          "sources[1].serial.device: /dev/ttyUSB2, was /dev/ttyUSB1"));
  EXPECT_EQ(channel("e1").metadata.text("component"), "ex");
  EXPECT_EQ(channel("e1").metadata.number("dipole_length"), 50);
}

TEST_F(Reload, OfAnotherSourceTakesNothing) {
  const auto changes = take({{"name: lemi", "name: other"}, {"dipole_length: 60", "dipole_length: 70"}});
  EXPECT_THAT(changes.taken, IsEmpty());
  EXPECT_EQ(channel("e2").metadata.number("dipole_length"), 60);
}

/// A profile has dozens of keys: what came is one thing.
TEST_F(Reload, TellsASourceThatCameInOneLine) {
  const auto came = take({{"mth5-frame\n",
                           "mth5-frame\n  - {name: third, serial: {device: /dev/ttyUSB2}, instrument: lemi424, "
                           "station: {id: MT003}}\n"}});
  EXPECT_THAT(came.taken, IsEmpty());
  EXPECT_THAT(came.left, ElementsAre("sources[2]: third is new"));
}

TEST(Manual, IsThatOfTheTables) {
  EXPECT_EQ(support::read_text(support::source() / "apps/mth5d/mth5d.yaml.5"), manual_page())
      << "build/dev/bin/mth5d --print-manual > apps/mth5d/mth5d.yaml.5";
}

TEST_F(Config, AProfileIsFoundByNameAndByPath) {
  const auto by_name = find_instrument("lemi424", {source_config() / "instruments"});
  ASSERT_TRUE(by_name.instrument);
  const auto by_path = find_instrument((source_config() / "instruments/lemi424.yaml").string(), {});
  ASSERT_TRUE(by_path.instrument);
  EXPECT_EQ(by_path.instrument->name, "lemi424");
  EXPECT_EQ(by_path.instrument->channels.size(), by_name.instrument->channels.size());
  const auto none = find_instrument("lemi4244", {source_config() / "instruments"});
  ASSERT_EQ(none.findings.size(), 1U);
  EXPECT_THAT(none.findings[0].text(), testing::HasSubstr("--try: no profile 'lemi4244.yaml' in "));
  EXPECT_THAT(none.findings[0].text(), testing::HasSubstr("did you mean 'lemi424'?"));
  const auto missing = find_instrument("./nowhere.yaml", {});
  ASSERT_EQ(missing.findings.size(), 1U);
  EXPECT_EQ(missing.findings[0].text(), "./nowhere.yaml: cannot be read: No such file or directory");
}

TEST_F(Config, TheFirstFolderThatHasAProfileWins) {
  std::filesystem::create_directory(folder_ / "instruments");
  auto mine = support::read_text(source_config() / "instruments/lemi424.yaml");
  mine.replace(mine.find("sample_rate: 1 "), 15, "sample_rate: 2 ");
  support::write_text(folder_ / "instruments/lemi424.yaml", mine);
  support::write_text(folder_ / "instruments/broken.yaml", "sample_rate: x\n");
  const auto loaded = read(kLeast);
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->sources[0].instrument.sample_rate, 2.0);

  const auto list = list_instruments({folder_ / "instruments", source_config() / "instruments"});
  ASSERT_GE(list.size(), 3U);
  EXPECT_EQ(list[0].name, "broken");
  EXPECT_EQ(list[0].problem,
            (folder_ / "instruments/broken.yaml").string() + ":1:1: text, frame, datacast or miniseed: is missing");
  EXPECT_EQ(list[1].description, "LEMI-424 long-period MT station, text, 1 Hz");
  EXPECT_EQ(list[1].problem, "");
  const auto mine_again = std::find_if(list.begin() + 2, list.end(), [](const Listed& one) { return one.name == "lemi424"; });
  ASSERT_NE(mine_again, list.end());
  EXPECT_EQ(mine_again->problem, "") << "it is good, and not used";
  EXPECT_EQ(mine_again->shadowed_by, folder_ / "instruments/lemi424.yaml");
  EXPECT_EQ(list[1].shadowed_by, "");
}

TEST(InstrumentFolders, AreThoseOfTheVariableThenBesideTheConfigThenOfTheSystem) {
  setenv("MTH5D_INSTRUMENTS", "/one::/two", 1);
  const auto folders = instrument_folders("/etc/site/mth5d.yaml");
  unsetenv("MTH5D_INSTRUMENTS");
  ASSERT_EQ(folders.size(), 5U);
  EXPECT_EQ(folders[0], "/one");
  EXPECT_EQ(folders[1], "/two");
  EXPECT_EQ(folders[2], "/etc/site/instruments");
  EXPECT_EQ(folders[3], "/etc/mth5d/instruments");
  EXPECT_TRUE(std::filesystem::equivalent(folders[4], source_config() / "instruments"))
      << folders[4] << ": a build tree has a link to the profiles of its sources";
}

TEST(ProcessEnvironment, HoldsTheKeysButNotTheFolders) {
  setenv("MTH5D_INSTRUMENTS", "/one", 1);
  setenv("MTH5D_RING", "60s", 1);
  const auto found = process_environment();
  unsetenv("MTH5D_INSTRUMENTS");
  unsetenv("MTH5D_RING");
  EXPECT_THAT(found, testing::Contains(testing::Pair("MTH5D_RING", "60s")));
  EXPECT_THAT(found, testing::Not(testing::Contains(testing::Key("MTH5D_INSTRUMENTS"))));
}

}  // namespace
