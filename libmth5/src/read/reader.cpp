#include "mth5/reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "contents/attributes.hpp"
#include "contents/unsupported.hpp"
#include "h5/bounded_file.hpp"
#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/filesystem.hpp"
#include "read/reader_impl.hpp"

namespace mth5 {

namespace {

constexpr std::int64_t kZeroBlock = 65'536;  ///< samples read at a time in search of one that is not 0

/// Samples that are stored as this machine has numbers of 32 bits HDF5 is to give out as they are, which goes some three times as
/// fast as its conversion.
hid_t type_to_read(hid_t dataset, const std::string& name) {
  const h5::Datatype stored{H5Dget_type(dataset), name};
  for (const hid_t own : {H5T_NATIVE_FLOAT, H5T_NATIVE_INT32})
    if (h5::check(H5Tequal(stored.get(), own), name) > 0) return own;
  return H5T_NATIVE_DOUBLE;
}

/// Numbers of 32 bits in the upper half of `out` become doubles in all of it. Front to back none is overwritten before its turn.
template <class Stored>
void widen(std::span<double> out) {
  static_assert(2 * sizeof(Stored) == sizeof(double));
  constexpr std::size_t kBlock = 256;
  std::array<Stored, kBlock> block;
  const auto* const stored = reinterpret_cast<const char*>(out.data()) + out.size() * sizeof(Stored);
  std::size_t done = 0;
  for (; done + kBlock <= out.size(); done += kBlock) {  // of a length that compilers know: several numbers at a time
    std::memcpy(block.data(), stored + done * sizeof(Stored), sizeof block);
    auto* const to = out.data() + done;
    for (std::size_t i = 0; i < kBlock; ++i) to[i] = static_cast<double>(block[i]);
  }
  const std::size_t rest = out.size() - done;
  std::memcpy(block.data(), stored + done * sizeof(Stored), rest * sizeof(Stored));
  for (std::size_t i = 0; i < rest; ++i) out[done + i] = static_cast<double>(block[i]);
}

}  // namespace

Reader::Reader(std::filesystem::path path, ReaderOptions options) : impl_{std::make_unique<Impl>()} {
  impl_->path = std::move(path);
  impl_->options = std::move(options);
  impl_->open();
}

Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Reader::Impl& Reader::impl() const {
  if (!impl_) throw StateError{"this Reader reads no file any more: it was moved from; use the one it was moved to"};
  return *impl_;
}

const std::filesystem::path& Reader::path() const { return impl().path; }

FileState Reader::state() const {
  const Probe now = probe(impl().path);
  if (const auto& replayed = impl().replayed; replayed && now.state == FileState::Closed)
    return replayed->time < replayed->end ? FileState::Live : FileState::Closed;
  const bool died = now.state == FileState::Live && !now.locked && impl().found.has_acquisition;
  return died ? FileState::WriterDied : now.state;
}

std::string Reader::file_version() const { return impl().found.file_version; }
std::string Reader::file_uuid() const { return impl().found.file_uuid; }
std::int64_t Reader::layout() const { return impl().found.layout; }
std::uintmax_t Reader::file_bytes() const { return impl().look().bytes; }

bool Reader::refresh() {
  h5::initialise();
  return impl().refresh();
}

void Reader::replay(UtcNanos time) {
  h5::initialise();
  impl().replay(time);
}

const std::vector<SurveyInfo>& Reader::surveys() const { return impl().found.surveys; }
const std::vector<StationInfo>& Reader::stations() const { return impl().found.stations; }
const std::vector<RunInfo>& Reader::runs() const { return impl().found.runs; }
const std::vector<ChannelInfo>& Reader::channels() const { return impl().found.channels; }
const std::vector<Filter>& Reader::filters() const { return impl().found.filters; }
const std::vector<std::size_t>& Reader::newest_runs() const { return impl().newest; }

Metadata Reader::channel_metadata(std::size_t channel) const { return impl().channel_metadata(channel); }
Metadata Reader::run_metadata(std::size_t run) const { return impl().run_metadata(run); }

SampleType Reader::sample_type(std::size_t channel) const {
  impl().require_channel(channel);
  return contents::sample_type(impl().dataset(channel), impl().name_of(channel)).value_or(SampleType::Float64);
}

std::optional<double> Reader::fill_value(std::size_t channel) const {
  impl().require_channel(channel);
  const auto& dataset = impl().dataset(channel);  // which may open the file again
  impl().fixed.resize(channels().size());
  auto& known = impl().fixed[channel].fill;
  if (!known) known = contents::fill_value(dataset.get(), impl().name_of(channel));
  return *known;
}

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
  impl().require_channel(channel);
  const auto& all = impl().found.channels;
  if (first < 0) {
    count = count > 0 && first > -count ? count + first : 0;
    first = 0;
  }
  first = std::min(first, all[channel].n_samples);
  count = std::clamp<std::int64_t>(count, 0, all[channel].n_samples - first);
  if (static_cast<std::uint64_t>(count) > std::vector<double>{}.max_size())
    throw FormatError{impl().path.string() + ": " + all[channel].component + " claims " + std::to_string(count) + " samples"};
  std::vector<double> samples(static_cast<std::size_t>(count));
  samples.resize(read(channel, first, samples));
  return samples;
}

std::size_t Reader::read(std::size_t channel, std::int64_t first, std::span<double> out) const {
  impl().require_channel(channel);
  const auto& all = impl().found.channels;
  if (first < 0 || first >= all[channel].n_samples || out.empty()) return 0;
  const auto start = static_cast<hsize_t>(first);
  const hsize_t count = std::min<hsize_t>(out.size(), static_cast<hsize_t>(all[channel].n_samples - first));
  const auto& dataset = impl().dataset(channel);
  const std::string name = impl().name_of(channel);
  impl().fixed.resize(all.size());
  auto& fixed = impl().fixed[channel];
  if (!fixed.bounded) {
    h5::require_bounded_chunks(dataset.get(), name);
    fixed.read_as = type_to_read(dataset.get(), name);
    fixed.bounded = true;
  }
  const auto samples = out.first(count);
  const bool narrow = fixed.read_as != H5T_NATIVE_DOUBLE;
  const h5::ReadLimit limit{std::max<std::uint64_t>(count * sizeof(double), h5::kMostPackedChunk)};
  try {
    const h5::Space where{H5Dget_space(dataset.get()), name};
    h5::check(H5Sselect_hyperslab(where.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr), name);
    const h5::Space memory{H5Screate_simple(1, &count, nullptr), name};
    const auto list = h5::transfer(count * sizeof(double));
    void* const into = reinterpret_cast<char*>(samples.data()) + (narrow ? samples.size_bytes() / 2 : 0);
    h5::check(H5Dread(dataset.get(), fixed.read_as, memory.get(), where.get(), list.get(), into), name);
  } catch (const FileError& e) {
    if (const auto filter = contents::missing_filter(dataset.get())) throw UnsupportedError{name + ": " + *filter};
    if (state() == FileState::Closed) impl().refuse(e.what());  // nobody changes it: no transient
    throw;
  }
  if (fixed.read_as == H5T_NATIVE_FLOAT) widen<float>(samples);
  if (fixed.read_as == H5T_NATIVE_INT32) widen<std::int32_t>(samples);
  return samples.size();
}

std::int64_t Reader::stored_samples(std::size_t channel) const {
  impl().require_channel(channel);
  if (impl().gone[channel]) return 0;
  if (impl().options.visiting) impl().options.visiting(impl().path_of(channel));
  (void)impl().dataset(channel);
  return impl().extent(channel);
}

void Reader::check_channel(std::size_t channel, bool attributes) const {
  double sample = 0;
  impl().require_channel(channel);
  const auto n = channels()[channel].n_samples;
  const std::string object = impl().path_of(channel);
  if (impl().gone[channel]) return;
  if (impl().options.visiting) impl().options.visiting(object);
  if (attributes) (void)channel_metadata(channel);
  const auto& dataset = impl().dataset(channel);
  const h5::PropertyList create{H5Dget_create_plist(dataset.get()), object};
  if (H5Pget_layout(create.get()) == H5D_CHUNKED) {
    const h5::Space space{H5Dget_space(dataset.get()), object};
    hsize_t chunks = 0;  // to count them HDF5 goes through the whole index
    if (H5Dget_num_chunks(dataset.get(), space.get(), &chunks) < 0)
      throw FormatError{path().string() + ": " + object + ": index of its chunks: " + h5::take_error_stack() + ": damaged"};
  }
  (void)read(channel, 0, {&sample, 1});
  (void)read(channel, n - 1, {&sample, 1});
}

std::vector<std::string> Reader::tables() const { return impl().found.tables; }

std::optional<Table> Reader::table(std::string_view name, std::int64_t first) const {
  if (!impl().has_table(name)) return std::nullopt;
  return impl().table(std::string{name}, first);
}

std::int64_t Reader::table_rows(std::string_view name) const {
  if (!impl().has_table(name)) return 0;
  return impl().table_rows(std::string{name});
}

bool Reader::has_data(std::size_t channel) const {
  impl().require_channel(channel);
  auto& zeros = impl().zeros;
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
  if (const auto n = impl().found.unfollowed_links; n > 0)
    lines.push_back(path().string() + ": " + std::to_string(n) +
                    " links not followed: they lead out of the file, or to what is in it already; no MTH5 program makes such");
  for (const auto& [name, clock] : impl().clocks)
    if (!clock.problem.empty()) lines.push_back(clock.problem + ": the times of its runs are those of the plain axis");
  for (const auto* why : {&impl().contradiction, &impl().doubt})
    if (!why->empty())
      lines.push_back(path().string() + ": channel_summary does not fit the file (" + *why +
                      "): another program changed one of them; " +
                      (impl().in_part ? "runs that differ are shown as the groups hold them" : "shown is what the groups hold"));
  return lines;
}

std::optional<Reader::Commit> Reader::last_commit() const {
  if (!impl().row) return std::nullopt;
  h5::initialise();
  if (const auto& replayed = impl().replayed; replayed && replayed->time < replayed->end) return impl().replayed_commit();
  return impl().row->read();
}

}  // namespace mth5
