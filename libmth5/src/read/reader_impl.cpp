#include "read/reader_impl.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <thread>
#include <tuple>

#include "contents/attributes.hpp"
#include "contents/unsupported.hpp"
#include "h5/bounded_file.hpp"
#include "h5/types.hpp"
#include "mth5/probe.hpp"
#include "mth5/time.hpp"

/// How a Reader opens a file and follows it.
namespace mth5 {

namespace {

constexpr std::chrono::milliseconds kRetryPause{20};
constexpr std::chrono::seconds kForeignReopen{10};  ///< files of other programs tell nothing of new runs
using contents::kMaxCompression;
constexpr auto kNewest = static_cast<double>(std::numeric_limits<std::int64_t>::max() / 1'000'000'000);
constexpr const char* kStateRow = "/Acquisition/state";
constexpr std::size_t kOpenDatasets = 64;  ///< besides those of the runs that grow; some KiB each
constexpr std::size_t kOpenTables = 64;

h5::PropertyList reader_access(const ReaderOptions& options) {
  h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "file access list"};
  h5::use_bounded_file(access);
  h5::check(H5Pset_file_locking(access.get(), false, true), "file access list: locking");
  h5::check(H5Pset_metadata_read_attempts(access.get(), options.metadata_read_attempts), "file access list: read attempts");
  // No chunk cache anywhere: hundreds of channels would keep a MiB each, and windows at the end of a live file change all the
  // time.
  h5::check(H5Pset_cache(access.get(), 0, 0, 0, 1.0), "file access list: chunk cache");
  return access;
}

}  // namespace

Reader::Impl::Stamp Reader::Impl::look() const {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
  return {static_cast<std::uintmax_t>(status.st_size), status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

/// A second open in one process shares what the first one cached, so everything goes first.
void Reader::Impl::drop() {
  row.reset();
  index.reset();
  recent.clear();
  open_tables.clear();
  fixed.clear();
  for (auto& dataset : found.datasets) dataset = {};
  file = {};
}

void Reader::Impl::open() {
  drop();
  h5::initialise();
  const auto deadline = steady_now() + options.deadline;
  for (bool first = true;; first = false) {
    const Probe before = probe(path);
    closed = before.state == FileState::Closed;
    superblock = before.superblock_version;
    try {
      open_once();
      return;
    } catch (const FileError& e) {
      drop();
      // A closed file gets one more chance: its writer may have come or gone just now. What fails then is damaged.
      // Where it came and went in between, the file was changed since.
      const bool writer_busy = before.state != FileState::Closed || probe(path).state != FileState::Closed || !(look() == stamp);
      if (const auto newer = contents::unsupported(e.what(), superblock)) throw UnsupportedError{path.string() + ": " + *newer};
      if (!writer_busy && !first) throw FormatError{path.string() + ": damaged: " + e.what()};
      if (writer_busy && steady_now() >= deadline) {
        // A writer with a journal is ours, and would hold its lock: nobody changes this any more.
        if (const Probe now = probe(path); !now.locked && (now.consistency_flags & 4) != 0 && has_journal(path))
          throw FormatError{path.string() + ": damaged, and its writer died; mth5-recover may tell more: " + e.what()};
        throw FileError{refusal(before, e.what())};
      }
    } catch (...) {
      drop();
      throw;
    }
    std::this_thread::sleep_for(kRetryPause);
  }
}

void Reader::Impl::refuse(const std::string& message) const {
  if (const auto newer = contents::unsupported(message, superblock)) throw UnsupportedError{path.string() + ": " + *newer};
  throw FormatError{message + ": damaged"};
}

std::string Reader::Impl::refusal(const Probe& probed, const std::string& reason) const {
  if (!probed.locked && (probed.consistency_flags & 4) == 0)
    return path.string() +
           ": its writer died while it changed the structure, or a program without SWMR writes it; if none does, the file "
           "needs recovery: mth5-recover";
  return path.string() + ": cannot be opened while it is written: " + reason;
}

/// The file itself and the row that tells of commits.
void Reader::Impl::attach() {
  const auto access = reader_access(options);
  file = h5::File{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get()), path.string()};
  if (options.visiting) options.visiting(kStateRow);
  if (h5::has_link(file.get(), kStateRow)) row.emplace(file.get(), path.string());
}

void Reader::Impl::open_once() {
  stamp = look();
  attach();
  // Before the channels: a commit that comes while they are looked at has to be news to the next refresh().
  std::optional<Commit> fresh;
  if (row) fresh = row->read();
  generation = fresh ? fresh->generation : 0;
  if (!take_index()) walk();
  std::erase_if(found.tables, [&](const std::string& name) {
    return std::find(options.leave_out.begin(), options.leave_out.end(), name) != options.leave_out.end();
  });
  commit = fresh;
  gone.resize(found.channels.size());
  count_samples();
  opened = steady_now();
}

/// @returns false if the file has to be walked
bool Reader::Impl::take_index() {
  contradiction.clear();
  in_part = false;
  if (!row || options.walk || options.own_lengths) return false;
  if (!doubt.empty()) {
    contradiction = doubt;
    return false;
  }
  const bool first = found.runs.empty();
  try {
    const auto most = contents::most_objects(stamp.bytes);
    auto frame = contents::walk(file.get(), path.string(), contents::Depth::Stations, most, options.visiting);
    if (options.visiting) options.visiting("channel_summary");
    index.emplace(file.get(), frame.file_version, most);
    const auto packed = index->rows();
    contents::check_stations(frame, packed);
    take_rows(std::move(frame), packed);
    choose_newest();
    growing = newest;
    check_index();
    return true;
  } catch (const FileError& e) {  // a program with a newer HDF5 wrote the table
    if (!contents::unsupported(e.what(), superblock)) throw;
    contradiction = e.what();
  } catch (const contents::Contradiction& e) {
    if (!closed && moved()) throw FileError{path.string() + ": its structure was changed while it was opened"};
    contradiction = e.what();
    if (first) found = {};
    if (take_what_fits()) return true;
  }
  index.reset();
  if (first) found = {};
  rows.clear();
  told.clear();
  return false;
}

/// Another program changed a file that nobody writes: thousands of runs that it left alone are not walked for that.
bool Reader::Impl::take_what_fits() {
  if (!closed || !index) return false;
  try {
    auto fresh = contents::walk_what_differs(file.get(), path.string(), index->rows(), contents::most_samples_of(stamp.bytes),
                                             contents::most_objects(stamp.bytes), options.visiting);
    std::set<RunKey> walked;
    for (const auto& run : fresh.runs)
      if (run.channels.empty() || fresh.datasets[run.channels.front()]) walked.insert({run.survey, run.station, run.id});
    const auto where = contents::merge(found, std::move(fresh));
    mark_gone(where);
    choose_newest();
    growing = newest;
    for (std::size_t run = 0; run < found.runs.size(); ++run)
      if (walked.contains({found.runs[run].survey, found.runs[run].station, found.runs[run].id}) &&
          !std::binary_search(newest.begin(), newest.end(), run))
        growing.push_back(run);
    for (const auto run : newest)
      for (const auto channel : found.runs[run].channels)
        if (!gone[channel] && !found.datasets[channel]) open_dataset(channel);
    rows.clear();  // the next time they are taken anew
    told.clear();
    return in_part = true;
  } catch (const contents::Contradiction&) {  // of its rows
    return false;
  }
}

/// Puts the rows into `found`. Most often those known are as they were, and new ones lie behind them.
void Reader::Impl::take_rows(contents::Structure frame, std::span<const char> packed) {
  constexpr auto kBytes = contents::Index::kRowBytes;
  const auto most = contents::most_samples_of(stamp.bytes);
  std::vector<std::uint64_t> identities;
  for (std::size_t at = 0; at < packed.size(); at += kBytes) identities.push_back(contents::identity(packed.data() + at));
  if (!rows.empty() && identities.size() >= rows.size() && std::equal(rows.begin(), rows.end(), identities.begin())) {
    contents::Structure behind;
    const auto first_rows = contents::add_rows(behind, packed.subspan(rows.size() * kBytes), !closed, most);
    for (const auto& run : behind.runs)
      if (known_runs.contains({run.survey, run.station, run.id}))
        throw contents::Contradiction{run.station + "/" + run.id + ": is in two places of the table"};
    for (std::size_t run = 0; run < told.size(); ++run) {
      const auto& channels = found.runs[run].channels;
      for (std::size_t i = 0; i < channels.size(); ++i) {
        const auto n = contents::parse_names(packed.data() + (told[run].row + i) * kBytes).n_samples;
        told[run].n_samples = i == 0 ? n : std::min(told[run].n_samples, n);
      }
    }
    contents::merge_frame(found, frame);
    for (std::size_t i = 0; i < behind.runs.size(); ++i) {
      for (auto& channel : behind.runs[i].channels) channel += found.channels.size();
      told.push_back({rows.size() + first_rows[i], behind.runs[i].n_samples});
      known_runs.insert({behind.runs[i].survey, behind.runs[i].station, behind.runs[i].id});
    }
    std::move(behind.runs.begin(), behind.runs.end(), std::back_inserter(found.runs));
    std::move(behind.channels.begin(), behind.channels.end(), std::back_inserter(found.channels));
  } else {
    const auto first_rows = contents::add_rows(frame, packed, !closed, most);
    std::map<RunKey, Told> by_name;
    for (std::size_t i = 0; i < frame.runs.size(); ++i)
      by_name[{frame.runs[i].survey, frame.runs[i].station, frame.runs[i].id}] = {first_rows[i], frame.runs[i].n_samples};
    const auto where = contents::merge(found, std::move(frame));
    mark_gone(where);
    told.assign(found.runs.size(), {});
    known_runs.clear();
    for (std::size_t run = 0; run < found.runs.size(); ++run) {
      const RunKey key{found.runs[run].survey, found.runs[run].station, found.runs[run].id};
      known_runs.insert(key);
      if (const auto at = by_name.find(key); at != by_name.end())
        told[run] = at->second;
      else
        told[run].n_samples = found.runs[run].n_samples;
    }
  }
  rows = std::move(identities);
  found.datasets.resize(found.channels.size());
  gone.resize(found.channels.size());
  for (std::size_t run = 0; run < found.runs.size(); ++run) set_length(run, told[run].n_samples);
}

void Reader::Impl::mark_gone(const std::vector<std::size_t>& there) {
  gone.assign(found.channels.size(), true);
  for (const auto channel : there) gone[channel] = false;
}

void Reader::Impl::set_length(std::size_t run, std::int64_t n) {
  found.runs[run].n_samples = n;
  for (const auto channel : found.runs[run].channels) found.channels[channel].n_samples = n;
}

/// The datasets of the newest runs are looked at in any case. Nobody writes a closed file: there the table must be right.
void Reader::Impl::check_index() {
  for (const auto run : newest) {
    const auto& info = found.runs[run];
    if (gone_run(run)) continue;
    H5G_info_t members{};
    const auto group = run_group(run);
    h5::check(H5Gget_info(group.get(), &members), path.string() + ": " + info.id);
    if (members.nlinks != info.channels.size())
      throw contents::Contradiction{"run " + info.id + " has " + std::to_string(members.nlinks) + " channels, not the " +
                                    std::to_string(info.channels.size()) + " of the table"};
    for (const auto channel : info.channels) {
      open_dataset(channel);
      const std::int64_t n = extent(channel);
      if (closed && n != told[run].n_samples)
        throw contents::Contradiction{info.id + "/" + found.channels[channel].component + " has " + std::to_string(n) +
                                      " samples, not the " + std::to_string(told[run].n_samples) + " of the table"};
    }
  }
}

void Reader::Impl::walk() {
  std::vector<std::int64_t> lengths;
  for (const auto& run : found.runs) lengths.push_back(run.n_samples);
  const auto most = contents::most_objects(stamp.bytes);
  const bool attributes = options.walk || options.own_lengths;
  const auto where = contents::merge(
      found, contents::walk(file.get(), path.string(), contents::Depth::OpenChannels, most, options.visiting, attributes));
  mark_gone(where);
  for (std::size_t run = 0; run < lengths.size(); ++run) set_length(run, lengths[run]);
  choose_newest();
  growing.resize(found.runs.size());
  std::iota(growing.begin(), growing.end(), std::size_t{0});
}

bool Reader::Impl::gone_run(std::size_t run) const {
  const auto& channels = found.runs[run].channels;
  return !channels.empty() && gone[channels.front()];
}

/// Of each station and sample rate the one that came last and the one of the latest time: most often the same.
void Reader::Impl::choose_newest() {
  std::map<std::tuple<std::string, std::string, double>, std::pair<std::size_t, std::size_t>> of_kind;  // last, latest
  for (std::size_t i = 0; i < found.runs.size(); ++i) {
    const auto& run = found.runs[i];
    if (gone_run(i)) continue;
    const auto [at, is_first] = of_kind.try_emplace({run.survey, run.station, run.sample_rate}, i, i);
    if (is_first) continue;
    at->second.first = i;
    if (run.start >= found.runs[at->second.second].start) at->second.second = i;
  }
  std::set<std::size_t> all = closed ? std::set<std::size_t>{} : parallel;
  for (const auto& [kind, runs] : of_kind) {
    all.insert(runs.first);
    all.insert(runs.second);
  }
  newest.assign(all.begin(), all.end());
}

std::int64_t Reader::Impl::extent(std::size_t channel) {
  const auto& dataset = found.datasets[channel];
  if (!dataset) return found.channels[channel].n_samples;
  const h5::Space space{H5Dget_space(dataset.get()), path.string()};
  const hssize_t n = H5Sget_simple_extent_npoints(space.get());
  h5::check(n, path.string());
  return n;
}

std::size_t Reader::Impl::bytes_of_sample(std::size_t channel) const {
  const auto& dataset = found.datasets[channel];
  const auto type = dataset ? contents::sample_type(dataset, name_of(channel)) : std::nullopt;
  return sample_bytes(type.value_or(SampleType::Int16));
}

/// All channels of a run that may grow get the length of its shortest, unless each is to have its own.
bool Reader::Impl::count_samples() {
  const std::uintmax_t most = look().bytes * kMaxCompression;
  bool any_new = false;
  for (const auto index_of_run : growing) {
    auto& run = found.runs[index_of_run];
    std::int64_t n = run.channels.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
    for (const auto channel : run.channels) {
      const std::int64_t claimed = extent(channel);
      if (const auto n_claimed = static_cast<std::uintmax_t>(claimed);
          n_claimed > most / sizeof(double) && n_claimed > most / bytes_of_sample(channel))
        throw FormatError{path.string() + ": " + run.id + "/" + found.channels[channel].component + " claims " +
                          std::to_string(claimed) + " samples in a file of " + std::to_string(most / kMaxCompression) +
                          " bytes: damaged"};
      n = std::min(n, claimed);
    }
    if (n != run.n_samples) {
      any_new = true;
      const bool is_known = std::binary_search(newest.begin(), newest.end(), index_of_run);
      if (!is_known && opened != Clock::time_point{} && !closed) parallel.insert(index_of_run);
    }
    check_times(run.station + "/" + run.id, run.sample_rate, run.start, n);
    set_length(index_of_run, n);
    for (const auto channel : run.channels) {
      auto& info = found.channels[channel];
      if (options.own_lengths) info.n_samples = extent(channel);
      check_times(name_of(channel), info.sample_rate, info.start, info.n_samples);
    }
  }
  if (!std::includes(newest.begin(), newest.end(), parallel.begin(), parallel.end()) && !closed) choose_newest();
  return any_new;
}

void Reader::Impl::check_times(const std::string& what, double rate, UtcNanos start, std::int64_t n) const {
  if (rate <= 0) return;
  const double start_s = static_cast<double>(start.time_since_epoch().count()) * 1e-9;
  if (start_s + static_cast<double>(n) / rate >= kNewest)
    throw FormatError{path.string() + ": " + what + ": " + std::to_string(n) + " samples at " + std::to_string(rate) +
                      " Hz would end after the year 2261: damaged"};
}

void Reader::Impl::refresh_channels() {
  for (const auto run : growing)
    for (const auto channel : found.runs[run].channels)
      if (found.datasets[channel])
        h5::refresh(found.datasets[channel], name_of(channel));
      else if (index && !gone[channel])
        open_dataset(channel);
}

/// The writer counts what all runs have. Where that is more than what is known here, one grew that is not the newest of its kind.
void Reader::Impl::find_others_that_grow(std::int64_t visible) {
  for (const auto run : growing) told[run].n_samples = index->n_samples(told[run].row);
  std::int64_t known = 0;
  for (const auto& run : told) known += run.n_samples;
  if (known >= visible) return;
  const auto counts = index->n_samples();
  for (std::size_t run = 0; run < told.size(); ++run) {
    if (gone_run(run) || told[run].row >= counts.size() || counts[told[run].row] == told[run].n_samples) continue;
    told[run].n_samples = counts[told[run].row];
    parallel.insert(run);
  }
  choose_newest();
  growing = newest;
  refresh_channels();
}

bool Reader::Impl::refresh() {
  if (replayed) return false;  // of a closed file, of which replay() chooses what is there
  if (!file || (index && !doubt.empty())) return reopen();
  if (in_part && row) {  // of a file that was closed: no run of it grows in place
    const auto now = row->read();
    return now && commit && now->sequence == commit->sequence && now->generation == generation ? false : reopen();
  }
  try {
    if (row) {
      const auto now = row->read();
      if (now && commit && now->generation == generation && now->generation == commit->generation &&
          now->closed == commit->closed) {
        if (now->sequence == commit->sequence) return false;
        refresh_channels();
        if (index) find_others_that_grow(now->visible_samples);
        commit = now;
        return count_samples();
      }
      if (now) return reopen();
      refresh_channels();  // the row is torn for good: its writer died in it
      return count_samples();
    }
    const Stamp now = look();
    if (closed && now == stamp) return false;  // nobody has touched it: thousands of datasets need no look each
    if (!(now == stamp) && steady_now() - opened >= kForeignReopen) return reopen();
    refresh_channels();
    return count_samples();
  } catch (const FileError&) {
    drop();  // what HDF5 holds of an object that failed to refresh cannot be trusted
    throw;
  }
}

bool Reader::Impl::reopen() {
  const auto objects = [&] { return found.surveys.size() + found.stations.size() + found.runs.size() + found.channels.size(); };
  const auto samples = [&] {
    std::int64_t n = 0;
    for (const auto& run : found.runs) n += run.n_samples;
    return n;
  };
  const auto objects_before = objects();
  const auto samples_before = samples();
  open();
  return objects() != objects_before || samples() != samples_before;
}

/// As of now. Rows come with commits: behind the last one, while the structure is as it was, there is nothing new to look for.
const read::TableFile& Reader::Impl::open_table(const std::string& name) const {
  const auto now = row ? row->read() : std::nullopt;  // first: rows behind it are news to the next call
  const bool same_structure = now && now->generation == generation;
  auto known = open_tables.find(name);
  if (known != open_tables.end() && same_structure) {
    auto& [stored, seen] = known->second;
    if (seen && seen->sequence == now->sequence && seen->time == now->time && seen->closed == now->closed) return stored;
    seen.reset();
    stored.refresh();
    seen = now;
    return stored;
  }
  if (known != open_tables.end()) open_tables.erase(known);
  if (open_tables.size() >= kOpenTables) open_tables.clear();
  known = open_tables.emplace(name, OpenTable{read::TableFile{file.get(), path.string(), name}, {}}).first;
  known->second.stored.refresh();
  if (same_structure) known->second.seen = now;
  return known->second.stored;
}

template <class Read>
auto Reader::Impl::of_table(const std::string& name, Read read) const {
  require_open();
  h5::initialise();
  try {
    return read(open_table(name));
  } catch (const FileError& e) {
    open_tables.erase(name);  // what HDF5 holds of an object that failed cannot be trusted
    if (closed && probe(path).state == FileState::Closed) refuse(e.what());  // nobody changes it: no transient
    throw;
  }
}

Table Reader::Impl::table(const std::string& name, std::int64_t first) const {
  return of_table(name, [&](const read::TableFile& stored) { return stored.read(first, rows_until_now(name), look().bytes); });
}

bool Reader::Impl::has_table(std::string_view name) const {
  return std::find(found.tables.begin(), found.tables.end(), name) != found.tables.end();
}

std::int64_t Reader::Impl::table_rows(const std::string& name) const {
  return of_table(name, [&](const read::TableFile& table) { return std::min(table.rows(), rows_until_now(name)); });
}

std::string Reader::Impl::name_of(std::size_t channel) const {
  return path.string() + ": " + found.channels[channel].run + "/" + found.channels[channel].component;
}

std::string Reader::Impl::path_of(std::size_t channel) const {
  const auto& info = found.channels[channel];
  return contents::run_path(found.file_version, info.survey, info.station, info.run) + "/" + info.component;
}

/// Whether the structure is another than the one HDF5 has in its cache.
bool Reader::Impl::moved() const {
  if (!row || closed) return false;
  const auto now = row->read();
  return now && now->generation != generation;
}

/// Opens something that nobody has touched yet, of a file whose writer may change its structure at any time: what was opened
/// while it did is not trusted, and looked for again in the file as it is then.
template <class Open>
void Reader::Impl::following_the_writer(const std::string& object, Open open) {
  require_open();
  h5::initialise();
  const auto deadline = steady_now() + options.deadline;
  const bool ours = row.has_value();
  const bool indexed = index.has_value();
  while (true) {
    try {
      if (!file) {
        attach();
        if (const auto now = row ? row->read() : std::nullopt) generation = now->generation;
        if (indexed) index.emplace(file.get(), found.file_version, contents::most_objects(look().bytes));
      }
      if (!moved()) {
        open();
        if (!moved()) return;
      }
    } catch (const contents::Contradiction& e) {
      if (closed) {
        doubt = e.what();
        throw FormatError{object + ": " + e.what() + ": damaged, or changed by another program"};
      }
      if (steady_now() >= deadline) throw FileError{object + ": " + e.what()};
    } catch (const FileError& e) {
      if (closed && probe(path).state == FileState::Closed) refuse(e.what());
      if (!ours || steady_now() >= deadline) throw;
    }
    if (steady_now() >= deadline) throw FileError{object + ": its structure is being changed; refresh and read again"};
    drop();
    std::this_thread::sleep_for(kRetryPause);
  }
}

void Reader::Impl::require_hard_link(const std::string& object) const {
  if (options.visiting) options.visiting(object);
  H5L_info_t link{};
  if (h5::check(H5Lexists(file.get(), object.c_str(), H5P_DEFAULT), path.string() + ": " + object) == 0)
    throw contents::Contradiction{"is not in the file"};
  h5::check(H5Lget_info(file.get(), object.c_str(), &link, H5P_DEFAULT), path.string() + ": " + object);
  if (link.type != H5L_TYPE_HARD) throw contents::Contradiction{"is a link that MTH5 does not have"};
}

/// As it is now. @throws FileError, contents::Contradiction
void Reader::Impl::open_dataset(std::size_t channel) {
  const std::string object = path_of(channel);
  require_hard_link(object.substr(0, object.rfind('/')));
  require_hard_link(object);
  h5::Dataset dataset{H5Dopen2(file.get(), object.c_str(), H5P_DEFAULT), path.string() + ": channel " + object};
  if (!contents::sample_type(dataset, path.string() + ": " + object))
    throw contents::Contradiction{"has no samples of one channel"};
  found.datasets[channel] = std::move(dataset);
}

const h5::Dataset& Reader::Impl::dataset(std::size_t channel) {
  require_channel(channel);
  if (gone[channel]) throw FileError{name_of(channel) + ": is no longer in the file"};
  if (found.datasets[channel]) return found.datasets[channel];
  following_the_writer(name_of(channel), [&] {
    open_dataset(channel);
    const std::int64_t n = extent(channel);
    const std::int64_t promised = found.channels[channel].n_samples;
    if (!index || replayed || n == promised) return;
    const std::string what = "has " + std::to_string(n) + " samples, and " + std::to_string(promised) + " by channel_summary";
    if (n < promised) throw contents::Contradiction{what};
    if (closed) doubt = found.channels[channel].run + "/" + found.channels[channel].component + " " + what;
  });
  recent.push_back(channel);
  if (recent.size() > kOpenDatasets) {
    found.datasets[recent.front()] = {};
    recent.pop_front();
  }
  return found.datasets[channel];
}

h5::Group Reader::Impl::run_group(std::size_t run) const {
  const auto& info = found.runs[run];
  const std::string object = contents::run_path(found.file_version, info.survey, info.station, info.id);
  require_hard_link(object);
  return {H5Gopen2(file.get(), object.c_str(), H5P_DEFAULT), path.string() + ": group " + object};
}

Metadata Reader::Impl::run_metadata(std::size_t run) {
  if (run >= found.runs.size()) throw StateError{path.string() + ": there is no run " + std::to_string(run)};
  if (gone_run(run)) throw FileError{path.string() + ": " + found.runs[run].id + ": is no longer in the file"};
  std::optional<Metadata> values;
  following_the_writer(path.string() + ": " + found.runs[run].id,
                       [&] { values = contents::metadata(run_group(run).get(), Kind::Run); });
  return std::move(*values);
}

Metadata Reader::Impl::channel_metadata(std::size_t channel, std::span<const std::string_view> names) {
  require_channel(channel);
  const auto& info = found.channels[channel];
  if (gone[channel]) throw FileError{name_of(channel) + ": is no longer in the file"};
  std::optional<Metadata> values;
  following_the_writer(name_of(channel), [&] {
    if (!found.datasets[channel]) (void)dataset(channel);
    const hid_t object = found.datasets[channel].get();
    values = names.empty() ? contents::metadata(object, info.kind) : contents::metadata_of(object, info.kind, names);
  });
  if (!index || !names.empty()) return std::move(*values);
  const auto start = parse_time(values->text("time_period.start"));
  const double rate = values->number("sample_rate", info.sample_rate);
  if (rate != info.sample_rate || (start && *start != info.start))
    doubt = info.run + "/" + info.component + " has another start or sample rate by its own attributes";
  return std::move(*values);
}

}  // namespace mth5
