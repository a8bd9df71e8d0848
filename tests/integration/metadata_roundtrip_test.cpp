#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/process.hpp"
#include "support/support.hpp"

/// Every attribute of every object and filter, generated from the table, through files: ours read by Python, Python's by us.
namespace {

using mth5::Attribute;
using mth5::Filter;
using mth5::Kind;
using mth5::Metadata;
using mth5::Type;
using mth5::Value;
using nlohmann::json;

constexpr Kind kChannels[] = {Kind::Electric, Kind::Magnetic, Kind::Auxiliary};
constexpr Kind kFilters[] = {Kind::Coefficient, Kind::Fap, Kind::Fir, Kind::TimeDelay, Kind::Zpk};

/// A remark is one text, or author, time and text; a file has one or the other.
enum class Remarks { Short, Long };

struct Example {
  std::string version;
  Remarks remarks;
  std::map<Kind, Metadata> objects;  ///< one of each kind but filters
  std::vector<Filter> filters;       ///< one of each kind
};

bool is_short_remark(std::string_view name) { return name == "comments" || name.ends_with(".comments"); }
bool is_part_of_remark(std::string_view name) { return name.find("comments.") != std::string_view::npos; }

/// Of texts with a pattern or a meaning of their own; "" for any other.
std::string special_text(Kind kind, std::string_view name) {
  if (name == "id") return kind == Kind::Survey ? "S1" : kind == Kind::Station ? "MT1" : kind == Kind::Run ? "a" : "";
  if (name == "component") return kind == Kind::Electric ? "ex" : kind == Kind::Magnetic ? "hy" : "temperature";
  if (name == "units" || name == "units_in") return "milliVolt per kilometer";
  if (name == "units_out") return "digital counts";
  if (name == "filters")
    return mth5::to_text(std::vector<mth5::AppliedFilter>{{"coil to counts", false, 1, "not \"yet\""}, {"delay", true, 2, ""}});
  if (mth5::is_filter(kind) && name == "name") return "filter of kind " + std::string{mth5::to_string(kind)};
  if (name.ends_with(".email")) return "a.b@geo.uni-x.edu";
  if (name.ends_with(".url")) return "https://x-y.org/a?b=c";
  if (name.ends_with(".doi")) return "https://doi.org/10.1234/abc";
  if (name.ends_with(".year")) return "2020-2021";
  if (name == "fdsn.network") return "EM";
  if (name == "fdsn.channel_code") return "LQN";
  return "";
}

/// Another one than the default, so that it cannot come back by chance.
std::string other_option(const Attribute& row) {
  std::string_view rest = row.options;
  std::string option;
  while (!rest.empty()) {
    option = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(rest.size(), option.size() + 1));
    if (option != row.default_value && option != "NONE" && !option.ends_with('*')) break;
  }
  return option;
}

Value example_value(Kind kind, const Attribute& row, std::size_t index) {
  switch (row.type) {
    case Type::Text:
      if (!row.options.empty()) return other_option(row);
      if (auto text = special_text(kind, row.name); !text.empty()) return text;
      return "text \"" + std::string{row.name} + "\" of Größe";
    case Type::Float:
      return 12.125 + 0.001 * static_cast<double>(index);
    case Type::Int:
      return std::int64_t{3};
    case Type::Bool:
      return true;
    case Type::Time:
      return std::string{"2021-02-03T04:05:06.123456+00:00"};
    case Type::Date:
      return std::string{"2021-02-03"};
    case Type::List:
      if (auto text = special_text(kind, row.name); !text.empty()) return std::vector<std::string>{text, text};
      if (row.name.find("magnetic") != std::string_view::npos) return std::vector<std::string>{"hy"};
      if (row.name.find("auxiliary") != std::string_view::npos) return std::vector<std::string>{"temperature"};
      if (row.name == "run_list") return std::vector<std::string>{"a"};
      if (row.name == "channels_recorded") return std::vector<std::string>{"ex", "hy", "temperature"};
      if (!row.pattern.empty()) return std::vector<std::string>{"ex"};
      return std::vector<std::string>{"DE", "FR \"x\""};
  }
  throw std::logic_error{"unknown type"};
}

Metadata example_metadata(Kind kind, Remarks remarks) {
  Metadata metadata{kind};
  std::size_t index = 0;
  for (const auto& row : mth5::attributes(kind)) {
    ++index;
    if (remarks == Remarks::Short ? is_part_of_remark(row.name) : is_short_remark(row.name)) continue;
    metadata.set(row.name, example_value(kind, row, index));
  }
  return metadata;
}

Example make_example(const std::string& version, Remarks remarks) {
  Example example{version, remarks, {}, {}};
  for (const auto kind : {Kind::Survey, Kind::Station, Kind::Run, Kind::Electric, Kind::Magnetic, Kind::Auxiliary})
    example.objects.emplace(kind, example_metadata(kind, remarks));
  for (auto& [kind, object] : example.objects)
    if (object.find("sample_rate") != nullptr) object.set("sample_rate", 8.0);
  // Python computes the corners from the stations when it reads; the elevation it takes from the file.
  auto& survey = example.objects.at(Kind::Survey);
  const auto& station = example.objects.at(Kind::Station);
  for (const std::string corner : {"northwest_corner.", "southeast_corner."})
    for (const std::string axis : {"latitude", "longitude"}) survey.set(corner + axis, station.number("location." + axis));
  for (const auto kind : kFilters) {
    auto& filter = example.filters.emplace_back(Filter{.survey = "S1", .metadata = example_metadata(kind, remarks)});
    if (kind == Kind::Zpk) filter.poles = {{-1.5, 2.5}, {-1.5, -2.5}}, filter.zeros = {{0.0, 0.125}};
    if (kind == Kind::Fap) filter.responses = {{0.1, 1.25, 0.5}, {10.0, 2.25, -0.75}};
    if (kind == Kind::Fir) filter.coefficients = {0.25, 0.5, 0.125};  // exact in the float32 of Python's files
  }
  return example;
}

std::vector<Example> examples() {
  std::vector<Example> all;
  for (const char* version : {"0.1.0", "0.2.0"})
    for (const auto remarks : {Remarks::Short, Remarks::Long}) all.push_back(make_example(version, remarks));
  return all;
}

std::string python() {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr || !std::filesystem::exists(program))
    throw std::runtime_error{std::string{"MTH5_TEST_PYTHON: "} + (program == nullptr ? "not set" : program) +
                             ": no such program; make a Python environment with mth5 and name its python there"};
  return program;
}

std::string ask_python(const support::TempDir& dir, const std::string& command, const json& question) {
  support::write_text(dir / "question.json", question.dump());
  const auto finished = support::run({python(), (support::source() / "tests/integration/metadata_roundtrip.py").string(), command,
                                      (dir / "question.json").string()},
                                     {}, std::chrono::seconds{240});
  if (finished.code != 0)
    throw std::runtime_error{"metadata_roundtrip.py: exit code " + std::to_string(finished.code) + ": " + finished.err};
  return finished.out;
}

json to_json(const Value& value) {
  return std::visit([](const auto& v) { return json(v); }, value);
}

json applied_to_json(const Metadata& channel) {
  json out = json::array();
  for (const auto& f : mth5::applied_filters(channel))
    out.push_back({f.name, f.applied, f.stage ? json(*f.stage) : json(), f.comments.empty() ? json() : json(f.comments)});
  return out;
}

/// With the tables of a filter under Python's names.
json filter_to_json(const Filter& filter) {
  json out = json::object();
  for (const auto& [name, value] : filter.metadata.values()) out[name] = to_json(value);
  const auto pairs = [](const auto& numbers) {
    json list = json::array();
    for (const auto& z : numbers) list.push_back({z.real(), z.imag()});
    return list;
  };
  if (filter.kind() == Kind::Zpk) out["poles"] = pairs(filter.poles), out["zeros"] = pairs(filter.zeros);
  if (filter.kind() == Kind::Fir) out["coefficients"] = filter.coefficients;
  if (filter.kind() == Kind::Fap)
    for (const auto& row : filter.responses) {
      out["frequencies"].push_back(row.frequency);
      out["amplitudes"].push_back(row.amplitude);
      out["phases"].push_back(row.phase);
    }
  return out;
}

void write_ours(const std::filesystem::path& path, const Example& example) {
  auto file = mth5::File::create(path, {.file_version = example.version});
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(example.objects.at(Kind::Survey));
    for (const auto& filter : example.filters) edit.add_filter("S1", filter);
    edit.add_station("S1", example.objects.at(Kind::Station));
    std::vector<mth5::ChannelSpec> channels;
    for (const auto kind : kChannels) channels.push_back({example.objects.at(kind)});
    const std::vector<double> samples(9 * channels.size(), 1.0);  // a run without any does not stay
    edit.add_finished_run("S1", "MT1", example.objects.at(Kind::Run), *mth5::parse_time("2021-02-03T04:05:06Z"), channels,
                          mth5::Matrix<const double>{samples.data(), channels.size(), 9, 9});
  });
  file.close();
}

std::map<Kind, Metadata> objects_of(const mth5::Reader& reader) {
  std::map<Kind, Metadata> found;
  found.emplace(Kind::Survey, reader.surveys().at(0).metadata);
  found.emplace(Kind::Station, reader.stations().at(0).metadata);
  found.emplace(Kind::Run, reader.run_metadata(0));
  for (std::size_t i = 0; i < reader.channels().size(); ++i) found.emplace(reader.channels()[i].kind, reader.channel_metadata(i));
  return found;
}

/// The library keeps these itself.
bool is_kept(Kind kind, std::string_view name) {
  return (kind != Kind::Survey && name.starts_with("time_period.")) || name.starts_with("channels_recorded") ||
         name == "run_list";
}

/// Python's value where it may differ in spelling: a remark's text has its own name there.
std::string python_name(std::string_view name) { return std::string{name} + (is_short_remark(name) ? ".value" : ""); }

TEST(MetadataRoundTrip, PythonReadsEveryAttributeThatWeWrite) {
  const support::TempDir dir;
  const auto all = examples();
  json paths;
  for (std::size_t i = 0; i < all.size(); ++i) {
    paths.push_back((dir / ("ours" + std::to_string(i) + ".h5")).string());
    write_ours(paths.back().get<std::string>(), all[i]);
  }
  const auto answers = json::parse(ask_python(dir, "read", paths));
  ASSERT_EQ(answers.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const mth5::Reader reader{paths[i].get<std::string>()};
    const auto read = objects_of(reader);
    ASSERT_EQ(read.size(), all[i].objects.size());
    for (const auto& [kind, written] : all[i].objects) {
      const std::string object = all[i].version + " " + std::string{mth5::to_string(kind)} + ".";
      const auto& python = answers[i].at(std::string{mth5::to_string(kind)});
      for (const auto& [name, value] : written.values()) {
        const Value* ours = read.at(kind).find(name);
        ASSERT_NE(ours, nullptr) << object << name;
        if (!is_kept(kind, name)) {
          EXPECT_EQ(*ours, value) << object << name;
        }
        const json wanted = name == "filters" ? applied_to_json(read.at(kind)) : to_json(*ours);
        EXPECT_EQ(python.at(python_name(name)), wanted) << object << name;
      }
    }
    ASSERT_EQ(reader.filters().size(), all[i].filters.size());
    for (std::size_t f = 0; f < all[i].filters.size(); ++f) {
      EXPECT_EQ(reader.filters()[f], all[i].filters[f]) << reader.filters()[f].problem;
      const std::string kind{mth5::to_string(all[i].filters[f].kind())};
      const auto& python = answers[i].at("filters").at(kind);
      const auto wanted = filter_to_json(all[i].filters[f]);
      for (const auto& [name, value] : wanted.items())
        EXPECT_EQ(python.at(python_name(name)), value) << all[i].version << " " << kind << "." << name;
    }
  }
}

TEST(MetadataRoundTrip, WeReadEveryAttributeThatPythonWrites) {
  const support::TempDir dir;
  auto all = examples();
  // Python writes a list of URLs as the text of its own objects ("[AnyHttpUrl('https://…')]"), and then cannot read the survey.
  for (auto& example : all) example.objects.at(Kind::Survey).erase("funding_source.url");
  json question = json::array();
  for (const auto& example : all) {
    json& file = question.emplace_back();
    file["path"] = (dir / ("python" + std::to_string(question.size()) + ".h5")).string();
    file["version"] = example.version;
    for (const auto& [kind, metadata] : example.objects) {
      json& values = file[std::string{mth5::to_string(kind)}];
      for (const auto& [name, value] : metadata.values())
        values[python_name(name)] = name == "filters" ? json::parse(std::get<std::string>(value)) : to_json(value);
    }
    for (const auto& filter : example.filters) {
      const auto values = filter_to_json(filter);
      for (const auto& [name, value] : values.items())
        file["filters"][std::string{mth5::to_string(filter.kind())}][python_name(name)] = value;
    }
  }
  ask_python(dir, "write", question);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const mth5::Reader reader{question[i].at("path").get<std::string>()};
    const auto read = objects_of(reader);
    ASSERT_EQ(read.size(), all[i].objects.size());
    for (const auto& [kind, written] : all[i].objects)
      for (const auto& [name, value] : written.values()) {
        const std::string what = all[i].version + " " + std::string{mth5::to_string(kind)} + "." + name;
        const Value* ours = read.at(kind).find(name);
        ASSERT_NE(ours, nullptr) << what;
        if (name == "filters") {
          EXPECT_EQ(mth5::applied_filters(read.at(kind)), mth5::applied_filters(written)) << what;
        } else {
          EXPECT_EQ(*ours, value) << what << ": " << to_json(*ours) << " instead of " << to_json(value);
        }
      }
    ASSERT_EQ(reader.filters().size(), all[i].filters.size());
    for (std::size_t f = 0; f < all[i].filters.size(); ++f) {
      const auto ours = filter_to_json(reader.filters()[f]);
      EXPECT_EQ(reader.filters()[f].problem, "");
      const auto wanted = filter_to_json(all[i].filters[f]);
      for (const auto& [name, value] : wanted.items())
        EXPECT_EQ(ours.value(name, json()), value) << all[i].version << " " << all[i].filters[f].name() << "." << name;
    }
  }
}

}  // namespace
