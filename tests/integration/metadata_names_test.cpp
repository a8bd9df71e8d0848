#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "mth5/metadata.hpp"
#include "support/process.hpp"
#include "support/support.hpp"

/// The table against mt_metadata itself: names and required flags both ways, and that Python accepts what our table accepts.
namespace {

using mth5::Kind;
using mth5::Metadata;
using nlohmann::json;
using Names = std::set<std::string>;

constexpr Kind kKinds[] = {Kind::Survey,      Kind::Station, Kind::Run, Kind::Electric, Kind::Magnetic, Kind::Auxiliary,
                           Kind::Coefficient, Kind::Zpk,     Kind::Fap, Kind::Fir,      Kind::TimeDelay};
static_assert(std::size(kKinds) == mth5::kKindCount);
// Tables of filters: datasets in the file, and members of mth5::Filter.
const std::map<Kind, Names> kTables{
    {Kind::Zpk, {"poles", "zeros"}}, {Kind::Fap, {"frequencies", "amplitudes", "phases"}}, {Kind::Fir, {"coefficients"}}};

/// Runs metadata_names.py. @throws std::runtime_error with what to do if there is no Python or it fails
json ask_python(const std::string& command, const json& question = nullptr) {
  const char* python = std::getenv("MTH5_TEST_PYTHON");
  if (python == nullptr || !std::filesystem::exists(python))
    throw std::runtime_error{std::string{"MTH5_TEST_PYTHON: "} + (python == nullptr ? "not set" : python) +
                             ": no such program; make a Python environment with mth5 and name its python there"};
  const support::TempDir dir;
  std::vector<std::string> argv{python, (support::source() / "tests/integration/metadata_names.py").string(), command};
  if (!question.is_null()) {
    support::write_text(dir / "question.json", question.dump());
    argv.push_back((dir / "question.json").string());
  }
  const auto finished = support::run(argv, {}, std::chrono::seconds{240});
  if (finished.code != 0)
    throw std::runtime_error{"metadata_names.py: exit code " + std::to_string(finished.code) + ": " + finished.err};
  return json::parse(finished.out);
}

json to_json(const mth5::Value& value) {
  return std::visit([](const auto& v) { return json(v); }, value);
}

/// What the file layer writes: lists become JSON texts, which Python reads back as lists. JSON has no NaN: those that files have
/// are read in unknown_position_test.cpp.
json as_python_reads(Kind kind) {
  json out = json::object();
  for (const auto& [name, value] : Metadata{kind}.written())
    if (const auto* number = std::get_if<double>(&value); number == nullptr || !std::isnan(*number))
      if (value != mth5::Value{std::string{"none"}}) out[name] = to_json(value);  // Python takes this text for "absent"
  return out;
}

Names without(Names names, const Names& others) {
  for (const auto& other : others) names.erase(other);
  return names;
}

TEST(MetadataNames, AreThoseOfPython) {
  // Python's in-memory containers, which are groups in the file and not attributes.
  std::map<Kind, Names> containers{{Kind::Survey, {"stations", "filters"}}, {Kind::Station, {"runs"}}, {Kind::Run, {"channels"}}};
  containers.insert(kTables.begin(), kTables.end());
  const auto python = ask_python("names");
  for (const auto kind : kKinds) {
    Names ours;
    // Python lists only the three parts of a remark; where it has but a text it writes it as `comments`, and it reads that.
    for (const auto& row : mth5::attributes(kind))
      if (row.name != "comments" && !row.name.ends_with(".comments")) ours.emplace(row.name);
    const auto theirs = python.at(std::string{mth5::to_string(kind)}).at("names").get<Names>();
    const auto skipped = containers.contains(kind) ? containers.at(kind) : Names{};
    EXPECT_EQ(without(ours, theirs), Names{}) << mth5::to_string(kind) << ": not in Python";
    EXPECT_EQ(without(theirs, ours), skipped) << mth5::to_string(kind) << ": not in our table";
    for (const auto& name : ours)
      if (name.ends_with("comments.value")) {
        EXPECT_NE(mth5::find_attribute(kind, name.substr(0, name.size() - 6)), nullptr) << name;
      }
  }
}

TEST(MetadataNames, AreRequiredWhereTheStandardRequiresThem) {
  // Not required by the model, but without it Python drops a station's channels from a summary that it builds.
  const std::map<Kind, Names> more{{Kind::Station, {"location.elevation"}}};
  const auto python = ask_python("names");
  for (const auto kind : kKinds) {
    Names ours;
    for (const auto& row : mth5::attributes(kind))
      if (row.required) ours.emplace(row.name);
    const auto theirs = python.at(std::string{mth5::to_string(kind)}).at("required").get<Names>();
    EXPECT_EQ(without(ours, theirs), more.contains(kind) ? more.at(kind) : Names{}) << mth5::to_string(kind);
    EXPECT_EQ(without(theirs, ours), kTables.contains(kind) ? kTables.at(kind) : Names{}) << mth5::to_string(kind);
  }
}

TEST(MetadataNames, DefaultsAreReadByPython) {
  json question;
  for (const auto kind : kKinds) question[std::string{mth5::to_string(kind)}] = as_python_reads(kind);
  const auto answers = ask_python("from_dict", question);
  for (const auto& [kind, refusal] : answers.items()) EXPECT_EQ(refusal, "") << kind;
}

TEST(MetadataNames, EveryOptionIsReadByPython) {
  json question = json::array();
  std::vector<std::string> wanted;
  for (const auto kind : kKinds)
    for (const auto& row : mth5::attributes(kind)) {
      std::string_view rest = row.options;
      while (!rest.empty()) {
        std::string option{rest.substr(0, rest.find('|'))};
        rest.remove_prefix(std::min(rest.size(), option.size() + 1));
        if (option.ends_with('*')) option.back() = '9';
        question.push_back({mth5::to_string(kind), row.name, option});
        wanted.push_back(option == "none" ? "None" : option);
      }
    }
  const auto answers = ask_python("set", question);
  ASSERT_EQ(answers.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(answers[i], wanted[i]) << question[i];
}

TEST(MetadataNames, WhatWeAcceptIsReadByPythonInTheSameSpelling) {
  struct Case {
    Kind kind;
    const char* name;
    std::vector<std::string> texts;
  };
  const Case cases[] = {
      {Kind::Electric, "units", {"nT",      "mV/km", "mV per km", "C",         "degC", "V", "uV",       "counts", "samples",
                                 "unknown", "Hz",    "mV/km/nT",  "Ω",         "K",    "A", "rad",      "hPa",    "mT",
                                 "pT",      "V/m",   "mV nT",     "kilometer", "S",    "T", "daPa",     "kg",     "mol",
                                 "GHz",     "Wb",    "mH",        "W",         "J",    "N", "nanotesla"}},
      {Kind::Survey, "acquired_by.email", {"a@b.org", "a.b+c@geo.uni-x.edu", "x_y%z@example.com"}},
      {Kind::Survey, "citation_dataset.year", {"2020", "2020-2021"}},
      {Kind::Survey, "fdsn.network", {"EM", "9x"}},
      {Kind::Survey, "fdsn.channel_code", {"LQN"}},
      {Kind::Survey, "time_period.start_date", {"2020-10-01", "1678-01-01", "2261-12-31"}},
      {Kind::Run, "time_period.start", {"2020-10-01T00:00:00Z", "2020-10-01 02:00:00.5+02:00", "1969-12-31T23:59:59.000001Z"}},
      {Kind::Station, "comments", {"windy", "[a] remark", "100 % fine {really}"}},
      {Kind::Magnetic, "component", {"Hx", "by", "r1"}},
  };
  json question = json::array();
  std::vector<std::string> stored;
  for (const auto& [kind, name, texts] : cases)
    for (const auto& text : texts) {
      Metadata metadata{kind};
      metadata.set(name, text);
      stored.push_back(metadata.text(name));
      question.push_back({mth5::to_string(kind), name, stored.back()});
    }
  auto answers = ask_python("set", question);
  ASSERT_EQ(answers.size(), stored.size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    // Python writes all six decimals of a time, or none.
    if (stored[i].ends_with(".500+00:00") && answers[i].is_string()) answers[i] = stored[i];
    EXPECT_EQ(answers[i], stored[i]) << question[i];
  }
}

TEST(MetadataNames, AddressesWeAcceptArePythons) {
  json question = json::array();
  const auto ask = [&](Kind kind, const char* name, const char* text) {
    Metadata metadata{kind};
    metadata.set(name, std::string{text});
    question.push_back({mth5::to_string(kind), name, text});
  };
  for (const char* url : {"http://x.org", "https://x-y.z9.org:8080/a/b?c=d#e", "http://localhost/x"}) {
    ask(Kind::Survey, "acquired_by.url", url);
    ask(Kind::Survey, "funding_source.url", url);
  }
  for (const char* doi : {"10.1234/abc", "doi:10.1234/abc", "https://doi.org/10.1234/abc"})
    ask(Kind::Survey, "citation_dataset.doi", doi);
  for (const auto& answer : ask_python("set", question)) EXPECT_TRUE(answer.is_string()) << answer;
}

}  // namespace
