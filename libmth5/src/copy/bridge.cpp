#include "copy/bridge.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "contents/structure.hpp"
#include "file/acquisition_tables.hpp"
#include "h5/types.hpp"
#include "mth5/duration.hpp"

namespace mth5::copy {

namespace {

constexpr const char* kGaps = "/Acquisition/gaps";

std::vector<std::string> components_of(const Reader& source, const RunInfo& run) {
  std::vector<std::string> names;
  for (const auto channel : run.channels) names.push_back(source.channels()[channel].component);
  std::sort(names.begin(), names.end());
  return names;
}

/// What a channel is, whenever it was recorded.
struct Lasting {
  std::string component;
  SampleType type;
  bool whole;  ///< it has the samples of its run, and no more
  std::map<std::string, Value, std::less<>> metadata;
};

/// Of the channels of a run, by name.
std::vector<Lasting> lasting_of(const Reader& source, const RunInfo& run) {
  std::vector<Lasting> all;
  for (const auto channel : run.channels) {
    all.push_back({source.channels()[channel].component, source.sample_type(channel),
                   source.stored_samples(channel) == run.n_samples, source.channel_metadata(channel).values()});
    std::erase_if(all.back().metadata, [](const auto& entry) { return entry.first.starts_with("time_period."); });
  }
  std::sort(all.begin(), all.end(), [](const Lasting& a, const Lasting& b) { return a.component < b.component; });
  return all;
}

/// Why the channels of two runs, of the same names, are not one channel each; "" if they are.
std::string difference(const std::vector<Lasting>& before, const std::vector<Lasting>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto &a = before[i], &b = after[i];
    if (a.type != b.type) return b.component + " has another type of samples";
    if (!a.whole || !b.whole) return b.component + " has another length than the other channels";
    if (a.metadata == b.metadata) continue;
    for (const auto& [name, value] : b.metadata) {
      const auto there = a.metadata.find(name);
      if (there == a.metadata.end() || there->second != value) return b.component + " has another " + name;
    }
    return b.component + " has other metadata";
  }
  return "";
}

/// A table of a file in memory, as it is stored, to be changed and written back.
class StoredRows {
 public:
  /// Where a column lies in a row.
  struct Column {
    std::size_t offset, bytes;
  };

  StoredRows(hid_t file, const std::string& path)
      : name_{path},
        dataset_{H5Dopen2(file, path.c_str(), H5P_DEFAULT), path},
        type_{own_type(dataset_.get(), path)},
        row_bytes_{H5Tget_size(type_.get())} {
    const h5::Space space{H5Dget_space(dataset_.get()), path};
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    bytes_.resize(static_cast<std::size_t>(std::max<hssize_t>(0, count)) * row_bytes_);
    if (!bytes_.empty()) h5::check(H5Dread(dataset_.get(), type_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes_.data()), path);
  }

  /// Of texts of a fixed length. @throws FormatError if there is none of that name and type
  [[nodiscard]] Column texts(const char* name) const { return find(name, H5T_STRING); }
  /// Of whole numbers of 8 bytes, as all of these tables are.
  [[nodiscard]] Column integers(const char* name) const { return find(name, H5T_INTEGER); }

  [[nodiscard]] std::size_t size() const { return bytes_.size() / row_bytes_; }
  [[nodiscard]] std::string text(std::size_t row, Column column) const {
    const char* at = bytes_.data() + row * row_bytes_ + column.offset;
    return {at, strnlen(at, column.bytes)};
  }
  void set_text(std::size_t row, Column column, const std::string& value) {
    char* at = bytes_.data() + row * row_bytes_ + column.offset;
    std::memset(at, 0, column.bytes);
    std::memcpy(at, value.data(), std::min(column.bytes, value.size()));
  }
  [[nodiscard]] std::int64_t integer(std::size_t row, Column column) const {
    std::int64_t value = 0;
    std::memcpy(&value, bytes_.data() + row * row_bytes_ + column.offset, sizeof value);
    return value;
  }
  void set_integer(std::size_t row, Column column, std::int64_t value) {
    std::memcpy(bytes_.data() + row * row_bytes_ + column.offset, &value, sizeof value);
  }
  /// Adds a row at the end, like `row` or of zeros. @returns its number
  std::size_t add(std::optional<std::size_t> row) {
    bytes_.resize(bytes_.size() + row_bytes_);
    if (row) std::copy(at(*row), at(*row + 1), at(size() - 1));
    return size() - 1;
  }
  void remove(const std::set<std::size_t>& rows) {
    std::vector<char> kept;
    kept.reserve(bytes_.size());
    for (std::size_t i = 0; i < size(); ++i)
      if (!rows.contains(i)) kept.insert(kept.end(), at(i), at(i + 1));
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
  [[nodiscard]] std::vector<char>::iterator at(std::size_t row) {
    return bytes_.begin() + static_cast<std::ptrdiff_t>(row * row_bytes_);
  }
  [[nodiscard]] Column find(const char* name, H5T_class_t kind) const {
    const int index = H5Tget_member_index(type_.get(), name);
    if (index < 0) throw FormatError{name_ + ": has no column " + name};
    const auto member = static_cast<unsigned>(index);
    const h5::Datatype type{H5Tget_member_type(type_.get(), member), name_};
    const bool fits = H5Tget_class(type.get()) == kind &&
                      (kind == H5T_STRING ? H5Tis_variable_str(type.get()) == 0 : H5Tget_size(type.get()) == 8);
    if (!fits) throw FormatError{name_ + ": column " + std::string{name} + " has another type than the recorder gives it"};
    return {H5Tget_member_offset(type_.get(), member), H5Tget_size(type.get())};
  }

  std::string name_;
  h5::Dataset dataset_;
  h5::Datatype type_;
  std::size_t row_bytes_;
  std::vector<char> bytes_;
};

/// Where a run of the source is now.
struct Place {
  const Chain* chain;
  const Part* part;
};
/// By station and run.
using Places = std::map<std::pair<std::string, std::string>, Place>;

Places places_of(const std::vector<Chain>& chains) {
  Places places;
  for (const auto& chain : chains)
    for (const auto& part : chain.parts) places.emplace(std::pair{chain.station, part.id}, Place{&chain, &part});
  return places;
}

/// Puts the run of the copy where one of the source stands. @returns where that is now; nullptr where it is no part of another
const Place* rename_run(StoredRows& rows, std::size_t row, StoredRows::Column column, const std::string& station,
                        const Places& places) {
  const auto found = places.find({station, rows.text(row, column)});
  if (found == places.end()) return nullptr;
  rows.set_text(row, column, found->second.chain->parts.front().id);
  return &found->second;
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

/// The list of gaps: those between two parts of a run are filled now, in that run, and of the samples that were made up.
void fill_gaps(StoredRows& gaps, const std::vector<Chain>& chains, const Places& places) {
  const auto station = gaps.texts("station"), component = gaps.texts("component"), before = gaps.texts("run_before"),
             after = gaps.texts("run_after");
  const auto start = gaps.integers("start"), samples = gaps.integers("samples"), filled = gaps.integers("filled");
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::size_t>> rows_of;  // of all channels
  for (std::size_t i = 0; i < gaps.size(); ++i)
    if (gaps.integer(i, filled) == 0 && gaps.text(i, component).empty())
      rows_of[{gaps.text(i, station), gaps.text(i, before), gaps.text(i, after)}].push_back(i);
  std::set<std::size_t> wrong;
  for (const auto& chain : chains)
    for (std::size_t k = 1; k < chain.parts.size(); ++k) {
      const auto &left = chain.parts[k - 1], &right = chain.parts[k];
      const std::int64_t lacking = right.first - (left.first + left.n_samples);
      auto rows = rows_of[{chain.station, left.id, right.id}];
      const auto told = std::accumulate(rows.begin(), rows.end(), std::int64_t{0},
                                        [&](std::int64_t n, std::size_t row) { return n + gaps.integer(row, samples); });
      // Several reasons one behind the other stay as they are where they are all of it; else one row tells it.
      if (rows.empty() || told != lacking) {
        wrong.insert(rows.begin(), rows.end());
        if (lacking == 0) continue;
        rows = {gaps.add(rows.empty() ? std::nullopt : std::optional{rows.front()})};
        gaps.set_text(rows[0], station, chain.station);
        gaps.set_text(rows[0], before, left.id);
        gaps.set_integer(rows[0], start, right.gap_start.time_since_epoch().count());
        gaps.set_integer(rows[0], samples, lacking);
      }
      for (const auto row : rows) {
        gaps.set_integer(row, filled, 1);
        gaps.set_text(row, after, left.id);
      }
    }
  gaps.remove(wrong);
  for (std::size_t i = 0; i < gaps.size(); ++i)
    for (const auto column : {before, after}) (void)rename_run(gaps, i, column, gaps.text(i, station), places);
}

}  // namespace

Bridges::Bridges(const Reader& source, Nanos longest) {
  const auto gaps = source.table("gaps");
  if (!gaps)
    throw StateError{source.path().string() +
                     ": has no /Acquisition/gaps, as recordings of mth5d have: its runs cannot be joined"};
  for (std::size_t i = 0; i < gaps->size(); ++i)
    if (const auto reason = gaps->text(i, "reason"); reason == "clock-step" || reason == "clock-drift")
      moved_[{gaps->text(i, "station"), gaps->text(i, "run_before"), gaps->text(i, "run_after")}] = reason;
  std::map<std::tuple<std::string, std::string, double, std::vector<std::string>>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < source.runs().size(); ++i) {
    const auto& run = source.runs()[i];
    runs_of_[contents::station_path(source.file_version(), run.survey, run.station)].push_back(run.id);
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
    return Part{contents::run_path(source.file_version(), run.survey, run.station, run.id), run.id, 0, run.n_samples, {}, 0};
  };
  // Of a run it is asked twice: of the later one, then of the one before.
  std::pair<std::size_t, std::vector<Lasting>> newest{runs.size(), {}};
  const auto lasting = [&](std::size_t k) {
    return newest.first == k ? newest.second : lasting_of(source, source.runs()[runs[k]]);
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
      else if (near) {
        const auto earlier = lasting(k - 1);
        newest = {k, lasting_of(source, run)};
        why = difference(earlier, newest.second);
      }
      // However long the axis says that it is: nothing lacks in it.
      if (const auto moved = moved_.find({run.station, before.id, run.id}); near && moved != moved_.end())
        why = "no sample lacks between them, the time of the samples was put right there (" + moved->second + ")";
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
  const auto places = places_of(chains_);
  std::map<std::string, std::set<std::string>> gone;  // runs, by path of the station
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
    for (std::size_t i = 1; i < chain.parts.size(); ++i) of_station.insert(chain.parts[i].id);
  }
  for (const auto& [station, runs] : gone) {
    const h5::Group group{H5Gopen2(target, station.c_str(), H5P_DEFAULT), station};
    std::vector<std::string> left;
    for (const auto& run : runs_of_.at(station))
      if (!runs.contains(run)) left.push_back(run);
    h5::write_attribute(group.get(), "run_list", left);
  }
  for (const char* path : {"/Experiment/channel_summary", "/Survey/channel_summary"}) {
    if (!h5::has_link(target, path)) continue;
    StoredRows rows{target, path};
    const auto station = rows.texts("station"), run = rows.texts("run"), end = rows.texts("end");
    const auto n_samples = rows.integers("n_samples");
    std::set<std::size_t> joined;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto* place = rename_run(rows, i, run, rows.text(i, station), places);
      if (place == nullptr) continue;
      if (place->part != &place->chain->parts.front()) joined.insert(i);
      rows.set_text(i, end, to_mth5_time(place->chain->end()));
      rows.set_integer(i, n_samples, place->chain->n_samples());
    }
    rows.remove(joined);
    rows.write();
  }
  StoredRows gaps{target, kGaps};
  fill_gaps(gaps, chains_, places);
  gaps.write();
  for (const auto& [table, station] : station_of_clock_) {
    const std::string path = "/Acquisition/" + table;
    if (!h5::has_link(target, path)) continue;
    StoredRows anchors{target, path};
    const auto run = anchors.texts("run"), sample = anchors.integers("sample");
    for (std::size_t i = 0; i < anchors.size(); ++i)
      if (const auto* place = rename_run(anchors, i, run, station, places))
        anchors.set_integer(i, sample, anchors.integer(i, sample) + place->part->first);
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
