#include <algorithm>
#include <deque>
#include <iterator>
#include <string>

#include "meta/blocks.hpp"
#include "meta/text.hpp"

namespace mth5 {
namespace {

using namespace meta;

/// Collects the rows of one kind and owns the composed names. Filled once, then constant.
class AttributeTable {
 public:
  explicit AttributeTable(Kind kind) {
    switch (kind) {
      case Kind::Survey:
        survey();
        break;
      case Kind::Station:
        station();
        break;
      case Kind::Run:
        run();
        break;
      case Kind::Electric:
        electric();
        break;
      case Kind::Magnetic:
        magnetic();
        break;
      case Kind::Auxiliary:
        auxiliary();
        break;
      case Kind::Coefficient:
      case Kind::Zpk:
      case Kind::Fap:
      case Kind::Fir:
      case Kind::TimeDelay:
        filter(kind);
        break;
    }
  }
  AttributeTable(const AttributeTable&) = delete;  // the rows point into names_
  AttributeTable& operator=(const AttributeTable&) = delete;

  [[nodiscard]] std::span<const Attribute> rows() const { return rows_; }

 private:
  void survey();
  void station();
  void run();
  void electric();
  void magnetic();
  void auxiliary();
  void filter(Kind kind);
  void channel(std::string_view type, std::string_view component_pattern, std::string_view default_component);
  void sensor();
  void provenance();

  void add(Attribute row) { rows_.push_back(row); }
  void mount(const std::string& prefix, std::span<const Attribute> block) {
    for (Attribute row : block) {
      row.name = names_.emplace_back(prefix + std::string{row.name});
      rows_.push_back(row);
    }
  }
  void person(const std::string& prefix, std::span<const Attribute> name = kAuthor) {
    mount(prefix, name);
    mount(prefix, kContact);
    mount(prefix, kComments);
  }
  void location(const std::string& prefix) {
    mount(prefix, kBasicLocation);
    mount(prefix, kExtendedLocation);
  }
  void start_end(const std::string& prefix, std::string_view units, std::string_view description) {
    const Attribute range[] = {needed(number("start", units, description), "0"), needed(number("end", units, description), "0")};
    mount(prefix, range);
  }

  std::deque<std::string> names_;  // addresses stay
  std::vector<Attribute> rows_;
};

void AttributeTable::survey() {
  add(needed(matching("id", kId, "id of the survey, its group's name")));
  add(needed(text("name", "full name of the survey")));
  add(needed(text("project", "name of the project")));
  add(needed(text("geographic_name", "nearest known place")));
  add(needed(text("summary", "purpose, quality and outcome")));
  add(needed(one_of("datum", kDatums, "geographic datum"), "WGS 84"));
  add(needed({.name = "time_period.start_date", .type = Type::Date, .description = "first day, UTC"}, "1980-01-01"));
  add(needed({.name = "time_period.end_date", .type = Type::Date, .description = "last day, UTC"}, "1980-01-01"));
  mount("northwest_corner.", kCornerRows);
  mount("southeast_corner.", kCornerRows);
  person("acquired_by.");
  person("project_lead.");
  add(needed(one_of("release_license", kLicenses, "licence of the data"), "CC-BY-4.0"));
  mount("fdsn.", kFdsn);
  mount("", kComments);
  add(list("country", "countries"));
  add(list("state", "states or provinces"));
  add(list("funding_source.name", "names of those who funded"));
  add(list("funding_source.organization", "organizations that funded"));
  add(list("funding_source.email", "their e-mail addresses", kEmail));
  add(list("funding_source.url", "their web addresses", kUrl));
  add(list("funding_source.grant_id", "numbers of the grants"));
  mount("funding_source.", kComments);
  static constexpr Attribute citation[] = {
      matching("doi", kDoi, "DOI"), text("authors", "authors"),
      text("title", "full title"),  matching("year", "[0-9]{4}(-[0-9]{4})?", "year of publication"),
      text("volume", "volume"),     text("pages", "pages"),
      text("journal", "journal"),   text("url", "web address"),
  };
  mount("citation_dataset.", citation);
  mount("citation_journal.", citation);
}

void AttributeTable::station() {
  add(needed(matching("id", kId, "id of the station, its group's name")));
  add(needed(text("geographic_name", "nearest known place")));
  add(needed(one_of("data_type", kDataTypes, "kind of data"), "BBMT"));
  add(one_of("channel_layout", "L|X|+", "layout of the lines"));
  add(needed(list("channels_recorded", "components", "[A-Za-z0-9_]+"), "[]"));
  add(needed(list("run_list", "ids of the runs", "[A-Za-z0-9_]+"), "[]"));
  // A position that nobody gave is not known: latitude and longitude have no default. Of the three, Python takes NaN only as
  // elevation, and without one it drops a station's channels from a summary that it builds again (mth5-format, 2.9).
  for (Attribute row : kBasicLocation) {
    if (row.name == "elevation") row = needed(row, kUnknown);
    mount("location.", std::span{&row, 1});
  }
  mount("location.", kExtendedLocation);
  add(needed(one_of("location.declination.model", kMagneticModels, "geomagnetic reference model"), "IGRF"));
  add(within(needed(number("location.declination.value", "degrees", "declination, east positive"), "0"), -180, 180));
  add(text("location.declination.epoch", "epoch of the model"));
  mount("location.declination.", kComments);
  for (const char* area : {"country", "state", "county", "township", "section", "quarter", "parcel"})
    add(text(names_.emplace_back(std::string{"location.geographic_location."} + area), "administrative area"));
  add(needed(one_of("orientation.method", "compass|GPS|theodolite", "how the layout was oriented"), "compass"));
  constexpr std::string_view frames = "geographic|geomagnetic|station|sitelayout";
  add(needed(one_of("orientation.reference_frame", frames, "what azimuths refer to"), "geographic"));
  add(within(number("orientation.angle_to_geographic_north", "degrees", "turns the layout to geographic north"), -360, 360));
  add(one_of("orientation.value", "orthogonal|station|sitelayout", "orientation of the channels to each other"));
  person("acquired_by.");
  provenance();
  mount("time_period.", kTimePeriod);
  mount("fdsn.", kFdsn);
  mount("", kComments);
}

void AttributeTable::run() {
  add(needed(matching("id", kId, "id of the run, its group's name")));
  add(within(needed(number("sample_rate", "samples per second", "sample rate"), "0"), 0));
  add(needed(one_of("data_type", kDataTypes, "kind of data"), "BBMT"));
  add(needed(list("channels_recorded_electric", "electric components", "[eE][A-Za-z0-9_]*"), "[]"));
  add(needed(list("channels_recorded_magnetic", "magnetic components", "[hHbBrR][A-Za-z0-9_]*"), "[]"));
  add(needed(list("channels_recorded_auxiliary", "auxiliary components", "[A-Za-z0-9_]+"), "[]"));
  mount("time_period.", kTimePeriod);
  person("acquired_by.");
  person("metadata_by.");
  provenance();
  mount("data_logger.", kInstrument);
  mount("data_logger.firmware.", kSoftware);
  add(needed(text("data_logger.timing_system.type", "timing system"), "GPS"));
  add(needed(number("data_logger.timing_system.drift", "seconds", "estimated drift"), "0"));
  add(within(needed(number("data_logger.timing_system.uncertainty", "seconds", "estimated uncertainty"), "0"), 0));
  add(within({.name = "data_logger.timing_system.n_satellites", .type = Type::Int, .description = "satellites in use"}, 0));
  mount("data_logger.timing_system.", kComments);
  add(text("data_logger.power_source.type", "kind of battery or supply"));
  add(text("data_logger.power_source.id", "id of the battery"));
  start_end("data_logger.power_source.voltage.", "volts", "supply voltage");
  mount("data_logger.power_source.", kComments);
  mount("data_logger.data_storage.", kInstrument);
  mount("fdsn.", kFdsn);
  mount("", kComments);
}

void AttributeTable::provenance() {
  add(needed(time("provenance.creation_time", "when the data were made, UTC"), kEpoch));
  mount("provenance.", kComments);
  add(text("provenance.log", "history of changes"));
  person("provenance.creator.");
  person("provenance.submitter.");
  person("provenance.archive.", kArchive);
  mount("provenance.software.", kSoftware);
}

void AttributeTable::channel(std::string_view type, std::string_view component_pattern, std::string_view default_component) {
  add(needed(one_of("type", type, "kind of channel"), type));
  add(needed(matching("component", component_pattern, "component, the dataset's name"), default_component));
  add(within(needed({.name = "channel_number", .type = Type::Int, .description = "number on the data logger"}, "0"), 0));
  add(text("channel_id", "id given by user or data logger"));
  add(within(needed(number("sample_rate", "samples per second", "sample rate"), "0"), 0));
  mount("time_period.", kTimePeriod);
  add(within(needed(number("measurement_azimuth", "degrees", "azimuth, north 0, east 90"), "0"), -360, 360));
  add(within(needed(number("measurement_tilt", "degrees", "tilt, down positive"), "0"), -180, 180));
  add(within(number("translated_azimuth", "degrees", "azimuth after rotation"), -360, 360));
  add(within(number("translated_tilt", "degrees", "tilt after rotation"), -180, 180));
  add(needed(text("units", "unit of the samples, by its full name")));
  add(needed(text("filters", "JSON list of {name, applied, stage}"), "[]"));
  add(text("data_quality.warnings", "what to look out for"));
  add(within(number("data_quality.good_from_period", "seconds", "good for periods longer than this"), 0));
  add(within(number("data_quality.good_to_period", "seconds", "good for periods shorter than this"), 0));
  add({.name = "data_quality.flag", .type = Type::Int, .description = "quality flag"});
  mount("data_quality.", kComments);
  add(text("data_quality.rating.author", "who rated the data"));
  add(text("data_quality.rating.method", "how the data were rated"));
  constexpr Attribute rating{
      .name = "data_quality.rating.value", .type = Type::Int, .options = "none", .description = "5 is best"};
  add(within(needed(rating, "none"), 0, 5));
  mount("fdsn.", kFdsn);
  mount("", kComments);
}

void AttributeTable::sensor() {
  mount("sensor.", kInstrument);
  mount("location.", kBasicLocation);
}

void AttributeTable::electric() {
  channel("electric", "[eE][A-Za-z0-9_]*", "e_default");
  add(within(needed(number("dipole_length", "meters", "distance of the electrodes"), "0"), 0));
  for (const char* electrode : {"positive.", "negative."}) {
    mount(electrode, kInstrument);
    location(electrode);
  }
  start_end("contact_resistance.", "ohms", "contact resistance");
  start_end("ac.", "volts", "alternating voltage");
  start_end("dc.", "volts", "direct voltage");
}

void AttributeTable::magnetic() {
  channel("magnetic", "[hHbBrR][A-Za-z0-9_]*", "h_default");
  sensor();
  start_end("h_field_min.", "nanotesla", "lowest field");
  start_end("h_field_max.", "nanotesla", "highest field");
}

void AttributeTable::auxiliary() {
  channel("auxiliary", "[A-Za-z0-9_]+", "auxiliary_default");
  sensor();
}

void AttributeTable::filter(Kind kind) {
  add(needed(text("name", "name, as channels call it")));
  add(needed(one_of("type", mth5_type(kind), "kind of filter"), mth5_type(kind)));
  add(needed(text("units_in", "unit on the side of the earth, by its full name"), "unknown"));
  add(needed(text("units_out", "unit on the side of the digitiser, by its full name"), "unknown"));
  add(needed(number("gain", "units_out per units_in", "gain at all frequencies"), "1"));
  add(within(needed({.name = "sequence_number", .type = Type::Int, .description = "place in the chain"}, "0"), 0));
  add(time("calibration_date", "last calibration, UTC"));
  mount("", kComments);
  if (kind == Kind::Zpk) add(needed(number("normalization_factor", "", "factor of poles and zeros"), "1"));
  if (kind == Kind::Fap) add(needed(text("instrument_type", "kind of instrument the table is of")));
  if (kind == Kind::Fir) {
    add(within(number("decimation_factor", "", "samples in per sample out"), 1));
    add(within(number("decimation_input_sample_rate", "samples per second", "sample rate of the coefficients"), 0));
    add(within(needed(number("gain_frequency", "hertz", "where the gain holds"), "0"), 0));
    add(needed(one_of("symmetry", "NONE|ODD|EVEN", "which half of the coefficients is stored"), "NONE"));
  }
  if (kind == Kind::TimeDelay) add(needed(number("delay", "seconds", "delay"), "0"));
}

}  // namespace

std::span<const Attribute> attributes(Kind kind) {
  static const AttributeTable tables[] = {
      AttributeTable{Kind::Survey},      AttributeTable{Kind::Station},  AttributeTable{Kind::Run},
      AttributeTable{Kind::Electric},    AttributeTable{Kind::Magnetic}, AttributeTable{Kind::Auxiliary},
      AttributeTable{Kind::Coefficient}, AttributeTable{Kind::Zpk},      AttributeTable{Kind::Fap},
      AttributeTable{Kind::Fir},         AttributeTable{Kind::TimeDelay}};
  static_assert(std::size(tables) == kKindCount);
  return tables[static_cast<std::size_t>(kind)].rows();
}

const Attribute* find_attribute(Kind kind, std::string_view name) {
  const auto rows = attributes(kind);
  const auto found = std::ranges::find(rows, name, &Attribute::name);
  return found == rows.end() ? nullptr : &*found;
}

std::string_view nearest_attribute(Kind kind, std::string_view name) {
  const auto rows = attributes(kind);
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  // The right word in the wrong place: `latitude` for `location.latitude`.
  for (const auto known : names)
    if (known.size() > name.size() && !name.empty() && known.ends_with(name) && known[known.size() - name.size() - 1] == '.')
      return known;
  return nearest(name, names);
}

}  // namespace mth5
