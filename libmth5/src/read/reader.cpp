#include "mth5/reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <thread>

#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/filesystem.hpp"
#include "read/structure.hpp"
#include "read/tables.hpp"

namespace mth5 {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kRetryPause{20};
constexpr std::chrono::seconds kForeignReopen{10};  ///< files of other programs tell nothing of new runs
/// Deflate packs 1032:1 at best. What claims more is damaged, and would be read as fill values for ever.
constexpr std::uintmax_t kMaxCompression = 2000;
constexpr std::int64_t kZeroBlock = 65'536;  ///< samples read at a time in search of one that is not 0
constexpr auto kNewest = static_cast<double>(std::numeric_limits<std::int64_t>::max() / 1'000'000'000);
constexpr const char* kStateRow = "/Acquisition/state";

h5::PropertyList reader_access(const ReaderOptions& options) {
  h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "file access list"};
  h5::check(H5Pset_file_locking(access.get(), false, true), "file access list: locking");
  h5::check(H5Pset_metadata_read_attempts(access.get(), options.metadata_read_attempts), "file access list: read attempts");
  // No chunk cache anywhere: hundreds of channels would keep a MiB each, and windows at the end of a live file change all the
  // time.
  h5::check(H5Pset_cache(access.get(), 0, 0, 0, 1.0), "file access list: chunk cache");
  return access;
}

/// For reading `count` samples as double. HDF5 zeroes its conversion buffer, 1 MiB, in each read: one that is no larger than
/// what is read makes a short one twice as fast.
h5::PropertyList transfer(hsize_t count, const std::string& name) {
  constexpr hsize_t kMost = 131'072;  // samples: 1 MiB, HDF5's own size
  h5::PropertyList list{H5Pcreate(H5P_DATASET_XFER), name};
  h5::check(H5Pset_buffer(list.get(), std::min(count, kMost) * sizeof(double), nullptr, nullptr), name);
  return list;
}

struct Stamp {
  std::uintmax_t bytes = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const Stamp&, const Stamp&) = default;
};

}  // namespace

struct Reader::Impl {
  std::filesystem::path path;
  ReaderOptions options;
  h5::File file;  ///< empty after a refresh that failed: the next one opens again
  std::optional<read::StateRow> row;
  read::Structure found;         ///< after `file`: its datasets close first
  std::optional<Commit> commit;  ///< as of the last refresh
  Stamp stamp;
  Clock::time_point opened{};
  std::vector<std::int64_t> zeros;  ///< by channel: how many samples from the first on are known to be 0; -1: not all are

  [[nodiscard]] Stamp look() const {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) throw FileError{path.string() + ": " + std::generic_category().message(errno)};
    return {static_cast<std::uintmax_t>(status.st_size), status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
  }

  /// A second open in one process shares what the first one cached, so everything goes first.
  void drop() {
    row.reset();
    found.datasets.clear();
    file = {};
  }

  void open() {
    drop();
    h5::initialise();
    const auto deadline = Clock::now() + options.deadline;
    for (bool first = true;; first = false) {
      const Probe before = probe(path);
      try {
        open_once();
        return;
      } catch (const FileError& e) {
        drop();
        // A closed file gets one more chance: its writer may have come or gone just now. What fails then is damaged.
        const bool writer_busy = before.state != FileState::Closed || probe(path).state != FileState::Closed;
        if (!writer_busy && !first) throw FormatError{path.string() + ": damaged: " + e.what()};
        if (writer_busy && Clock::now() >= deadline) throw FileError{refusal(before, e.what())};
      } catch (...) {
        drop();
        throw;
      }
      std::this_thread::sleep_for(kRetryPause);
    }
  }

  [[nodiscard]] std::string refusal(const Probe& probed, const std::string& reason) const {
    if (!probed.locked && (probed.consistency_flags & 4) == 0)
      return path.string() +
             ": its writer died while it changed the structure, or a program without SWMR writes it; if none does, the file "
             "needs recovery: mth5-recover";
    return path.string() + ": cannot be opened while it is written: " + reason;
  }

  void open_once() {
    stamp = look();
    const auto access = reader_access(options);
    file = h5::File{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get()), path.string()};
    // Before the channels: a commit that comes while they are walked through has to be news to the next refresh().
    std::optional<read::StateRow> fresh_row;
    std::optional<Commit> fresh_commit;
    if (options.visiting) options.visiting(kStateRow);
    if (h5::has_link(file.get(), kStateRow)) {
      fresh_row.emplace(file.get(), path.string());
      fresh_commit = fresh_row->read();
    }
    read::Structure fresh = read::walk(file.get(), path.string(), options.visiting);
    read::merge(found, std::move(fresh));
    row = std::move(fresh_row);
    commit = std::move(fresh_commit);
    count_samples();
    opened = Clock::now();
  }

  [[nodiscard]] std::int64_t extent(std::size_t channel) const {
    const auto& dataset = found.datasets[channel];
    if (!dataset) return found.channels[channel].n_samples;
    const h5::Space space{H5Dget_space(dataset.get()), path.string()};
    const hssize_t n = H5Sget_simple_extent_npoints(space.get());
    h5::check(n, path.string());
    return n;
  }

  /// All channels of a run get the length of its shortest.
  bool count_samples() {
    const std::uintmax_t most = look().bytes * kMaxCompression;
    bool any_new = false;
    for (auto& run : found.runs) {
      std::int64_t n = run.channels.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
      for (const auto channel : run.channels) {
        const std::int64_t claimed = extent(channel);
        if (static_cast<std::uintmax_t>(claimed) > most / sample_bytes(found.channels[channel].type))
          throw FormatError{path.string() + ": " + run.id + "/" + found.channels[channel].component + " claims " +
                            std::to_string(claimed) + " samples in a file of " + std::to_string(most / kMaxCompression) +
                            " bytes: damaged"};
        n = std::min(n, claimed);
      }
      any_new |= n != run.n_samples;
      run.n_samples = n;
      check_times(run.station + "/" + run.id, run.sample_rate, run.start, n);
      for (const auto index : run.channels) {
        auto& channel = found.channels[index];
        channel.n_samples = n;
        check_times(run.id + "/" + channel.component, channel.sample_rate, channel.start, n);
      }
    }
    return any_new;
  }

  void check_times(const std::string& what, double rate, UtcNanos start, std::int64_t n) const {
    if (rate <= 0) return;
    const double start_s = static_cast<double>(start.time_since_epoch().count()) * 1e-9;
    if (start_s + static_cast<double>(n) / rate >= kNewest)
      throw FormatError{path.string() + ": " + what + ": " + std::to_string(n) + " samples at " + std::to_string(rate) +
                        " Hz would end after the year 2261: damaged"};
  }

  void refresh_channels() {
    for (std::size_t i = 0; i < found.datasets.size(); ++i)
      if (found.datasets[i]) h5::check(H5Drefresh(found.datasets[i].get()), path.string() + ": " + found.channels[i].component);
  }

  bool refresh() {
    if (!file) return reopen();
    try {
      if (row) {
        const auto now = row->read();
        if (now && commit && now->generation == commit->generation && now->closed == commit->closed) {
          if (now->sequence == commit->sequence) return false;
          refresh_channels();
          commit = now;
          return count_samples();
        }
        if (now) return reopen();
        refresh_channels();  // the row is torn for good: its writer died in it
        return count_samples();
      }
      if (const Stamp now = look(); !(now == stamp) && Clock::now() - opened >= kForeignReopen) return reopen();
      refresh_channels();
      return count_samples();
    } catch (const FileError&) {
      drop();  // what HDF5 holds of an object that failed to refresh cannot be trusted
      throw;
    }
  }

  bool reopen() {
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

  void require_channel(std::size_t channel) const {
    if (channel >= found.channels.size()) throw StateError{path.string() + ": there is no channel " + std::to_string(channel)};
  }

  void require_open() const {
    if (!file) throw FileError{path.string() + ": could not be reopened at the last refresh; refresh again"};
  }
};

Reader::Reader(std::filesystem::path path, ReaderOptions options) : impl_{std::make_unique<Impl>()} {
  impl_->path = std::move(path);
  impl_->options = options;
  impl_->open();
}

Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

const std::filesystem::path& Reader::path() const { return impl_->path; }

FileState Reader::state() const {
  const Probe now = probe(impl_->path);
  const bool died = now.state == FileState::Live && !now.locked && impl_->found.has_acquisition;
  return died ? FileState::WriterDied : now.state;
}

std::string Reader::file_version() const { return impl_->found.file_version; }
std::string Reader::file_uuid() const { return impl_->found.file_uuid; }
std::uintmax_t Reader::file_bytes() const { return impl_->look().bytes; }

bool Reader::refresh() {
  h5::initialise();
  return impl_->refresh();
}

const std::vector<SurveyInfo>& Reader::surveys() const { return impl_->found.surveys; }
const std::vector<StationInfo>& Reader::stations() const { return impl_->found.stations; }
const std::vector<RunInfo>& Reader::runs() const { return impl_->found.runs; }
const std::vector<ChannelInfo>& Reader::channels() const { return impl_->found.channels; }
const std::vector<Filter>& Reader::filters() const { return impl_->found.filters; }

std::vector<std::size_t> Reader::find(std::string_view station, std::string_view run, std::string_view component,
                                      std::string_view survey) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const auto same = [&](char a, char b) { return lower(a) == lower(b); };
  std::vector<std::size_t> matches;
  for (std::size_t i = 0; i < channels().size(); ++i) {
    const auto& info = channels()[i];
    if (info.station == station && info.run == run && (survey.empty() || info.survey == survey) &&
        std::equal(info.component.begin(), info.component.end(), component.begin(), component.end(), same))
      matches.push_back(i);
  }
  return matches;
}

std::vector<double> Reader::read(std::size_t channel, std::int64_t first, std::int64_t count) const {
  const auto& all = impl_->found.channels;
  if (channel >= all.size()) throw StateError{impl_->path.string() + ": there is no channel " + std::to_string(channel)};
  if (first < 0) {
    count = count > 0 && first > -count ? count + first : 0;
    first = 0;
  }
  first = std::min(first, all[channel].n_samples);
  count = std::clamp<std::int64_t>(count, 0, all[channel].n_samples - first);
  if (static_cast<std::uint64_t>(count) > std::vector<double>{}.max_size())
    throw FormatError{impl_->path.string() + ": " + all[channel].component + " claims " + std::to_string(count) + " samples"};
  std::vector<double> samples(static_cast<std::size_t>(count));
  samples.resize(read(channel, first, samples));
  return samples;
}

std::size_t Reader::read(std::size_t channel, std::int64_t first, std::span<double> out) const {
  const auto& all = impl_->found.channels;
  if (channel >= all.size()) throw StateError{impl_->path.string() + ": there is no channel " + std::to_string(channel)};
  if (first < 0 || first >= all[channel].n_samples || out.empty()) return 0;
  impl_->require_open();
  h5::initialise();
  const auto start = static_cast<hsize_t>(first);
  const hsize_t count = std::min<hsize_t>(out.size(), static_cast<hsize_t>(all[channel].n_samples - first));
  const auto& dataset = impl_->found.datasets[channel];
  const std::string name = impl_->path.string() + ": " + all[channel].run + "/" + all[channel].component;
  if (!dataset) throw FileError{name + ": is no longer in the file"};
  try {
    const h5::Space where{H5Dget_space(dataset.get()), name};
    h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr), name);
    const h5::Space memory{H5Screate_simple(1, &count, nullptr), name};
    h5::check(H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), where.get(), transfer(count, name).get(), out.data()),
              name);
  } catch (const FileError& e) {
    if (state() == FileState::Closed) throw FormatError{std::string{e.what()} + ": damaged"};  // nobody changes it: no transient
    throw;
  }
  return static_cast<std::size_t>(count);
}

void Reader::check_channel(std::size_t channel) const {
  double sample = 0;
  impl_->require_channel(channel);
  const auto n = channels()[channel].n_samples;
  impl_->require_open();
  h5::initialise();
  const auto& dataset = impl_->found.datasets[channel];
  if (!dataset) return;
  std::array<char, 1024> object{};
  h5::check(H5Iget_name(dataset.get(), object.data(), object.size()), path().string());
  if (impl_->options.visiting) impl_->options.visiting(object.data());
  const h5::PropertyList create{H5Dget_create_plist(dataset.get()), object.data()};
  if (H5Pget_layout(create.get()) == H5D_CHUNKED) {
    const h5::Space space{H5Dget_space(dataset.get()), object.data()};
    hsize_t chunks = 0;  // to count them HDF5 goes through the whole index
    if (H5Dget_num_chunks(dataset.get(), space.get(), &chunks) < 0)
      throw FormatError{path().string() + ": " + object.data() + ": index of its chunks: " + h5::take_error_stack() +
                        ": damaged"};
  }
  (void)read(channel, 0, {&sample, 1});
  (void)read(channel, n - 1, {&sample, 1});
}

std::vector<std::string> Reader::tables() const { return impl_->found.tables; }

std::optional<Table> Reader::table(std::string_view name, std::int64_t first) const {
  const auto& all = impl_->found.tables;
  if (std::find(all.begin(), all.end(), name) == all.end()) return std::nullopt;
  impl_->require_open();
  h5::initialise();
  return read::TableFile{impl_->file.get(), impl_->path.string(), std::string{name}, true}.read(first, file_bytes());
}

std::int64_t Reader::table_rows(std::string_view name) const {
  const auto& all = impl_->found.tables;
  if (std::find(all.begin(), all.end(), name) == all.end()) return 0;
  impl_->require_open();
  h5::initialise();
  return read::TableFile{impl_->file.get(), impl_->path.string(), std::string{name}, true}.rows();
}

bool Reader::has_data(std::size_t channel) const {
  impl_->require_channel(channel);
  auto& zeros = impl_->zeros;
  zeros.resize(channels().size());
  std::vector<double> block;
  while (zeros[channel] >= 0 && zeros[channel] < channels()[channel].n_samples) {
    block.resize(static_cast<std::size_t>(std::min(kZeroBlock, channels()[channel].n_samples - zeros[channel])));
    const std::size_t n = read(channel, zeros[channel], block);
    const bool all_zero = std::all_of(block.begin(), block.end(), [](double value) { return value == 0; });
    zeros[channel] = all_zero ? zeros[channel] + static_cast<std::int64_t>(n) : -1;
  }
  return zeros[channel] < 0;
}

std::vector<std::string> Reader::warnings() const {
  std::vector<std::string> lines;
  if (const auto network = network_file_system(path()); network && state() != FileState::Closed)
    lines.push_back(path().string() + ": on " + std::string{*network} +
                    ": SWMR is not guaranteed there: figures may lag, and reads may fail; read it on the host that writes it");
  if (const auto n = impl_->found.unfollowed_links; n > 0)
    lines.push_back(path().string() + ": " + std::to_string(n) +
                    " links not followed: they lead out of the file, or to what is in it already; no MTH5 program makes such");
  return lines;
}

std::optional<Reader::Commit> Reader::last_commit() const {
  if (!impl_->row) return std::nullopt;
  h5::initialise();
  return impl_->row->read();
}

}  // namespace mth5
