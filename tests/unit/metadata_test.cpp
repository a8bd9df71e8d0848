#include "mth5/metadata.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "mth5/error.hpp"

namespace {

using mth5::Kind;
using mth5::Metadata;
using mth5::MetadataError;
using mth5::Type;
using mth5::Value;
using testing::HasSubstr;
using Texts = std::vector<std::string>;

constexpr Kind kKinds[] = {Kind::Survey,      Kind::Station, Kind::Run, Kind::Electric, Kind::Magnetic, Kind::Auxiliary,
                           Kind::Coefficient, Kind::Zpk,     Kind::Fap, Kind::Fir,      Kind::TimeDelay};
static_assert(std::size(kKinds) == mth5::kKindCount);

/// What set() stores.
Value stored(Kind kind, const char* name, const Value& value) {
  Metadata metadata{kind};
  metadata.set(name, value);
  return *metadata.find(name);
}
Value stored(Kind kind, const char* name, const char* text) { return stored(kind, name, Value{std::string{text}}); }

/// What set() throws; "" if it accepts the value.
std::string refusal(Kind kind, const char* name, const Value& value) {
  Metadata metadata{kind};
  try {
    metadata.set(name, value);
  } catch (const MetadataError& e) {
    EXPECT_EQ(metadata, Metadata{kind}) << "a refused value leaves a trace";
    EXPECT_EQ(std::string{e.what()}.find('\n'), std::string::npos) << e.what();
    return e.what();
  }
  return "";
}
std::string refusal(Kind kind, const char* name, const char* text) { return refusal(kind, name, Value{std::string{text}}); }

TEST(Kinds, HaveTheNamesOfMth5) {
  EXPECT_EQ(mth5::to_string(Kind::Electric), "electric");
  EXPECT_EQ(mth5::mth5_type(Kind::Electric), "Electric");
  for (const auto kind : kKinds) {
    EXPECT_EQ(mth5::kind_from(mth5::to_string(kind)), kind);
    EXPECT_EQ(mth5::kind_from(mth5::mth5_type(kind)), kind);
  }
  EXPECT_EQ(mth5::kind_from("AUXILIARY"), Kind::Auxiliary);
  EXPECT_EQ(mth5::kind_from("channel"), std::nullopt);
  EXPECT_EQ(mth5::kind_from(""), std::nullopt);
}

TEST(Table, HasEachNameOnceAndADescription) {
  for (const auto kind : kKinds) {
    std::set<std::string_view> names;
    for (const auto& row : mth5::attributes(kind)) {
      EXPECT_TRUE(names.insert(row.name).second) << mth5::to_string(kind) << '.' << row.name;
      EXPECT_FALSE(row.description.empty()) << row.name;
      EXPECT_EQ(mth5::find_attribute(kind, row.name), &row);
      EXPECT_NE(row.name, "mth5_type");
      EXPECT_NE(row.name, "hdf5_reference");
    }
  }
}

TEST(Table, EveryDefaultMayBeSet) {
  for (const auto kind : kKinds)
    for (const auto& row : mth5::attributes(kind)) {
      if (!row.required || row.default_value.empty() || row.default_value == "nan") continue;  // nobody sets what is not known
      EXPECT_EQ(refusal(kind, std::string{row.name}.c_str(), Value{std::string{row.default_value}}), "");
    }
}

TEST(Table, EveryOptionMayBeSetAndKeepsItsSpelling) {
  for (const auto kind : kKinds)
    for (const auto& row : mth5::attributes(kind)) {
      if (row.type != Type::Text) continue;
      std::string_view rest = row.options;
      while (!rest.empty()) {
        std::string option{rest.substr(0, rest.find('|'))};
        rest.remove_prefix(std::min(rest.size(), option.size() + 1));
        if (option.ends_with('*')) option.back() = '9';
        EXPECT_EQ(stored(kind, std::string{row.name}.c_str(), Value{option}), Value{option}) << row.name;
      }
    }
}

TEST(Table, SuggestsTheNearestName) {
  EXPECT_EQ(mth5::nearest_attribute(Kind::Station, "location.latitud"), "location.latitude");
  EXPECT_EQ(mth5::nearest_attribute(Kind::Station, "latitude"), "location.latitude");
  EXPECT_EQ(mth5::nearest_attribute(Kind::Electric, "dipole_lenght"), "dipole_length");
  EXPECT_EQ(mth5::nearest_attribute(Kind::Electric, "Dipole_Length"), "dipole_length");
  EXPECT_EQ(mth5::nearest_attribute(Kind::Survey, "colour of the tent"), "");
  EXPECT_EQ(mth5::nearest_attribute(Kind::Survey, ""), "");
}

TEST(Set, NamesObjectAttributeValueAndLimit) {
  EXPECT_EQ(refusal(Kind::Station, "location.latitude", Value{95.0}),
            "station.location.latitude: 95 is out of range (-90 to 90 degrees)");
  EXPECT_EQ(refusal(Kind::Electric, "dipole_length", Value{-1.5}),
            "electric.dipole_length: -1.5 is out of range (at least 0 meters)");
  EXPECT_EQ(refusal(Kind::Station, "location.latitud", Value{1.0}),
            "station.location.latitud: MTH5 has no such attribute; did you mean 'location.latitude'?");
  EXPECT_EQ(refusal(Kind::Station, "location.latitude", "north"), "station.location.latitude: 'north' is not a number (degrees)");
  EXPECT_EQ(refusal(Kind::Station, "channel_layout", "Y"), "station.channel_layout: 'Y' is not one of L, X, +");
}

TEST(Set, ConvertsNumbers) {
  EXPECT_EQ(stored(Kind::Run, "sample_rate", Value{std::int64_t{8}}), Value{8.0});
  EXPECT_EQ(stored(Kind::Run, "sample_rate", " 0.1 "), Value{0.1});
  EXPECT_EQ(stored(Kind::Electric, "channel_number", Value{2.0}), Value{std::int64_t{2}});
  EXPECT_EQ(stored(Kind::Electric, "channel_number", "2"), Value{std::int64_t{2}});
  EXPECT_EQ(stored(Kind::Electric, "channel_id", Value{std::int64_t{5}}), Value{std::string{"5"}});
  EXPECT_THAT(refusal(Kind::Electric, "channel_number", Value{1.5}), HasSubstr("1.5 is not a whole number"));
  EXPECT_THAT(refusal(Kind::Electric, "channel_number", Value{1e300}), HasSubstr("not a whole number"));
  EXPECT_THAT(refusal(Kind::Electric, "channel_number", "2x"), HasSubstr("'2x' is not a whole number"));
  EXPECT_THAT(refusal(Kind::Electric, "channel_number", Value{true}), HasSubstr("true is not a whole number"));
  EXPECT_THAT(refusal(Kind::Run, "sample_rate", ""), HasSubstr("'' is not a number (samples per second)"));
  EXPECT_THAT(refusal(Kind::Run, "sample_rate", Value{Texts{"8"}}), HasSubstr("8 is not a number"));
}

TEST(Set, RefusesNumbersThatAreNone) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(refusal(Kind::Station, "location.latitude", Value{bad}), HasSubstr("is not a finite number"));
    EXPECT_THAT(refusal(Kind::Station, "location.elevation", Value{bad}), HasSubstr("is not a finite number"));
    EXPECT_THAT(refusal(Kind::Survey, "northwest_corner.longitude", Value{bad}), HasSubstr("is not a finite number"));
  }
  EXPECT_THAT(refusal(Kind::Station, "location.latitude", "nan"), HasSubstr("is not a finite number"));
}

TEST(Set, NormalisesTimes) {
  EXPECT_EQ(stored(Kind::Run, "time_period.start", "2020-10-01 02:00:00+02:00"), Value{std::string{"2020-10-01T00:00:00+00:00"}});
  EXPECT_EQ(stored(Kind::Run, "time_period.end", "2020-10-01"), Value{std::string{"2020-10-01T00:00:00+00:00"}});
  EXPECT_EQ(stored(Kind::Survey, "time_period.start_date", "2020-10-01T23:30-01:00"), Value{std::string{"2020-10-02"}});
  EXPECT_THAT(refusal(Kind::Run, "time_period.start", "2020-02-30"),
              HasSubstr("run.time_period.start: '2020-02-30' is not a time"));
  EXPECT_THAT(refusal(Kind::Run, "time_period.start", ""), HasSubstr("is not a time"));
  EXPECT_THAT(refusal(Kind::Run, "time_period.start", Value{1.6e9}), HasSubstr("is not a time"));
}

TEST(Set, TakesOptionsInAnySpelling) {
  EXPECT_EQ(stored(Kind::Station, "data_type", "bbmt"), Value{std::string{"BBMT"}});
  EXPECT_EQ(stored(Kind::Station, "orientation.method", "gps"), Value{std::string{"GPS"}});
  EXPECT_EQ(stored(Kind::Survey, "datum", "wgs84"), Value{std::string{"WGS 84"}});
  EXPECT_EQ(stored(Kind::Survey, "release_license", "CC BY 4.0"), Value{std::string{"CC-BY-4.0"}});
  EXPECT_EQ(stored(Kind::Station, "location.declination.model", "igrf-13"), Value{std::string{"IGRF-13"}});
  EXPECT_EQ(stored(Kind::Electric, "type", "Electric"), Value{std::string{"electric"}});
  EXPECT_THAT(refusal(Kind::Station, "location.declination.model", "IGRF13"), HasSubstr("is not one of EMAG2, EMM, HDGM, IGRF"));
  EXPECT_THAT(refusal(Kind::Survey, "release_license", "CC-BY-4.1"), HasSubstr("did you mean 'CC-BY-"));
  EXPECT_THAT(refusal(Kind::Survey, "datum", "the ellipsoid of my aunt"), HasSubstr("the usual one is 'WGS 84'"));
  EXPECT_THAT(refusal(Kind::Station, "data_type", ""), HasSubstr("is empty; leave it out"));
  EXPECT_THAT(refusal(Kind::Magnetic, "type", "electric"), HasSubstr("is not one of magnetic"));
}

TEST(Set, ReadsBools) {
  for (const char* yes : {"true", "Yes", "1"}) EXPECT_EQ(stored(Kind::Survey, "fdsn.new_epoch", yes), Value{true});
  for (const char* no : {"False", "no", "0"}) EXPECT_EQ(stored(Kind::Survey, "fdsn.new_epoch", no), Value{false});
  EXPECT_EQ(stored(Kind::Survey, "fdsn.new_epoch", Value{std::int64_t{1}}), Value{true});
  EXPECT_THAT(refusal(Kind::Survey, "fdsn.new_epoch", "perhaps"), HasSubstr("'perhaps' is not true or false"));
  EXPECT_THAT(refusal(Kind::Survey, "fdsn.new_epoch", Value{std::int64_t{2}}), HasSubstr("2 is not true or false"));
}

TEST(Set, ReadsLists) {
  const Value both{Texts{"ex", "ey"}};
  EXPECT_EQ(stored(Kind::Run, "channels_recorded_electric", both), both);
  EXPECT_EQ(stored(Kind::Run, "channels_recorded_electric", R"( [ "ex" ,"ey" ] )"), both);
  EXPECT_EQ(stored(Kind::Run, "channels_recorded_electric", "Ex, ey"), both);
  EXPECT_EQ(stored(Kind::Run, "channels_recorded_electric", "none"), Value{Texts{}});
  EXPECT_EQ(stored(Kind::Run, "channels_recorded_electric", "[]"), Value{Texts{}});
  EXPECT_EQ(stored(Kind::Survey, "country", R"(["Espa\u00f1a", "\ud83d\ude00", "a\"b"])"), (Value{Texts{"España", "😀", "a\"b"}}));
  for (const char* bad : {"[ex]", "[\"ex\"", "[\"ex\",]", "[\"ex\"] x", "[1]", R"(["\x"])", R"(["\ud83d"])", "[\"e"})
    EXPECT_THAT(refusal(Kind::Run, "channels_recorded_electric", bad), HasSubstr("is not a list of texts")) << bad;
  EXPECT_THAT(refusal(Kind::Run, "channels_recorded_electric", "ex,,ey"), HasSubstr("has an empty element"));
  EXPECT_THAT(refusal(Kind::Run, "channels_recorded_electric", "ex,hx"), HasSubstr("'hx' does not fit"));
  EXPECT_THAT(refusal(Kind::Station, "run_list", "a-b"), HasSubstr("'a-b' does not fit"));
  EXPECT_THAT(refusal(Kind::Survey, "country", Value{std::int64_t{3}}), HasSubstr("3 is not a list of texts"));
}

TEST(Set, KeepsFiltersAsTheyAre) {
  const char* one = R"([{"applied_filter": {"applied": false, "name": "gain", "stage": 1}}, {"name":"b","x":[1,{"y":null}]}])";
  EXPECT_EQ(stored(Kind::Electric, "filters", one), Value{std::string{one}});
  EXPECT_EQ(stored(Kind::Electric, "filters", ""), Value{std::string{"[]"}});
  for (const char* bad : {"gain", R"(["gain"])", R"([{"applied": true}])", R"({"name": "gain"})", R"([{"name": gain}])", "[{"})
    EXPECT_THAT(refusal(Kind::Electric, "filters", bad), HasSubstr("is not a JSON list of filters")) << bad;
  EXPECT_THAT(refusal(Kind::Electric, "filters", (std::string(100'000, '[')).c_str()), HasSubstr("is not a JSON list"));
  EXPECT_THAT(refusal(Kind::Electric, "filters", ("[{\"name\":" + std::string(100'000, '[')).c_str()),
              HasSubstr("not a JSON list"));
}

TEST(Set, SpellsUnitsAsPythonDoes) {
  const std::pair<const char*, const char*> spellings[] = {{"nT", "nanoTesla"},
                                                           {"NANOTESLA", "nanoTesla"},
                                                           {"mV/km", "milliVolt per kilometer"},
                                                           {"mV / km", "milliVolt per kilometer"},
                                                           {"milliVolt per kilometer", "milliVolt per kilometer"},
                                                           {"C", "celsius"},
                                                           {"°C", "celsius"},
                                                           {"degC", "celsius"},
                                                           {"V", "Volt"},
                                                           {"uV", "microVolt"},
                                                           {"\u00B5V", "microVolt"},
                                                           {"\u03BCV", "microVolt"},
                                                           {"counts", "digital counts"},
                                                           {"Digital Counts", "digital counts"},
                                                           {"Ω", "Ohm"},
                                                           {"kilometer", "kilometer"},
                                                           {"mV/km/nT", "milliVolt per kilometer per nanoTesla"},
                                                           {"hPa", "hectopascal"},
                                                           {"mV nT", "milliVolt nanoTesla"},
                                                           {"", ""},
                                                           {"unknown", "unknown"},
                                                           {"Hz", "hertz"},
                                                           {"K", "Kelvin"}};
  for (const auto& [given, wanted] : spellings) EXPECT_EQ(stored(Kind::Auxiliary, "units", given), Value{std::string{wanted}});
  EXPECT_EQ(refusal(Kind::Electric, "units", "mv/km"),
            "electric.units: 'mv' is not a unit MTH5 knows; did you mean 'milliVolt' (mV)?");
  EXPECT_THAT(refusal(Kind::Electric, "units", "volts"), HasSubstr("did you mean 'Volt' (V)?"));
  EXPECT_THAT(refusal(Kind::Electric, "units", "furlongs per fortnight"),
              HasSubstr("'furlongs' is not a unit MTH5 knows; give its full"));
  for (const char* bad : {"percent", "degrees", "/km", "mV/", "mV//km", "per", "counts/s"})
    EXPECT_NE(refusal(Kind::Electric, "units", bad), "") << bad;
  EXPECT_THAT(refusal(Kind::Electric, "units", "mV/km/nT/mV/km/nT"), HasSubstr("longer than the 60 bytes"));
}

TEST(Set, RefusesWhatMakesPythonFail) {
  for (const char* email : {"", "me", "me@home", "a b@c.org", "me@lab.local", "me@x.test", "me@@x.org", "me@x..org", ".me@x.org"})
    EXPECT_NE(refusal(Kind::Survey, "acquired_by.email", email), "") << email;
  EXPECT_EQ(refusal(Kind::Survey, "acquired_by.email", ""), "survey.acquired_by.email: is empty; leave it out instead");
  EXPECT_EQ(stored(Kind::Survey, "acquired_by.email", "a.b+c@geo.uni-x.edu"), Value{std::string{"a.b+c@geo.uni-x.edu"}});
  EXPECT_EQ(refusal(Kind::Survey, "acquired_by.url", "https://x.org:8080/a?b#c"), "");
  EXPECT_NE(refusal(Kind::Survey, "acquired_by.url", "x.org"), "");
  EXPECT_NE(refusal(Kind::Survey, "fdsn.network", "EMX"), "");
  EXPECT_NE(refusal(Kind::Survey, "citation_dataset.year", "20"), "");
  EXPECT_NE(refusal(Kind::Survey, "citation_dataset.doi", "none"), "");
  EXPECT_NE(refusal(Kind::Electric, "data_quality.rating.value", Value{std::int64_t{6}}), "");
  EXPECT_THAT(refusal(Kind::Survey, "summary", R"({"a": 1})"), HasSubstr("would be read as JSON"));
  EXPECT_THAT(refusal(Kind::Survey, "comments", "a | b | c"), HasSubstr("leave out the '|'"));
  EXPECT_EQ(refusal(Kind::Survey, "comments", "2020-10-01T00:00:00+00:00 | me | windy"), "");
  EXPECT_THAT(refusal(Kind::Survey, "summary", Value{std::string{"a\0b", 3}}), HasSubstr("NUL"));
  for (const char* bytes :
       {"\xB0 C", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80"})
    EXPECT_THAT(refusal(Kind::Survey, "summary", bytes), HasSubstr("is not UTF-8"));
  EXPECT_EQ(refusal(Kind::Survey, "summary", "Größe 😀 €"), "");
  EXPECT_NE(refusal(Kind::Survey, "summary", Value{true}), "");
}

TEST(Set, TakesLongTextsWithoutHarm) {
  const std::string longest(1'000'000, 'a');
  EXPECT_EQ(refusal(Kind::Survey, "summary", Value{longest}), "");
  EXPECT_THAT(refusal(Kind::Survey, "acquired_by.email", Value{longest}), HasSubstr("longer than 512 bytes"));
  EXPECT_LT(refusal(Kind::Survey, "datum", Value{longest}).size(), 300U);
  EXPECT_LT(refusal(Kind::Electric, "units", Value{longest}).size(), 300U);
  EXPECT_LT(refusal(Kind::Survey, "id", Value{longest}).size(), 300U);
}

TEST(Set, ChecksIdsAndComponents) {
  EXPECT_EQ(stored(Kind::Electric, "component", "Ex"), Value{std::string{"ex"}});
  EXPECT_EQ(stored(Kind::Run, "id", "sr8_0001"), Value{std::string{"sr8_0001"}});
  EXPECT_EQ(refusal(Kind::Station, "id", "MT-1"), "station.id: 'MT-1' has a '-'; only letters, digits and _ are allowed");
  EXPECT_THAT(refusal(Kind::Electric, "component", "hx"), HasSubstr("must begin with e"));
}

TEST(CheckId, SaysWhatIsWrong) {
  for (const char* good : {"a", "MT001", "sr8_0001", "001", "_"})
    EXPECT_EQ(mth5::check_id(Kind::Run, good), std::nullopt) << good;
  EXPECT_EQ(mth5::check_id(Kind::Station, ""), "is empty");
  EXPECT_EQ(mth5::check_id(Kind::Station, "a-b"), "has a '-'; only letters, digits and _ are allowed");
  EXPECT_EQ(mth5::check_id(Kind::Survey, "a b"), "has a blank; only letters, digits and _ are allowed");
  EXPECT_EQ(mth5::check_id(Kind::Survey, "é"), "has a special character; only letters, digits and _ are allowed");
  for (const char* bad : {"a.b", "a/b", "a,b", "..", "\n"}) EXPECT_NE(mth5::check_id(Kind::Station, bad), std::nullopt) << bad;
  EXPECT_NE(mth5::check_id(Kind::Run, "None"), std::nullopt);
  EXPECT_NE(mth5::check_id(Kind::Run, "Features"), std::nullopt);
}

TEST(CheckId, KnowsTheWidthsOfTheSummaryTable) {
  EXPECT_EQ(mth5::check_id(Kind::Station, std::string(30, 'a')), std::nullopt);
  EXPECT_EQ(mth5::check_id(Kind::Station, std::string(31, 'a')), "has 31 characters; MTH5 has room for 30");
  EXPECT_EQ(mth5::check_id(Kind::Survey, std::string(30, 'a')), std::nullopt);
  EXPECT_NE(mth5::check_id(Kind::Survey, std::string(31, 'a')), std::nullopt);
  EXPECT_EQ(mth5::check_id(Kind::Run, std::string(20, 'a')), std::nullopt);
  EXPECT_NE(mth5::check_id(Kind::Run, std::string(21, 'a')), std::nullopt);
  EXPECT_EQ(mth5::check_id(Kind::Auxiliary, std::string(20, 'a')), std::nullopt);
  EXPECT_NE(mth5::check_id(Kind::Auxiliary, std::string(21, 'a')), std::nullopt);
}

TEST(CheckId, KnowsComponents) {
  for (const char* good : {"ex", "e1", "e"}) EXPECT_EQ(mth5::check_id(Kind::Electric, good), std::nullopt);
  for (const char* good : {"hx", "by", "r1"}) EXPECT_EQ(mth5::check_id(Kind::Magnetic, good), std::nullopt);
  for (const char* good : {"temperature", "8v", "ehz"}) EXPECT_EQ(mth5::check_id(Kind::Auxiliary, good), std::nullopt);
  EXPECT_EQ(mth5::check_id(Kind::Electric, "Ex"), "has a capital letter; components are lower-case");
  EXPECT_NE(mth5::check_id(Kind::Electric, "hx"), std::nullopt);
  EXPECT_NE(mth5::check_id(Kind::Magnetic, "ex"), std::nullopt);
}

TEST(Metadata, GivesBackWhatIsSetAndDefaultsOnlyWhenWritten) {
  Metadata run{Kind::Run};
  EXPECT_EQ(run.find("sample_rate"), nullptr);
  EXPECT_TRUE(std::isnan(run.number("sample_rate")));
  EXPECT_EQ(run.number("sample_rate", 1.0), 1.0);
  EXPECT_EQ(run.text("id", "a"), "a");
  run.set("sample_rate", std::int64_t{256});
  run.set("data_logger.timing_system.n_satellites", "7");
  run.set("channels_recorded_electric", "ex,ey");
  EXPECT_EQ(run.number("sample_rate"), 256.0);
  EXPECT_EQ(run.text("sample_rate"), "256");
  EXPECT_EQ(run.number("data_logger.timing_system.n_satellites"), 7.0);
  EXPECT_EQ(run.text("channels_recorded_electric"), "ex, ey");
  EXPECT_TRUE(std::isnan(run.number("channels_recorded_electric")));
  EXPECT_EQ(run.values().size(), 3U);
  run.erase("sample_rate");
  run.erase("sample_rate");
  EXPECT_EQ(run.find("sample_rate"), nullptr);
}

TEST(Metadata, WritesWhatIsSetAndRequiredDefaultsInTableOrder) {
  Metadata channel{Kind::Electric};
  channel.set("dipole_length", 100.0);
  channel.set("sample_rate", 8.0);
  channel.set("component", "ex");
  std::map<std::string, Value> written;
  std::vector<const mth5::Attribute*> order;
  for (const auto& [name, value] : channel.written()) {
    written.emplace(name, value);
    order.push_back(mth5::find_attribute(Kind::Electric, name));
  }
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(written.at("component"), Value{std::string{"ex"}});
  EXPECT_EQ(written.at("dipole_length"), Value{100.0});
  EXPECT_EQ(written.at("type"), Value{std::string{"electric"}});
  EXPECT_EQ(written.at("units"), Value{std::string{}});
  EXPECT_EQ(written.at("filters"), Value{std::string{"[]"}});
  EXPECT_EQ(written.at("channel_number"), Value{std::int64_t{0}});
  EXPECT_EQ(written.at("data_quality.rating.value"), Value{std::string{"none"}});
  EXPECT_EQ(written.at("time_period.start"), Value{std::string{"1980-01-01T00:00:00+00:00"}});
  EXPECT_FALSE(written.contains("comments"));
  EXPECT_FALSE(written.contains("positive.latitude"));
}

TEST(Metadata, WritesNothingThatPythonRefuses) {
  for (const auto kind : kKinds)
    for (const auto& [name, value] : Metadata{kind}.written()) {
      if (const auto* number = std::get_if<double>(&value); number != nullptr && std::isnan(*number)) {
        EXPECT_EQ(name, "location.elevation") << "Python takes NaN for no other (mth5-format, 2.9)";
        continue;
      }
      EXPECT_EQ(refusal(kind, name.c_str(), value), "") << name;
      const bool has_options = !mth5::find_attribute(kind, name)->options.empty();
      EXPECT_FALSE(has_options && value == Value{std::string{}}) << name;
    }
}

TEST(Metadata, MergesOverItself) {
  Metadata base{Kind::Station};
  base.set("id", "MT001");
  base.set("location.latitude", 40.5);
  Metadata over{Kind::Station};
  over.set("location.latitude", -1.0);
  over.set("location.elevation", 1200.0);
  base.merge(over);
  EXPECT_EQ(base.text("id"), "MT001");
  EXPECT_EQ(base.number("location.latitude"), -1.0);
  EXPECT_EQ(base.number("location.elevation"), 1200.0);
  EXPECT_THROW(base.merge(Metadata{Kind::Run}), MetadataError);
  EXPECT_NE(base, over);
}

}  // namespace
