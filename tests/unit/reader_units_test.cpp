#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mth5/channel.hpp"
#include "mth5/file.hpp"
#include "support/support.hpp"

namespace {

using mth5::AppliedFilter;
using mth5::Channel;
using mth5::Filter;
using mth5::Kind;
using mth5::Metadata;
using mth5::Reader;
using mth5::Units;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Filter coefficient(const std::string& name, double gain, const std::string& in, const std::string& out) {
  Filter filter{.metadata = Metadata{Kind::Coefficient}};
  filter.metadata.set("name", name);
  filter.metadata.set("gain", gain);
  filter.metadata.set("units_in", in);
  filter.metadata.set("units_out", out);
  return filter;
}

Filter time_delay(const std::string& name) {
  Filter filter{.metadata = Metadata{Kind::TimeDelay}};
  filter.metadata.set("name", name);
  filter.metadata.set("units_in", std::string{"milliVolt"});
  filter.metadata.set("units_out", std::string{"milliVolt"});
  filter.metadata.set("delay", -0.25);
  return filter;
}

/// Counts 100, 200, 300 behind these filters.
Reader file_with(const support::TempDir& dir, const std::vector<Filter>& filters, const std::vector<AppliedFilter>& applied) {
  auto file = mth5::File::create(dir / "a.h5");
  Metadata survey{Kind::Survey};
  survey.set("id", std::string{"S"});
  Metadata station{Kind::Station};
  station.set("id", std::string{"A"});
  Metadata run{Kind::Run};
  run.set("id", std::string{"r"});
  run.set("sample_rate", 8.0);
  Metadata ex{Kind::Electric};
  ex.set("component", std::string{"ex"});
  ex.set("units", std::string{"digital counts"});
  ex.set("filters", mth5::to_text(applied));
  mth5::RunId id{};
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey);
    edit.add_station("S", station);
    for (const auto& filter : filters) edit.add_filter("S", filter);
    id = edit.add_run("S", "A", run, {}, std::vector<mth5::ChannelSpec>{{ex, mth5::SampleType::Int32}});
  });
  const std::vector<std::int32_t> counts{100, 200, 300};
  file.append(id, mth5::Matrix<const std::int32_t>{counts.data(), 1, 3, 3});
  file.close();
  return Reader{dir / "a.h5"};
}

/// What Python's ChannelTS.remove_instrument_response() does with these: it divides by the product of the gains, and leaves time
/// delays alone.
TEST(PhysicalUnits, AreCountsDividedByTheGainsTheyStillContain) {
  const support::TempDir dir;
  const auto reader = file_with(dir,
                                {coefficient("dipole", 0.1, "milliVolt per kilometer", "milliVolt"), time_delay("shift"),
                                 coefficient("counts", 1000, "milliVolt", "digital counts")},
                                {{"dipole", false, 1}, {"shift", false, 2}, {"counts", false, 3}});
  const Channel ex{reader, "A", "r", "Ex"};
  EXPECT_DOUBLE_EQ(ex.gain(), 100);
  EXPECT_THAT(ex.read({}, Units::Physical).values, ElementsAre(1, 2, 3));
  EXPECT_EQ(ex.units(Units::Physical), "milliVolt per kilometer");
  EXPECT_THAT(ex.read().values, ElementsAre(100, 200, 300));
  EXPECT_EQ(ex.units(), "digital counts");
  std::vector<double> values;
  for (const auto& block : ex.blocks({}, 2, Units::Physical))
    values.insert(values.end(), block.values.begin(), block.values.end());
  EXPECT_THAT(values, ElementsAre(1, 2, 3));
}

TEST(PhysicalUnits, DoNotDivideTwice) {
  const support::TempDir dir;
  const auto reader = file_with(dir,
                                {coefficient("dipole", 0.1, "milliVolt per kilometer", "milliVolt"),
                                 coefficient("counts", 1000, "milliVolt", "digital counts")},
                                {{"dipole", false, 1}, {"counts", true, 2}});
  const Channel ex{reader, "A", "r", "ex"};
  EXPECT_DOUBLE_EQ(ex.gain(), 0.1);
}

TEST(PhysicalUnits, OfAChannelWithoutFiltersAreThoseOfItsSamples) {
  const support::TempDir dir;
  const auto reader = file_with(dir, {}, {});
  const Channel ex{reader, "A", "r", "ex"};
  EXPECT_THAT(ex.read({}, Units::Physical).values, ElementsAre(100, 200, 300));
  EXPECT_EQ(ex.units(Units::Physical), "digital counts");
}

TEST(PhysicalUnits, NeedEveryFilter) {
  const support::TempDir dir;
  const auto reader =
      file_with(dir, {coefficient("dipole", 0.1, "milliVolt", "milliVolt")}, {{"dipole", false, 1}, {"coil", false, 2}});
  const Channel ex{reader, "A", "r", "ex"};
  EXPECT_THAT([&] { (void)ex.gain(); },
              ThrowsMessage<mth5::FormatError>(AllOf(HasSubstr("S/A/r/ex: filter 'coil' is not in the file"))));
}

TEST(PhysicalUnits, AreRefusedWhereAFilterHasNoSingleGain) {
  for (const char* name : {"python_v020.h5", "python_v010.h5"}) {
    const Reader reader{support::data() / "mth5" / name};
    const Channel ex{reader, "MT001", "sr8_0001", "ex"};
    EXPECT_THAT([&] { (void)ex.read({}, Units::Physical); },
                ThrowsMessage<mth5::FormatError>(HasSubstr("ex: filter 'electrode_lowpass' (zpk) has no single gain")));
    const Channel hx{reader, "MT001", "sr8_0001", "hx"};
    EXPECT_THAT([&] { (void)hx.blocks({}, 10, Units::Physical); },
                ThrowsMessage<mth5::FormatError>(HasSubstr("hx: filter 'coil_2284' (fap) has no single gain")));
  }
}

}  // namespace
