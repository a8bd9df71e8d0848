#include "copy/bridge.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>

#include "file/acquisition_tables.hpp"
#include "h5/types.hpp"
#include "mth5/duration.hpp"

namespace mth5::copy {

namespace {

constexpr const char* kGaps = "/Acquisition/gaps";

std::string station_path(const Reader& source, const std::string& survey, const std::string& station) {
  const bool one_survey = source.file_version() == "0.1.0";
  return (one_survey ? std::string{"/Survey"} : "/Experiment/Surveys/" + survey) + "/Stations/" + station;
}

std::vector<std::string> components_of(const Reader& source, const RunInfo& run) {
  std::vector<std::string> names;
  for (const auto channel : run.channels) names.push_back(source.channels()[channel].component);
  std::sort(names.begin(), names.end());
  return names;
}

std::size_t channel_of(const Reader& source, const RunInfo& run, const std::string& component) {
  return *std::find_if(run.channels.begin(), run.channels.end(),
                       [&](std::size_t i) { return source.channels()[i].component == component; });
}

/// What a channel is, whenever it was recorded.
std::map<std::string, Value, std::less<>> lasting(const Reader& source, std::size_t channel) {
  auto values = source.channel_metadata(channel).values();
  std::erase_if(values, [](const auto& entry) { return entry.first.starts_with("time_period."); });
  return values;
}

/// Why the channels of two runs are not one channel each; "" if they are.
std::string difference(const Reader& source, const RunInfo& a, const RunInfo& b) {
  for (const auto& component : components_of(source, a)) {
    const auto one = channel_of(source, a, component), other = channel_of(source, b, component);
    if (source.sample_type(one) != source.sample_type(other)) return component + " has another type of samples";
    for (const auto* run : {&a, &b})
      if (source.stored_samples(channel_of(source, *run, component)) != run->n_samples)
        return component + " has another length than the other channels";
    const auto before = lasting(source, one), after = lasting(source, other);
    if (before == after) continue;
    for (const auto& [name, value] : after) {
      const auto there = before.find(name);
      if (there == before.end() || there->second != value) return component + " has another " + name;
    }
    return component + " has other metadata";
  }
  return "";
}

/// A table of a file in memory, as it is stored, to be changed and written back.
class StoredRows {
 public:
  StoredRows(hid_t file, const std::string& path)
      : name_{path}, dataset_{H5Dopen2(file, path.c_str(), H5P_DEFAULT), path}, type_{own_type(dataset_.get(), path)} {
    const h5::Space space{H5Dget_space(dataset_.get()), path};
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    bytes_.resize(static_cast<std::size_t>(std::max<hssize_t>(0, count)) * row_bytes());
    if (!bytes_.empty()) h5::check(H5Dread(dataset_.get(), type_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes_.data()), path);
  }

  [[nodiscard]] std::size_t size() const { return bytes_.size() / row_bytes(); }
  [[nodiscard]] std::string text(std::size_t row, const char* column) const {
    const auto [offset, size] = place(column, H5T_STRING);
    const char* at = bytes_.data() + row * row_bytes() + offset;
    return {at, strnlen(at, size)};
  }
  void set_text(std::size_t row, const char* column, const std::string& value) {
    const auto [offset, size] = place(column, H5T_STRING);
    char* at = bytes_.data() + row * row_bytes() + offset;
    std::memset(at, 0, size);
    std::memcpy(at, value.data(), std::min(size, value.size()));
  }
  [[nodiscard]] std::int64_t integer(std::size_t row, const char* column) const {
    std::int64_t value = 0;
    std::memcpy(&value, bytes_.data() + row * row_bytes() + place(column, H5T_INTEGER).first, sizeof value);
    return value;
  }
  void set_integer(std::size_t row, const char* column, std::int64_t value) {
    std::memcpy(bytes_.data() + row * row_bytes() + place(column, H5T_INTEGER).first, &value, sizeof value);
  }
  /// Adds a row like that one, at the end. @returns its number
  std::size_t repeat(std::size_t row) {
    const std::vector<char> copy(at(row), at(row + 1));
    bytes_.insert(bytes_.end(), copy.begin(), copy.end());
    return size() - 1;
  }
  /// Adds a row of zeros.
  std::size_t add() {
    bytes_.resize(bytes_.size() + row_bytes());
    return size() - 1;
  }
  void remove(const std::vector<bool>& rows) {
    std::vector<char> kept;
    kept.reserve(bytes_.size());
    for (std::size_t i = 0; i < size(); ++i)
      if (!rows[i]) kept.insert(kept.end(), at(i), at(i + 1));
    bytes_ = std::move(kept);
  }
  void write() {
    const hsize_t count = size();
    h5::check(H5Dset_extent(dataset_.get(), &count), name_);
    if (count > 0) h5::check(H5Dwrite(dataset_.get(), type_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes_.data()), name_);
  }

 private:
  static h5::Datatype own_type(hid_t dataset, const std::string& path) {
    const h5::Datatype stored{H5Dget_type(dataset), path};
    return {H5Tcopy(stored.get()), path};
  }
  [[nodiscard]] std::size_t row_bytes() const { return H5Tget_size(type_.get()); }
  [[nodiscard]] std::vector<char>::const_iterator at(std::size_t row) const {
    return bytes_.begin() + static_cast<std::ptrdiff_t>(row * row_bytes());
  }
  /// Offset and bytes of a column. Of whole numbers only those of 8 bytes are in these tables; a text has a fixed length.
  [[nodiscard]] std::pair<std::size_t, std::size_t> place(const char* column, H5T_class_t kind) const {
    const int index = H5Tget_member_index(type_.get(), column);
    if (index < 0) throw FormatError{name_ + ": has no column " + column};
    const auto member = static_cast<unsigned>(index);
    const h5::Datatype type{H5Tget_member_type(type_.get(), member), name_};
    const bool fits = H5Tget_class(type.get()) == kind &&
                      (kind == H5T_STRING ? H5Tis_variable_str(type.get()) == 0 : H5Tget_size(type.get()) == 8);
    if (!fits) throw FormatError{name_ + ": column " + std::string{column} + " has another type than the recorder gives it"};
    return {H5Tget_member_offset(type_.get(), member), H5Tget_size(type.get())};
  }

  std::string name_;
  h5::Dataset dataset_;
  h5::Datatype type_;
  std::vector<char> bytes_;
};

const Part* part_of(const Chain& chain, const std::string& run) {
  const auto found = std::find_if(chain.parts.begin(), chain.parts.end(), [&](const Part& part) { return part.id == run; });
  return found == chain.parts.end() ? nullptr : &*found;
}

/// Where a run of a station is now.
struct Place {
  const Chain* chain = nullptr;
  const Part* part = nullptr;
};

Place place_of(const std::vector<Chain>& chains, const std::string& station, const std::string& run) {
  for (const auto& chain : chains)
    if (chain.station == station)
      if (const auto* part = part_of(chain, run)) return {&chain, part};
  return {};
}

TableSpec bridge_table() {
  using C = Column;
  return {"bridges",
          {{"station", C::Type::Text, 30, ""},
           {"run", C::Type::Text, 20, ""},
           {"joined", C::Type::Text, 20, ""},
           {"sample", C::Type::Int64, 0, "index in the run"},
           {"samples", C::Type::Int64, 0, "samples"},
           {"interpolated", C::Type::Int64, 0, ""},
           {"offset", C::Type::Float64, 0, "seconds"}},
          "runs of the recording that this copy has joined: which one begins behind how many samples that nobody recorded",
          64};
}

/// The rows of the gap between two parts that are one run now: filled, in that run, and of the samples that were made up.
void fill_gap(StoredRows& gaps, const Chain& chain, const Part& before, const Part& part) {
  const std::int64_t lacking = part.first - (before.first + before.n_samples);
  std::vector<std::size_t> rows;
  std::int64_t told = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    if (gaps.text(i, "station") != chain.station || gaps.integer(i, "filled") != 0 || gaps.text(i, "run_before") != before.id ||
        gaps.text(i, "run_after") != part.id || !gaps.text(i, "component").empty())
      continue;
    rows.push_back(i);
    told += gaps.integer(i, "samples");
  }
  // Several reasons one behind the other stay as they are where they are all of it; else one row tells it.
  if (rows.empty() || told != lacking) {
    std::vector<bool> wrong(gaps.size());
    const std::size_t row = rows.empty() ? gaps.add() : gaps.repeat(rows.front());
    wrong.resize(gaps.size());
    for (const auto i : rows) wrong[i] = true;
    if (lacking == 0) wrong[row] = true;
    gaps.set_text(row, "station", chain.station);
    gaps.set_integer(row, "start", part.gap_start.time_since_epoch().count());
    gaps.set_integer(row, "samples", lacking);
    gaps.set_integer(row, "filled", 1);
    gaps.set_text(row, "run_before", before.id);
    gaps.set_text(row, "run_after", before.id);
    gaps.remove(wrong);
    return;
  }
  for (const auto row : rows) {
    gaps.set_integer(row, "filled", 1);
    gaps.set_text(row, "run_after", before.id);
  }
}

}  // namespace

Bridges::Bridges(const Reader& source, Nanos longest) {
  if (!source.table("gaps"))
    throw StateError{source.path().string() +
                     ": has no /Acquisition/gaps, as recordings of mth5d have: its runs cannot be joined"};
  std::map<std::tuple<std::string, std::string, double, std::vector<std::string>>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < source.runs().size(); ++i) {
    const auto& run = source.runs()[i];
    runs_of_[station_path(source, run.survey, run.station)].push_back(run.id);
    if (run.n_samples > 0 && run.sample_rate > 0)
      alike[{run.survey, run.station, run.sample_rate, components_of(source, run)}].push_back(i);
  }
  for (auto& [key, runs] : alike) join(source, std::move(runs), longest);
  if (const auto streams = source.table("streams"))
    for (std::size_t i = 0; i < streams->size(); ++i)
      station_of_clock_["clock/" + streams->text(i, "name")] = streams->text(i, "station");
}

void Bridges::join(const Reader& source, std::vector<std::size_t> runs, Nanos longest) {
  std::stable_sort(runs.begin(), runs.end(),
                   [&](std::size_t a, std::size_t b) { return source.runs()[a].start < source.runs()[b].start; });
  const auto as_part = [&](const RunInfo& run) {
    return Part{station_path(source, run.survey, run.station) + "/" + run.id, run.id, 0, run.n_samples, {}, 0};
  };
  std::vector<Chain> chains;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    const auto& run = source.runs()[runs[k]];
    Part part = as_part(run);
    if (k > 0) {
      const auto& before = source.runs()[runs[k - 1]];
      const auto& chain = chains.back();
      // By the plain axis of the run that it would go on in, as who reads the copy goes by that: a clock that drifts, and one
      // that was set, lead away from it.
      const auto free = sample_time(chain.start, chain.sample_rate, chain.n_samples());
      const double lacking = std::chrono::duration<double>(run.start - free).count() * run.sample_rate;
      const auto whole = std::llround(std::min(lacking, 1e15));
      const double offset = lacking - static_cast<double>(whole);
      std::string why;
      const bool near = whole >= 0 && run.start - free <= longest;
      if (near && std::abs(offset) > kMostOffset)
        why = "it begins " +
              format_duration(
                  std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(std::abs(offset) / run.sample_rate))) +
              " beside a sample of " + before.id;
      else if (near)
        why = difference(source, before, run);
      if (near && why.empty()) {
        part.first = chain.n_samples() + whole;
        part.gap_start = free;
        part.offset_s = offset / run.sample_rate;
        chains.back().parts.push_back(std::move(part));
        continue;
      }
      if (near) notes_.push_back(run.station + "/" + run.id + " is not joined to " + before.id + ": " + why);
    }
    chains.push_back({run.survey, run.station, run.sample_rate, run.start, components_of(source, run), {std::move(part)}});
  }
  for (auto& chain : chains) {
    if (chain.parts.size() < 2) continue;
    for (const auto& part : chain.parts) chain_of_[part.path] = chains_.size();
    chains_.push_back(std::move(chain));
  }
}

const Chain* Bridges::chain_of(const std::string& run) const {
  const auto found = chain_of_.find(run);
  return found == chain_of_.end() ? nullptr : &chains_[found->second];
}

void Bridges::write_to(hid_t target, const std::vector<Bridge>& bridges) const {
  using h5::AttributeWriter;
  std::map<std::string, std::vector<std::string>> gone;  // runs, by path of the station
  for (const auto& chain : chains_) {
    const Value end = to_mth5_time(chain.end());
    const auto& head = chain.parts.front().path;
    const h5::Group run{H5Gopen2(target, head.c_str(), H5P_DEFAULT), head};
    AttributeWriter{run.get(), AttributeWriter::Target::Existing}.write("time_period.end", end);
    for (const auto& component : chain.components) {
      const h5::Object channel{H5Oopen(run.get(), component.c_str(), H5P_DEFAULT), head + "/" + component};
      AttributeWriter{channel.get(), AttributeWriter::Target::Existing}.write("time_period.end", end);
    }
    auto& of_station = gone[head.substr(0, head.rfind('/'))];
    for (std::size_t i = 1; i < chain.parts.size(); ++i) of_station.push_back(chain.parts[i].id);
  }
  for (const char* path : {"/Experiment/channel_summary", "/Survey/channel_summary"}) {
    if (!h5::has_link(target, path)) continue;
    StoredRows rows{target, path};
    std::vector<bool> joined(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto place = place_of(chains_, rows.text(i, "station"), rows.text(i, "run"));
      if (place.chain == nullptr) continue;
      joined[i] = place.part != &place.chain->parts.front();
      rows.set_text(i, "end", to_mth5_time(place.chain->end()));
      rows.set_integer(i, "n_samples", place.chain->n_samples());
    }
    rows.remove(joined);
    rows.write();
  }
  for (const auto& [station, runs] : gone) {
    const h5::Group group{H5Gopen2(target, station.c_str(), H5P_DEFAULT), station};
    std::vector<std::string> left;
    for (const auto& run : runs_of_.at(station))
      if (std::find(runs.begin(), runs.end(), run) == runs.end()) left.push_back(run);
    h5::write_attribute(group.get(), "run_list", left);
  }
  StoredRows gaps{target, kGaps};
  for (const auto& chain : chains_)
    for (std::size_t i = 1; i < chain.parts.size(); ++i) fill_gap(gaps, chain, chain.parts[i - 1], chain.parts[i]);
  for (std::size_t i = 0; i < gaps.size(); ++i)
    for (const char* column : {"run_before", "run_after"})
      if (const auto place = place_of(chains_, gaps.text(i, "station"), gaps.text(i, column)); place.chain != nullptr)
        gaps.set_text(i, column, place.chain->parts.front().id);
  gaps.write();
  for (const auto& [table, station] : station_of_clock_) {
    const std::string path = "/Acquisition/" + table;
    if (!h5::has_link(target, path)) continue;
    StoredRows anchors{target, path};
    for (std::size_t i = 0; i < anchors.size(); ++i) {
      const auto place = place_of(chains_, station, anchors.text(i, "run"));
      if (place.chain == nullptr) continue;
      anchors.set_text(i, "run", place.chain->parts.front().id);
      anchors.set_integer(i, "sample", anchors.integer(i, "sample") + place.part->first);
    }
    anchors.write();
  }
  const auto spec = bridge_table();
  mth5::Rows rows{spec};
  for (const auto& bridge : bridges) {
    rows.add(std::string_view{bridge.station});
    rows.add(std::string_view{bridge.run});
    rows.add(std::string_view{bridge.joined});
    rows.add(bridge.first);
    rows.add(bridge.samples);
    rows.add(std::int64_t{bridge.interpolated});
    rows.add(bridge.offset_s);
  }
  create_acquisition_table(target, spec, rows.size());
  if (bridges.empty()) return;
  const std::string path = "/Acquisition/" + spec.name;
  const h5::Dataset table{H5Dopen2(target, path.c_str(), H5P_DEFAULT), path};
  const h5::Datatype type{H5Dget_type(table.get()), path};
  h5::check(H5Dwrite(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.bytes().data()), path);
}

}  // namespace mth5::copy
