#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>
#include <numbers>

#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/support.hpp"

/// Filters in files: ours, Python's, old ones, damaged ones.
namespace {

namespace h5 = mth5::h5;
using mth5::AppliedFilter;
using mth5::Filter;
using mth5::Kind;
using mth5::Metadata;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Filter named(Kind kind, const std::string& name) {
  Filter filter{.metadata = Metadata{kind}};
  filter.metadata.set("name", name);
  filter.metadata.set("units_in", std::string{"milliVolt"});
  filter.metadata.set("units_out", std::string{"digital counts"});
  return filter;
}

/// In the order in which a Reader finds them.
std::vector<Filter> all_filters() {
  std::vector<Filter> all{named(Kind::Coefficient, "gain per count"), named(Kind::Fap, "coil"), named(Kind::Fir, "f"),
                          named(Kind::TimeDelay, "t"), named(Kind::Zpk, "z")};
  all[0].metadata.set("gain", -1.5e-7);
  all[1].responses = {{0.1, 1.0, 0.1}, {1.0, 2.0, -0.2}};
  all[2].coefficients = {0.1, 0.2, 0.7};
  all[2].metadata.set("symmetry", std::string{"EVEN"});
  all[3].metadata.set("delay", -0.25);
  all[4].metadata.set("normalization_factor", 2.5);
  all[4].poles = {{-1.0, 2.0}, {-1.0, -2.0}};
  return all;
}

std::filesystem::path make(const support::TempDir& dir, const std::string& version, const std::vector<Filter>& filters,
                           const std::string& applied = "[]") {
  const auto path = dir / "a.h5";
  auto file = mth5::File::create(path, {.file_version = version});
  mth5::RunId added;
  file.edit([&](mth5::Edit& edit) {
    Metadata survey{Kind::Survey};
    survey.set("id", std::string{"S1"});
    edit.add_survey(survey);
    Metadata station{Kind::Station};
    station.set("id", std::string{"MT1"});
    edit.add_station("S1", station);
    for (const auto& filter : filters) edit.add_filter("S1", filter);
    Metadata run{Kind::Run};
    run.set("id", std::string{"a"});
    run.set("sample_rate", 1.0);
    Metadata ex{Kind::Electric};
    ex.set("component", std::string{"ex"});
    ex.set("filters", applied);
    added = edit.add_run("S1", "MT1", run, {}, std::vector<mth5::ChannelSpec>{{ex}});
  });
  const std::vector<double> samples{1, 2};  // a run without any does not stay
  file.append(added, mth5::Matrix<const double>{samples.data(), 1, 2, 2});
  file.close();
  return path;
}

/// Changes what make() made of version 0.1.0, as another program would. @param where  below the survey
void damage(const std::filesystem::path& path, const std::string& where, const std::function<void(hid_t)>& change) {
  const h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, h5::writer_access().get()), "test"};
  const h5::Object object{H5Oopen(file.get(), ("/Survey/" + where).c_str(), H5P_DEFAULT), where};
  change(object.get());
}

void replace_dataset(hid_t group, const char* name, hid_t type, hsize_t rows, const void* data = nullptr) {
  h5::check(H5Ldelete(group, name, H5P_DEFAULT), name);
  const hsize_t unlimited = H5S_UNLIMITED;
  const h5::Space space{H5Screate_simple(1, &rows, &unlimited), name};
  const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), name};
  const hsize_t chunk = 16;
  h5::check(H5Pset_chunk(create.get(), 1, &chunk), name);
  const h5::Dataset dataset{H5Dcreate2(group, name, type, space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT), name};
  if (data != nullptr) h5::check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), name);
}

/// What is wrong with the only filter of kind `kind` in the file.
std::string problem(const std::filesystem::path& path, Kind kind) {
  const mth5::Reader reader{path};
  for (const auto& filter : reader.filters())
    if (filter.kind() == kind) return filter.problem;
  return "there is none";
}

class Version : public testing::TestWithParam<const char*> {};

TEST_P(Version, KeepsEveryFilterWithItsTables) {
  const support::TempDir dir;
  auto wanted = all_filters();
  const mth5::Reader reader{make(dir, GetParam(), wanted)};
  ASSERT_EQ(reader.filters().size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto& [name, value] : wanted[i].metadata.written())
      if (value != mth5::Value{std::string{}} && value != mth5::Value{std::string{"NONE"}}) wanted[i].metadata.set(name, value);
    wanted[i].survey = "S1";
    EXPECT_EQ(reader.filters()[i], wanted[i]) << wanted[i].name() << ": " << reader.filters()[i].problem;
  }
  EXPECT_EQ(reader.filters()[0].scalar_gain(), -1.5e-7);
}
INSTANTIATE_TEST_SUITE_P(Files, Version, testing::Values("0.1.0", "0.2.0"));

TEST(FilterFile, RefusesASecondOfTheSameName) {
  const support::TempDir dir;
  EXPECT_THAT(
      [&] {
        make(dir, "0.2.0", {named(Kind::Zpk, "a"), named(Kind::Coefficient, "a")});
      },
      ThrowsMessage<mth5::StateError>(HasSubstr("filter 'a' exists already in survey 'S1'")));
}

TEST(FilterFile, RefusesAFilterOfNoSurveyAndABadOne) {
  const support::TempDir dir;
  auto file = mth5::File::create(dir / "b.h5");
  file.edit([&](mth5::Edit& edit) {
    EXPECT_THAT([&] { edit.add_filter("S9", named(Kind::Zpk, "a")); },
                ThrowsMessage<mth5::StateError>(HasSubstr("there is no survey 'S9'")));
    Metadata survey{Kind::Survey};
    survey.set("id", std::string{"S9"});
    edit.add_survey(survey);
    EXPECT_THROW(edit.add_filter("S9", Filter{}), mth5::MetadataError);
  });
  file.close();
  EXPECT_TRUE(mth5::Reader{dir / "b.h5"}.filters().empty());
}

TEST(FilterFile, IsReadAsPythonWroteIt) {
  for (const char* name : {"python_v010.h5", "python_v020.h5"}) {
    const mth5::Reader reader{support::data() / "mth5" / name};
    ASSERT_EQ(reader.filters().size(), 3U);
    for (const auto& filter : reader.filters()) {
      EXPECT_EQ(filter.problem, "");
      EXPECT_EQ(filter.survey, "REF01");
    }
    const auto& counts = reader.filters()[0];
    EXPECT_EQ(counts.name(), "logger_counts");
    EXPECT_EQ(counts.scalar_gain(), 1048576.0);
    EXPECT_EQ(counts.units_in(), "milliVolt");
    EXPECT_EQ(counts.units_out(), "digital counts");
    const auto& lowpass = reader.filters()[2];
    EXPECT_EQ(lowpass.metadata.number("normalization_factor"), 39.478417604357434);
    EXPECT_THAT(lowpass.poles, ElementsAre(std::complex{-4.442882938158366, 4.442882938158366},
                                           std::complex{-4.442882938158366, -4.442882938158366}));
    EXPECT_TRUE(lowpass.zeros.empty());
    const auto& coil = reader.filters()[1];
    EXPECT_EQ(coil.metadata.text("instrument_type"), "induction coil");
    ASSERT_EQ(coil.responses.size(), 9U);
    EXPECT_EQ(coil.responses[0].frequency, 0.001);
    EXPECT_NEAR(coil.responses[0].phase, std::numbers::pi / 2 - 0.001, 1e-9);
    EXPECT_THAT(mth5::applied_filters(reader.channel_metadata(0)),
                ElementsAre(AppliedFilter{"electrode_lowpass", false, 1, ""}, AppliedFilter{"logger_counts", false, 2, ""}));
  }
}

TEST(FilterFile, TellsWhyAFilterMustNotBeUsed) {
  const support::TempDir dir;
  const auto path = make(dir, "0.1.0", all_filters());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  damage(path, "Filters/coefficient/gain per count",
         [](hid_t group) { h5::write_attribute(group, "gain", std::string{"much"}); });
  EXPECT_EQ(problem(path, Kind::Coefficient), "coefficient.gain: 'much' is not a number (units_out per units_in)");
  damage(path, "Filters/fir/f", [&](hid_t group) { replace_dataset(group, "coefficients", H5T_NATIVE_DOUBLE, 1, &nan); });
  EXPECT_EQ(problem(path, Kind::Fir), "coefficients: has a number that is not finite");
  damage(path, "Filters/fir/f", [](hid_t group) { replace_dataset(group, "coefficients", H5T_NATIVE_DOUBLE, 1ULL << 60); });
  EXPECT_EQ(problem(path, Kind::Fir), "coefficients: is not a list of at most 100000 rows");
  damage(path, "Filters/fir/f", [](hid_t group) { replace_dataset(group, "coefficients", h5::fixed_text(8).get(), 3); });
  EXPECT_EQ(problem(path, Kind::Fir), "coefficients: has no numbers");
  damage(path, "Filters/fir/f", [](hid_t group) { h5::check(H5Ldelete(group, "coefficients", H5P_DEFAULT), "test"); });
  EXPECT_EQ(problem(path, Kind::Fir), "coefficients: is missing");
  damage(path, "Filters/fap/coil", [](hid_t group) { replace_dataset(group, "fap_table", H5T_NATIVE_DOUBLE, 3); });
  EXPECT_EQ(problem(path, Kind::Fap), "fap_table: has not the columns of such a table");
  damage(path, "Filters/zpk/z", [](hid_t group) {
    const h5::Datatype half{H5Tcreate(H5T_COMPOUND, 8), "test"};
    h5::check(H5Tinsert(half.get(), "r", 0, H5T_NATIVE_DOUBLE), "test");
    replace_dataset(group, "poles", half.get(), 3);
  });
  EXPECT_EQ(problem(path, Kind::Zpk), "poles: has not the columns of such a table");
  damage(path, "Filters/zpk/z", [](hid_t group) {
    h5::check(H5Ldelete(group, "poles", H5P_DEFAULT), "test");
    (void)h5::create_group(group, "poles", {});
  });
  EXPECT_NE(problem(path, Kind::Zpk), "");
  damage(path, "Filters/zpk/z", [](hid_t group) {
    h5::check(H5Ldelete(group, "poles", H5P_DEFAULT), "test");
    h5::check(H5Lcreate_soft("/Survey", group, "poles", H5P_DEFAULT, H5P_DEFAULT), "test");
  });
  EXPECT_EQ(problem(path, Kind::Zpk), "poles: is a link that MTH5 does not have");
  damage(path, "Filters/zpk/z", [](hid_t group) {
    h5::check(H5Ldelete(group, "poles", H5P_DEFAULT), "test");
    const hsize_t one = 1;
    const h5::Space space{H5Screate_simple(1, &one, nullptr), "test"};
    const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), "test"};
    h5::check(H5Pset_external(create.get(), "elsewhere", 0, 8), "test");
    const h5::Dataset poles{H5Dcreate2(group, "poles", H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT),
                            "test"};
  });
  EXPECT_EQ(problem(path, Kind::Zpk), "poles: lies in another file");
  damage(path, "Filters/time_delay/t", [](hid_t group) { h5::write_attribute(group, "units_in", std::string{"furlong"}); });
  EXPECT_THAT(problem(path, Kind::TimeDelay), HasSubstr("time_delay.units_in: 'furlong' is not a unit MTH5 knows"));
  EXPECT_EQ(mth5::Reader{path}.filters().size(), 5U);
  EXPECT_EQ(mth5::Reader{path}.channels().size(), 1U);
}

TEST(FilterFile, ReadsComplexNumbersInBothSpellings) {
  const support::TempDir dir;
  const auto path = make(dir, "0.1.0", {named(Kind::Zpk, "z")});
  damage(path, "Filters/zpk/z", [](hid_t group) {
    const h5::Datatype type{H5Tcreate(H5T_COMPOUND, 8), "test"};
    h5::check(H5Tinsert(type.get(), "real", 0, H5T_NATIVE_FLOAT), "test");
    h5::check(H5Tinsert(type.get(), "imag", 4, H5T_NATIVE_FLOAT), "test");
    const std::array<float, 2> number{1.5F, -2.5F};
    replace_dataset(group, "zeros", type.get(), 1, number.data());
  });
  const mth5::Reader reader{path};
  EXPECT_EQ(reader.filters()[0].problem, "");
  EXPECT_THAT(reader.filters()[0].zeros, ElementsAre(std::complex{1.5, -2.5}));
}

TEST(FilterFile, OldListsOfAChannelBecomeItsFilters) {
  const support::TempDir dir;
  const auto path = make(dir, "0.1.0", {});
  const auto rewrite = [&](const std::string& prefix, const mth5::Value& names, const mth5::Value& applied) {
    damage(path, "Stations/MT1/a/ex", [&](hid_t channel) {
      for (const char* old : {"filters", "filter.name", "filter.applied", "filtered.name", "filtered.applied"})
        if (H5Aexists(channel, old) > 0) h5::check(H5Adelete(channel, old), old);
      h5::write_attribute(channel, prefix + ".name", names);
      h5::write_attribute(channel, prefix + ".applied", applied);
    });
    return mth5::applied_filters(mth5::Reader{path}.channel_metadata(0));
  };
  using Texts = std::vector<std::string>;
  const auto wanted = ElementsAre(AppliedFilter{"coil", false, 1, ""}, AppliedFilter{"counts", true, 2, ""});
  EXPECT_THAT(rewrite("filter", Texts{"Coil", "counts"}, std::string{"[false, true]"}), wanted);
  EXPECT_THAT(rewrite("filtered", std::string{"coil,counts"}, std::string{"False,True"}), wanted);
  EXPECT_THAT(rewrite("filter", std::string{"coil"}, false), ElementsAre(AppliedFilter{"coil", false, 1, ""}));
  EXPECT_THAT(rewrite("filter", std::string{"coil,counts"}, true), ElementsAre());
  damage(path, "Stations/MT1/a/ex", [](hid_t channel) {  // what h5py makes of a list of bools
    h5::check(H5Adelete(channel, "filter.applied"), "test");
    const hsize_t two = 2;
    const h5::Space space{H5Screate_simple(1, &two, nullptr), "test"};
    const auto type = h5::bool_enum();
    const h5::Attribute applied{H5Acreate2(channel, "filter.applied", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), "test"};
    const std::array<std::int8_t, 2> flags{0, 1};
    h5::check(H5Awrite(applied.get(), type.get(), flags.data()), "test");
  });
  EXPECT_THAT(mth5::applied_filters(mth5::Reader{path}.channel_metadata(0)), wanted);
}

}  // namespace
