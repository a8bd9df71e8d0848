#include "contents/index.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "h5/bounded_file.hpp"
#include "h5/types.hpp"
#include "vfd/hash.hpp"

namespace mth5::contents {

namespace {

constexpr double kNewest = 9.2e9;  ///< s since 1970: a time in ns has no more

/// Where a column lies in a packed row.
struct Place {
  const char* name;
  std::size_t at, bytes;
};
constexpr Place kSurvey{"survey", 0, 30}, kStation{"station", 30, 30}, kRun{"run", 60, 20}, kComponent{"component", 104, 20},
    kStart{"start", 124, 36}, kCount{"n_samples", 196, 8}, kRate{"sample_rate", 204, 8}, kType{"measurement_type", 212, 30},
    kUnits{"units", 258, 60};
constexpr std::array kTexts{kSurvey, kStation, kRun, kComponent, kStart, kType, kUnits};
/// [first, second) of what grows with a run: end and n_samples, has_data.
constexpr std::size_t kEnd = 160;
constexpr std::size_t kHasData = 318;

std::string_view text(const char* row, const Place& place) { return {row + place.at, strnlen(row + place.at, place.bytes)}; }

template <class T>
T number(const char* row, const Place& place) {
  T value;
  std::memcpy(&value, row + place.at, sizeof value);
  return value;
}

bool is_at(hid_t row, const Place& place, hid_t type) {
  const int index = H5Tget_member_index(row, place.name);
  if (index < 0 || H5Tget_member_offset(row, static_cast<unsigned>(index)) != place.at) return false;
  const h5::Datatype member{H5Tget_member_type(row, static_cast<unsigned>(index)), place.name};
  if (type != H5T_C_S1) return h5::check(H5Tequal(member.get(), type), place.name) > 0;
  return H5Tget_class(member.get()) == H5T_STRING && H5Tis_variable_str(member.get()) == 0 &&
         H5Tget_size(member.get()) == place.bytes;
}

bool is_row(const h5::Datatype& row) {
  return H5Tget_class(row.get()) == H5T_COMPOUND && H5Tget_size(row.get()) == Index::kRowBytes &&
         std::all_of(kTexts.begin(), kTexts.end(), [&](const Place& place) { return is_at(row.get(), place, H5T_C_S1); }) &&
         is_at(row.get(), kCount, H5T_STD_I64LE) && is_at(row.get(), kRate, H5T_IEEE_F64LE);
}

/// An id leads to one link of a group and no further.
bool is_name(std::string_view text) {
  return !text.empty() && text != "." && std::none_of(text.begin(), text.end(), [](char c) { return c == '/' || c < ' '; });
}

[[noreturn]] void refuse(const char* row, const std::string& why) {
  const auto names = parse_names(row);
  throw Contradiction{std::string{names.station} + "/" + std::string{names.run} + "/" + std::string{names.component} + ": " +
                      why};
}

}  // namespace

Index::Index(hid_t file, const std::string& file_version, std::size_t most) {
  const std::string name = file_version == "0.1.0" ? "/Survey/channel_summary" : "/Experiment/channel_summary";
  H5L_info_t link{};
  if (!h5::has_link(file, name)) throw Contradiction{"it is not there"};
  h5::check(H5Lget_info(file, name.c_str(), &link, H5P_DEFAULT), name);
  if (link.type != H5L_TYPE_HARD) throw Contradiction{"it is a link"};
  dataset_ = {H5Dopen2(file, name.c_str(), h5::uncached_access().get()), name};
  const h5::PropertyList create{H5Dget_create_plist(dataset_.get()), name};
  row_type_ = {H5Dget_type(dataset_.get()), name};
  const h5::Space space{H5Dget_space(dataset_.get()), name};
  const hssize_t rows = H5Sget_simple_extent_npoints(space.get());
  if (H5Pget_layout(create.get()) == H5D_VIRTUAL || H5Pget_external_count(create.get()) > 0 || !is_row(row_type_) ||
      H5Sget_simple_extent_ndims(space.get()) != 1 || rows < 0)
    throw Contradiction{"it has other columns than MTH5's"};
  h5::require_bounded_chunks(dataset_.get(), name);
  size_ = static_cast<std::size_t>(rows);
  if (size_ > most) throw Contradiction{"it has " + std::to_string(rows) + " rows"};
  count_type_ = {H5Tcreate(H5T_COMPOUND, sizeof(std::int64_t)), name};
  h5::check(H5Tinsert(count_type_.get(), kCount.name, 0, H5T_NATIVE_INT64), name);
}

std::vector<char> Index::rows() const {
  std::vector<char> bytes(size_ * kRowBytes);
  const h5::ReadLimit limit{std::max<std::uint64_t>(bytes.size(), h5::kMostPackedChunk)};
  if (size_ > 0)  // in the file's own type: nothing is converted
    h5::check(H5Dread(dataset_.get(), row_type_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), "channel_summary");
  return bytes;
}

std::int64_t Index::n_samples(std::size_t row) const {
  const auto at = static_cast<hsize_t>(row);
  const hsize_t one = 1;
  std::int64_t n = 0;
  const h5::Space where{H5Dget_space(dataset_.get()), "channel_summary"};
  h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &at, nullptr, &one, nullptr), "channel_summary");
  const h5::Space memory{H5Screate_simple(1, &one, nullptr), "channel_summary"};
  h5::check(H5Dread(dataset_.get(), count_type_.get(), memory.get(), where.get(), h5::transfer(kRowBytes).get(), &n),
            "channel_summary");
  return n;
}

std::vector<std::int64_t> Index::n_samples() const {
  std::vector<std::int64_t> n(size_);
  const h5::ReadLimit limit{std::max<std::uint64_t>(size_ * kRowBytes, h5::kMostPackedChunk)};
  if (size_ > 0)
    h5::check(H5Dread(dataset_.get(), count_type_.get(), H5S_ALL, H5S_ALL, h5::transfer(size_ * kRowBytes).get(), n.data()),
              "channel_summary");
  return n;
}

IndexRow parse_names(const char* row) {
  return {text(row, kSurvey), text(row, kStation), text(row, kRun), text(row, kComponent), number<std::int64_t>(row, kCount),
          row[kHasData] != 0};
}

std::int64_t most_samples_of(std::uintmax_t file_bytes) {
  return static_cast<std::int64_t>(std::min<std::uintmax_t>(file_bytes, std::uintmax_t{1} << 50) * kMaxCompression);
}

std::uint64_t identity(const char* row) {
  vfd::Hash hash;
  hash.add(row, kEnd);
  hash.add(row + kRate.at, kHasData - kRate.at);
  return hash.value();
}

std::vector<std::size_t> add_rows(Structure& to, std::span<const char> rows, bool live, std::int64_t most_samples) {
  using Key = std::tuple<std::string_view, std::string_view, std::string_view>;
  std::set<Key> known;  // views into `to` would move with its runs
  std::vector<std::size_t> first_rows;
  const std::size_t old_runs = to.runs.size();
  Key last;
  for (std::size_t i = 0; i * Index::kRowBytes < rows.size(); ++i) {
    const char* row = rows.data() + i * Index::kRowBytes;
    const auto names = parse_names(row);
    const auto kind = kind_from(text(row, kType));
    const auto start = parse_time(text(row, kStart));
    const double rate = checked_rate(number<double>(row, kRate));
    if (!is_name(names.station) || !is_name(names.run) || !is_name(names.component) || !kind || is_filter(*kind) ||
        *kind < Kind::Electric || !start || rate == 0)
      refuse(row, "no row of a channel");
    if (names.n_samples < 0 || names.n_samples > most_samples ||
        static_cast<double>(start->time_since_epoch().count()) * 1e-9 + static_cast<double>(names.n_samples) / rate >= kNewest)
      refuse(row, "has " + std::to_string(names.n_samples) + " samples");
    const Key key{names.survey, names.station, names.run};
    if (first_rows.empty() || key != last) {
      if (!known.insert(key).second) refuse(row, "its run is in two places of the table");
      first_rows.push_back(i);
      to.runs.push_back({.survey = std::string{names.survey},
                         .station = std::string{names.station},
                         .id = std::string{names.run},
                         .sample_rate = rate,
                         .start = *start,
                         .n_samples = names.n_samples,
                         .channels = {}});
      last = key;
    }
    auto& run = to.runs.back();
    for (const auto other : run.channels)
      if (to.channels[other].component == names.component) refuse(row, "is twice in the table");
    if (rate != run.sample_rate || *start != run.start || (!live && names.n_samples != run.n_samples))
      refuse(row, "differs from the other channels of its run");
    run.n_samples = std::min(run.n_samples, names.n_samples);
    run.channels.push_back(to.channels.size());
    to.channels.push_back({.survey = run.survey,
                           .station = run.station,
                           .run = run.id,
                           .component = std::string{names.component},
                           .kind = *kind,
                           .units = std::string{text(row, kUnits)},
                           .sample_rate = rate,
                           .start = *start,
                           .n_samples = names.n_samples});
  }
  for (std::size_t i = 0; i < old_runs; ++i) {
    const auto& run = to.runs[i];
    if (known.contains({run.survey, run.station, run.id})) throw Contradiction{run.station + "/" + run.id + ": is in two places"};
  }
  return first_rows;
}

void check_stations(const Structure& frame, std::span<const char> packed) {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> left;
  for (std::size_t i = 0; i < frame.stations.size(); ++i)
    left[{frame.stations[i].survey, frame.stations[i].id}] = frame.n_runs[i];
  IndexRow last;
  for (std::size_t at = 0; at < packed.size(); at += Index::kRowBytes) {
    const auto row_names = parse_names(packed.data() + at);
    const auto station = std::pair{row_names.survey, row_names.station};
    if (at > 0 && station == std::pair{last.survey, last.station} && row_names.run == last.run) continue;
    last = row_names;
    const auto entry = left.find(station);
    if (entry == left.end()) throw Contradiction{"it has a station that is not in the file"};
    if (entry->second-- == 0) throw Contradiction{"it has more runs than station " + std::string{row_names.station}};
  }
  for (const auto& [station, n] : left)
    if (n > 0) throw Contradiction{std::to_string(n) + " runs of station " + std::string{station.second} + " are not in it"};
}

namespace {

void check_run_names(hid_t file, const std::string& path, const Structure& found, std::size_t most) {
  std::map<std::pair<std::string_view, std::string_view>, std::vector<std::string_view>> in_table;
  for (const auto& run : found.runs) in_table[{run.survey, run.station}].push_back(run.id);
  for (const auto& station : found.stations) {
    auto& wanted = in_table[{station.survey, station.id}];
    std::sort(wanted.begin(), wanted.end());
    auto there = run_names(file, path, station_path(found.file_version, station.survey, station.id), most);
    std::sort(there.begin(), there.end());
    const auto [row, group] = std::mismatch(wanted.begin(), wanted.end(), there.begin(), there.end());
    if (row != wanted.end() && (group == there.end() || *row < *group))
      throw Contradiction{"it has a run " + std::string{*row} + " of station " + station.id + ", which is not in the file"};
    if (group != there.end()) throw Contradiction{"run " + *group + " of station " + station.id + " is not in it"};
  }
}

/// Of each station and sample rate the run that came last and the one of the latest time: what another program most likely
/// changed.
void check_newest(hid_t file, const std::string& path, const Structure& found) {
  std::map<std::tuple<std::string_view, std::string_view, double>, std::pair<std::size_t, std::size_t>> newest;  // last, latest
  for (std::size_t i = 0; i < found.runs.size(); ++i) {
    const auto& run = found.runs[i];
    auto& [last, latest] = newest.try_emplace({run.survey, run.station, run.sample_rate}, i, i).first->second;
    last = i;
    if (run.start >= found.runs[latest].start) latest = i;
  }
  for (const auto& [kind, runs] : newest)
    for (const auto i : {runs.first, runs.second}) {
      const auto& run = found.runs[i];
      const std::string object = run_path(found.file_version, run.survey, run.station, run.id);
      const h5::Group group{H5Gopen2(file, object.c_str(), H5P_DEFAULT), path + ": " + object};
      H5G_info_t members{};
      h5::check(H5Gget_info(group.get(), &members), path + ": " + object);
      if (members.nlinks != run.channels.size()) throw Contradiction{"run " + run.id + " has other channels"};
      for (const auto channel : run.channels) {
        const auto& component = found.channels[channel].component;
        if (!h5::has_link(file, object + "/" + component)) throw Contradiction{run.id + "/" + component + " is not in the file"};
        const h5::Dataset dataset{H5Dopen2(group.get(), component.c_str(), H5P_DEFAULT), path + ": " + object};
        const h5::Space space{H5Dget_space(dataset.get()), path + ": " + object};
        if (!sample_type(dataset, path + ": " + object) || H5Sget_simple_extent_npoints(space.get()) != run.n_samples)
          throw Contradiction{run.id + "/" + component + " has another length"};
      }
    }
}

}  // namespace

Structure walk_what_differs(hid_t file, const std::string& path, std::span<const char> packed, std::int64_t most_samples,
                            std::size_t most, const Visiting& visiting) {
  using Key = std::tuple<std::string_view, std::string_view, std::string_view>;
  Structure told;
  (void)add_rows(told, packed, false, most_samples);
  std::map<Key, std::size_t> by_name;
  for (std::size_t i = 0; i < told.runs.size(); ++i) by_name[{told.runs[i].survey, told.runs[i].station, told.runs[i].id}] = i;
  std::vector<bool> fits(told.runs.size());
  const auto is_as_told = [&](hid_t group, const std::string& survey, const std::string& station, const std::string& name) {
    const auto known = by_name.find({survey, station, name});
    if (known == by_name.end()) return false;
    const auto& run = told.runs[known->second];
    const std::string where = station + "/" + name;
    H5G_info_t members{};
    h5::check(H5Gget_info(group, &members), path + ": " + where);
    if (members.nlinks != run.channels.size()) return false;
    const auto names = member_names(group, path, where, most);
    const auto is_there = [&](std::size_t channel) {
      return std::find(names.begin(), names.end(), told.channels[channel].component) != names.end();
    };
    if (!std::all_of(run.channels.begin(), run.channels.end(), is_there)) return false;
    const auto& first = told.channels[run.channels.front()].component;
    H5O_info_t info{};
    h5::check(H5Oget_info_by_name2(group, first.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT), path + ": " + where);
    if (info.type != H5O_TYPE_DATASET) return false;
    const h5::Dataset dataset{H5Dopen2(group, first.c_str(), H5P_DEFAULT), path + ": channel " + where + "/" + first};
    const h5::Space space{H5Dget_space(dataset.get()), path + ": " + where + "/" + first};
    fits[known->second] = sample_type(dataset, path + ": " + where) && H5Sget_simple_extent_npoints(space.get()) == run.n_samples;
    return static_cast<bool>(fits[known->second]);
  };
  auto all = walk(file, path, Depth::OpenChannels, most, visiting, false, is_as_told);
  Structure walked;
  walked.runs = std::exchange(all.runs, {});
  walked.channels = std::exchange(all.channels, {});
  walked.datasets = std::exchange(all.datasets, {});
  told.datasets.resize(told.channels.size());
  const auto take = [&](const RunInfo& run, Structure& from) {
    all.runs.push_back(run);
    for (auto& channel : all.runs.back().channels) {
      all.channels.push_back(std::move(from.channels[channel]));
      all.datasets.push_back(std::move(from.datasets[channel]));
      channel = all.channels.size() - 1;
    }
  };
  std::map<Key, const RunInfo*> changed;
  for (const auto& run : walked.runs) changed[{run.survey, run.station, run.id}] = &run;
  for (std::size_t i = 0; i < told.runs.size(); ++i) {
    const auto& run = told.runs[i];
    if (fits[i])
      take(run, told);
    else if (const auto other = changed.find({run.survey, run.station, run.id}); other != changed.end())
      take(*other->second, walked);
  }
  for (const auto& run : walked.runs)
    if (!by_name.contains({run.survey, run.station, run.id})) take(run, walked);
  return all;
}

Inventory take_inventory(hid_t file, const std::string& path, std::uintmax_t file_bytes, std::int64_t visible_samples) {
  const auto most = most_objects(file_bytes);
  Inventory taken;
  taken.found = walk(file, path, Depth::Stations, most, {});
  const Index index{file, taken.found.file_version, most};
  const auto packed = index.rows();
  check_stations(taken.found, packed);
  taken.first_rows = add_rows(taken.found, packed, false, most_samples_of(file_bytes));
  check_run_names(file, path, taken.found, most);
  check_newest(file, path, taken.found);
  std::int64_t samples = 0;
  for (std::size_t run = 0; run < taken.found.runs.size(); ++run) {
    taken.has_data.push_back(parse_names(packed.data() + taken.first_rows[run] * Index::kRowBytes).has_data);
    samples += taken.found.runs[run].n_samples;
  }
  if (samples != visible_samples)
    throw Contradiction{"it has " + std::to_string(samples) + " samples a channel, and the last commit " +
                        std::to_string(visible_samples)};
  taken.n_rows = index.size();
  return taken;
}

}  // namespace mth5::contents
