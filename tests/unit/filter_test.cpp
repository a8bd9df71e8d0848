#include "mth5/filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "mth5/error.hpp"

namespace {

using mth5::AppliedFilter;
using mth5::Filter;
using mth5::Kind;
using mth5::Metadata;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Filter named(Kind kind) {
  Filter filter{.metadata = Metadata{kind}};
  filter.metadata.set("name", std::string{"coil"});
  if (kind == Kind::Fap) filter.responses = {{1.0, 2.0, 0.5}};
  if (kind == Kind::Fir) filter.coefficients = {0.5, 0.5};
  return filter;
}

/// What check_filter() throws; "" if it is good.
std::string refusal(const Filter& filter) {
  try {
    mth5::check_filter(filter);
  } catch (const mth5::MetadataError& e) {
    return e.what();
  }
  return "";
}

std::string refusal(Kind kind, const char* name, const mth5::Value& value) {
  try {
    Metadata{kind}.set(name, value);
  } catch (const mth5::MetadataError& e) {
    return e.what();
  }
  return "";
}

constexpr Kind kFilters[] = {Kind::Coefficient, Kind::Zpk, Kind::Fap, Kind::Fir, Kind::TimeDelay};

TEST(Filter, KindsHaveTheNamesOfTheirGroupsAndTypes) {
  EXPECT_EQ(mth5::to_string(Kind::TimeDelay), "time_delay");
  EXPECT_EQ(mth5::mth5_type(Kind::TimeDelay), "time delay");
  EXPECT_EQ(mth5::kind_from("time delay"), Kind::TimeDelay);
  EXPECT_EQ(mth5::kind_from("FAP"), Kind::Fap);
  EXPECT_FALSE(mth5::is_filter(Kind::Auxiliary));
  for (const auto kind : kFilters) EXPECT_TRUE(mth5::is_filter(kind));
}

TEST(Filter, AttributesAreChecked) {
  Metadata fir{Kind::Fir};
  fir.set("symmetry", std::string{"odd"});
  fir.set("units_in", std::string{"mV/km"});
  fir.set("name", std::string{"Coil mV/km"});
  EXPECT_EQ(fir.text("symmetry"), "ODD");
  EXPECT_EQ(fir.text("units_in"), "milliVolt per kilometer");
  EXPECT_EQ(fir.text("name"), "coil mv per km");
  EXPECT_EQ(refusal(Kind::Fir, "decimation_factor", 0.0), "fir.decimation_factor: 0 is out of range (at least 1)");
  EXPECT_EQ(refusal(Kind::Coefficient, "gain", std::string{"much"}),
            "coefficient.gain: 'much' is not a number (units_out per units_in)");
  EXPECT_THAT(refusal(Kind::Zpk, "units_out", std::string{"volts"}), HasSubstr("did you mean 'Volt' (V)?"));
  EXPECT_THAT(refusal(Kind::Zpk, "type", std::string{"fir"}), HasSubstr("'fir' is not one of zpk"));
  EXPECT_THAT(refusal(Kind::Coefficient, "delay", 1.0), HasSubstr("no such attribute"));
}

TEST(Filter, ScalarGainIsThatOfACoefficient) {
  Filter filter = named(Kind::Coefficient);
  EXPECT_EQ(filter.scalar_gain(), 1.0);
  filter.metadata.set("gain", -2.5);
  EXPECT_EQ(filter.scalar_gain(), -2.5);
  filter.problem = "coefficient.gain: is missing";
  EXPECT_EQ(filter.scalar_gain(), std::nullopt);
  EXPECT_EQ(named(Kind::Zpk).scalar_gain(), std::nullopt);
  EXPECT_EQ(filter.units_in(), "unknown");
}

TEST(Filter, IsCheckedBeforeItIsWritten) {
  for (const auto kind : kFilters) EXPECT_EQ(refusal(named(kind)), "") << mth5::to_string(kind);
  EXPECT_THAT(refusal({.metadata = Metadata{Kind::Run}}), HasSubstr("a run is no filter"));
  EXPECT_EQ(refusal(Filter{}), "filter '' (coefficient): name: is empty");
  auto filter = named(Kind::Coefficient);
  filter.coefficients = {1.0};
  EXPECT_EQ(refusal(filter), "filter 'coil' (coefficient): coefficients: only a filter of kind fir has them");
  filter = named(Kind::Fap);
  filter.responses.clear();
  EXPECT_EQ(refusal(filter), "filter 'coil' (fap): responses: at least one is needed");
  filter.responses = {{1.0, 1.0, 90.0}};
  EXPECT_THAT(refusal(filter), HasSubstr("phase 90.000000 at 1.000000 Hz is out of range (-6 pi to 6 pi radians, 1080 degrees)"));
  filter.responses = {{-1.0, 1.0, 0.0}};
  EXPECT_THAT(refusal(filter), HasSubstr("Hz is below 0"));
  filter = named(Kind::Fir);
  filter.coefficients = {std::numeric_limits<double>::infinity()};
  EXPECT_THAT(refusal(filter), HasSubstr("coefficients: has a number that is not finite"));
  filter.coefficients.clear();
  EXPECT_THAT(refusal(filter), HasSubstr("coefficients: at least one is needed"));
  filter = named(Kind::Zpk);
  filter.zeros = {{0.0, std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_THAT(refusal(filter), HasSubstr("zeros: has a number that is not finite"));
  filter = named(Kind::Zpk);
  filter.problem = "poles: could not be read";
  EXPECT_THAT(refusal(filter), HasSubstr("is not good to be written: poles: could not be read"));
}

TEST(Filter, NamesAreThoseThatPythonFinds) {
  for (const char* good : {"coil", "mv per km to counts", "a.b-c_1", "none of them"})
    EXPECT_EQ(mth5::check_id(Kind::Fap, good), std::nullopt) << good;
  for (const char* bad : {"", ".", "Coil", "a/b", "\xC3\xA4", "a\n", " a", "a ", "None", "none"})
    EXPECT_NE(mth5::check_id(Kind::Fap, bad), std::nullopt) << bad;
  EXPECT_NE(mth5::check_id(Kind::Fap, std::string(201, 'a')), std::nullopt);
}

TEST(AppliedFilters, AreReadInBothForms) {
  const auto found = mth5::parse_applied_filters(
      R"([{"name": "B", "applied": true, "stage": 2}, {"applied_filter": {"applied": false, "comments": "h\"m", "name": "a/c",
          "stage": 1, "comments.author": null}}, {"name": "c", "stage": null, "x": [1, {"y": 2}]}])");
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(*found, ElementsAre(AppliedFilter{"c", true, std::nullopt, ""}, AppliedFilter{"a per c", false, 1, "h\"m"},
                                  AppliedFilter{"b", true, 2, ""}));
  EXPECT_THAT(mth5::parse_applied_filters(" [ ] "), testing::Optional(IsEmpty()));
  for (const char* bad : {"", "a", "[1]", R"([{"applied": true}])", R"([{"name": ""}])", R"([{"name": "a", "stage": 1.5}])",
                          R"([{"name": "a", "applied": "perhaps"}])", R"([{"name": 1}])", R"([{"name": "a"}] x)"})
    EXPECT_EQ(mth5::parse_applied_filters(bad), std::nullopt) << bad;
}

TEST(AppliedFilters, AreWrittenAsPythonDoes) {
  const std::vector<AppliedFilter> filters{{"Coil", false, 1, "to be \"calibrated\"\n"}, {"b", true, std::nullopt, ""}};
  const std::string text = mth5::to_text(filters);
  EXPECT_EQ(text,
            R"([{"applied_filter": {"applied": false, "comments": "to be \"calibrated\"\u000a", "name": "coil", "stage": 1}}, )"
            R"({"applied_filter": {"applied": true, "name": "b"}}])");
  Metadata channel{Kind::Electric};
  EXPECT_THAT(mth5::applied_filters(channel), IsEmpty());
  channel.set("filters", text);
  EXPECT_THAT(mth5::applied_filters(channel),
              ElementsAre(AppliedFilter{"b", true, std::nullopt, ""}, AppliedFilter{"coil", false, 1, "to be \"calibrated\"\n"}));
  EXPECT_EQ(mth5::to_text({}), "[]");
}

}  // namespace
