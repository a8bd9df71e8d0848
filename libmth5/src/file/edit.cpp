#include <algorithm>

#include "file/acquisition_tables.hpp"
#include "file/checks.hpp"
#include "file/file_impl.hpp"
#include "h5/types.hpp"

/// Surveys, stations and tables: everything here runs outside SWMR, called from File::edit().
namespace mth5 {

namespace {

constexpr std::uint64_t kMostTableChunk = 16'777'216;  ///< bytes
constexpr std::size_t kMostTextBytes = 65'536;

/// HDF5 would refuse it in the middle of an edit, which then is lost.
void check_table(const TableSpec& spec) {
  const std::string name = "table '" + spec.name + "': ";
  for (std::size_t begin = 0; begin <= spec.name.size();) {
    const std::size_t end = std::min(spec.name.find('/', begin), spec.name.size());
    const std::string_view part = std::string_view{spec.name}.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      throw StateError{name + "not a name below /Acquisition"};
    begin = end + 1;
  }
  if (spec.columns.empty()) throw StateError{name + "has no columns"};
  for (auto column = spec.columns.begin(); column != spec.columns.end(); ++column) {
    if (column->name.empty() ||
        std::any_of(spec.columns.begin(), column, [&](const Column& c) { return c.name == column->name; }))
      throw StateError{name + "column '" + column->name + "': needs a name of its own"};
    if (column->type == Column::Type::Text && (column->text_bytes == 0 || column->text_bytes > kMostTextBytes))
      throw StateError{name + "column '" + column->name + "': text of " + std::to_string(column->text_bytes) + " bytes; 1 to " +
                       std::to_string(kMostTextBytes) + " are possible"};
  }
  if (spec.chunk == 0 || spec.chunk > kMostTableChunk / spec.row_bytes())
    throw StateError{name + "a chunk of " + std::to_string(spec.chunk) + " rows of " + std::to_string(spec.row_bytes()) +
                     " bytes; choose 1 row to 16 MiB"};
}

}  // namespace

std::string checked_id(const Metadata& metadata) {
  const std::string id = metadata.text("id");
  const std::string object{to_string(metadata.kind())};
  if (id.empty()) throw MetadataError{object + ".id: is missing"};
  if (const auto problem = check_id(metadata.kind(), id)) throw MetadataError{object + ".id: '" + id + "' " + *problem};
  return id;
}

void require_kind(const Metadata& metadata, Kind kind) {
  if (metadata.kind() != kind)
    throw MetadataError{std::string{to_string(metadata.kind())} + " metadata where those of a " + std::string{to_string(kind)} +
                        " belong"};
}

h5::Object FileImpl::open_object(const std::string& path) const {
  return {H5Oopen(file_.get(), path.c_str(), H5P_DEFAULT), path};
}

std::string FileImpl::survey_path(std::string_view survey) const {
  return version_010_ ? "/Survey" : "/Experiment/Surveys/" + std::string{survey};
}

std::string FileImpl::station_path(const Station& station) const {
  return survey_path(station.survey) + "/Stations/" + station.metadata.text("id");
}

FileImpl::Survey& FileImpl::survey(std::string_view id) {
  const auto found = std::find_if(surveys_.begin(), surveys_.end(), [&](const Survey& s) { return s.metadata.text("id") == id; });
  if (found == surveys_.end())
    throw StateError{path_.string() + ": there is no survey '" + std::string{id} + "'; add_survey() first"};
  return *found;
}

std::size_t FileImpl::station_index(std::string_view survey, std::string_view id) const {
  const bool any_survey = version_010_ && survey.empty();
  const auto found = std::find_if(stations_.begin(), stations_.end(), [&](const Station& s) {
    return (any_survey || s.survey == survey) && s.metadata.text("id") == id;
  });
  if (found == stations_.end())
    throw StateError{path_.string() + ": there is no station '" + std::string{id} + "' in survey '" + std::string{survey} +
                     "'; add_station() first"};
  return static_cast<std::size_t>(found - stations_.begin());
}

const FileImpl::Run& FileImpl::known_run(RunId id) const {
  if (id.index >= runs_.size()) throw StateError{path_.string() + ": this run id is not from this file"};
  return runs_[id.index];
}

const FileImpl::Table& FileImpl::known_table(TableId id) const {
  if (id.index >= tables_.size()) throw StateError{path_.string() + ": this table id is not from this file"};
  return tables_[id.index];
}

FileImpl::Run& FileImpl::run(RunId id) {
  (void)known_run(id);
  Run& found = runs_[id.index];
  if (found.finished) throw StateError{found.path + ": the run is finished; add_run() begins a new one"};
  return found;
}

void FileImpl::add_survey(const Metadata& metadata) {
  require_kind(metadata, Kind::Survey);
  const std::string id = checked_id(metadata);
  if (version_010_) {
    if (!surveys_.empty()) throw StateError{path_.string() + ": a file of version 0.1.0 has one survey; use file_version 0.2.0"};
    const auto group = open_object("/Survey");
    h5::write_metadata(group.get(), metadata);
  } else {
    if (std::any_of(surveys_.begin(), surveys_.end(), [&](const Survey& s) { return s.metadata.text("id") == id; }))
      throw StateError{path_.string() + ": survey '" + id + "' exists already"};
    const auto surveys = open_object("/Experiment/Surveys");
    const auto group = h5::create_group(surveys.get(), id, {});
    h5::write_metadata(group.get(), metadata);
    create_survey_groups(group.get());
  }
  surveys_.push_back({metadata, {}, {}});
}

void FileImpl::add_station(std::string_view survey_id, const Metadata& metadata) {
  require_kind(metadata, Kind::Station);
  const std::string id = checked_id(metadata);
  (void)survey(survey_id);
  if (std::any_of(stations_.begin(), stations_.end(),
                  [&](const Station& s) { return s.survey == survey_id && s.metadata.text("id") == id; }))
    throw StateError{path_.string() + ": station '" + id + "' exists already"};
  Station station{.survey = std::string{survey_id}, .metadata = metadata};
  const auto group = h5::Group{H5Gcreate2(file_.get(), station_path(station).c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), id};
  h5::AttributeWriter{group.get(), h5::AttributeWriter::Target::New}.write(metadata);
  create_station_groups(group.get());
  stations_.push_back(std::move(station));
}

const std::vector<std::string>& FileImpl::run_names(std::string_view survey_id, std::string_view station_id) const {
  return stations_[station_index(survey_id, station_id)].runs;
}

TableId FileImpl::add_table(const TableSpec& spec) {
  check_table(spec);
  if (std::any_of(tables_.begin(), tables_.end(), [&](const Table& t) { return t.spec.name == spec.name; }) ||
      spec.name == "state")
    throw StateError{"/Acquisition/" + spec.name + ": exists already"};
  for (std::size_t slash = spec.name.find('/'); slash != std::string::npos; slash = spec.name.find('/', slash + 1)) {
    const std::string above = "/Acquisition/" + spec.name.substr(0, slash);
    if (!h5::has_link(file_.get(), above)) break;
    const auto object = open_object(above);
    if (H5Iget_type(object.get()) != H5I_GROUP)
      throw StateError{path_.string() + ": " + above + ": is a table; choose another name"};
  }
  h5::Datatype type = table_type(spec);
  const std::string path = "/Acquisition/" + spec.name;
  std::int64_t rows = 0;
  if (h5::has_link(file_.get(), path)) {
    const auto table = open_dataset(path);
    const h5::Datatype there{H5Dget_type(table.get()), path};
    if (h5::check(H5Tequal(there.get(), type.get()), path) == 0)
      throw StateError{path_.string() + ": " + path + ": exists with other columns; choose another name"};
    const h5::Space space{H5Dget_space(table.get()), path};
    rows = H5Sget_simple_extent_npoints(space.get());
  } else {
    create_acquisition_table(file_.get(), spec, 0);
  }
  tables_.push_back({spec, std::move(type), rows, {}});
  return {tables_.size() - 1};
}

void FileImpl::update_survey(const Metadata& metadata) {
  require_kind(metadata, Kind::Survey);
  Survey& target = survey(metadata.text("id"));
  target.metadata.merge(metadata);
  const auto group = open_object(survey_path(metadata.text("id")));
  const h5::AttributeWriter attributes{group.get(), h5::AttributeWriter::Target::Existing};
  for (const auto& [name, value] : metadata.values()) attributes.write(name, value);
}

void FileImpl::update_station(std::string_view survey_id, const Metadata& metadata) {
  require_kind(metadata, Kind::Station);
  const std::size_t index = station_index(survey_id, metadata.text("id"));
  Station& station = stations_[index];
  station.metadata.merge(metadata);
  const auto group = open_object(station_path(station));
  const h5::AttributeWriter attributes{group.get(), h5::AttributeWriter::Target::Existing};
  for (const auto& [name, value] : metadata.values()) attributes.write(name, value);
  refresh_station_rows(station);
}

void FileImpl::update_run(RunId id, const Metadata& metadata) {
  require_kind(metadata, Kind::Run);
  const Run& target = run(id);
  if (metadata.text("id", target.id) != target.id || metadata.number("sample_rate", target.sample_rate) != target.sample_rate)
    throw StateError{target.path + ": id and sample_rate of a run cannot be changed; add_run() begins a new one"};
  const auto group = open_object(target.path);
  const h5::AttributeWriter attributes{group.get(), h5::AttributeWriter::Target::Existing};
  for (const auto& [name, value] : metadata.values()) attributes.write(name, value);
}

}  // namespace mth5
